"""Inputs for running a model: given by the caller, else made up, of the types and shapes that it asks for."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from onnx import TensorProto, ValueInfoProto, helper

from slicegraph.errors import InputError
from slicegraph.formats.onnx import dimensions
from slicegraph.formats.onnx.values import Value

Given = Mapping[str, ArrayLike]
"""Inputs by name: arrays that broadcast to the input's shape; of what is no text, also the text of one in JSON."""

_FLOATS: Final = frozenset(
    {
        *(TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16),
        *(TensorProto.FLOAT8E4M3FN, TensorProto.FLOAT8E4M3FNUZ, TensorProto.FLOAT8E5M2, TensorProto.FLOAT8E5M2FNUZ),
    }
)
# Booleans are drawn as integers are.
_INTEGERS: Final = frozenset(
    {
        TensorProto.BOOL,
        *(TensorProto.INT8, TensorProto.INT16, TensorProto.INT32, TensorProto.INT64),
        *(TensorProto.UINT8, TensorProto.UINT16, TensorProto.UINT32, TensorProto.UINT64),
    }
)
PLAIN: Final = _INTEGERS | {TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16}
"""Types that numpy has as well."""
_WIDEST = 8
"""Bytes of an element while it is drawn."""
_LARGE = 2**40
_NAMES_TOLD: Final = 8
_COMPLEX: Final = frozenset({TensorProto.COMPLEX64, TensorProto.COMPLEX128})


def sample_inputs(
    model_inputs: Iterable[ValueInfoProto],
    given: Given | None = None,
    *,
    seed: int = 0,
    dims: Mapping[str, int] | None = None,
) -> dict[str, NDArray[Any]]:
    """Give a value for each input of a model.

    Parameters
    ----------
    model_inputs
        Names, types and shapes, without what the model stores.
    given
        Values that are not made up.
    seed
        The same one gives the same values.
    dims
        Sizes of open dimensions; one without a name is called ``INPUT.AXIS``.

    Returns
    -------
        An array per input, in their order.  Floats are normal; integers are 0 or 1, so that they are indices into
        anything, and masks; booleans either; strings "0" or "1".  Types that numpy has not are those of ``ml_dtypes``,
        strings are objects.

    Raises
    ------
    InputError
        A name is no input, a value does not fit its input; an input that is not given is no tensor of one of these
        types, or a dimension is open.
    """
    random = np.random.default_rng(seed)
    asked = dimensions.inputs(model_inputs, dims or {})
    check_given(given or {}, asked)
    return {
        name: _fitted(name, value, given[name]) if given and name in given else _drawn(name, value, random)
        for name, value in asked.items()
    }


def check_given(given: Given, inputs: Iterable[str]) -> None:
    """Require that what is given are inputs.

    Raises
    ------
    InputError
        Naming the first that is none.
    """
    names = list(inputs)
    wrong = next((name for name in given if name not in names), None)
    if wrong is not None:
        known = ", ".join(map(repr, names[:_NAMES_TOLD])) or "none"
        more = f" and {len(names) - _NAMES_TOLD} more" if len(names) > _NAMES_TOLD else ""
        raise InputError(f"a value is given for {wrong!r}, which is no input: the model has {known}{more}")


def _drawn(name: str, value: Value, random: np.random.Generator) -> NDArray[Any]:
    type_ = value.type.tensor_type.elem_type
    if type_ not in _FLOATS | _INTEGERS | {TensorProto.STRING}:
        raise InputError(f"input {name!r} is a {_kind(value)}: there are no random ones; give its value")
    shape = _shape(name, value)
    if type_ == TensorProto.STRING:
        return random.integers(0, 2, size=shape).astype(np.str_).astype(np.object_)
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


def _fitted(name: str, value: Value, given: ArrayLike) -> NDArray[Any]:
    """Bring what is given to an input's type, without a loss but of a float's precision, and to its shape."""
    type_, shape = value.type.tensor_type.elem_type, _shape(name, value)
    if type_ not in _FLOATS | _INTEGERS | _COMPLEX | {TensorProto.STRING}:
        raise InputError(f"input {name!r} is a {_kind(value)}: its value cannot be given")
    wanted = f"{'x'.join(map(str, shape)) or 'one'} {_kind(value)}"
    try:
        array = np.asarray(_parsed(given, is_text=type_ == TensorProto.STRING))
        fitted = _cast(array, type_)
        fitted = np.ascontiguousarray(np.broadcast_to(fitted, shape)).reshape(shape)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"input {name!r}: {str(error) or 'no array'}, but {wanted} is asked for") from None
    return fitted


def _cast(array: NDArray[Any], type_: int) -> NDArray[Any]:
    if type_ == TensorProto.STRING:
        if array.dtype.kind not in "UO" or not all(isinstance(each, str) for each in array.flat):
            raise ValueError(f"values of type {array.dtype}")
        return array.astype(np.object_)
    dtype = helper.tensor_dtype_to_np_dtype(type_)
    if array.dtype == dtype:
        return array
    kinds = "biufV" if type_ in _FLOATS else "biufc" if type_ in _COMPLEX else "biu"
    if array.dtype.kind not in kinds:
        raise ValueError(f"values of type {array.dtype}")
    with np.errstate(all="ignore"):
        cast = array.astype(dtype)
    if type_ in _INTEGERS and not np.array_equal(cast, array):
        raise ValueError(f"values beyond {dtype.name}")
    return cast


def _parsed(given: ArrayLike, *, is_text: bool) -> ArrayLike:
    """Read the text of numbers; what is asked for as text is text, unless it is a list."""
    if not isinstance(given, str) or (is_text and not given.lstrip().startswith("[")):
        return given
    try:
        parsed: ArrayLike = json.loads(given)
    except (ValueError, RecursionError):
        raise ValueError(f"{given!r:.80} is no number or list of numbers") from None
    return parsed


def _shape(name: str, value: Value) -> tuple[int, ...]:
    if value.shape is None or None in value.shape:
        raise InputError(f"input {name!r} has no known shape")
    shape = tuple(dim or 0 for dim in value.shape)
    _check_room(name, math.prod(shape) * _WIDEST)
    return shape


def _kind(value: Value) -> str:
    type_ = value.type.tensor_type.elem_type
    kind = TensorProto.DataType.Name(type_).lower() if type_ else (value.type.WhichOneof("value") or "value")
    return kind.removesuffix("_type")
