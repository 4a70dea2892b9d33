"""What each stage of a model holds: its nodes, the constants that they need, and what crosses its borders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from onnx import NodeProto

from slicegraph.errors import InputError
from slicegraph.formats.onnx.nodes import read_names
from slicegraph.formats.onnx.opening import Opened


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """The content of one stage.

    Attributes
    ----------
    num_nodes
        Nodes of the graph.
    positions
        Where its nodes stand in the model, with copies of those that make its constants.
    stored
        Names of the model's initializers that it reads.
    known
        Names of constants that hang on shapes: their elements are known.
    inputs
        What it reads from elsewhere, and the stage that makes it; None: a model input.
    outputs
        What it makes for others, and the stages that read it; None, the last: the model returns it.
    """

    num_nodes: int
    positions: set[int] = field(default_factory=set)
    stored: set[str] = field(default_factory=set)
    known: set[str] = field(default_factory=set)
    inputs: dict[str, int | None] = field(default_factory=dict)
    outputs: dict[str, list[int | None]] = field(default_factory=dict)


def divide(model: Opened, stage_of: Sequence[int]) -> list[Part]:
    """Divide a model into stages.

    A constant goes into every stage that reads it: with the nodes that make it if it hangs on parameters alone, as its
    elements if it hangs on shapes. What the model returns and no node makes is passed on by the last stage. A stage
    without a reader of its values returns all of them.

    Parameters
    ----------
    model
        The model.
    stage_of
        The stage of each of its graph's nodes: every one from 0 on, none empty, none below that of a producer.

    Raises
    ------
    InputError
        A stage needs a value of a later one, to compute a shape that the reader of models cannot know.

    Notes
    -----
    O(nodes x stages), for constants that all stages need.
    """
    return _Divider(model, stage_of).parts()


class _Divider:
    """Finds out for every stage what its nodes need."""

    def __init__(self, model: Opened, stage_of: Sequence[int]) -> None:
        self._model = model
        self._stage_of = stage_of
        graph = model.model.graph
        nodes = model.walked.nodes
        self._stored = {tensor.name for tensor in graph.initializer}
        self._stored |= {sparse.values.name for sparse in graph.sparse_initializer}
        self._maker = {name: stage for node, stage in zip(nodes, stage_of, strict=True) for name in _made(node.proto)}
        kept = {node.position for node in nodes}
        self._folded = {
            name: position for position, proto in enumerate(graph.node) if position not in kept for name in _made(proto)
        }
        self._reads = {position: list(read_names(graph.node[position])) for position in set(self._folded.values())}
        self._parametric = set(self._stored)
        for name, position in self._folded.items():
            if model.walked.values[name].is_constant and self._parametric.issuperset(self._reads[position]):
                self._parametric.add(name)

    def parts(self) -> list[Part]:
        nodes, returned = self._model.walked.nodes, self._model.walked.outputs
        members: list[list[int]] = [[] for _ in range(max(self._stage_of) + 1)]
        for node, stage in enumerate(self._stage_of):
            members[stage].append(node)
        parts = [Part(num_nodes=len(indices)) for indices in members]
        for stage, (part, indices) in enumerate(zip(parts, members, strict=True)):
            part.positions.update(nodes[index].position for index in indices)
            self._need(part, stage, (name for index in indices for name in nodes[index].stated.reads))
        passed = [name for name in returned if name not in self._maker]
        self._need(parts[-1], len(parts) - 1, passed)
        parts[-1].outputs.update((name, [None]) for name in passed)
        for part in parts:
            # A node that is copied for one of its outputs makes the others, too.
            copied = (self._model.model.graph.node[position] for position in part.positions)
            part.known.difference_update(*map(_made, copied))
        self._connect(parts)
        for part, indices in zip(parts, members, strict=True):
            if not part.outputs:
                part.outputs.update((name, []) for index in indices for name in _made(nodes[index].proto))
        return parts

    def _need(self, part: Part, stage: int, names: Iterable[str]) -> None:
        """Add to a stage what makes values that it reads."""
        values, wanted = self._model.walked.values, list(names)[::-1]
        while wanted:
            name = wanted.pop()
            if name in self._maker:
                if self._maker[name] > stage:
                    source = f"which hangs on {name!r}, made by stage {self._maker[name]}"
                    raise InputError(f"stage {stage} needs a shape whose value is not known, {source}")
                if self._maker[name] < stage:
                    part.inputs[name] = self._maker[name]
            elif name in self._stored:
                part.stored.add(name)
            elif name not in self._folded:
                part.inputs[name] = None
            elif name not in self._parametric and values[name].tensor is not None:
                part.known.add(name)
            elif self._folded[name] not in part.positions:
                part.positions.add(self._folded[name])
                wanted.extend(self._reads[self._folded[name]])

    def _connect(self, parts: Sequence[Part]) -> None:
        """Give every stage as outputs what later ones read and the model returns, in the order of the file."""
        readers: dict[str, list[int | None]] = {name: [] for name in self._maker}
        for stage, part in enumerate(parts):
            for name, source in part.inputs.items():
                if source is not None:
                    readers[name].append(stage)
        for name in dict.fromkeys(self._model.walked.outputs):
            if name in self._maker:
                readers[name].append(None)
        for name, stages in readers.items():
            if stages:
                parts[self._maker[name]].outputs[name] = stages


def _made(proto: NodeProto) -> list[str]:
    return [name for name in proto.output if name]
