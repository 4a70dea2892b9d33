"""Profiles of PipeDream: what they mean, and every way to be broken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

import slicegraph as sg
from planners import PATCHES, assert_facts, assert_refused, patched, read_or_refuse
from slicegraph.cli import main


def node(name: str, description: str, forward: object, size: object, parameters: object) -> str:
    figures = [("forward_compute_time", forward), ("backward_compute_time", 9), ("activation_size", size)]
    text = ", ".join(f"{key}={value}" for key, value in [*figures, ("parameter_size", parameters)])
    return f"{name} -- {description} -- {text}\n"


SMALL = (
    node("node4", "Classifier(  (0): Linear(in_features=2, bias=True)  (1): ReLU(inplace))", "3.000", "64.0", "24.000")
    + node("node1", "Input0", "0.000", "0.0", "0.000")
    + node("node2", "LSTM(8, 4, kernel_size=(1, 1))", "1.500", "[256.0; 128.0; 128.0]", "131072.000")[:-1]
    + " -- stage_id=1\n"
    + node("node3", "Add(inplace)", "2", "250.0", "0.000")
    + "\tnode1 -- node2\n\tnode2 -- node3\n\tnode2 -- node4\n\tnode3 -- node4\n"
)
"""An input, then node 2, which 3 and 4 read, and 3, which 4 reads."""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "graph.txt"
    path.write_text(SMALL)
    return path


def test_a_node_makes_one_tensor_of_the_sum_of_its_sizes(small: Path) -> None:
    graph = sg.read(small)
    arrays = graph.arrays
    assert arrays.node_name == ("node4", "node1", "node2", "node3")
    assert arrays.op == ("Classifier", "Input0", "LSTM", "Add")
    assert_facts(
        graph,
        work=[0.003, 0.0, 0.0015, 0.002],
        param_bytes=[24, 0, 131072, 0],
        producer=[0, 1, 2, 3],
        size=[64, 0, 512, 250],
        consumers=[[], [2], [3, 0], [0]],
    )
    assert arrays.is_output is not None
    assert arrays.is_output.tolist() == [True, False, False, False]
    assert arrays.device is None


def test_the_optimum_is_of_forward_times(small: Path) -> None:
    """Node 2 takes 1.5 ms and makes 512 bytes, 3 takes 2 ms and makes 250, and 4 takes 3 ms.

    With 4 alone, the stages take 3.5 and 3 ms, and 762 bytes each; with 2 alone, 1.5 and 5 ms, and 512 bytes. At 1 MB/s
    the first is best; at 128 kB/s, where 512 bytes take 4 ms, one stage of 6.5 ms is.
    """
    device = sg.Device(bandwidth=128_000)
    one = sg.solve(sg.Instance(sg.read(small), device=device, num_blocks=2), stop=sg.MaxRuntime(20))
    assert one.status is sg.Status.OPTIMAL
    assert one.bottleneck == pytest.approx(6.5e-3, rel=1e-9)
    fast = sg.Device(bandwidth=1_000_000)
    two = sg.solve(sg.Instance(sg.read(small), device=fast, num_blocks=2), stop=sg.MaxRuntime(20))
    assert two.status is sg.Status.OPTIMAL
    assert two.bottleneck == pytest.approx(3.5e-3 + 762e-6, rel=1e-9)
    assert two.block_of[[0, 2, 3]].tolist() == [1, 0, 0]


def test_the_command_line_tells_it_by_its_suffix(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["solve", str(small), "-k", "2", "--bandwidth", "1e6", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["bottleneck"] == pytest.approx(4.262e-3, rel=1e-9)


def test_lines_may_stand_in_any_order_and_end_in_any_way(small: Path, tmp_path: Path) -> None:
    """Edges before their nodes, an edge twice, blank lines, a byte order mark, and the line ends of Windows."""
    lines = SMALL.splitlines()
    text = "\ufeff" + "\r\n".join([*lines[4:], "", "\t", *lines[:4], lines[4]])
    (tmp_path / "other.txt").write_bytes(text.encode())
    assert sg.read(tmp_path / "other.txt").digest == sg.read(small).digest


A = node("a", "A", 1, 2, 3)


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ("", "graph: num_nodes = 0"),
        (b"\x80", "not text in UTF-8: invalid start byte at byte 0"),
        (b"\x00\x01\x02", r"line 1: '\\x00\\x01\\x02' begins no node, which is `ID -- DESCRIPTION -- FIGURES`"),
        ("a -- b\n", "line 1: 'a' begins no node"),
        ("a -- b -- c -- d -- e\n", "line 1: 'a' begins no node"),
        (f"{A}\ta\n", "line 2: 'a' is not an edge, which is `ID -- ID` behind a tab"),
        (f"{A}\ta -- a -- a\n", "line 2: 'a -- a -- a' is not an edge"),
        (f"{A}\ta -- b\n", "line 2: 'b' is no node's id"),
        (f"{A}\tb -- a\n", "line 2: 'b' is no node's id"),
        (f"{A}\ta -- a\n", "line 2: 'a' is both ends, but no node reads what it makes"),
        (A + A, "line 2: 'a' is the id of an earlier node, too"),
        ("a -- A -- forward_compute_time=1, activation_size=2\n", "line 1: parameter_size is missing"),
        ("a -- A -- \n", "line 1: 'a' begins no node"),
        (node("a", "A", "x", 2, 3), r"line 1: forward_compute_time = 'x' is not a number from 0 to 1e\+300"),
        (node("a", "A", "-1", 2, 3), r"line 1: forward_compute_time = -1\.0 is not a number"),
        (node("a", "A", "nan", 2, 3), "line 1: forward_compute_time = nan is not a number"),
        (node("a", "A", "1e999", 2, 3), "line 1: forward_compute_time = inf is not a number"),
        (node("a", "A", 1, "[2", 3), r"line 1: activation_size = '\[2' is not a number"),
        (node("a", "A", 1, "[]", 3), "line 1: activation_size = '' is not a number"),
        (node("a", "A", 1, "[2; -3]", 3), r"line 1: activation_size = -3\.0 is not a number"),
        (node("a", "A", 1, "[6e15; 6e15]", 3), r"line 1: activation_size = 1\.2e\+16 means 1\.2e\+16 bytes, which is"),
        (node("a", "A", 1, 2, 1e300), r"line 1: parameter_size = 1e\+300 means 1e\+300 bytes, which is above 2\^53"),
        (
            A + node("b", "B", 1, 2, 3) + "\ta -- b\n\tb -- a\n",
            r"cycle: node 0 \('a'\) -> node 1 \('b'\) -> node 0 \('a'\), but a graph has none",
        ),
    ],
)
def test_a_broken_file_is_refused_in_one_line(content: str | bytes, rule: str, tmp_path: Path) -> None:
    assert_refused(tmp_path / "graph.txt", content, rule, format="pipedream")


def test_a_file_that_ends_early_is_refused_or_a_graph(tmp_path: Path) -> None:
    content = SMALL.encode()
    for length in range(len(content)):
        read_or_refuse(tmp_path / "graph.txt", content[:length], format="pipedream")


@given(patch=PATCHES)
def test_a_damaged_file_is_refused_or_a_graph(patch: tuple[bytes, int, int], tmp_path_factory: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.txt"
    read_or_refuse(path, patched(SMALL.encode(), patch), format="pipedream")
