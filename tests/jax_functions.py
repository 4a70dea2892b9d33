"""Functions of JAX as graphs, from the shapes of their arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from slicegraph.formats.arrays import GraphArrays
from slicegraph.formats.jax import trace


def struct(*shape: Any, dtype: Any = jnp.float32) -> jax.ShapeDtypeStruct:
    """The shape and type of an array of JAX."""
    return jax.ShapeDtypeStruct(shape, dtype)  # type: ignore[no-untyped-call] # JAX leaves its types open


def traced(
    function: Callable[..., Any], *args: Any, param_argnums: tuple[int, ...] = (), open_loops: int = 0
) -> GraphArrays:
    """The graph of a function of JAX, by the name of "f"."""
    return trace(function, args, {}, param_argnums=param_argnums, name="f", open_loops=open_loops)
