"""What a split says about itself: ``manifest.json``, beside the models of its stages."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, TypedDict

from slicegraph.errors import InputError
from slicegraph.formats.files import read_json

FORMAT: Final = "slicegraph-split-1"
NAME: Final = "manifest.json"
"""The file's name."""
_MAX_SIZE = 2**53
"""More bytes or elements than any memory has."""

Shape = list[int | str | None] | None
"""Sizes; a name or null for a dimension that is not known. Null: no tensor, or not known how many dimensions."""


class Model(TypedDict):
    """The model that was split: its name, digests of its file and of its graph's structure, sizes of its dimensions."""

    name: str
    sha256: str
    graph_digest: str
    dims: dict[str, int]


class Tensor(TypedDict):
    """An input or output of the model; ``dtype`` is numpy's name, or ONNX's type of what is no tensor."""

    name: str
    dtype: str
    shape: Shape


class Boundary(Tensor):
    """An input or output of a stage; ``bytes`` is null where they are not known."""

    bytes: int | None


# "from" is a keyword of Python.
StageInput = TypedDict(
    "StageInput",
    {"name": str, "dtype": str, "shape": Shape, "bytes": int | None, "from": int | Literal["model"]},
)
"""What a stage reads, and which stage makes it."""


class StageOutput(Boundary):
    """What a stage returns, and who reads it: later stages, or the model's caller."""

    to: list[int | Literal["model"]]


class Cost(TypedDict):
    """Seconds that a stage is predicted to take; ``cost`` is null above the device's memory limit."""

    work: float
    io_in: float
    io_out: float
    overflow: float
    cost: float | None


class Prediction(TypedDict):
    """Seconds of the most expensive stage; the devices that they are about, and whether the model's borders are paid.

    ``device`` is null where stages are unlike, and ``machine`` where they are not: devices in pipeline order, each with
    its ``count``.
    """

    bottleneck: float | None
    device: dict[str, Any] | None
    machine: list[dict[str, Any]] | None
    boundary_io: bool


class Stage(TypedDict):
    """One stage: its file and digest, its block in the plan, how many of the graph's nodes it runs, and its borders.

    ``device`` is what its device is called where stages are unlike, else null.
    """

    stage: int
    block: int
    device: str | None
    file: str
    sha256: str
    nodes: int
    inputs: list[StageInput]
    outputs: list[StageOutput]
    predicted: Cost | None


class Manifest(TypedDict):
    """A split."""

    format: str
    model: Model
    inputs: list[Tensor]
    outputs: list[Tensor]
    stages: list[Stage]
    predicted: Prediction | None


def read_manifest(directory: Path) -> Manifest:
    """Read the manifest of a split.

    Raises
    ------
    InputError
        When it cannot be read, or is none.
    """
    path = directory / NAME
    data = read_json(path)
    if not is_manifest(data):
        raise InputError(f"{path}: not the manifest of a split, whose format is {FORMAT}")
    missing = next((key for key in Manifest.__annotations__ if key not in data), None)
    if missing is not None:
        raise InputError(f"{path}: {missing} is missing, and a manifest has it")
    manifest: Manifest = data
    return manifest


def check_entries(manifest: Manifest) -> None:
    """Require every entry of a manifest, of its type; whether they fit each other is for its readers to check.

    Raises
    ------
    InputError
        One is missing or of another type, or a stage's file is not one beside the manifest.
    """
    _checked(manifest["model"], "the model", Model)
    _all_checked(manifest["inputs"], "input", Tensor)
    _all_checked(manifest["outputs"], "output", Tensor)
    for index, stage in enumerate(_all_checked(manifest["stages"], "stage", Stage)):
        _all_checked(stage["inputs"], f"stage {index}: input", StageInput)
        _all_checked(stage["outputs"], f"stage {index}: output", StageOutput)
        file = stage["file"]
        if Path(file).name != file:
            raise InputError(f'stage {index}: "file" is {file!r}, but models stand beside the manifest')


def _all_checked(rows: Any, what: str, kind: type) -> Any:  # noqa: ANN401 - anything can stand in a file
    if not isinstance(rows, list):
        raise InputError(f"{what}: a list of them is missing")
    return [_checked(row, f"{what} {index}", kind) for index, row in enumerate(rows)]


def _checked(data: Any, what: str, kind: type) -> Any:  # noqa: ANN401 - likewise
    missing = next((key for key in kind.__annotations__ if not isinstance(data, dict) or key not in data), None)
    if missing is not None:
        raise InputError(f"{what} has no {missing}")
    for key, rule in _RULES.items():
        if key in kind.__annotations__ and not rule.holds(data[key]):
            raise InputError(f'{what}: "{key}" is {data[key]!r:.80}, but {rule.text}')
    return data


class _Rule(NamedTuple):
    """What an entry of some name holds, wherever it stands."""

    text: str
    holds: Callable[[Any], bool]


def is_name(value: object) -> bool:
    """Whether a value is a string that can be the name of a file or a tensor."""
    return isinstance(value, str) and "\0" not in value


def is_size(value: object) -> bool:
    """Whether a value is a whole number of bytes or elements."""
    return type(value) is int and 0 <= value <= _MAX_SIZE


def is_shape(value: object) -> bool:
    """Whether a value is a list of sizes, or of names or null in their place, that some memory could hold."""
    if not isinstance(value, list) or not all(is_size(dim) or dim is None or isinstance(dim, str) for dim in value):
        return False
    return math.prod(dim for dim in value if type(dim) is int) <= _MAX_SIZE


def _is_dims(value: object) -> bool:
    return isinstance(value, dict) and all(map(is_size, value.values()))


def _is_target(value: object) -> bool:
    return value == "model" or is_size(value)


_NAME = _Rule("a string without a null character is asked for", is_name)
_COUNT = _Rule("a whole number from 0 to 2^53 is asked for", is_size)
_RULES: Mapping[str, _Rule] = {
    **dict.fromkeys(("name", "sha256", "graph_digest", "dtype", "file"), _NAME),
    **dict.fromkeys(("stage", "block", "nodes"), _COUNT),
    "device": _Rule("a name or null is asked for", lambda value: value is None or is_name(value)),
    "bytes": _Rule("a number of bytes or null is asked for", lambda value: value is None or is_size(value)),
    "shape": _Rule(
        "sizes, names or null are asked for, of no more than 2^53 elements",
        lambda value: value is None or is_shape(value),
    ),
    "dims": _Rule("an object of sizes is asked for", _is_dims),
    "from": _Rule('a stage or "model" is asked for', _is_target),
    "to": _Rule(
        'stages and "model" are asked for', lambda value: isinstance(value, list) and all(map(_is_target, value))
    ),
}


def is_manifest(data: Any) -> bool:  # noqa: ANN401 - anything can stand in a file
    """Whether data that were read from JSON call themselves a manifest."""
    return isinstance(data, dict) and data.get("format") == FORMAT
