"""Reading whole models: real networks, functions, and damaged files."""

from __future__ import annotations

import doctest
import tempfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from onnx import parser

import slicegraph.formats.onnx
from slicegraph.errors import InputError
from slicegraph.formats.onnx import read
from strategies import MANY

LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"
# Nodes, flops and parameters: the published architecture at 1x3x224x224, parameters as published
# (batch-norm statistics included), and flops that an independent count of the same files confirms.
NETWORKS = {
    "light_bvlc_alexnet": (24, 1_317_231_728, 60_965_224, 2),
    "light_densenet121": (668, 5_749_220_584, 7_978_856 + 2 * 83_648, 0),
    "light_inception_v1": (143, 2_890_612_992, 6_998_552, 2),
    "light_inception_v2": (371, 4_068_487_952, None, None),
    "light_resnet50": (176, 8_217_637_232, 25_557_032 + 2 * 26_560, 2),
    "light_shufflenet": (203, 260_960_992, None, None),
    "light_squeezenet": (66, 706_628_160, 1_235_496, 0),
    "light_vgg19": (46, 39_299_972_976, 143_667_240, 2),
    "light_zfnet512": (22, 2_986_346_192, None, None),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_known_networks_have_their_known_totals(name: str) -> None:
    """Their weights are made by ConstantOfShape, so all but the network itself must fold away."""
    nodes, flops, parameters, int64s = NETWORKS[name]
    graph = read(LIGHT / f"{name}.onnx")
    assert len(graph.op) == nodes
    assert "ConstantOfShape" not in graph.op
    assert graph.flops is not None
    assert graph.flops.sum() == flops
    assert graph.param_bytes is not None
    if parameters is not None and int64s is not None:
        assert abs(graph.param_bytes.sum() - 4 * parameters) <= 16 * int64s
    assert graph.producer.tolist().count(-1) == 1
    assert graph.is_output is not None
    assert graph.is_output.sum() == 1
    assert graph.size[np.flatnonzero(graph.is_output)].tolist() == [4000]
    assert len(graph.consumers) == graph.consumer_offsets[-1]


def test_the_documented_example_runs() -> None:
    """What the documentation shows is what happens."""
    assert doctest.testmod(slicegraph.formats.onnx) == (0, 5)


FUNCTIONS = """<ir_version: 9, opset_import: ["": 17, "local": 1]>
    g (float[2,4] x) => (y) { a = local.Twice(x) y = local.Scaled<factor=3.0>(a) }
    <domain: "local", opset_import: ["": 17, "local": 1]> Twice (v) => (w) { u = local.Once(v) w = local.Once(u) }
    <domain: "local", opset_import: ["": 17]> Once (v) => (w) { w = Relu(v) }
    <domain: "local", opset_import: ["": 17]> Scaled <factor> (v) => (w)
        { c = Constant<value_float: float = @factor>() w = Mul(v, c) }"""


def _read(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "model.onnx"
    path.write_bytes(parser.parse_model(text).SerializeToString())
    return list(read(path).op)


def test_local_functions_are_inlined(tmp_path: Path) -> None:
    """Functions of functions, and functions with attributes: what runs is what their bodies hold."""
    assert _read(tmp_path, FUNCTIONS) == ["Relu", "Relu", "Mul"]


def test_a_function_of_another_operator_set_is_converted(tmp_path: Path) -> None:
    """Its body is brought to the model's own version, which moved the axes to the inputs."""
    text = """<ir_version: 9, opset_import: ["": 17, "local": 1]> g (float[1,4] x) => (y) { y = local.Thin(x) }
        <domain: "local", opset_import: ["": 11]> Thin (v) => (w) { w = Squeeze<axes=[0]>(v) }"""
    assert _read(tmp_path, text) == ["Squeeze"]


def test_a_function_that_cannot_be_converted_stays_a_node(tmp_path: Path) -> None:
    """Functions within functions are beyond ONNX's converter; their shapes are inferred all the same."""
    text = FUNCTIONS.replace("17]> Once", "13]> Once")
    assert _read(tmp_path, text) == ["local.Once", "local.Once", "Mul"]


def test_a_function_that_calls_itself_is_refused(tmp_path: Path) -> None:
    """In one line."""
    text = """<ir_version: 9, opset_import: ["": 17, "local": 1]> g (float[2] x) => (y) { y = local.Again(x) }
        <domain: "local", opset_import: ["": 17, "local": 1]> Again (v) => (w) { w = local.Again(v) }"""
    with pytest.raises(InputError, match=r"its local functions cannot be inlined: .*[Cc]ycle"):
        _read(tmp_path, text)


SEEDS = [
    parser.parse_model(f'<ir_version: 9, opset_import: ["": 17]> {text}').SerializeToString()
    for text in (
        """g (float[2,3,8] x) => (float[2,24] y) <float[3,3,1] w = {1,1,1,1,1,1,1,1,1}>
            { c = Conv(x, w) s = Shape<end=1>(c) m = Constant<value_ints=[-1]>() t = Concat<axis=0>(s, m)
              r = Reshape(c, t) y = Softmax(r) }""",
        """g (bool c, float[2,8] x) => (float[2,8] y) <float[8] w = {1,2,3,4,5,6,7,8}>
            { y = If(c)<then_branch = a () => (float[2,8] u) { u = Add(x, w) },
                        else_branch = b () => (float[2,8] v) { v = Relu(x) }> }""",
        """g (float[2,2] x) => (y, all) { n = Constant<value=int64 {5}>()
              y, all = Loop(n, "", x)<body = b (int64 i, bool c, float[2,2] h) => (bool k, float[2,2] t, float[2,2] o)
                { k = Identity(c) t = Tanh(h) o = MatMul(h, x) }> }""",
        """g (uint8[4,8] x, int64[2] i) => (q, p)
            <float s = {0.5}, uint8 z = {3}, int8[8,2] w = {1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16}>
            { f = DequantizeLinear(x, s, z) g1 = Gather(f, i) d = DequantizeLinear(w, s) m = Gemm(g1, d)
              q = QuantizeLinear(m, s, z) p, r = Split<axis=1>(f) }""",
    )
]
SEEDS.append(parser.parse_model(FUNCTIONS).SerializeToString())


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Take a model's bytes and cut them short, overwrite, insert or remove some."""
    content = bytearray(draw(st.sampled_from(SEEDS)))
    if draw(st.booleans()):
        return bytes(content[: draw(st.integers(0, len(content)))])
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(content)))
        content[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return bytes(content)


@settings(max_examples=MANY)
@given(content=damaged())
@example(content=b"")
@example(content=SEEDS[0])
def test_a_damaged_model_is_read_or_refused_in_one_line(content: bytes) -> None:
    """Whatever happened to a file: arrays that fit together, or an InputError of one printable line."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(content)
        graph, message = None, ""
        try:
            graph = read(path)
        except InputError as error:
            message = str(error)
    if graph is None:
        assert message.startswith(f"{path}: ")
        assert message.isprintable()
        return
    num_nodes, num_tensors = len(graph.op), len(graph.size)
    assert num_nodes > 0
    assert len(graph.producer) == num_tensors
    assert len(graph.consumer_offsets) == num_tensors + 1
    assert graph.producer.min() >= -1
    assert graph.producer.max() < num_nodes
    assert (graph.size >= 0).all()
    for tensor, producer in enumerate(graph.producer.tolist()):
        readers = graph.consumers[graph.consumer_offsets[tensor] : graph.consumer_offsets[tensor + 1]]
        assert (np.diff(readers) > 0).all()
        assert (readers > producer).all()
    for facts in (graph.flops, graph.read_bytes, graph.write_bytes, graph.param_bytes):
        assert facts is not None
        assert len(facts) == num_nodes
        assert (facts >= 0).all()
