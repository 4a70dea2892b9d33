"""Floating-point operations of onnxruntime's own operators (domain com.microsoft), by their definitions.

What is fused counts what its parts do apart, by the conventions of all tables; scales of quantized factors are left
out.  Operators are those of https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

from slicegraph.formats.counting import formulas
from slicegraph.formats.onnx import attentions, contractions
from slicegraph.formats.onnx import attentions_microsoft as heads
from slicegraph.formats.onnx import mixers_microsoft as mixers
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
)
from slicegraph.formats.onnx.nodes import Node, attribute


def _fused_product(node: Node) -> int:
    """Multiply with the last axis, or the one that is transposed there."""
    left = given(node)
    if not node.integer("transA", 0) or len(left.shape or ()) < 2:  # noqa: PLR2004 a vector is not transposed
        inner = left.dim(-1)
    else:
        inner = left.dim(0 if node.integer("transBatchA", 0) else -2)
    return formulas.products(made(node).numel, inner, added=_activated(node))


def _packed_product(*, bias: int | None = None, added: int = 0, side: str = "K") -> Rule:
    """Multiply with weights that are packed: the width is the first factor's, and may stand in an attribute."""

    def rule(node: Node) -> int:
        biased = 0 if bias is None else has(node, bias)
        inner = node.integer(side, given(node).dim(-1))
        return formulas.products(made(node).numel, inner, added=biased + added)

    return rule


def _quantized_here(node: Node) -> int:
    """Quantize the first factor (least, greatest, divide), then multiply."""
    return 3 * given(node).numel + formulas.products(made(node).numel, given(node).dim(-1), added=has(node, 4))


def _low_rank(node: Node) -> int:
    """Multiply with the weights, and with two thin factors beside them."""
    rows, rank = made(node).numel // max(1, made(node).dim(-1)), given(node, 3).dim(0)
    inner = node.integer("K", given(node).dim(-1))
    return formulas.products(made(node).numel, inner + rank, added=1) + formulas.products(rows * rank, inner)


def _gated_product(node: Node) -> int:
    """Normalise if asked to, project twice, and gate one with the other."""
    added = has(node, 5) + has(node, 8) + 2
    return _prologue(node) + formulas.products(made(node).numel, 2 * given(node).dim(-1), added=added)


def _three_products(node: Node) -> int:
    """Normalise, and project three times."""
    biases = sum(made(node, index).numel * has(node, position) for index, position in enumerate((5, 8, 11)))
    outputs = sum(made(node, index).numel for index in range(3))
    return _prologue(node) + formulas.products(outputs, given(node).dim(-1)) + biases


def _prologue(node: Node) -> int:
    return given(node).numel * (formulas.NORMALISING * has(node, 2) + has(node, 1))


def _fused_convolution(node: Node) -> int:
    """Convolve, add another tensor, activate."""
    return contractions.convolution(node) + made(node).numel * (has(node, 3) + _activated(node))


def state_convolution(node: Node, bias: int) -> int:
    """Convolve along the sequence."""
    return contractions.convolution(node, bias=bias) + made(node).numel * _activated(node)


def _activated(node: Node) -> int:
    """Count an activation, if one is fused."""
    return int(node.text("activation", "").lower() not in {"", "none"})


def _experts(node: Node, *, second: int, third: int, biases: tuple[int, int, int]) -> int:
    """Send each token through its best experts; the router's softmax runs over all."""
    entered, first = given(node), given(node, 2)
    width = entered.dim(-1)
    is_gated = bool(has(node, third)) or node.text("activation_type", "relu") in {"swiglu", "geglu"}
    inner = first.dim(1) // (2 if is_gated and not has(node, third) else 1)
    sizes = (first.dim(1), given(node, second).dim(1), inner)
    added = sum(size * has(node, position) for size, position in zip(sizes, biases, strict=True))
    # The activation, the product with the gate, and the weighted sum.
    added += inner * (2 if is_gated else 1) + 2 * width
    chosen = max(1, node.integer("k", 1))
    router = formulas.NORMALISING * given(node, 1).numel
    tokens = entered.numel // max(1, width)
    projections = 3 if is_gated else 2
    return router + formulas.experts(
        tokens, chosen=chosen, width=width, inner=inner, projections=projections, added=added
    )


def _packed_experts(node: Node) -> int:
    entered, width, inner = given(node), given(node).dim(-1), given(node, 2).dim(1)
    is_gated = bool(has(node, 3))
    return formulas.NORMALISING * given(node, 1).numel + formulas.experts(
        entered.numel // max(1, width),
        chosen=max(1, node.integer("k", 1)),
        width=width,
        inner=inner,
        projections=3 if is_gated else 2,
        added=inner * (2 if is_gated else 1) + 2 * width,
    )


def _router_projection(node: Node) -> int:
    """Project to the router and to both halves of a gated activation."""
    entered, weight = given(node), given(node, 1)
    return 2 * entered.numel // max(1, entered.dim(-1)) * weight.numel + 2 * made(node, 1).numel


def _gated_sum(node: Node) -> int:
    """Scale one and add it; the gate may be a product of its own."""
    return 2 * made(node).numel + 2 * given(node, 2).numel * has(node, 3)


def _distance(node: Node) -> int:
    has_root = node.text("metric", "euclidean") == "euclidean"
    return formulas.distances(made(node).numel, given(node).dim(-1), has_root=has_root)


def _inverse(node: Node) -> int:
    return formulas.inverse(given(node).numel, given(node).dim(-1))


def _real_transform(node: Node) -> int:
    """Transform the last axes; the side with real numbers says how many there are."""
    real = given(node) if node.op.endswith("Rfft") else made(node)
    axes = max(1, node.integer("signal_ndim", 1))
    length = 1
    for axis in range(1, axes + 1):
        length *= real.dim(-axis)
    return formulas.transforms(length, real.numel // max(1, length))


def _crop(node: Node) -> int:
    return formulas.interpolation(made(node).numel, neighbours(node.text("mode", "bilinear")), 2)


def _all_inputs(node: Node) -> int:
    return sum(value.numel for value in node.inputs if value is not None)


def _gemma_rotation(node: Node) -> int:
    """Take the sine and cosine of all angles, and rotate queries and keys."""
    return 2 * given(node).numel + formulas.ROTATING * (made(node).numel + made(node, 1).numel)


def _group_norm(node: Node) -> int:
    """Normalise and activate; add a skipped tensor and a bias before."""
    added = has(node, 3) + has(node, 4)
    return made(node).numel * (formulas.NORMALISING + added + (node.integer("activation", 0) != 0))


def _gates(node: Node) -> int:
    """Add, take the softplus and scale; take the sigmoid of the other."""
    return 3 * made(node).numel + made(node, 1).numel


_MOVING: Final = """
    ExpandDims GatherND Pad RemovePadding RestorePadding TorchEmbedding Trilu UnfoldTensor
"""
_ELEMENTWISE: Final = """
    BitmaskDropout DequantizeBFP DequantizeLinear DequantizeWithOrder GatherBlockQuantized GatherPacked Gelu MulInteger
    QLinearAdd QLinearConcat QLinearLeakyRelu QLinearMul QLinearSigmoid QLinearWhere QOrderedGelu QuantizeBFP
    QuantizeLinear QuantizeWithOrder QuickGelu Range RelativePositionBias ScaledSiLU
"""
_N: Final = formulas.NORMALISING
RULES: Final[Mapping[str, Rule]] = {
    **dict.fromkeys(_MOVING.split(), per_output(0)),
    **dict.fromkeys(_ELEMENTWISE.split(), per_output(1)),
    **dict.fromkeys(("BranchwiseRMSNorm", "QLinearSoftmax", "QOrderedLayerNormalization"), per_output(_N)),
    **dict.fromkeys(("FusedMatMul", "FusedMatMulActivation", "TransposeMatMul"), _fused_product),
    **dict.fromkeys(("FusedConv", "NhwcFusedConv"), _fused_convolution),
    **dict.fromkeys(("GroupNorm", "SkipGroupNorm"), _group_norm),
    **dict.fromkeys(("QLinearReduceMean", "QLinearGlobalAveragePool", "ReduceSumInteger"), per_input(1)),
    **dict.fromkeys(("MaxpoolWithMask", "NhwcMaxPool", "QLinearAveragePool"), pool),
    **dict.fromkeys(("MRotaryEmbedding", "RotaryEmbedding"), rotation),
    **dict.fromkeys(("Irfft", "Rfft"), _real_transform),
    "Attention": heads.projected,
    "AttnLSTM": mixers.attending_recurrence,
    "BiasAdd": per_output(2),
    "BiasDropout": per_output(2, 2),
    "BiasGelu": per_output(2),
    "BiasSoftmax": per_output(_N + 1),
    # Both halves get a bias; one is activated and scales the other.
    "BiasSplitGelu": per_output(4),
    "BitmaskBiasDropout": per_output(2, 2),
    "CDist": _distance,
    "CausalConvWithState": partial(state_convolution, bias=2),
    # Four products and two sums for each complex number, which is two elements.
    "ComplexMul": per_output(3),
    "ComplexMulConj": per_output(3),
    "ConvTransposeWithDynamicPads": partial(contractions.transposed_convolution, bias=3),
    "CropAndResize": _crop,
    "DecoderAttention": heads.decoder,
    "DecoderMaskedMultiHeadAttention": heads.masked,
    "DecoderMaskedSelfAttention": heads.projected,
    "DynamicQuantizeLSTM": contractions.recurrence,
    "DynamicQuantizeMatMul": _quantized_here,
    "DynamicSparseAttention": mixers.selected,
    # The least of three ways to come, and what this step costs.
    "DynamicTimeWarping": per_input(3),
    "EmbedLayerNormalization": per_output(_N + 1, 4),
    "EngramGate": mixers.engram,
    "FastGelu": per_output(1, 1),
    "FusedGemm": lambda node: contractions.gemm(node, added=_activated(node)),
    "GatedAdd": _gated_sum,
    "GatedDeltaNet": mixers.gated_delta,
    "GatedRMSNorm": per_output(_N + 2),
    "GatedRelativePositionBias": heads.position_gates,
    "GemmFastGelu": _packed_product(bias=2, added=1),
    "GemmFloat8": lambda node: contractions.gemm(node, added=_activated(node)),
    "GemmaRotaryEmbedding": _gemma_rotation,
    "GridSample": grid_sample,
    "GroupQueryAttention": heads.grouped,
    "HyperConnectionLowRankMix": mixers.low_rank_mix,
    "HyperConnectionPostMix": mixers.stream_mix,
    # A product and a sum for each stream.
    "HyperConnectionPreMix": per_input(2),
    "Inverse": _inverse,
    "IsAllFinite": _all_inputs,
    "LinearAttention": attentions.linear_attention,
    "LinearAttentionGate": _gates,
    "LongformerAttention": partial(heads.local, weights=(1, 4)),
    "Mamba2Verify": mixers.state_space,
    "MatMulBlockQuantizedFp4Weight": _packed_product(bias=5),
    "MatMulBlockQuantizedFp8Weight": _packed_product(bias=4),
    "MatMulBnb4": lambda node: _packed_product(side="K" if node.integer("transB", 1) else "N")(node),
    "MatMulFpQ4": _packed_product(),
    "MatMulInteger16": contractions.matrix_product,
    "MatMulIntegerToFloat": _packed_product(bias=6),
    # Weights without elements leave the product out.
    "MatMulNBits": lambda node: _packed_product(bias=5)(node) if given(node, 1).numel else 0,
    "MatMulNBitsMlp": _gated_product,
    "MatMulNBitsQLoRA": _low_rank,
    "MatMulNBitsQkv": _three_products,
    "MatMulPacked": lambda node: _packed_product(added=int(attribute(node.proto, "activation_type") is not None))(node),
    "MoE": partial(_experts, second=4, third=6, biases=(3, 5, 7)),
    "MoEGroupRouter": mixers.router,
    "MoEPacked": _packed_experts,
    "MultiHeadAttention": heads.multi_head,
    "NhwcConv": contractions.convolution,
    "PackedAttention": heads.packed,
    "PackedMultiHeadAttention": heads.packed_heads,
    "PagedAttention": heads.paged,
    "QAttention": heads.quantized,
    "QEmbedLayerNormalization": per_output(_N + 3, 4, 4),
    "QGemm": partial(contractions.gemm, bias=6),
    "QLinearConv": partial(contractions.convolution, weight=3, bias=8),
    "QMoE": partial(_experts, second=5, third=8, biases=(4, 7, 10)),
    "QOrderedAttention": heads.ordered,
    "QOrderedLongformerAttention": partial(heads.local, weights=(2, 8)),
    "QOrderedMatMul": lambda node: formulas.products(
        made(node).numel, given(node).dim(-1), added=has(node, 5) + has(node, 6)
    ),
    "RMSNormRotary": mixers.normalised_rotation,
    "RouterGateUpProj": _router_projection,
    "SkipLayerNormalization": per_output(_N + 1, 4),
    "SkipSimplifiedLayerNormalization": per_output(_N + 1, 3),
    "SparseAttention": heads.sparse,
    "SparsePagedAttention": mixers.selected,
    "SwiGLU": per_output(2),
    "Unique": sort,
    "VarlenCausalConvWithState": partial(state_convolution, bias=3),
    "WordConvEmbedding": mixers.word_convolution,
}
"""How to count each operator, without its domain; all others are guessed."""
