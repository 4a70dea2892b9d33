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
from onnx import TensorProto, helper, numpy_helper

import slicegraph as sg
from onnx_models import write
from slicegraph.stages.verify_split import difference, holds

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


@pytest.mark.parametrize(
    ("whole", "is_uniform"),
    [
        ([0.0, 0.0], True),
        ([math.nan, math.nan], True),
        ([3 + 4j, 3 + 4j], True),
        ([True, True], True),
        (["a", "a"], True),
        ([0.0, 1.0], False),
        ([0.0, math.nan], False),
        (["a", "b"], False),
        ([0.0], False),
        ([], False),
    ],
)
def test_an_output_of_one_value_is_seen(whole: list[Any], is_uniform: bool) -> None:
    """A single element says what it can."""
    assert difference("y", np.array(whole), np.array(whole)).is_uniform is is_uniform


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
    path = write(tmp_path / "model.onnx", "g (complex64[4] x) => (complex64[4] b) { a = Identity(x) b = Identity(a) }")
    sg.split(path, [0, 1], tmp_path / "stages")
    with pytest.raises(sg.InputError, match="input 'x' is a complex64: there are no random ones; give its value"):
        sg.verify_split(tmp_path / "stages", path)


def test_inputs_may_be_given(path: Path) -> None:
    """All others are made up; strings are inputs like others."""
    given: list[dict[str, Any]] = [{"rows": [1, 0]}, {"x": 2.5}, {"x": np.ones((2, 4)), "rows": "[0, 1]"}]
    for inputs in given:
        assert all(each.is_equal for each in sg.verify_split(path.parent / "stages", path, inputs=inputs))
    with pytest.raises(sg.InputError, match="onnxruntime cannot run it"):
        sg.verify_split(path.parent / "stages", path, inputs={"rows": 7})
    with pytest.raises(sg.InputError, match="'c', which is no input: the model has 'x', 'rows'"):
        sg.verify_split(path.parent / "stages", path, inputs={"c": 7})
    text = write(path.parent / "text.onnx", "g (string[2] x) => (string[2] b) { a = Identity(x) b = Identity(a) }")
    sg.split(text, [0, 1], path.parent / "text")
    for strings in ({}, {"x": ["a", "b"]}):
        assert [each.absolute for each in sg.verify_split(path.parent / "text", text, inputs=strings)] == [0.0]


def layers(path: Path, count: int, dtype: Any) -> Path:
    """Write multiplications by one matrix with Relu between them, in numbers of one type."""
    weights = np.random.default_rng(0).standard_normal((32, 32)) / 32**0.5
    nodes = []
    for index in range(count):
        nodes.append(helper.make_node("MatMul", [f"h{index}", "w"], [f"m{index}"]))
        nodes.append(helper.make_node("Relu", [f"m{index}"], [f"h{index + 1}"]))
    type_ = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    first, last = (helper.make_tensor_value_info(name, type_, [4, 32]) for name in ("h0", f"h{count}"))
    graph = helper.make_graph(nodes, "layers", [first], [last], [numpy_helper.from_array(weights.astype(dtype), "w")])
    return write(path, helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10))


def spoil(folder: Path, stage: int, factor: float) -> None:
    """Multiply the weights of one stage."""
    model = onnx.load(folder / f"stage{stage}.onnx")
    weights = numpy_helper.to_array(model.graph.initializer[0])
    wrong = (weights * weights.dtype.type(factor)).astype(weights.dtype)
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(wrong, model.graph.initializer[0].name))
    write(folder / f"stage{stage}.onnx", model)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float16, 1e-3), (np.float32, 1e-4), (np.float64, 1e-9)])
def test_the_tolerance_is_that_of_the_type(dtype: Any, tolerance: float, tmp_path: Path) -> None:
    """Right stages are within it, and one whose weights are off by a twentieth is not, whatever the type."""
    path, folder = layers(tmp_path / "model.onnx", 6, dtype), tmp_path / "stages"
    sg.split(path, [node // 2 for node in range(12)], folder)
    (found,) = sg.verify_split(folder, path)
    assert (found.tolerance, found.is_equal, found.optimized) == (tolerance, True, None)
    # With optimizations off, the model rounds where its stages do: nothing is left to be explained.
    (found,) = sg.verify_split(folder, path, tolerance=0.0)
    assert (found.is_equal, found.relative) == (True, 0.0)
    for factor in (0.95, 1.05):
        sg.split(path, [node // 2 for node in range(12)], folder)
        spoil(folder, 3, factor)
        (found,) = sg.verify_split(folder, path)
        assert not found.is_equal
        assert found.optimized is not None
        assert found.relative > 0.03


def test_the_tolerance_is_that_of_the_coarsest_value_behind_an_output(tmp_path: Path) -> None:
    """Also of one within a body; what does not hang on it has its own."""
    text = """<ir_version: 10, opset_import: ["": 17]>
        g (float[4] x, bool yes, int64[4] n) => (float[4] c, float[4] d, float[4] e, int64[4] m)
        { a = Cast<to = 10>(x) b = Relu(a) c = Cast<to = 1>(b) d = Relu(x) m = Abs(n)
          e = If(yes) <then_branch = t () => (float[4] o) { h = Cast<to = 10>(x) o = Cast<to = 1>(h) },
                       else_branch = f () => (float[4] p) { p = Neg(x) }> }"""
    path = write(tmp_path / "model.onnx", text)
    sg.split(path, [0, 0, 1, 1, 1, 1], tmp_path / "stages")
    found = sg.verify_split(tmp_path / "stages", path)
    assert [(each.name, each.tolerance) for each in found] == [("c", 1e-3), ("d", 1e-4), ("e", 1e-3), ("m", 0.0)]
    assert all(each.is_equal for each in found)


def quantized(path: Path) -> Path:
    """Write a network whose 4-bit weights onnxruntime multiplies as they are, where it sees both nodes."""
    packed = helper.make_tensor(
        "packed", TensorProto.INT4, (256, 256), np.random.default_rng(0).bytes(128 * 256), raw=True
    )
    scales = numpy_helper.from_array(np.full((8, 256), 0.01, np.float32), "scales")
    nodes = [
        helper.make_node("DequantizeLinear", ["packed", "scales"], ["w"], axis=0, block_size=32),
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("MatMul", ["b", "w"], ["y"]),
    ]
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, 256]) for name in "xy")
    graph = helper.make_graph(nodes, "quantized", [x], [y], [packed, scales])
    return write(path, helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10))


def test_what_a_runtime_fuses_is_no_difference(tmp_path: Path) -> None:
    """Stages that are the whole with optimizations off are right; wrong scales are wrong with them off, too."""
    path, folder = quantized(tmp_path / "model.onnx"), tmp_path / "stages"
    sg.split(path, [0, 0, 1], folder)
    (found,) = sg.verify_split(folder, path)
    assert (found.is_equal, found.relative) == (True, 0.0)
    assert found.optimized is not None
    assert found.optimized > found.tolerance
    stage = onnx.load(folder / "stage1.onnx")
    scales = next(each for each in stage.graph.initializer if each.name == "scales")
    scales.CopyFrom(numpy_helper.from_array(np.full((8, 256), 0.0105, np.float32), "scales"))
    write(folder / "stage1.onnx", stage)
    assert not sg.verify_split(folder, path)[0].is_equal


RANDOM = """g (float[2,4] x) => (float[2,4] a, float[2,4] y, float[2,4] z)
    { a = Relu(x) r = RandomNormalLike(a) b = Add(a, r) y = Tanh(b)
      s = RandomUniformLike<seed = 3.0>(a) z = Add(a, s) }"""


def test_random_outputs_are_named_and_not_compared(tmp_path: Path) -> None:
    """With the nodes that they depend on; a node with a seed draws the same numbers in every run."""
    path, folder = write(tmp_path / "model.onnx", RANDOM), tmp_path / "stages"
    sg.split(path, [0, 0, 1, 1, 1, 1], folder)
    found = sg.verify_split(folder, path)
    assert [(each.name, each.random, each.is_equal) for each in found] == [
        ("a", (), True),
        ("y", ("'r' (RandomNormalLike)",), False),
        ("z", (), True),
    ]
    assert math.isnan(found[1].relative)
    text = """g (float[2,4] x, bool yes) => (float[2,4] y) { a = Relu(x)
        y = If(yes) <then_branch = t () => (float[2,4] o) { [noise] o = RandomNormalLike(a) },
                     else_branch = f () => (float[2,4] p) { p = Neg(a) }> }"""
    path = write(tmp_path / "other.onnx", text)
    sg.split(path, [0, 1], tmp_path / "other")
    (within,) = sg.verify_split(tmp_path / "other", path)
    assert within.random == ("'noise' (RandomNormalLike) in 'y' (If)",)
    assert holds(found)
    assert not holds(found[1:2])


def test_without_onnxruntime_there_is_a_hint(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "onnxruntime" else find(name))
    with pytest.raises(sg.InputError, match=r"pip install slicegraph\[onnxruntime\]"):
        sg.verify_split(path.parent / "stages", path)
