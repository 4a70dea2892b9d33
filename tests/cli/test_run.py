"""``slicegraph run``, as it is typed."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines import chain, change
from slicegraph.cli import main

COMMAND = [sys.executable, "-m", "slicegraph", "run"]

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes as Linux shows them")


@pytest.fixture
def stages(tmp_path: Path) -> str:
    """The folder of a chain of three stages."""
    chain(tmp_path / "stages")
    return str(tmp_path / "stages")


@contextlib.contextmanager
def at_work(stages: str) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A pipeline that goes on for minutes, and the processes of its stages."""
    with subprocess.Popen(
        [*COMMAND, stages, "--seconds", "300", "--warmup", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as run:
        try:
            deadline = time.monotonic() + 20
            while len(pids := working(run.pid)) < 3:
                assert time.monotonic() < deadline
                assert run.poll() is None
                time.sleep(0.05)
            time.sleep(0.3)
            # What they share has no name, so nothing of it can stay.
            assert re.search(r" /dev/shm/.* \(deleted\)", Path(f"/proc/{run.pid}/maps").read_text())
            yield run, pids
            assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(run.pid, signal.SIGKILL)


def working(parent: int) -> list[int]:
    """The stages of a command that have loaded their models."""
    found = []
    for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        with contextlib.suppress(OSError):
            if "onnxruntime_pybind11" in Path(f"/proc/{pid}/maps").read_text():
                found.append(int(pid))
    return found


def test_the_table_has_a_row_per_stage_and_the_throughput(stages: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", stages, "--requests", "20", "--compare", f"{stages}.onnx"]) == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert lines[0].startswith("chain: 3 stages, 20 requests in ")
    assert lines[1].split() == "stage block nodes predicted run processor transfer measured ratio busy".split()  # noqa: SIM905 - a row
    assert [line.split()[:5] for line in lines[2:5]] == [
        [str(stage), str(stage + 1), nodes, "100", "us"] for stage, nodes in enumerate("112")
    ]
    assert sum("<" in line for line in lines[2:5]) == 1
    assert re.fullmatch(r"bottleneck   .* \(the stage marked <\), predicted 100 us", lines[5])
    assert re.fullmatch(r"throughput   \S+ per s, predicted 1e\+04 per s", lines[6])
    assert re.fullmatch(r"one process  \S+ per s: the pipeline is \S+ times as fast", lines[7])
    assert captured.err == ""


def test_json_is_one_object(stages: str, capsys: pytest.CaptureFixture[str]) -> None:
    change(Path(stages), predicted={}, stages__1__predicted={})
    assert main(["run", stages, "--requests", "5", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["model"], answer["requests"], answer["interrupted"]) == ("chain", 5, False)
    assert answer["predicted"] == {"bottleneck": None, "throughput": None}
    assert answer["whole"] == {"throughput": None, "speedup": None}
    assert [stage["predicted"] for stage in answer["stages"]] == [1e-4, None, 1e-4]
    assert answer["bottleneck"] == max(stage["measured"] for stage in answer["stages"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run"], "the following arguments are required: DIR"),
        (["run", "nowhere"], "nowhere/manifest.json: No such file or directory"),
        (["run", "STAGES", "--requests", "0"], "--requests 0: it is a whole number from 1 to 5000"),
        (["run", "STAGES", "--compare", "nowhere.onnx"], "nowhere.onnx: No such file or directory"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(
    arguments: list[str], message: str, stages: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([stages if argument == "STAGES" else argument for argument in arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("slicegraph: ")
    assert message in captured.err
    assert captured.err.count("\n") == 1


def test_ctrl_c_prints_what_was_measured_and_exits_130(stages: str) -> None:
    """The whole group is told, as a terminal does."""
    with at_work(stages) as (run, _):
        os.killpg(run.pid, signal.SIGINT)
        out, err = run.communicate(timeout=10)
        assert (run.returncode, err) == (130, "")
        assert re.match(r"chain: 3 stages, \d+ requests in .*, interrupted\nstage", out)


def test_a_stage_that_is_killed_is_one_line_and_exit_2(stages: str) -> None:
    with at_work(stages) as (run, pids):
        os.kill(pids[1], signal.SIGKILL)
        out, err = run.communicate(timeout=2)
        assert (run.returncode, out) == (2, "")
        assert re.fullmatch(r"slicegraph: stage \d \(stage\d\.onnx\) was ended by signal 9 after \d+ requests\n", err)


def test_a_stage_that_fails_is_one_line_and_exit_2(stages: str) -> None:
    """Nothing that a library has to say comes through."""
    for where in ("stages__0__outputs__0", "stages__1__inputs__0", "stages__2__inputs__0"):
        change(Path(stages), **{f"{where}__shape": [47, 48]})
    run = subprocess.run([*COMMAND, stages], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr.count("\n")) == (2, "", 1)
    assert run.stderr.startswith("slicegraph: stage 0 (stage0.onnx) failed after 0 requests: ")


def test_stages_end_with_the_command_however_it_ends(stages: str) -> None:
    with at_work(stages) as (run, pids):
        run.kill()
        run.wait(timeout=10)
        deadline = time.monotonic() + 5
        while any(Path(f"/proc/{pid}").exists() for pid in pids):
            assert time.monotonic() < deadline
            time.sleep(0.05)
