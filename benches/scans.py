"""JAX functions with loops beside the same functions written out: how well they are cut, and what their stages give.

    python benches/scans.py [--time-limit 8] > table.md

A row for each function and number of stages: bottlenecks of the loop as one node, of the loop opened, and of the
function written out, and the greatest difference between what all stages in a row give and what the function gives.
The flax model is left out where flax is not installed.
"""
# ruff: noqa: ANN401 - arrays, and whatever holds arrays

from __future__ import annotations

import argparse
import functools
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

import slicegraph as sg

WIDTH, LAYERS, ROWS, STEPS = 256, 12, 64, 24


@dataclass(frozen=True, kw_only=True)
class Case:
    """A function with a loop, and the same without."""

    name: str
    looped: Callable[..., Any]
    written_out: Callable[..., Any]
    parameters: Any
    apart: Any
    x: Any


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--time-limit", type=float, default=8.0)
    options = parser.parse_args(arguments)
    write = sys.stdout.write
    write("| Function | k | nodes | as one node | opened | written out | opened / written out | stages differ by |\n")
    write("|---|---|---|---|---|---|---|---|\n")
    for case in cases():
        args = case.parameters, case.x
        graphs = (
            sg.from_jax(case.looped, args, open_loops=False),
            sg.from_jax(case.looped, args),
            sg.from_jax(case.written_out, (case.apart, case.x)),
        )
        for blocks in (2, 4, 8):
            results = [_solved(graph, blocks, options.time_limit) for graph in graphs]
            times = " | ".join(f"{result.bottleneck * 1e6:.2f} us" for result in results)
            ratio = results[1].bottleneck / results[2].bottleneck
            differ = _difference(sg.jax.stages(case.looped, args, results[1])(*args), jax.jit(case.looped)(*args))
            write(f"| {case.name} | {blocks} | {graphs[1].num_nodes} | {times} | {ratio:.4f} | {differ:.1e} |\n")
    return 0


def cases() -> Iterator[Case]:
    """Give all functions, with parameters that are random numbers."""
    blocks = {name: _normal(LAYERS, *shape) for name, shape in _SHAPES.items()}
    yield Case(
        name=f"transformer, scan of {LAYERS} layers, remat",
        looped=lambda stack, x: lax.scan(lambda x, p: (jax.checkpoint(transformer_block)(p, x), None), x, stack)[0],
        written_out=_in_turn(transformer_block),
        parameters=blocks,
        apart=[jax.tree.map(lambda leaf, layer=layer: leaf[layer], blocks) for layer in range(LAYERS)],
        x=_normal(ROWS, WIDTH),
    )
    weights = _normal(LAYERS, WIDTH, WIDTH)
    yield Case(
        name=f"MLP, scan of {LAYERS} layers",
        looped=lambda stack, x: lax.scan(lambda x, w: (_dense(w, x), None), x, stack)[0],
        written_out=_in_turn(_dense),
        parameters=weights,
        apart=list(weights),
        x=_normal(ROWS, WIDTH),
    )
    cells = [{"in": _normal(WIDTH, WIDTH), "state": _normal(WIDTH, WIDTH)} for _ in range(2)]
    yield Case(
        name=f"RNN, 2 layers, scans over {STEPS} steps",
        looped=_recurrent,
        written_out=_recurrent_in_turn,
        parameters=cells,
        apart=cells,
        x=_normal(STEPS, 8, WIDTH),
    )
    if importlib.util.find_spec("flax") is not None:
        yield _flax()


_SHAPES = dict.fromkeys("qkvo", (WIDTH, WIDTH)) | {"up": (WIDTH, 4 * WIDTH), "down": (4 * WIDTH, WIDTH)}


def _normal(*shape: int) -> Any:
    return jax.random.normal(jax.random.key(sum(shape)), shape) / 16


def _in_turn(layer: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def function(layers: Any, x: Any) -> Any:
        for parameters in layers:
            x = layer(parameters, x)
        return x

    return function


def norm(x: Any) -> Any:
    x = x - x.mean(-1, keepdims=True)
    return x * lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-5)


def transformer_block(p: Any, x: Any) -> Any:
    """A transformer's layer: attention of one head, and two products; x has rows of its width."""
    q, k, v = (norm(x) @ p[name] for name in "qkv")
    x = x + jax.nn.softmax(q @ k.T / x.shape[-1]) @ v @ p["o"]
    return x + jax.nn.gelu(norm(x) @ p["up"]) @ p["down"]


def _dense(weight: Any, x: Any) -> Any:
    return jnp.tanh(x @ weight) + x


def _cell(p: Any, state: Any, row: Any) -> Any:
    return jnp.tanh(row @ p["in"] + state @ p["state"])


def _recurrent(layers: Any, rows: Any) -> Any:
    for p in layers:
        rows = lax.scan(functools.partial(_step, p), jnp.zeros(rows.shape[1:]), rows)[1]
    return rows[-1]


def _step(p: Any, state: Any, row: Any) -> Any:
    return (_cell(p, state, row),) * 2


def _recurrent_in_turn(layers: Any, x: Any) -> Any:
    rows = [x[step] for step in range(STEPS)]
    for p in layers:
        state = jnp.zeros(x.shape[1:])
        for step, row in enumerate(rows):
            rows[step] = state = _cell(p, state, row)
    return rows[-1]


def _flax() -> Case:
    """Give a flax linen transformer, whose layers are in ``nn.scan``."""
    nn: Any = importlib.import_module("flax.linen")

    def block(self: Any, x: Any, _: Any = None) -> Any:
        del self
        x = x + nn.SelfAttention(num_heads=4)(nn.LayerNorm()(x))
        return x + nn.Dense(WIDTH)(nn.gelu(nn.Dense(4 * WIDTH)(nn.LayerNorm()(x)))), None

    layer = type("Block", (nn.Module,), {"__call__": nn.compact(block)})
    scan = {"variable_axes": {"params": 0}, "split_rngs": {"params": True}, "length": LAYERS}

    def looped(self: Any, x: Any) -> Any:
        del self
        return nn.scan(nn.remat(layer), **scan)(name="layers")(x, None)[0]

    def written_out(self: Any, x: Any) -> Any:
        del self
        for index in range(LAYERS):
            x, _ = layer(name=f"layer{index}")(x)
        return x

    models = [type("Model", (nn.Module,), {"__call__": nn.compact(call)})() for call in (looped, written_out)]
    x = _normal(2, ROWS, WIDTH)
    return Case(
        name=f"flax linen transformer, nn.scan of {LAYERS} layers, remat",
        looped=models[0].apply,
        written_out=models[1].apply,
        parameters=models[0].init(jax.random.key(0), x),
        apart=models[1].init(jax.random.key(0), x),
        x=x,
    )


def _solved(graph: sg.Graph, blocks: int, seconds: float) -> sg.Result:
    instance = sg.Instance(graph, device=sg.Device.preset("testbed"), num_blocks=blocks)
    return sg.solve(instance, stop=sg.MaxRuntime(seconds))


def _difference(left: Any, right: Any) -> float:
    pairs = zip(jax.tree.leaves(left), jax.tree.leaves(right), strict=True)
    return max(float(jnp.abs(one - other).max()) for one, other in pairs)


if __name__ == "__main__":
    sys.exit(main())
