"""Floating-point operations per node: one table, operator by operator.

The counts are conventions, not measurements: 2 for a multiply-accumulate, 5 per element to normalise, 1 per element
for all that works element by element, 0 for what only moves data.  Comparisons and integers count like any other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from slicegraph.formats.onnx import contractions
from slicegraph.formats.onnx.nodes import Node, is_standard
from slicegraph.formats.onnx.values import UNKNOWN, Value

Rule = Callable[[Node], int]


def flops(node: Node) -> int:
    """Count what a node computes, sub-graphs apart.

    An operator of ONNX that the table does not name works element by element and counts one for each element of its
    first output; one that ONNX does not know counts one for each element that it makes.  An unknown dimension, which
    only bodies can have, counts as 1.
    """
    if not is_standard(node.proto) and node.op not in RULES:
        return sum(value.numel for value in node.outputs if value is not None)
    return RULES.get(node.op, _times_output(1))(node)


def _times_output(factor: int) -> Rule:
    return lambda node: factor * _output(node).numel


def _times_input(factor: int) -> Rule:
    return lambda node: factor * _input(node).numel


def _variadic(node: Node) -> int:
    return (len(node.inputs) - 1) * _output(node).numel


def _pool(node: Node) -> int:
    return math.prod(node.integers("kernel_shape")) * _output(node).numel


def _local_response(node: Node) -> int:
    """Square and add over the window of channels, then scale, raise and divide."""
    return (2 * node.integer("size", 1) + 3) * _output(node).numel


def _interpolation(node: Node) -> int:
    """Multiply-accumulate over the neighbours, 2 (linear) or 4 (cubic) along each axis that changes."""
    axes = sum(a != b for a, b in zip(_input(node).shape or (), _output(node).shape or (), strict=False))
    return _neighbours(node.text("mode", "nearest"), axes) * _output(node).numel


def _grid_sample(node: Node) -> int:
    """Resample like Resize, along all axes but the batch and the channels."""
    axes = max(0, len(_input(node).shape or ()) - 2)
    return _neighbours(node.text("mode", "linear"), axes) * _output(node).numel


def _neighbours(mode: str, axes: int) -> int:
    width = {"linear": 2, "bilinear": 2, "cubic": 4, "bicubic": 4}.get(mode, 0)
    return 2 * width**axes if width and axes else 0


def _region_align(node: Node) -> int:
    """Interpolate each sample point from four neighbours; an adaptive number of points counts as one."""
    return 8 * max(1, node.integer("sampling_ratio", 0)) ** 2 * _output(node).numel


def _region_pool(node: Node) -> int:
    """Compare each element of the feature map, for as many regions as there are."""
    regions = _input(node, 1).dim(0)
    return regions * _input(node).numel // max(1, _input(node).dim(0))


def _sort(node: Node) -> int:
    """Compare as a sort does: log2 of the number kept, for each element."""
    kept = _output(node).dim(node.integer("axis", -1)) if node.op == "TopK" else _input(node).numel
    return _input(node).numel * max(1, math.ceil(math.log2(max(1, kept))))


def _suppression(node: Node) -> int:
    """Compare each box with those kept so far, at about 10 operations for an overlap."""
    boxes, scores, limit = _input(node), _input(node, 1), _input(node, 2).scalar
    kept = boxes.dim(1) if limit is None else min(boxes.dim(1), max(0, limit))
    return 10 * scores.dim(0) * scores.dim(1) * boxes.dim(1) * kept


def _fourier(node: Node) -> int:
    """Count 5 N log2 N for each transform, as is customary for FFTs."""
    asked, moved = _input(node, 1).scalar, _input(node, 2).scalar
    axis = node.integer("axis", 1) if moved is None else moved
    length = _input(node).dim(axis) if asked is None else max(1, asked)
    return _transforms(length, _output(node).numel // max(1, 2 * _output(node).dim(axis)))


def _short_time_fourier(node: Node) -> int:
    """Transform each frame, which is as long as the window."""
    bins = _output(node).dim(2)
    length = 2 * (bins - 1) if node.input(2) is None else _input(node, 2).dim(0)
    return _transforms(length, _output(node).numel // max(1, 2 * bins))


def _transforms(length: int, count: int) -> int:
    return count * math.ceil(5 * length * math.log2(max(2, length)))


def _determinant(node: Node) -> int:
    """Eliminate: two thirds of n^3 for each matrix."""
    return 2 * _input(node).numel * _input(node).dim(-1) // 3


def _input(node: Node, position: int = 0) -> Value:
    return node.input(position) or UNKNOWN


def _output(node: Node) -> Value:
    return (node.outputs[0] if node.outputs else None) or UNKNOWN


_MOVING: Final = """
    BitCast Cast CastLike CenterCropPad Compress Concat ConcatFromSequence Constant ConstantOfShape DepthToSpace
    Expand EyeLike Flatten Gather GatherElements GatherND Identity ImageDecoder MaxUnpool NonZero OneHot Optional
    OptionalGetElement OptionalHasElement Pad Reshape ReverseSequence Scatter ScatterElements ScatterND SequenceAt
    SequenceConstruct SequenceEmpty SequenceErase SequenceInsert SequenceLength Shape Size Slice SpaceToDepth Split
    SplitToSequence Squeeze TensorScatter Tile Transpose Trilu Unsqueeze
"""
_NORMALISING: Final = """
    GroupNormalization Hardmax InstanceNormalization LayerNormalization LogSoftmax LpNormalization
    MeanVarianceNormalization RMSNormalization Softmax
"""
_REDUCING: Final = """
    ArgMax ArgMin Col2Im CumProd CumSum GlobalAveragePool GlobalMaxPool ReduceL1 ReduceL2 ReduceLogSum
    ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare
"""
RULES: Final[Mapping[str, Rule]] = {
    **dict.fromkeys(_MOVING.split(), _times_output(0)),
    **dict.fromkeys(_NORMALISING.split(), _times_output(5)),
    **dict.fromkeys(_REDUCING.split(), _times_input(1)),
    **dict.fromkeys(("AveragePool", "LpPool", "MaxPool"), _pool),
    **dict.fromkeys(("Max", "Mean", "Min", "Sum"), _variadic),
    **dict.fromkeys(("MatMul", "MatMulInteger"), contractions.matrix_product),
    **dict.fromkeys(("GRU", "LSTM", "RNN"), contractions.recurrence),
    **dict.fromkeys(("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"), _times_input(5)),
    **dict.fromkeys(("Resize", "Upsample"), _interpolation),
    **dict.fromkeys(("TopK", "Unique"), _sort),
    "Attention": contractions.attention,
    "BatchNormalization": _times_output(2),
    "CausalConvWithState": contractions.convolution,
    "Conv": contractions.convolution,
    "ConvInteger": partial(contractions.convolution, bias=4),
    "ConvTranspose": contractions.transposed_convolution,
    "DeformConv": partial(contractions.convolution, bias=3),
    "DFT": _fourier,
    "Det": _determinant,
    "Einsum": contractions.einsum,
    "Gemm": contractions.gemm,
    "GlobalLpPool": _times_input(2),
    "GridSample": _grid_sample,
    "LinearAttention": contractions.linear_attention,
    "LRN": _local_response,
    "MaxRoiPool": _region_pool,
    "NonMaxSuppression": _suppression,
    "QLinearConv": partial(contractions.convolution, weight=3, bias=8),
    "QLinearMatMul": contractions.matrix_product,
    "RoiAlign": _region_align,
    "RotaryEmbedding": _times_output(3),
    "STFT": _short_time_fourier,
    "ai.onnx.preview.FlexAttention": contractions.attention,
}
"""How to count each operator that does not simply work element by element."""
