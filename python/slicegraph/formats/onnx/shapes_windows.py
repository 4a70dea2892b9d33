"""Shapes of onnxruntime's convolutions and pools, wherever their channels stand: first, last, or in blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from slicegraph.formats.onnx.elementary import given
from slicegraph.formats.onnx.nodes import Node
from slicegraph.formats.onnx.shaping import ShapeRule, kind, tensor, windows
from slicegraph.formats.onnx.values import Value


def convolution(weight: int, typed: int, *, channels_last: bool | None = None) -> ShapeRule:
    """Convolve; None: an attribute says where the channels are."""

    def rule(node: Node) -> Sequence[Value]:
        value, kernel = given(node), given(node, weight)
        made = kind(given(node, typed))
        if value.shape is None or kernel.shape is None or len(value.shape) < 3 or len(value.shape) != len(kernel.shape):  # noqa: PLR2004 batch and channels
            return [tensor(made, None)]
        is_last = bool(node.integer("channels_last", 0)) if channels_last is None else channels_last
        lengths = value.shape[1:-1] if is_last else value.shape[2:]
        places = windows(node, lengths, kernel.shape[2:])
        ends = (*places, kernel.shape[0]) if is_last else (kernel.shape[0], *places)
        return [tensor(made, (value.shape[0], *ends))]

    return rule


def pool(*, channels_last: bool | None = None) -> ShapeRule:
    """Pool within windows; None: an attribute says where the channels are."""

    def rule(node: Node) -> Sequence[Value]:
        value = given(node)
        if value.shape is None or len(value.shape) < 3:  # noqa: PLR2004 batch and channels
            return [tensor(kind(value), None)]
        is_last = bool(node.integer("channels_last", 0)) if channels_last is None else channels_last
        lengths = value.shape[1:-1] if is_last else value.shape[2:]
        places = windows(node, lengths, node.integers("kernel_shape"))
        ends = (*places, value.shape[-1]) if is_last else (value.shape[1], *places)
        return [tensor(kind(value), (value.shape[0], *ends))]

    return rule


def global_pool(node: Node) -> Sequence[Value]:
    """Pool all that is neither batch nor channel."""
    value = given(node)
    if value.shape is None:
        return [tensor(kind(value), None)]
    channel = len(value.shape) - 1 if node.integer("channels_last", 0) else 1
    return [tensor(kind(value), [length if axis in {0, channel} else 1 for axis, length in enumerate(value.shape)])]


def _blocked(node: Node) -> Sequence[Value]:
    """Bring channels to the front; how many a block holds is the machine's, and padding is not counted."""
    value = given(node)
    if not node.integer("channels_last", 0) or value.shape is None:
        return [tensor(kind(value), value.shape)]
    return [tensor(kind(value), (value.shape[0], value.shape[-1], *value.shape[1:-1]))]


def _unblocked(node: Node) -> Sequence[Value]:
    """Bring channels back, without those that only fill a block."""
    value, channels = given(node), node.integer("channels", 0) or None
    if value.shape is None:
        return [tensor(kind(value), None)]
    if node.integer("channels_last", 0):
        return [tensor(kind(value), (value.shape[0], *value.shape[2:], channels))]
    return [tensor(kind(value), (value.shape[0], channels, *value.shape[2:]))]


def _scaled(node: Node) -> Sequence[Value]:
    value, scales = given(node), node.integers("scales")
    if value.shape is None or len(scales) != len(value.shape):
        return [tensor(kind(value), None)]
    pairs = zip(value.shape, scales, strict=True)
    return [tensor(kind(value), [None if length is None else length * scale for length, scale in pairs])]


BLOCKED: Final[Mapping[str, ShapeRule]] = {
    "AveragePool": pool(channels_last=False),
    "Conv": convolution(1, 0, channels_last=False),
    "GlobalAveragePool": global_pool,
    "GlobalMaxPool": global_pool,
    "MaxPool": pool(channels_last=False),
    "ReorderInput": _blocked,
    "ReorderOutput": _unblocked,
    "Upsample": _scaled,
}
"""What the operators of com.microsoft.nchwc make, whose channels stand in blocks."""
