"""The native graph file: JSON, plain or compressed. Both spellings of its name are read, the first is written."""

from __future__ import annotations

import gzip
import itertools
import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slicegraph.errors import InputError
from slicegraph.formats.arrays import GraphArrays
from slicegraph.formats.files import read_json, without_collection
from slicegraph.formats.writing import write_file

_FORMATS = ("slicegraph-graph-1", "slicegraph-raw-1")
# Far below where floats overflow, and far above any cost.
_MAX_FLOAT = 1e300
_NODE_NUMBERS = ("work", "flops", "read_bytes", "write_bytes", "param_bytes", "state_bytes", "live_bytes", "kernel")


def read(path: Path) -> GraphArrays:
    """Read a native graph file.

    Raises
    ------
    InputError
        When it cannot be read, is not JSON, or a required key is missing or of the wrong kind.
    """
    with without_collection():
        return _Reader(path).graph(read_json(path))


def write(arrays: GraphArrays, path: Path) -> None:
    """Write a native graph file, whole or not at all.

    Raises
    ------
    InputError
        When it cannot be written.
    """
    text = json.dumps(_to_json(arrays), separators=(",", ":"), allow_nan=False).encode()
    # No time stamp: the same graph is the same file.
    content = gzip.compress(text, mtime=0) if path.name.lower().endswith(".gz") else text
    write_file(path, content)


def _to_json(arrays: GraphArrays) -> dict[str, Any]:
    nodes = {
        "op": list(arrays.op),
        "name": arrays.node_name and list(arrays.node_name),
        **{key: _list(getattr(arrays, key)) for key in _NODE_NUMBERS},
        **{key: _list(getattr(arrays, key), as_integers=True) for key in ("is_view", "is_guess", "is_backward")},
        "dtype": None if arrays.dtype is None else list(arrays.dtype),
        "work_on": None if arrays.work_on is None else {kind: _or_null(row) for kind, row in arrays.work_on.items()},
    }
    tensors = {
        "name": arrays.tensor_name and list(arrays.tensor_name),
        "producer": arrays.producer.tolist(),
        "size": arrays.size.tolist(),
        "consumers": _rows(arrays.consumers, arrays.consumer_offsets),
        "is_output": _list(arrays.is_output),
        "transfer_on": arrays.transfer_on and {kind: row.tolist() for kind, row in arrays.transfer_on.items()},
    }
    graph = {
        "format": _FORMATS[0],
        "name": arrays.name,
        "nodes": {key: value for key, value in nodes.items() if value is not None},
        "tensors": {key: value for key, value in tensors.items() if value is not None},
    }
    if arrays.param_size is not None and arrays.param_readers is not None and arrays.param_offsets is not None:
        readers = _rows(arrays.param_readers, arrays.param_offsets)
        graph["params"] = {"size": arrays.param_size.tolist(), "readers": readers}
    named = {"device": arrays.device, "machine": arrays.machine}
    return graph | {name: dict(value) for name, value in named.items() if value is not None}


def _rows(values: NDArray[Any], offsets: NDArray[Any]) -> list[list[int]]:
    flat = values.tolist()
    return [flat[begin:end] for begin, end in itertools.pairwise(offsets.tolist())]


def _or_null(seconds: NDArray[np.float64]) -> list[float | None]:
    return [None if math.isnan(each) else each for each in seconds.tolist()]


def _list(array: NDArray[Any] | None, *, as_integers: bool = False) -> list[Any] | None:
    if array is None:
        return None
    values: list[Any] = (array.astype(np.int64) if as_integers else array).tolist()
    return values


def _are(values: Iterable[object], *kinds: type) -> bool:
    """Say whether values are of these very types; ten times as fast as asking each of them."""
    return {*map(type, values)} <= {*kinds}


def _numbers(values: list[Any], dtype: type[Any], largest: float, *kinds: type) -> NDArray[Any] | None:
    """Make an array of values of these types; None: one is of another type, larger or not finite."""
    if not _are(values, *kinds):
        return None
    try:
        array = np.array(values, dtype=dtype)
    except OverflowError:
        return None
    return array if not array.size or (array.min() >= -largest and array.max() <= largest) else None


def _is_finite(value: object) -> bool:
    return type(value) in (int, float) and abs(value) <= _MAX_FLOAT  # type: ignore[arg-type] # it is one of the two


class _Reader:
    """Turns parsed JSON into arrays; knows the file, so that every complaint can name it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def graph(self, data: Any) -> GraphArrays:  # noqa: ANN401 - anything can stand in a file
        self._expect(isinstance(data, dict), "a graph file holds one JSON object")
        hint = "" if "format" in data else "; planners' inputs take --format msr or piper"
        self._expect(
            data.get("format") in _FORMATS,
            f'"format" is {data.get("format")!r}, but "{_FORMATS[0]}" is asked for{hint}',
        )
        nodes, tensors = self._object(data, "nodes"), self._object(data, "tensors")
        op = self._string_list("nodes.op", self._required(nodes, "nodes.op"))
        if "work" not in nodes and "flops" not in nodes:
            raise InputError(f'{self._path}: "nodes.work" is missing, and so is "nodes.flops", from which it is made')
        consumers, offsets = self._readers(tensors, "tensors.consumers")
        device = data.get("device")
        self._expect(device is None or isinstance(device, dict), '"device" is not an object')
        machine = data.get("machine")
        self._expect(machine is None or isinstance(machine, dict), '"machine" is not an object')
        name = data.get("name", self._path.name.split(".")[0])
        self._expect(isinstance(name, str), '"name" is not a string')
        arrays = GraphArrays(
            name=name,
            op=op,
            node_name=self._strings(nodes, "nodes.name"),
            tensor_name=self._strings(tensors, "tensors.name"),
            producer=self._integers(tensors, "tensors.producer", np.int32),
            size=self._integers(tensors, "tensors.size", np.int64),
            consumers=consumers,
            consumer_offsets=offsets,
            is_output=self._flags(tensors, "tensors.is_output"),
            work=self._floats(nodes, "nodes.work"),
            flops=self._floats(nodes, "nodes.flops"),
            read_bytes=self._optional_integers(nodes, "nodes.read_bytes"),
            write_bytes=self._optional_integers(nodes, "nodes.write_bytes"),
            param_bytes=self._optional_integers(nodes, "nodes.param_bytes"),
            is_view=self._flags(nodes, "nodes.is_view"),
            is_guess=self._flags(nodes, "nodes.is_guess"),
            state_bytes=self._optional_integers(nodes, "nodes.state_bytes"),
            live_bytes=self._optional_integers(nodes, "nodes.live_bytes"),
            kernel=self._optional_integers(nodes, "nodes.kernel"),
            is_backward=self._flags(nodes, "nodes.is_backward"),
            dtype=self._strings(nodes, "nodes.dtype"),
            work_on=self._seconds_on(nodes, "nodes.work_on"),
            transfer_on=self._seconds_on(tensors, "tensors.transfer_on"),
            **self._params(data),
            device=device,
            machine=machine,
        )
        per_node = arrays.work if arrays.work is not None else arrays.flops
        if per_node is not None:
            self._expect(
                len(per_node) == len(op), f'"nodes.op" has {len(op)} entries, but there are {len(per_node)} nodes'
            )
        return arrays

    def _expect(self, is_true: bool, rule: str) -> None:  # noqa: FBT001 - reads as a sentence
        if not is_true:
            raise InputError(f"{self._path}: {rule}")

    def _object(self, data: dict[str, Any], key: str) -> dict[str, Any]:
        self._expect(key in data, f'"{key}" is missing')
        self._expect(isinstance(data[key], dict), f'"{key}" is not an object')
        value: dict[str, Any] = data[key]
        return value

    def _values(self, owner: dict[str, Any], name: str) -> list[Any] | None:
        """Give the list behind the last part of a dotted name, if it is there."""
        values = owner.get(name.rpartition(".")[2])
        self._expect(values is None or isinstance(values, list), f'"{name}" is not a list')
        return values

    def _required(self, owner: dict[str, Any], name: str) -> list[Any]:
        values = self._values(owner, name)
        if values is None:
            raise InputError(f'{self._path}: "{name}" is missing')
        return values

    def _strings(self, owner: dict[str, Any], name: str) -> list[str] | None:
        values = self._values(owner, name)
        return None if values is None else self._string_list(name, values)

    def _string_list(self, name: str, values: list[Any]) -> list[str]:
        if not _are(values, str):
            self._all(name, values, lambda value: isinstance(value, str), "a string")
        return values

    # Where all is well, a list is looked at as a whole; else, value by value, for the one that is named.

    def _all(self, name: str, values: list[Any], rule: Any, wanted: str) -> None:  # noqa: ANN401 - a predicate
        wrong = next((index for index, value in enumerate(values) if not rule(value)), None)
        if wrong is not None:
            raise InputError(f"{self._path}: {name}[{wrong}] = {values[wrong]!r:.80} is not {wanted}")

    def _integers(self, owner: dict[str, Any], name: str, dtype: type[Any]) -> NDArray[Any]:
        return self._integer_array(name, self._required(owner, name), dtype)

    def _optional_integers(self, owner: dict[str, Any], name: str) -> NDArray[np.int64] | None:
        values = self._values(owner, name)
        return None if values is None else self._integer_array(name, values, np.int64)

    def _integer_array(self, name: str, values: list[Any], dtype: type[Any]) -> NDArray[Any]:
        limit = np.iinfo(dtype).max
        if (array := _numbers(values, np.int64, limit, int)) is not None:
            return array.astype(dtype, copy=False)
        self._all(
            name,
            values,
            lambda value: type(value) is int and -limit <= value <= limit,
            f"a whole number of {np.iinfo(dtype).bits} bits",
        )
        return np.array(values, dtype=dtype)

    def _floats(self, owner: dict[str, Any], name: str) -> NDArray[np.float64] | None:
        values = self._values(owner, name)
        if values is None:
            return None
        if (array := _numbers(values, np.float64, _MAX_FLOAT, int, float)) is not None:
            return array
        self._all(name, values, _is_finite, "a finite number")
        return np.array(values, dtype=np.float64)

    def _flags(self, owner: dict[str, Any], name: str) -> NDArray[np.bool_] | None:
        values = self._values(owner, name)
        if values is None:
            return None
        if not _are(values, bool, int) or not {*values} <= {0, 1}:
            self._all(name, values, lambda value: type(value) in (bool, int) and value in (0, 1), "true, false, 0 or 1")
        return np.array(values, dtype=np.bool_)

    def _readers(self, owner: dict[str, Any], name: str) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Give a list of lists of nodes as one, and where each begins."""
        rows = self._required(owner, name)
        if not _are(rows, list):
            self._all(name, rows, lambda row: isinstance(row, list), "a list")
        flat = list(itertools.chain.from_iterable(rows))
        offsets = np.cumsum([0, *map(len, rows)], dtype=np.int64)
        return self._integer_array(f"{name}, all in one,", flat, np.int32), offsets

    def _params(self, data: dict[str, Any]) -> dict[str, NDArray[np.int64]]:
        if data.get("params") is None:
            return {}
        params = self._object(data, "params")
        size = self._integers(params, "params.size", np.int64)
        readers, offsets = self._readers(params, "params.readers")
        self._expect(
            len(size) + 1 == len(offsets), f'"params.size" has {len(size)} entries, "params.readers" {len(offsets) - 1}'
        )
        return {"param_size": size, "param_readers": readers.astype(np.int64), "param_offsets": offsets}

    def _seconds_on(self, owner: dict[str, Any], column: str) -> dict[str, NDArray[np.float64]] | None:
        rows = owner.get(column.rpartition(".")[2])
        if rows is None:
            return None
        self._expect(isinstance(rows, dict), f'"{column}" is not an object')
        tables = {}
        for kind, values in rows.items():
            name = f"{column}.{kind:.80}"
            self._expect(isinstance(values, list), f'"{name}" is not a list')
            known = [0 if value is None else value for value in values]
            if _numbers(known, np.float64, _MAX_FLOAT, int, float) is None:
                self._all(name, values, lambda value: value is None or _is_finite(value), "a finite number or null")
            tables[kind] = np.array([math.nan if value is None else value for value in values], dtype=np.float64)
        return tables
