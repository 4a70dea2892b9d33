"""``slicegraph sweep``, as it is typed."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import slicegraph as sg
from ctrl_c import run_until_ctrl_c
from slicegraph.cli import main
from strategies import CHAIN, grid

COLUMNS = ["num_blocks", "bottleneck", "lower_bound", "gap", "status", "stages_used"]
COLUMNS += ["throughput", "speedup", "efficiency", "seconds"]


@pytest.fixture
def chain(tmp_path: Path) -> str:
    """The path of a chain of three nodes: 6 s as one stage, 3.125 s as two and as three."""
    path = tmp_path / "chain.json"
    path.write_text(json.dumps(CHAIN))
    return str(path)


@pytest.fixture
def wide(tmp_path: Path) -> str:
    """The path of a graph that takes long."""
    path = tmp_path / "grid.json"
    path.write_text(json.dumps(grid(40)))
    return str(path)


def sweep_json(arguments: list[str], capsys: pytest.CaptureFixture[str], status: int = 0) -> dict[str, Any]:
    assert main(["sweep", *arguments, "--json"]) == status
    captured = capsys.readouterr()
    assert captured.err == ""
    answer: dict[str, Any] = json.loads(captured.out)
    return answer


def test_what_is_guessed_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rows rest on the work of all nodes, so a sweep names operators without a rule, as an answer does."""
    path = tmp_path / "guess.json"
    nodes = {"op": ["MatMul", "my.Twist"], "flops": [3e9, 1e9], "is_guess": [0, 1]}
    tensors = {"producer": [0], "size": [4], "consumers": [[1]]}
    path.write_text(json.dumps({"format": "slicegraph-graph-1", "name": "g", "nodes": nodes, "tensors": tensors}))
    arguments = [str(path), "-k", "1..2", "--device", "testbed"]
    assert sweep_json(arguments, capsys)["guessed"] == [{"op": "my.Twist", "nodes": 1, "share_of_work": 0.25}]
    assert main(["sweep", *arguments]) == 0
    assert "guessed: my.Twist (1 of 2 nodes, 25" in capsys.readouterr().out


def test_the_json_has_the_keys_of_the_contract(chain: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [chain, "-k", "1..2,4", "--bandwidth", "64", "--target", "4s"]
    answer = sweep_json(arguments, capsys)
    assert answer.keys() == {"graph", "device", "boundary_io", "rows", "target"}
    assert answer["graph"].keys() == {"name", "num_nodes", "num_tensors", "digest"}
    assert answer["device"]["bandwidth"] == 64
    assert [list(row) for row in answer["rows"]] == [COLUMNS] * 3
    assert [row["num_blocks"] for row in answer["rows"]] == [1, 2, 4]
    assert [row["bottleneck"] for row in answer["rows"]] == [6.0, 3.125, 3.125]
    assert [row["stages_used"] for row in answer["rows"]] == [1, 2, 2]
    assert answer["rows"][2]["speedup"] == 1.92
    assert answer["rows"][2]["efficiency"] == 0.96
    assert answer["target"] == {"asked": 4.0, "fewest": 2, "is_proven": True}


def test_several_devices_are_a_list_of_sweeps(chain: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [chain, "-k", "2", "--device", "testbed,a100", "--bandwidth", "64,8", "--target", "0.3/s"]
    answer = sweep_json(arguments, capsys, status=1)
    assert answer.keys() == {"graph", "sweeps"}
    figures = [(sweep["device"]["flops"], sweep["device"]["bandwidth"]) for sweep in answer["sweeps"]]
    assert figures == [
        (50e12, 64),
        (50e12, 8),
        (sg.Device.preset("a100").flops, 64),
        (sg.Device.preset("a100").flops, 8),
    ]
    assert [sweep["rows"][0]["bottleneck"] for sweep in answer["sweeps"]] == [3.125, 4.0] * 2
    assert [sweep["target"]["fewest"] for sweep in answer["sweeps"]] == [2, None] * 2


def test_the_csv_has_a_line_per_row(chain: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", chain, "-k", "1,2", "--bandwidth", "64", "--csv"]) == 0
    rows = list(csv.reader(capsys.readouterr().out.splitlines()))
    assert rows[0] == COLUMNS
    assert [row[:6] for row in rows[1:]] == [
        ["1", "6.0", "6.0", "0.0", "optimal", "1"],
        ["2", "3.125", "3.125", "0.0", "optimal", "2"],
    ]
    assert main(["sweep", chain, "-k", "2", "--bandwidth", "64,8", "--csv"]) == 0
    rows = list(csv.reader(capsys.readouterr().out.splitlines()))
    assert rows[0] == ["bandwidth", *COLUMNS]
    assert [row[:3] for row in rows[1:]] == [["64.0", "2", "3.125"], ["8.0", "2", "4.0"]]


def test_the_table_has_a_row_per_number_and_says_what_is_enough(chain: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", chain, "-k", "1..3", "--bandwidth", "64", "--target", "0.32/s"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "chain: 3 nodes, 2 tensors"
    assert [line.split() for line in lines[2:5]] == [
        ["1", "6", "s", "6", "s", "0.00%", "optimal", "1", "x", "1", "100.00%"],
        ["2", "3.125", "s", "3.125", "s", "0.00%", "optimal", "1.92", "x", "2", "96.00%"],
        ["3", "3.125", "s", "3.125", "s", "0.00%", "optimal", "1.92", "x", "2", "96.00%"],
    ]
    assert lines[5].startswith("proven       3 of 3 rows, ")
    assert lines[6:] == [
        "enough       2 stages: up to 3, more are not faster",
        "target       3.125 s (0.32 per s) is reached with 2 stages, the fewest: proven",
    ]


def test_every_table_says_of_which_device_it_is(chain: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", chain, "-k", "2", "--bandwidth", "64MB/s,8", "--device", "testbed,a100"]) == 0
    lines = capsys.readouterr().out.splitlines()
    named = [line for line in lines if line.startswith("device")]
    assert named == [
        f"device {name}, bandwidth {rate}" for name in ("testbed", "a100") for rate in ("64 MB/s", "8 B/s")
    ]


@pytest.mark.parametrize(
    ("target", "status", "line"),
    [
        ("0.32/s", 0, "3.125 s (0.32 per s) is reached with 2 stages, the fewest: proven"),
        ("6s", 0, "6 s (0.1667 per s) is reached with 1 stage"),
        ("3s", 1, "3 s (0.3333 per s) is not reached: proven for all numbers of stages up to 3"),
    ],
)
def test_the_table_says_what_is_known_of_a_target(
    chain: str, target: str, status: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", chain, "-k", "1..3", "--bandwidth", "64", "--target", target]) == status
    assert capsys.readouterr().out.splitlines()[-1] == f"target       {line}"


def test_the_table_says_what_of_a_target_is_open(wide: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["sweep", wide, "-k", "4", "--bandwidth", "1e9", "--time-limit", "0"]
    assert main([*arguments, "--target", "900s"]) == 1
    line = "target       900 s (0.001111 per s) is not reached by what is known; whether 2 to 4 stages reach it is open"
    assert capsys.readouterr().out.splitlines()[-1] == line


@pytest.mark.skipif(os.name != "posix", reason="opens a terminal")
def test_bars_are_for_terminals(chain: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One per row, as high as its throughput: 1 and 1.92 are 4/7 and 7/7 of the full height."""
    arguments = ["sweep", chain, "-k", "1..3", "--bandwidth", "64", "-q"]
    assert main(arguments) == 0
    assert "▅" not in capsys.readouterr().out
    ours, theirs = pty.openpty()
    with subprocess.Popen([sys.executable, "-m", "slicegraph", *arguments], stdout=theirs) as run:
        os.close(theirs)
        shown = b""
        # The end of a terminal is an error.
        with contextlib.suppress(OSError):
            while part := os.read(ours, 4096):
                shown += part
    os.close(ours)
    assert run.returncode == 0
    assert "throughput   ▅██" in shown.decode()


def test_a_file_is_gone_on_from(chain: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rows that it holds keep their seconds; another device's are beside them."""
    file = tmp_path / "sweep.out"
    arguments = [chain, "--bandwidth", "64", "-o", str(file)]
    first = sweep_json([*arguments, "-k", "1..4"], capsys)
    other = sweep_json([chain, "--bandwidth", "8", "-k", "1..4", "-o", str(file)], capsys)
    again = sweep_json([*arguments, "-k", "2..4"], capsys)
    assert again["rows"] == first["rows"][1:]
    assert other["rows"] != first["rows"]
    assert [sweep["device"]["bandwidth"] for sweep in json.loads(file.read_text())["sweeps"]] == [8, 64]
    assert main(["sweep", chain, "-k", "2", "-o", chain]) == 2
    assert (
        capsys.readouterr().err
        == f"slicegraph: {chain}: not what `slicegraph sweep -o` writes, so nothing is written there\n"
    )


def test_a_suffix_that_promises_another_form_is_refused(
    chain: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "sweep.csv"
    assert main(["sweep", chain, "-k", "2", "-o", str(file)]) == 2
    told = f"slicegraph: --output {file}: a sweep is kept as JSON, so FILE should end in .json\n"
    assert capsys.readouterr() == ("", told)
    assert not file.exists()
    assert json.loads(Path(chain).read_text()) == CHAIN


def test_nothing_that_fits_is_exit_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "chain.json"
    path.write_text(json.dumps(CHAIN | {"nodes": CHAIN["nodes"] | {"param_bytes": [1, 9, 1]}}))
    answer = sweep_json([str(path), "-k", "1..3", "--bandwidth", "64", "--memory-limit", "8"], capsys, status=1)
    assert [(row["status"], row["bottleneck"], row["speedup"]) for row in answer["rows"]] == [
        ("infeasible", None, None)
    ] * 3
    assert main(["sweep", str(path), "-k", "1..3", "--bandwidth", "64", "--memory-limit", "8"]) == 1
    told = "infeasible   node 1 needs 9 B of parameters, but a device holds 8 B: its stage is short of 1 B"
    assert told in capsys.readouterr().out.splitlines()
    answer = sweep_json([str(path), "-k", "1..3", "--bandwidth", "64", "--memory-limit", "10"], capsys)
    assert [row["status"] for row in answer["rows"]] == ["infeasible", "optimal", "optimal"]


def test_ctrl_c_gives_the_rows_so_far(wide: str, tmp_path: Path) -> None:
    file = tmp_path / "sweep.out"
    arguments = ["sweep", wide, "-k", "1..6", "--bandwidth", "3", "--time-limit", "600", "--json", "-o", str(file)]
    run = run_until_ctrl_c(arguments, 3)
    assert (run.returncode, run.stderr) == (130, "")
    rows = json.loads(run.stdout)["rows"]
    assert [row["num_blocks"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert "interrupted" in {row["status"] for row in rows}
    assert json.loads(file.read_text())["graph"] == "grid"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: -k/--num-blocks (see slicegraph sweep --help)"),
        (["-k", "4..2"], "argument -k/--num-blocks: '4..2': numbers are from 1 to 2^20, the smaller first"),
        (["-k", "0..2"], "argument -k/--num-blocks: '0..2': numbers are from 1 to 2^20, the smaller first"),
        (["-k", "1,,2"], "argument -k/--num-blocks: '' is neither a whole number nor a range, such as 1..64"),
        (["-k", "x"], "argument -k/--num-blocks: 'x' is neither a whole number nor a range, such as 1..64"),
        (
            ["-k", "2", "--target", "0/s"],
            "argument --target: '0/s' is no time or throughput above 0, such as 5ms or 200/s",
        ),
        (
            ["-k", "2", "--target", "5GB"],
            "argument --target: '5GB' is no time or throughput above 0, such as 5ms or 200/s",
        ),
        (["-k", "2", "--device", "x"], "argument --device: no preset 'x', but testbed, a100, h100, "),
        (["-k", "2", "--bandwidth", "1GB/s,0"], "--bandwidth 0.0 is not a positive finite number"),
        (["-k", "2", "--time-limit", "-1"], "--time-limit -1: seconds are not negative"),
        (["-k", "2", "--max-gap", "2"], "argument --max-gap: '2' is not from 0 to 1, or 0% to 100%"),
        (["-k", "2", "--seed", "-1"], "--seed -1: it is a whole number from 0 to 2^64 - 1"),
        (["-k", "2", "-o", "/"], "--output /: a folder, and only files are written"),
    ],
)
def test_wrong_usage_is_one_line(
    chain: str, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", chain, *arguments]) == 2
    assert capsys.readouterr().err.startswith(f"slicegraph: {message}")
