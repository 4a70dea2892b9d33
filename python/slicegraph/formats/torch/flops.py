"""Floating-point operations per operator: products as PyTorch counts them, the rest by the ONNX reader's conventions.

The counts are conventions, not measurements: 2 for a multiply-accumulate, 1 more for a bias, 5 per element to
normalise, 1 per element for all that works element by element, 0 for what only moves data.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final, Self

import torch
from torch._ops import OpOverload
from torch.fx import Node
from torch.fx.node import map_arg
from torch.utils.flop_counter import FlopCounterMode

from slicegraph.formats.counting import Count, Formulas, formulas, guess
from slicegraph.formats.torch.nodes import argument, is_pointwise, name_of
from slicegraph.formats.torch.vals import numel

Rule = Callable[[Node], int]


class Counter:
    """PyTorch's counter, which runs an operator on tensors without elements."""

    def __init__(self, given: Formulas) -> None:
        self._given = given
        self._mode = FlopCounterMode(display=False)
        self._no_grad = torch.no_grad()

    def __enter__(self) -> Self:
        self._no_grad.__enter__()
        self._mode.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._mode.__exit__(*error)
        self._no_grad.__exit__(*error)

    def count(self, node: Node) -> Count:
        """Count what a node computes, bodies apart: by the user's formula, by a rule, or else as a guess."""
        op = name_of(node)
        made = node.meta.get("val")
        outputs = made if isinstance(made, list | tuple) else [made]
        mine = self._given.count(op, [_shape(read) for read in node.all_input_nodes], [_dims(each) for each in outputs])
        if mine is not None:
            return mine
        if op in RULES:
            return Count(flops=RULES[op](node))
        if is_pointwise(node) or op in _POINTWISE:
            return Count(flops=_outputs(node))
        products = self._products(node)
        return Count(flops=products + _added(node, op)) if products else guess(_outputs(node))

    def _products(self, node: Node) -> int:
        """Count matrix products and convolutions, within whatever the operator is made of."""
        if not isinstance(node.target, OpOverload) or not node.all_input_nodes:
            return 0
        before = self._mode.get_total_flops()
        args, kwargs = map_arg((node.args, dict(node.kwargs)), lambda read: read.meta["val"])
        try:
            node.target(*args, **kwargs)
        except Exception:  # noqa: BLE001 an operator that cannot run on its own has no products to count
            return 0
        return int(self._mode.get_total_flops() - before)


def _added(node: Node, op: str) -> int:
    """Count what a product does besides: add a bias, or normalise attention's scores."""
    if op == "scaled_dot_product_attention":
        keys, width = (_shape(argument(node, name))[axis] for name, axis in (("key", -2), ("value", -1)))
        return formulas.NORMALISING * (_outputs(node) // max(1, width)) * keys
    has_bias = op in _SUMS or argument(node, "bias") is not None
    return numel(_first(node.meta["val"])) * has_bias


def _outputs(node: Node) -> int:
    return numel(node.meta.get("val"))


def _nothing(_node: Node) -> int:
    return 0


def _input(node: Node) -> int:
    return max((numel(read.meta.get("val")) for read in node.all_input_nodes[:1]), default=0)


def _times_first_output(factor: int) -> Rule:
    return lambda node: factor * numel(_first(node.meta["val"]))


def _pool(node: Node) -> int:
    """Look at each element of the window."""
    kernel, axes = argument(node, "kernel_size"), int(name_of(node).partition("pool")[2][0])
    window = math.prod(kernel) if len(kernel) == axes else kernel[0] ** axes
    return int(window) * numel(_first(node.meta["val"]))


def _interpolation(width: int) -> Rule:
    """Multiply-accumulate over the neighbours along each axis that changes."""

    def rule(node: Node) -> int:
        before, after = _shape(node.all_input_nodes[0]), _shape(node)
        axes = sum(a != b for a, b in zip(before, after, strict=True))
        return formulas.interpolation(_outputs(node), width, axes)

    return rule


def _grid_sample(node: Node) -> int:
    """Resample like an interpolation, along all axes but the batch and the channels."""
    width = {0: 2, 2: 4}.get(argument(node, "interpolation_mode"), 0)
    return formulas.interpolation(_outputs(node), width, len(_shape(node)) - 2)


def _sort(node: Node) -> int:
    """Compare as a sort does."""
    shape = _shape(node.all_input_nodes[0])
    dim = argument(node, "dim")
    kept = argument(node, "k") if name_of(node) == "topk" else (shape or (1,))[-1 if dim is None else dim]
    return formulas.comparisons(_input(node), kept)


def _fourier(node: Node) -> int:
    shapes = _shape(node.all_input_nodes[0]), _shape(node)
    shape = max(shapes, key=math.prod)
    dims = argument(node, "dim")
    if dims is None:
        dims = range(len(shape)) if name_of(node).endswith("n") else [-1]
    length = math.prod(shape[dim] for dim in ([dims] if isinstance(dims, int) else dims))
    return formulas.transforms(length, math.prod(shape) // max(1, length))


def _recurrence(node: Node) -> int:
    """Multiply with all weights of all layers and directions once per step and sample; gates are left out."""
    sequence = _shape(node.all_input_nodes[0])
    weights = [_shape(weight) for weight in argument(node, "params")]
    each = sum(math.prod(shape) * (2 if len(shape) > 1 else 1) for shape in weights)
    return math.prod(sequence[:-1]) * each


def _bag(node: Node) -> int:
    """Add a row for each index."""
    return numel(argument(node, "indices").meta["val"]) * _shape(node.all_input_nodes[0])[-1]


def _elimination(node: Node) -> int:
    return formulas.elimination(_input(node), _shape(node.all_input_nodes[0])[-1])


def _update(node: Node) -> int:
    """Combine each update with what stands in its place."""
    updates = argument(node, "source") or argument(node, "src")
    return numel(updates.meta["val"]) if isinstance(updates, Node) else 0


def _first(val: Any) -> Any:  # noqa: ANN401 - a tensor or several
    return val[0] if isinstance(val, list | tuple) else val


def _shape(node: Node) -> tuple[int, ...]:
    return _dims(_first(node.meta["val"]))


def _dims(val: Any) -> tuple[int, ...]:  # noqa: ANN401 - a tensor or a number
    return tuple(int(dim) for dim in getattr(val, "shape", ()))


def _packed_product(node: Node) -> int:
    """Multiply rows with weights that are quantized, packed or sorted by group: as wide as the rows are."""
    return formulas.products(_outputs(node), _shape(node.all_input_nodes[0])[-1])


def _grouped_product(node: Node) -> int:
    """Multiply each row with the matrix of its group; two matrices: the groups divide what is summed."""
    rows, other = (_shape(read) for read in node.all_input_nodes[:2])
    matrix = 2
    if len(rows) == len(other) == matrix:
        return formulas.products(rows[0] * other[1], rows[1])
    return formulas.products(_outputs(node), rows[-1])


_SUMS: Final = frozenset({"addbmm", "addmm", "addmv", "baddbmm"})
_MOVING: Final = """
    _local_scalar_dense _pad_enum _reshape_copy _to_copy _unsafe_index _unsafe_masked_index arange as_strided_scatter
    block_diag broadcast_to cartesian_prod cat channel_shuffle clone column_stack combinations complex constant_pad_nd
    copy diag diag_embed diagonal_scatter dstack embedding empty empty_like empty_strided eye fill flip fliplr flipud
    full full_like gather hstack im2col index index_copy index_fill index_put index_select item lift_fresh_copy
    linspace masked_scatter masked_select max_unpool2d max_unpool3d meshgrid native_channel_shuffle new_empty
    new_empty_strided new_full new_ones new_zeros nonzero nonzero_static one_hot ones ones_like pad pixel_shuffle
    pixel_unshuffle polar put reflection_pad1d reflection_pad2d reflection_pad3d repeat repeat_interleave
    replication_pad1d replication_pad2d replication_pad3d roll rot90 scalar_tensor scatter select_scatter slice_scatter
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
_ELIMINATING: Final = """
    _linalg_det _linalg_slogdet linalg_cholesky linalg_cholesky_ex linalg_det linalg_lu linalg_lu_factor
    linalg_lu_factor_ex
"""
# PyTorch tags these as no pointwise operators, but they are.
_ELEMENTWISE: Final = """
    _make_dep_token alpha_dropout bernoulli dropout feature_alpha_dropout feature_dropout
    fake_quantize_per_channel_affine fake_quantize_per_tensor_affine multinomial native_dropout normal poisson
    quantized_decomposed.dequantize_per_channel quantized_decomposed.dequantize_per_tensor
    quantized_decomposed.quantize_per_channel quantized_decomposed.quantize_per_tensor rand rand_like randint
    randint_like randn randn_like randperm rrelu uniform
"""
RULES: Final[Mapping[str, Rule]] = {
    **dict.fromkeys(_MOVING.split(), _nothing),
    **dict.fromkeys(_NORMALISING.split(), _times_first_output(5)),
    **dict.fromkeys(_BATCH_NORMALISING.split(), _times_first_output(2)),
    **dict.fromkeys(_REDUCING.split(), _input),
    **dict.fromkeys(_POOLING.split(), _pool),
    **dict.fromkeys(_LINEAR.split(), _interpolation(2)),
    **dict.fromkeys(("_upsample_bicubic2d_aa", "upsample_bicubic2d"), _interpolation(4)),
    **dict.fromkeys(("grid_sampler", "grid_sampler_2d", "grid_sampler_3d"), _grid_sample),
    **dict.fromkeys(("argsort", "kthvalue", "msort", "sort", "topk"), _sort),
    **dict.fromkeys(_FOURIER.split(), _fourier),
    **dict.fromkeys(("gru", "lstm", "rnn_relu", "rnn_tanh"), _recurrence),
    **dict.fromkeys(("_embedding_bag", "_embedding_bag_forward_only", "embedding_bag"), _bag),
    **dict.fromkeys(_ELIMINATING.split(), _elimination),
    **dict.fromkeys(("_int_mm", "_weight_int4pack_mm", "_weight_int8pack_mm"), _packed_product),
    **dict.fromkeys(("_grouped_mm", "_scaled_grouped_mm"), _grouped_product),
    **dict.fromkeys(("index_add", "index_reduce", "scatter_add", "scatter_reduce"), _update),
}
"""How to count each operator that neither contracts nor simply works element by element."""
_POINTWISE: Final = frozenset(_ELEMENTWISE.split())
