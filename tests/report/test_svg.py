"""Drawings as SVG."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET

import pytest

import slicegraph as sg
from explained import hostile, make
from slicegraph.report.svg import Line, chart, stage_bars, standalone
from strategies import CHAIN, to_graph

SVG = "{http://www.w3.org/2000/svg}"


def parse(drawing: str) -> ET.Element:
    return ET.fromstring(drawing)  # noqa: S314 - our own


def test_bars_are_as_long_as_what_they_show() -> None:
    """5 s of work are 5 times as long as 1 s, and a part that costs nothing has no bar."""
    root = parse(standalone(stage_bars(make(to_graph(CHAIN), [0, 1, 1]))))
    bars = [
        (bar.get("class"), float(bar.get("width", 0))) for bar in root.iter(f"{SVG}rect") if bar.get("height") == "16"
    ]
    works = [width for kind, width in bars if kind == "work"]
    assert works[1] == pytest.approx(5 * works[0], rel=0.01)
    assert [kind for kind, _ in bars] == ["work", "io_out", "memory", "work", "io_in", "memory"]
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert "stage 1 <" in texts
    assert "stage 0" in texts


def test_a_file_of_its_own_has_its_style_and_no_script() -> None:
    root = parse(standalone(stage_bars(hostile())))
    assert root.find(f"{SVG}style") is not None
    assert root.find(f".//{SVG}script") is None
    assert not any(element.get("style") for element in root.iter())


def test_memory_of_the_device_is_a_line() -> None:
    """Where it is within the drawing."""
    graph = to_graph(CHAIN | {"nodes": CHAIN["nodes"] | {"param_bytes": [3, 6, 9]}})
    for memory, count in ((5, 1), (10**9, 0)):
        root = parse(stage_bars(make(graph, [0, 1, 2], device=sg.Device(bandwidth=64, memory=memory))))
        assert len(root.findall(f".//{SVG}path[@class='limit']")) == count


def test_a_chart_leaves_out_what_is_infinite() -> None:
    points = [(0.0, math.inf), (1.0, 4.0), (2.0, 2.0)]
    root = parse(chart("t", "x", [Line(kind="best", label="<best>", points=points, has_dots=True)], x_text=str))
    assert len(root.findall(f".//{SVG}circle")) == 2
    assert "<best>" in [text.text for text in root.iter(f"{SVG}text")]
    assert chart("t", "x", [Line(kind="best", label="b", points=[(0.0, math.inf)])], x_text=str) == ""
