"""Variables of TFLite models that operators read and assign by handles."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from slicegraph.formats.tflite import read
from tflite_models import Operator, Tensor, options, write
from traced import facts, stored

Graph = tuple[dict[str, Tensor], list[Operator], list[str], list[str]]
HANDLE = Operator("VAR_HANDLE", [], ["handle"], options("VarHandle", SharedName="cache"))
WEIGHT = Tensor((4, 4), data=np.zeros((4, 4), np.float32))


def test_what_is_computed_for_a_variable_counts_and_is_state(tmp_path: Path) -> None:
    """Nothing else reads it: the next run does."""
    tensors = {
        "handle": Tensor((), "RESOURCE"),
        "w": WEIGHT,
        **{name: Tensor((1, 4)) for name in ("x", "old", "new", "y")},
    }
    operators = [
        HANDLE,
        Operator("READ_VARIABLE", ["handle"], ["old"]),
        Operator("FULLY_CONNECTED", ["x", "w", ""], ["new"], options("FullyConnected")),
        Operator("ASSIGN_VARIABLE", ["handle", "new"], []),
        Operator("ADD", ["x", "old"], ["y"], options("Add")),
    ]
    arrays = read(write(tmp_path / "m.tflite", tensors, operators, inputs=["x"], outputs=["y"]))
    assert list(arrays.op) == ["READ_VARIABLE", "FULLY_CONNECTED", "ASSIGN_VARIABLE", "ADD"]
    assert facts(arrays, "READ_VARIABLE") == (0, 16, 16, 0)
    assert facts(arrays, "FULLY_CONNECTED") == (32, 16 + 64, 16, 64)
    assert facts(arrays, "ASSIGN_VARIABLE") == (0, 16, 16, 0)
    assert arrays.state_bytes is not None
    assert arrays.state_bytes.tolist() == [0, 0, 16, 0]


def test_what_is_assigned_is_what_is_read_after_it(tmp_path: Path) -> None:
    """In the order in which they run, by whichever handle."""
    tensors = {
        "handle": Tensor((), "RESOURCE"),
        "again": Tensor((), "RESOURCE"),
        **{name: Tensor((1, 4)) for name in ("x", "new", "y")},
    }
    operators = [
        HANDLE,
        Operator("TANH", ["x"], ["new"]),
        Operator("ASSIGN_VARIABLE", ["handle", "new"], []),
        HANDLE._replace(outputs=["again"]),
        Operator("READ_VARIABLE", ["again"], ["y"]),
    ]
    arrays = read(write(tmp_path / "m.tflite", tensors, operators, inputs=["x"], outputs=["y"]))
    assert list(arrays.op) == ["TANH", "ASSIGN_VARIABLE", "READ_VARIABLE"]
    # x, what TANH makes, what the variable holds then, y.
    assert arrays.producer.tolist() == [-1, 0, 1, 2]
    assert arrays.consumers.tolist() == [0, 1, 2]


def test_a_variable_that_no_run_assigns_is_a_parameter(tmp_path: Path) -> None:
    """Such as weights that CALL_ONCE fills in."""
    tensors = {"handle": Tensor((), "RESOURCE"), "w": Tensor((4, 4)), "x": Tensor((1, 4)), "y": Tensor((1, 4))}
    operators = [
        HANDLE,
        Operator("READ_VARIABLE", ["handle"], ["w"]),
        Operator("FULLY_CONNECTED", ["x", "w", ""], ["y"], options("FullyConnected")),
    ]
    arrays = read(write(tmp_path / "m.tflite", tensors, operators, inputs=["x"], outputs=["y"]))
    assert list(arrays.op) == ["FULLY_CONNECTED"]
    assert stored(arrays) == 64


def test_a_loop_may_assign_a_variable(tmp_path: Path) -> None:
    """Its body counts, for the next run reads what it leaves."""
    own = {"h": Tensor((), "RESOURCE"), "a": Tensor((1, 4))}
    test: Graph = ({**own, "t": Tensor((), "BOOL", np.ones((), np.bool_))}, [], ["a", "h"], ["t"])
    body = (
        {**own, "w": WEIGHT, **{name: Tensor((1, 4)) for name in ("old", "new", "b")}},
        [
            Operator("READ_VARIABLE", ["h"], ["old"]),
            Operator("FULLY_CONNECTED", ["old", "w", ""], ["new"], options("FullyConnected")),
            Operator("ASSIGN_VARIABLE", ["h", "new"], []),
            Operator("ADD", ["a", "old"], ["b"], options("Add")),
        ],
        ["a", "h"],
        ["b", "h"],
    )
    loop = Operator("WHILE", ["x", "handle"], ["y", ""], options("While", CondSubgraphIndex=1, BodySubgraphIndex=2))
    tensors = {"handle": Tensor((), "RESOURCE"), "x": Tensor((1, 4)), "y": Tensor((1, 4))}
    path = write(tmp_path / "m.tflite", tensors, [HANDLE, loop], inputs=["x"], outputs=["y"], others=[test, body])
    arrays = read(path, trips={"WHILE": 3})
    assert facts(arrays, "WHILE")[:3] == (3 * (32 + 4), 3 * (16 + 80 + 16 + 32), 3 * 4 * 16)
    assert arrays.state_bytes is not None
    assert arrays.state_bytes.tolist() == [0, 16]


def test_a_handle_that_a_loop_returns_is_that_of_its_variable(tmp_path: Path) -> None:
    """What is read by it is what the loop has left there."""
    own = {"h": Tensor((), "RESOURCE"), "a": Tensor((1, 4))}
    test: Graph = ({**own, "t": Tensor((), "BOOL", np.ones((), np.bool_))}, [], ["a", "h"], ["t"])
    operators = [Operator("TANH", ["a"], ["b"]), Operator("ASSIGN_VARIABLE", ["h", "b"], [])]
    body: Graph = ({**own, "b": Tensor((1, 4))}, operators, ["a", "h"], ["b", "h"])
    loop = Operator(
        "WHILE", ["x", "handle"], ["y", "after"], options("While", CondSubgraphIndex=1, BodySubgraphIndex=2)
    )
    tensors = {
        **dict.fromkeys(("handle", "after"), Tensor((), "RESOURCE")),
        **dict.fromkeys(("x", "y", "left", "z"), Tensor((1, 4))),
    }
    main = [
        HANDLE,
        loop,
        Operator("READ_VARIABLE", ["after"], ["left"]),
        Operator("ADD", ["x", "left"], ["z"], options("Add")),
    ]
    arrays = read(write(tmp_path / "m.tflite", tensors, main, inputs=["x"], outputs=["z"], others=[test, body]))
    assert list(arrays.op) == ["VAR_HANDLE", "WHILE", "READ_VARIABLE", "ADD"]
    assert facts(arrays, "READ_VARIABLE") == (0, 16, 16, 0)
    assert arrays.state_bytes is not None
    assert arrays.state_bytes.tolist() == [0, 16, 0, 0]
