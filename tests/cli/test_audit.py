"""``slicegraph audit``, as it is typed."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from ctrl_c import run_until_ctrl_c
from slicegraph.cli import main
from strategies import CHAIN

OPTIONS = ["--bandwidth", "64", "--time-limit", "0.1"]
NAMED: dict[str, Any] = CHAIN | {"nodes": CHAIN["nodes"] | {"name": ["conv1", "conv2", "conv3"]}}


@pytest.fixture
def chain(tmp_path: Path) -> str:
    """The path of a chain of three nodes with names."""
    return write(tmp_path / "chain.json", NAMED)


def write(path: Path, data: Any) -> str:
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return str(path)


def test_the_json_is_that_of_solve(chain: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the plan's own costs, and bounds that no plan beats."""
    assert main(["solve", chain, "-k", "2", *OPTIONS, "--json"]) == 0
    solved = json.loads(capsys.readouterr().out)
    plan = write(tmp_path / "plan.txt", "0 1 1")
    assert main(["audit", chain, plan, "-k", "2", *OPTIONS, "--json"]) == 0
    captured = capsys.readouterr()
    audited = json.loads(captured.out)
    assert captured.err == ""
    assert audited.keys() == solved.keys()
    assert (audited["block_of"], audited["bottleneck"]) == ([0, 1, 1], 5.125)
    assert 3.0 <= audited["lower_bound"] <= 3.125
    assert audited["gap"] == (5.125 - audited["lower_bound"]) / 5.125


def test_what_solve_prints_is_a_plan(chain: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And so is a certificate, which has it in its witness."""
    assert main(["solve", chain, "-k", "2", *OPTIONS, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    for plan in (answer, {"witness": {"block_of": answer["block_of"]}}):
        path = write(tmp_path / "plan.json", plan)
        assert main(["audit", chain, path, "-k", "2", *OPTIONS, "--json"]) == 0
        audited = json.loads(capsys.readouterr().out)
        assert {key: audited[key] for key in ("graph", "block_of", "block_costs", "bottleneck")} == {
            key: answer[key] for key in ("graph", "block_of", "block_costs", "bottleneck")
        }


def test_the_table_grades_the_plan(chain: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = write(tmp_path / "plan.json", {"conv1": 0, "conv2": 0, "conv3": 1})
    assert main(["audit", chain, plan, "-k", "2", *OPTIONS]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:4]] == ["stage", "0", "1"]
    assert "bottleneck   3.125 s (the stage marked <)" in lines


def test_complaints_are_lines_on_standard_error(chain: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They do not change the exit status."""
    plan = write(tmp_path / "plan.txt", "1 1 3")
    assert main(["audit", chain, plan, "-k", "9", *OPTIONS, "--json", "-q"]) == 0
    captured = capsys.readouterr()
    assert captured.err.splitlines() == [
        f"slicegraph: {plan}: stage 0 is empty",
        f"slicegraph: {plan}: stage 2 is empty",
        f"slicegraph: {plan}: stages 4 to 8 are empty",
    ]
    assert json.loads(captured.out)["block_of"] == [1, 1, 3]


def test_a_plan_above_the_memory_limit_is_exit_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = write(tmp_path / "graph.json", CHAIN | {"nodes": CHAIN["nodes"] | {"param_bytes": [3, 3, 3]}})
    plan = write(tmp_path / "plan.json", [0, 1, 1])
    arguments = ["audit", model, plan, "-k", "3", *OPTIONS, "--memory-limit", "5"]
    assert main([*arguments, "--json"]) == 1
    captured = capsys.readouterr()
    assert captured.err.splitlines() == [
        f"slicegraph: {plan}: stage 2 is empty",
        f"slicegraph: {plan}: stage 1 holds 6 bytes of parameters, but memory_limit is 5",
    ]
    assert json.loads(captured.out)["bottleneck"] is None
    assert main(arguments) == 1


def test_a_gap_that_is_required_and_not_proven_is_exit_1(
    chain: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The gap is the plan's, not that of a better partition that was found."""
    plan = write(tmp_path / "plan.json", [[0], [1, 2]])
    arguments = ["audit", chain, plan, "-k", "2", *OPTIONS, "--json"]
    assert main([*arguments, "--require-gap", "0.39"]) == 1
    assert main([*arguments, "--require-gap", "0.42"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ("0 1 0", "cycle: stage 0 -> stage 1 -> stage 0, where tensor 1 runs from stage 1 back to stage 0"),
        (
            "1 1 0",
            "tensor 1 runs from stage 1 back to stage 0; there is no cycle, but stages are numbered in the order",
        ),
        ("1 1 2", "node 2 ('conv3') is in stage 2, but stages are 0 to 1"),
        ("0 1", "node 2 ('conv3') has no stage"),
        ({"conv1": 0, "conv2": 1}, "node 2 ('conv3') has no stage"),
        ({"conv4": 0}, "'conv4' is neither the name of a node nor an index below 3"),
        ([0, 1.5, 1], "node 1 ('conv2'): 1.5, but a stage is a whole number from 0"),
        ([[0, 1], [1, 2]], "node 1 ('conv2') is given twice, in stages 0 and 1"),
        ("[0, 1", "not JSON"),
    ],
)
def test_a_plan_that_is_none_is_one_line_and_exit_2(
    plan: Any, message: str, chain: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line names the file, the culprit and the rule."""
    path = write(tmp_path / "plan", plan)
    assert main(["audit", chain, path, "-k", "2"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"slicegraph: {path}: {message}")
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["CHAIN"], "the following arguments are required: PLAN"),
        (
            ["CHAIN", "CHAIN"],
            "the following arguments are required: -k/--num-blocks, or --devices (see slicegraph audit",
        ),
        (["CHAIN", "nowhere.json", "-k", "2"], "nowhere.json: No such file or directory"),
        (["nowhere.json", "CHAIN", "-k", "2"], "nowhere.json: No such file or directory"),
        (
            ["CHAIN", "CHAIN", "-k", "2", "--require-gap", "2"],
            "argument --require-gap: '2' is not from 0 to 1, or 0% to 100%",
        ),
        (["CHAIN", "CHAIN", "-k", "2", "--time-limit", "-1"], "--time-limit -1: seconds are not negative"),
        (["CHAIN", "CHAIN", "-k", "0"], "--num-blocks 0: a partition has from 1 to 2^20 blocks"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(
    arguments: list[str], message: str, chain: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", *(chain if argument == "CHAIN" else argument for argument in arguments)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("slicegraph: ")
    assert message in captured.err
    assert captured.err.count("\n") == 1


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT to a process")
def test_ctrl_c_prints_what_is_proven_and_exits_130(tmp_path: Path) -> None:
    """On a graph that takes long to solve."""
    source = random.Random(0)  # noqa: S311 - any numbers do
    size = 400
    nodes = {"op": ["op"] * size, "work": [source.random() for _ in range(size)]}
    tensors = {
        "producer": list(range(size - 1)),
        "size": [source.randrange(1, 9) for _ in range(size - 1)],
        "consumers": [
            sorted(source.sample(range(node + 1, size), min(3, size - node - 1))) for node in range(size - 1)
        ],
    }
    model = write(tmp_path / "graph.json", {"format": "slicegraph-graph-1", "nodes": nodes, "tensors": tensors})
    plan = write(tmp_path / "plan.json", [16 * node // size for node in range(size)])
    run = run_until_ctrl_c(["audit", model, plan, "-k", "16", "--bandwidth", "64", "--json"], 1.5)
    assert (run.returncode, run.stderr) == (130, "")
    answer = json.loads(run.stdout)
    assert answer["status"] == "interrupted"
    assert answer["block_of"] == [16 * node // size for node in range(size)]
