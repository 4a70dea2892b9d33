"""Formats by suffix, and the libraries that some of them take."""

from __future__ import annotations

import importlib.util
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

import slicegraph as sg


@pytest.mark.parametrize(
    ("name", "called", "library", "extra"),
    [
        ("model.onnx", "ONNX", "onnx", "onnx"),
        ("model.mlir", "StableHLO", "jax", "jax"),
        ("MODEL.TFLITE", "TFLite", "tflite", "tflite"),
        ("graph.dot", "dot", "pydot", "dot"),
    ],
)
def test_a_library_that_is_missing_is_named_with_the_extra_that_has_it(
    name: str, called: str, library: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the file is looked at."""

    def find(module: str, package: str | None = None) -> ModuleSpec | None:
        return None if module == library else found(module, package)

    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", find)
    with pytest.raises(sg.InputError) as refused:
        sg.read(name)
    told = f"reading {called} takes the {library} package; pip install slicegraph[{extra}]"
    assert str(refused.value) == f"{name}: {told}"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("model.mlir", "dimensions are given, but only ONNX models have named ones"),
        ("graph.dot", "flops of operators are given, but only ONNX, StableHLO and TFLite state shapes"),
        ("graph.json", "trips of loops are given, but only ONNX, StableHLO and TFLite have loops"),
        ("model.onnx", "parameters are named, but only StableHLO does not say which arguments they are"),
    ],
)
def test_what_a_format_knows_nothing_of_is_refused(name: str, told: str) -> None:
    """Also where it is given for nothing."""
    key = {"dimensions": "dims", "flops": "flops", "trips": "trips", "parameters": "params"}[told.split(maxsplit=1)[0]]
    value = {"dims": {"n": 1}, "flops": {"a": "1"}, "trips": {"a": 1}, "params": []}[key]
    with pytest.raises(sg.InputError, match=told):
        sg.read(Path(name), **{key: value})  # type: ignore[arg-type] # each of its own type
