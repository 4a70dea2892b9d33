"""Reading and writing graphs, by suffix: one file per format, plain arrays in and out."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path

from slicegraph.errors import InputError
from slicegraph.formats.arrays import GraphArrays
from slicegraph.formats.counting import Formula

FORMATS = ("onnx", "stablehlo", "tflite", "native", "msr", "piper", "pipedream", "cost_graph", "hyperdag", "dot")
"""What can be read; a format is the module of that name, which is imported when used."""
_LIBRARIES = {
    "onnx": ("onnx", "onnx", "ONNX"),
    "stablehlo": ("jax", "jax", "StableHLO"),
    "dot": ("pydot", "dot", "dot"),
    "tflite": ("tflite", "tflite", "TFLite"),
}
"""What a format takes beyond this package: the module, the extra that installs it, and what the format is called."""
_OPTIONS = {"onnx": {"dims", "flops", "trips"}, "stablehlo": {"flops", "trips", "params"}, "tflite": {"flops", "trips"}}
_ASKED = {
    "dims": "dimensions are given, but only ONNX models have named ones",
    "flops": "flops of operators are given, but only ONNX, StableHLO and TFLite state shapes to count them by",
    "trips": "trips of loops are given, but only ONNX, StableHLO and TFLite have loops",
    "params": "parameters are named, but only StableHLO does not say which arguments they are",
}
_FORMAT_OF_SUFFIX = {
    ".onnx": "onnx",
    ".tflite": "tflite",
    ".mlir": "stablehlo",
    ".mlirbc": "stablehlo",
    ".stablehlo": "stablehlo",
    ".json": "native",
    ".json.gz": "native",
    ".txt": "pipedream",
    ".pbtxt": "cost_graph",
    ".dot": "dot",
}


def read(
    path: Path,
    *,
    format: str | None,  # noqa: A002 - see `graph.read`
    dims: Mapping[str, int] | None,
    flops: Mapping[str, Formula] | None = None,
    trips: Mapping[str, int] | None = None,
    params: Sequence[str] | None = None,
) -> GraphArrays:
    """Read a graph in the named format, or in the one that the suffix tells.

    Raises
    ------
    InputError
        When the format is unknown, a library for it is missing, or the file breaks one of its rules.
    """
    format = format or _format_of(path)  # noqa: A001 - see above
    if format not in FORMATS:
        raise InputError(f"{path}: no format {format!r}, but {', '.join(FORMATS[:-1])} and {FORMATS[-1]}")
    given = {"dims": dims, "flops": flops, "trips": trips, "params": params}
    known = _OPTIONS.get(format, set())
    for option, value in given.items():
        if option not in known and (value or (option == "params" and value is not None)):
            raise InputError(f"{path}: {_ASKED[option]}")
    module, extra, called = _LIBRARIES.get(format, ("", "", ""))
    if module and importlib.util.find_spec(module) is None:
        raise InputError(f"{path}: reading {called} takes the {module} package; pip install slicegraph[{extra}]")
    reader = importlib.import_module(f"slicegraph.formats.{format}")
    arrays: GraphArrays = reader.read(path, **{option: value for option, value in given.items() if option in known})
    return arrays


def write(arrays: GraphArrays, path: Path) -> None:
    """Write a native file.

    Raises
    ------
    InputError
        When the suffix is not a native one, or the file cannot be written.
    """
    if _format_of(path) != "native":
        raise InputError(f"{path}: graphs are written as .json or .json.gz")
    from slicegraph.formats import native  # noqa: PLC0415 - a format is imported when used

    native.write(arrays, path)


def _format_of(path: Path) -> str:
    for suffix, format_ in _FORMAT_OF_SUFFIX.items():
        if path.name.lower().endswith(suffix):
            return format_
    raise InputError(f"{path}: no known suffix ({', '.join(_FORMAT_OF_SUFFIX)}); name the format: {', '.join(FORMATS)}")
