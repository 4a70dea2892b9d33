"""The testbed's runner: one row a case, on any executor, whatever happens."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from strategies import CHAIN, grid
from testbed import rival, table
from testbed.__main__ import main
from testbed.case import ANSWER, COLUMNS, KEY, METHODS, SEARCHES, Row

OURS = [method for method in METHODS if method != rival.NAME]
OPTIONS = ["--bandwidth", "64", "--time-limit", "20"]
OPTIMA = "| graph | k=1 | 2 |\n|---|---|---|\n| chain | 6000 | ≤4000 |\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    graphs = tmp_path / "graphs"
    graphs.mkdir()
    for name, data in {"chain_inference": CHAIN, "grid": grid(3)}.items():
        (graphs / f"{name}.json.gz").write_bytes(gzip.compress(json.dumps(data).encode()))
    (graphs / "README.md").write_text("no graph", encoding="utf-8")
    return graphs


@pytest.fixture
def _no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """They take seconds."""
    monkeypatch.setattr("testbed.__main__.write_figures", lambda _rows, _folder: None)


@pytest.mark.usefixtures("_no_figures")
@pytest.mark.parametrize("order", [[], ["--any-order"]])
def test_devices_give_the_stages(folder: Path, tmp_path: Path, order: list[str]) -> None:
    """In the order in which they stand, or in any; the rows say which they are."""
    machine = tmp_path / "machine.json"
    machine.write_text(json.dumps([{"bandwidth": 64, "count": 2, "name": "fast"}, {"bandwidth": 8, "name": "slow"}]))
    out = tmp_path / "out"
    assert main([str(folder), str(out), "--devices", str(machine), *order, "--time-limit", "20"]) == 0
    rows = {row["graph"]: row for row in table.read(out / "rows.csv")}
    assert {row["k"] for row in rows.values()} == {"3"}
    assert {row["status"] for row in rows.values()} == {"optimal"}
    assert {row["device"] for row in rows.values()} == {"fast:2,slow:1" + " in any order" * bool(order)}


def answers(rows: list[Row]) -> list[list[str]]:
    return sorted([row[name] for name in (*KEY, *ANSWER)] for row in rows)


def test_every_method_gives_a_row(folder: Path, tmp_path: Path) -> None:
    """And the tables and figures are of all rows."""
    out = tmp_path / "out"
    optima = tmp_path / "optima.md"
    optima.write_text(OPTIMA, encoding="utf-8")
    command = [str(folder), str(out), "-k", "2", "1", "--bandwidth", "64", "--optima", str(optima)]
    # Searches take all the time that there is; of a chain their first order is the best.
    assert main([*command, "--methods", *OURS, "--time-limit", "0.3"]) == 0
    rows = table.read(out / "rows.csv")
    cases = {(graph, k, method) for graph in ("chain_inference", "grid") for k in "12" for method in OURS}
    assert {table.key(row) for row in rows} == cases
    assert len(rows) == len(cases)
    chain = {row["method"]: row for row in rows if row["graph"] == "chain_inference" and row["k"] == "2"}
    assert {method: row["bottleneck"] for method, row in chain.items() if row["bottleneck"]} == dict.fromkeys(
        ("solve", *SEARCHES), "3.125"
    )
    names = {path.name for path in out.iterdir()}
    figures = {"times.svg", "optimal-over-time.svg", "gap-over-time.svg", "downsets.svg"}
    assert names == {"rows.csv", "tables.md", *figures}
    assert (out / "tables.md").read_text(encoding="utf-8").endswith("0 wrong rows\n")


@pytest.mark.usefixtures("_no_figures")
def test_what_ends_with_a_proof_has_the_optimum_in_its_row(folder: Path, tmp_path: Path) -> None:
    """A limit that no load reaches: both end long before it."""
    command = [str(folder), str(tmp_path), "-k", "2", "--bandwidth", "64", "--glob", "chain*", "--time-limit", "300"]
    assert main([*command, "--methods", "solve", "exact"]) == 0
    chain = {row["method"]: row for row in table.read(tmp_path / "rows.csv")}
    assert chain["solve"]["lower_bound"] == chain["exact"]["lower_bound"] == "3.125"
    assert chain["solve"]["status"] == "optimal"


@pytest.mark.usefixtures("_no_figures")
def test_a_run_goes_on_where_it_was(folder: Path, tmp_path: Path) -> None:
    """What is there is kept, what was half written is done again, and others are added."""
    out = tmp_path / "out"
    command = [str(folder), str(out), "-k", "1", "2", *OPTIONS]
    main(command)
    path = out / "rows.csv"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = lines[1].replace("optimal", "kept")
    path.write_text("".join([lines[0], kept, *lines[2:4], lines[4][:9]]), encoding="utf-8")
    main(command)
    text = path.read_text(encoding="utf-8")
    assert text.startswith("".join([lines[0], kept, *lines[2:4]]))
    assert len(table.read(path)) == 4
    main([*command, "--methods", "combinatorial"])
    assert path.read_text(encoding="utf-8").startswith(text)
    assert len(table.read(path)) == 8


@pytest.mark.usefixtures("_no_figures")
def test_regal_is_run_in_pieces_on_its_own_device(tmp_path: Path) -> None:
    """As many cases as are asked for; the next run goes on."""
    command = ["regal", str(tmp_path), "--sample", "2", "-k", "2", "4", "--methods", "combinatorial", "node"]
    for count in (3, 6, 8, 8):
        assert main([*command, "--most", "3"]) == 0
        rows = table.read(tmp_path / "rows.csv")
        assert len(rows) == count
    assert {row["device"] for row in rows} == {"of the graph"}
    assert len({row["graph"] for row in rows}) == 2


@pytest.mark.usefixtures("_no_figures")
def test_workers_give_the_same_rows(folder: Path, tmp_path: Path) -> None:
    """In any order, but for what the clock says."""
    found = []
    for workers in ("1", "2"):
        main([str(folder), str(tmp_path / workers), *OPTIONS, "--threads", "1", "--workers", workers])
        found.append(answers(table.read(tmp_path / workers / "rows.csv")))
    assert found[0] == found[1]
    assert len(found[0]) == 12


CLUSTER = """
from distributed import LocalCluster
if __name__ == "__main__":
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    print(cluster.scheduler_address, flush=True)
    input()
    cluster.close()
"""


@pytest.mark.usefixtures("_no_figures")
@pytest.mark.filterwarnings("ignore")
def test_a_dask_cluster_gives_the_same_rows(folder: Path, tmp_path: Path) -> None:
    """Its processes know nothing of the testbed but what is sent to them."""
    pytest.importorskip("distributed", reason="dask is an optional executor")
    main([str(folder), str(tmp_path / "local"), *OPTIONS])
    program = tmp_path / "cluster.py"
    program.write_text(CLUSTER, encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as cluster:
        assert cluster.stdout is not None
        address = cluster.stdout.readline().strip()
        main([str(folder), str(tmp_path / "dask"), *OPTIONS, "--dask", address])
        cluster.communicate("\n")
    found = [answers(table.read(tmp_path / where / "rows.csv")) for where in ("local", "dask")]
    assert found[0] == found[1]
    assert len(found[0]) == 12


@pytest.mark.usefixtures("_no_figures")
def test_a_case_that_fails_does_not_stop_the_others(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is told, has no row, and is tried again next time."""
    (folder / "broken.json").write_text("{", encoding="utf-8")
    command = [str(folder), str(tmp_path / "out"), "-k", "2", *OPTIONS]
    assert main(command) == 1
    assert "broken 2 solve: FAILED: InputError: " in capsys.readouterr().err
    assert len(table.read(tmp_path / "out" / "rows.csv")) == 2
    (folder / "broken.json").write_text(json.dumps(CHAIN), encoding="utf-8")
    assert main(command) == 0
    assert len(table.read(tmp_path / "out" / "rows.csv")) == 3


@pytest.mark.usefixtures("_no_figures")
@pytest.mark.parametrize(
    ("option", "told"),
    [
        (["--time-limit", "3"], "time_limit = 20.0, not 3.0"),
        (["--seed", "1"], "seed = 0, not 1"),
        (["--bandwidth", "8"], "device = bandwidth=64, not bandwidth=8"),
    ],
)
def test_rows_of_another_manner_are_not_mixed(folder: Path, tmp_path: Path, option: list[str], told: str) -> None:
    command = [str(folder), str(tmp_path / "out"), "-k", "2", *OPTIONS]
    main(command)
    with pytest.raises(SystemExit, match=re.escape(f"its rows have {told}; give another folder")):
        main([*command, *option])
    assert len(table.read(tmp_path / "out" / "rows.csv")) == 2


@pytest.mark.usefixtures("_no_figures")
def test_open_cases_are_taken_from_another_table(folder: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    cells = ("grid,3,solve,time_limit", "grid,2,solve,optimal", "grid,1,solve,x", "grid,4,hybrid,time_limit")
    with table.appending(rows) as writer:
        for cell in cells:
            writer.writerow(dict(zip(("graph", "k", "method", "status"), cell.split(","), strict=True)))
    command = [str(folder), str(tmp_path / "out"), "-k", "1", "2", "3", "4", *OPTIONS, "--open", str(rows)]
    assert main([*command, "--sample", "1"]) == 0
    assert main(command) == 0
    assert {table.key(row) for row in table.read(tmp_path / "out" / "rows.csv")} == {
        ("grid", "1", "solve"),
        ("grid", "3", "solve"),
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [(["--glob", "none"], "no graph named none"), (["--open", "other.csv"], "other.csv: its columns are not graph, k")],
)
def test_what_cannot_be_run_is_told_in_one_line(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.csv").write_text("a,b\n", encoding="utf-8")
    with pytest.raises(SystemExit) as error:
        main([str(folder), str(tmp_path / "out"), *options])
    assert message in str(error.value)


def test_a_kill_loses_no_row_and_leaves_no_process(folder: Path, tmp_path: Path) -> None:
    """SIGKILL, while a case runs that takes for ever."""
    (folder / "wide.json").write_text(json.dumps(grid(30)), encoding="utf-8")
    out = tmp_path / "out" / "rows.csv"
    benches = Path(__file__).parent.parent / "benches"
    options = ["--bandwidth", "8", "--time-limit", "60", "--workers", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "testbed", folder, out.parent, "-k", "8", *options],
        cwd=benches,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 60
        while len(table.read(out)) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        process.kill()
        process.wait()
        assert len(table.read(out)) == 2
        while _has_members(process.pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not _has_members(process.pid)
    finally:
        if _has_members(process.pid):
            os.killpg(process.pid, signal.SIGKILL)


def _has_members(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_table_that_gzip_compressed_is_read_like_any_other(tmp_path: Path) -> None:
    """Rows of the record are compressed; half a line at the end is left out in both."""
    text = (",".join(COLUMNS) + "\n" + ",".join("1" for _ in COLUMNS) + "\n1,2").encode()
    plain, packed = tmp_path / "rows.csv", tmp_path / "rows.csv.gz"
    plain.write_bytes(text)
    packed.write_bytes(gzip.compress(text))
    assert table.read(plain) == table.read(packed)
    assert len(table.read(packed)) == 1
