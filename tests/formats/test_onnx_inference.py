"""Shapes of nodes: compared with what ONNX's own reference computes, and safe where ONNX's inference is not."""

from __future__ import annotations

import contextlib
import functools
import warnings
from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, parser
from onnx.backend.test.case.node import collect_testcases
from onnx.backend.test.case.test_case import TestCase
from onnx.reference import ReferenceEvaluator

from node_models import Row, compared
from slicegraph.errors import InputError
from slicegraph.formats.onnx import read

# What a type of less than a byte takes when stored, of what numpy takes.
PACKED = {
    TensorProto.INT4: 2,
    TensorProto.UINT4: 2,
    TensorProto.FLOAT4E2M1: 2,
    TensorProto.INT2: 4,
    TensorProto.UINT2: 4,
}
# Inference gives STFT all bins of a one-sided transform; without a recorded shape there is nothing to correct it.
WRONG_IN_ONNX = {"STFT"}


@functools.cache
def _cases() -> list[TestCase]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # from making the cases, not from reading them
        return collect_testcases(None)


def test_counts_agree_with_definitions(tmp_path: Path) -> None:
    """Operations and bytes of every operator are at most 10 % off those of its definition, or it is a guess."""
    rows: list[Row] = []
    for case in _cases():
        if case.name.endswith("_expanded") or case.model is None or len(case.model.graph.node) > 1:
            continue
        with contextlib.suppress(InputError):
            rows += compared(case, tmp_path / "model.onnx")
    assert [row for row in rows if row.is_off] == []
    assert len({row.op for row in rows}) > 180


def test_sizes_agree_with_onnx_conformance_data(tmp_path: Path) -> None:
    """Every operator's conformance cases: a tensor that is given a size has that of the data, or is called unknown."""
    path = tmp_path / "model.onnx"
    refused: dict[str, str] = {}
    num_read, wrong = 0, []
    for case in _cases():
        model = ModelProto()
        model.CopyFrom(case.model or model)
        if case.data_sets is None or model.graph.node[0].op_type in WRONG_IN_ONNX:
            continue
        for value in model.graph.output:  # what inference is to find out
            if value.type.HasField("tensor_type"):
                value.type.tensor_type.ClearField("shape")
        path.write_bytes(model.SerializeToString())
        try:
            graph = read(path)
        except InputError as error:
            refused[case.name] = str(error)
            continue
        num_read += 1
        types = {value.name: value.type.tensor_type.elem_type for value in model.graph.output}
        data = dict(zip(types, case.data_sets[0][1], strict=True))
        assert graph.tensor_name is not None
        for name, size in zip(graph.tensor_name, graph.size.tolist(), strict=True):
            array = data.get(name)
            if isinstance(array, np.ndarray) and array.dtype != object:
                expected = -(-array.nbytes // PACKED.get(types[name], 1))
                wrong += [(case.name, name, size, expected)] if size != expected else []
    assert wrong == []
    assert num_read > 1400
    assert all("unknown" in message or "nothing is left" in message for message in refused.values())


NETWORK = """<ir_version: 9, opset_import: ["": 17]> g (float[n,3,h,w] x) => (y)
    <int64[1] ax = {0}, int64 i0 = {0}, int64 i1 = {1}, int64 i2 = {2}, int64[1] all = {-1}, int64[2] last = {2,3},
     float[4] twice = {1,1,2,2}, int64[1] from = {1}, int64[1] to = {9}, int64[1] step = {2}, int64[1] three = {3}>
    { shape8 = Constant<value_ints=[8,3,3,3]>() k1 = ConstantOfShape<value=float[1] {0.1}>(shape8)
      c1 = Conv<pads=[1,1,1,1], strides=[2,2]>(x, k1) r1 = Relu(c1)
      p1 = MaxPool<kernel_shape=[3,3], strides=[2,2], ceil_mode=1>(r1)
      shape24 = Constant<value_ints=[8,4,2,2]>() k2 = ConstantOfShape(shape24)
      d1 = ConvTranspose<strides=[2,2]>(p1, k2) e1 = Resize<mode="nearest">(d1, "", twice)
      s1 = Slice(e1, from, to, three, step) a, b = Split<axis=1>(s1) m1 = Mul(a, b)
      shape = Shape(m1) n0 = Gather(shape, i0) n1 = Gather(shape, i1) n2 = Gather(shape, i2)
      u0 = Unsqueeze(n0, ax) f = Mul(n1, n2) u1 = Unsqueeze(f, ax) s = Concat<axis=0>(u0, u1, all)
      flat = Reshape(m1, s) t = Transpose<perm=[0,2,1]>(flat) mm = MatMul(flat, t) sm = Softmax(mm)
      g1 = ReduceMean<axes=[1], keepdims=0>(sm) top, at = TopK(g1, three) oh = Cast<to=10>(at)
      pd = Pad(top, pads) y = Concat<axis=1>(top, pd) }""".replace(
    "int64[1] three = {3}>", "int64[1] three = {3}, int64[4] pads = {0,1,0,2}>"
)


@pytest.mark.parametrize(("n", "h", "w"), [(1, 32, 32), (2, 37, 50)])
def test_sizes_agree_with_a_run_of_the_network(n: int, h: int, w: int, tmp_path: Path) -> None:
    """Each tensor of a small network is as big as the reference, running the same file, makes it."""
    path = tmp_path / "model.onnx"
    model = parser.parse_model(NETWORK)
    path.write_bytes(model.SerializeToString())
    graph = read(path, dims={"n": n, "h": h, "w": w})
    assert "Shape" not in graph.op
    assert graph.tensor_name is not None
    made = [name for name, producer in zip(graph.tensor_name, graph.producer, strict=True) if producer >= 0]
    del model.graph.output[:]
    model.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in made)
    arrays = ReferenceEvaluator(model).run(None, {"x": np.zeros((n, 3, h, w), np.float32)})
    expected = {name: np.asarray(array).nbytes for name, array in zip(made, arrays, strict=True)}
    found = dict(zip(graph.tensor_name, graph.size.tolist(), strict=True))
    assert found == {"x": n * 3 * h * w * 4, **expected}


HOSTILE = {
    'Einsum<equation="ij,jk=-> ik">(x, x)': "its equation is malformed",
    'Einsum<equation="]>">(x)': "its equation is malformed",
    "LayerNormalization<axis=2147483648>(x, x)": "axis = 2147483648 is out of range",
    "Relu<alpha=1.0>(x)": "Unrecognized attribute: alpha",
    "Relu(x, x)": "has input size 2 not in range",
    "And(x, x)": "",
    "NoSuchThing(x)": "No Op registered for NoSuchThing",
    "com.acme.Gone(x)": "No opset import for domain",
}


@pytest.mark.parametrize("node", HOSTILE)
def test_a_node_that_breaks_the_rules_is_explained(node: str, tmp_path: Path) -> None:
    """Also where ONNX's inference would hang or crash on it; no traceback, no signal."""
    text = f'<ir_version: 9, opset_import: ["": 17]> g (float[2,3] x) => (y) {{ y = {node} }}'
    path = tmp_path / "model.onnx"
    path.write_bytes(parser.parse_model(text).SerializeToString())
    with pytest.raises(InputError, match=r"(first is|model\.onnx:) node 'y' \(") as error:
        read(path)
    assert HOSTILE[node] in str(error.value)


def test_more_pieces_than_a_split_has_are_explained(tmp_path: Path) -> None:
    """ONNX's inference would abort the process."""
    text = """<ir_version: 9, opset_import: ["": 18]> g (float[6] x) => (a) { a, b, c = Split<num_outputs=2>(x) }"""
    path = tmp_path / "model.onnx"
    path.write_bytes(parser.parse_model(text).SerializeToString())
    with pytest.raises(InputError, match="it has 3 outputs, not num_outputs = 2"):
        read(path)


def test_a_value_of_no_type_does_not_crash_what_reads_it(tmp_path: Path) -> None:
    """ONNX's inference of tree ensembles, among others, takes a type for granted."""
    text = """<ir_version: 9, opset_import: ["": 17, "ai.onnx.ml": 5]> g (float[2] x) => (y) {
        y = ai.onnx.ml.TreeEnsemble<leaf_targetids=[0], leaf_weights=float[1] {1}, nodes_falseleafs=[1],
            nodes_falsenodeids=[0], nodes_featureids=[0], nodes_modes=uint8[1] {0}, nodes_splits=float[1] {1},
            nodes_trueleafs=[1], nodes_truenodeids=[0], tree_roots=[0]>(x) }"""
    model = parser.parse_model(text)
    model.graph.input[0].ClearField("type")
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match="the sizes of 2 tensors are unknown: 'x', 'y'"):
        read(path)


@pytest.mark.parametrize(
    "node", ["GroupNormalization<num_groups=2>(x, w, w)", "MeanVarianceNormalization<axes=[0,2]>(x)"]
)
def test_what_onnx_does_not_infer_is_filled_in(node: str, tmp_path: Path) -> None:
    """Two normalisations keep their input's shape, which ONNX does not say."""
    text = f"""<ir_version: 9, opset_import: ["": 21]> g (float[2,4,6] x) => (y) <float[4] w = {{1,1,1,1}}>
        {{ a = {node} y = Relu(a) }}"""
    path = tmp_path / "model.onnx"
    path.write_bytes(parser.parse_model(text).SerializeToString())
    assert read(path).size.tolist() == [192, 192, 192]
