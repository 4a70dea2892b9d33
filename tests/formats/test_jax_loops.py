"""Loops of JAX that are opened: the graph is that of the program written out."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

import slicegraph as sg
from jax_functions import struct, traced
from traced import shared, stored

X = struct(2, 4)
STACK = struct(3, 4, 4)


def _layer(weight: Any, x: Any) -> Any:
    return jnp.tanh(x @ weight)


def _in_turn(stack: Any, x: Any) -> Any:
    for index in range(3):
        x = _layer(stack[index], x)
    return x


def _counted(stack: Any, x: Any) -> Any:
    def step(state: tuple[Any, Any]) -> tuple[Any, Any]:
        return state[0] - 1, _layer(stack[3 - state[0]], state[1])

    return lax.while_loop(lambda state: state[0] > 0, step, (3, x))[1]


def _switched(stack: Any, x: Any) -> Any:
    """An iteration knows which it is, so which of the branches it takes."""

    def step(index: Any, x: Any) -> Any:
        return lax.cond(index < 3, lambda: _layer(stack[index], x), lambda: jnp.sin(x))

    return lax.fori_loop(0, 3, step, x)


def _scan(function: Callable[..., Any] = _layer, **options: Any) -> Callable[..., Any]:
    return lambda stack, x: lax.scan(lambda x, weight: (function(weight, x), None), x, stack, **options)[0]


def _derived(weight: Any, x: Any) -> Any:
    layer = jax.custom_vjp(_layer)
    layer.defvjp(lambda weight, x: (_layer(weight, x), x), lambda x, g: (g, x))
    return layer(weight, x)


SPELLINGS: dict[str, Callable[..., Any]] = {
    "scan": _scan(),
    "scan with unroll": _scan(unroll=2),
    "fori_loop": lambda stack, x: lax.fori_loop(0, 3, lambda index, x: _layer(stack[index], x), x),
    "fori_loop from two": lambda stack, x: lax.fori_loop(2, 5, lambda index, x: _layer(stack[index - 2], x), x),
    "while_loop": _counted,
    "known branch": _switched,
    "scan of numbers": lambda stack, x: lax.scan(
        lambda x, i: (lax.cond(i > 5, jnp.sin, lambda x: _layer(stack[i - 1], x), x), None), x, jnp.arange(1, 4)
    )[0],
    "numbers backwards": lambda stack, x: lax.scan(
        lambda x, i: (_layer(stack[2 - i], x), None), x, jnp.arange(3)[::-1], reverse=True
    )[0],
    "take": lambda stack, x: lax.fori_loop(0, 3, lambda i, x: _layer(jnp.take(stack, i, axis=0), x), x),
    "remat": _scan(jax.checkpoint(_layer)),
    "jit": jax.jit(_scan(jax.jit(_layer))),
    "custom_vjp": _scan(_derived),
    "a scan in a scan": lambda stack, x: lax.scan(lambda x, one: (_scan()(one, x), None), x, stack[:, None])[0],
    "one read twice": lambda stack, x: lax.fori_loop(0, 3, lambda i, x: _layer((stack[i] + stack[i]) / 2, x), x),
}


def _facts(graph: Any) -> Any:
    """All that must not depend on the spelling: names and the order of parameters do."""
    arrays = (graph.producer, graph.size, graph.consumers, graph.consumer_offsets, graph.flops, graph.read_bytes)
    more = (graph.write_bytes, graph.param_bytes, graph.is_guess, graph.is_view)
    return tuple(graph.op), [array.tolist() for array in (*arrays, *more)], shared(graph)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_loop_over_layers_is_the_layers_in_turn(spelling: str) -> None:
    graph = traced(SPELLINGS[spelling], STACK, X, param_argnums=(0,), open_loops=1000)
    assert _facts(graph) == _facts(traced(_in_turn, STACK, X, param_argnums=(0,)))
    assert graph.param_bytes is not None
    assert graph.param_bytes.tolist() == [64, 0] * 3


def test_a_scan_backwards_takes_the_last_layer_first() -> None:
    """Each has as much as any other; which it is is told by who shares it."""

    def function(stack: Any, x: Any) -> Any:
        return _layer(stack[2], _scan(reverse=True)(stack, x))

    assert shared(traced(function, STACK, X, param_argnums=(0,), open_loops=100)) == [(64, [0, 6])]


def _stacked(parts: list[Any]) -> Any:
    shown = [lax.expand_dims(part, (0,)) for part in parts]
    return lax.concatenate(shown, 0) if len(shown) > 1 else shown[0]


@given(layers=st.integers(1, 4), inner=st.integers(1, 3), reverse=st.booleans(), has_sum=st.booleans())
@settings(max_examples=15)
def test_nested_scans_are_what_is_written_out(layers: int, inner: int, reverse: bool, has_sum: bool) -> None:
    """Stacked inputs, stacked outputs and constants, in either direction, down to the last fact."""

    def looped(parameters: Any, x: Any) -> Any:
        def block(x: Any, weights: Any) -> Any:
            x, seen = lax.scan(lambda x, w: (x @ w * parameters[0], x.sum()), x, weights, reverse=reverse)
            return (x + seen.sum() if has_sum else x), x[0]

        return lax.scan(block, x, parameters[1], reverse=reverse)

    def written_out(parameters: Any, x: Any) -> Any:
        step = -1 if reverse else 1
        rows: list[Any] = [None] * layers
        for i in range(layers)[::step]:
            seen: list[Any] = [None] * inner
            for j in range(inner)[::step]:
                before, x = x, x @ parameters[1][i][j] * parameters[0]
                seen[j] = before.sum()
            total = _stacked(seen)
            before, x = x, x + total.sum() if has_sum else x
            rows[i] = before[0]
        return x, _stacked(rows)

    arguments = [struct(4), struct(layers, inner, 4, 4)], X
    opened = traced(looped, *arguments, param_argnums=(0,), open_loops=1000)
    assert _facts(opened) == _facts(traced(written_out, *arguments, param_argnums=(0,)))
    assert stored(opened) == 16 + layers * inner * 64


def _recurrent(weights: Any, rows: Any) -> Any:
    """Two layers over time; each takes what the layer before makes of each step."""

    def step(state: Any, row: Any, *, weight: Any) -> Any:
        state = jnp.tanh(row + state @ weight)
        return state, state

    for weight in weights:
        _, rows = lax.scan(functools.partial(step, weight=weight), jnp.zeros(4), rows)
    return rows[-1]


def test_what_a_scan_stacks_the_next_takes_apart() -> None:
    """Nothing is stacked: the second layer takes each state of the first, and one state is returned."""
    graph = traced(_recurrent, [struct(4, 4)] * 2, struct(5, 4), param_argnums=(0,), open_loops=1000)
    assert "concatenate" not in graph.op
    assert [size for size, readers in shared(graph)] == [64] * 2


RESTACKED: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any] | None]] = {
    "the last": (lambda rows: rows[-1], lambda rows: rows[4]),
    "some": (lambda rows: rows[1:4], lambda rows: _stacked(rows[1:4])),
    "every other": (lambda rows: rows[::2], lambda rows: _stacked(rows[::2])),
    "backwards": (lambda rows: rows[::-1], lambda rows: _stacked(rows[::-1])),
    "again": (lambda rows: rows[1:][::-1][2], lambda rows: rows[2]),
    "at a number": (lambda rows: lax.dynamic_slice_in_dim(rows, 9, 2), lambda rows: _stacked(rows[3:])),
    "of each": (lambda rows: rows[:, 1:], None),
}


@pytest.mark.parametrize("taken", RESTACKED)
def test_parts_of_a_stack_are_stacked_alone(taken: str) -> None:
    """What is not wanted is not stacked, in any order of what is; where each is cut, all are stacked first."""
    function, expected = RESTACKED[taken]

    def looped(x: Any) -> Any:
        return function(lax.scan(lambda x, _: (jnp.sin(x),) * 2, x, None, length=5)[1])

    def written_out(x: Any) -> Any:
        rows = []
        for _ in range(5):
            x = jnp.sin(x)
            rows.append(x)
        return function(_stacked(rows)) if expected is None else expected(rows)

    graph, apart = (traced(each, struct(4), open_loops=100) for each in (looped, written_out))
    is_view = graph.is_view
    assert is_view is not None
    assert apart.is_view is not None
    kept = [op for op, is_free in zip(graph.op, is_view, strict=True) if not is_free]
    assert kept == [op for op, is_free in zip(apart.op, apart.is_view, strict=True) if not is_free]


def test_the_gradient_of_a_scan_is_opened_forward_and_backward() -> None:
    def loss(stack: Any, x: Any) -> Any:
        return _scan()(stack, x).sum()

    def written_out(stack: Any, x: Any) -> Any:
        return _in_turn(stack, x).sum()

    looped = traced(jax.grad(loss), STACK, X, param_argnums=(0,), open_loops=1000)
    apart = traced(jax.grad(written_out), STACK, X, param_argnums=(0,))
    assert not {"scan", "while"} & set(looped.op)
    assert list(looped.op).count("dot_general") == list(apart.op).count("dot_general")


def test_a_loop_beyond_the_limit_is_one_node() -> None:
    """Three iterations of two equations; of nested loops the inner ones stay one node each first."""
    assert list(traced(_scan(), STACK, X, param_argnums=(0,), open_loops=6).op) == ["dot_general", "tanh"] * 3
    assert list(traced(_scan(), STACK, X, param_argnums=(0,), open_loops=5).op) == ["scan"]
    nested = SPELLINGS["a scan in a scan"]
    inner = struct(3, 5, 4, 4)

    def deep(stack: Any, x: Any) -> Any:
        return lax.scan(lambda x, one: (_scan()(one, x), None), x, stack)[0]

    assert list(traced(deep, inner, X, open_loops=29).op).count("scan") == 3
    assert len(traced(deep, inner, X, param_argnums=(0,), open_loops=30).op) == 30
    assert list(traced(nested, STACK, X, open_loops=2).op)[-1] == "scan"


@pytest.mark.parametrize(("open_loops", "nodes"), [(True, 6), (False, 1), (6, 6), (5, 1), (0, 1)])
def test_the_limit_is_an_argument(open_loops: Any, nodes: int) -> None:
    assert sg.from_jax(_scan(), (STACK, X), open_loops=open_loops).num_nodes == nodes


@pytest.mark.parametrize("open_loops", [-1, 2.5, "yes", None])
def test_a_limit_that_is_no_number_is_refused(open_loops: Any) -> None:
    with pytest.raises(sg.InputError, match=r"^open_loops = .* whole number"):
        sg.from_jax(_scan(), (STACK, X), open_loops=open_loops)


def test_names_tell_the_iteration() -> None:
    def named(stack: Any, x: Any) -> Any:
        with jax.named_scope("decoder"):
            return _scan()(stack, x)

    graph = traced(named, STACK, X, param_argnums=(0,), open_loops=100)
    assert graph.node_name is not None
    assert [name.rpartition("/")[0] for name in graph.node_name[::2]] == [f"decoder/scan.1/{i}" for i in range(3)]
    assert len(set(graph.node_name)) == 6


WHILES: dict[str, tuple[Callable[[Any], Any], int | None]] = {
    "down by two": (lambda x: lax.while_loop(lambda s: s[0] >= 1, lambda s: (s[0] - 2, s[1] + 1), (7, x)), 4),
    "doubling": (lambda x: lax.while_loop(lambda s: s[0] < 100, lambda s: (s[0] * 2, s[1] + 1), (1, x)), 7),
    "halving": (lambda x: lax.while_loop(lambda s: s[0] > 0, lambda s: (s[0] // 2, s[1] + 1), (9, x)), 4),
    "not at all": (lambda x: lax.while_loop(lambda s: s[0] > 9, lambda s: (s[0] - 1, s[1] + 1), (9, x)), None),
    "of a value": (lambda x: lax.while_loop(lambda s: s[1][0] > 0, lambda s: (s[0], s[1] - 1), (9, x)), None),
    "of a fraction": (lambda x: lax.while_loop(lambda s: s[0] < 1, lambda s: (s[0] + 0.1, s[1] + 1), (0.0, x)), None),
    "for ever": (lambda x: lax.while_loop(lambda s: s[0] < 1, lambda s: (s[0], s[1] + 1), (0, x)), None),
}


@pytest.mark.parametrize("spelling", WHILES)
def test_a_while_is_opened_as_often_as_it_runs(spelling: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """JAX itself is the judge: each iteration adds one."""
    monkeypatch.setattr("slicegraph.formats.jax.numbers.MOST_TRIPS", 50)
    function, trips = WHILES[spelling]
    graph = traced(lambda x: function(x)[1], struct(3), open_loops=100)
    if trips is None:
        assert list(graph.op) == ["while"]
    else:
        assert list(graph.op) == ["add"] * trips
        assert function(jnp.zeros(3))[1].tolist() == [trips] * 3
