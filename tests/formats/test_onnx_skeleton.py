"""Loading a model without its weights, whatever the file's size and state."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper, parser

from slicegraph.errors import InputError
from slicegraph.formats.onnx import read, skeleton

RAW_DATA, INITIALIZER, GRAPH = 9, 5, 7  # field numbers of onnx.proto
GIGABYTE = 1 << 30


def _field(number: int, length: int) -> bytes:
    """Begin a field of the encoding that is ``length`` bytes long."""
    digits, value = bytearray([number << 3 | 2]), length
    while value > 127:
        digits.append(value & 127 | 128)
        value >>= 7
    return bytes([*digits, value])


def _write_sparse(path: Path, rows: int) -> None:
    """Write a model whose one weight, in the file, is ``rows`` x 1024 floats of nothing: a hole in the file."""
    text = """<ir_version: 9, opset_import: ["": 17]> g (float[1,rows] x) => (y) { y = MatMul(x, w) }"""
    model = parser.parse_model(text)
    graph = model.graph.SerializeToString()
    model.ClearField("graph")
    nbytes = rows * 1024 * 4
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[rows, 1024]).SerializeToString()
    tensor += _field(RAW_DATA, nbytes)
    graph += _field(INITIALIZER, len(tensor) + nbytes) + tensor
    head = model.SerializeToString() + _field(GRAPH, len(graph) + nbytes) + graph
    with path.open("wb") as file:
        file.write(head)
        file.truncate(len(head) + nbytes)


@pytest.mark.parametrize("rows", [480_000, 1_000_000], ids=["just below 2 GB", "4 GB"])
def test_weights_in_the_file_are_skipped(rows: int, tmp_path: Path) -> None:
    """A file of gigabytes, even beyond what protobuf itself can read, takes next to no memory."""
    path = tmp_path / "model.onnx"
    _write_sparse(path, rows)
    assert path.stat().st_size > rows * 4096
    tracemalloc.start()
    graph = read(path, dims={"rows": rows})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20
    assert graph.param_bytes is not None
    assert graph.param_bytes.tolist() == [rows * 4096]
    assert graph.flops is not None
    assert graph.flops.tolist() == [2 * rows * 1024]


@pytest.mark.parametrize("is_there", [True, False])
def test_external_data_is_not_opened(is_there: bool, tmp_path: Path) -> None:
    """A model of 5 GB beside its description: whether the data are there, or readable, makes no difference."""
    rows = 5 * GIGABYTE // 4096
    text = f"""<ir_version: 9, opset_import: ["": 17]> g (float[1,{rows}] x) => (y)
        <float[{rows},1024] w = ["location": "weights.bin", "offset": "0"]> {{ y = MatMul(x, w) }}"""
    path = tmp_path / "model.onnx"
    path.write_bytes(parser.parse_model(text).SerializeToString())
    weights = tmp_path / "weights.bin"
    if is_there:
        with weights.open("wb") as file:
            file.truncate(5 * GIGABYTE)
        weights.chmod(0)
        accessed = weights.stat().st_atime_ns
    graph = read(path)
    assert graph.param_bytes is not None
    assert graph.param_bytes.tolist() == [rows * 4096]
    assert not is_there or weights.stat().st_atime_ns == accessed


def _with_weights(numbers: int) -> ModelProto:
    """Make a model that stores weights in every place that can hold some, and in every form."""
    weights = [
        numpy_helper.from_array(np.arange(numbers, dtype=np.float32), "raw"),
        helper.make_tensor("packed", TensorProto.FLOAT, [numbers], np.ones(numbers)),
        numpy_helper.from_array(np.array(["word"] * numbers, dtype=object), "strings"),
    ]
    body = helper.make_graph([helper.make_node("Identity", ["inner"], ["o"])], "b", [], [], [weights[0]])
    body.initializer[0].name = "inner"
    nodes = [
        helper.make_node("Constant", [], ["constant"], value=weights[1]),
        helper.make_node("If", ["c"], ["y"], then_branch=body, else_branch=body),
    ]
    return helper.make_model(helper.make_graph(nodes, "g", [], [], weights))


def _tensors(model: ModelProto) -> list[TensorProto]:
    constant, condition = model.graph.node
    bodies = [attribute.g.initializer[0] for attribute in condition.attribute]
    return [*model.graph.initializer, constant.attribute[0].t, *bodies]


def test_small_tensors_keep_their_elements_and_big_ones_all_else(tmp_path: Path) -> None:
    """Where a tensor is stored and in which form makes no difference; nothing but elements is lost."""
    path = tmp_path / "model.onnx"
    for numbers in (10, 50_000):
        model = _with_weights(numbers)
        path.write_bytes(model.SerializeToString())
        loaded = skeleton.load(path)
        if numbers == 10:
            assert loaded == model
        for tensor, original in zip(_tensors(loaded), _tensors(model), strict=True):
            assert (tensor.name, tensor.data_type, tensor.dims) == (original.name, original.data_type, original.dims)
            assert (tensor.data_location == TensorProto.EXTERNAL) == (numbers > 10)
        if numbers > 10:
            assert loaded.ByteSize() < 1000


def _ways(message: Any, above: frozenset[str]) -> Iterator[tuple[str, ...]]:
    """Run over the ways to a tensor in a message; no message holds itself on a way."""
    for field in message.fields:
        inner = field.message_type
        if inner is None or inner.full_name in above:
            continue
        if inner.full_name == TensorProto.DESCRIPTOR.full_name:
            yield (field.name,)
        else:
            yield from ((field.name, *rest) for rest in _ways(inner, above | {message.full_name}))


def test_a_tensor_loses_its_elements_wherever_a_model_can_hold_one(tmp_path: Path) -> None:
    """Every message that ONNX nests a tensor in is looked into."""
    paths = set(_ways(ModelProto.DESCRIPTOR, frozenset()))
    assert ("graph", "node", "attribute", "sparse_tensor", "indices") in paths
    for way in sorted(paths):
        model = ModelProto()
        at: Any = model
        for name in way:
            at = getattr(at, name)
            at = at.add() if hasattr(at, "add") else at
        at.CopyFrom(numpy_helper.from_array(np.ones(50_000, np.float32), "w"))
        path = tmp_path / "model.onnx"
        path.write_bytes(model.SerializeToString())
        assert len(skeleton.copied(path)) < 1000, way


NO_MODELS = {
    b"": "the file is empty, not an ONNX model",
    b"\x00": "not an ONNX model: ",
    b"\x0f": "not an ONNX model: ",
    b"hello, world": "not an ONNX model: ",
    b"\x89PNG\r\n\x1a\n" * 20: "not an ONNX model: ",
    b"\xff" * 100: "not an ONNX model: ",
    b'{"format": "slicegraph-graph-1"}': "not an ONNX model: it is JSON",
    b"[0, 1]": "not an ONNX model: it is JSON",
    b"\x08\x09": "not an ONNX model: it holds no graph",
    b"\x3a\x00": "the model's graph holds no nodes",
    b"\x3a\x7f": "not an ONNX model: it is cut short or damaged",
    b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff": "not an ONNX model: it is cut short or damaged",
    b"\x0d\x00": "not an ONNX model: it is cut short or damaged",
    b"\x09\x00": "not an ONNX model: ",
}


@pytest.mark.parametrize("content", NO_MODELS)
def test_what_is_no_model_is_refused_in_one_line(content: bytes, tmp_path: Path) -> None:
    """The line names the file and what is wrong with it."""
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        read(path)
    assert str(error.value).startswith(f"{path}: {NO_MODELS[content]}")
    assert "\n" not in str(error.value)


def test_endless_nesting_is_refused(tmp_path: Path) -> None:
    """Bodies within bodies, deeper than protobuf itself goes, do not exhaust the stack."""
    content = b"\x00" * (skeleton.KEPT_BYTES + 1)
    for _ in range(400):
        for number in (6, 5, 1):  # AttributeProto.g, NodeProto.attribute, GraphProto.node
            content = _field(number, len(content)) + content
    path = tmp_path / "model.onnx"
    path.write_bytes(_field(GRAPH, len(content)) + content)
    with pytest.raises(InputError, match=r"messages are nested deeper than 100$"):
        read(path)


def test_a_file_that_cannot_be_read_is_refused_in_one_line(tmp_path: Path) -> None:
    """In the words of the operating system, after the file's name."""
    with pytest.raises(InputError, match=r"absent\.onnx: No such file or directory$"):
        read(tmp_path / "absent.onnx")
    with pytest.raises(InputError, match=r": Is a directory$"):
        read(tmp_path)
