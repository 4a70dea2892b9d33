"""Loops and branches of JAX: one node each, with what its body computes and moves."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jax_functions import struct, traced
from traced import facts


def test_scan_is_one_node_that_runs_its_body_as_often_as_it_is_long() -> None:
    """Seven steps of 2 x 4 by 4 x 4, a bias from each slice and a sum; the weight that all share is read each time."""

    def step(carry: jax.Array, row: jax.Array, *, weight: jax.Array) -> tuple[jax.Array, jax.Array]:
        return carry @ weight.T + row, carry.sum()

    def function(w: jax.Array, x: jax.Array, rows: jax.Array) -> Any:
        return lax.scan(functools.partial(step, weight=w), x, rows)

    graph = traced(function, struct(4, 4), struct(2, 4), struct(7, 4), param_argnums=(0,))
    assert list(graph.op) == ["scan"]
    assert graph.size.tolist() == [32, 112, 32, 28]
    # The product, the sum of it and a row, and the sum over the carry.
    reads, writes = (32 + 64) + (32 + 16) + 32, 32 + 32 + 4
    assert facts(graph, "scan") == (7 * (2 * 2 * 4 * 4 + 8 + 8), 7 * reads, 7 * writes, 64)


def test_scan_over_stacked_layers_stores_all_of_them() -> None:
    """Each iteration reads one layer's slice; the node's parameters are the whole stack."""

    def function(w: jax.Array, x: jax.Array) -> Any:
        return lax.scan(lambda carry, layer: (carry @ layer, None), x, w)[0]

    graph = traced(function, struct(3, 4, 4), struct(2, 4), param_argnums=(0,))
    assert facts(graph, "scan") == (3 * 64, 3 * (32 + 64), 3 * 32, 192)


def test_while_runs_once_and_cond_its_dearer_branch() -> None:
    """A loop's trips are unknown; of two branches the one with the product counts, and both store weights."""

    def loop(w: jax.Array, x: jax.Array) -> Any:
        return lax.while_loop(lambda x: x[0, 0] < 3, lambda x: x @ w, x)

    graph = traced(loop, struct(4, 4), struct(2, 4), param_argnums=(0,))
    assert list(graph.op) == ["while"]
    # The test takes a slice, and one comparison.
    assert facts(graph, "while") == (64 + 1, (32 + 64) + 4 + 4, 32 + 4 + 1, 64)

    def branch(w: jax.Array, b: jax.Array, x: jax.Array, p: jax.Array) -> Any:
        return lax.cond(p, lambda x: x @ w, lambda x: x + b, x)

    graph = traced(branch, struct(4, 4), struct(4), struct(2, 4), struct(dtype=bool), param_argnums=(0, 1))
    assert list(graph.op) == ["convert_element_type", "cond"]
    assert facts(graph, "cond") == (64, 4 + 32 + 64, 32, 64 + 16)


def test_a_loop_reads_the_rows_of_a_table_that_its_body_gathers() -> None:
    """A table of 4,000 bytes from which each round takes two rows of 16 is not read as a whole; it is stored whole."""

    def function(table: jax.Array, words: jax.Array) -> Any:
        return lax.while_loop(lambda x: x[0] < 3, lambda x: jnp.take(table, x, axis=0, mode="clip").argmax(-1), words)

    graph = traced(function, struct(250, 4), struct(2, dtype=int), param_argnums=(0,))
    _, read_bytes, _, stored = facts(graph, "while")
    assert stored == 4000
    assert read_bytes < 200


def test_a_branch_that_returns_what_is_around_it_reads_that_alone() -> None:
    """Of two tables one comes out, and is copied; the other is not touched."""

    def function(a: jax.Array, b: jax.Array, x: jax.Array, p: jax.Array) -> Any:
        return lax.cond(p, lambda: a, lambda: b) + x

    graph = traced(function, struct(8, 4), struct(8, 4), struct(8, 4), struct(dtype=bool), param_argnums=(0, 1))
    assert facts(graph, "cond") == (0, 4 + 128, 128, 256)


def test_what_a_body_makes_of_a_parameter_counts_in_its_place() -> None:
    """A weight of 64 bytes that the body halves in width is stored whole and read as half, and not counted twice."""

    def function(w: jax.Array, x: jax.Array) -> Any:
        return lax.scan(lambda carry, _: (carry @ w.astype(jnp.bfloat16), None), x, length=2)[0]

    graph = traced(function, struct(4, 4), struct(2, 4, dtype=jnp.bfloat16), param_argnums=(0,))
    assert facts(graph, "scan") == (2 * 64, 2 * (16 + 32), 2 * 16, 64)


def test_an_equation_that_only_combines_two_elements_has_no_body() -> None:
    """Scatters and reductions hold how they combine a pair; they are counted as a whole."""
    graph = traced(lambda x: lax.reduce(x, 0.0, lambda a, b: a + b * b, (0,)), struct(5, 6))
    assert facts(graph, "reduce") == (30, 120, 24, 0)


def test_an_operator_with_several_bodies_runs_the_most_expensive() -> None:
    """A linear solver brings its transposes along; each counts as if it alone ran, and none is a call."""

    def function(a: jax.Array, b: jax.Array) -> Any:
        return lax.custom_linear_solve(lambda x: a @ x, b, lambda _, y: jnp.tanh(a @ (a @ y)), symmetric=True)

    graph = traced(function, struct(3, 3), struct(3))
    assert list(graph.op) == ["custom_linear_solve"]
    assert facts(graph, "custom_linear_solve")[0] == 2 * (2 * 9) + 3
