"""Products of JAX in groups, with scales and in kernels, against XLA's count or multiply-adds of plain loops."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax
from jax.experimental import pallas

from jax_functions import struct, traced

_few = settings(max_examples=10, deadline=None)
_small = st.integers(2, 6)


def _flops(function: Any, *args: Any) -> int:
    graph = traced(function, *args)
    assert graph.flops is not None
    assert graph.is_guess is not None
    assert not graph.is_guess.any()
    return int(graph.flops.sum())


@_few
@given(_small, _small, _small, _small)
def test_a_product_counts_as_xla_counts_it(batch: int, rows: int, inner: int, columns: int) -> None:
    """XLA's cost analysis of the compiled product says 2 for each multiply-add."""
    args = struct(batch, rows, inner), struct(batch, inner, columns)
    analysis = jax.jit(jnp.matmul).lower(*args).compile().cost_analysis()
    assert _flops(jnp.matmul, *args) == (analysis or {})["flops"] == 2 * batch * rows * inner * columns


@_few
@given(st.lists(st.integers(0, 4), min_size=1, max_size=4).filter(any), _small, _small)
def test_a_ragged_product_counts_each_row_once(sizes: list[int], inner: int, columns: int) -> None:
    """Rows are divided among groups, or what is summed is, or batches are: a loop over all visits each element once."""
    rows, groups = sum(sizes), struct(len(sizes), dtype=jnp.int32)
    mult_adds = sum(1 for size in sizes for _ in range(size) for _ in range(inner) for _ in range(columns))
    weights = struct(len(sizes), inner, columns)
    assert _flops(lax.ragged_dot, struct(rows, inner), weights, groups) == 2 * mult_adds
    numbers = lax.RaggedDotDimensionNumbers(  # type: ignore[no-untyped-call] # JAX leaves its types open
        dot_dimension_numbers=(((0,), (0,)), ((), ())), lhs_ragged_dimensions=[0], rhs_group_dimensions=[]
    )
    summed = _flops(
        lambda x, y, sizes: lax.ragged_dot_general(x, y, sizes, numbers),
        struct(rows, inner),
        struct(rows, columns),
        groups,
    )
    assert summed == 2 * mult_adds


def test_a_product_with_scales_counts_as_one_without() -> None:
    """Scales of blocks are left out, as those of all quantized factors."""
    factors = [struct(2, rows, 64, dtype=jnp.float8_e4m3fn) for rows in (32, 16)]
    scales = [struct(2, rows, 2, dtype=jnp.float8_e8m0fnu) for rows in (32, 16)]
    assert _flops(jax.nn.scaled_matmul, *factors, *scales) == 2 * 2 * 32 * 16 * 64


def _tiled(size: int, tile: int, **options: Any) -> Any:
    def kernel(x: Any, y: Any, out: Any) -> None:
        out[...] = jnp.exp(x[...] @ y[...])

    return pallas.pallas_call(
        kernel,
        out_shape=struct(size, size),
        grid=(size // tile, size // tile),
        in_specs=[
            pallas.BlockSpec((tile, size), lambda i, _j: (i, 0)),
            pallas.BlockSpec((size, tile), lambda _i, j: (0, j)),
        ],
        out_specs=pallas.BlockSpec((tile, tile), lambda i, j: (i, j)),
        **options,
    )


@pytest.mark.parametrize("tile", [8, 16])
def test_a_kernel_counts_its_equations_in_each_place_of_the_grid(tile: int) -> None:
    """However the grid divides it, a product with an exponential takes what it takes at once."""
    args = struct(32, 32), struct(32, 32)
    assert _flops(_tiled(32, tile), *args) == _flops(lambda x, y: jnp.exp(x @ y), *args)


def test_a_kernel_counts_its_authors_estimate() -> None:
    """What the author says goes before what the equations say."""
    estimate = pallas.CostEstimate(flops=1000, transcendentals=24, bytes_accessed=7)
    assert _flops(_tiled(32, 8, cost_estimate=estimate), struct(32, 32), struct(32, 32)) == 1024


def test_a_foreign_function_is_called_by_its_own_name() -> None:
    """It is a guess, by its bytes, until a formula says what it computes."""
    x = struct(4, 4)

    def foreign(x: Any) -> Any:
        return jax.ffi.ffi_call("twist", struct(4, 4))(x)

    graph = traced(foreign, x)
    assert list(graph.op) == ["twist"]
    assert graph.is_guess is not None
    assert graph.flops is not None
    assert graph.is_guess.tolist() == [True]
    assert graph.flops.tolist() == [16 * 2 * 64]
