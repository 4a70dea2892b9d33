"""What an ONNX model stores: each parameter once, as it is packed, at whichever nodes read it."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import ModelProto, TensorProto, helper, parser

from slicegraph.formats.arrays import GraphArrays
from slicegraph.formats.onnx import read
from traced import shared, stored


def _written(model: ModelProto, tmp_path: Path) -> GraphArrays:
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return read(path)


def _read(tmp_path: Path, text: str) -> GraphArrays:
    return _written(parser.parse_model(f'<ir_version: 9, opset_import: ["": 17]> {text}'), tmp_path)


def _own(graph: GraphArrays) -> list[int]:
    assert graph.param_bytes is not None
    return [int(size) for size in graph.param_bytes]


# Each makes of the weight w, 4 x 4 floats, something that two nodes read.
READ_TWICE = {
    "itself": "",
    "its transpose": "t = Transpose(w)",
    "another type": "t = Cast<to=10>(w) u = Cast<to=1>(t)",
    "two transposes": "t = Transpose(w) u = Transpose(w)",
    "itself and its transpose": "u = Transpose(w)",
    "broadcast": "s = Constant<value_ints=[3,4,4]>() t = Expand(w, s)",
    "negated twice": "t = Neg(w) u = Neg(w)",
}


@pytest.mark.parametrize("made", READ_TWICE)
def test_what_two_nodes_make_of_a_parameter_is_stored_once(made: str, tmp_path: Path) -> None:
    first, second = ("t" if "t =" in READ_TWICE[made] else "w"), ("u" if "u =" in READ_TWICE[made] else "")
    text = f"""g (float[4,4] x) => (y) <float[4,4] w = ["location": "absent"]>
        {{ {READ_TWICE[made]} a = MatMul(x, {first}) y = MatMul(a, {second or first}) }}"""
    graph = _read(tmp_path, text.replace("MatMul(x, t)", "MatMul(x, w)") if "Cast" in text else text)
    assert shared(graph) == [(64, [0, 1])]
    assert _own(graph) == [0, 0]


def test_a_quantized_weight_is_stored_as_it_is_quantized(tmp_path: Path) -> None:
    """Once for both of its readers, with its scales; a scale that is one number counts at each."""
    text = """g (float[2,4] x) => (y)
        <int8[4,4] w = ["location": "absent"], float[4] s = ["location": "absent"], float one = {1}>
        { d = DequantizeLinear<axis=1>(w, s) t = Transpose(d) a = MatMul(x, d) b = MatMul(a, t)
          e = DequantizeLinear(w, one) y = MatMul(b, e) }"""
    graph = _read(tmp_path, text)
    assert shared(graph) == [(16, [0, 1, 2]), (16, [0, 1])]
    assert _own(graph) == [0, 0, 4]
    assert graph.read_bytes is not None
    assert graph.read_bytes.tolist() == [32 + 16 + 16, 32 + 16 + 16, 32 + 16 + 4]


def test_pieces_of_a_parameter_are_stored_as_pieces(tmp_path: Path) -> None:
    """Layers that are stacked in one weight are no shared parameter; a piece that is taken twice is."""
    text = """g (float[2,4] x) => (y) <float[3,4,4] w = ["location": "absent"],
        int64 i0 = {0}, int64 i1 = {1}, int64[1] zero = {0}, int64[1] one = {1}>
        { w0 = Gather(w, i0) w1 = Gather(w, i1) again = Gather(w, i1) s = Slice(w, zero, one) r = Squeeze(s, zero)
          a = MatMul(x, w0) b = MatMul(a, w1) c = MatMul(b, again) y = MatMul(c, r) }"""
    graph = _read(tmp_path, text)
    assert _own(graph) == [64, 0, 0, 64]
    assert shared(graph) == [(64, [1, 2])]


def test_the_pieces_of_a_packed_parameter_are_packed(tmp_path: Path) -> None:
    text = """g (float[2,4] x) => (y) <float16[4,8] w = ["location": "absent"]>
        { d = Cast<to=1>(w) l, r = Split<axis=1>(d) a = MatMul(x, l) y = MatMul(a, r) }"""
    assert _own(_read(tmp_path, text)) == [64, 64]


def test_what_is_made_of_nothing_is_stored_as_it_is_made(tmp_path: Path) -> None:
    """A mask that a shape or a number makes is as large as it is, and stored once."""
    text = """g (float[8,8] x) => (y) <float zero = {0}>
        { s = Shape(x) m = ConstantOfShape(s) f = Add(m, zero) a = Add(x, f) y = Add(a, f) }"""
    graph = _read(tmp_path, text)
    assert shared(graph) == [(256, [0, 1])]
    assert _own(graph) == [0, 0]


def test_numbers_and_shapes_count_at_every_reader(tmp_path: Path) -> None:
    """They are no shared parameters: each node has its own."""
    text = """g (float[2,3,4] x) => (y) <float half = {0.5}, int64[3] to = {4, 3, 2}>
        { a = Mul(x, half) b = Reshape(a, to) c = Mul(b, half) d = Exp(c) y = Reshape(d, to) }"""
    graph = _read(tmp_path, text)
    assert shared(graph) == []
    assert _own(graph) == [4, 24, 4, 0, 24]


def test_a_parameter_that_a_body_captures_is_the_one_outside(tmp_path: Path) -> None:
    text = """g (float[4,4] x, bool c) => (y) <float[4,4] w = ["location": "absent"]>
        { a = MatMul(x, w)
          y = If(c)<then_branch = t () => (p) { p = MatMul(a, w) }, else_branch = e () => (q) { q = Abs(a) }> }"""
    graph = _read(tmp_path, text)
    assert shared(graph) == [(64, [0, 1])]


def test_two_initializers_that_are_one_part_of_a_file_are_stored_once(tmp_path: Path) -> None:
    """Exporters write tied weights so; parts of which a file does not say where they end are their own."""
    model = parser.parse_model(
        '<ir_version: 9, opset_import: ["": 17]> g (float[2,4] x) => (y) { a = MatMul(x, v) y = MatMul(a, w) }'
    )
    for name, begin in (("v", 4096), ("w", 4096)):
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[4, 4], data_location=TensorProto.EXTERNAL)
        for key, value in (("location", "weights"), ("offset", begin), ("length", 64)):
            tensor.external_data.add(key=key, value=str(value))
        model.graph.initializer.append(tensor)
    assert shared(_written(model, tmp_path)) == [(64, [0, 1])]
    model.graph.initializer[1].external_data[1].value = "8192"
    assert _own(_written(model, tmp_path)) == [64, 64]


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_the_bytes_of_a_model_are_those_of_its_initializers(data: st.DataObject, tmp_path: Path) -> None:
    """However often each is read, and in whatever form: each once; a stage with some nodes stores what these read."""
    kinds = [(TensorProto.FLOAT, 4), (TensorProto.FLOAT16, 2), (TensorProto.INT8, 1)]
    weights = data.draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=4))
    reads = data.draw(st.lists(st.tuples(st.integers(0, len(weights) - 1), st.integers(0, 2)), min_size=1, max_size=8))
    nodes, initializers, value = [], [], "x"
    for index, (kind, width) in enumerate(weights):
        initializers.append(helper.make_tensor(f"w{index}", kind, [4, 4], bytes(16 * width), raw=True))
    for position, (index, form) in enumerate(reads):
        name = f"w{index}"
        for step in ["Transpose"] * form:
            nodes.append(helper.make_node(step, [name], [f"{name}_{position}"]))
            name = nodes[-1].output[0]
        nodes.append(helper.make_node("Cast", [name], [f"f{position}"], to=TensorProto.FLOAT))
        nodes.append(helper.make_node("MatMul", [value, f"f{position}"], [f"y{position}"]))
        value = nodes[-1].output[0]
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [4, 4]) for name in ("x", value))
    graph = _written(helper.make_model(helper.make_graph(nodes, "g", [x], [y], initializers)), tmp_path)
    size = [16 * width for _, width in weights]
    assert stored(graph) == sum(size[index] for index in {index for index, _ in reads})
    own = np.array(_own(graph))
    for begin, end in itertools.combinations(range(len(reads) + 1), 2):
        held = own[begin:end].sum() + sum(
            size for size, readers in shared(graph) if any(begin <= node < end for node in readers)
        )
        assert held == sum(size[index] for index in {index for index, _ in reads[begin:end]})
