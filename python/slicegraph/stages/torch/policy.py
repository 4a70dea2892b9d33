"""A plan as the split policy that ``torch.distributed.pipelining.pipeline`` takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.distributed import pipelining
from torch.fx import Graph, GraphModule, Node

from slicegraph.errors import InputError
from slicegraph.stages.torch.placement import Placement, Wanted, place


def split_module(traced: GraphModule, plan: Mapping[str, int]) -> GraphModule:
    """Order a traced module by stages, and mark where each ends.

    Parameters
    ----------
    traced
        What ``pipeline`` has traced: it reads parameters in place, and its nodes are those of the user's export.
    plan
        The stage of each node, by name.

    Returns
    -------
        The module with a new graph: stage after stage, between them ``pipe_split``.

    Raises
    ------
    InputError
        The plan is of another module, or what is changed in place would be read as it was, or in another stage.

    Notes
    -----
    What pipelining asks of a module is added: inputs enter by the first stage in their order, outputs leave by the
    last, and each stage reads of the one before it.  Inputs, results and one value for each stage that read none are
    sent on where that is not so by itself.  What parameters alone decide is computed in every stage that reads it.
    Pipelining looks for a tied tensor under any of its names, so a stage that reads one has it under all; of a tensor
    that several stages read pipelining makes copies, in each stage under one name.
    O((nodes + reads) x stages).
    """
    wanted = Wanted(plan)
    placement = place(traced.graph, wanted.of_own)
    wanted.check()
    _check_changes(traced.graph, placement)
    traced.graph = _Ordered(traced.graph, placement, _tied(traced)).graph()
    traced.recompile()
    return traced


# Importing pipelining makes this operator, whose Python function cannot be put into a graph that is traced already.
_MARK = torch.ops.pippy._pipe_split.default if pipelining else None  # noqa: SLF001 - see above


class _Ordered:
    """A graph in the order of its stages."""

    def __init__(self, old: Graph, placement: Placement, tied: Mapping[str, Sequence[str]]) -> None:
        self._old = old
        self._tied = tied
        self._placement = placement
        self._order = {node: index for index, node in enumerate(old.nodes)}
        self._new = Graph(tracer_cls=old._tracer_cls)  # noqa: SLF001 - as copies of graphs do
        self._new._codegen = old._codegen  # noqa: SLF001 - its signature
        # What each stage reads for a node of the old graph, and the stage that makes it.
        self._at: dict[Node, Node] = {}
        self._home: dict[Node, int] = {}
        self._mark: Node | None = None
        self._aliases: dict[str, Node] = {}
        # Outlining does not take nodes of one module that stand apart, as they may in the new order: none is outlined.
        stacks = (node.meta.get("nn_module_stack") or {} for node in old.nodes)
        self._stack = dict(
            next((list(stack.items())[:1] for stack in stacks if stack), [("L__self__", ("", "Module"))])
        )

    def graph(self) -> Graph:
        stages = self._placement.stages
        inputs = [node for node in self._old.nodes if node.op == "placeholder"]
        held = {node: self._copy(node, {}) for node in self._old.nodes if node.op in {"placeholder", "get_attr"}}
        self._at |= held
        self._aliases = {str(node.target): made for node, made in held.items() if node.op == "get_attr"}
        for node in inputs:
            if isinstance(node.meta.get("val"), torch.Tensor):
                self._at[node] = self._relay(held[node])
                self._home[node] = stages[0]
        for before, stage in zip([None, *stages], stages, strict=False):
            if before is not None:
                self._mark = self._new.call_function(_MARK)
            self._stage(stage, before)
        self._end(stages[-1])
        return self._new

    def _stage(self, stage: int, before: int | None) -> None:
        own = [node for node in self._old.nodes if self._placement.stage_of.get(node) == stage]
        free = self._placement.needed(own)
        reads = {
            read: self._home[read] for node in (*own, *free) for read in node.all_input_nodes if read in self._home
        }
        earlier = {read: home for read, home in reads.items() if home != stage}
        if before is not None and earlier and before not in earlier.values():
            # Stages are numbered by who reads of whom: the stage before sends on the value that is read first.
            self._send_on(min(earlier, key=self._order.__getitem__), before)
        # Pipelining looks for a tied tensor under any of its names, so a stage has it under all.
        own_names = {str(node.target) for node in free if node.op == "get_attr"}
        for name in sorted({other for known in own_names for other in self._tied.get(known, ())} - own_names):
            self._relay(self._held(name))
        local = dict(self._at)
        for node in sorted({*own, *free}, key=self._order.__getitem__):
            if node.op in {"placeholder", "get_attr"}:
                continue
            local[node] = self._copy(node, local)
            if node in self._placement.stage_of:
                self._at[node], self._home[node] = local[node], stage

    def _held(self, name: str) -> Node:
        """Read a parameter that the old graph reads under another name."""
        if name not in self._aliases:
            first = next(iter(self._new.nodes))
            with self._new.inserting_before(first):
                self._aliases[name] = self._new.get_attr(name)
        return self._aliases[name]

    def _send_on(self, node: Node, stage: int) -> None:
        """Send a value on at the end of a stage, before the mark that follows it."""
        with self._new.inserting_before(self._mark):
            self._at[node] = self._relay(self._at[node])
        self._home[node] = stage

    def _end(self, last: int) -> None:
        """Let every output leave by the last stage."""
        (output,) = self._old.find_nodes(op="output")
        free = self._placement.needed([output])
        for node in sorted(free, key=self._order.__getitem__):
            if node.op not in {"placeholder", "get_attr"}:
                self._at[node] = self._copy(node, self._at)
        for node in output.all_input_nodes:
            if node.op == "get_attr" or self._home.get(node, last) != last:
                self._at[node] = self._relay(self._at[node])
        self._new.node_copy(output, self._at.__getitem__)

    def _relay(self, node: Node) -> Node:
        made = self._new.call_function(torch.ops.aten.alias.default, (node,))
        made.meta = {"nn_module_stack": self._stack, "val": node.meta.get("val")}
        return made

    def _copy(self, node: Node, read: Mapping[Node, Node]) -> Node:
        made = self._new.node_copy(node, read.__getitem__)
        made.meta = {**node.meta, "nn_module_stack": self._stack}
        return made


def _tied(module: GraphModule) -> Mapping[str, Sequence[str]]:
    """Give all names of each tensor that has several, by each of them."""
    tensors = [*module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False)]
    names: dict[int, list[str]] = {}
    for name, tensor in tensors:
        names.setdefault(id(tensor), []).append(name)
    return {name: several for several in names.values() if len(several) > 1 for name in several}


def _check_changes(graph: Graph, placement: Placement) -> None:
    """Refuse to cut what is changed in place from what reads or makes it.

    Where a value is changed in another stage than the one that makes it, or is read there as it was, a stage would
    have a copy that the change does not reach.
    """
    root: dict[Node, Node] = {}
    changes: dict[Node, list[Node]] = {}
    users: dict[Node, list[Node]] = {}
    order = {node: index for index, node in enumerate(graph.nodes)}
    for node in graph.nodes:
        roots = dict.fromkeys(root.get(read, read) for read in node.all_input_nodes)
        for each in roots:
            users.setdefault(each, []).append(node)
        schema: Any = getattr(node.target, "_schema", None)
        for position, declared in enumerate(schema.arguments if schema is not None else ()):
            given = node.args[position] if position < len(node.args) else node.kwargs.get(declared.name)
            if declared.alias_info is None or not isinstance(given, Node):
                continue
            root[node] = root.get(given, given)
            if declared.alias_info.is_write:
                changes.setdefault(root[node], []).append(node)
        if schema is None and node.all_input_nodes and node.op == "call_function":
            root[node] = root.get(node.all_input_nodes[0], node.all_input_nodes[0])
    for base, changing in changes.items():
        last = max(changing, key=order.__getitem__)
        home = {placement.stage_of[node] for node in (base, *changing) if node in placement.stage_of}
        home |= {
            placement.stage_of[user]
            for user in users[base]
            if user in placement.stage_of and (order[user] < order[last] or base in placement.free)
        }
        if len(home) > 1:
            first, *_, end = sorted(home)
            raise InputError(
                f"plan: {last.name} changes {base.name} in place, which stages {first} and {end} use: keep them"
                " together, or cut it with slicegraph.torch.stages"
            )
