"""Columns of a graph as arguments: copied in and checked, each complaint one line that names the culprit."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slicegraph import checks
from slicegraph.errors import InputError

_MAX_SECONDS = 1e15
_Made = TypeVar("_Made")
_Scalar = TypeVar("_Scalar", np.int64, np.float64, np.bool_)


def integers(name: str, values: ArrayLike) -> NDArray[np.int64]:
    """Copy integers of one dimension in, or say what else was given under this name."""
    array = _vector(name, values, "iu", "integers")
    if array.dtype == np.uint64 and array.size and int(array.max()) > np.iinfo(np.int64).max:
        index = int(array.argmax())
        raise InputError(f"{name}[{index}] = {array[index]} is above 2^63 - 1")
    return _frozen(array, np.int64)


def floats(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Copy numbers of one dimension in, or say what else was given under this name."""
    return _frozen(_vector(name, values, "iuf", "numbers"), np.float64)


def flags(name: str, values: ArrayLike) -> NDArray[np.bool_]:
    """Copy truth values of one dimension in, or say what else was given under this name."""
    array = _vector(name, values, "biu", "booleans")
    if array.dtype.kind != "b" and array.size and not np.isin(array, (0, 1)).all():
        index = int(np.flatnonzero(~np.isin(array, (0, 1)))[0])
        raise InputError(f"{name}[{index}] = {array[index]} is neither 0 nor 1")
    return _frozen(array, np.bool_)


def texts(name: str, values: Sequence[str], count: int, owners: str) -> tuple[str, ...]:
    """Copy as many strings in as there are owners, or say what else was given under this name."""
    given: object = values
    is_list = given.ndim == 1 if isinstance(given, np.ndarray) else isinstance(given, Sequence)
    if isinstance(given, str) or not is_list:
        raise InputError(f"{name} = {values!r:.80}, but it is a list of strings")
    check_length(name, values, count, owners)
    try:
        "".join(values)
    except TypeError:
        wrong = next(index for index, value in enumerate(values) if not isinstance(value, str))
        raise InputError(f"{name}[{wrong}] = {values[wrong]!r} is not a string") from None
    return tuple(values)


def with_names(make: Callable[[], _Made], *, node: Sequence[str] | None, tensor: Sequence[str] | None) -> _Made:
    """Make something; a complaint has the name behind each number of a node or a tensor: ``node 4 ('e')``."""
    names = {"node": node, "tensor": tensor}

    def told(match: re.Match[str]) -> str:
        known, index = names[match[1]], int(match[2])
        # What users give for names is not checked yet.
        if not isinstance(known, Sequence) or index >= len(known):
            return match[0]
        return f"{match[0]} ({known[index]!r:.80})"

    try:
        return make()
    except InputError as error:
        raise InputError(re.sub(r"\b(node|tensor) (\d+)", told, str(error))) from None


def check_length(name: str, values: Sequence[Any] | NDArray[Any], count: int, owners: str) -> None:
    """Require one value for each owner."""
    if len(values) != count:
        raise InputError(f"{name}: length {len(values)}, but there are {count} {owners}")


def seconds_by_kind(name: str, values: object, count: int) -> dict[str, NDArray[np.float64]]:
    """Copy in the seconds of every node, or tensor, by the name of a kind of device.

    NaN where that kind cannot run a node; of a tensor there is no such thing.
    """
    owner = "tensor" if name == "transfer_on" else "node"
    tables = {}
    for kind, given in checks.mapping(name, values).items():
        table_name = f"{name}[{kind!r:.80}]"
        if not checks.text(f"{name}: a kind", kind):
            raise InputError(f"{table_name}: a kind has a name")
        table = floats(table_name, given)
        check_length(table_name, table, count, f"{owner}s")
        wrong = np.flatnonzero((table < 0) | (table > _MAX_SECONDS) | (np.isnan(table) & (owner == "tensor")))
        if wrong.size:
            index = int(wrong[0])
            rule = "no number" if np.isnan(table[index]) else "negative" if table[index] < 0 else "above 1e15 s"
            raise InputError(f"{owner} {index}: {table_name} {table[index]} is {rule}")
        tables[kind] = table
    return tables


def node_seconds(name: str, values: ArrayLike, count: int) -> NDArray[np.float64]:
    """Copy in the seconds of every node, in the words of the core."""
    seconds = floats(name, values)
    check_length(name, seconds, count, "nodes")
    wrong = np.flatnonzero(~((seconds >= 0) & (seconds <= _MAX_SECONDS)))
    if wrong.size:
        value = seconds[index := int(wrong[0])]
        rule = "NaN is not a number" if np.isnan(value) else f"{value} is {'negative' if value < 0 else 'above 1e15 s'}"
        raise InputError(f"node {index}: {name} {rule}")
    return seconds


def shared_parameters(
    size: ArrayLike | None, readers: ArrayLike | None, offsets: ArrayLike | None
) -> dict[str, NDArray[np.int64] | None]:
    """Copy in the parameters that several nodes read: all three columns, or none."""
    given = {"param_size": size, "param_readers": readers, "param_offsets": offsets}
    missing = [name for name, values in given.items() if values is None]
    if 0 < len(missing) < len(given):
        raise InputError(f"{missing[0]}: not given, but a parameter has a size and readers")
    return {name: None if values is None else integers(name, values) for name, values in given.items()}


def _vector(name: str, values: ArrayLike, kinds: str, wanted: str) -> NDArray[Any]:
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{name}: {error}; {wanted} are asked for") from None
    if array.ndim != 1:
        raise InputError(f"{name}: shape {array.shape}, but an array of one dimension is asked for")
    if array.size and array.dtype.kind not in kinds:
        raise InputError(f"{name}: dtype {array.dtype}, but {wanted} are asked for")
    return array


def _frozen(array: NDArray[Any], dtype: type[_Scalar]) -> NDArray[_Scalar]:
    """Copy an array of one dimension; the copy cannot be written to."""
    copy = np.array(array, dtype=dtype, order="C", copy=True)
    copy.flags.writeable = False
    return copy
