"""A model that runs what the graph has and nothing more: the nodes that the reader keeps, named by their numbers."""

from __future__ import annotations

import ctypes
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import onnx
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

from slicegraph.errors import InputError
from slicegraph.formats.onnx.nodes import body_graphs, is_standard, read_names
from slicegraph.formats.onnx.opening import Opened
from slicegraph.formats.onnx.preparation import prepared
from slicegraph.formats.onnx.skeleton import KEPT_BYTES
from slicegraph.stages.onnx.events import CONSTANT
from slicegraph.stages.onnx.samples import PLAIN, Given, sample_inputs
from slicegraph.stages.onnx.sessions import Runner, Values, run, to_values

_STORED_ARE_NO_INPUTS: Final = 4  # before this version of the encoding, what is stored had to be an input as well


@dataclass(frozen=True, kw_only=True, slots=True)
class Runnable:
    """A model to measure.

    Attributes
    ----------
    content
        The model, encoded; node ``i`` of the graph is named ``i``, and a node in a body has no name.
    stored
        Big constants that the content only names.
    inputs
        A value for each input.
    """

    content: bytes
    stored: Values
    inputs: Values


def runnable(
    source: Opened, model: ModelProto, runner: Runner, *, given: Given, seed: int, dims: Mapping[str, int]
) -> Runnable:
    """Make the model that runs a graph, of the model that was `loaded`, which is used up.

    What the reader folds is computed once and stored, but for sequences and strings, which cannot be.

    Raises
    ------
    InputError
        An input cannot be made up, or onnxruntime cannot compute the constants.
    """
    model.ir_version = max(model.ir_version, _STORED_ARE_NO_INPUTS)
    nodes = list(model.graph.node)
    for node in nodes:
        _unname(node)
    kept = {node.position: index for index, node in enumerate(source.walked.nodes)}
    stored: dict[str, Any] = {}
    if folded := _folded(nodes, kept):
        _reduce(model.graph, source, _leading_to(nodes, folded, ()), folded)
        inputs = _inputs(model.graph, given, seed, dims)
        found = run(runner.session(model.SerializeToString(), {}), inputs)
        stored = {name: value for name, value in zip(folded, found, strict=True) if _is_storable(value)}
    made = {name: None for position in kept for name in nodes[position].output if name}
    needed = _leading_to(nodes, made, stored)
    for position, node in needed.items():
        node.name = str(kept.get(position, CONSTANT))
    outputs = [info.name for info in source.model.graph.output if info.name in made]
    _reduce(model.graph, source, needed, outputs)
    model.graph.initializer.extend(_tensor(name, value) for name, value in stored.items())
    return Runnable(
        content=model.SerializeToString(),
        # A session takes only what it does not own.
        stored=to_values({name: value.numpy() for name, value in stored.items() if _is_apart(value)}),
        inputs=_inputs(model.graph, given, seed, dims),
    )


def _inputs(graph: GraphProto, given: Given, seed: int, dims: Mapping[str, int]) -> Values:
    """Give the values of the inputs that are left."""
    here = {info.name: given[info.name] for info in graph.input if info.name in given}
    return to_values(sample_inputs(graph.input, here, seed=seed, dims=dims))


def loaded(path: Path) -> ModelProto:
    """Load the model with the weights in its file, but not with those beside it."""
    try:
        model = onnx.load(path, format="protobuf", load_external_data=False)
    except Exception as error:
        raise InputError("it cannot be loaded: beyond 2 GB, weights must be external data") from error
    return prepared(model).model


def _unname(node: NodeProto) -> None:
    """Take away a node's name, and those of the nodes in it."""
    node.ClearField("name")
    for graph in body_graphs(node):
        for inner in graph.node:
            _unname(inner)


def _folded(nodes: Sequence[NodeProto], kept: Collection[int]) -> list[str]:
    """Name what the kept nodes read of all that the others compute; a Constant is stored by itself."""
    computed = {
        name
        for position, node in enumerate(nodes)
        if position not in kept and not (is_standard(node) and node.op_type == "Constant")
        for name in node.output
    }
    read = {name: None for position in kept for name in read_names(nodes[position])}
    return [name for name in read if name in computed]


def _leading_to(nodes: Sequence[NodeProto], names: Iterable[str], given: Collection[str]) -> dict[int, NodeProto]:
    """Find the nodes, by position, that some values take when others are given."""
    needed = set(names)
    found: dict[int, NodeProto] = {}
    for position in reversed(range(len(nodes))):
        if not needed.isdisjoint(nodes[position].output):
            found[position] = nodes[position]
            needed.update(name for name in read_names(nodes[position]) if name not in given)
    return dict(reversed(found.items()))


def _reduce(graph: GraphProto, source: Opened, nodes: Mapping[int, NodeProto], outputs: Iterable[str]) -> None:
    """Leave only some nodes of a graph, and the inputs that they read."""
    read = frozenset[str]().union(*(read_names(node) for node in nodes.values()))
    known = {info.name: info for info in source.model.graph.output}
    inputs = [info for info in source.model.graph.input if info.name in source.inputs and info.name in read]
    for field, messages in (
        ("node", list(nodes.values())),
        ("input", inputs),
        ("output", [known.get(name) or ValueInfoProto(name=name) for name in outputs]),
        ("value_info", []),  # what the file records may be stale, and onnxruntime infers types by itself
    ):
        graph.ClearField(field)
        getattr(graph, field).extend(messages)


def _is_storable(value: Any) -> bool:  # noqa: ANN401 - a value of onnxruntime, which has no stubs
    return value.is_tensor() and value.element_type() != TensorProto.STRING  # type: ignore[no-any-return] # see above


def _is_apart(value: Any) -> bool:  # noqa: ANN401 - see above
    """Say whether a constant is handed over beside the model: a big one, of a type that numpy has."""
    return value.tensor_size_in_bytes() > KEPT_BYTES and value.element_type() in PLAIN


def _tensor(name: str, value: Any) -> TensorProto:  # noqa: ANN401 - see above
    """Put a constant into the model, or its name alone; a small one may be a shape that others depend on."""
    tensor = TensorProto(name=name, data_type=value.element_type(), dims=value.shape())
    if _is_apart(value):
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="constants")
    else:
        # As bytes: not all types are numpy's.
        tensor.raw_data = ctypes.string_at(value.data_ptr(), value.tensor_size_in_bytes())
    return tensor
