"""Operators of ONNX's own domain that its operator set, its inference or its reference do not know as runtimes do.

Found by comparing them with onnxruntime 1.32: over the node models of onnx 1.23, and over the operators that shapes are
computed with, in all their versions.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from onnx import GraphProto, NodeProto, defs

from slicegraph.formats.onnx.nodes import Stated, attribute, body_graphs, is_standard
from slicegraph.formats.onnx.values import UNKNOWN, Value

LIKE_INPUT: Final = frozenset(
    {
        *("GroupNormalization", "MeanVarianceNormalization"),
        *("Affine", "ImageScaler", "ParametricSoftplus", "Scale", "ScaledTanh"),
    }
)
"""ONNX infers nothing for these, or never had them; their output is like their input."""

APART: Final = "beyond"
"""A domain for nodes that ONNX's checker has no rule for."""

_AXES_AN_INPUT: Final = 13  # from it on, Squeeze and Unsqueeze have their axes as an input
_NUMPY_BROADCASTING: Final = 7  # before it, an attribute says where the second operand lies in the first


def is_beyond(node: NodeProto, version: int) -> bool:
    """Say whether an operator of ONNX's own domain is not in an operator set, so that ONNX's checker refuses it."""
    return is_standard(node) and not _has(node.op_type, version)


@lru_cache(maxsize=1 << 12)
def _has(op_type: str, version: int) -> bool:
    # A file may state any number.
    return bool(defs.has(op_type, min(max(1, version), defs.onnx_opset_version()), ""))


def is_as_written(node: Stated, version: int) -> bool:
    """Say whether a node is of ONNX's own domain, and `known_form` leaves it as a file writes it."""
    if node.op in {"Squeeze", "Unsqueeze"} and version < _AXES_AN_INPUT:
        axes = attribute(node.proto, "axes")
        return axes is None or all(axis >= 0 for axis in axes.ints)
    # An operator of another domain has a dot in its name, so no set has it.
    return _has(node.op, version) and node.op not in LIKE_INPUT


def set_apart(graph: GraphProto, version: int) -> bool:
    """Put the nodes of a graph that are beyond an operator set into a domain that no checker knows; say if any is."""
    found = [is_beyond(node, version) for node in graph.node]
    for node, is_apart in zip(graph.node, [*found], strict=True):
        if is_apart:
            node.domain = APART
        found += [set_apart(body, version) for body in body_graphs(node)]
    return any(found)


def known_form(node: NodeProto, reads: Mapping[str, Value], version: int) -> tuple[NodeProto, int]:
    """Give a node that means the same and is in an operator set of ONNX, and that set's version.

    Optimisers write operators into ONNX's own domain before its operator set has them, and onnxruntime runs some of
    them: LayerNormalization since ever, SimplifiedLayerNormalization, which is in none, and DynamicSlice, which became
    Slice.  Such a node is what it is in the first operator set that has it.  Negative axes were allowed, and
    understood by inference and by the reference, only later than runtimes took them.
    """
    if not is_standard(node):
        return node, version
    if node.op_type in {"Squeeze", "Unsqueeze"} and version < _AXES_AN_INPUT:
        return _with_positive_axes(node, reads), version
    if not is_beyond(node, version):
        return node, version
    if node.op_type == "SimplifiedLayerNormalization":
        # What LayerNormalization returns, but for the mean.
        return _renamed(node, "LayerNormalization", [*node.output[:1], "", *node.output[1:]]), 17
    if node.op_type == "DynamicSlice":
        return _renamed(node, "Slice", node.output), 10
    later = range(max(1, version), defs.onnx_opset_version() + 1)
    return node, next((each for each in later if defs.has(node.op_type, each, "")), version)


def is_misjudged(node: Stated, reads: Mapping[str, Value], version: int) -> bool:
    """Say whether ONNX's reference computes other elements than runtimes do, of the type and shape that fit."""
    op = node.op
    if op == "NonZero":
        return next(iter(reads.values()), UNKNOWN).shape == ()  # the standard says no place, onnxruntime says one
    if op == "ReduceMean":
        return next(iter(reads.values()), UNKNOWN).numel == 0  # integers: the mean of nothing
    if op == "Unique":
        found = attribute(node.proto, "sorted")
        return found is not None and not found.i  # sorts, or takes from the first axis
    return (
        version < _NUMPY_BROADCASTING
        and attribute(node.proto, "axis") is not None
        and attribute(node.proto, "broadcast") is not None
    )


def _renamed(node: NodeProto, op_type: str, outputs: list[str]) -> NodeProto:
    renamed = NodeProto()
    renamed.CopyFrom(node)
    renamed.op_type = op_type
    del renamed.output[:]
    renamed.output.extend(outputs)
    return renamed


def _with_positive_axes(node: NodeProto, reads: Mapping[str, Value]) -> NodeProto:
    found, shape = attribute(node, "axes"), next(iter(reads.values()), UNKNOWN).shape
    if found is None or shape is None:
        return node
    rank = len(shape) + (len(found.ints) if node.op_type == "Unsqueeze" else 0)
    if not all(-rank <= axis < rank for axis in found.ints):
        return node
    positive = NodeProto()
    positive.CopyFrom(node)
    axes = next(each for each in positive.attribute if each.name == "axes").ints
    ordered = sorted(axis % rank for axis in found.ints)
    del axes[:]
    axes.extend(ordered)
    return positive
