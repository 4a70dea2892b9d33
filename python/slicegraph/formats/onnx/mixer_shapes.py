"""Shapes of onnxruntime's mixers of tokens and streams (domain com.microsoft), by their definitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from onnx import TensorProto

from slicegraph.formats.onnx.elementary import given, has
from slicegraph.formats.onnx.nodes import Node
from slicegraph.formats.onnx.shaping import FLOAT, ShapeRule, kind, like, replaced, size, tensor
from slicegraph.formats.onnx.values import Shape, Value

_BFLOAT16, _FLOAT16 = TensorProto.BFLOAT16, TensorProto.FLOAT16


def _selected(node: Node) -> Sequence[Value]:
    """Give queries of all heads, and both caches as they are."""
    query, heads = given(node), node.integer("num_heads", 1)
    merged = size(query, -1)
    parts = heads if has(node, 1) else heads + 2 * node.integer("kv_num_heads", 1)
    width = None if merged is None or parts < 1 else merged // parts * heads
    made = _BFLOAT16 if node.integer("output_bf16", 0) else kind(query)
    caches = [tensor(kind(given(node, at)), given(node, at).shape) for at in (3, 4)]
    return [tensor(made, replaced(query, -1, width)), *caches]


def _delta(node: Node) -> Sequence[Value]:
    """Give a value for each token and head, and the states."""
    query, state = given(node), given(node, 6)
    if has(node, 1):
        shape: Shape | None = given(node, 2).shape
        states: Shape | None = state.shape or (
            None,
            size(given(node, 2), -2),
            size(given(node, 2), -1),
            size(given(node, 1), -1),
        )
    else:
        shape, states = (*(query.shape or (None,))[:-1], size(state, 1), size(state, 2)), state.shape
    return [tensor(kind(query), shape), tensor(FLOAT, states)]


def _low_rank(node: Node) -> Sequence[Value]:
    streams, branches = given(node), node.integer("num_branches", 1)
    merged = size(streams, -1)
    narrow = None if merged is None or branches < 1 else merged // branches
    shapes = (replaced(streams, -1, narrow), replaced(streams, -1, branches), streams.shape)
    return [tensor(kind(streams), shape) for shape in shapes]


def _reduced(node: Node) -> Sequence[Value]:
    """Give one stream of several, which are an axis or lie side by side."""
    streams, branches = given(node), node.integer("num_branches", 0)
    if branches < 1:
        shape = streams.shape
        return [tensor(kind(streams), None if shape is None else (*shape[:-2], shape[-1]))]
    merged = size(streams, -1)
    return [tensor(kind(streams), replaced(streams, -1, None if merged is None else merged // branches))]


def _rotated(node: Node) -> Sequence[Value]:
    value, width = given(node), size(given(node, 1), -1)
    batch, length, heads = (size(value, axis) for axis in range(3))
    merged = None if heads is None or width is None else heads * width
    if node.integer("flatten_batch", 0):
        length, batch = None if batch is None or length is None else batch * length, 1
    made = _FLOAT16 if node.integer("output_fp16", 0) else _BFLOAT16
    return [tensor(made, (batch, length, merged)), tensor(FLOAT, replaced(value, -1, width))]


def _routed(node: Node) -> Sequence[Value]:
    value, experts = given(node), size(given(node, 1), -1)
    shape = value.shape
    rows = None if shape is None or None in shape or not shape[-1] else value.numel // shape[-1]
    return [tensor(kind(value), (rows, experts)), *[tensor(FLOAT, (rows, experts))] * 2]


def _space(node: Node) -> Sequence[Value]:
    value, kept, states = given(node), given(node, 1), given(node, 2)
    inner = node.integer("heads", 1) * node.integer("head_dim", 64)
    made = (size(value, 0), inner)
    shapes = (made, kept.shape, states.shape, (size(value, 0), size(kept, 1)), made)
    types = (kind(value), kind(kept), kind(states), _BFLOAT16, FLOAT)
    return [tensor(each, shape) for each, shape in zip(types, shapes, strict=True)]


def _attending(node: Node) -> Sequence[Value]:
    value, weight = given(node), given(node, 2)
    hidden, directions = node.integer("hidden_size", 0) or size(weight, 2), size(weight, 0)
    last = tensor(kind(value), (directions, size(value, 1), hidden))
    return [tensor(kind(value), (size(value, 0), directions, size(value, 1), hidden)), last, last]


def _word(node: Node) -> Sequence[Value]:
    """Give a vector as wide as there are filters for each word."""
    width = node.integer("embedding_size", 0) or size(given(node, 1), 0)
    return [tensor(kind(given(node, 1)), replaced(given(node), -1, width))]


RULES: Final[Mapping[str, ShapeRule]] = {
    "AttnLSTM": _attending,
    "DynamicSparseAttention": _selected,
    "EngramGate": like(0, None, None),
    "GatedDeltaNet": _delta,
    "HyperConnectionLowRankMix": _low_rank,
    "HyperConnectionPostMix": like(0),
    "HyperConnectionPreMix": _reduced,
    "Mamba2Verify": _space,
    "MoEGroupRouter": _routed,
    "RMSNormRotary": _rotated,
    "SparsePagedAttention": _selected,
    "WordConvEmbedding": _word,
}
"""What each operator makes, without its domain."""
