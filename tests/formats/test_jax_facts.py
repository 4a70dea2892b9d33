"""What each primitive of JAX computes and moves, worked out by hand from its definition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import pytest
from jax import lax

from jax_functions import struct, traced


def _convolution(**options: Any) -> Callable[[Any, Any], Any]:
    return lambda x, w: lax.conv_general_dilated(x, w, **{"window_strides": (1, 1), "padding": "SAME", **options})


IMAGE, KERNEL = struct(2, 3, 8, 8), struct(4, 3, 3, 3)
NHWC = ("NHWC", "HWIO", "NHWC")
FLOPS: dict[str, tuple[Callable[..., Any], tuple[Any, ...], int]] = {
    "matrix product": (jnp.matmul, (struct(5, 7), struct(7, 3)), 2 * 5 * 7 * 3),
    "batch of products": (jnp.matmul, (struct(4, 5, 7), struct(4, 7, 3)), 4 * 2 * 5 * 7 * 3),
    "inner product": (jnp.dot, (struct(7), struct(7)), 2 * 7),
    "outer product": (lambda x, z: lax.dot_general(x, z, (((), ()), ((), ()))), (struct(5), struct(7)), 35),
    "ragged product": (lax.ragged_dot, (struct(6, 4), struct(2, 4, 3), struct(2, dtype=jnp.int32)), 2 * 6 * 4 * 3),
    "convolution": (_convolution(), (IMAGE, KERNEL), 2 * 2 * 4 * 64 * 27),
    "with strides": (_convolution(window_strides=(2, 2)), (IMAGE, KERNEL), 2 * 2 * 4 * 16 * 27),
    "channels last": (
        _convolution(dimension_numbers=NHWC),
        (struct(2, 8, 8, 3), struct(3, 3, 3, 4)),
        2 * 2 * 4 * 64 * 27,
    ),
    "in groups": (
        _convolution(feature_group_count=8),
        (struct(1, 8, 4, 4), struct(8, 1, 3, 3)),
        2 * 8 * 16 * 9,
    ),
    "in groups of samples": (
        _convolution(batch_group_count=2),
        (struct(2, 3, 4, 4), struct(4, 3, 3, 3)),
        2 * 4 * 16 * 27,
    ),
    "transposed": (
        lambda x, w: lax.conv_transpose(x, w, (2, 2), "SAME"),
        (struct(1, 5, 5, 4), struct(3, 3, 4, 2)),
        2 * 4 * 25 * 2 * 9,
    ),
    "transposed in groups": (
        _convolution(lhs_dilation=(2, 2), feature_group_count=4, padding=((0, 0), (0, 0))),
        (struct(1, 4, 5, 5), struct(8, 1, 3, 3)),
        2 * 4 * 25 * 2 * 9,
    ),
    "elementwise": (jnp.tanh, (struct(3, 4),), 12),
    "broadcast": (jnp.add, (struct(3, 1), struct(1, 4)), 12),
    "selection": (lambda c, x: lax.select(c, x, x), (struct(5, dtype=bool), struct(5)), 5),
    "sum": (lambda x: lax.reduce_sum_p.bind(x, axes=(0,), out_sharding=None), (struct(5, 6),), 30),
    "greatest": (lambda x: x.max(0), (struct(5, 6),), 30),
    "place of the greatest": (lambda x: lax.argmax(x, 0, jnp.int32), (struct(5, 6),), 30),
    "two reductions at once": (
        lambda x: lax.reduce((x, x), (0.0, 0.0), lambda a, b: (a[0] + b[0], a[1] * b[1]), (0,)),
        (struct(5, 6),),
        60,
    ),
    "running sum": (lambda x: lax.cumsum(x, 0), (struct(5, 6),), 30),
    "window": (
        lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, 3, 3), (1, 1, 3, 3), "VALID"),
        (struct(1, 2, 6, 6),),
        9 * 8,
    ),
    "sort": (lambda x: lax.sort(x, dimension=1), (struct(4, 32),), 4 * 32 * 5),
    "best": (lambda x: lax.top_k(x, 8), (struct(4, 32),), 4 * 32 * 3),
    "transform": (lambda x: lax.fft(x, "FFT", (8,)), (struct(3, 8, dtype=jnp.complex64),), 3 * 5 * 8 * 3),
    "complex product": (lambda x: x @ x.T, (struct(4, 8, dtype=jnp.complex64),), 8 * 16 * 8),
    "complex product without a sum": (
        lambda x: lax.dot_general(x, x, (((), ()), ((), ()))),
        (struct(4, dtype=jnp.complex64),),
        6 * 16,
    ),
    "complex elements": (lambda x: x * x + x, (struct(4, 8, dtype=jnp.complex64),), (6 + 2) * 32),
    "complex sum": (lambda x: x.sum(0), (struct(4, 8, dtype=jnp.complex64),), 2 * 32),
    "complex parts": (lambda x: lax.complex(lax.imag(x), lax.real(x)), (struct(4, 8, dtype=jnp.complex64),), 0),
    "real transform": (lambda x: lax.fft(x, "RFFT", (8,)), (struct(3, 8),), 3 * 5 * 8 * 3),
    "factors": (lax.linalg.lu, (struct(2, 3, 3),), 2 * 18),
    "triangle": (lax.linalg.triangular_solve, (struct(3, 3), struct(3, 3)), 27),
    "added in place": (
        lambda x, i, u: x.at[i].add(u, mode="promise_in_bounds", wrap_negative_indices=False),
        (struct(9, 4), struct(3, dtype=jnp.int32), struct(3, 4)),
        12,
    ),
    "transpose": (jnp.transpose, (struct(5, 6),), 0),
    "concatenation": (lambda x: lax.concatenate([x, x], 0), (struct(5, 6),), 0),
    "padding": (lambda x: lax.pad(x, 0.0, [(1, 1, 0), (0, 0, 1)]), (struct(5, 6),), 0),
    "slice": (lambda x: x[1:3], (struct(5, 6),), 0),
    "cast": (lambda x: x.astype(jnp.bfloat16), (struct(5, 6),), 0),
}


@pytest.mark.parametrize("name", FLOPS)
def test_operations_count_by_the_conventions_of_the_project(name: str) -> None:
    """Products count 2 per multiply-accumulate, reductions their input, windows their elements, moving nothing.

    What is done to complex numbers counts as the operations on real ones that it is made of.
    """
    function, args, expected = FLOPS[name]
    graph = traced(function, *args)
    assert graph.flops is not None
    assert graph.flops.sum() == expected


VIEWS: dict[str, tuple[Callable[[Any], Any], bool]] = {
    "reshape": (lambda x: lax.reshape(x, (6,)), True),
    "squeeze": (lambda x: lax.squeeze(x, (0,)), True),
    "new axes": (lambda x: lax.expand_dims(x, (0, 3)), True),
    "no gradient": (lax.stop_gradient, True),
    "bits": (lambda x: lax.bitcast_convert_type(x, jnp.int32), True),
    "smaller bits": (lambda x: lax.bitcast_convert_type(x, jnp.int16), False),
    "broadcast": (lambda x: lax.broadcast(x, (2,)), False),
    "transpose": (lambda x: lax.transpose(x, (1, 0)), False),
    "cast": (lambda x: x.astype(jnp.bfloat16), False),
    "copy": (jnp.copy, False),
}


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_moves_nothing(name: str) -> None:
    """What has its input's elements in its input's order is a view; all else writes what it makes."""
    function, expected = VIEWS[name]
    graph = traced(function, struct(1, 6))
    assert graph.is_view is not None
    assert graph.is_view.tolist() == [expected]
    assert graph.write_bytes is not None
    assert graph.write_bytes.tolist() == ([0] if expected else graph.size[1:].tolist())


SIZES = {jnp.bool_: 7, jnp.int8: 7, jnp.int4: 4, jnp.bfloat16: 14, jnp.int32: 28, jnp.float32: 28, jnp.complex64: 56}


@pytest.mark.parametrize("kind", SIZES)
def test_a_size_is_elements_by_width_rounded_up_to_a_byte(kind: Any) -> None:
    """Seven elements of each type; half-byte types are packed in pairs."""
    assert traced(lambda x: lax.rev(x, (0,)), struct(7, dtype=kind)).size.tolist() == [SIZES[kind]] * 2
