"""Functions of JAX and what they are lowered to, on disk."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from jax import export, lax

from jax_functions import struct

Case = tuple[Callable[..., Any], Any, Any]


def _mlp(params: Any, x: Any) -> Any:
    for layer in params:
        x = jnp.tanh(x @ layer["kernel"] + layer["bias"])
    return jax.nn.softmax(x)


def _attention(params: Any, x: Any) -> Any:
    q, k, v = (x @ params[name] for name in ("q", "k", "v"))
    scores = jax.nn.softmax(jnp.einsum("bqd,bkd->bqk", q, k) / 4.0)
    return jnp.einsum("bqk,bkd->bqd", scores, v) @ params["o"]


def _convolutions(params: Any, x: Any) -> Any:
    x = lax.conv_general_dilated(x, params["first"], (1, 1), "SAME")
    x = lax.reduce_window(jax.nn.relu(x), -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
    numbers = ("NCHW", "OIHW", "NCHW")
    x = lax.conv_transpose(x, params["transposed"], (2, 2), "SAME", dimension_numbers=numbers)
    return x.mean((2, 3)) @ params["head"]


def _layer(x: Any, params: Any) -> tuple[Any, None]:
    x = x + _attention(params, x)
    return x + jax.nn.relu(x @ params["up"]) @ params["down"], None


def _scanned(params: Any, tokens: Any) -> Any:
    x, _ = lax.scan(_layer, params["embedding"][tokens], params["layers"])
    return x @ params["embedding"].T


def _recurrent(params: Any, x: Any) -> Any:
    """Two loops over time of which one takes apart what the other stacks, and a third that picks from it."""

    def cell(state: Any, each: Any) -> tuple[Any, Any]:
        state = jnp.tanh(each @ params["in"] + state @ params["own"])
        return state, state

    start = jnp.zeros((2, 8))
    _, stacked = lax.scan(cell, start, x)
    _, stacked = lax.scan(cell, start, stacked, reverse=True)
    return lax.fori_loop(0, 4, lambda index, total: total + jnp.sin(stacked[index]), start)


def _nested(params: Any, x: Any) -> Any:
    def outer(x: Any, weights: Any) -> tuple[Any, None]:
        return lax.scan(lambda x, weight: (jnp.tanh(x @ weight), None), x, weights)[0], None

    return lax.scan(outer, x, params["layers"])[0]


def _unending(params: Any, x: Any) -> Any:
    return lax.while_loop(lambda x: x.sum() < 10, lambda x: x @ params["weight"] + 1, x)


def _branching(params: Any, x: Any) -> Any:
    return lax.cond(x.sum() > 0, lambda x: x @ params["weight"], jnp.sin, x)


def _complex(params: Any, x: Any) -> Any:
    """A spectrum, products of its numbers one by one and of its rows, with and without a sum."""
    x = jnp.fft.fft(x @ params["weight"])
    x = (x * x + x) @ x.T
    return jnp.imag(x + lax.dot_general(x[0], x[1], (((), ()), ((), ())))) + jnp.real(x).sum()


def _running(params: Any, x: Any) -> Any:
    """A running sum, products of rows that are picked, an activation that is exact, a sort, a normalisation."""
    x = jnp.cumsum(x @ params["weight"], 1)
    x = jax.nn.gelu(x, approximate=False)
    x = (x - x.mean(-1, keepdims=True)) * lax.rsqrt(x.var(-1, keepdims=True) + 1e-5)
    return jnp.sort(x, 1), params["weight"].at[jnp.array([1, 2])].add(1.0), jnp.fft.rfft(x)


def _pooled_gradient(params: Any, x: Any) -> Any:
    """Backwards through a pool and a convolution."""

    def loss(kernel: Any) -> Any:
        made = jax.nn.relu(lax.conv_general_dilated(x, kernel, (1, 1), "SAME"))
        return lax.reduce_window(made, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID").sum()

    return jax.grad(loss)(params["kernel"])


def _transformer(width: int, *stack: int) -> Any:
    square = {name: struct(*stack, width, width) for name in ("q", "k", "v", "o")}
    return {**square, "up": struct(*stack, width, 2 * width), "down": struct(*stack, 2 * width, width)}


def _dense(before: int, after: int) -> Any:
    return {"kernel": struct(before, after), "bias": struct(after)}


CASES: dict[str, Case] = {
    "mlp": (_mlp, [_dense(8, 16), _dense(16, 4)], struct(2, 8)),
    "attention": (_attention, _transformer(32), struct(2, 7, 32)),
    "convolutions": (
        _convolutions,
        {"first": struct(8, 3, 3, 3), "transposed": struct(6, 8, 2, 2), "head": struct(6, 10)},
        struct(1, 3, 16, 16),
    ),
    "scanned": (
        _scanned,
        {"embedding": struct(100, 32), "layers": _transformer(32, 12)},
        struct(2, 7, dtype=jnp.int32),
    ),
    "recurrent": (_recurrent, {"in": struct(8, 8), "own": struct(8, 8)}, struct(5, 2, 8)),
    "nested": (_nested, {"layers": struct(3, 2, 8, 8)}, struct(2, 8)),
    "unending": (_unending, {"weight": struct(8, 8)}, struct(2, 8)),
    "running": (_running, {"weight": struct(8, 8)}, struct(2, 8)),
    "gradient": (_pooled_gradient, {"kernel": struct(4, 3, 3, 3)}, struct(1, 3, 8, 8)),
    "complex": (_complex, {"weight": struct(8, 8)}, struct(2, 8)),
    "branching": (_branching, {"weight": struct(8, 8)}, struct(2, 8)),
}
"""A function, its parameters and its input, by name."""


def lowered(case: Case) -> str:
    """The module of a case as text, with the names of its arguments."""
    function, params, x = case
    return str(jax.jit(function).lower(params, x).as_text(debug_info=True))


def bytecode(case: Case) -> bytes:
    """The module of a case as bytecode of MLIR."""
    function, params, x = case
    module: Any = jax.jit(function).lower(params, x).compiler_ir("stablehlo")
    file = io.BytesIO()
    module.operation.write_bytecode(file)
    return file.getvalue()


def exported(case: Case) -> export.Exported:
    """A case as ``jax.export`` has it."""
    function, params, x = case
    return export.export(jax.jit(function))(params, x)


def written(folder: Path, content: str | bytes, name: str = "model.mlir") -> Path:
    """A file with this content."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path
