"""One module for each stage of an exported program, with the parameters and buffers that it reads, and no others."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

import torch
from torch._ops import HigherOrderOperator  # PyTorch gives their type no other name
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind, InputSpec, OutputKind
from torch.fx import Graph, GraphModule, Node
from torch.utils import _pytree as pytree

from slicegraph.errors import InputError
from slicegraph.formats.torch.names import kept_apart, module_path, node_name, origin
from slicegraph.stages.torch.placement import Placement, Wanted, place

_STATE = {OutputKind.BUFFER_MUTATION, OutputKind.USER_INPUT_MUTATION}


class StageModule(GraphModule):  # type: ignore[misc] # its type is not known where PyTorch is not installed
    """A stage of a module: it takes the tensors of ``input_names``, and gives those of ``output_names``.

    One tensor is given as itself, several as a tuple; the last stage gives what the module gives.
    """

    @property
    def block(self) -> int:
        """Its stage, as plans number it."""
        return int(self.meta["block"])

    @property
    def input_names(self) -> tuple[str, ...]:
        """What it takes, in order: inputs of the module, and tensors that earlier stages give, as a plan names them."""
        return tuple(self.meta["input_names"])

    @property
    def output_names(self) -> tuple[str, ...]:
        """What it gives; of the last stage, the outputs of the module, nested as that has them."""
        return tuple(self.meta["output_names"])


def stage_modules(exported: ExportedProgram, plan: Mapping[str, int]) -> list[StageModule]:
    """Cut an exported program into stages.

    Parameters
    ----------
    exported
        What ``torch.export.export`` made of a module.
    plan
        The stage of each node, by name.

    Returns
    -------
        A module for each stage with a node, in order. Its parameters and buffers are those of the user's module, not
        copies, under their own names.

    Raises
    ------
    InputError
        The plan is of another program, or a buffer is read in one stage and written in another.

    Notes
    -----
    The stages are cut from the functional program, in which nothing is changed in place: what a buffer holds in the end
    is copied to it in the stage that makes it.  What is computed of parameters alone, such as a mask or a cast weight,
    is computed in every stage that reads it.  O(nodes + reads), and as much again for each stage.
    """
    program = exported.run_decompositions({})
    wanted, apart = Wanted(plan), kept_apart(exported)
    placement = place(program.graph, wanted.of_functional(apart))
    wanted.check()
    cut = _Cut(program, placement, apart)
    return [cut.module(stage) for stage in placement.stages]


@dataclass(frozen=True, slots=True)
class _Update:
    """What a stage copies at its end, and what it is copied to: a buffer, or an input."""

    value: Node
    place: Node


class _Cut:
    """A program with the stages of its nodes."""

    def __init__(self, program: ExportedProgram, placement: Placement, apart: AbstractSet[str]) -> None:
        self._program = program
        self._placement = placement
        self._apart = apart
        self._order = {node: index for index, node in enumerate(program.graph.nodes)}
        placeholders = [node for node in program.graph.nodes if node.op == "placeholder"]
        self._specs: dict[Node, InputSpec] = dict(zip(placeholders, program.graph_signature.input_specs, strict=True))
        (output,) = program.graph.find_nodes(op="output")
        pairs = list(zip(output.args[0], program.graph_signature.output_specs, strict=True))
        self._returned = [part for part, spec in pairs if spec.kind not in _STATE]
        by_target = {spec.target: node for node, spec in self._specs.items() if spec.target is not None}
        by_target |= {node.name: node for node in placeholders}
        self._updates = [_Update(part, by_target[spec.target]) for part, spec in pairs if spec.kind in _STATE]
        self._last = max(placement.stages)
        self._check_buffers()
        self._read_in = self._readers()
        self._called = {stage: self._names(stage) for stage in placement.stages}

    def module(self, stage: int) -> StageModule:
        nodes = self._nodes(stage)
        updates = [each for each in self._updates if self._home(each.value) == stage]
        root = torch.nn.Module()
        graph = Graph()
        copies: dict[Node, Node] = {}
        inputs = [node for node in nodes if self._is_given(node, stage)]
        for node in inputs:
            copies[node] = graph.placeholder(node.name)
            copies[node].meta = dict(node.meta)
        for node in nodes:
            if node in copies:
                continue
            if node.op in {"placeholder", "get_attr"}:
                copies[node] = self._own(root, graph, node, stage)
            else:
                copies[node] = graph.node_copy(node, copies.__getitem__)
        for each in updates:
            graph.call_function(torch.ops.aten.copy_.default, (copies[each.place], copies[each.value]))
        outputs = self._given(stage)
        if stage == self._last:
            root.output_spec = self._program.call_spec.out_spec
            leaves = [copies[part] if isinstance(part, Node) else part for part in self._returned]
            graph.output(_structured(graph, leaves, root.output_spec))
            names = [self._name(part) if isinstance(part, Node) else "" for part in self._returned]
        else:
            values = tuple(copies[node] for node in outputs)
            graph.output(values[0] if len(values) == 1 else values)
            names = [self._name(node) for node in outputs]
        made = StageModule(root, graph, class_name="StageModule")
        self._settle_state(made, nodes, stage)
        made.meta |= {
            "block": stage,
            "input_names": [*map(self._name, inputs)],
            "output_names": names,
            "module_inputs": list(self._program.graph_signature.user_inputs),
            "module_in_spec": self._program.call_spec.in_spec,
        }
        return made

    def _nodes(self, stage: int) -> list[Node]:
        """List what a stage runs or reads, in the program's order."""
        own = [node for node in self._order if self._placement.stage_of.get(node) == stage]
        ends = [each.place for each in self._updates if self._home(each.value) == stage]
        if stage == self._last:
            ends += [part for part in self._returned if isinstance(part, Node)]
        free = {node for node in ends if node in self._placement.free}
        free |= self._placement.needed([*own, *free])
        read = {read for node in own for read in node.all_input_nodes}
        found = {*own, *free, *(node for node in (*read, *ends) if node in self._placement.stage_of)}
        return sorted(found, key=self._order.__getitem__)

    def _is_given(self, node: Node, stage: int) -> bool:
        """Say whether a stage is given a value: an input of the module, or what another stage makes."""
        home = self._placement.stage_of.get(node)
        if home is None:
            return bool(node.op == "placeholder" and self._specs[node].kind == InputKind.USER_INPUT)
        return home != stage

    def _given(self, stage: int) -> list[Node]:
        """List what a stage gives to others, in the program's order."""
        return [node for node in self._order if self._home(node) == stage and self._read_in[node] - {stage}]

    def _home(self, node: Node) -> int:
        return self._placement.stage_of.get(node, self._last)

    def _readers(self) -> dict[Node, set[int]]:
        """Find the stages that read each value."""
        found: dict[Node, set[int]] = {node: set() for node in self._order}
        for node, stage in self._placement.stage_of.items():
            for read in node.all_input_nodes:
                found[read].add(stage)
        for part in self._returned:
            if isinstance(part, Node):
                found[part].add(self._last)
        return {node: stages if node in self._placement.stage_of else set() for node, stages in found.items()}

    def _check_buffers(self) -> None:
        for update in self._updates:
            home = self._home(update.value)
            for user in _users(update.place, self._placement):
                stage = self._placement.stage_of[user]
                if stage != home:
                    raise InputError(
                        f"{self._specs[update.place].target}: it is read in stage {stage} and written in stage {home};"
                        " both belong together"
                    )

    def _own(self, root: Any, graph: Graph, node: Node, stage: int) -> Node:  # noqa: ANN401 - a module
        """Put a parameter, a buffer, a constant or a graph where the user's module has it, and read it there."""
        if node.op == "get_attr":
            target, held = str(node.target), operator.attrgetter(str(node.target))(self._program.graph_module)
        else:
            target, *_ = self._called[stage][node]
            held = self._program.state_dict.get(target, self._program.constants.get(target))
        parent, name = _owner(root, target)
        if isinstance(held, torch.nn.Module):
            parent.add_module(name, held)
        elif isinstance(held, torch.nn.Parameter):
            parent.register_parameter(name, held)
        elif isinstance(held, torch.Tensor):
            parent.register_buffer(name, held)
        else:
            setattr(parent, name, held)
        made = graph.get_attr(target)
        made.meta = dict(node.meta)
        return made

    def _settle_state(self, made: StageModule, nodes: Sequence[Node], stage: int) -> None:
        """Keep out of a stage's state what is not in the module's, such as constants, and put in what has two names."""
        for node in nodes:
            target, *others = [str(node.target)] if node.op == "get_attr" else self._called[stage].get(node, [""])
            for other in others:
                parent, name = _owner(made, other)
                setattr(parent, name, operator.attrgetter(target)(made))
            if not target or target in self._program.state_dict:
                continue
            parent, name = _owner(made, target)
            held = getattr(parent, name)
            if isinstance(held, torch.Tensor):
                delattr(parent, name)
                parent.register_buffer(name, held, persistent=False)

    def _names(self, stage: int) -> dict[Node, list[str]]:
        """Name what a stage holds: a tied tensor as each module calls it that reads it there."""
        names: dict[int, list[str]] = {}
        for name, tensor in self._program.state_dict.items():
            names.setdefault(id(tensor), []).append(name)
        found: dict[Node, list[str]] = {}
        for node, spec in self._specs.items():
            if spec.kind == InputKind.USER_INPUT or spec.target is None:
                continue
            tied = names.get(id(self._program.state_dict.get(spec.target)), [])
            users = _users(node, self._placement)
            paths = {module_path(user) for user in users if self._placement.stage_of[user] == stage}
            found[node] = [name for name in tied if name.rpartition(".")[0] in paths] or [spec.target]
        return found

    def _name(self, node: Node) -> str:
        """Name a value as the graph that was traced does."""
        if node.op == "placeholder":
            return str(node.name)
        if node.target is operator.getitem:
            return f"{self._name(node.args[0])}:{node.args[1]}"
        is_apart = origin(node) in self._apart and not isinstance(node.target, HigherOrderOperator)
        return node_name(node, module_path(node), origin(node), is_apart=is_apart)


def _structured(graph: Graph, leaves: list[Any], spec: Any) -> Any:  # noqa: ANN401 - a tree and its shape
    """Nest outputs as a module does."""
    if spec.is_leaf():
        return leaves[0]
    return graph.call_function(pytree.tree_unflatten, (leaves, graph.get_attr("output_spec")))


def _users(node: Node, placement: Placement) -> Iterator[Node]:
    """Give the nodes with a stage that read a value, also through free ones."""
    for user in node.users:
        if user in placement.stage_of:
            yield user
        elif user in placement.free:
            yield from _users(user, placement)


def _owner(root: Any, target: str) -> tuple[Any, str]:  # noqa: ANN401 - a module
    """Find the module that holds an attribute, and make those that are missing."""
    *path, name = target.split(".")
    for part in path:
        if not hasattr(root, part):
            root.add_module(part, torch.nn.Module())
        root = getattr(root, part)
    return root, name
