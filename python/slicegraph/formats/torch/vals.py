"""How big a value of an exported program is."""

from __future__ import annotations

import math
from typing import Any

import torch

from slicegraph.errors import InputError

_NUMBER_BYTES = 8


def nbytes(val: Any, owner: str) -> int:  # noqa: ANN401 - tensors, numbers, and what else a model takes
    """Give the bytes of a value: elements by width, 8 for a number that is computed, 0 for what is no number.

    Raises
    ------
    InputError
        A dimension is symbolic.
    """
    if not isinstance(val, torch.Tensor):
        return _NUMBER_BYTES if isinstance(val, torch.SymInt | torch.SymFloat | torch.SymBool) else 0
    for dim in val.shape:
        # PyTorch may keep a number that it knows as a symbol.
        if isinstance(dim, torch.SymInt) and dim.node.maybe_as_int() is None:
            raise InputError(
                f"{owner} has the symbolic dimension {dim}: all sizes must be known when the model is exported"
            )
    return numel(val) * int(val.dtype.itemsize)


def numel(val: Any) -> int:  # noqa: ANN401 - see above
    """Count the elements of a tensor; 1 for a number, and those of all tensors in a list."""
    if isinstance(val, list | tuple):
        return sum(numel(item) for item in val)
    if isinstance(val, torch.Tensor):
        return math.prod(int(dim) for dim in val.shape)
    return int(val is not None)


def dtype(val: Any) -> str:  # noqa: ANN401 - see above
    """Name the type of a tensor's elements, that of the first of several; "" for what is no tensor."""
    if isinstance(val, list | tuple):
        return next(filter(None, map(dtype, val)), "")
    return str(val.dtype).removeprefix("torch.") if isinstance(val, torch.Tensor) else ""
