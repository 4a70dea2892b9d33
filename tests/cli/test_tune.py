"""``slicegraph tune``, as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest
from onnx import parser

import slicegraph as sg
from slicegraph.cli import main

TEXT = """<ir_version: 8, opset_import: ["": 17]> mlp (float[N,128] x) => (float[N,128] y) {
    a = MatMul(x, x) b = Relu(a) c = MatMul(b, b) d = Tanh(c) y = MatMul(d, d) }"""


@pytest.fixture
def model(tmp_path: Path) -> str:
    """The path of a model of five nodes with a named dimension."""
    path = tmp_path / "mlp.onnx"
    onnx.save(parser.parse_model(TEXT), path)
    return str(path)


def test_the_plan_is_written_and_taken_by_other_verbs(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan, graph, stages = (str(tmp_path / name) for name in ("plan.json", "graph.json", "stages"))
    quick = ["--dim", "N=128", "--runs", "5", "--rounds", "2"]
    assert main(["tune", model, "-k", "2", "-o", plan, "--graph", graph, *quick]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "mlp: 5 nodes, 6 tensors"
    assert lines[1].split() == ["round", "work", "of", "predicted", "measured", "error", "took"]
    assert any(line.startswith("stages of round ") for line in lines)
    assert main(["split", model, plan, "-o", stages, "--dim", "N=128", "--graph", graph]) == 0
    assert main(["audit", graph, plan, "-k", "2"]) == 0
    assert main(["solve", graph, "-k", "2", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert answer["device"] == sg.read(graph).arrays.device


def test_the_json_is_one_object(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = tmp_path / "plan.json"
    assert main(["tune", model, "-k", "2", "-o", str(plan), "--dim", "N=128", "--runs", "3", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    best = answer["rounds"][answer["best"]]
    assert best["measured"] == min(one["measured"] for one in answer["rounds"])
    assert {"predicted", "measured", "seconds", "stages"} <= best.keys()
    assert {"predicted", "measured"} <= best["stages"][0].keys()
    assert answer["plan"] == json.loads(plan.read_text())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-k", "2"], "the following arguments are required: -o/--output"),
        (["-k", "0", "-o", "PLAN"], "--num-blocks 0: it is a whole number from 1"),
        (["-k", "2", "-o", "nowhere/plan.json"], "--output nowhere/plan.json: no file can be written there"),
        (["-k", "2", "-o", "PLAN", "--graph", "graph.txt"], "--graph graph.txt: graphs are written as .json"),
        (["-k", "2", "-o", "PLAN", "--time-limit", "0", "--dim", "N=4"], "--time-limit 0: it was over before"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(
    arguments: list[str], message: str, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "plan.json"
    assert main(["tune", model, *(str(output) if word == "PLAN" else word for word in arguments)]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert not output.exists()
