"""What is a parameter: stored tensors, Constant nodes, and all that is computed only from them."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any, Final

import numpy as np
from onnx import GraphProto, NodeProto

from slicegraph.errors import InputError
from slicegraph.formats.facts import MOST_UNPACKED
from slicegraph.formats.onnx import encoding
from slicegraph.formats.onnx.elements import Elements
from slicegraph.formats.onnx.nodes import Node, Stated, attribute, described, spelling
from slicegraph.formats.onnx.values import Stored, Value, kind_of, negative, of_array, of_sparse, of_tensor

_RANDOM: Final = frozenset(
    {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}
)
# They only arrange what the model stores, so what is stored stays what is read.
_ARRANGING: Final = frozenset({"Expand", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"})
# They make a piece of what the model stores, Gather where it takes one.
_PIECES: Final = frozenset({"Gather", "Slice", "Split"})
# What they make stands in the file, or is told by shapes.
_TOLD: Final = frozenset({"Constant", "Shape", "Size"})
# The forms of a Constant that are no tensor: where the attribute keeps its elements, and their type.
_FORMS: Final[Mapping[str, tuple[str, Any]]] = {
    "value_float": ("f", np.float32),
    "value_floats": ("floats", np.float32),
    "value_int": ("i", np.int64),
    "value_ints": ("ints", np.int64),
    "value_string": ("s", np.object_),
    "value_strings": ("strings", np.object_),
}


def initializers(graph: GraphProto, encoded: bytes | None = None) -> Iterator[tuple[str, Value]]:
    """Run over the dense parameters that a graph stores; two that are one part of another file are one.

    The model in its encoding, if the graph is that of a model, is read several times as fast.
    """
    parts: dict[Hashable, Value] = {}
    for name, value, place in _taken(graph, encoded):
        if place is not None and value.elements is None:
            first = parts.setdefault(place, value)
            yield name, value._replace(stores=first.stores)
        else:
            yield name, value


def sparse(graph: GraphProto) -> Iterator[tuple[str, Value]]:
    """Run over the sparse parameters that a graph stores."""
    for tensor in graph.sparse_initializer:
        yield tensor.values.name, of_sparse(tensor)


def _taken(graph: GraphProto, encoded: bytes | None) -> Iterator[tuple[str, Value, Hashable | None]]:
    """Run over a graph's dense tensors: name, value, and where in another file the elements are."""
    if encoded is None or (taken := encoding.onnx_stored(encoded)) is None:
        yield from _stated(graph)
        return
    types, rows = taken
    kinds = [kind_of(elem_type, tuple(dims)) for elem_type, dims in types]
    tensors = graph.initializer
    for position, (name, number, is_elsewhere, place) in enumerate(rows):
        kind = kinds[number]
        if kind.is_negative:
            raise negative(name)
        elements = None if is_elsewhere or not kind.is_few else Elements.at((tensors, position))
        yield name, kind.parameter(elements), place


def _stated(graph: GraphProto) -> Iterator[tuple[str, Value, Hashable | None]]:
    for tensor in graph.initializer:
        place = {entry.key: entry.value for entry in tensor.external_data}
        is_placed = {"location", "offset", "length"} <= place.keys()
        yield (
            tensor.name,
            of_tensor(tensor),
            (place["location"], place["offset"], place["length"]) if is_placed else None,
        )


def told(node: Stated, reads: Mapping[str, Value]) -> Value | None:
    """Give the Shape or Size of a value whose shape is known; None for any other node."""
    if node.op not in {"Shape", "Size"} or not reads:
        return None
    measured = next(iter(reads.values()))
    shape = measured.shape
    if shape is None or None in shape:
        return None
    if node.op == "Size":
        return None if measured.numel >= 1 << 63 else of_array(np.array(measured.numel, dtype=np.int64))
    start, end = attribute(node.proto, "start"), attribute(node.proto, "end")
    return of_array(np.array(shape[slice(start.i if start else 0, end.i if end else None)], dtype=np.int64))


def is_random(node: Stated, inputs: Mapping[str, Value]) -> bool:
    """Say whether a node draws random numbers, in its bodies or itself: then it is no constant."""
    if node.bodies and any(is_random(Stated.of(inner), inputs) for graph in node.bodies for inner in graph.node):
        return True
    return node.op in _RANDOM or (node.op == "Dropout" and not is_inference_dropout(node.proto, inputs))


def is_inference_dropout(node: NodeProto, values: Mapping[str, Value]) -> bool:
    """Say whether a Dropout passes its input on.

    Operator sets 1 and 6 say so in ``is_test``; 7 to 11 know no training; from 12 on, an input asks for training.
    """
    if (is_test := attribute(node, "is_test")) is not None:
        return bool(is_test.i)
    training = node.input[2] if len(node.input) > 2 else ""  # noqa: PLR2004 its third input
    if not training:
        return True
    return training in values and values[training].scalar == 0


def stores(
    node: Stated, reads: Mapping[str, Value], output: str, made: Value, pieces: dict[Hashable, Stored]
) -> tuple[Stored, ...]:
    """Say what the model stores for an output of a constant node; ``pieces`` are those of the model so far.

    What a model unpacks anew in each run, as DequantizeLinear and Cast do, is stored as it is packed; a piece of
    something as its part of that; and what it makes of nothing, or of far less, only as it is made.
    """
    own = made.nbytes or made.counted_bytes()
    if made.stores and (node.op in _TOLD or node.bodies):
        return made.stores
    first = reads.get(node.inputs[0]) if node.inputs else None
    if first is not None and first.stores:
        if node.op in _ARRANGING:
            return first.stores
        if node.op in _PIECES and (node.op != "Gather" or reads[node.inputs[1]].numel == 1):
            others = [reads[name] for name in node.inputs[1:] if name]
            key = (first.stores, spelling(node), *map(_elements, others), node.outputs.index(output))
            return _piece(first, own, key, pieces)
    parts = [part for value in reads.values() for part in value.stores if part.is_given and not part.is_list]
    if not parts:
        return (Stored(own, False),)  # noqa: FBT003 - fastest
    packed = tuple(dict.fromkeys(parts))
    is_unpacked = own <= MOST_UNPACKED * sum([part.nbytes for part in packed])
    return packed if is_unpacked else (Stored(own, is_given=False),)


def _piece(whole: Value, own: int, key: Hashable, pieces: dict[Hashable, Stored]) -> tuple[Stored, ...]:
    stored, unpacked = sum(part.nbytes for part in whole.stores), whole.nbytes or 0
    if own >= unpacked or not stored:
        return whole.stores
    share = -(-own * max(stored, unpacked) // unpacked)
    is_given = all(part.is_given for part in whole.stores)
    return (pieces.setdefault(key, Stored(nbytes=min(share, stored), is_given=is_given)),)


def _elements(value: Value) -> Hashable:
    array = value.array
    return value.stores if array is None else (array.dtype.str, array.shape, array.tobytes())


def attribute_bytes(node: Node) -> int:
    """Say what a node of classical machine learning stores in its attributes, as trees and linear models do."""
    if not node.op.startswith("ai.onnx.ml."):
        return 0
    found = node.proto.attribute
    tensors = sum(of_tensor(tensor).counted_bytes() for each in found for tensor in (each.t, *each.tensors))
    return tensors + sum(4 * len(each.floats) + 8 * len(each.ints) for each in found)


def stored(node: NodeProto) -> Value:
    """Read a Constant node."""
    value = _stored(node)
    return value if value.nbytes is not None else value._replace(reason=described(node))


def _stored(node: NodeProto) -> Value:
    if (found := attribute(node, "value")) is not None:
        return of_tensor(found.t)
    if (found := attribute(node, "sparse_value")) is not None:
        return of_sparse(found.sparse_tensor)
    for name, (form, kind) in _FORMS.items():
        if (found := attribute(node, name)) is not None:
            return of_array(np.array(getattr(found, form), dtype=kind))
    raise InputError(f"{described(node)} has no value")
