"""TFLite: operators, buffers, quantised types and counts."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pytest
import tflite

import slicegraph as sg
from slicegraph.cli import main
from slicegraph.formats.tflite import read
from tflite_models import Operator, Tensor, network, options, write
from traced import facts, shared, stored


def test_a_quantised_network_is_counted_by_definition(tmp_path: Path) -> None:
    """Products, biases and fused activations; bytes by the types of tensors; a reshape is free."""
    arrays = read(network(tmp_path / "net.tflite"))
    assert list(arrays.op) == [
        *("CONV_2D", "DEPTHWISE_CONV_2D", "ADD", "MAX_POOL_2D", "RESHAPE", "FULLY_CONNECTED", "SOFTMAX")
    ]
    assert arrays.node_name is not None
    assert list(arrays.node_name) == ["conv/Relu", "depthwise", "add", "pool", "flat", "dense", "softmax"]
    pixels, made = 8 * 8 * 3, 8 * 8 * 4
    assert facts(arrays, "CONV_2D") == (made * (2 * 27 + 1) + made, pixels + 108 + 16, made, 108 + 16)
    assert facts(arrays, "DEPTHWISE_CONV_2D") == (made * (2 * 9 + 1), made + 36 + 16, made, 36 + 16)
    assert facts(arrays, "ADD") == (made, 2 * made, made, 0)
    assert facts(arrays, "MAX_POOL_2D") == (4 * 64, made, 64, 0)
    assert facts(arrays, "RESHAPE")[:3] == (0, 0, 0)
    assert facts(arrays, "FULLY_CONNECTED") == (10 * 2 * 64, 64 + 640, 10, 640)
    assert facts(arrays, "SOFTMAX") == (50, 10, 10, 0)
    assert arrays.dtype is not None
    assert set(arrays.dtype[:4]) <= {"int8", "int32"}
    assert arrays.is_guess is not None
    assert not arrays.is_guess.any()


def test_tensors_of_one_buffer_are_one_parameter(tmp_path: Path) -> None:
    """As a tied embedding; float16 weights that are widened in each run are stored as they are."""
    data = np.zeros((6, 4), np.float16)
    tensors = {
        "x": Tensor((1, 4)),
        "half": Tensor((6, 4), "FLOAT16", data),
        "again": Tensor((6, 4), "FLOAT16", data, buffer="half"),
        "wide": Tensor((6, 4)),
        "wide2": Tensor((6, 4)),
        "y": Tensor((1, 6)),
        "z": Tensor((1, 6)),
    }
    operators = [
        Operator("DEQUANTIZE", ["half"], ["wide"]),
        Operator("DEQUANTIZE", ["again"], ["wide2"]),
        Operator("FULLY_CONNECTED", ["x", "wide", ""], ["y"], options("FullyConnected")),
        Operator("FULLY_CONNECTED", ["x", "wide2", ""], ["z"], options("FullyConnected")),
    ]
    arrays = read(write(tmp_path / "m.tflite", tensors, operators, inputs=["x"], outputs=["y", "z"]))
    assert list(arrays.op) == ["FULLY_CONNECTED", "FULLY_CONNECTED"]
    assert shared(arrays) == [(48, [0, 1])]
    assert stored(arrays) == 48


@pytest.mark.parametrize(
    ("op", "given", "made", "chosen", "flops"),
    [
        # The shape that is made, the kernel (outputs, 2, 2, inputs), the data.
        ("TRANSPOSE_CONV", [(4,), (5, 2, 2, 3), (1, 4, 4, 3)], (1, 8, 8, 5), None, 2 * 48 * 5 * 4),
        ("BATCH_MATMUL", [(2, 3, 4), (2, 4, 5)], (2, 3, 5), options("BatchMatMul"), 2 * 30 * 4),
        ("BATCH_MATMUL", [(2, 4, 3), (2, 4, 5)], (2, 3, 5), options("BatchMatMul", AdjX=True), 2 * 30 * 4),
        ("MEAN", [(1, 4, 4, 8), (2,)], (1, 8), None, 128),
        ("MUL", [(2, 8), (2, 8)], (2, 8), options("Mul", FusedActivationFunction=3), 32),
        ("CONCATENATION", [(2, 4), (2, 4)], (2, 8), options("Concatenation"), 0),
        ("RESIZE_BILINEAR", [(1, 4, 4, 2), (2,)], (1, 8, 8, 2), None, 8 * 128),
        ("TOPK_V2", [(2, 64), ()], (2, 8), None, 128 * 3),
        ("HARD_SWISH", [(2, 8)], (2, 8), None, 16),
        # Data, state, the matrix of four gates on both, a bias, the state of the cells.
        ("LSTM", [(2, 3), (2, 4), (16, 7), (16,), (2, 4)], (2, 4), None, 2 * (2 * 16 * 7 + 16 + 13 * 4)),
        # Data, matrices on it and on the state, a bias.
        ("RNN", [(2, 3), (4, 3), (4, 4), (4,), (2, 4)], (2, 4), None, 2 * (2 * 4 * 7 + 4 + 2 * 4)),
        # Data, 6 filters over its features, what these made in 5 steps, a bias: 3 units of rank 2.
        ("SVDF", [(2, 8), (6, 8), (6, 5), (3,)], (2, 3), None, 2 * (6 * (2 * 8 + 2 * 5 + 1) + 2 * 3)),
        ("CONV_3D_TRANSPOSE", [(5,), (2, 2, 2, 5, 3), (1, 4, 4, 4, 3)], (1, 8, 8, 8, 5), options("Conv3D"), 80 * 192),
        ("RFFT2D", [(3, 4, 8), (2,)], (3, 4, 5), None, 3 * 5 * 32 * 5),
    ],
)
def test_operators_count_what_they_compute(
    op: str,
    given: list[tuple[int, ...]],
    made: tuple[int, ...],
    chosen: object,
    flops: int,
    tmp_path: Path,
) -> None:
    """By the conventions of all readers."""
    tensors = {f"in{index}": Tensor(shape) for index, shape in enumerate(given)} | {"out": Tensor(made)}
    operator = Operator(op, list(tensors)[:-1], ["out"], chosen)  # type: ignore[arg-type] # as `options` gives them
    path = write(tmp_path / "m.tflite", tensors, [operator], inputs=list(tensors)[:-1], outputs=["out"])
    arrays = read(path)
    assert arrays.flops is not None
    assert arrays.flops.tolist() == [flops]
    assert arrays.is_guess is not None
    assert not arrays.is_guess.any()


@pytest.mark.parametrize(("op", "flops"), [("MUL", 6 * 16), ("NEG", 2 * 16), ("RESHAPE", 0)])
def test_complex_numbers_count_as_what_they_are_made_of(op: str, flops: int, tmp_path: Path) -> None:
    """A product is four products and two sums, all else is done to both parts."""
    tensors = {"x": Tensor((2, 8), "COMPLEX64"), "y": Tensor((2, 8), "COMPLEX64")}
    operator = Operator(op, ["x", "x"], ["y"], options("Mul") if op == "MUL" else None)
    arrays = read(write(tmp_path / "m.tflite", tensors, [operator], inputs=["x"], outputs=["y"]))
    assert arrays.flops is not None
    assert arrays.flops.tolist() == [flops]


def test_a_quantised_operator_computes_in_the_type_of_its_factors(tmp_path: Path) -> None:
    """Not in that of its bias or of the indices; a shape that is computed has no other."""
    tensors = {
        "x": Tensor((1, 8), "INT8"),
        "w": Tensor((10, 8), "INT4", np.zeros(40, np.int8)),
        "b": Tensor((10,), "INT32", np.zeros(10, np.int32)),
        "y": Tensor((1, 10), "INT8"),
        "i": Tensor((2,), "INT32"),
        "z": Tensor((2,), "INT32"),
    }
    operators = [
        Operator("FULLY_CONNECTED", ["x", "w", "b"], ["y"], options("FullyConnected")),
        Operator("ADD", ["i", "i"], ["z"], options("Add")),
    ]
    arrays = read(write(tmp_path / "m.tflite", tensors, operators, inputs=["x", "i"], outputs=["y", "z"]))
    assert arrays.dtype == ["int8", "int32"]
    assert facts(arrays, "FULLY_CONNECTED") == (170, 8 + 40 + 40, 10, 40 + 40)


def test_rows_of_a_narrow_table_are_read_as_they_are_stored(tmp_path: Path) -> None:
    """Three rows of 8 bytes that become floats."""
    tensors = {
        "i": Tensor((3,), "INT32"),
        "table": Tensor((50, 8), "INT8", np.zeros((50, 8), np.int8)),
        "y": Tensor((3, 8)),
    }
    operator = Operator("EMBEDDING_LOOKUP", ["i", "table"], ["y"])
    arrays = read(write(tmp_path / "m.tflite", tensors, [operator], inputs=["i"], outputs=["y"]))
    assert facts(arrays, "EMBEDDING_LOOKUP") == (0, 24 + 12, 96, 400)


def test_a_tensor_of_a_type_without_a_size_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By name: it would take no bytes."""
    monkeypatch.setattr(tflite.TensorType, "NEWER", 99, raising=False)
    tensors = {"x": Tensor((2, 4)), "y": Tensor((2, 4), "NEWER")}
    path = write(tmp_path / "m.tflite", tensors, [Operator("CAST", ["x"], ["y"])], inputs=["x"], outputs=["y"])
    with pytest.raises(
        sg.InputError, match=r"tensor 'y' has elements of a type that the tflite package does not know$"
    ):
        read(path)


def test_signatures_that_are_not_read_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A model that decodes beside what it reads first."""
    tensors = {"x": Tensor((2, 4)), "y": Tensor((2, 4))}
    graph = (tensors, [Operator("TANH", ["x"], ["y"])], ["x"], ["y"])
    keys = ["prefill", "decode"]
    path = tmp_path / "m.tflite"
    read(write(path, *graph[:2], inputs=["x"], outputs=["y"], others=[graph], signatures=keys))
    assert caplog.messages == [f"{path}: only its first subgraph is read, not what these signatures run: 'decode'"]
    caplog.clear()
    read(write(path, *graph[:2], inputs=["x"], outputs=["y"], signatures=keys[:1]))
    assert not caplog.messages


def test_a_custom_operator_is_a_guess_unless_the_user_counts_it(tmp_path: Path) -> None:
    """It goes by its code."""
    tensors = {"x": Tensor((2, 4)), "y": Tensor((2, 4))}
    path = write(tmp_path / "m.tflite", tensors, [Operator("my-op", ["x"], ["y"])], inputs=["x"], outputs=["y"])
    arrays = read(path)
    assert list(arrays.op) == ["my-op"]
    assert arrays.is_guess is not None
    assert arrays.is_guess.tolist() == [True]
    told = read(path, flops={"my-op": "3 * out0"})
    assert told.flops is not None
    assert told.flops.tolist() == [24]


def test_a_loop_runs_its_subgraphs_as_often_as_the_user_says(tmp_path: Path) -> None:
    """Its test and its body count; without the user's number it is a guess."""
    tensors = {"x": Tensor((2, 4)), "y": Tensor((2, 4))}
    test = ({"a": Tensor((2, 4)), "t": Tensor((2, 4), "BOOL")}, [Operator("GREATER", ["a", "a"], ["t"])], ["a"], ["t"])
    body = ({"b": Tensor((2, 4)), "c": Tensor((2, 4))}, [Operator("TANH", ["b"], ["c"])], ["b"], ["c"])
    loop = Operator("WHILE", ["x"], ["y"], options("While", CondSubgraphIndex=1, BodySubgraphIndex=2))
    path = write(tmp_path / "m.tflite", tensors, [loop], inputs=["x"], outputs=["y"], others=[test, body])
    once, thrice = read(path), read(path, trips={"WHILE": 3})
    assert once.flops is not None
    assert thrice.flops is not None
    assert thrice.flops.tolist() == [48]
    assert once.is_guess is not None
    assert thrice.is_guess is not None
    assert (once.is_guess.tolist(), thrice.is_guess.tolist()) == ([True], [False])
    round_ = Operator("WHILE", ["x"], ["y"], options("While", CondSubgraphIndex=0, BodySubgraphIndex=0))
    with pytest.raises(sg.InputError, match="subgraphs call each other in a circle"):
        read(write(path, tensors, [round_], inputs=["x"], outputs=["y"]))


def test_a_variable_is_state_of_its_operator(tmp_path: Path) -> None:
    """It keeps it from one run to the next; no other node reads it."""
    tensors = {
        "x": Tensor((1, 3)),
        **{f"w{index}": Tensor((4, 3), data=np.zeros((4, 3), np.float32)) for index in range(4)},
        **{f"r{index}": Tensor((4, 4), data=np.zeros((4, 4), np.float32)) for index in range(4)},
        **{f"b{index}": Tensor((4,), data=np.zeros(4, np.float32)) for index in range(4)},
        "h": Tensor((1, 4), is_variable=True),
        "c": Tensor((1, 4), is_variable=True),
        "y": Tensor((1, 4)),
    }
    names = ["x", *(f"w{index}" for index in range(4)), *(f"r{index}" for index in range(4)), "", "", ""]
    names += [*(f"b{index}" for index in range(4)), "", "", "h", "c"]
    operator = Operator("UNIDIRECTIONAL_SEQUENCE_LSTM", names, ["y"])
    arrays = read(write(tmp_path / "m.tflite", tensors, [operator], inputs=["x"], outputs=["y"]))
    assert arrays.state_bytes is not None
    assert arrays.state_bytes.tolist() == [32]
    assert arrays.consumers.tolist() == [0]
    assert arrays.flops is not None
    assert arrays.flops.tolist() == [2 * (4 * 12 + 4 * 16) + 16 + 13 * 4]


def test_segments_of_the_edge_tpu_count_its_operators(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From the model to libcoral's form."""
    path, plan = network(tmp_path / "net.tflite"), tmp_path / "plan.json"
    words = ["solve", str(path), "-k", "3", "--device", "testbed", "--time-limit", "5", "-q", "--plan", str(plan)]
    assert main(words) == 0
    capsys.readouterr()
    graph = sg.read(path)
    sg.audit(
        sg.Instance(graph, device=sg.Device.preset("testbed"), num_blocks=3), [0, 0, 0, 1, 1, 2, 2], threads=1
    ).plan.write(plan)
    assert main(["emit", str(plan), "--to", "coral"]) == 0
    assert capsys.readouterr().out == "3,2,2\n"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no TFLite model: it does not begin as one"),
        (b"\xff\xff\xff\x7fTFL3", "no TFLite model: its tables are damaged"),
    ],
)
def test_what_is_no_model_is_refused(content: bytes, told: str, tmp_path: Path) -> None:
    """In one line that names the file."""
    path = tmp_path / "m.tflite"
    path.write_bytes(content)
    with pytest.raises(sg.InputError, match=told) as refused:
        read(path)
    assert str(refused.value).startswith(f"{path}: ")


def test_a_tensor_that_nothing_has_made_is_named(tmp_path: Path) -> None:
    """Operators stand in the order in which they run."""
    tensors = {"x": Tensor((2,)), "y": Tensor((2,)), "z": Tensor((2,))}
    operators = [Operator("TANH", ["y"], ["z"]), Operator("TANH", ["x"], ["y"])]
    path = write(tmp_path / "m.tflite", tensors, operators, inputs=["x"], outputs=["z"])
    with pytest.raises(sg.InputError, match="'z' reads tensor 1, 'y', which nothing has made"):
        read(path)


def test_bytes_that_are_cut_off_are_refused(tmp_path: Path) -> None:
    """Anywhere."""
    raw = network(tmp_path / "net.tflite").read_bytes()
    path = tmp_path / "cut.tflite"
    for number in Random(0).sample(range(len(raw)), 60):  # noqa: S311 - no secret
        path.write_bytes(raw[:number])
        try:
            read(path)
        except sg.InputError as error:
            assert "\n" not in str(error)  # noqa: PT017 - some that are cut can still be read
