"""CP-SAT beside our methods: asked where OR-tools is installed, and its answer is a row like any other."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

import slicegraph as sg
from strategies import CHAIN
from testbed import rival
from testbed.__main__ import main
from testbed.case import Case, run
from testbed.sources import File


def test_without_or_tools_it_is_refused_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rival, "is_installed", lambda: False)
    with pytest.raises(SystemExit, match="--methods cp_sat: pip install ortools"):
        main(["regal", str(tmp_path), "--methods", "solve", "cp_sat"])


@pytest.mark.parametrize(
    ("answer", "cells"),
    [
        ('{"block_of": [0, 1, 1], "lower_bound": 0, "is_optimal": false}', ("5.125", "0.0", "time_limit")),
        ('{"block_of": null, "lower_bound": 0, "is_optimal": false}', ("inf", "0.0", "time_limit")),
        (f'{{"block_of": [0, 0, 1], "lower_bound": {2**52}, "is_optimal": true}}', ("3.125", "3.125", "optimal")),
    ],
)
def test_its_answer_is_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, cells: tuple[str, ...]
) -> None:
    """Its partition costs what we say; a bound above it would be its rounding."""
    program, path = tmp_path / "program.py", tmp_path / "chain.json.gz"
    program.write_text(f"print({answer!r})", encoding="utf-8")
    path.write_bytes(gzip.compress(json.dumps(CHAIN).encode()))
    monkeypatch.setattr(rival, "_PROGRAM", program)
    row = run(
        Case(
            source=File(path),
            num_blocks=2,
            device=sg.Device(bandwidth=64.0),
            method="cp_sat",
            time_limit=1.0,
            threads=1,
            seed=0,
        )
    )
    assert (row["bottleneck"], row["lower_bound"], row["status"]) == cells
