"""Language models in JAX, a step at a time: operations and bytes by formula."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax import ShapeDtypeStruct as Struct
from jax import lax

from slicegraph.formats.arrays import GraphArrays
from slicegraph.formats.jax import trace
from traced import stored

BATCH, HEADS, KEY_HEADS, LENGTH, SIZE = 2, 4, 2, 32, 8
WIDTH, KEYS = HEADS * SIZE, KEY_HEADS * SIZE
FLOAT = 4


def _struct(*shape: int, dtype: Any = jnp.float32) -> Any:
    return Struct(shape, dtype)  # type: ignore[no-untyped-call] # as JAX has it


def _trace(function: Any, weights: Any, *args: Any) -> GraphArrays:
    return trace(function, (weights, *args), {}, param_argnums=(0,), name="case")


def _of(graph: GraphArrays, op: str) -> list[tuple[int, int, int]]:
    """What each equation of a primitive computes, reads and writes."""
    assert graph.flops is not None
    assert graph.read_bytes is not None
    assert graph.write_bytes is not None
    columns = zip(graph.op, graph.flops, graph.read_bytes, graph.write_bytes, strict=True)
    return [(int(flops), int(read), int(written)) for each, flops, read, written in columns if each == op]


def _put(cache: Any, rows: Any, at: Any, write: str) -> Any:
    """Put rows of (batch, tokens, heads, width) into a cache, at places that follow each other."""
    zero = jnp.int32(0)
    if write == "dynamic_update_slice":
        return lax.dynamic_update_slice(cache, rows, (zero, at, zero, zero))
    return cache.at[:, at].set(rows, unique_indices=True, mode="drop")


@pytest.mark.parametrize("length", [1, 5])
@pytest.mark.parametrize("write", ["dynamic_update_slice", "scatter"])
def test_a_step_writes_its_rows_and_reads_its_caches(write: str, length: int) -> None:
    """All products, scores with the whole cache, and of the caches that come and go the new rows written."""

    def step(weights: Any, caches: Any, x: Any, at: Any) -> Any:
        query = (x @ weights[0]).reshape(BATCH, length, KEY_HEADS, HEADS // KEY_HEADS, SIZE)
        rows = [(x @ weight).reshape(BATCH, length, KEY_HEADS, SIZE) for weight in weights[1:3]]
        at = at if write == "dynamic_update_slice" else at + jnp.arange(length)
        keys, values = (_put(cache, row, at, write) for cache, row in zip(caches, rows, strict=True))
        scores = jnp.einsum("blhgd,bkhd->bhglk", query, keys)
        found = jnp.einsum("bhglk,bkhd->blhgd", jax.nn.softmax(scores), values)
        return found.reshape(x.shape) @ weights[3], (keys, values)

    weights = [_struct(WIDTH, each) for each in (WIDTH, KEYS, KEYS, WIDTH)]
    caches = [_struct(BATCH, LENGTH, KEY_HEADS, SIZE)] * 2
    graph = _trace(step, weights, caches, _struct(BATCH, length, WIDTH), _struct(dtype=jnp.int32))
    tokens, cache = BATCH * length, BATCH * LENGTH * KEYS * FLOAT
    products = 2 * tokens * WIDTH * (WIDTH + 2 * KEYS + WIDTH)
    attention = tokens * HEADS * LENGTH * (2 * SIZE + 2 * SIZE)
    dots = _of(graph, "dot_general")
    assert sum(flops for flops, _, _ in dots) == products + attention
    scores = tokens * HEADS * LENGTH * FLOAT
    assert sorted(read for _, read, _ in dots)[-2:] == sorted([tokens * WIDTH * FLOAT + cache, scores + cache])[-2:]
    rows = tokens * KEYS * FLOAT
    found = _of(graph, write)
    assert [written for _, _, written in found] == [rows] * 2
    assert all(rows < read <= rows + 16 * max(length, 4) for _, read, _ in found)
    assert stored(graph) == 2 * WIDTH * (WIDTH + KEYS) * FLOAT + (write == "scatter") * length * 4


@pytest.mark.parametrize("tokens", [1, 12])
def test_a_token_pays_for_the_experts_that_are_chosen(tokens: int) -> None:
    """Two of eight, however many there are: their products, and the bytes of no more than were chosen."""

    def experts(weights: Any, x: Any) -> Any:
        router, up, down = weights
        _, chosen = lax.top_k(x @ router, 2)
        order = jnp.argsort(chosen.reshape(-1))
        sizes = jnp.zeros(8, jnp.int32).at[chosen.reshape(-1)].add(1)
        return lax.ragged_dot(lax.ragged_dot(x[order // 2], up, sizes), down, sizes)

    weights = (_struct(16, 8), _struct(8, 16, 32), _struct(8, 32, 16))
    first, second = _of(_trace(experts, weights, _struct(tokens, 16)), "ragged_dot_general")
    assert first[0] == second[0] == 2 * tokens * 2 * 16 * 32
    read = min(2 * tokens, 8) * 16 * 32 * FLOAT + 8 * 4
    assert (first[1], second[1]) == (tokens * 2 * 16 * FLOAT + read, tokens * 2 * 32 * FLOAT + read)
    rows = lambda w, x: jnp.einsum("tw,tkwi->tki", x, w[1][lax.top_k(x @ w[0], 2)[1]])  # noqa: E731 - one expression
    (gathered,) = _of(_trace(rows, weights[:2], _struct(tokens, 16)), "gather")
    assert gathered[2] == tokens * 2 * 16 * 32 * FLOAT
    assert gathered[2] < gathered[1] <= gathered[2] + tokens * 2 * 8


@pytest.mark.parametrize("bits", [4, 8])
def test_packed_weights_are_read_as_they_are_packed(bits: int) -> None:
    """A decoding step reads half a byte or a byte for each weight, whether the type or the program packs them."""

    def unpacked(weights: Any, x: Any) -> Any:
        weight, scale = weights
        if bits == 4:
            weight = jnp.stack([weight & 15, weight >> 4], -1).reshape(32, 32)
        return x @ (weight.astype(jnp.bfloat16) * scale)

    scale, x = _struct(1, 32, dtype=jnp.bfloat16), _struct(3, 32, dtype=jnp.bfloat16)
    weight = _struct(32, 16, dtype=jnp.uint8) if bits == 4 else _struct(32, 32, dtype=jnp.int8)
    packed = 32 * 32 * bits // 8 + 32 * 2
    wanted = [(2 * 3 * 32 * 32, 3 * 32 * 2 + packed, 3 * 32 * 2)]
    graph = _trace(unpacked, (weight, scale), x)
    assert _of(graph, "dot_general") == wanted
    assert stored(graph) == packed
    typed = _struct(32, 32, dtype=jnp.int4 if bits == 4 else jnp.int8)
    cast = _trace(lambda w, y: y @ (w[0].astype(jnp.bfloat16) * w[1]), (typed, scale), x)
    assert _of(cast, "dot_general") == wanted


@pytest.mark.parametrize("is_anew", [False, True])
def test_a_table_that_all_layers_read_is_stored_once(is_anew: bool) -> None:
    """Rotations and masks that are made of nothing, once or in each of twelve layers, take their bytes once."""

    def tables() -> Any:
        return jnp.cos(jnp.arange(LENGTH)[:, None] * jnp.arange(SIZE) / SIZE), jnp.tril(jnp.ones((LENGTH, LENGTH)))

    def layers(weights: Any, x: Any) -> Any:
        cosine, mask = tables()
        for weight in weights:
            if is_anew:
                cosine, mask = tables()
            x = mask @ ((x @ weight) * cosine)
        return x

    graph = _trace(layers, [_struct(SIZE, SIZE)] * 12, _struct(LENGTH, SIZE))
    assert stored(graph) == (12 * SIZE * SIZE + LENGTH * SIZE + LENGTH * LENGTH) * FLOAT
