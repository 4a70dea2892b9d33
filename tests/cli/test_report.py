"""``slicegraph report``, as it is typed."""

from __future__ import annotations

import json
import re
import shlex
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from explained import Page
from slicegraph.cli import main
from strategies import CHAIN

FIGURES = ["--bandwidth", "64"]


@pytest.fixture
def chain(tmp_path: Path) -> str:
    """The path of a chain of three nodes."""
    return write(tmp_path / "chain.json", CHAIN)


@pytest.fixture
def plan(chain: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The path of an optimal plan of it in two stages."""
    assert main(["solve", chain, "-k", "2", *FIGURES, "--time-limit", "5", "--json"]) == 0
    return write(tmp_path / "plan.json", capsys.readouterr().out)


def write(path: Path, data: Any) -> str:
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return str(path)


def commands(page: str) -> list[list[str]]:
    """The command lines that a page shows."""
    lines = [line for line in Page(page).text.splitlines() if "slicegraph " in line]
    return [shlex.split(line[line.index("slicegraph ") :]) for line in lines if "chain.cert.json" in line]


def test_every_suffix_writes_its_kind_and_prints_nothing(
    chain: str, plan: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("r.html", "r.svg", "r.json", "r.dot", "r.nodes.json", "R.HTML"):
        assert main(["report", chain, plan, "-o", str(tmp_path / name)]) == 0
    assert capsys.readouterr() == ("", "")
    assert "<!DOCTYPE html>" in (tmp_path / "r.html").read_text()
    assert ET.fromstring((tmp_path / "r.svg").read_text()).tag.endswith("svg")  # noqa: S314 - our own
    assert json.loads((tmp_path / "r.json").read_text())["traceEvents"]
    assert (tmp_path / "r.dot").read_text().startswith("digraph ")
    assert json.loads((tmp_path / "r.nodes.json").read_text())["results"]
    assert (tmp_path / "R.HTML").read_bytes() == (tmp_path / "r.html").read_bytes()


def test_the_page_has_the_plans_answer_on_the_plans_device(chain: str, plan: str, tmp_path: Path) -> None:
    """Its bound and its history, without a device being typed."""
    page = tmp_path / "r.html"
    assert main(["report", chain, plan, "-o", str(page)]) == 0
    text = Page(page.read_text()).text
    for told in ("3.125 s", "optimal", "no partition into at most 2 stages has a faster bottleneck", "2 of 2"):
        assert told in text


def test_the_commands_of_the_page_prove_the_answer_again(
    chain: str, plan: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are run as they are shown."""
    page = tmp_path / "r.html"
    assert main(["report", chain, plan, "-o", str(page)]) == 0
    monkeypatch.chdir(tmp_path)
    lines = commands(page.read_text())
    assert [line[:2] for line in lines] == [["slicegraph", "solve"], ["slicegraph", "check"]]
    for line in lines:
        assert main([*line[1:], "--json"]) == 0
    verdict = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert verdict["gap"] == 0.0


def test_a_certificate_is_reported_on_with_the_command_that_checks_it(
    chain: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its bound is shown, and the command is run as it is shown."""
    certificate, page = str(tmp_path / "c.json"), tmp_path / "r.html"
    assert main(["solve", chain, "-k", "2", *FIGURES, "--time-limit", "5", "--certificate", certificate]) == 0
    assert main(["report", chain, certificate, "-o", str(page)]) == 0
    text = Page(page.read_text()).text
    assert "certified optimal" in text
    (line,) = [shlex.split(line) for line in re.findall("slicegraph check .*", text)]
    capsys.readouterr()
    assert main([*line[1:], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["gap"] == 0.0


def test_a_file_that_is_read_is_not_written_over(chain: str, plan: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A timeline has the suffix that graphs and plans have."""
    for path in (chain, plan):
        before = Path(path).read_bytes()
        assert main(["report", chain, plan, "-o", path]) == 2
        assert capsys.readouterr().err == f"slicegraph: --output {path}: this file is read\n"
        assert Path(path).read_bytes() == before


def test_figures_that_are_typed_are_other_costs(chain: str, plan: str, tmp_path: Path) -> None:
    """What the plan claims is not said of them; the commands are about them."""
    page = tmp_path / "r.html"
    assert main(["report", chain, plan, "--bandwidth", "32", "-o", str(page)]) == 0
    assert "states no lower bound" in Page(page.read_text()).text
    assert all("32.0" in line for line in commands(page.read_text()))


def test_a_plan_that_is_a_list_has_a_report(chain: str, tmp_path: Path) -> None:
    page = tmp_path / "r.html"
    assert main(["report", chain, write(tmp_path / "plan.txt", "0 1 1"), *FIGURES, "-o", str(page)]) == 0
    assert "5.125 s" in Page(page.read_text()).text


def test_a_sweep_and_a_run_are_taken_in(chain: str, plan: str, tmp_path: Path) -> None:
    digest = json.loads(Path(plan).read_text())["graph"]["digest"]
    row = {"num_blocks": 1, "bottleneck": 6.0, "lower_bound": 6.0, "status": "optimal"}
    sweep = write(tmp_path / "sweep.json", {"graph": {"digest": digest}, "rows": [row]})
    stages = [{"block": block, "run": 1.5, "transfer": 0.25} for block in (0, 1)]
    run = write(tmp_path / "run.json", {"stages": stages})
    page, trace = tmp_path / "r.html", tmp_path / "r.json"
    for path in (page, trace):
        assert main(["report", chain, plan, "--sweep", sweep, "--run", run, "-o", str(path)]) == 0
    text = Page(page.read_text()).text
    assert "Other numbers of stages" in text
    assert "1.75 s" in text
    names = [event["args"].get("name") for event in json.loads(trace.read_text())["traceEvents"]]
    assert "measured" in names


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["CHAIN", "PLAN"], "the following arguments are required: -o/--output"),
        (
            ["CHAIN", "PLAN", "-o", "r.pdf"],
            "--output r.pdf: reports are written as .html, .nodes.json, .json,",
        ),
        (["CHAIN", "PLAN", "-o", "/nowhere/r.html"], "--output /nowhere/r.html"),
        (["CHAIN", "nowhere", "-o", "r.html"], "nowhere: No such file or directory"),
        (["CHAIN", "PLAN", "-o", "r.html", "--sweep", "PLAN"], "PLAN: rows is missing"),
        (["CHAIN", "PLAN", "-o", "r.html", "--run", "PLAN"], "PLAN: stages is missing"),
        (["CHAIN", "PLAN", "-o", "r.html", "--run", "OTHER"], "OTHER: a run of another partition"),
        (["CHAIN", "BACK", "-o", "r.html", "--bandwidth", "64"], "BACK: block_of[0] = 1, but its consumer, node 1"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(
    arguments: list[str],
    message: str,
    chain: str,
    plan: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """And no file is written."""
    other = write(tmp_path / "other.json", {"stages": [{"block": 7, "run": 1, "transfer": 1}]})
    paths = {"CHAIN": chain, "PLAN": plan, "OTHER": other, "BACK": write(tmp_path / "back.txt", "1 0 0")}
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert main(["report", *(paths.get(argument, argument) for argument in arguments)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    for name, path in paths.items():
        message = message.replace(name, path)
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert not list(folder.iterdir())


def test_a_plan_of_another_graph_is_refused_unless_forced(plan: str, tmp_path: Path) -> None:
    """By force it has costs, and no claims: they are about the other graph."""
    other = write(tmp_path / "other.json", CHAIN | {"tensors": CHAIN["tensors"] | {"size": [8, 9]}})
    page = tmp_path / "r.html"
    assert main(["report", other, plan, "-o", str(page)]) == 2
    assert not page.exists()
    assert main(["report", other, plan, "--force", "-o", str(page)]) == 0
    assert "states no lower bound" in Page(page.read_text()).text
