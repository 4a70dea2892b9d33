"""Nodes, tensors and who reads what, as arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import helper, parser

from slicegraph.errors import InputError
from slicegraph.formats.arrays import GraphArrays
from slicegraph.formats.onnx import read


def _read(tmp_path: Path, text: str) -> GraphArrays:
    path = tmp_path / "model.onnx"
    header = '<ir_version: 9, opset_import: ["": 13, "ai.onnx": 13, "com.acme": 1]>'
    path.write_bytes(parser.parse_model(f"{header} {text}").SerializeToString())
    return read(path)


def test_tensors_are_inputs_then_outputs_in_file_order(tmp_path: Path) -> None:
    """Unread inputs are left out, as are names that are empty; every node and tensor keeps its name."""
    text = """net (float[4] a, float[9] unread, float[4] b) => (float[4] y, float[2] q)
        { [first] s = Add(b, a) [""] p, q = Split(s) y = Mul(s, a) }""".replace('[""] ', "")
    graph = _read(tmp_path, text)
    assert graph.name == "net"
    assert graph.op == ["Add", "Split", "Mul"]
    assert graph.node_name == ["first", "p", "y"]
    assert graph.tensor_name == ["a", "b", "s", "p", "q", "y"]
    assert graph.producer.tolist() == [-1, -1, 0, 1, 1, 2]
    assert graph.is_output is not None
    assert graph.is_output.tolist() == [False, False, False, False, True, True]
    assert graph.consumer_offsets.tolist() == [0, 2, 3, 5, 5, 5, 5]
    assert graph.consumers.tolist() == [0, 2, 0, 1, 2]


def test_arrays_have_the_types_of_the_contract(tmp_path: Path) -> None:
    """What GraphArrays promises."""
    graph = _read(tmp_path, "g (float[4] x) => (y) { y = Relu(x) }")
    assert [graph.producer.dtype, graph.consumers.dtype] == [np.dtype(np.int32)] * 2
    assert [graph.size.dtype, graph.consumer_offsets.dtype] == [np.dtype(np.int64)] * 2
    for facts in (graph.read_bytes, graph.write_bytes, graph.param_bytes):
        assert facts is not None
        assert facts.dtype == np.int64
    assert graph.flops is not None
    assert graph.flops.dtype == np.float64
    for marks in (graph.is_output, graph.is_view):
        assert marks is not None
        assert marks.dtype == np.bool_
    assert graph.work is None
    assert graph.device is None


def test_a_node_that_reads_a_tensor_twice_is_one_consumer(tmp_path: Path) -> None:
    """Consumers are distinct and ascend."""
    graph = _read(tmp_path, "g (float[4] x) => (y) { a = Mul(x, x) b = Add(a, x) y = Sub(b, a) }")
    assert graph.consumers.tolist() == [0, 1, 1, 2, 2]
    assert graph.consumer_offsets.tolist() == [0, 2, 4, 5, 5]


def test_an_operator_of_another_domain_carries_its_name(tmp_path: Path) -> None:
    """ONNX's own domain has two spellings and no mark."""
    text = """g (float[4] x) => (float[4] y) <float[4] b> { a = ai.onnx.Relu(x) b = com.acme.Relu(a) y = Exp(b) }"""
    assert _read(tmp_path, text).op == ["Relu", "com.acme.Relu", "Exp"]


def test_a_model_may_return_an_input_or_a_constant(tmp_path: Path) -> None:
    """An input that is returned is a tensor of its own right; a constant that is returned is none."""
    text = """g (float[4] x, float[3] z) => (float[4] x, float[3] z, float[2] k, float[4] y)
        <float[2] k = {1,2}> { y = Relu(x) }"""
    graph = _read(tmp_path, text)
    assert graph.tensor_name == ["x", "z", "y"]
    assert graph.producer.tolist() == [-1, -1, 0]
    assert graph.is_output is not None
    assert graph.is_output.tolist() == [True, True, True]
    assert graph.consumers.tolist() == [0]


def test_an_unnamed_graph_is_called_after_its_file(tmp_path: Path) -> None:
    """A graph's name is optional in practice."""
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "", [], [])
    graph.input.add().CopyFrom(helper.make_tensor_value_info("x", 1, [2]))
    path = tmp_path / "lenet.onnx"
    path.write_bytes(helper.make_model(graph).SerializeToString())
    assert read(path).name == "lenet"


@pytest.mark.parametrize("shape", ["2147483648,2147483648,2147483648", "9223372036854775807"])
def test_a_size_beyond_64_bits_is_refused(shape: str, tmp_path: Path) -> None:
    """Rather than wrapped."""
    with pytest.raises(InputError, match=r"'x' computes or moves more than 64 bits can count$"):
        _read(tmp_path, f"g (float[{shape}] x) => (y) {{ y = Relu(x) }}")


def test_work_beyond_64_bits_is_refused(tmp_path: Path) -> None:
    """Tensors may fit while what is done with them does not."""
    text = """g (float[4194304,4194304] x, float[4194304,4194304] z) => (y) { y = MatMul(x, z) }"""
    with pytest.raises(InputError, match=r"node 'y' computes or moves more than 64 bits can count$"):
        _read(tmp_path, text)
