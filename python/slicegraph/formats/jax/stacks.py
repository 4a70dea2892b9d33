"""The small programs that cut stacks up for the iterations of a loop, and put them together."""

from __future__ import annotations

import functools
from typing import Any

import jax
from jax import lax
from jax.extend.core import ClosedJaxpr


@functools.lru_cache(maxsize=4096)
def part(shape: tuple[int, ...], dtype: Any, index: int) -> ClosedJaxpr:  # noqa: ANN401 - JAX leaves its types open
    """Write the program that takes one part of a stack of this shape, as ``stack[index]`` does."""
    return jax.make_jaxpr(lambda stack: stack[index])(_struct(shape, dtype))


@functools.lru_cache(maxsize=256)
def stack(shape: tuple[int, ...], dtype: Any, count: int) -> ClosedJaxpr:  # noqa: ANN401 - JAX leaves its types open
    """Write the program that stacks so many parts of this shape."""

    def stacked(*parts: Any) -> Any:  # noqa: ANN401 - arrays
        return lax.concatenate([lax.expand_dims(each, (0,)) for each in parts], 0)

    return jax.make_jaxpr(stacked)(*[_struct(shape, dtype)] * count)


def _struct(shape: tuple[int, ...], dtype: Any) -> jax.ShapeDtypeStruct:  # noqa: ANN401 - JAX leaves its types open
    return jax.ShapeDtypeStruct(shape, dtype)  # type: ignore[no-untyped-call] # JAX leaves its types open
