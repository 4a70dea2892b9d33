"""What a split says about itself: ``manifest.json``, beside the models of its stages."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal, TypedDict

from slicegraph.errors import InputError
from slicegraph.formats.files import read_json

FORMAT: Final = "slicegraph-split-1"
NAME: Final = "manifest.json"
"""The file's name."""

Shape = list[int | str | None] | None
"""Sizes; a name or null for a dimension that is not known. Null: no tensor, or nobody knows how many dimensions."""


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
    """An input or output of a stage; ``bytes`` is null where nobody knows."""

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
    """Seconds of the dearest stage; the device that they are about, and whether the model's borders are paid."""

    bottleneck: float | None
    device: dict[str, float | int]
    boundary_io: bool


class Stage(TypedDict):
    """One stage: its file and digest, its block in the plan, how many of the graph's nodes it runs, and its borders."""

    stage: int
    block: int
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
    """Require every entry of a manifest; what they hold is for its readers to check.

    Raises
    ------
    InputError
        One is missing, or a stage's file is not one beside the manifest.
    """
    _checked(manifest["model"], "the model", Model)
    if not isinstance(manifest["model"]["dims"], dict):
        raise InputError("the dims of the model are no object")
    _all_checked(manifest["inputs"], "input", Tensor)
    _all_checked(manifest["outputs"], "output", Tensor)
    for index, stage in enumerate(_all_checked(manifest["stages"], "stage", Stage)):
        _all_checked(stage["inputs"], f"stage {index}: input", StageInput)
        _all_checked(stage["outputs"], f"stage {index}: output", StageOutput)
        file: Any = stage["file"]
        if not isinstance(file, str) or Path(file).name != file:
            raise InputError(f'stage {index}: "file" is {file!r}, but models stand beside the manifest')


def _all_checked(rows: Any, what: str, kind: type) -> Any:  # noqa: ANN401 - anything can stand in a file
    if not isinstance(rows, list):
        raise InputError(f"{what}: a list of them is missing")
    return [_checked(row, f"{what} {index}", kind) for index, row in enumerate(rows)]


def _checked(data: Any, what: str, kind: type) -> Any:  # noqa: ANN401 - likewise
    missing = next((key for key in kind.__annotations__ if not isinstance(data, dict) or key not in data), None)
    if missing is not None:
        raise InputError(f"{what} has no {missing}")
    return data


def is_manifest(data: Any) -> bool:  # noqa: ANN401 - anything can stand in a file
    """Whether data that were read from JSON call themselves a manifest."""
    return isinstance(data, dict) and data.get("format") == FORMAT
