"""How big a value of a jaxpr is."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import AbstractToken

from slicegraph.errors import InputError


def nbytes(aval: Any, owner: str) -> int:  # noqa: ANN401 - JAX keeps the types of abstract values to itself
    """Give the bytes of a value: elements by width, rounded up to a byte; 0 for a token, which only orders effects.

    Raises
    ------
    InputError
        A dimension is symbolic, or the value is no array.
    """
    if isinstance(aval, AbstractToken):
        return 0
    if not isinstance(aval, jax.core.ShapedArray):
        raise InputError(f"{owner} is {aval}: only arrays are handled, no references to mutable ones")
    for dim in aval.shape:
        if not isinstance(dim, int | np.integer):
            raise InputError(f"{owner} has the symbolic dimension {dim}: give it a size")
    return (numel(aval) * _bits(dtype(aval)) + 7) // 8


def numel(aval: Any) -> int:  # noqa: ANN401 - see above
    """Count the elements of an array; none for a token."""
    return math.prod(shape(aval)) if isinstance(aval, jax.core.ShapedArray) else 0


def shape(aval: Any) -> tuple[int, ...]:  # noqa: ANN401 - see above
    """Give the dimensions of an array; none for what is no array."""
    return tuple(getattr(aval, "shape", ()))


def dtype(aval: Any) -> Any:  # noqa: ANN401 - see above
    """Give the type of an array's elements; None for what is no array."""
    return getattr(aval, "dtype", None)


def _bits(kind: Any) -> int:  # noqa: ANN401 - see above
    if jnp.issubdtype(kind, jax.dtypes.extended):
        return 8 * int(kind.itemsize)
    return 0 if kind == jax.dtypes.float0 else int(jax.dtypes.itemsize_bits(kind))
