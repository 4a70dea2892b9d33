"""Floating-point operations per operation of StableHLO and CHLO, by the conventions of the reader of JAX."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from jaxlib.mlir.dialects import stablehlo

from slicegraph.errors import InputError
from slicegraph.formats.counting import Count, Formulas, formulas, guess
from slicegraph.formats.stablehlo.attributes import integer, integers, text
from slicegraph.formats.stablehlo.values import Array


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """An operation with the types of what it reads and makes.

    Attributes
    ----------
    raw
        As MLIR has it.
    op
        Its operator: the name without its dialect, of a ``composite`` what that is called, of a ``custom_call`` its
        target.
    inputs, outputs
        Types of operands and results.
    """

    raw: Any
    op: str
    inputs: tuple[Array, ...]
    outputs: tuple[Array, ...]


Rule = Callable[[Operation], int]


def operator_of(raw: Any) -> str:  # noqa: ANN401 - MLIR's bindings have types of their own
    """Name an operation's operator; see `Operation`."""
    name: str = raw.name
    if name == "stablehlo.composite":
        name = text(raw, "name")
    if name == "stablehlo.custom_call":
        return text(raw, "call_target_name")
    dialect, _, op = name.partition(".")
    return op if dialect in {"chlo", "stablehlo"} and op else name


def count(operation: Operation, given: Formulas) -> Count:
    """Count what an operation computes, bodies apart: by the user's formula, by the table, or else as a guess."""
    shapes = [each.shape for each in operation.inputs], [each.shape for each in operation.outputs]
    mine = given.count(operation.op, *shapes)
    if mine is not None:
        return mine
    rule = rule_of(operation.op)
    if rule is not None:
        try:
            return Count(flops=rule(operation) * _real_operations(operation))
        except InputError:
            raise
        except (LookupError, TypeError, ValueError, ZeroDivisionError):  # as of MHLO, whose attributes are its own
            raise InputError(f"{operation.raw.name}: its attributes are not those of StableHLO") from None
    return guess([each.shape for each in operation.inputs if each.dtype != "bool"], shapes[1])


def _real_operations(operation: Operation) -> int:
    """Say how many operations on real numbers one of an operation is."""
    if not any(each.dtype.startswith("complex") for each in (*operation.inputs, *operation.outputs)):
        return 1
    if rule_of(operation.op) is _dot_general and not _contracted(operation):
        return formulas.COMPLEX_PRODUCT
    if rule_of(operation.op) in _ACCUMULATING:
        return formulas.COMPLEX_ACCUMULATE
    return _COMPLEX.get(operation.op, formulas.COMPLEX_SUM)


def rule_of(op: str) -> Rule | None:
    """Find the rule of an operator; None: there is none."""
    if op in RULES:
        return RULES[op]
    return next((rule for pattern, rule in _TARGETS.items() if re.fullmatch(pattern, op)), None)


def _outputs(operation: Operation) -> int:
    return sum(each.numel for each in operation.outputs)


def _nothing(_operation: Operation) -> int:
    return 0


def _input(operation: Operation) -> int:
    return operation.inputs[0].numel


def _reduction(operation: Operation) -> int:
    """Reduce several arrays at once; the second half of the operands are the values that they start from."""
    return sum(each.numel for each in operation.inputs[: len(operation.inputs) // 2])


def _update(operation: Operation) -> int:
    """Combine each update with what stands in its place; where it only replaces that, there is nothing to do."""
    if not combines(operation):
        return 0
    return sum(each.numel for each in operation.inputs[(len(operation.inputs) + 1) // 2 :])


def combines(operation: Operation) -> bool:
    """Whether a scatter computes anything of what it changes: its body is more than a return."""
    return any(len(list(region.blocks[0].operations)) > 1 for region in operation.raw.regions if len(region.blocks))


def _window(operation: Operation) -> int:
    """Combine a window for each output; one as long as its axis that keeps the shape is a running sum."""
    window = integers(operation.raw, "window_dimensions")
    shape = operation.inputs[0].shape
    wide = [axis for axis, length in enumerate(window) if length > 1]
    if len(wide) == 1 and window[wide[0]] == shape[wide[0]] and operation.outputs[0].shape == shape:
        return _reduction(operation)
    return math.prod(window) * _outputs(operation)


def _selection(operation: Operation) -> int:
    """Search a window for each element that is then put in the place of its greatest."""
    return math.prod(integers(operation.raw, "window_dimensions", [])) * operation.inputs[1].numel


def _dot_general(operation: Operation) -> int:
    """Multiply, and add over the contracted axes; with none, there is nothing to add."""
    contracted = _contracted(operation)
    if not contracted:
        return _outputs(operation)
    return formulas.products(_outputs(operation), math.prod(operation.inputs[0].shape[axis] for axis in contracted))


def _contracted(operation: Operation) -> list[int]:
    numbers = stablehlo.DotDimensionNumbers(operation.raw.attributes["dot_dimension_numbers"])
    return list(numbers.lhs_contracting_dimensions)


def _dot(operation: Operation) -> int:
    return formulas.products(_outputs(operation), operation.inputs[0].shape[-1])


def _convolution(operation: Operation) -> int:
    raw, kernel = operation.raw, operation.inputs[1].shape
    numbers = stablehlo.ConvDimensionNumbers(raw.attributes["dimension_numbers"])
    groups = integer(raw, "feature_group_count", 1) * integer(raw, "batch_group_count", 1)
    return formulas.convolution(
        _outputs(operation),
        _input(operation),
        (kernel[numbers.kernel_input_feature_dimension], kernel[numbers.kernel_output_feature_dimension]),
        math.prod(kernel[axis] for axis in numbers.kernel_spatial_dimensions),
        groups=groups if math.prod(integers(raw, "lhs_dilation", [])) > 1 else None,
    )


def _sort(operation: Operation) -> int:
    """Compare log2 of the length times, for each element of the first key."""
    return formulas.comparisons(_input(operation), operation.inputs[0].shape[integer(operation.raw, "dimension", -1)])


def _top(operation: Operation) -> int:
    """Compare log2 of the number kept times, for each element."""
    return formulas.comparisons(_input(operation), operation.outputs[0].shape[-1])


def _fourier(operation: Operation) -> int:
    length = math.prod(integers(operation.raw, "fft_length"))
    return formulas.transforms(length, max(_input(operation), _outputs(operation)) // max(1, length))


def _elimination(operation: Operation) -> int:
    return formulas.elimination(_input(operation), operation.inputs[0].shape[-1])


def _orthogonalisation(operation: Operation) -> int:
    return formulas.orthogonalisation(_input(operation), operation.inputs[0].shape[-1])


def _substitution(operation: Operation) -> int:
    return formulas.substitution(operation.outputs[0].numel, operation.inputs[0].shape[-1])


_MOVING: Final = """
    after_all bitcast_convert broadcast broadcast_in_dim complex concatenate constant convert copy create_token
    dynamic_broadcast_in_dim dynamic_iota dynamic_pad dynamic_reshape dynamic_slice dynamic_update_slice gather imag
    iota pad partition_id real real_dynamic_slice replica_id reshape reverse slice torch_index_select transpose
"""
_ELEMENTWISE: Final = """
    abs acos acosh add and asin asin_acos_kernel asinh atan atan2 atanh bessel_i1e cbrt ceil clamp compare conj cosh
    cosine count_leading_zeros digamma divide erf erf_inv erfc exponential exponential_minus_one floor is_finite is_inf
    is_neg_inf is_pos_inf lgamma log log_plus_one logistic maximum minimum multiply negate next_after not or polygamma
    popcnt power reduce_precision remainder rng rng_bit_generator round_nearest_afz round_nearest_even rsqrt select
    shift_left shift_right_arithmetic shift_right_logical sign sine sinh sqrt square subtract tan tanh
    uniform_dequantize uniform_quantize xor zeta
"""
RULES: Final[Mapping[str, Rule]] = {
    **dict.fromkeys(_MOVING.split(), _nothing),
    **dict.fromkeys(_ELEMENTWISE.split(), _outputs),
    "cholesky": _elimination,
    "convolution": _convolution,
    "dot": _dot,
    "dot_general": _dot_general,
    "fft": _fourier,
    "reduce": _reduction,
    "reduce_window": _window,
    "scatter": _update,
    "select_and_scatter": _selection,
    "sort": _sort,
    "top_k": _top,
    "triangular_solve": _substitution,
}
"""How to count each operator; what is not here is guessed."""
_TARGETS: Final[Mapping[str, Rule]] = {
    r"(mhlo\.)?(topk|TopK)": _top,
    r"lapack_[sdcz](getrf|potrf)(_ffi)?|cusolver_(getrf|potrf)_ffi": _elimination,
    r"lapack_[sdcz](geqrf|orgqr|ungqr)(_ffi)?|cusolver_(geqrf|orgqr)_ffi": _orthogonalisation,
    r"(blas|lapack)_[sdcz]trsm(_ffi)?": _substitution,
}
"""Foreign functions that JAX calls, by a pattern of their names."""
_ACCUMULATING: Final = frozenset({_convolution, _dot, _dot_general, _elimination, _orthogonalisation, _substitution})
_COMPLEX: Final[Mapping[str, int]] = {
    **dict.fromkeys(("divide", "multiply", "square"), formulas.COMPLEX_PRODUCT),
    # Its operations are those on real numbers.
    "fft": 1,
}
"""Operations on real numbers for one on complex numbers, but for sums of products; two for all others."""
