"""``slicegraph profile``, as it is typed."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import parser

import slicegraph as sg
from slicegraph.cli import main

MODEL = """<ir_version: 9, opset_import: ["": 18]>
    mlp (float[N,64] x) => (float[N,64] y) { a = MatMul(x, x) b = Relu(a) c = MatMul(b, b) y = Add(c, x) }"""
QUICK = ["--dim", "N=64", "--runs", "2", "--warmup", "1"]


@pytest.fixture
def model(tmp_path: Path) -> str:
    """The path of a model of four nodes with a named dimension."""
    path = tmp_path / "mlp.onnx"
    onnx.save(parser.parse_model(MODEL), path)
    return str(path)


@pytest.mark.parametrize("suffix", [".json", ".json.gz"])
def test_the_graph_is_written_and_solved(
    suffix: str, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file is a native graph with work, which every other verb takes."""
    output = str(tmp_path / f"graph{suffix}")
    assert main(["profile", model, "-o", output, *QUICK, "--threads", "1", "--seed", "3"]) == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert lines[0] == "mlp: 4 nodes, 5 tensors"
    assert lines[1].split() == ["operator", "nodes", "time", "share"]
    assert {line.split()[0] for line in lines[2:5]} == {"MatMul", "Relu", "Add"}
    assert [line[:13].rstrip() for line in lines[5:]] == ["nodes", "whole model", "optimized", "transfers"]
    assert "lower quartiles of 2 runs" in lines[5]
    graph = sg.read(output)
    assert graph.arrays.work is not None
    assert graph.arrays.flops is not None
    assert main(["solve", output, "-k", "2", "--time-limit", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["graph"]["digest"] == graph.structure_digest


def test_the_json_is_one_object(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = str(tmp_path / "graph.json")
    assert main(["profile", model, "-o", output, *QUICK, "--json"]) == 0
    captured = capsys.readouterr()
    answer: dict[str, Any] = json.loads(captured.out)
    digest = sg.read(output).structure_digest
    assert answer["graph"] == {"name": "mlp", "num_nodes": 4, "num_tensors": 5, "digest": digest}
    assert (answer["runs"], answer["interrupted"], answer["replaced"]) == (2, False, [])
    assert sorted((each["op"], each["num_nodes"]) for each in answer["operators"]) == [
        ("Add", 1),
        ("MatMul", 2),
        ("Relu", 1),
    ]
    assert sum(each["seconds"] for each in answer["operators"]) == pytest.approx(answer["node_seconds"])
    assert answer["latency"] > 0
    assert answer["optimized_latency"] > 0


def test_what_has_no_kernel_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mish.onnx"
    onnx.save(parser.parse_model(MODEL.replace("Relu", "Mish")), path)
    assert main(["profile", str(path), "-o", str(tmp_path / "graph.json"), "--unfused", *QUICK]) == 0
    assert "slicegraph: 1 node never ran as such (1 Mish): the " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["profile", "MODEL"], "the following arguments are required: -o/--output"),
        (["profile", "MODEL", "-o", "graph.txt"], "--output graph.txt: graphs are written as .json or .json.gz"),
        (["profile", "MODEL", "-o", "nowhere/g.json"], "--output nowhere/g.json: no file can be written there"),
        (["profile", "MODEL", "-o", "OUTPUT", "--runs", "0"], "--runs 0: it is a whole number from 1 to"),
        (["profile", "MODEL", "-o", "OUTPUT", "--runs", "x"], "argument --runs: invalid int value: 'x'"),
        (["profile", "MODEL", "-o", "OUTPUT"], "give --dim N=VALUE"),
        (["profile", "nowhere.onnx", "-o", "OUTPUT"], "nowhere.onnx: No such file or directory"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(
    arguments: list[str], message: str, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "graph.json"
    named = {"MODEL": model, "OUTPUT": str(output)}
    assert main([named.get(argument, argument) for argument in arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("slicegraph: ")
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert not output.exists()


def test_without_onnxruntime_the_error_says_what_to_install(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnxruntime" else find(name))
    assert main(["profile", model, "-o", str(tmp_path / "graph.json")]) == 2
    message = "profiling takes the onnxruntime package; pip install slicegraph[onnxruntime]"
    assert capsys.readouterr().err == f"slicegraph: {model}: {message}\n"


def test_ctrl_c_before_anything_is_measured_is_exit_130(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from slicegraph.stages.onnx import timing  # noqa: PLC0415 - loads onnxruntime, which the command does itself

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(timing, "run", interrupted)
    output = tmp_path / "graph.json"
    assert main(["profile", model, "-o", str(output), *QUICK]) == 130
    assert not output.exists()
