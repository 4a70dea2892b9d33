"""What is a parameter and what is a node."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import GraphProto, ModelProto, TensorProto, numpy_helper, parser

from slicegraph.errors import InputError
from slicegraph.formats.arrays import GraphArrays
from slicegraph.formats.onnx import read
from slicegraph.formats.onnx.constants import initializers


def _read(tmp_path: Path, text: str, opset: int = 17, **dims: int) -> GraphArrays:
    path = tmp_path / "model.onnx"
    path.write_bytes(parser.parse_model(f'<ir_version: 9, opset_import: ["": {opset}]> {text}').SerializeToString())
    return read(path, dims=dims)


def test_what_is_computed_only_from_constants_is_no_node(tmp_path: Path) -> None:
    """Constant nodes and all that follows from them fold away; what they are computed from is a parameter."""
    text = """g (float[2,3] x) => (float[2,3] y) <float[3] w = {1,2,3}>
        { one = Constant<value_float=1.0>() a = Add(w, one) b = Exp(a) y = Mul(x, b) }"""
    graph = _read(tmp_path, text)
    assert graph.op == ["Mul"]
    assert graph.tensor_name == ["x", "y"]
    assert graph.param_bytes is not None
    assert graph.param_bytes.tolist() == [12 + 4]


def test_a_constant_too_big_to_compute_is_still_a_constant(tmp_path: Path) -> None:
    """A made-up weight of 4 MB is never made: its shape is enough."""
    text = """g (float[2,1000] x) => (float[2,1000] y)
        { s = Constant<value_ints=[1000,1000]>() w = ConstantOfShape(s) y = MatMul(x, w) }"""
    graph = _read(tmp_path, text)
    assert graph.op == ["MatMul"]
    assert graph.param_bytes is not None
    assert graph.param_bytes.tolist() == [4_000_000]


CONSTANTS = {
    "value_int=2": 8,
    "value_ints=[2,3]": 16,
    "value_float=2.0": 4,
    "value_floats=[2.0,3.0,4.0]": 12,
    "value=double[2,2] {1,2,3,4}": 32,
    'value_string="a"': 8,
    'value_strings=["a","b"]': 16,
}


@pytest.mark.parametrize("form", CONSTANTS)
def test_every_form_of_constant_is_read(form: str, tmp_path: Path) -> None:
    """Each of a Constant's attributes gives type and shape."""
    graph = _read(tmp_path, f"g (bool b) => (y) {{ c = Constant<{form}>() y = Where(b, c, c) }}")
    assert graph.param_bytes is not None
    assert graph.param_bytes.tolist() == [CONSTANTS[form]]


def test_a_constant_without_a_value_is_refused(tmp_path: Path) -> None:
    """It says which node."""
    with pytest.raises(InputError, match=r"node 'c' \(Constant\) has no value$"):
        _read(tmp_path, "g (float[1] x) => (y) { c = Constant() y = Add(x, c) }")


def test_sparse_constants_count_what_they_store(tmp_path: Path) -> None:
    """Two values and their two indices are stored, of a matrix of 100 elements."""
    model = parser.parse_model(
        '<ir_version: 9, opset_import: ["": 17]> g (float[10,10] x) => (float[10,10] y) { y = Add(x, w) }'
    )
    sparse = model.graph.sparse_initializer.add(dims=[10, 10])
    sparse.values.CopyFrom(numpy_helper.from_array(np.ones(2, np.float32), "w"))
    sparse.indices.CopyFrom(numpy_helper.from_array(np.array([3, 40], np.int64), "w_indices"))
    path = tmp_path / "model.onnx"
    # Add wants dense tensors, so its output is recorded.
    path.write_bytes(model.SerializeToString())
    graph = read(path)
    assert graph.param_bytes is not None
    assert graph.param_bytes.tolist() == [2 * 4 + 2 * 8]
    assert graph.size.tolist() == [400, 400]


def test_a_random_number_is_no_constant(tmp_path: Path) -> None:
    """It is drawn anew in each run, and so is what is computed from it, also inside a body."""
    text = """g (float[4] x) => (float[4] y, float[4] z)
        { r = RandomNormal<shape=[4]>() n = Neg(r) y = Add(x, n)
          t = Constant<value=bool {1}>()
          z = If(t)<then_branch = a () => (float[4] u) { u = RandomUniform<shape=[4]>() },
                    else_branch = b () => (float[4] v) { v = RandomUniform<shape=[4]>() }> }"""
    assert _read(tmp_path, text).op == ["RandomNormal", "Neg", "Add", "If"]


def test_early_models_list_their_initializers_as_inputs(tmp_path: Path) -> None:
    """An input that is also an initializer is a parameter, not a tensor."""
    text = "g (float[3] x, float[3] w) => (float[3] y) <float[3] w = {1,2,3}> { y = Add(x, w) }"
    graph = _read(tmp_path, text)
    assert graph.tensor_name == ["x", "y"]
    assert graph.param_bytes is not None
    assert graph.param_bytes.tolist() == [12]


def test_shape_arithmetic_folds_once_dimensions_are_known(tmp_path: Path) -> None:
    """The chain that exporters write around a Reshape, float division included, disappears with all that feeds it."""
    text = """g (float[n,s,64] x) => (float[a,b,c,d] y)
        <int64 i0 = {0}, int64 i1 = {1}, int64 i2 = {2}, int64[1] ax = {0}, int64[1] heads = {4}, float four = {4}>
        { k = Relu(x) shape = Shape(k) n0 = Gather(shape, i0) s0 = Gather(shape, i1) w0 = Gather(shape, i2)
          wf = Cast<to=1>(w0) hf = Div(wf, four) hi = Floor(hf) h = Cast<to=7>(hi)
          n1 = Unsqueeze(n0, ax) s1 = Unsqueeze(s0, ax) h1 = Unsqueeze(h, ax)
          to = Concat<axis=0>(n1, s1, heads, h1) y = Reshape(k, to) }"""
    graph = _read(tmp_path, text, n=2, s=5)
    assert graph.op == ["Relu", "Reshape"]
    assert graph.size.tolist() == [2 * 5 * 64 * 4] * 3


def test_a_node_that_only_told_its_shape_goes_with_the_shape(tmp_path: Path) -> None:
    """When all readers of a node fold away nothing needs it; a node that never had a reader stays."""
    text = """g (float[2,3] x) => (float[6] y)
        { t = Transpose(x) u = Relu(t) s = Shape(u) k = Size(u) ax = Constant<value_ints=[0]>()
          to = Unsqueeze(k, ax) y = Reshape(x, to) idle = Neg(x) }"""
    assert _read(tmp_path, text).op == ["Reshape", "Neg"]


def test_shape_of_a_part_and_size_fold(tmp_path: Path) -> None:
    """Shape's start and end are obeyed, negative ones too; of what is expanded, one number is stored."""
    text = """g (float[2,3,5] x) => (y)
        { s = Shape<start=-2, end=3>(x) y = Expand(one, s) z = Add(x, y) }""".replace(
        "=> (y)", "=> (y, z) <float[1] one = {1}>"
    )
    graph = _read(tmp_path, text)
    assert graph.op == ["Add"]
    assert graph.param_bytes is not None
    assert graph.param_bytes.tolist() == [4]
    assert graph.size.tolist() == [2 * 3 * 5 * 4] * 2


def test_the_length_of_a_constant_nonzero_is_computed(tmp_path: Path) -> None:
    """Early exporters write a range as the non-zero places of ones: only its elements tell its length."""
    text = """g (float[n] x) => (y)
        { s = Shape(x) ones = ConstantOfShape(s) o = Cast<to=9>(ones) no = Not(o) at = NonZero(no)
          ax = Constant<value_ints=[0]>() i = Squeeze(at, ax) f = Cast<to=1>(i) y = Add(x, f) }"""
    graph = _read(tmp_path, text, n=7)
    assert graph.op == ["Add"]
    assert graph.size.tolist() == [28, 28]


def test_a_custom_operator_without_inputs_may_be_a_source(tmp_path: Path) -> None:
    """An operator that ONNX does not know is constant only if it reads constants, and nothing else."""
    text = """<ir_version: 9, opset_import: ["": 17, "com.acme": 1]>
        g (float[2] x) => (float[2] y) <float[2] w = {1,2}, float[2] source, float[2] packed>
        { source = com.acme.Camera() packed = com.acme.Pack(w) a = Add(x, source) y = Add(a, packed) }"""
    path = tmp_path / "model.onnx"
    path.write_bytes(parser.parse_model(text).SerializeToString())
    assert read(path).op == ["com.acme.Camera", "Add", "Add"]


def test_a_model_of_constants_alone_is_refused(tmp_path: Path) -> None:
    """Nothing is left to partition, and the message says so."""
    with pytest.raises(InputError, match=r"model\.onnx: nothing is left to run: every node of the model is constant$"):
        _read(tmp_path, "g (float[2] x) => (int64[1] y) { y = Shape(x) }")


@st.composite
def _tensors(draw: st.DrawFn) -> TensorProto:
    tensor = TensorProto(name=draw(st.sampled_from("abü")), data_type=draw(st.integers(0, 30)))
    tensor.dims.extend(draw(st.lists(st.sampled_from([0, 1, 3, 1 << 20, (1 << 63) - 1, -1]), max_size=3)))
    if draw(st.booleans()):
        tensor.data_location = draw(st.sampled_from([TensorProto.DEFAULT, TensorProto.EXTERNAL]))
    for key in draw(st.lists(st.sampled_from(["location", "offset", "length", "checksum"]), max_size=5)):
        tensor.external_data.add(key=key, value=draw(st.sampled_from("01")))
    return tensor


def _initializers(graph: GraphProto, encoded: bytes | None) -> object:
    numbers: dict[object, int] = {}
    try:
        return [
            (
                *(name, value.type, value.nbytes, value.elements is None, value.elements and value.elements.tensor),
                *((numbers.setdefault(part, len(numbers)), part.nbytes, part.is_list) for part in value.stores),
            )
            for name, value in initializers(graph, encoded)
        ]
    except InputError as error:
        return str(error)


@settings(max_examples=200)
@given(tensors=st.lists(_tensors(), max_size=4))
def test_stored_tensors_are_the_same_out_of_the_encoding(tensors: list[TensorProto]) -> None:
    """Their types, where their elements are, and which are one part of another file; or the same complaint."""
    model = ModelProto(graph=GraphProto(initializer=tensors))
    assert _initializers(model.graph, model.SerializeToString()) == _initializers(model.graph, None)
