"""TFLite: operators, buffers, quantised types and counts."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pytest

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
    """Its test and its body; nobody else knows."""
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
    """It keeps it from one run to the next; nobody else reads it."""
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
