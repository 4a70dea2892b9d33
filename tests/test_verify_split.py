"""Comparing stages with the whole, by running both."""

from __future__ import annotations

import importlib.util
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import slicegraph as sg
from onnx_models import write
from slicegraph.verify_split import difference

LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"
TEXT = """g (float[n,4] x, int64[n] rows) => (float[n,4] c, float[2,4] b)
    <float[4] w = {1, 2, 3, 4}> { a = Mul(x, w) b = Gather(a, rows) c = Relu(a) }"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A model of two outputs, split into two stages."""
    found = write(tmp_path / "model.onnx", TEXT)
    sg.split(found, [0, 1, 1], tmp_path / "stages", dims={"n": 2})
    return found


def test_stages_equal_the_whole(path: Path) -> None:
    """Indices that are drawn are within any table."""
    for seed in range(5):
        found = sg.verify_split(path.parent / "stages", path, seed=seed, dims={"n": 2})
        assert [(each.name, each.absolute, each.relative) for each in found] == [("c", 0.0, 0.0), ("b", 0.0, 0.0)]


@pytest.mark.parametrize("name", ["light_squeezenet", "light_shufflenet"])
def test_real_networks_equal_the_whole(name: str, tmp_path: Path) -> None:
    """Their weights are made by nodes, which every stage has for itself."""
    path = LIGHT / f"{name}.onnx"
    count = sg.read(path).num_nodes
    sg.split(path, [4 * node // count for node in range(count)], tmp_path / "stages")
    assert max(each.relative for each in sg.verify_split(tmp_path / "stages", path)) <= 1e-4


def test_a_changed_weight_is_found(path: Path) -> None:
    stage = onnx.load(path.parent / "stages/stage0.onnx")
    stage.graph.initializer[0].CopyFrom(numpy_helper.from_array(np.array([2, 3, 4, 5], dtype=np.float32), "w"))
    write(path.parent / "stages/stage0.onnx", stage)
    found = sg.verify_split(path.parent / "stages", path)
    assert all(each.relative > 0.01 for each in found)


def test_types_that_numpy_has_not_are_compared(tmp_path: Path) -> None:
    """They go from stage to stage as they are; results are compared as floats."""
    text = "g (bfloat16[4] x) => (bfloat16[4] b) { a = Identity(x) b = Identity(a) }"
    path = write(tmp_path / "model.onnx", text)
    manifest = sg.split(path, [0, 1], tmp_path / "stages")
    assert manifest["stages"][1]["inputs"][0]["dtype"] == "bfloat16"
    assert [each.absolute for each in sg.verify_split(tmp_path / "stages", path)] == [0.0]


@pytest.mark.parametrize(
    ("whole", "chained", "absolute", "relative"),
    [
        ([2.0, -4.0], [2.0, -3.0], 1.0, 0.25),
        ([0.0, 0.0], [0.5, 0.0], 0.5, 0.5),
        ([], [], 0.0, 0.0),
        ([math.nan, math.inf, 1.0], [math.nan, math.inf, 1.0], 0.0, 0.0),
        ([math.nan, 1.0], [1.0, 1.0], math.inf, math.inf),
        ([math.inf], [-math.inf], math.inf, math.inf),
        ([1.0, 2.0], [1.0], math.inf, math.inf),
        ([1, 2], [1.0, 2.0], math.inf, math.inf),
        ([True, False], [True, True], 1.0, 1.0),
        (["a"], ["a"], 0.0, 0.0),
        (["a"], ["b"], 1.0, 1.0),
        ([3 + 4j], [3 + 3j], 1.0, 0.2),
    ],
)
def test_a_difference_is_as_defined(whole: list[Any], chained: list[Any], absolute: float, relative: float) -> None:
    """The largest one, and that over the largest magnitude; what is no number anywhere is equal."""
    found = difference("y", np.array(whole), np.array(chained))
    assert (found.absolute, found.relative) == (absolute, relative)


def test_integers_that_floats_cannot_tell_apart_differ() -> None:
    found = difference("y", np.array([2**53 + 1, 3]), np.array([2**53, 3]))
    assert (found.absolute, found.relative > 0) == (1.0, True)


def test_a_split_of_another_model_or_size_is_refused(path: Path, tmp_path: Path) -> None:
    folder = path.parent / "stages"
    other = write(tmp_path / "other.onnx", TEXT.replace("Relu", "Neg"))
    with pytest.raises(sg.InputError, match=r"other\.onnx: not the file that was split into .*stages"):
        sg.verify_split(folder, other)
    with pytest.raises(sg.InputError, match="dimension 'n' is 3, but it is for 2"):
        sg.verify_split(folder, path, dims={"n": 3})
    with pytest.raises(sg.InputError, match="dimension 'm' is 3, but it was not given one"):
        sg.verify_split(folder, path, dims={"m": 3})


def test_a_damaged_split_is_named(path: Path) -> None:
    """A manifest that is none, and files that are not what it says."""
    folder = path.parent / "stages"
    manifest = json.loads((folder / "manifest.json").read_text())

    def complaint(changed: Any) -> str:
        (folder / "manifest.json").write_text(json.dumps(changed))
        with pytest.raises(sg.InputError) as caught:
            sg.verify_split(folder, path)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert "not the manifest of a split, whose format is slicegraph-split-1" in complaint([])
    assert "stages is missing, and a manifest has it" in complaint(
        {key: value for key, value in manifest.items() if key != "stages"}
    )
    assert "stage: a list of them is missing" in complaint(manifest | {"stages": 3})
    assert "stage 0 has no stage" in complaint(manifest | {"stages": [3]})
    stage = manifest["stages"][0] | {"inputs": [{"name": "x", "dtype": "float32"}]}
    assert "stage 0: input 0 has no shape" in complaint(manifest | {"stages": [stage]})
    assert "stage1.onnx: reads 'a', which no stage before it makes" in complaint(
        manifest | {"stages": manifest["stages"][1:]}
    )
    assert "the model returns 'c', which no stage makes" in complaint(manifest | {"stages": manifest["stages"][:1]})
    stage = manifest["stages"][0] | {"outputs": manifest["stages"][1]["outputs"]}
    assert "stage0.onnx: does not return" in complaint(manifest | {"stages": [stage]})
    (folder / "stage0.onnx").write_bytes(b"no model")
    assert "stage0.onnx: not an ONNX model: " in complaint(manifest)


def test_inputs_of_no_random_values_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "model.onnx", "g (string[4] x) => (string[4] b) { a = Identity(x) b = Identity(a) }")
    sg.split(path, [0, 1], tmp_path / "stages")
    with pytest.raises(sg.InputError, match="input 'x'"):
        sg.verify_split(tmp_path / "stages", path)


def test_without_onnxruntime_there_is_a_hint(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "onnxruntime" else find(name))
    with pytest.raises(sg.InputError, match=r"pip install slicegraph\[onnxruntime\]"):
        sg.verify_split(path.parent / "stages", path)
