"""Made-up inputs for running a model: seeded, of the types and shapes that it asks for."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, TensorProto, ValueInfoProto, helper

from slicegraph.errors import InputError
from slicegraph.formats.onnx import dimensions
from slicegraph.formats.onnx.values import Value

_FLOATS: Final = frozenset({TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16})
# Booleans are drawn as integers are.
_INTEGERS: Final = frozenset(
    {
        TensorProto.BOOL,
        *(TensorProto.INT8, TensorProto.INT16, TensorProto.INT32, TensorProto.INT64),
        *(TensorProto.UINT8, TensorProto.UINT16, TensorProto.UINT32, TensorProto.UINT64),
    }
)
PLAIN: Final = (_FLOATS | _INTEGERS) - {TensorProto.BFLOAT16}
"""Types that numpy has as well."""
_WIDEST = 8
"""Bytes of an element while it is drawn."""
_LARGE = 2**40


def random_inputs(
    model_inputs: Iterable[ValueInfoProto], *, seed: int = 0, dims: Mapping[str, int] | None = None
) -> dict[str, NDArray[Any]]:
    """Draw a value for each input of a model.

    Parameters
    ----------
    model_inputs
        Names, types and shapes, without what the model stores.
    seed
        The same one gives the same values.
    dims
        Sizes of open dimensions; one without a name is called ``INPUT.AXIS``.

    Returns
    -------
        An array per input, in their order.  Floats are normal; integers are 0 or 1, so that they are indices into
        anything, and masks; booleans either.  The dtype of a bfloat16 is that of ``ml_dtypes``.

    Raises
    ------
    InputError
        An input is no tensor of one of these types, or a dimension is open.
    """
    random = np.random.default_rng(seed)
    asked = dimensions.inputs(GraphProto(input=model_inputs), dims or {})
    return {name: _drawn(name, value, random) for name, value in asked.items()}


def _drawn(name: str, value: Value, random: np.random.Generator) -> NDArray[Any]:
    type_ = value.type.tensor_type.elem_type
    if type_ not in _FLOATS | _INTEGERS:
        kind = TensorProto.DataType.Name(type_).lower() if type_ else (value.type.WhichOneof("value") or "value")
        raise InputError(f"input {name!r} is a {kind.removesuffix('_type')}: there are no random ones")
    if value.shape is None or None in value.shape:
        raise InputError(f"input {name!r} has no known shape")
    shape = tuple(dim or 0 for dim in value.shape)
    _check_room(name, math.prod(shape) * _WIDEST)
    dtype = helper.tensor_dtype_to_np_dtype(type_)
    if type_ in _INTEGERS:
        return random.integers(0, 2, size=shape).astype(dtype)
    # A scalar, too, is an array.
    return np.asarray(random.standard_normal(shape, dtype=np.float32)).astype(dtype)


def _check_room(name: str, num_bytes: int) -> None:
    """Refuse what this machine's memory cannot hold: drawing it would end the process, or another one."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else _LARGE
    if num_bytes > memory:
        raise InputError(f"input {name!r} takes {num_bytes} bytes while it is drawn, and this machine has {memory}")
