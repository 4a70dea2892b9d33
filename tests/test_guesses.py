"""What was guessed is named, with its share of nodes and of work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import slicegraph as sg
from slicegraph.cli import main
from slicegraph.guesses import guessed
from slicegraph.report.terminal import result_to_text

DEVICE = sg.Device(bandwidth=1e9, flops=1.0, memory_bandwidth=1.0)


def _graph(**change: Any) -> sg.Graph:
    arguments: dict[str, Any] = {
        "op": ["A", "B", "A", "C"],
        "flops": [1, 6, 1, 2],
        "read_bytes": [0, 0, 2, 0],
        "write_bytes": [0, 0, 1, 0],
        "is_guess": [1, 0, 1, 1],
        "producer": [0],
        "size": [8],
        "consumers": [1],
        "consumer_offsets": [0, 1],
    }
    return sg.Graph(**{**arguments, **change})


def test_guesses_are_summed_by_operator() -> None:
    """Works are 1, 6, 3 (by its bytes) and 2 of 12: A has two nodes and a third, C one and a sixth."""
    rows = guessed(sg.Instance(_graph(), device=DEVICE, num_blocks=2))
    assert [(row.op, row.num_nodes) for row in rows] == [("A", 2), ("C", 1)]
    assert [row.share_of_work for row in rows] == pytest.approx([4 / 12, 2 / 12])


@pytest.mark.parametrize("change", [{"is_guess": None}, {"is_guess": [0, 0, 0, 0]}, {"work": [1, 1, 1, 1]}])
def test_what_is_counted_or_measured_is_no_guess(change: dict[str, Any]) -> None:
    """Work that a graph states goes before all flops, guessed or not."""
    instance = sg.Instance(_graph(**change), device=DEVICE, num_blocks=2)
    assert guessed(instance) == ()
    result = sg.solve(instance, stop=sg.MaxRuntime(5))
    assert "guessed" not in result_to_text(result)
    assert result.plan.document["guessed"] == []


def test_answers_name_what_was_guessed() -> None:
    """JSON has a row for each operator; the table has one line, whatever stands in a name."""
    instance = sg.Instance(_graph(op=["A\n\x1b[2J", "B", "A\n\x1b[2J", "C"]), device=DEVICE, num_blocks=2)
    result = sg.solve(instance, stop=sg.MaxRuntime(5))
    line = result_to_text(result).splitlines()[-1]
    assert line.startswith(r"guessed: A \x1b[2J (2 of 4 nodes, 33.33% of the work), C (1 of 4 nodes, 16.67%")
    rows = result.plan.document["guessed"]
    assert [(row["op"], row["nodes"]) for row in rows] == [("A\n\x1b[2J", 2), ("C", 1)]


def test_marks_are_checked_and_kept_in_files(tmp_path: Path) -> None:
    """One per node, 0 or 1; a written file has them as it was given them."""
    with pytest.raises(sg.InputError, match="is_guess: length 3, but there are 4 nodes"):
        _graph(is_guess=[1, 0, 1])
    with pytest.raises(sg.InputError, match=r"is_guess\[1\] = 2 is neither 0 nor 1"):
        _graph(is_guess=[1, 2, 1, 0])
    sg.write(_graph(), tmp_path / "graph.json")
    assert json.loads((tmp_path / "graph.json").read_text())["nodes"]["is_guess"] == [1, 0, 1, 1]
    read = sg.read(tmp_path / "graph.json")
    assert read.arrays.is_guess is not None
    assert read.arrays.is_guess.tolist() == [True, False, True, True]


ONNX = """<ir_version: 9, opset_import: ["": 17, "my": 1]> g (float[2,3] x) => (float[2,3] y)
    { a = my.Foo(x) y = Relu(a) }"""


def test_a_formula_can_be_typed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --flops-of nothing is guessed, and the stage takes what the formula says; audit and check take it, too."""
    onnx = pytest.importorskip("onnx")
    model = onnx.parser.parse_model(ONNX)
    model.graph.value_info.append(onnx.helper.make_tensor_value_info("a", onnx.TensorProto.FLOAT, (2, 3)))
    path, certificate, plan = tmp_path / "m.onnx", tmp_path / "c.json", tmp_path / "p.json"
    path.write_bytes(model.SerializeToString())
    shared = [str(path), "-k", "2", "-q", "--json", "--flops", "1", "--memory-bandwidth", "1000"]
    typed = ["--flops-of", "my::Foo=out0 * 100"]
    assert main(["solve", *shared]) == 0
    assert [row["op"] for row in json.loads(capsys.readouterr().out)["guessed"]] == ["my.Foo"]
    assert main(["solve", *shared, *typed, "--certificate", str(certificate)]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["guessed"] == []
    assert answer["bottleneck"] == pytest.approx(600, rel=1e-3)
    plan.write_text("[0, 1]")
    assert main(["audit", shared[0], str(plan), *shared[1:], *typed]) == 0
    assert main(["check", str(path), str(certificate), *typed]) == 0
    capsys.readouterr()
    assert main(["check", str(path), str(certificate)]) == 1


def test_a_guess_may_be_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --fail-on-guess the exit status is 1 and one line names the operators and what to type, which helps."""
    onnx = pytest.importorskip("onnx")
    model = onnx.parser.parse_model(ONNX)
    model.graph.value_info.append(onnx.helper.make_tensor_value_info("a", onnx.TensorProto.FLOAT, (2, 3)))
    path = tmp_path / "m.onnx"
    path.write_bytes(model.SerializeToString())
    typed = ["solve", str(path), "-k", "2", "-q", "--device", "testbed", "--fail-on-guess"]
    assert main(typed) == 1
    answer = capsys.readouterr()
    assert answer.out == ""
    assert answer.err.count("\n") == 1
    assert "my.Foo (1 of 2 nodes, " in answer.err
    assert answer.err.endswith("--flops-of my.Foo=EXPR\n")
    assert main([*typed, "--flops-of", "my.Foo=6"]) == 0


@pytest.mark.parametrize("typed", ["my.Foo", "my.Foo=", "=1", "my.Foo=import os", "my.Bar=1", "my.Foo=K"])
def test_a_formula_that_is_none_is_one_line(typed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Usage errors name what was typed."""
    onnx = pytest.importorskip("onnx")
    model = onnx.parser.parse_model(ONNX)
    model.graph.value_info.append(onnx.helper.make_tensor_value_info("a", onnx.TensorProto.FLOAT, (2, 3)))
    path = tmp_path / "m.onnx"
    path.write_bytes(model.SerializeToString())
    assert main(["solve", str(path), "-k", "2", "-q", "--flops-of", typed]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "flops" in error


def test_only_onnx_models_take_formulas(tmp_path: Path) -> None:
    """A native graph states no shapes: there is nothing to count by, and it may state work."""
    sg.write(_graph(), tmp_path / "graph.json")
    with pytest.raises(sg.InputError, match="only ONNX, StableHLO and TFLite state shapes"):
        sg.read(tmp_path / "graph.json", flops={"A": "1"})
