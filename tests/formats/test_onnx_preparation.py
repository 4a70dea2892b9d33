"""Files that are not as ONNX asks, and mean what runtimes take them for: nodes out of order, a domain written out."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import ModelProto, parser

from onnx_models import models
from slicegraph.errors import InputError
from slicegraph.formats.arrays import GraphArrays
from slicegraph.formats.onnx import read
from slicegraph.formats.onnx.preparation import prepared

HEADER = '<ir_version: 9, opset_import: ["": 17, "my": 1]>'


def _read(path: Path, model: str | ModelProto) -> GraphArrays:
    content = parser.parse_model(f"{HEADER} {model}") if isinstance(model, str) else model
    path.write_bytes(content.SerializeToString())
    return read(path)


def _shuffled(model: ModelProto, seed: int) -> ModelProto:
    nodes = list(model.graph.node)
    random.Random(seed).shuffle(nodes)  # noqa: S311 - for a test
    shuffled = ModelProto()
    shuffled.CopyFrom(model)
    del shuffled.graph.node[:]
    shuffled.graph.node.extend(nodes)
    return shuffled


def test_nodes_out_of_order_are_sorted(tmp_path: Path) -> None:
    """Each comes after what it reads, else in the order of the file."""
    graph = _read(
        tmp_path / "m.onnx",
        "g (float[4] x) => (float[4] y, float[4] z) { z = Sin(x) y = Exp(b) b = Neg(a) a = Abs(x) }",
    )
    assert graph.op == ["Sin", "Abs", "Neg", "Exp"]
    assert graph.tensor_name == ["x", "z", "a", "b", "y"]


def test_bodies_and_what_they_capture_count_for_the_order(tmp_path: Path) -> None:
    """A branch reads what is made after its If, and its own nodes are out of order as well."""
    text = """g (float[2] x, bool c) => (float[2] y) { y = If(c)<
        then_branch = t () => (float[2] u) { u = Neg(p) p = Exp(late) },
        else_branch = e () => (float[2] v) { v = Exp(x) }> late = Sin(x) }"""
    graph = _read(tmp_path / "m.onnx", text)
    assert graph.op == ["Sin", "If"]
    assert graph.flops is not None
    assert graph.flops.tolist() == [2, 4]


def test_a_local_function_out_of_order_is_inlined_in_order(tmp_path: Path) -> None:
    """The names that it makes are told apart from those outside."""
    text = """g (float[2] x) => (float[2] y) { y = my.f(r) r = Abs(x) }
        <domain: "my", opset_import: ["": 17]> f (p) => (q) { q = Neg(r) r = Sin(p) }"""
    graph = _read(tmp_path / "m.onnx", text)
    assert graph.op == ["Abs", "Sin", "Neg"]
    assert len(set(graph.tensor_name or ())) == 4


FUNCTIONS = {
    """<domain: "my", opset_import: ["": 13]> f (a) => (b) { b = Exp(a) }
       <domain: "my", opset_import: ["": 17]> h (a) => (b) { b = Relu(a) }""": ("Exp", {"": 17, "my": 1}),
    """<domain: "my", opset_import: ["com.microsoft": 1]> f (a) => (b) { b = com.microsoft.Gelu(a) }
       <domain: "my", opset_import: ["": 17]> h (a) => (b) { b = Relu(a) }""": (
        "com.microsoft.Gelu",
        {"": 17, "com.microsoft": 1, "my": 1},
    ),
}


@pytest.mark.parametrize("functions", FUNCTIONS)
def test_a_local_function_brings_the_operator_sets_that_it_imports(functions: str, tmp_path: Path) -> None:
    """A model may hold calls alone, and need no set of ONNX's own; of two versions the newer one counts."""
    first, imports = FUNCTIONS[functions]
    model = parser.parse_model(
        f"""<ir_version: 9, opset_import: ["my": 1]>
        g (float[2,3] x) => (float[2,3] y) <float[2,3] a> {{ a = my.f(x) y = my.h(a) }} {functions}"""
    )
    assert _read(tmp_path / "model.onnx", model).op == [first, "Relu"]
    assert {each.domain: each.version for each in prepared(model).model.opset_import} == imports


def test_the_operator_set_of_a_function_is_not_that_of_the_model(tmp_path: Path) -> None:
    """A node of the model's own is refused without one."""
    model = parser.parse_model(
        """<ir_version: 9, opset_import: ["my": 1]> g (float[2,3] x) => (float[2,3] y) { a = my.f(x) y = Relu(a) }
        <domain: "my", opset_import: ["": 17]> f (a) => (b) { b = Exp(a) }"""
    )
    with pytest.raises(InputError, match=r"the model imports no operator set of ONNX, only 'my'$"):
        _read(tmp_path / "model.onnx", model)


@pytest.mark.parametrize(
    ("nodes", "fault"),
    [
        ("y = Exp(y)", "node 'y' (Exp) reads what it makes itself"),
        (
            "y = Exp(a) a = Neg(b) b = Sin(a)",
            "node 'a' (Neg) and node 'b' (Sin) read each other's results, directly or not",
        ),
        (
            "y = If(c)<then_branch = t () => (u) { u = Neg(z) }, else_branch = e () => (v) { v = Exp(x) }> z = Sin(y)",
            "node 'y' (If) and node 'z' (Sin) read each other's results, directly or not",
        ),
    ],
)
def test_a_circle_is_refused_by_name(nodes: str, fault: str, tmp_path: Path) -> None:
    """No order is right for it."""
    with pytest.raises(InputError) as error:
        _read(tmp_path / "m.onnx", f"g (float[2] x, bool c) => (float[2] y) {{ {nodes} }}")
    assert str(error.value) == f"{tmp_path / 'm.onnx'}: {fault}"


@given(models(), st.integers(0, 1 << 20))
def test_order_in_the_file_changes_nothing_that_is_counted(model: ModelProto, seed: int) -> None:
    """A shuffled file has the same nodes, each after what it reads; a sorted one stays as it is."""
    copy = ModelProto()
    copy.CopyFrom(model)
    assert prepared(copy).model == model
    shuffled = prepared(_shuffled(model, seed)).model
    made = {info.name for info in (*model.graph.input, *model.graph.initializer)}
    for node in shuffled.graph.node:
        assert made.issuperset(node.input)
        made.update(node.output)
    assert sorted(map(str, shuffled.graph.node)) == sorted(map(str, model.graph.node))


def test_the_standard_domain_may_be_written_out(tmp_path: Path) -> None:
    """In imports, in nodes and in bodies; of two imports the last one holds, as in onnxruntime."""
    text = """g (float[2] x, bool c) => (float[2] y) { a = ai.onnx.Neg(x) y = ai.onnx.If(c)<
        then_branch = t () => (float[2] u) { u = ai.onnx.Neg(a) },
        else_branch = e () => (float[2] v) { v = Exp(x) }> }"""
    model = parser.parse_model(f"{HEADER} {text}")
    model.opset_import.add(domain="ai.onnx", version=13)
    graph = _read(tmp_path / "m.onnx", model)
    assert graph.op == ["Neg", "If"]
    made = prepared(onnx.load(tmp_path / "m.onnx")).model
    assert [(each.domain, each.version) for each in made.opset_import] == [("", 13), ("my", 1)]
    assert "ai.onnx" not in str(made)


def test_a_sparse_parameter_is_dense_to_its_readers(tmp_path: Path) -> None:
    """It is stored as its two values and two indices; the product is counted as the dense one that runs."""
    model = parser.parse_model(f"{HEADER} g (float[2,4] x) => (y) {{ a = MatMul(x, w) y = Relu(a) }}")
    sparse = model.graph.sparse_initializer.add(dims=[4, 3])
    sparse.values.CopyFrom(onnx.numpy_helper.from_array(np.ones(2, np.float32), "w"))
    sparse.indices.CopyFrom(onnx.numpy_helper.from_array(np.array([1, 9]), "at"))
    graph = _read(tmp_path / "m.onnx", model)
    assert graph.size.tolist() == [32, 24, 24]
    assert graph.flops is not None
    assert graph.flops.tolist() == [2 * 2 * 3 * 4, 6]
    assert graph.param_bytes is not None
    assert graph.param_bytes.tolist() == [2 * 4 + 2 * 8, 0]
    sparse.dims[0] = -4
    with pytest.raises(InputError, match=r"the sparse tensor 'w' has a negative dimension$"):
        _read(tmp_path / "m.onnx", model)
