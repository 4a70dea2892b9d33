"""What is a parameter: stored tensors, Constant nodes, and all that is computed only from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
from onnx import GraphProto, NodeProto

from slicegraph.errors import InputError
from slicegraph.formats.onnx.nodes import attribute, body_graphs, described, is_standard
from slicegraph.formats.onnx.values import Value, of_array, of_sparse, of_tensor

_RANDOM: Final = frozenset(
    {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}
)
# They only arrange what the model stores, so what is stored stays what is read.
_ARRANGING: Final = frozenset({"Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"})
# The forms of a Constant that are no tensor: where the attribute keeps its elements, and their type.
_FORMS: Final[Mapping[str, tuple[str, Any]]] = {
    "value_float": ("f", np.float32),
    "value_floats": ("floats", np.float32),
    "value_int": ("i", np.int64),
    "value_ints": ("ints", np.int64),
    "value_string": ("s", np.object_),
    "value_strings": ("strings", np.object_),
}


def initializers(graph: GraphProto) -> Iterator[tuple[str, Value]]:
    """Run over the parameters that a graph stores."""
    for tensor in graph.initializer:
        yield tensor.name, of_tensor(tensor)
    for sparse in graph.sparse_initializer:
        yield sparse.values.name, of_sparse(sparse)


def known(node: NodeProto, reads: Mapping[str, Value]) -> Value | None:
    """Read a Constant node, or the Shape or Size of a value whose shape is known; None for any other node."""
    if not is_standard(node):
        return None
    if node.op_type == "Constant":
        return _constant(node)
    if node.op_type not in {"Shape", "Size"} or not reads:
        return None
    measured = next(iter(reads.values()))
    shape = measured.shape
    if shape is None or None in shape:
        return None
    if node.op_type == "Size":
        return None if measured.numel >= 1 << 63 else of_array(np.array(measured.numel, dtype=np.int64))
    start, end = attribute(node, "start"), attribute(node, "end")
    return of_array(np.array(shape[slice(start.i if start else 0, end.i if end else None)], dtype=np.int64))


def is_random(node: NodeProto, inputs: Mapping[str, Value]) -> bool:
    """Say whether a node draws random numbers, in its bodies or itself: then it is no constant."""
    if any(is_random(inner, inputs) for graph in body_graphs(node) for inner in graph.node):
        return True
    return node.op_type in _RANDOM or (node.op_type == "Dropout" and not is_inference_dropout(node, inputs))


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


def stored_bytes(node: NodeProto, values: Mapping[str, Value]) -> int | None:
    """Say what the model stores for a constant node's output; None: that is just its size.

    A quantised weight is stored, and read, as it is before DequantizeLinear.
    """
    if node.op_type == "DequantizeLinear":
        return sum(value.counted_bytes() for value in values.values())
    if node.op_type in _ARRANGING and node.input and node.input[0]:
        return values[node.input[0]].counted_bytes()
    return None


def attribute_bytes(node: NodeProto) -> int:
    """Say what a node of classical machine learning stores in its attributes, as trees and linear models do."""
    if node.domain != "ai.onnx.ml":
        return 0
    tensors = sum(of_tensor(tensor).counted_bytes() for found in node.attribute for tensor in (found.t, *found.tensors))
    return tensors + sum(4 * len(found.floats) + 8 * len(found.ints) for found in node.attribute)


def _constant(node: NodeProto) -> Value:
    if (found := attribute(node, "value")) is not None:
        return of_tensor(found.t)
    if (found := attribute(node, "sparse_value")) is not None:
        return of_sparse(found.sparse_tensor)
    for name, (form, kind) in _FORMS.items():
        if (found := attribute(node, name)) is not None:
            return of_array(np.array(getattr(found, form), dtype=kind))
    raise InputError(f"{described(node)} has no value")
