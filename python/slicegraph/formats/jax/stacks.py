"""The small programs that cut stacks up for the iterations of a loop, and put them together."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax
from jax import lax
from jax.extend.core import ClosedJaxpr, JaxprEqn

from slicegraph.formats.jax.avals import shape as shape_of


@functools.lru_cache(maxsize=4096)
def part(shape: tuple[int, ...], dtype: Any, index: int) -> ClosedJaxpr:  # noqa: ANN401 - JAX leaves its types open
    """Write the program that takes one part of a stack of this shape, as ``stack[index]`` does."""
    return jax.make_jaxpr(lambda stack: stack[index])(_struct(shape, dtype))


@functools.lru_cache(maxsize=256)
def stack(shape: tuple[int, ...], dtype: Any, count: int) -> ClosedJaxpr:  # noqa: ANN401 - JAX leaves its types open
    """Write the program that stacks so many parts of this shape."""

    def stacked(*parts: Any) -> Any:  # noqa: ANN401 - arrays
        shown = [lax.expand_dims(each, (0,)) for each in parts]
        return lax.concatenate(shown, 0) if count > 1 else shown[0]

    return jax.make_jaxpr(stacked)(*[_struct(shape, dtype)] * count)


def chosen(eqn: JaxprEqn, starts: Sequence[int | None]) -> range | None:
    """Find which parts an equation takes of the stack that it reads first, in order; None: it does another thing.

    Parameters
    ----------
    eqn
        It.
    starts
        Of a ``dynamic_slice``, where it begins along each axis, as far as that is known.
    """
    op, params = eqn.primitive.name, eqn.params
    if op not in {"dynamic_slice", "rev", "slice"}:
        return None
    (count, *rest), (_, *kept) = shape_of(eqn.invars[0].aval), shape_of(eqn.outvars[0].aval)
    if op == "rev":
        return range(count)[::-1] if params["dimensions"] == (0,) else None
    if kept != rest:
        return None
    if op == "slice":
        step = params["strides"][0] if params["strides"] else 1
        return range(params["start_indices"][0], params["limit_indices"][0], step)
    length, start = params["slice_sizes"][0], starts[0]
    if start is None:
        return None
    begin = min(max(0, start), count - length)
    return range(begin, begin + length)


def _struct(shape: tuple[int, ...], dtype: Any) -> jax.ShapeDtypeStruct:  # noqa: ANN401 - JAX leaves its types open
    return jax.ShapeDtypeStruct(shape, dtype)  # type: ignore[no-untyped-call] # JAX leaves its types open
