"""Floating-point operations per operator, by the conventions of the ONNX reader.

The counts are conventions, not measurements: 2 for a multiply-accumulate, 1 more for a bias, 5 per element to
normalise, 1 per element for all that works element by element, 0 for what only moves data.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Any, Final

import torch
from torch._ops import OpOverload
from torch.fx import Node
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.node import map_arg
from torch.utils.flop_counter import flop_registry

from slicegraph.formats.counting import Count, Formulas, formulas, guess
from slicegraph.formats.torch import contractions, prims
from slicegraph.formats.torch.contractions import Rule, entered, outputs, shape
from slicegraph.formats.torch.nodes import (
    argument,
    dims,
    first,
    graphs,
    is_pointwise,
    is_view,
    name_of,
    operands,
)
from slicegraph.formats.torch.vals import numel


def count(node: Node, given: Formulas) -> Count:
    """Count what a node computes, bodies apart.

    By the user's formula, by a rule, by what is registered with PyTorch's own counter, by the operators that PyTorch
    makes of it, or else as a guess.
    """
    op = name_of(node)
    made = node.meta.get("val")
    results = made if isinstance(made, list | tuple) else [made]
    mine = given.count(op, [shape(read) for read in operands(node)], [dims(each) for each in results])
    return _known(node) if mine is None else mine


def _known(node: Node) -> Count:
    op = name_of(node)
    if op in RULES:
        return Count(flops=RULES[op](node), is_guess=contractions.hangs_on_data(node))
    if is_pointwise(node) or op in POINTWISE:
        return Count(flops=outputs(node))
    registered = _registered(node)
    return (_of_parts(node) or _guess(node)) if registered is None else Count(flops=registered)


def _guess(node: Node) -> Count:
    made = node.meta.get("val")
    results = made if isinstance(made, list | tuple) else [made]
    return guess([shape(read) for read in operands(node) if _may_be_factor(read)], [dims(each) for each in results])


def _may_be_factor(node: Node) -> bool:
    return getattr(first(node.meta["val"]), "dtype", None) not in {torch.int64, torch.bool}


def _registered(node: Node) -> int | None:
    """Count by the formula that is registered with PyTorch's counter; None: there is none, or it fails."""
    formula = flop_registry.get(getattr(node.target, "overloadpacket", node.target))
    if formula is None:
        return None
    args, kwargs = map_arg((node.args, dict(node.kwargs)), lambda read: read.meta.get("val"))
    try:
        return int(formula(*args, **kwargs, out_val=node.meta["val"]))
    except Exception:  # noqa: BLE001 - whatever it raises
        return None


def _of_parts(node: Node) -> Count | None:
    """Count the operators that PyTorch decomposes one into; None: it decomposes it into none that are known."""
    if not isinstance(node.target, OpOverload) or not operands(node):
        return None
    args, kwargs = map_arg((node.args, dict(node.kwargs)), lambda read: read.meta["val"])
    try:
        with torch.no_grad():
            traced = make_fx(node.target, decomposition_table=_decompositions())(*args, **kwargs)
    except Exception:  # noqa: BLE001 an operator that cannot run on its own
        return None
    counted = [
        Count(flops=0) if is_view(part) else _by_rule(part)
        for part in traced.graph.nodes
        if part.op == "call_function" and isinstance(part.target, OpOverload)
    ]
    return None if any(part.is_guess for part in counted) else Count(flops=sum(part.flops for part in counted))


def _by_rule(node: Node) -> Count:
    """Count a part: what has no rule is not taken apart again."""
    op = name_of(node).removesuffix("_")
    if op in RULES:
        return Count(flops=RULES[op](node))
    registered = outputs(node) if is_pointwise(node) or op in POINTWISE else _registered(node)
    return Count(flops=0, is_guess=True) if registered is None else Count(flops=registered)


@functools.cache
def _decompositions() -> Mapping[Any, Any]:
    table: Mapping[Any, Any] = torch.export.default_decompositions()
    return table


def _flex_attention(node: Node) -> int:
    """Attend, and run what modifies and masks scores once for each score."""
    inner = [part for graph in graphs(node) for part in graph.graph.nodes if isinstance(part.target, OpOverload)]
    each = sum(_by_rule(part).flops for part in inner if not is_view(part))
    return contractions.flex_attention(node) + contractions.scores(node) * each


def _nothing(_node: Node) -> int:
    return 0


def _times_first_output(factor: int) -> Rule:
    return lambda node: factor * numel(first(node.meta["val"]))


def _pool(node: Node) -> int:
    """Look at each element of the window."""
    kernel, axes = argument(node, "kernel_size"), int(name_of(node).partition("pool")[2][0])
    window = math.prod(kernel) if len(kernel) == axes else kernel[0] ** axes
    return int(window) * numel(first(node.meta["val"]))


def _interpolation(width: int) -> Rule:
    """Multiply-accumulate over the neighbours along each axis that changes."""

    def rule(node: Node) -> int:
        before, after = shape(operands(node)[0]), shape(node)
        return formulas.resampling(before, after, width, is_smoothing=name_of(node).endswith("_aa"))

    return rule


def _grid_sample(node: Node) -> int:
    """Resample like an interpolation, along all axes but the batch and the channels."""
    width = {0: 2, 2: 4}.get(argument(node, "interpolation_mode"), 0)
    return formulas.interpolation(outputs(node), width, len(shape(node)) - 2)


def _sort(node: Node) -> int:
    """Compare as a sort does."""
    lengths = shape(operands(node)[0])
    dim = argument(node, "dim")
    kept = argument(node, "k") if name_of(node) == "topk" else (lengths or (1,))[-1 if dim is None else dim]
    return formulas.comparisons(entered(node), kept)


def _fourier(node: Node) -> int:
    shapes = shape(operands(node)[0]), shape(node)
    longest = max(shapes, key=math.prod)
    axes = argument(node, "dim")
    if axes is None:
        axes = range(len(longest)) if name_of(node).endswith("n") else [-1]
    length = math.prod(longest[dim] for dim in ([axes] if isinstance(axes, int) else axes))
    return formulas.transforms(length, math.prod(longest) // max(1, length))


def _bag(node: Node) -> int:
    """Add a row for each index."""
    return numel(argument(node, "indices").meta["val"]) * shape(operands(node)[0])[-1]


def _update(node: Node) -> int:
    """Combine each update with what stands in its place."""
    updates = argument(node, "source") or argument(node, "src")
    return numel(updates.meta["val"]) if isinstance(updates, Node) else 0


_MOVING: Final = """
    _local_scalar_dense _pad_enum _reshape_copy _to_copy _unsafe_index _unsafe_masked_index arange as_strided_scatter
    block_diag broadcast_to cartesian_prod cat channel_shuffle clone column_stack combinations complex constant_pad_nd
    copy diag diag_embed diagonal_scatter dstack embedding empty empty_like empty_strided eye fill flip fliplr flipud
    full full_like gather hstack im2col index index_copy index_fill index_put index_select item lift_fresh_copy
    linspace masked_scatter masked_select max_unpool2d max_unpool3d meshgrid native_channel_shuffle new_empty
    new_empty_strided new_full new_ones new_zeros nonzero nonzero_static one_hot ones ones_like pad pixel_shuffle
    pixel_unshuffle polar put reflection_pad1d reflection_pad2d reflection_pad3d repeat repeat_interleave
    replication_pad1d replication_pad2d replication_pad3d roll rot90 scalar_tensor scatter select_backward
    select_scatter slice_backward slice_scatter
    stack take take_along_dim tile tril tril_indices triu triu_indices upsample_nearest1d upsample_nearest2d
    upsample_nearest3d vstack zeros zeros_like
"""
_NORMALISING: Final = """
    _fused_rms_norm _log_softmax _safe_softmax _softmax group_norm instance_norm layer_norm log_softmax
    native_group_norm native_layer_norm rms_norm softmax
"""
_BATCH_NORMALISING: Final = """
    _batch_norm_with_update _native_batch_norm_legit _native_batch_norm_legit_functional
    _native_batch_norm_legit_no_training batch_norm cudnn_batch_norm native_batch_norm
"""
_REDUCING: Final = """
    _adaptive_avg_pool2d _adaptive_avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d
    adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d all amax amin aminmax any argmax argmin col2im
    count_nonzero cummax cummin cumprod cumsum linalg_vector_norm logcumsumexp logsumexp max mean median min mode
    nanmean nanmedian nansum norm prod std std_mean sum trace var var_mean
    avg_pool2d_backward embedding_dense_backward max_pool2d_with_indices_backward max_pool3d_with_indices_backward
"""
_POOLING: Final = """
    avg_pool1d avg_pool2d avg_pool3d max_pool1d max_pool1d_with_indices max_pool2d max_pool2d_with_indices max_pool3d
    max_pool3d_with_indices
"""
_LINEAR: Final = """
    _upsample_bilinear2d_aa upsample_bilinear2d upsample_linear1d upsample_trilinear3d
"""
_FOURIER: Final = """
    _fft_c2c _fft_c2r _fft_r2c fft_fft fft_fft2 fft_fftn fft_hfft fft_ifft fft_ifft2 fft_ifftn fft_ihfft fft_irfft
    fft_irfft2 fft_irfftn fft_rfft fft_rfft2 fft_rfftn
"""
# PyTorch tags these as no pointwise operators, but they are.
_ELEMENTWISE: Final = """
    _make_dep_token alpha_dropout bernoulli dropout fake_quantize_per_channel_affine fake_quantize_per_tensor_affine
    feature_alpha_dropout feature_dropout hardswish isclose log_sigmoid log_sigmoid_forward multinomial native_dropout
    normal onednn.qadd onednn.qadd_relu onednn.qmul poisson
    quantized_decomposed.dequantize_per_channel quantized_decomposed.dequantize_per_tensor
    quantized_decomposed.quantize_per_channel quantized_decomposed.quantize_per_tensor rand rand_like randint
    randint_like randn randn_like randperm rrelu uniform
"""
RULES: Final[Mapping[str, Rule]] = {
    **dict.fromkeys([*_MOVING.split(), *prims.MOVING], _nothing),
    **dict.fromkeys(_NORMALISING.split(), _times_first_output(5)),
    **dict.fromkeys(_BATCH_NORMALISING.split(), _times_first_output(2)),
    **dict.fromkeys([*_REDUCING.split(), *prims.REDUCING], entered),
    **dict.fromkeys(_POOLING.split(), _pool),
    **dict.fromkeys(_LINEAR.split(), _interpolation(2)),
    **dict.fromkeys(("_upsample_bicubic2d_aa", "upsample_bicubic2d"), _interpolation(4)),
    **dict.fromkeys(("grid_sampler", "grid_sampler_2d", "grid_sampler_3d"), _grid_sample),
    **dict.fromkeys(("argsort", "kthvalue", "msort", "sort", "topk"), _sort),
    **dict.fromkeys([*_FOURIER.split(), *prims.FOURIER], _fourier),
    **dict.fromkeys(("_embedding_bag", "_embedding_bag_forward_only", "embedding_bag"), _bag),
    **contractions.RULES,
    "flex_attention": _flex_attention,
    **dict.fromkeys(("index_add", "index_reduce", "scatter_add", "scatter_reduce"), _update),
}
"""How to count each operator that does not simply work element by element."""
POINTWISE: Final = prims.ELEMENTWISE.union(_ELEMENTWISE.split())
"""Operators that count one for each element that they make, though PyTorch does not tag them so."""
