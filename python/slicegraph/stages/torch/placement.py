"""The stage of every node of a traced PyTorch program, also of those that a plan does not name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from torch._ops import HigherOrderOperator  # PyTorch gives their type no other name
from torch.fx import Graph, Node

from slicegraph.errors import InputError
from slicegraph.formats.torch.names import module_path, node_name, origin
from slicegraph.formats.torch.nodes import name_of

_SOURCES = {"placeholder", "get_attr"}
_RECURRENCES = {"lstm", "gru", "rnn_tanh", "rnn_relu"}


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the nodes of a program are.

    Attributes
    ----------
    stage_of
        Of each node that runs in one stage, that stage.
    free
        What depends on no such node: parameters, inputs, and what is computed of them alone and is no node of a plan.
        Every stage that reads one makes it by itself.
    """

    stage_of: Mapping[Node, int]
    free: AbstractSet[Node]

    @property
    def stages(self) -> list[int]:
        """The stages that have a node, ascending."""
        return sorted(set(self.stage_of.values()))

    def needed(self, nodes: Iterable[Node]) -> set[Node]:
        """Give the free nodes that these nodes read, and those that they are computed of."""
        found: set[Node] = set()
        waiting = [read for node in nodes for read in node.all_input_nodes]
        while waiting:
            node = waiting.pop()
            if node in self.free and node not in found:
                found.add(node)
                waiting += node.all_input_nodes
        return found


def place(graph: Graph, wanted: Callable[[Node], Iterable[int]]) -> Placement:
    """Find a stage for every node.

    Parameters
    ----------
    graph
        The program.
    wanted
        Gives the stages that a plan wants the parts of a node in; none: it does not name the node.

    Returns
    -------
        A node is in the last stage that is wanted. One that no plan names is where the last of what it reads is, as are
        views and what does nothing, or it is free.

    Raises
    ------
    InputError
        A node would read what a later stage makes.

    Notes
    -----
    O(nodes + reads).
    """
    stage_of: dict[Node, int] = {}
    free: set[Node] = set()
    for node in graph.nodes:
        if node.op == "output":
            continue
        before = max((stage_of[read] for read in node.all_input_nodes if read in stage_of), default=-1)
        stage = max(wanted(node), default=before) if node.op not in _SOURCES else -1
        if stage < 0:
            free.add(node)
            continue
        if stage < before:
            raise InputError(f"plan: {node.name} is in stage {stage}, but reads what stage {before} makes")
        stage_of[node] = stage
    return Placement(stage_of, free)


class Wanted:
    """What a plan wants of the nodes of one program.

    Parameters
    ----------
    plan
        The stage of each node of a plan, by its name: the path of its module, and last the name in the export.
    """

    def __init__(self, plan: Mapping[str, int]) -> None:
        self._by_name = plan
        self._by_last: dict[str, list[str]] = {}
        for name in plan:
            self._by_last.setdefault(name.rpartition("/")[2], []).append(name)
        self._met: set[str] = set()

    def of_own(self, node: Node) -> Sequence[int]:
        """Give the stages of a node of the user's own export.

        Raises
        ------
        InputError
            The node is a recurrence of several layers, which the plan has in several stages.
        """
        if node.op in _SOURCES:
            return []
        if isinstance(node.target, HigherOrderOperator):
            return self._last(node.name)
        path, kind = module_path(node), name_of(node)
        if kind not in _RECURRENCES:
            return self._exactly(node_name(node, path, node.name, is_apart=False))
        # A plan has its layers one by one, under the names of as many nodes.
        prefix = f"{path}/{kind}" if path else kind
        found = [stage for name in self._by_name if _is_numbered(name, prefix) for stage in self._exactly(name)]
        if len(set(found)) > 1:
            rule = "pipelining exports its layers as one; keep them together, or cut it with slicegraph.torch.stages"
            raise InputError(f"plan: {path or kind} is cut between its layers, but {rule}")
        return found

    def of_functional(self, apart: AbstractSet[str]) -> Callable[[Node], Sequence[int]]:
        """Give what finds the stages of a node of the functional program; ``apart`` are names of the user's own."""

        def find(node: Node) -> Sequence[int]:
            if node.op in _SOURCES:
                return []
            owner, path = origin(node), module_path(node)
            if isinstance(node.target, HigherOrderOperator):
                return self._last(owner)
            return self._exactly(node_name(node, path, owner, is_apart=owner in apart))

        return find

    def check(self) -> None:
        """Refuse a plan with a node that was not asked for."""
        for name in self._by_name:
            if name not in self._met:
                rule = "a plan is for the module and arguments that it was traced from"
                raise InputError(f"plan: {name!r:.80} is the name of no node of this module; {rule}")

    def _exactly(self, name: str) -> Sequence[int]:
        if name not in self._by_name:
            return []
        self._met.add(name)
        return [self._by_name[name]]

    def _last(self, last: str) -> Sequence[int]:
        names = self._by_last.get(last, [])
        self._met.update(names)
        return [self._by_name[name] for name in names]


def _is_numbered(name: str, prefix: str) -> bool:
    """Say whether a name is a prefix, or that and a number."""
    rest = name.removeprefix(prefix)
    return name.startswith(prefix) and (not rest or (rest[0] == "_" and rest[1:].isdigit()))
