"""Measured work: which event belongs to which node, and that the graph is the reader's own."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper, parser

import slicegraph as sg
from slicegraph.formats.arrays import GraphArrays
from slicegraph.report.profile import notes, profile_to_text
from slicegraph.stages.clocks import Clocks
from slicegraph.stages.onnx.events import Run, runs
from slicegraph.stages.onnx.kernels import Kernels
from slicegraph.stages.onnx.samples import sample_inputs
from slicegraph.stages.onnx.timing import summed
from slicegraph.stages.profile import measure

HEADER = '<ir_version: 9, opset_import: ["": 18]> '
QUICK: Mapping[str, Any] = {"runs": 2, "warmup": 1}

MLP = """g (float[32,512] x) => (float[32,4] y) <float[512,1024] w, float[1024,4] v>
    { a = MatMul(x, w) b = Relu(a) c = MatMul(b, v) y = Softmax(c) }"""
# Two nodes of one name, and two without any.
NAMES = """g (float[4] x) => (float[4] y)
    { [same] a = Relu(x) [same] b = Sigmoid(a) c = Tanh(b) y = Neg(c) }"""
LOOP = """g (float[4,4] x, int64 n) => (float[4,4] y) {
    go = Constant<value: tensor = bool {1}>()
    a = Relu(x)
    b = Loop<body = each (int64 i, bool on, float[4,4] v) => (bool still, float[4,4] w) {
        still = Identity(on) u = Add(v, x) w = MatMul(u, u) }>(n, go, a)
    y = Neg(b) }"""
# The weight is computed from what is stored, the target from the shape of what is not.
FOLDED = """g (float[N,8] x) => (float[M,K] y) <float[200,8] w> {
    t = Transpose<perm = [1, 0]>(w)
    a = MatMul(x, t)
    shape = Shape(a)
    half = Constant<value: tensor = int64[2] {1, -1}>()
    small = Mul(shape, half)
    list = SequenceConstruct(w)
    y = Reshape(a, half)
    z = Concat<axis = 0>(small, half) }"""
MADE = """g (float[N,64] x) => (float[N,300] y) {
    dims = Constant<value: tensor = int64[2] {64, 300}>() w = ConstantOfShape(dims) y = MatMul(x, w) }"""
# ONNX defines it by other operators, and there is no kernel for it.
MISH = "g (float[8,8] x) => (float[8,8] y) { a = Mish(x) b = Relu(a) y = Mish(b) }"
HALF = "g (float16[8,8] x) => (float16[8,8] y) { a = Sigmoid(x) y = MatMul(a, a) }"
LISTED = """g (float[3] x) => (float[5] y) <float[2] w> {
    list = SequenceConstruct(w) last = Constant<value_int: int = 0>() more = SequenceInsert(list, x, last)
    y = ConcatFromSequence<axis = 0>(more) }"""
FUNCTION = """<ir_version: 9, opset_import: ["": 18, "local": 1]>
    g (float[4] x) => (float[4] y) { a = local.Twice(x) y = local.Twice(a) }
    <domain: "local", opset_import: ["": 18]> Twice (v) => (w) { u = Relu(v) w = Neg(u) }"""

MODELS = [
    (MLP, {}),
    (NAMES, {}),
    (LOOP, {}),
    (FOLDED, {"N": 3}),
    (MADE, {"N": 2}),
    (MISH, {}),
    (HALF, {}),
    (LISTED, {}),
    (FUNCTION, {}),
]


def save(folder: Path, text: str, *, ir_version: int = 9, is_external: bool = False) -> Path:
    model = parser.parse_model(text if text.startswith("<") else HEADER + text)
    model.ir_version = ir_version
    random = np.random.default_rng(0)
    stored = {"w", "v"} & {name for node in model.graph.node for name in node.input}
    shapes = {info.name: [dim.dim_value for dim in info.type.tensor_type.shape.dim] for info in model.graph.value_info}
    for name in stored & shapes.keys():
        value = random.standard_normal(shapes[name], dtype=np.float32)
        model.graph.initializer.append(numpy_helper.from_array(value, name))
        if ir_version < 4:
            model.graph.input.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shapes[name]))
    path = folder / "model.onnx"
    onnx.save(model, path, save_as_external_data=is_external, location="weights", size_threshold=0)
    return path


def structure(graph: sg.Graph) -> Any:
    return repr(dataclasses.replace(graph.arrays, work=None, kernel=None, device=None))


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize(("text", "dims"), MODELS)
def test_the_graph_is_the_readers_and_has_work(text: str, dims: dict[str, int], fused: bool, tmp_path: Path) -> None:
    """Names, order and facts are those of `read`; every node has a work that an instance takes."""
    path = save(tmp_path, text)
    graph = sg.profile(path, dims=dims, fused=fused, **QUICK)
    assert (graph.arrays.kernel is not None) == fused
    assert structure(graph) == structure(sg.read(path, dims=dims))
    assert graph.arrays.work is not None
    assert (graph.arrays.work >= 0).all()
    assert sg.Instance(graph, num_blocks=2).device.bandwidth > 0


def test_the_heavy_node_is_the_most_expensive(tmp_path: Path) -> None:
    work = sg.profile(save(tmp_path, MLP), runs=5).arrays.work
    assert work is not None
    assert work.argmax() == 0
    assert work[0] > 2 * work[1:].sum()


@pytest.mark.parametrize(("ir_version", "is_external"), [(3, False), (9, True)])
def test_weights_may_be_inputs_or_beside_the_model(ir_version: int, is_external: bool, tmp_path: Path) -> None:
    """Old files list what they store among their inputs; big ones keep it in files of its own."""
    graph = sg.profile(save(tmp_path, MLP, ir_version=ir_version, is_external=is_external), **QUICK)
    assert graph.arrays.op == ("MatMul", "Relu", "MatMul", "Softmax")


def test_nothing_but_the_graph_runs(tmp_path: Path) -> None:
    """Constants are computed before, and bodies are part of their node."""
    for text, dims in ((MLP, {}), (LOOP, {}), (FOLDED, {"N": 3}), (MADE, {"N": 2})):
        _, timing = measure(save(tmp_path, text), dims=dims, fused=False, **QUICK)
        assert (timing.replaced, timing.replaced_seconds, timing.other_seconds) == ([], 0, {})


def test_what_runs_in_place_of_nodes_is_shared_out_among_them(tmp_path: Path) -> None:
    graph, timing = measure(save(tmp_path, MISH), fused=False, **QUICK)
    assert graph.arrays.work is not None
    assert list(timing.replaced) == [0, 2]
    assert graph.arrays.work[[0, 2]].sum() == pytest.approx(timing.replaced_seconds)
    assert any(note.startswith("2 nodes never ran as such (2 Mish): the ") for note in notes(graph, timing))


def test_what_is_no_nodes_work_is_told(tmp_path: Path) -> None:
    graph, timing = measure(save(tmp_path, HALF), fused=False, **QUICK)
    assert timing.other_seconds.keys() == {"casts"}
    text = "ran in conversions to another float that onnxruntime put in: no node's work"
    assert any(text in note for note in notes(graph, timing))
    _, timing = measure(save(tmp_path, LISTED), fused=False, **QUICK)
    assert timing.other_seconds.keys() == {"constants"}


def _event(name: str, begin: int, length: int, category: str = "Node") -> dict[str, Any]:
    return {"cat": category, "name": name, "ts": begin, "dur": length, "args": {}}


PROFILE = [
    _event("session_initialization", 0, 90, "Session"),
    # The first run: a node, one in a body, the node around it, and operators in place of another.
    _event("0_kernel_time", 101, 10),
    _event("Add_0_kernel_time", 122, 5),
    _event("Mul_1_kernel_time", 140, 11),
    _event("1_kernel_time", 120, 30),
    _event("InsertedPrecisionFreeCast_x_kernel_time", 160, 3),
    _event("Exp_7_kernel_time", 170, 8),
    _event("constant_kernel_time", 180, 2),
    _event("model_run", 100, 100, "Session"),
    # The second, in which a node runs twice.
    _event("0_kernel_time", 301, 10),
    _event("0_kernel_time", 320, 20),
    _event("1_kernel_time", 350, 40),
    _event("model_run", 300, 100, "Session"),
    # The third has no end.
    _event("0_kernel_time", 500, 1),
]


def test_events_belong_to_nodes_by_number_and_to_runs_by_time() -> None:
    """A part may seem to end a microsecond after the whole, since both are cut to microseconds."""
    first, second = runs(reversed(PROFILE))
    assert first.nodes == pytest.approx({0: 10e-6, 1: 30e-6})
    assert first.others == pytest.approx({"casts": 3e-6, "operators": 8e-6, "constants": 2e-6})
    assert second.nodes == pytest.approx({0: 30e-6, 1: 40e-6})
    assert not second.others
    assert runs([]) == []


def _arrays(moved: list[int]) -> GraphArrays:
    none = np.zeros(0, dtype=np.int32)
    num_bytes = np.array(moved, dtype=np.int64)
    offsets = np.zeros(1, dtype=np.int64)
    return GraphArrays(
        name="g",
        op=["Exp"] * len(moved),
        producer=none,
        size=offsets[:0],
        consumers=none,
        consumer_offsets=offsets,
        read_bytes=num_bytes,
        write_bytes=num_bytes,
    )


@pytest.mark.parametrize(("moved", "shares"), [([9, 9, 30, 10], [6e-6, 2e-6]), ([9, 9, 0, 0], [4e-6, 4e-6])])
def test_nodes_that_never_ran_share_by_the_bytes_they_move(moved: list[int], shares: list[float]) -> None:
    """Nodes that move nothing share equally."""
    timing = summed(_arrays(moved), runs(PROFILE)[:1])
    assert timing.arrays.work == pytest.approx([10e-6, 30e-6, *shares])
    assert list(timing.replaced) == [2, 3]
    assert timing.replaced_seconds == pytest.approx(8e-6)
    assert timing.other_seconds == pytest.approx({"casts": 3e-6, "constants": 2e-6})


def test_a_node_has_its_median() -> None:
    """Where all nodes ran, what else ran belongs to no node."""
    timing = summed(_arrays([1, 1]), runs(PROFILE))
    assert timing.arrays.work == pytest.approx([20e-6, 35e-6])
    assert timing.other_seconds["operators"] == pytest.approx(4e-6)


def test_on_a_busy_machine_nodes_add_up_to_the_processors_time() -> None:
    """A node of a turn or less keeps its time where a longer one can shrink; a quiet machine changes nothing."""
    counted = [Run(nodes=defaultdict(float, {0: 1e-3, 1: 12e-3})), Run(nodes=defaultdict(float, {0: 1e-3, 1: 10e-3}))]
    kernels = Kernels(of_node=[0, 1], of_run={}, idle=[])
    for wall, cpu, expected in (
        (6.1e-3, 6e-3, [1e-3, 10.5e-3]),
        (20e-3, 6e-3, [1e-3, 5e-3]),
        (20e-3, 1.5e-3, [1.5e-3 / 11, 15e-3 / 11]),
        (30e-3, 22e-3, [2e-3, 20e-3]),
    ):
        timing = summed(_arrays([1, 1]), counted, kernels, clocks=Clocks(wall, cpu))
        assert timing.arrays.work == pytest.approx(expected)


def test_ctrl_c_gives_what_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the first run that counts there is nothing to give. On a busy machine the optimized model runs earlier."""
    monkeypatch.setattr(Clocks, "is_parted", False)
    path = save(tmp_path, NAMES)
    for phase, over, num_runs in (("kernels", 3, 2), ("whole model", 1, 4), ("whole model, optimized", 0, 4)):
        graph, timing = measure(path, runs=4, warmup=1, on_run=_stopping(phase, over))
        assert (timing.num_runs, timing.is_interrupted, timing.optimized_latency) == (num_runs, True, None)
        assert (timing.latency is None) == (phase != "whole model, optimized")
        assert next(notes(graph, timing)) == f"interrupted: what is given rests on {num_runs} runs"
        assert "optimized    not measured" in profile_to_text(graph, timing)
    with pytest.raises(KeyboardInterrupt):
        measure(path, runs=4, warmup=1, on_run=_stopping("kernels", 1))


def _stopping(phase: str, over: int) -> Any:
    def on_run(what: str, index: int, _total: int) -> None:
        if (what, index) == (phase, over):
            raise KeyboardInterrupt

    return on_run


def _info(type_: int, shape: list[int | str] | None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info("x", type_, shape)


TYPES = ["FLOAT", "DOUBLE", "FLOAT16", "BFLOAT16", "FLOAT8E5M2", "BOOL", "UINT8", "INT32", "INT64", "STRING"]


DTYPES = {"FLOAT": "float32", "DOUBLE": "float64", "FLOAT8E5M2": "float8_e5m2", "STRING": "object"}


@pytest.mark.parametrize("name", TYPES)
def test_sample_inputs_are_of_the_type_and_shape_asked_for(name: str) -> None:
    """The same seed gives the same values, and integers are indices into anything."""
    info = _info(TensorProto.DataType.Value(name), ["N", 3])
    value = sample_inputs([info], seed=1, dims={"N": 50})["x"]
    assert (value.shape, value.dtype.name) == (
        (50, 3),
        DTYPES.get(name, name.lower()),
    )
    assert (value == sample_inputs([info], seed=1, dims={"N": 50})["x"]).all()
    assert (value != sample_inputs([info], seed=2, dims={"N": 50})["x"]).any()
    if "FLOAT" not in name and name != "DOUBLE":
        assert set(value.ravel().tolist()) == ({"0", "1"} if name == "STRING" else {0, 1})


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("FLOAT", np.ones((2, 3)), np.ones((2, 3), np.float32)),
        ("FLOAT", 5, np.full((2, 3), 5, np.float32)),
        ("FLOAT", "[1, 2.5, 3]", np.array([[1, 2.5, 3]] * 2, np.float32)),
        ("FLOAT16", [[1], [2]], np.array([[1] * 3, [2] * 3], np.float16)),
        ("INT64", "7", np.full((2, 3), 7)),
        ("BOOL", "true", np.full((2, 3), True)),  # noqa: FBT003 - an element
        ("UINT8", np.full((2, 3), 255), np.full((2, 3), 255, np.uint8)),
        ("STRING", "7", np.full((2, 3), "7", object)),
        ("STRING", '["a", "b", "c"]', np.array([["a", "b", "c"]] * 2, object)),
        ("STRING", np.full((2, 3), "x"), np.full((2, 3), "x", object)),
        ("COMPLEX64", 1j, np.full((2, 3), 1j, np.complex64)),
    ],
)
def test_an_input_that_is_given_has_the_type_and_shape_asked_for(name: str, given: Any, expected: Any) -> None:
    """Numbers are widened and repeated; what is text is a number where one is asked for."""
    value = sample_inputs([_info(TensorProto.DataType.Value(name), [2, 3])], {"x": given})["x"]
    assert (value.dtype, value.shape) == (expected.dtype, (2, 3))
    np.testing.assert_array_equal(value, expected)


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("FLOAT", np.ones((3, 2)), "2x3 float is asked for"),
        ("FLOAT", "many", "'many' is no number or list of numbers"),
        ("FLOAT", [[1, 2], [3]], "2x3 float is asked for"),
        ("FLOAT", {"a": 1}, "values of type object"),
        ("INT64", 0.5, "values of type float64"),
        ("UINT8", 256, "values beyond uint8"),
        ("STRING", 5, "values of type int64"),
        ("INT4", 5, "input 'x' is a int4: its value cannot be given"),
    ],
)
def test_an_input_that_does_not_fit_is_refused(name: str, given: Any, message: str) -> None:
    with pytest.raises(sg.InputError, match=message) as caught:
        sample_inputs([_info(TensorProto.DataType.Value(name), [2, 3])], {"x": given})
    assert str(caught.value).startswith("input 'x'")
    assert "\n" not in str(caught.value)


def test_a_value_for_what_is_no_input_is_refused(tmp_path: Path) -> None:
    """Also where the input has no reader."""
    path = save(tmp_path, "g (float[4] x, float[4] z) => (float[4] y) { y = Relu(x) }")
    with pytest.raises(sg.InputError, match=r"a value is given for 'y', which is no input: the model has 'x', 'z'$"):
        sg.profile(path, runs=1, warmup=0, inputs={"y": 1})
    assert sg.profile(path, runs=1, warmup=0, inputs={"z": 1, "x": [1, 2, 3, 4]}).num_nodes == 1


def test_a_model_of_strings_is_measured(tmp_path: Path) -> None:
    path = save(tmp_path, "g (string[2] x) => (float[2] y) { y = Cast<to = 1>(x) }")
    assert sg.profile(path, runs=1, warmup=0).num_nodes == 1
    with pytest.raises(sg.InputError, match="onnxruntime cannot run it"):
        sg.profile(path, runs=1, warmup=0, inputs={"x": "word"})


def test_a_scalar_input_is_an_array() -> None:
    assert sample_inputs([_info(TensorProto.FLOAT, [])])["x"].shape == ()


@pytest.mark.parametrize(
    ("info", "message"),
    [
        (_info(TensorProto.COMPLEX64, [1]), "input 'x' is a complex64: there are no random ones"),
        (_info(TensorProto.INT4, [1]), "input 'x' is a int4: there are no random ones"),
        (_info(TensorProto.FLOAT, ["N"]), "input 'x' has no known shape"),
        (helper.make_tensor_sequence_value_info("x", 1, [1]), "input 'x' is a sequence: there are no random ones"),
    ],
)
def test_inputs_that_cannot_be_made_up_are_refused(info: onnx.ValueInfoProto, message: str) -> None:
    with pytest.raises(sg.InputError, match=message):
        sample_inputs([info])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"runs": 0}, "runs = 0, but it is a whole number from 1 to 1000000"),
        ({"warmup": -1}, "warmup = -1, but it is a whole number from 0 to 1000000"),
        ({"threads": 0}, "threads = 0, but it is a whole number from 1 to 65536"),
        ({"seed": -1}, "seed = -1, but it is a whole number from 0 to 2^64 - 1"),
        ({"dims": {"M": 1}}, "model.onnx: the model has no dimension named 'M'"),
        ({}, "model.onnx: the sizes of 3 tensors are unknown: 'x', 'w', 'y'; give --dim N=VALUE"),
    ],
)
def test_wrong_options_are_one_line(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = save(tmp_path, MADE.replace("w = ConstantOfShape(dims)", "w = Identity(x)").replace("MatMul", "Add"))
    with pytest.raises(sg.InputError) as caught:
        sg.profile(path, **options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_model_that_onnxruntime_refuses_is_one_line(tmp_path: Path) -> None:
    path = save(tmp_path, "g (float[4] x) => (float[4] y) { y = Relu(x) }")
    model = onnx.load(path)
    model.graph.node[0].domain = "nowhere"
    model.opset_import.add(domain="nowhere", version=1)
    onnx.save(model, path)
    with pytest.raises(sg.InputError, match=r"model\.onnx: onnxruntime cannot run it: .*nowhere") as caught:
        sg.profile(path)
    assert "\n" not in str(caught.value)


def test_the_version_is_onnxruntimes(tmp_path: Path) -> None:
    assert measure(save(tmp_path, NAMES), **QUICK)[1].version == onnxruntime.__version__
