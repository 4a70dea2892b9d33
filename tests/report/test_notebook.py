"""A result in a console and in a notebook."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import slicegraph as sg
from strategies import CHAIN, grid, to_graph, to_instance


def test_a_result_shows_itself_in_one_line() -> None:
    """However large the graph and its name are."""
    result = sg.audit(to_instance(CHAIN, {"bandwidth": 64.0}, 4), [0, 0, 1], threads=1)
    assert repr(result) == (
        "<Result of chain: optimal, bottleneck 3.125 s, lower bound 3.125 s, gap 0.00%, 2 of 4 stages>"
    )
    large = to_instance(grid(30) | {"name": "grid\n" * 100}, {"bandwidth": 64.0}, 900)
    line = repr(sg.search(large, stop=sg.MaxEvaluations(1), threads=1))
    assert "\n" not in line
    assert len(line) < 200


def test_a_result_without_a_partition_shows_itself() -> None:
    """Nothing fits; or what was given does not."""
    instance = sg.Instance(
        to_graph(CHAIN, param_bytes=[3, 3, 3]), device=sg.Device(bandwidth=1.0, memory_limit=3), num_blocks=2
    )
    result = sg.solve(instance, threads=1)
    assert repr(result) == "<Result of chain: infeasible, no partition>"
    assert result._repr_html_() == "<p>chain: infeasible, no partition</p>"


def test_a_notebook_shows_a_row_per_stage_and_no_markup_of_a_name() -> None:
    """Names come from files."""
    graph = to_graph(CHAIN, node_name=["<script>alert(1)</script>", 'b"', "c&amp;"], name="<b>chain</b>")
    instance = sg.Instance(graph, device=sg.Device(bandwidth=64.0), num_blocks=3)
    page = sg.audit(instance, [0, 0, 2], threads=1)._repr_html_()
    root = ET.fromstring(f"<html>{page}</html>")  # noqa: S314 - our own
    assert "".join(root.find("p").itertext()).startswith("<b>chain</b>: ")  # type: ignore[union-attr] # it is there
    rows = [["".join(cell.itertext()) for cell in row] for row in root.iter("tr")]
    assert rows[0] == ["stage", "nodes", "work", "in", "out", "cost", "", "cut tensors", "first", "last"]
    assert [row[0] for row in rows[1:]] == ["0", "2"]
    assert [row[-2:] for row in rows[1:]] == [["<script>alert(1)</script>", 'b"'], ["c&amp;", "c&amp;"]]
    assert {element.tag for element in root.iter()} == {
        *("html", "p", "div", "table", "thead", "tbody", "tr", "th", "td")
    }
