"""What the processes that we start import, and hear."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from slicegraph import processes

COMMAND = Path(sys.executable).with_name("slicegraph")
TRAPS = ("highspy", "numpy", "queue", "socket", "signal", "pickle", "sitecustomize", "_core", "slicegraph_command")


@pytest.fixture
def trapped(tmp_path: Path) -> Path:
    """A folder with files that are called like modules."""
    here = tmp_path / "here"
    here.mkdir()
    for name in TRAPS:
        (here / f"{name}.py").write_text(f"open({str(tmp_path / 'sprung')!r}, 'w').close()\n")
    return here


def test_the_command_runs_no_code_of_the_current_folder(trapped: Path, tmp_path: Path) -> None:
    """Neither its own process nor the solver's."""
    nodes = 30
    graph = {
        "format": "slicegraph-graph-1",
        "name": "tangle",
        "nodes": {"op": ["Op"] * nodes, "work": [1.0 + (7 * node) % 5 for node in range(nodes)]},
        "tensors": {
            "producer": list(range(nodes - 2)),
            "size": [1 + (3 * node) % 7 for node in range(nodes - 2)],
            "consumers": [[node + 1, node + 2] for node in range(nodes - 2)],
        },
    }
    (tmp_path / "graph.json").write_text(json.dumps(graph))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    run = subprocess.run(
        [
            COMMAND,
            "solve",
            "../graph.json",
            "-k",
            "4",
            "--bandwidth",
            "4",
            "--method",
            "exact",
            "--time-limit",
            "20",
            "--json",
        ],
        cwd=trapped,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert "exact" in [bound["method"] for bound in json.loads(run.stdout)["bounds"]]
    assert not (tmp_path / "sprung").exists()


def test_a_process_sees_what_its_parent_sees_but_not_where_it_stands(
    trapped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folders that a program added for itself are kept, unless one stands there; what PYTHONPATH names is wanted."""
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.chdir(trapped)
    monkeypatch.setattr(sys, "path", ["", str(trapped), str(other), *sys.path])
    monkeypatch.delenv("PYTHONPATH", raising=False)
    path = processes.import_path()
    assert str(other) in path
    assert str(trapped) not in path
    assert all(map(os.path.isabs, path))
    monkeypatch.setenv("PYTHONPATH", str(trapped))
    assert str(trapped) in processes.import_path()


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_process_hears_neither_ctrl_c_nor_termination() -> None:
    """The process that started it decides; its input's end is its own."""
    with processes.start("slicegraph.bounds.worker") as process:
        status = Path(f"/proc/{process.pid}/status")
        blocked = next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("SigBlk"))
        assert int(blocked, 16) & 1 << 1
        assert int(blocked, 16) & 1 << 14
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(timeout=60) == 0
