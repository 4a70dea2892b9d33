"""JAX functions of the table, beside what XLA says of them before it compiles."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Literal

from slicegraph.formats.jax import trace
from totals.row import Reference, Row

Tree = Any
"""Arrays, or shapes in their place, nested."""


def _shape(*dims: int, dtype: Any = jnp.float32) -> jax.ShapeDtypeStruct:  # noqa: ANN401 - as JAX takes it
    return jax.ShapeDtypeStruct(dims, dtype)  # type: ignore[no-untyped-call] # as JAX has it


def _norm(x: jax.Array) -> jax.Array:
    return (x - x.mean(-1, keepdims=True)) * jax.lax.rsqrt(x.var(-1, keepdims=True) + 1e-5)


def mixer(layers: Sequence[Tree], x: jax.Array) -> jax.Array:
    """Mix patches, then channels."""
    for across, along in layers:
        x = x + (jax.nn.gelu(_norm(x).swapaxes(1, 2) @ across[0]) @ across[1]).swapaxes(1, 2)
        x = x + jax.nn.gelu(_norm(x) @ along[0]) @ along[1]
    return x.mean(1)


def residual(filters: Sequence[Tree], x: jax.Array) -> jax.Array:
    """Convolve and add, as in a ResNet."""
    for first, second in filters:
        y = jax.lax.conv_general_dilated(x, first, (1, 1), "SAME")
        x = x + jax.lax.conv_general_dilated(jax.nn.relu(y), second, (1, 1), "SAME")
    return x


def decoder(layers: Sequence[Tree], x: jax.Array) -> jax.Array:
    """Attend and feed forward, with heads of 16."""
    for joint, out, up, down in layers:
        batch, length, width = x.shape
        heads = (_norm(x) @ joint).reshape(batch, length, 3, width // 16, 16)
        query, key, value = (heads[:, :, part] for part in range(3))
        scores = jax.nn.softmax(jnp.einsum("bqhd,bkhd->bhqk", query, key) / 4, axis=-1)
        x = x + jnp.einsum("bhqk,bkhd->bqhd", scores, value).reshape(x.shape) @ out
        x = x + jax.nn.gelu(_norm(x) @ up) @ down
    return x


def experts(weights: Tree, x: jax.Array) -> jax.Array:
    """Send each token to the best two of eight experts."""
    router, up, down = weights
    best, chosen = jax.lax.top_k(jax.nn.softmax(x @ router), 2)
    hidden = jax.nn.silu(jnp.einsum("tw,tkwi->tki", x, up[chosen]))
    return jnp.einsum("tki,tkiw,tk->tw", hidden, down[chosen], best)


_MODELS: Mapping[str, tuple[Callable[..., Any], Tree, Tree]] = {
    "Mixer": (
        mixer,
        [((_shape(64, 128), _shape(128, 64)), (_shape(96, 384), _shape(384, 96)))] * 4,
        _shape(2, 64, 96),
    ),
    "Residual convolutions": (residual, [(_shape(32, 32, 3, 3), _shape(32, 32, 3, 3))] * 3, _shape(1, 32, 28, 28)),
    "Decoder": (
        decoder,
        [(_shape(128, 384), _shape(128, 128), _shape(128, 512), _shape(512, 128))] * 3,
        _shape(2, 48, 128),
    ),
    "Mixture of experts": (experts, (_shape(64, 8), _shape(8, 64, 256), _shape(8, 256, 64)), _shape(32, 64)),
}


def rows(only: str = "") -> list[Row]:
    """Trace all of them, or those whose name begins so."""
    return [_row(f"JAX: {name}", *model) for name, model in _MODELS.items() if name.startswith(only)]


def _row(name: str, function: Callable[..., Any], weights: Tree, x: Tree) -> Row:
    graph = trace(function, (weights, x), {}, param_argnums=(0,), name=name)
    said = jax.jit(function).lower(weights, x).cost_analysis() or {}
    closed = jax.make_jaxpr(function)(weights, x)
    reference = Reference(
        name="XLA, padding apart",
        flops=int(said["flops"]),
        beside=sum(_padded(eqn) for eqn in _equations(closed.jaxpr)),
        moved=sum(_moved(eqn) for eqn in _equations(closed.jaxpr)),
        stored=sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree_util.tree_leaves(weights)),
    )
    return Row(model=name, graph=graph, reference=reference)


def _equations(jaxpr: Any) -> Iterator[Any]:  # noqa: ANN401 - JAX keeps its types to itself
    """Run over all equations, those of functions that are called included."""
    for eqn in jaxpr.eqns:
        inner = eqn.params.get("jaxpr", eqn.params.get("call_jaxpr"))
        if inner is None:
            yield eqn
        else:
            yield from _equations(getattr(inner, "jaxpr", inner))


def _padded(eqn: Any) -> int:  # noqa: ANN401 - likewise
    """Count what multiplies padding, which XLA leaves out: all products less those of ones with ones."""
    if eqn.primitive.name != "conv_general_dilated":
        return 0
    entered, kernel = (np.ones(var.aval.shape, np.float32) for var in eqn.invars)
    real = np.asarray(eqn.primitive.bind(entered, kernel, **eqn.params), np.float64).sum()
    return int(2 * (math.prod(eqn.outvars[0].aval.shape) * kernel[0].size - real))


def _moved(eqn: Any) -> int:  # noqa: ANN401 - likewise
    """Count what an equation reads and writes; of a table or a slice what comes out, of another shape nothing."""
    name = eqn.primitive.name
    made = _bytes(eqn.outvars)
    is_same = name == "broadcast_in_dim" and eqn.invars[0].aval.size == eqn.outvars[0].aval.size
    if is_same or name in {"reshape", "squeeze", "stop_gradient"}:
        return 0
    if name in {"gather", "slice"}:
        return 2 * made + _bytes(eqn.invars[1:])
    return made + _bytes(eqn.invars)


def _bytes(variables: Sequence[Any]) -> int:
    distinct = {id(var): var.aval for var in variables if not isinstance(var, Literal)}
    return sum(int(aval.size) * int(aval.dtype.itemsize) for aval in distinct.values())
