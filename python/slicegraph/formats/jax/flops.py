"""Floating-point operations per equation, primitive by primitive, by the conventions of the ONNX reader.

The counts are conventions, not measurements: 2 for a multiply-accumulate, 1 per element for all that works element by
element, 0 for what only moves data.  Comparisons and integers count like any other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn

from slicegraph.formats.counting import Count, Formulas, formulas, guess
from slicegraph.formats.jax.avals import dtype, numel, shape

Rule = Callable[[JaxprEqn], int]


def count(eqn: JaxprEqn, given: Formulas) -> Count:
    """Count what an equation computes, bodies apart: by the user's formula, by the table, or else as a guess."""
    op = eqn.primitive.name
    mine = given.count(name_of(eqn), [shape(var.aval) for var in eqn.invars], [shape(var.aval) for var in eqn.outvars])
    if mine is not None:
        return mine
    if op in RULES or op in ELEMENTWISE:
        flops = RULES[op](eqn) if op in RULES else _outputs(eqn)
        return Count(flops=flops * _real_operations(eqn))
    kernel = _kernel(eqn) if op == "pallas_call" else None
    return _guess(eqn) if kernel is None else Count(flops=kernel)


def _real_operations(eqn: JaxprEqn) -> int:
    """Say how many operations on real numbers one of an equation is."""
    op = eqn.primitive.name
    if not any(str(dtype(atom.aval)).startswith("complex") for atom in (*eqn.invars, *eqn.outvars)):
        return 1
    if op == "dot_general" and not eqn.params["dimension_numbers"][0][0]:
        return formulas.COMPLEX_PRODUCT
    return _COMPLEX.get(op, formulas.COMPLEX_SUM)


def name_of(eqn: JaxprEqn) -> str:
    """Name an equation's operator: its primitive, or what a foreign function is called."""
    op = eqn.primitive.name
    return str(eqn.params["target_name"]) if op == "ffi_call" else op


def _kernel(eqn: JaxprEqn) -> int | None:
    """Count a kernel by its author's estimate, else by its equations in each place of the grid; None: not known."""
    estimate, grid = eqn.params["cost_estimate"], eqn.params["grid_mapping"].grid
    if estimate is not None:
        return int(estimate.flops + estimate.transcendentals)
    each = _equations(eqn.params["jaxpr"])
    return None if each is None or not all(isinstance(dim, int) for dim in grid) else each * math.prod(grid)


def _equations(jaxpr: Jaxpr) -> int | None:
    """Count what the equations of a kernel compute; None: one has no rule, or a loop's trips are not known."""
    parts = [_in_kernel(eqn) for eqn in jaxpr.eqns]
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def _in_kernel(eqn: JaxprEqn) -> int | None:
    op, params = eqn.primitive.name, eqn.params
    if op in RULES:
        return RULES[op](eqn)
    if op in ELEMENTWISE or op in _IN_KERNELS:
        return _outputs(eqn) if op in ELEMENTWISE else 0
    if op == "cond":
        branches = [_equations(branch.jaxpr) for branch in params["branches"]]
        known = [branch for branch in branches if branch is not None]
        return max(known) if len(known) == len(branches) else None
    if op == "scan":
        each = _equations(params["jaxpr"].jaxpr)
        return None if each is None else each * int(params["length"])
    inner = params.get("jaxpr")
    return _equations(inner.jaxpr) if op in {"jit", "pjit"} and isinstance(inner, ClosedJaxpr) else None


def _guess(eqn: JaxprEqn) -> Count:
    factors = [shape(var.aval) for var in eqn.invars if not jnp.issubdtype(dtype(var.aval), jnp.bool_)]
    return guess(factors, [shape(var.aval) for var in eqn.outvars])


def _outputs(eqn: JaxprEqn) -> int:
    return sum(numel(var.aval) for var in eqn.outvars)


def _nothing(_eqn: JaxprEqn) -> int:
    return 0


def _input(eqn: JaxprEqn) -> int:
    return numel(eqn.invars[0].aval)


def _generic_reduction(eqn: JaxprEqn) -> int:
    """Reduce several arrays at once; the second half of the operands are the values that they start from."""
    return sum(numel(var.aval) for var in eqn.invars[: len(eqn.invars) // 2])


def _update(eqn: JaxprEqn) -> int:
    """Combine each update with what stands in its place."""
    return numel(eqn.invars[2].aval)


def _window(eqn: JaxprEqn) -> int:
    return int(math.prod(eqn.params["window_dimensions"])) * _outputs(eqn)


def _selection(eqn: JaxprEqn) -> int:
    """Search a window for each element that is then put in the place of its greatest."""
    return int(math.prod(eqn.params["window_dimensions"])) * _input(eqn)


def _dot(eqn: JaxprEqn) -> int:
    """Multiply, and add over the contracted axes; with none, there is nothing to add."""
    (contracted, _), _ = eqn.params["dimension_numbers"]
    return _contraction(eqn, contracted)


def _ragged_dot(eqn: JaxprEqn) -> int:
    """Multiply each row with the matrix of its group; where the groups divide what is summed, each sums its part."""
    numbers = eqn.params["ragged_dot_dimension_numbers"]
    (contracted, _), _ = numbers.dot_dimension_numbers
    is_divided = not set(contracted).isdisjoint(numbers.lhs_ragged_dimensions)
    groups = shape(eqn.invars[2].aval)[-1] if is_divided else 1
    return _contraction(eqn, contracted) // max(1, groups)


def _scaled_dot(eqn: JaxprEqn) -> int:
    """Multiply along the last axis of both factors; their scales are left out, as those of all quantized factors."""
    return formulas.products(_outputs(eqn), _last(eqn))


def _contraction(eqn: JaxprEqn, contracted: Any) -> int:  # noqa: ANN401 - axes, in a tuple or a list
    dims = shape(eqn.invars[0].aval)
    if not contracted:
        return _outputs(eqn)
    return formulas.products(_outputs(eqn), math.prod(dims[axis] for axis in contracted))


def _convolution(eqn: JaxprEqn) -> int:
    spec: Sequence[int] = eqn.params["dimension_numbers"].rhs_spec
    kernel = shape(eqn.invars[1].aval)
    groups = int(eqn.params["feature_group_count"] * eqn.params["batch_group_count"])
    return formulas.convolution(
        _outputs(eqn),
        _input(eqn),
        (kernel[spec[1]], kernel[spec[0]]),
        math.prod(kernel[axis] for axis in spec[2:]),
        groups=groups if math.prod(eqn.params["lhs_dilation"]) > 1 else None,
    )


def _sort(eqn: JaxprEqn) -> int:
    """Compare log2 of the length times, for each element of the first key."""
    return _comparisons(eqn, shape(eqn.invars[0].aval)[eqn.params["dimension"]])


def _top(eqn: JaxprEqn) -> int:
    """Compare log2 of the number kept times, for each element."""
    return _comparisons(eqn, eqn.params["k"])


def _comparisons(eqn: JaxprEqn, kept: int) -> int:
    return formulas.comparisons(_input(eqn), kept)


def _fourier(eqn: JaxprEqn) -> int:
    length = int(math.prod(eqn.params["fft_lengths"]))
    return formulas.transforms(length, max(_input(eqn), _outputs(eqn)) // max(1, length))


def _elimination(eqn: JaxprEqn) -> int:
    return formulas.elimination(_input(eqn), _last(eqn))


def _orthogonalisation(eqn: JaxprEqn) -> int:
    return formulas.orthogonalisation(_input(eqn), _last(eqn))


def _substitution(eqn: JaxprEqn) -> int:
    return formulas.substitution(_outputs(eqn), _last(eqn))


def _last(eqn: JaxprEqn) -> int:
    return shape(eqn.invars[0].aval)[-1]


_MOVING: Final = """
    bitcast_convert_type broadcast_in_dim broadcast_to complex concatenate convert_element_type copy create_token
    dynamic_slice dynamic_update_slice empty empty2 from_edtype gather imag iota pad real rev roll scatter slice split
    stack tile to_edtype transpose unstack zeros_like
"""
_ELEMENTWISE: Final = """
    abs acos acosh add add_any and asin asinh atan atan2 atanh bessel_i0e bessel_i1e cbrt ceil clamp clz
    conj cos cosh digamma div eq eq_to erf erf_inv erfc exp exp2 expm1 floor ge gt igamma igamma_grad_a igammac
    integer_pow is_finite le le_to lgamma log log1p logistic lt lt_to max min mul mulhi ne neg nextafter not or
    polygamma population_count pow random_bits random_fold_in random_gamma random_gamma_grad random_seed
    random_split reduce_precision regularized_incomplete_beta rem rng_bit_generator rng_uniform round rsqrt select_n
    shift_left shift_right_arithmetic shift_right_logical sign sin sinh sqrt square sub tan tanh threefry2x32 xor
    zeta
"""
# Reads and writes of a kernel's blocks, and where it stands in the grid.
_IN_KERNELS: Final = frozenset({"get", "multiple_of", "num_programs", "program_id", "swap"})
_REDUCING: Final = """
    argmax argmin cumlogsumexp cummax cummin cumprod cumsum reduce_and reduce_max reduce_min reduce_or reduce_prod
    reduce_sum reduce_xor
"""
_WINDOWED: Final = "reduce_window reduce_window_max reduce_window_min reduce_window_sum select_and_gather_add"
RULES: Final[Mapping[str, Rule]] = {
    **dict.fromkeys(_MOVING.split(), _nothing),
    **dict.fromkeys(_REDUCING.split(), _input),
    **dict.fromkeys(_WINDOWED.split(), _window),
    **dict.fromkeys(("approx_top_k", "top_k"), _top),
    **dict.fromkeys(("cholesky", "lu"), _elimination),
    **dict.fromkeys(("geqrf", "householder_product", "qr"), _orthogonalisation),
    **dict.fromkeys(("scatter-add", "scatter-max", "scatter-min", "scatter-mul", "scatter-sub"), _update),
    **dict.fromkeys(("select_and_scatter", "select_and_scatter_add"), _selection),
    "conv_general_dilated": _convolution,
    "dot_general": _dot,
    "fft": _fourier,
    "ragged_dot_general": _ragged_dot,
    "reduce": _generic_reduction,
    "scaled_matmul_wrapper": _scaled_dot,
    "sort": _sort,
    "triangular_solve": _substitution,
}
"""How to count each primitive that does not simply work element by element."""
_COMPLEX: Final[Mapping[str, int]] = {
    **dict.fromkeys(
        (
            *("cholesky", "conv_general_dilated", "dot_general", "geqrf", "householder_product", "lu", "qr"),
            *("ragged_dot_general", "triangular_solve"),
        ),
        formulas.COMPLEX_ACCUMULATE,
    ),
    **dict.fromkeys(
        ("cumprod", "div", "integer_pow", "mul", "reduce_prod", "scatter-mul", "square"), formulas.COMPLEX_PRODUCT
    ),
    # Its operations are those on real numbers.
    "fft": 1,
}
"""Operations on real numbers for one on complex numbers, by primitive; two for all others."""
ELEMENTWISE: Final = frozenset(_ELEMENTWISE.split())
"""Primitives that count one for each element that they make; what is neither here nor above is guessed."""
