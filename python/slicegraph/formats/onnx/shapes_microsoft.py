"""Shapes of onnxruntime's own operators (domain com.microsoft), by their definitions.

https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from onnx import TensorProto

from slicegraph.formats.onnx import attention_shapes as heads
from slicegraph.formats.onnx import mixer_shapes as mixers
from slicegraph.formats.onnx.elementary import given, has
from slicegraph.formats.onnx.nodes import Node
from slicegraph.formats.onnx.shapes_windows import convolution, global_pool, pool
from slicegraph.formats.onnx.shaping import (
    FLOAT,
    INT32,
    ShapeRule,
    broadcast,
    kind,
    like,
    product,
    rank,
    replaced,
    size,
    tensor,
)
from slicegraph.formats.onnx.values import Shape, Value

_BOOL, _UINT8, _UINT32 = TensorProto.BOOL, TensorProto.UINT8, TensorProto.UINT32


def _product(left: int, right: int, elem_type: int | None = None, typed: int = 0) -> ShapeRule:
    """Multiply two inputs; the result is of some type, or of that of an input."""

    def rule(node: Node) -> Sequence[Value]:
        made = kind(given(node, typed)) if elem_type is None else elem_type
        return [tensor(made, product(given(node, left).shape, given(node, right).shape))]

    return rule


def _fused_product(node: Node) -> Sequence[Value]:
    left = _transposed(given(node).shape, node, "A")
    right = _transposed(given(node, 1).shape, node, "B")
    return [tensor(kind(given(node)), product(left, right))]


def _transposed(shape: Shape | None, node: Node, name: str) -> Shape | None:
    """Move the first axis behind the others but the last, and swap the last two, as attributes say."""
    if shape is None or len(shape) < 2:  # noqa: PLR2004 a vector is not transposed
        return shape
    if node.integer(f"transBatch{name}", 0):
        shape = (*shape[1:-1], shape[0], shape[-1])
    return (*shape[:-2], shape[-1], shape[-2]) if node.integer(f"trans{name}", 0) else shape


def _gemm(right: int, typed: int | None = 0) -> ShapeRule:
    """Multiply two matrices, each transposed at will."""

    def rule(node: Node) -> Sequence[Value]:
        rows = size(given(node), 1 if node.integer("transA", 0) else 0)
        columns = size(given(node, right), 0 if node.integer("transB", 0) else 1)
        made = (
            node.integer("dtype", FLOAT) if typed is None else kind(given(node, typed)) if has(node, typed) else FLOAT
        )
        return [tensor(made, (rows, columns))]

    return rule


def _last(*lengths: str | tuple[int, int], like_input: bool = False) -> ShapeRule:
    """Replace the last axis, by an attribute or by an axis of an input; one more output may be like the input."""

    def rule(node: Node) -> Sequence[Value]:
        value = given(node)
        made = []
        for length in lengths:
            known = (
                (node.integer(length, 0) or None)
                if isinstance(length, str)
                else size(given(node, length[0]), length[1])
            )
            made.append(tensor(kind(value), replaced(value, -1, known)))
        return [*made, tensor(kind(value), value.shape)] if like_input else made

    return rule


def _broadcast(*positions: int, typed: int = 0, elem_type: int | None = None) -> ShapeRule:
    def rule(node: Node) -> Sequence[Value]:
        made = kind(given(node, typed)) if elem_type is None else elem_type
        return [tensor(made, broadcast(*(given(node, position) for position in positions)))]

    return rule


def _typed_by(position: int, default: int) -> ShapeRule:
    """Keep the shape, and take the type of another input, if it is there."""
    return lambda node: [tensor(kind(given(node, position)) if has(node, position) else default, given(node).shape)]


def _normalized_sum(node: Node) -> Sequence[Value]:
    """Give the normalised tensor, mean and deviation of each row, and the sum."""
    value = given(node)
    statistics = tensor(FLOAT, replaced(value, -1, 1))
    whole = tensor(kind(value), value.shape)
    return [whole, statistics, statistics, whole]


def _embedding(table: int, typed: int) -> ShapeRule:
    def rule(node: Node) -> Sequence[Value]:
        ids, made = given(node), kind(given(node, typed))
        shape = None if ids.shape is None else (*ids.shape, size(given(node, table), 1))
        return [tensor(made, shape), tensor(INT32, (size(ids, 0),)), tensor(made, shape)]

    return rule


def _reduction(elem_type: int | None = None) -> ShapeRule:
    def rule(node: Node) -> Sequence[Value]:
        value = given(node)
        made = kind(value) if elem_type is None else elem_type
        if value.shape is None:
            return [tensor(made, None)]
        count = len(value.shape)
        axes = {axis % count for axis in node.integers("axes") if -count <= axis < count} or set(range(count))
        if node.integer("keepdims", 1):
            return [tensor(made, [1 if axis in axes else length for axis, length in enumerate(value.shape)])]
        return [tensor(made, [length for axis, length in enumerate(value.shape) if axis not in axes])]

    return rule


def _concatenation(node: Node) -> Sequence[Value]:
    """Join every third input from the third on; scale and zero point are between."""
    parts = [given(node, position) for position in range(2, len(node.inputs), 3)]
    axis, made = node.integer("axis", 0), kind(given(node, 1))
    lengths = [size(part, axis) for part in parts]
    known = [length for length in lengths if length is not None]
    if not parts:
        return [tensor(made, None)]
    return [tensor(made, replaced(parts[0], axis, sum(known) if len(known) == len(lengths) else None))]


def _half(node: Node) -> Sequence[Value]:
    """Halve the last axis, unless the other half is an input of its own."""
    value = given(node)
    length = size(value, -1)
    if node.op.endswith("SwiGLU") and has(node, 1):
        return [tensor(kind(value), value.shape)]
    return [tensor(kind(value), replaced(value, -1, None if length is None else length // 2))]


def _gather(node: Node) -> Sequence[Value]:
    """Pick along one axis of a table; bytes hold several elements along the last."""
    table, indices = given(node), given(node, 1)
    made = kind(given(node, 2))
    if table.shape is None or indices.shape is None or not table.shape:
        return [tensor(made, None)]
    per_byte = 8 // max(1, node.integer("bits", 4)) if kind(table) == _UINT8 else 1
    shape = [*table.shape]
    shape[-1] = None if shape[-1] is None else shape[-1] * max(1, per_byte)
    axis = node.integer("gather_axis", 0)
    if not -len(shape) <= axis < len(shape):
        return [tensor(made, None)]
    axis %= len(shape)
    return [tensor(made, (*shape[:axis], *indices.shape, *shape[axis + 1 :]))]


def _lookup(node: Node) -> Sequence[Value]:
    table, indices = given(node), given(node, 1)
    return [tensor(kind(table), None if indices.shape is None else (*indices.shape, size(table, 1)))]


def _expansion(node: Node) -> Sequence[Value]:
    value, axis = given(node), given(node, 1).scalar
    if value.shape is None or axis is None or not -len(value.shape) - 1 <= axis <= len(value.shape):
        return [tensor(kind(value), None)]
    axis = axis if axis >= 0 else axis + len(value.shape) + 1
    return [tensor(kind(value), (*value.shape[:axis], 1, *value.shape[axis:]))]


def _transform(node: Node) -> Sequence[Value]:
    """Keep half of the last axis and the middle, each as real and imaginary part."""
    value = given(node)
    length = size(value, -1)
    half = None if length is None else length // 2 + 1
    return [tensor(kind(value), None if value.shape is None else (*value.shape[:-1], half, 2))]


def _back_transform(node: Node) -> Sequence[Value]:
    value = given(node)
    length = size(value, -2)
    if value.shape is None:
        return [tensor(kind(value), None)]
    return [tensor(kind(value), (*value.shape[:-2], None if length is None else 2 * (length - 1)))]


def _crop(node: Node) -> Sequence[Value]:
    wanted = given(node, 3).array
    height, width = (None, None) if wanted is None or wanted.size != 2 else (int(each) for each in wanted.ravel())  # noqa: PLR2004 (height, width)
    return [tensor(kind(given(node)), (size(given(node, 1), 0), size(given(node), 1), height, width))]


def _unfolding(node: Node) -> Sequence[Value]:
    value, axis, wide, step = (
        given(node),
        node.integer("dim", -1),
        node.integer("size", 0),
        max(1, node.integer("step", 1)),
    )
    length = size(value, axis)
    shape = replaced(value, axis, None if length is None else (length - wide) // step + 1)
    return [tensor(kind(value), None if shape is None else (*shape, wide))]


def _recurrence(node: Node) -> Sequence[Value]:
    value, weight = given(node), given(node, 2)
    hidden, directions = node.integer("hidden_size", 0) or size(weight, 1), size(weight, 0)
    last = tensor(kind(value), (directions, size(value, 1), hidden))
    return [tensor(kind(value), (size(value, 0), directions, size(value, 1), hidden)), last, last]


def _state_convolution(node: Node) -> Sequence[Value]:
    """Keep the shape, and carry as many steps as the kernel reaches back."""
    value, kernel = given(node), given(node, 1)
    wide = size(kernel, 2)
    kept = None if wide is None else (wide - 1) * node.integer("dilation", 1)
    is_plain = rank(value) == 3 and not node.integer("channels_last", 0)  # noqa: PLR2004 (batch, channels, length)
    state = given(node, 3).shape if has(node, 3) else (*(value.shape or ())[:2], kept) if is_plain else None
    return [tensor(kind(value), value.shape), tensor(kind(value), state)]


def _cast(node: Node) -> Sequence[Value]:
    return [tensor(node.integer("to", FLOAT), given(node).shape)]


_LIKE: Final = """
    BiasAdd BiasGelu BiasSoftmax BranchwiseRMSNorm FastGelu GatedAdd GatedRMSNorm Gelu GroupNorm Inverse
    LongformerAttention MRotaryEmbedding MoE MoEPacked QLinearLeakyRelu QLinearSigmoid QLinearSoftmax QMoE QOrderedGelu
    QOrderedLayerNormalization QOrderedLongformerAttention QuickGelu RotaryEmbedding ScaledSiLU Trilu
"""
RULES: Final[Mapping[str, ShapeRule]] = {
    **dict.fromkeys(_LIKE.split(), like(0)),
    **dict.fromkeys(("FusedMatMul", "FusedMatMulActivation", "TransposeMatMul"), _fused_product),
    **dict.fromkeys(("SkipLayerNormalization", "SkipSimplifiedLayerNormalization"), _normalized_sum),
    **dict.fromkeys(("ComplexMul", "ComplexMulConj"), _broadcast(0, 1)),
    **dict.fromkeys(("QLinearAdd", "QLinearMul"), _broadcast(0, 3)),
    **dict.fromkeys(("MatMulNBits", "MatMulNBitsQLoRA", "MatMulPacked"), _last("N")),
    **dict.fromkeys(("MatMulBlockQuantizedFp4Weight", "MatMulBlockQuantizedFp8Weight"), _last((1, 0))),
    **dict.fromkeys(("BiasSplitGelu", "SwiGLU"), _half),
    "Attention": heads.projected(past=4),
    "BiasDropout": like(0, None, _BOOL),
    "CDist": lambda node: [tensor(kind(given(node)), (size(given(node), 0), size(given(node, 1), 0)))],
    "CausalConvWithState": _state_convolution,
    "CropAndResize": _crop,
    "DecoderAttention": heads.decoder,
    "DecoderMaskedMultiHeadAttention": heads.multi_head(past=5, past_length=7),
    "DecoderMaskedSelfAttention": heads.projected(past=4),
    "DequantizeLinear": _typed_by(1, FLOAT),
    "DequantizeWithOrder": _cast,
    "DynamicQuantizeLSTM": _recurrence,
    "DynamicQuantizeMatMul": _product(0, 1),
    "EmbedLayerNormalization": _embedding(2, 2),
    "ExpandDims": _expansion,
    "FusedConv": convolution(1, 0, channels_last=False),
    "FusedGemm": _gemm(1),
    "GatedRelativePositionBias": lambda node: [
        tensor(kind(given(node)), (size(given(node), 0), *(given(node, 2).shape or ())[1:]))
    ],
    "GatherBlockQuantized": _gather,
    "GemmFastGelu": _product(0, 1),
    "GemmFloat8": _gemm(1, None),
    "GemmaRotaryEmbedding": lambda node: [*like(1)(node), *like(3)(node)],
    "GridSample": lambda node: [
        tensor(kind(given(node)), (*(size(given(node), axis) for axis in (0, 1)), *(given(node, 1).shape or ())[1:3]))
    ],
    "GroupQueryAttention": heads.grouped,
    "Irfft": _back_transform,
    "IsAllFinite": lambda _node: [tensor(_BOOL, ())],
    "LinearAttention": heads.linear,
    "LinearAttentionGate": like(0, None, None),
    "MatMulInteger16": _product(0, 1, INT32),
    "MatMulIntegerToFloat": _product(0, 1, typed=2),
    "MatMulNBitsMlp": _last("N", like_input=True),
    "MatMulNBitsQkv": _last("Nq", "Nkv", "Nkv", like_input=True),
    "MatMulBnb4": lambda node: _last("N" if node.integer("transB", 1) else "K")(node),
    "MulInteger": _broadcast(0, 2, elem_type=INT32),
    "MultiHeadAttention": heads.multi_head(past=6, past_length=8),
    "NGramRepeatBlock": like(1),
    "NhwcConv": convolution(1, 0, channels_last=True),
    "NhwcFusedConv": convolution(1, 0, channels_last=True),
    "NhwcMaxPool": pool(channels_last=True),
    "PackedAttention": heads.packed,
    "PackedMultiHeadAttention": heads.packed_heads,
    "PagedAttention": heads.paged,
    "QAttention": heads.projected(past=8, typed=3),
    "QEmbedLayerNormalization": _embedding(2, 8),
    "QGemm": _gemm(3, 8),
    "QLinearAveragePool": pool(),
    "QLinearConcat": _concatenation,
    "QLinearConv": convolution(3, 7),
    "QLinearGlobalAveragePool": global_pool,
    "QLinearReduceMean": _reduction(),
    "QLinearWhere": _broadcast(0, 1, 4, typed=1),
    "QOrderedAttention": heads.ordered,
    "QOrderedMatMul": _product(0, 2),
    "QuantizeLinear": _typed_by(2, _UINT8),
    "QuantizeWithOrder": like(0, TensorProto.INT8),
    "ReduceSumInteger": lambda node: _reduction(_UINT32 if kind(given(node)) == _UINT8 else INT32)(node),
    "RestorePadding": lambda node: [
        tensor(kind(given(node)), (*(size(given(node, 1), axis) for axis in (0, 1)), size(given(node), 1)))
    ],
    "Rfft": _transform,
    "SkipGroupNorm": like(0, None, None),
    "SparseAttention": heads.sparse,
    "TorchEmbedding": _lookup,
    "UnfoldTensor": _unfolding,
    **mixers.RULES,
}
"""What each operator makes, without its domain."""
