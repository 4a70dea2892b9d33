"""Floating-point operations per node: a table for each domain, operator by operator.

The counts are conventions, not measurements: 2 for a multiply-accumulate, 5 per element to normalise, 1 per element
for all that works element by element, 0 for what only moves data.  Comparisons and integers count like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

from slicegraph.formats.counting import Count, Formulas, formulas, guess
from slicegraph.formats.onnx import attentions, contractions, flops_microsoft, flops_ml
from slicegraph.formats.onnx.elementary import (
    Rule,
    given,
    grid_sample,
    has,
    made,
    neighbours,
    per_input,
    per_output,
    pool,
    rotation,
    sort,
    variadic,
)
from slicegraph.formats.onnx.nodes import Node
from slicegraph.formats.onnx.values import Value

# The same operators on tensors in another layout, which onnxruntime's optimized models hold.
_LAYOUTS: Final = ("com.microsoft.nchwc.", "com.ms.internal.nhwc.")

_NO_FACTORS: Final = frozenset({"bool", "int64", "string"})


def count(node: Node, formulas_given: Formulas) -> Count:
    """Count what a node computes, sub-graphs apart: by the user's formula, by the tables, or else as a guess."""
    if formulas_given.ops and node.op in formulas_given.ops and (mine := _by_formula(node, formulas_given)) is not None:
        return mine
    op = node.op
    if (rule := RULES.get(op) or RULES.get(_plain(op))) is None:
        factors = [_shape(value) for value in node.inputs if value is not None and value.dtype not in _NO_FACTORS]
        return guess(factors, [_shape(value) for value in node.outputs if value is not None])
    # Attributes may be nonsense.
    return Count(flops=max(0, rule(node)), is_guess=op in _ON_DATA and _hangs_on_data(node))


def _by_formula(node: Node, formulas_given: Formulas) -> Count | None:
    return formulas_given.count(
        node.op,
        [_shape(value) for value in node.inputs],
        [_shape(value) for value in node.outputs],
        {found.name: found.i for found in node.proto.attribute if found.type == found.INT},
    )


_ON_DATA: Final = frozenset({"NonMaxSuppression", "RoiAlign"})


def _hangs_on_data(node: Node) -> bool:
    """Say whether elements that are not known decide how much a node computes."""
    if node.op == "RoiAlign":
        return node.integer("sampling_ratio", 0) < 1
    return bool(has(node, 2)) and given(node, 2).scalar is None


def _plain(op: str) -> str:
    prefix = next((layout for layout in _LAYOUTS if op.startswith(layout)), "")
    return op.removeprefix(prefix)


def _shape(value: Value | None) -> tuple[int, ...]:
    return () if value is None else tuple(1 if dim is None else dim for dim in value.shape or ())


def _local_response(node: Node) -> int:
    """Square and add over the window of channels, then scale, raise and divide."""
    return (2 * node.integer("size", 1) + 3) * made(node).numel


def _interpolation(node: Node) -> int:
    """Interpolate along each axis that changes."""
    width, is_smoothing = neighbours(node.text("mode", "nearest")), bool(node.integer("antialias", 0))
    return formulas.resampling(_shape(given(node)), _shape(made(node)), width, is_smoothing=is_smoothing)


def _reduction(node: Node) -> int:
    """Combine all elements, unless no axis is named and that means none."""
    axes = given(node, 1).numel if has(node, 1) else len(node.integers("axes"))
    return 0 if node.integer("noop_with_empty_axes", 0) and not axes else given(node).numel


def _region_align(node: Node) -> int:
    """Interpolate each sample point from four neighbours; an adaptive number of points is guessed to be one."""
    points = max(1, node.integer("sampling_ratio", 0)) ** 2
    return formulas.interpolation(points * made(node).numel, 2, 2)


def _region_pool(node: Node) -> int:
    """Compare each element of the feature map, for as many regions as there are."""
    regions = given(node, 1).dim(0)
    return regions * given(node).numel // max(1, given(node).dim(0))


def _suppression(node: Node) -> int:
    """Compare each box of each class with those kept so far."""
    boxes, scores, limit = given(node), given(node, 1), given(node, 2).scalar
    kept = boxes.dim(1) if limit is None else min(boxes.dim(1), max(0, limit))
    return formulas.suppression(scores.dim(0) * scores.dim(1) * boxes.dim(1), kept)


def _fourier(node: Node) -> int:
    asked, moved = given(node, 1).scalar, given(node, 2).scalar
    axis = node.integer("axis", 1) if moved is None else moved
    length = given(node).dim(axis) if asked is None else max(1, asked)
    return formulas.transforms(length, made(node).numel // max(1, made(node).dim(-1) * made(node).dim(axis)))


def _short_time_fourier(node: Node) -> int:
    """Transform each frame, which is as long as the window."""
    bins = made(node).dim(2)
    length = given(node, 2).dim(0) if has(node, 2) else 2 * (bins - 1)
    return formulas.transforms(length, made(node).numel // max(1, 2 * bins))


def _determinant(node: Node) -> int:
    return formulas.elimination(given(node).numel, given(node).dim(-1))


def _batch_normalization(node: Node) -> int:
    """Scale and shift; in training, normalise by the batch's own mean and variance."""
    return (formulas.NORMALISING if node.integer("training_mode", 0) else 2) * made(node).numel


def _optimizer(per_element: int, tensors: int) -> Rule:
    """Update each element of each parameter, which has so many tensors behind a rate and a count."""

    def rule(node: Node) -> int:
        momentum = 2 * (node.text("mode", "standard") == "nesterov")
        updated = node.inputs[2 : 2 + (len(node.inputs) - 2) // tensors]
        return (per_element + momentum) * sum(value.numel for value in updated if value is not None)

    return rule


def _scatter(node: Node) -> int:
    """Combine each update with what stands in its place, where it does not just replace it."""
    return 0 if node.text("reduction", "none") == "none" else given(node, 2).numel


_MOVING: Final = """
    BitCast Cast CastLike CenterCropPad Compress Concat ConcatFromSequence Constant ConstantOfShape Crop DepthToSpace
    DynamicSlice Expand EyeLike Flatten Gather GatherElements GatherND GivenTensorFill Identity MaxUnpool MemcpyFromHost
    MemcpyToHost NonZero OneHot Optional OptionalGetElement OptionalHasElement Pad ReorderInput ReorderOutput Reshape
    ReverseSequence SequenceAt SequenceConstruct SequenceEmpty SequenceErase SequenceInsert SequenceLength Shape Size
    Slice SpaceToDepth Split SplitToSequence Squeeze StringConcat TensorScatter Tile Transpose Trilu Unsqueeze
"""
_ELEMENTWISE: Final = """
    Abs Acos Acosh Add And Asin Asinh Atan Atanh Bernoulli BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor
    BlackmanWindow Ceil Celu Clip Cos Cosh DequantizeLinear Div Dropout Elu Equal Erf Exp Floor Gelu Greater
    GreaterOrEqual HammingWindow HannWindow HardSigmoid HardSwish IsInf IsNaN LeakyRelu Less LessOrEqual Log
    MelWeightMatrix Mish Mod Mul Neg Not Or PRelu ParametricSoftplus Pow QuantizeLinear RandomNormal RandomNormalLike
    RandomUniform RandomUniformLike Range Reciprocal Relu Round Scale ScaledTanh Selu Shrink Sigmoid Sign Sin Sinh
    Softplus Softsign Sqrt Sub Swish Tan Tanh ThresholdedRelu Where Xor
"""
_NORMALISING: Final = """
    GroupNormalization InstanceNormalization LayerNormalization LogSoftmax LpNormalization
    MeanVarianceNormalization RMSNormalization SimplifiedLayerNormalization Softmax
"""
_REDUCING: Final = """
    ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare
"""
_SCANNING: Final = "ArgMax ArgMin Col2Im CumProd CumSum GlobalAveragePool GlobalLpPool GlobalMaxPool Hardmax"
RULES: Final[Mapping[str, Rule]] = {
    **dict.fromkeys(_MOVING.split(), per_output(0)),
    **dict.fromkeys(_ELEMENTWISE.split(), per_output(1)),
    **dict.fromkeys(_NORMALISING.split(), per_output(formulas.NORMALISING)),
    **dict.fromkeys(_REDUCING.split(), _reduction),
    **dict.fromkeys(_SCANNING.split(), per_input(1)),
    **dict.fromkeys(("Affine", "ImageScaler", "SwiGLU"), per_output(2)),
    **dict.fromkeys(("AveragePool", "LpPool", "MaxPool"), pool),
    **dict.fromkeys(("Max", "Mean", "Min", "Sum"), variadic),
    **dict.fromkeys(("MatMul", "MatMulInteger"), contractions.matrix_product),
    **dict.fromkeys(("GRU", "LSTM", "RNN"), contractions.recurrence),
    **dict.fromkeys(("Resize", "Upsample"), _interpolation),
    **dict.fromkeys(("Scatter", "ScatterElements", "ScatterND"), _scatter),
    **dict.fromkeys(("TopK", "Unique"), sort),
    "AffineGrid": contractions.affine_grid,
    "Attention": attentions.attention,
    "BatchNormalization": _batch_normalization,
    "CausalConvWithState": partial(flops_microsoft.state_convolution, bias=2),
    "Conv": contractions.convolution,
    "ConvInteger": partial(contractions.convolution, bias=4),
    "ConvTranspose": contractions.transposed_convolution,
    "DeformConv": contractions.deformable,
    "DFT": _fourier,
    "Det": _determinant,
    # Find the least and the greatest, then divide.
    "DynamicQuantizeLinear": per_output(3),
    "Einsum": contractions.einsum,
    "Gemm": contractions.gemm,
    "GridSample": grid_sample,
    "LinearAttention": attentions.linear_attention,
    "LRN": _local_response,
    "MaxRoiPool": _region_pool,
    # Weigh the one class that is the target, and add.
    "NegativeLogLikelihoodLoss": per_input(2, 1),
    "NonMaxSuppression": _suppression,
    "QLinearConv": partial(contractions.convolution, weight=3, bias=8),
    "QLinearConvTranspose": partial(contractions.transposed_convolution, weight=3, bias=8),
    "QLinearMatMul": contractions.matrix_product,
    "RoiAlign": _region_align,
    "RotaryEmbedding": rotation,
    "STFT": _short_time_fourier,
    "SoftmaxCrossEntropyLoss": per_input(formulas.NORMALISING),
    "ai.onnx.preview.FlexAttention": attentions.flex_attention,
    # All regularise the gradient (2): add its square and divide by the root; so with two means; add it to one mean.
    "ai.onnx.preview.training.Adagrad": _optimizer(9, 3),
    "ai.onnx.preview.training.Adam": _optimizer(15, 4),
    "ai.onnx.preview.training.Momentum": _optimizer(7, 3),
    **{f"ai.onnx.ml.{op}": rule for op, rule in flops_ml.RULES.items()},
    "com.microsoft.nchwc.Conv": flops_microsoft.RULES["FusedConv"],
    **{f"com.microsoft.{op}": rule for op, rule in flops_microsoft.RULES.items()},
}
"""How to count each operator of which it is known; all others are guessed."""
