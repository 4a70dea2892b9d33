"""``slicegraph solve``, as it is typed."""

from __future__ import annotations

import errno
import json
import os
import pty
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import onnx
import pytest

import oracle
import slicegraph as sg
from ctrl_c import run_until_ctrl_c
from slicegraph.cli import main
from strategies import CHAIN, grid

LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"
COMMAND = [sys.executable, "-m", "slicegraph"]


@pytest.fixture
def chain(tmp_path: Path) -> str:
    """The path of a chain of three nodes."""
    path = tmp_path / "chain.json"
    path.write_text(json.dumps(CHAIN))
    return str(path)


def solve_json(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main(["solve", *arguments, "--json"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    answer: dict[str, Any] = json.loads(captured.out)
    return answer


def test_the_json_has_the_keys_of_the_contract(chain: str, capsys: pytest.CaptureFixture[str]) -> None:
    answer = solve_json([chain, "-k", "2", "--bandwidth", "64", "--time-limit", "0.1", "--method", "brkga"], capsys)
    assert answer["graph"].keys() == {"name", "num_nodes", "num_tensors", "digest"}
    assert answer["device"]["bandwidth"] == 64
    made_by = {"format": "slicegraph-plan-1", "version": sg.__version__, "seed": 0, "method": "brkga"}
    assert answer.items() >= (made_by | {"boundary_io": False}).items()
    assert (answer["num_blocks"], answer["status"]) == (2, "time_limit")
    assert (answer["bottleneck"], answer["lower_bound"]) == (3.125, 3.0)
    assert (answer["gap"], answer["ratio"]) == (0.04, 0.96)
    assert sorted(answer["block_of"]) == [0, 0, 1]
    assert answer["block_costs"][1] == {"work": 3.0, "io_in": 0.125, "io_out": 0.0, "overflow": 0.0, "cost": 3.125}
    assert answer["bounds"][0]["method"] == "combinatorial"
    assert answer["seconds"] > 0


def test_the_genetic_search_ends_after_so_many_generations(chain: str, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = ["--population", "10", "--generations", "2"]
    answer = solve_json([chain, "-k", "2", "--bandwidth", "64", "--method", "brkga", *sizes], capsys)
    assert (answer["bottleneck"], answer["status"]) == (3.125, "time_limit")
    assert answer["seconds"] < 30
    assert main(["solve", chain, "-k", "2", "--population", "10"]) == 2
    assert capsys.readouterr().err == "slicegraph: --population: it is of --method brkga, not auto\n"


@pytest.mark.parametrize("model", sorted(LIGHT.glob("*.onnx")), ids=lambda path: path.stem)
def test_a_real_network_costs_what_the_definition_says(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The partition of a real ONNX model is acyclic, its block costs are the oracle's to the tick, its cuts by name."""
    import slicegraph as sg  # noqa: PLC0415 - the library as a user holds it

    native = tmp_path / "model.json"
    sg.write(sg.read(model), native)
    data = json.loads(native.read_text())
    answer = solve_json([str(model), "-k", "8", "--device", "testbed", "--time-limit", "0.3"], capsys)
    assert oracle.is_acyclic(data, answer["block_of"])
    ticks = oracle.snap(data, answer["device"])
    expected = oracle.block_costs(data, ticks, answer["block_of"], 8)
    assert [{key: value / ticks.tick for key, value in block.items()} for block in answer["block_costs"]] == expected
    assert answer["bottleneck"] / ticks.tick == oracle.bottleneck(expected)
    names, sizes = data["tensors"]["name"], data["tensors"]["size"]
    cuts = oracle.cut_tensors(data, answer["block_of"])
    assert answer["cut_tensors"] == [
        {"name": names[x], "bytes": sizes[x], "from": home, "to": importers} for x, home, importers in cuts
    ]
    assert answer["node_names"] == data["nodes"]["name"]


def test_the_table_has_a_row_per_stage_and_the_guarantee(chain: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["solve", chain, "-k", "2", "--bandwidth", "64", "--time-limit", "10"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "chain: 3 nodes, 2 tensors"
    assert [line.split()[0] for line in lines[1:4]] == ["stage", "0", "1"]
    assert "bottleneck   3.125 s (the stage marked <)" in lines
    assert "lower bound  3.125 s (proved again by the checker: cut)" in lines
    assert "gap          0.00%: by this lower bound, no partition is faster by more" in lines


def test_a_gap_that_is_required_and_not_proven_is_exit_1(chain: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["solve", chain, "-k", "2", "--bandwidth", "64", "--time-limit", "0.05", "--json", "--method", "brkga"]
    assert main([*arguments, "--require-gap", "0.03"]) == 1
    assert main([*arguments, "--require-gap", "0.04"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["solve"], "the following arguments are required: MODEL"),
        (["solve", "CHAIN", "-k", "two"], "argument -k/--num-blocks: invalid int value: 'two'"),
        (["solve", "CHAIN", "-k", "0"], "--num-blocks 0: a partition has from 1 to 2^20 blocks"),
        (["solve", "CHAIN", "-k", "2", "--device", "abacus"], "argument --device: invalid choice: 'abacus'"),
        (["solve", "CHAIN", "-k", "2", "--bandwidth", "0"], "--bandwidth 0.0 is not a positive finite number"),
        (["solve", "CHAIN", "-k", "2", "--memory", "0.5"], "--memory 0.5 is not a whole number of bytes"),
        (["solve", "CHAIN", "-k", "2", "--max-gap", "2"], "argument --max-gap: '2' is not from 0 to 1, or 0% to 100%"),
        (
            ["solve", "CHAIN", "-k", "2", "--require-gap=-5%"],
            "argument --require-gap: '-5%' is not from 0 to 1, or 0% to 100%",
        ),
        (["solve", "CHAIN", "-k", "2", "--bandwidth", "64GB"], "argument --bandwidth: '64GB' is not a bandwidth"),
        (["solve", "CHAIN", "-k", "2", "--threads", "0"], "--threads 0: it is a whole number from 1 to 1024"),
        (["solve", "CHAIN", "-k", "2", "--fast", "-z"], "unknown arguments: --fast -z (see slicegraph solve --help)"),
        (["solve", "CHAIN", "-k", "2", "--time-limit", "nan"], "--time-limit nan: seconds are not negative"),
        (["solve", "CHAIN", "-k", "2", "--dim", "batch"], "argument --dim: 'batch' is not NAME=SIZE"),
        (["solve", "CHAIN", "-k", "2", "--dim", "n=1"], "dimensions are given, but only ONNX models have named ones"),
        (["solve", "CHAIN", "-k", "2", "--seed", "-1"], "--seed -1: it is a whole number from 0 to 2^64 - 1"),
        (["solve", "nowhere.json", "-k", "2"], "nowhere.json: No such file or directory"),
        (["solve", "no\nwhere.json", "-k", "2"], "no where.json: No such file or directory"),
        (["divide"], "argument VERB: invalid choice: 'divide'"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(
    arguments: list[str], message: str, chain: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([chain if argument == "CHAIN" else argument for argument in arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("slicegraph: ")
    assert message in captured.err
    assert captured.err.count("\n") == 1


def test_figures_take_units(chain: str, capsys: pytest.CaptureFixture[str]) -> None:
    figures = ["--bandwidth", "64GB/s", "--flops", "2TFLOPS", "--memory", "8MiB", "--overflow-bandwidth", "1kB/s"]
    limits = ["--memory-limit", "1GB", "--memory-bandwidth", "1TB/s", "--time-limit", "500ms", "--max-gap", "5%"]
    device = solve_json([chain, "-k", "2", *figures, *limits], capsys)["device"]
    assert (device["bandwidth"], device["flops"], device["memory"]) == (64e9, 2e12, 2**23)
    assert (device["overflow_bandwidth"], device["memory_limit"], device["memory_bandwidth"]) == (1e3, 10**9, 1e12)


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Everywhere the same."""
    import slicegraph as sg  # noqa: PLC0415 - the library as a user holds it

    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"slicegraph {sg.__version__}\n"
    assert sg.__version__ == metadata.version("slicegraph")


def test_the_log_is_on_standard_error_alone(chain: str) -> None:
    run = subprocess.run(
        [*COMMAND, "solve", chain, "-k", "2", "--time-limit", "0.1", "-v", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(run.stdout)["num_blocks"] == 2
    assert re.match(r"slicegraph: 0\.\d+ s: best \S+ s after \d+ candidates\n", run.stderr)


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT to a process")
def test_ctrl_c_prints_the_best_so_far_and_exits_130(chain: str) -> None:
    """The whole answer is printed, and nothing but it."""
    arguments = ["solve", chain, "-k", "2", "--bandwidth", "64", "--time-limit", "60", "--json", "--method", "brkga"]
    run = run_until_ctrl_c(arguments, 1.0)
    assert run.returncode == 130
    answer = json.loads(run.stdout)
    assert (answer["status"], answer["bottleneck"], run.stderr) == ("interrupted", 3.125, "")


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT to a process")
@pytest.mark.parametrize("seconds", [1.0, 2.0, 4.0])
def test_ctrl_c_while_bounds_are_proven_loses_nothing(seconds: float, tmp_path: Path) -> None:
    """The best partition and bound so far, with a certificate that holds."""
    model, certificate = tmp_path / "grid.json", tmp_path / "grid.cert.json"
    model.write_text(json.dumps(grid(12)))
    arguments = ["solve", str(model), "-k", "6", "--bandwidth", "8", "--json", "--certificate", str(certificate)]
    run = run_until_ctrl_c(arguments, seconds)
    assert (run.returncode, run.stderr) == (130, "")
    assert json.loads(run.stdout)["lower_bound"] >= 24
    assert main(["check", str(model), str(certificate)]) == 0


def test_a_certificate_that_cannot_be_written_is_refused_at_once(
    chain: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "nowhere" / "out.json")
    assert main(["solve", chain, "-k", "2", "--certificate", path]) == 2
    reason = "no file can be written there: No such file or directory"
    assert capsys.readouterr().err == f"slicegraph: --certificate {path}: {reason}\n"


@pytest.mark.skipif(os.name != "posix", reason="opens a terminal")
def test_a_terminal_shows_progress_and_a_pipe_does_not(chain: str) -> None:
    """The progress line goes to a terminal on standard error; NO_COLOR keeps colours out of it."""
    ours, theirs = pty.openpty()
    arguments = ["solve", chain, "-k", "2", "--bandwidth", "64", "--time-limit", "0.5", "--method", "brkga"]
    with subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=theirs, env=os.environ | {"NO_COLOR": "1"}
    ) as run:
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:
                break
            if not part:
                break
            shown += part
        run.communicate(timeout=20)
    os.close(ours)
    assert run.returncode == 0
    assert b"best 3.125 s   proven 3 s   gap 4.00%" in shown
    assert b"\x1b[3" not in shown


@pytest.mark.skipif(os.name != "posix", reason="POSIX shell redirections")
@pytest.mark.parametrize("form", ["", "--json"])
@pytest.mark.parametrize(
    ("redirection", "status", "message"),
    [
        ("| true", 0, ""),
        (">&-", 0, ""),
        ("2>&-", 0, ""),
        (">/dev/full", 2, "slicegraph: the answer cannot be written: No space left on device\n"),
    ],
)
def test_output_that_goes_nowhere_is_no_traceback(
    form: str, redirection: str, status: int, message: str, chain: str
) -> None:
    """The pipe has no reader, nothing is open, or the disk is full."""
    command = f"{' '.join(map(repr, COMMAND))} solve {chain!r} -k 2 --time-limit 0.1 {form}"
    # The status is the command's own, not that of the end of the pipe.
    script = f"({command}; echo $? >&3) 3>&2 {redirection}" if redirection == "| true" else f"{command} {redirection}"
    run = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)  # noqa: S607 - any shell does
    if redirection == "| true":
        assert run.stderr == f"{status}\n"
    else:
        assert (run.returncode, run.stderr) == (status, message)


@pytest.mark.skipif(os.name != "posix", reason="POSIX shell redirections")
@pytest.mark.parametrize(("redirection", "status"), [("| true", 0), (">&-", 0), (">/dev/full", 2)])
def test_a_certificate_is_written_whatever_becomes_of_the_answer(
    redirection: str, status: int, chain: str, tmp_path: Path
) -> None:
    """Files that are asked for come before anything is printed."""
    path = tmp_path / "chain.cert.json"
    command = f"{' '.join(map(repr, COMMAND))} solve {chain!r} -k 2 --time-limit 0.1 --certificate {str(path)!r}"
    script = f"({command}; echo $? >&3) 3>&2 {redirection}"
    run = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)  # noqa: S607 - any shell does
    assert run.stderr.splitlines()[-1] == str(status)
    assert main(["check", chain, str(path)]) == 0


def test_an_answer_is_printed_although_its_certificate_cannot_be_written(
    chain: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full by now is one line and exit status 2, but costs nothing that was computed."""

    def refuse(self: Path, _target: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))

    monkeypatch.setattr(Path, "replace", refuse)
    path = tmp_path / "chain.cert.json"
    arguments = ["solve", chain, "-k", "2", "--time-limit", "0.1", "--json", "--certificate", str(path)]
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert json.loads(captured.out)["num_blocks"] == 2
    assert captured.err == f"slicegraph: {path}: No space left on device\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["chain.json"]


@pytest.mark.parametrize("verb", ["solve", "audit"])
def test_the_plan_that_is_written_is_what_json_prints(
    verb: str, chain: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And it is a plan that the verbs take."""
    path, given = tmp_path / "plan.json", tmp_path / "given.txt"
    given.write_text("0 0 1")
    plan = [str(given)] if verb == "audit" else []
    options = ["-k", "2", "--bandwidth", "64", "--time-limit", "10", "--plan", str(path)]
    assert main([verb, chain, *plan, *options, "--json"]) == 0
    printed = capsys.readouterr().out
    assert path.read_text() == printed
    assert main([verb, chain, *plan, *options]) == 0
    written = json.loads(path.read_text())
    timed = {"seconds": 0, "bounds": [], "history": []}
    assert written | timed == json.loads(printed) | timed
    assert written["cut_tensors"] == [{"name": "tensor 1", "bytes": 8, "from": 0, "to": [1]}]
    capsys.readouterr()
    assert main(["audit", chain, str(path), *options[:4], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["bottleneck"] == 3.125


def test_a_place_where_no_plan_can_be_written_is_refused_at_once(
    chain: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is computed; two files in one place are refused, too, whatever it is called."""
    assert main(["solve", chain, "-k", "2", "--plan", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"slicegraph: --plan {tmp_path}: a folder, and only files are written\n"
    path, link = tmp_path / "one.json", tmp_path / "link.json"
    link.symlink_to(path)
    assert main(["solve", chain, "-k", "2", "--plan", str(link), "--certificate", str(path)]) == 2
    assert capsys.readouterr().err == f"slicegraph: --plan {link}: --certificate is to be written there, too\n"
    assert not path.exists()


def test_help_that_cannot_be_printed_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        run = subprocess.run([*COMMAND, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (run.returncode, run.stderr) == (2, "slicegraph: the answer cannot be written: No space left on device\n")


def test_a_name_that_cannot_be_encoded_is_escaped(tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(CHAIN | {"name": "\ud800 \u00e9"}))
    command = [*COMMAND, "solve", str(path), "-k", "2", "--time-limit", "0.1"]
    run = subprocess.run(
        command, env=os.environ | {"PYTHONIOENCODING": "ascii"}, capture_output=True, text=True, check=True
    )
    assert run.stdout.startswith(r"\ud800 \xe9: 3 nodes")


def test_no_partition_within_the_memory_limit_is_exit_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The answer says so, claims no gap, and shows no partition."""
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(CHAIN | {"nodes": CHAIN["nodes"] | {"param_bytes": [3, 3, 3]}}))
    arguments = ["solve", str(path), "-k", "2", "--memory-limit", "5", "--time-limit", "60"]
    assert main(arguments) == 1
    out = capsys.readouterr().out
    assert "infeasible: no partition fits the memory limit" in out
    assert "stage  nodes" not in out
    assert "gap" not in out
    assert main([*arguments, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["bottleneck"] is None


def test_stages_that_stay_empty_are_counted_not_listed(chain: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["solve", chain, "-k", "100000", "--bandwidth", "1e-3", "--time-limit", "0.1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "chain: 3 nodes, 2 tensors; 1 of 100000 stages are enough"
    assert len(lines) < 10


def test_stages_are_enough_where_more_are_not_faster(
    chain: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two stages take 3.125 s and one 6 s: an answer that stays near a plan of one uses it, but two are faster."""
    plan = tmp_path / "plan.json"
    assert main(["solve", chain, "-k", "1", "--bandwidth", "64", "--plan", str(plan)]) == 0
    capsys.readouterr()
    near = ["solve", chain, "-k", "2", "--bandwidth", "64", "--stay-near", str(plan), "--slack", "1"]
    assert main(near) == 0
    assert capsys.readouterr().out.splitlines()[0] == "chain: 3 nodes, 2 tensors; 1 of 2 stages are used"
