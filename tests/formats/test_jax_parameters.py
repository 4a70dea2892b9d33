"""What a JAX function is given to keep: each parameter once, as it is packed, at whichever equations read it."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

import slicegraph as sg
from jax_functions import struct, traced
from slicegraph.formats.arrays import GraphArrays
from traced import shared, stored

X = struct(2, 4)
W = struct(4, 4)


def _own(graph: GraphArrays) -> list[int]:
    assert graph.param_bytes is not None
    return [int(size) for size in graph.param_bytes]


# Each makes of a weight, 4 x 4 floats, what two products read.
READ_TWICE: dict[str, Any] = {
    "itself": lambda w: (w, w),
    "its transpose": lambda w: (w, w.T),
    "two transposes": lambda w: (w.T, jnp.transpose(w)),
    "another type": lambda w: (w.astype(jnp.bfloat16).astype(jnp.float32), w),
    "negated twice": lambda w: (-w, -w),
    "in a call": lambda w: (jax.jit(lambda v: v * 2)(w), w),
}


@pytest.mark.parametrize("made", READ_TWICE)
def test_what_two_equations_make_of_a_parameter_is_stored_once(made: str) -> None:
    def function(w: Any, x: Any) -> Any:
        first, second = READ_TWICE[made](w)
        return x @ first @ second

    graph = traced(function, W, X, param_argnums=(0,))
    assert list(graph.op) == ["dot_general", "dot_general"]
    assert shared(graph) == [(64, [0, 1])]
    assert _own(graph) == [0, 0]


def test_leaves_are_parameters_of_their_own() -> None:
    """Even if they are given as one object: a caller may give others next time."""
    graph = traced(lambda params, x: x @ params["a"] @ params["b"], {"a": W, "b": W}, X, param_argnums=(0,))
    assert (_own(graph), shared(graph)) == ([64, 64], [])
    array = jnp.ones((4, 4))
    assert shared(traced(lambda x: x @ array @ array.T, X)) == [(64, [0, 1])]


def test_a_table_that_is_the_last_layer_too_is_stored_once() -> None:
    graph = traced(
        lambda table, i: jnp.tanh(jnp.take(table, i, axis=0)) @ table.T,
        struct(100, 8),
        struct(3, dtype=jnp.int32),
        param_argnums=(0,),
    )
    assert [size for size, _ in shared(graph)] == [3200]
    assert stored(graph) == 3200


LAYERS: dict[str, Any] = {
    "index": lambda stack, i: stack[i],
    "dynamic": lambda stack, i: lax.dynamic_index_in_dim(stack, i, keepdims=False),
    "split": lambda stack, i: jnp.split(stack, 3)[i][0],
}


@pytest.mark.parametrize("spelling", LAYERS)
def test_layers_that_are_stacked_are_stored_as_layers(spelling: str) -> None:
    """A slice of a stack is no read of all of it."""

    def function(stack: Any, x: Any) -> Any:
        for i in range(3):
            x = jnp.tanh(x @ LAYERS[spelling](stack, i))
        return x

    graph = traced(function, struct(3, 4, 4), X, param_argnums=(0,))
    assert [size for size in _own(graph) if size] == [64] * 3
    assert shared(graph) == []


def test_weights_of_four_bits_are_stored_as_they_are_packed() -> None:
    """Two to a byte, with a scale for each row; read as they are packed, too."""

    def function(packed: jax.Array, scale: jax.Array, x: jax.Array) -> jax.Array:
        low, high = packed & 15, packed >> 4
        return x @ (jnp.stack([low, high], -1).reshape(64, 64).astype(jnp.bfloat16) * scale)

    x = struct(2, 64, dtype=jnp.bfloat16)
    packed, scale = struct(64, 32, dtype=jnp.uint8), struct(64, 1, dtype=jnp.bfloat16)
    graph = traced(function, packed, scale, x, param_argnums=(0, 1))
    assert list(graph.op) == ["dot_general"]
    assert _own(graph) == [2048 + 128]
    assert graph.read_bytes is not None
    assert graph.read_bytes.tolist() == [256 + 2048 + 128]


def test_what_is_made_of_nothing_is_stored_as_it_is_made() -> None:
    """A mask of all pairs is made of a count and of numbers: it is as large as it is, and stored once."""

    def function(x: jax.Array) -> jax.Array:
        mask = jnp.tril(jnp.ones((32, 32)))
        return (x + mask) @ x + mask

    graph = traced(function, struct(32, 32))
    assert shared(graph) == [(4096, [0, 2])]
    table = traced(
        lambda f, x: x * jnp.cos(jnp.arange(512.0)[:, None] * f), struct(8), struct(512, 8), param_argnums=(0,)
    )
    assert _own(table) == [512 * 8 * 4]


@given(
    widths=st.lists(st.sampled_from([1, 2, 4]), min_size=1, max_size=3),
    reads=st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=1, max_size=8),
)
@settings(max_examples=40)
def test_the_bytes_of_a_function_are_those_of_its_parameters(widths: list[int], reads: list[tuple[int, bool]]) -> None:
    """However often each is read: each once, and in a run of equations those that these read."""
    kinds = {1: jnp.int8, 2: jnp.float16, 4: jnp.float32}
    reads = [(index % len(widths), is_turned) for index, is_turned in reads]

    def function(params: list[jax.Array], x: jax.Array) -> jax.Array:
        for index, is_turned in reads:
            weight = params[index].astype(jnp.float32)
            x = x @ (weight.T if is_turned else weight)
        return x

    params = [struct(4, 4, dtype=kinds[width]) for width in widths]
    graph = sg.from_jax(function, (params, struct(2, 4))).arrays
    assert stored(graph) == sum(16 * widths[index] for index in {index for index, _ in reads})
    own = np.array(_own(graph))
    for begin in range(len(reads)):
        for end in range(begin + 1, len(reads) + 1):
            held = own[begin:end].sum() + sum(
                size for size, readers in shared(graph) if any(begin <= node < end for node in readers)
            )
            assert held == sum(16 * widths[index] for index in {index for index, _ in reads[begin:end]})


@pytest.mark.parametrize(
    ("function", "kinds", "expected"),
    [
        (lambda w, x: x @ w, ("float16", "float16"), "float16"),
        (lambda w, x: jnp.dot(x, w, preferred_element_type=jnp.int32), ("int8", "int8"), "int8"),
        (lambda w, x: jnp.where(x > 0, x, w[0]), ("bfloat16", "bfloat16"), "bfloat16"),
        (lambda w, i: w[i], ("float32", "int32"), "float32"),
        (lambda w, x: lax.scan(lambda c, _: (jnp.tanh(c @ w), None), x, length=3)[0], ("float16",) * 2, "float16"),
        (lambda w, i: (i + 1) * w.shape[0], ("float32", "int32"), "int32"),
    ],
)
def test_an_equation_computes_in_the_type_of_its_operands(function: Any, kinds: tuple[str, str], expected: str) -> None:
    w, x = (struct(4, 4, dtype=jnp.dtype(kind)) for kind in kinds)
    graph = traced(function, w, x, param_argnums=(0,))
    assert graph.dtype is not None
    assert graph.dtype[-1] == expected
