"""The bench of proven optima: what it adds to its table, and what it says of it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import exact
import pytest

from strategies import CHAIN, grid

OPTIMA = """
| graph | k=1 | 2 |
|---|---|---|
| chain | 5000 | ≤4000 |
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, data in {"chain_inference": CHAIN, "grid": grid(3)}.items():
        (tmp_path / f"{name}.json.gz").write_bytes(gzip.compress(json.dumps(data).encode()))
    return tmp_path


def _table(path: Path, *rows: str) -> Path:
    """Rows of graph, k, bottleneck, bound, combinatorial, seconds, status, optimum."""
    lines = [",".join(exact.COLUMNS)]
    for row in rows:
        graph, k, *costs, optimum = row.split()
        lines.append(",".join([graph, k, "9,,,", *costs, optimum.strip("-"), "2", "10.0"]))
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path


def test_a_run_that_was_killed_goes_on_where_it_was(folder: Path) -> None:
    out, optima = folder / "out.csv", folder / "optima.md"
    optima.write_text(OPTIMA, encoding="utf-8")
    out.write_text("graph,k", encoding="utf-8")
    command = [str(folder), str(out), "-k", "2", "1", "--time-limit", "2", "--bandwidth", "64", "--optima", str(optima)]
    exact.main(command)
    rows = exact.read_rows(out)
    cases = [("chain_inference", "1"), ("chain_inference", "2"), ("grid", "1"), ("grid", "2")]
    assert [(row["graph"], row["k"]) for row in rows] == cases
    assert [row["optimum"] for row in rows] == ["5.0", "≤4.0", "", ""]

    lines = out.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = lines[1].replace("optimal", "kept")
    out.write_text("".join([lines[0], kept, *lines[2:4], lines[4][:9]]), encoding="utf-8")
    exact.main(command)
    text = out.read_text(encoding="utf-8")
    assert text.startswith("".join([lines[0], kept, *lines[2:4]]))
    assert [(row["graph"], row["k"]) for row in exact.read_rows(out)] == cases
    assert text.endswith("\n")


def test_open_cases_are_taken_from_another_table(folder: Path) -> None:
    rows = _table(folder / "rows.csv", "grid 3 9 8 7 1 time_limit -", "grid 2 9 9 7 1 optimal -", "grid 1 9 8 7 1 x -")
    out = folder / "out.csv"
    command = [str(folder), str(out), "--bandwidth", "64", "--time-limit", "2", "--open", str(rows)]
    assert exact.main([*command, "--sample", "1"]) == 0
    (row,) = exact.read_rows(out)
    assert (row["graph"], row["k"] in {"1", "3"}) == ("grid", True)
    assert exact.main(command) == 0
    assert {row["k"] for row in exact.read_rows(out)} == {"1", "3"}


def test_the_summary_is_of_all_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = ["tiny_net50 2 8 8 5 1 optimal ≤9", "tiny_net50 4 8 2 2 10 time_limit -", "tiny_net9 4 4 4 4 3 optimal 4"]
    out = _table(tmp_path / "out.csv", *rows)
    assert exact.main([str(tmp_path), str(out), "--summary"]) == 0
    assert capsys.readouterr().err.splitlines() == [
        "2 of 3 cases optimal (66.67%), seconds: median 3.000, max 10.000",
        "k =  2  1 of 1 cases optimal (100.00%), geometric mean of bound / bottleneck 1.000000",
        "k =  4  1 of 2 cases optimal (50.00%), geometric mean of bound / bottleneck 0.500000",
        "1 bounds not above the combinatorial one, though the bottleneck is: tiny_net50 k = 4",
        "open: 1 of tiny_net: tiny_net50 k = 4",
        "0 wrong",
    ]


@pytest.mark.parametrize(
    "row",
    [
        "a 2 8 7.001 5 1 time_limit 7",
        "a 2 8 7.001 5 1 time_limit ≤7",
        "a 2 8 8 5 1 optimal 8.001",
        "a 2 8 9 5 1 optimal -",
        "a 2 8 7 5 1 optimal -",
    ],
)
def test_a_wrong_row_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str], row: str) -> None:
    out = _table(tmp_path / "out.csv", "b 2 8 8 5 1 optimal 8.00001", "c 2 8 8 5 1 optimal ≤9", row)
    assert exact.main([str(tmp_path), str(out), "--summary"]) == 1
    assert capsys.readouterr().err.endswith("1 wrong: a k = 2\n")
