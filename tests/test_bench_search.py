"""The bench of search methods: which cases it takes, what it adds to its table, and what it says of it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

import search
from strategies import grid


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, size in {"small": 2, "large": 3}.items():
        (tmp_path / f"{name}.json.gz").write_bytes(gzip.compress(json.dumps(grid(size)).encode()))
    rows = ["small,8,solve,2,2", "large,8,solve,4,1", "large,32,solve,4,4", "small,32,solve,4,3", "small,8,exact,4,0"]
    rows.append("small,64,solve,,")
    rows.insert(0, "graph,k,method,bottleneck,lower_bound")
    (tmp_path / "open.csv").write_text("\n".join(rows), encoding="utf-8")
    return tmp_path


def test_the_widest_gaps_are_the_hardest(folder: Path) -> None:
    rows = search.read_rows(folder / "open.csv")
    assert search.hardest(rows, [8, 32], 2) == ["large", "small"]
    assert search.hardest(rows, [32], 1) == ["small"]
    assert search.hardest(rows, [64], 1) == []


def test_runs_that_are_there_are_not_done_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "RUNS", ((0, 0.1), (1, 0.1)))
    monkeypatch.setattr(search, "NUM_ORDERS", 20)
    command = [str(folder), str(folder / "out.csv"), "--open", str(folder / "open.csv"), "--sample", "1", "-k", "8"]
    search.main([*command, "--methods", "hybrid", "anneal", "orders"])
    rows = search.read_rows(folder / "out.csv")
    assert [(row["method"], row["seed"], row["limit"]) for row in rows] == [
        *(("hybrid", seed, "0.1") for seed in "01"),
        *(("anneal", seed, "0.1") for seed in "01"),
        ("orders", "0", "0.0"),
    ]
    search.main([*command, "--methods", "orders", "brkga"])
    assert search.read_rows(folder / "out.csv")[: len(rows)] == rows


def test_the_summary_is_over_the_best_known() -> None:
    cells = (
        ("a", "hybrid", "0.1", 3.0),
        ("a", "hybrid", "1.0", 2.0),
        ("b", "hybrid", "1.0", 8.0),
        ("b", "cp_sat", "10.0", 4.0),
    )
    rows = [
        {"graph": graph, "k": "8", "method": method, "limit": limit, "bottleneck": str(cost)}
        for graph, method, limit, cost in (*cells, ("a", "cp_sat", "10.0", float("inf")))
    ]
    lines = [line.split()[:5] for line in search.summary(rows, [])[1:]]
    assert lines == [
        ["hybrid", "0.1", "1", "1.5000", "1.5000"],
        ["hybrid", "1.0", "2", "1.4142", "2.0000"],
        ["cp_sat", "10.0", "2", "1.0000", "inf,"],
    ]


def test_of_what_is_known_rows_without_a_bottleneck_say_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A case of the testbed that failed."""
    (tmp_path / "out.csv").write_text("graph,k,method,limit,bottleneck\na,8,hybrid,1.0,3\n", encoding="utf-8")
    (tmp_path / "known.csv").write_text("graph,k,bottleneck\na,8,\na,8,2\n", encoding="utf-8")
    search.main([str(tmp_path), str(tmp_path / "out.csv"), "--summary", "--known", str(tmp_path / "known.csv")])
    assert capsys.readouterr().err.splitlines()[1].split() == ["hybrid", "1.0", "1", "1.5000", "1.5000"]
