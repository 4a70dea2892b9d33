"""Text from outside is shown on one line of printable characters."""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import slicegraph as sg
from slicegraph.cli import main
from slicegraph.errors import printable

HOSTILE = "a\x1b]0;title\x07\x1b[31mred\nstatus       optimal: forged line\r\t\x9b2J\x7f\u202eb\u200b"


@given(st.text())
def test_what_is_shown_is_one_printable_line(text: str) -> None:
    """Whatever stands in a name, also what moves a cursor, turns the direction of writing, or is not seen."""
    assert printable(text).isprintable()
    assert printable(printable(text)) == printable(text)


@given(st.text().filter(str.isprintable))
def test_printable_text_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


def test_errors_are_one_printable_line_and_can_be_pickled() -> None:
    for kind in (sg.InputError, sg.CertificateError, sg.StageError):
        error = kind(HOSTILE)
        assert str(error).isprintable()
        assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301 - it is our own


def graph_file(path: Path, name: str) -> Path:
    nodes = {"op": [name, "b"], "name": [name, "y"], "work": [1.0, 2.0]}
    tensors = {"producer": [0], "size": [8], "consumers": [[1]], "name": [name]}
    path.write_text(json.dumps({"format": "slicegraph-graph-1", "name": name, "nodes": nodes, "tensors": tensors}))
    return path


def test_names_of_a_file_cannot_move_the_cursor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Names of graph, nodes and tensors in reports and complaints add no line and no control character."""
    graph = graph_file(tmp_path / "graph.json", HOSTILE)
    certificate, plan = tmp_path / "c.json", tmp_path / "plan.json"
    assert main(["solve", str(graph), "-k", "2", "-q", "--certificate", str(certificate)]) == 0
    assert main(["check", str(graph), str(certificate)]) == 0
    plan.write_text("[1, 0]")
    assert main(["audit", str(graph), str(plan), "-k", "2", "-q"]) == 2
    shown = capsys.readouterr()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", shown.out + shown.err), shown
    assert sum(line.startswith("status") for line in shown.out.splitlines()) == 2, "one of solve, and one of check"
    assert len(shown.err.splitlines()) == 1
    assert main(["solve", str(graph), "-k", "2", "-q", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["graph"]["name"] == HOSTILE


@pytest.mark.parametrize(
    "name",
    ["a\x1b[31mb.json", "a\nb.json", "\x1b[2J.txt", "\x9b.pbtxt", "\x1b.bin", "\u202e.json.gz"],
)
def test_names_of_files_cannot_move_the_cursor(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A complaint that quotes a file's name stays one printable line, whether the file is there or not."""
    for content in (None, "x\x1b[2J", '{"format": "\\u001b[2J"}'):
        if content is not None:
            (tmp_path / name).write_text(content)
        assert main(["solve", str(tmp_path / name), "-k", "2"]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.isprintable(), repr(line)
