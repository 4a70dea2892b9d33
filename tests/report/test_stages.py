"""The tables of stages and cut tensors on a terminal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from rich.cells import cell_len

import slicegraph as sg
from results import result_of
from slicegraph.bounds.combinatorial import combinatorial
from slicegraph.cli import main
from slicegraph.report.terminal import result_to_text
from strategies import CHAIN, shared, to_graph

LONG = "/encoder/layer.{}/attention/self/query/MatMul_of_the_first_head"
WIDTH = 100


def audited(block_of: list[int], *, device: sg.Device | None = None, **arrays: Any) -> sg.Result:
    """The chain of three nodes in given stages."""
    instance = sg.Instance(to_graph(CHAIN, **arrays), device=device or sg.Device(bandwidth=64.0), num_blocks=3)
    return sg.audit(instance, block_of, threads=1)


def test_a_row_names_the_first_and_the_last_node_and_counts_the_cut_tensors() -> None:
    """By name, or by operator and index; a tensor counts in the stage that exports it and in that which imports it."""
    lines = result_to_text(audited([0, 0, 1], node_name=["one", "", "three"])).splitlines()
    assert lines[1].split() == ["stage", "nodes", "work", "in", "out", "cost", "cut", "first", "last"]
    assert lines[2].split() == ["0", "2", "3", "s", "0", "s", "125", "ms", "3.125", "s", "<", "1", "one", "b", "#1"]
    assert lines[3].split() == ["1", "1", "3", "s", "125", "ms", "0", "s", "3.125", "s", "<", "1", "three", "three"]


def test_what_no_stage_has_is_no_column() -> None:
    """Overflow and parameters take their room only where there are some."""
    device = sg.Device(bandwidth=64.0, memory=4)
    assert {"params", "overflow"} <= set(
        result_to_text(audited([0, 0, 1], device=device, param_bytes=[4, 4, 4])).splitlines()[1].split()
    )
    assert "overflow" not in result_to_text(audited([0, 1, 2], device=device, param_bytes=[4, 4, 4]))
    assert "params" not in result_to_text(audited([0, 1, 2]))
    stored = {"state_bytes": [4, 0, 0], "live_bytes": [0, 0, 8], **shared([16], [[0, 2]])}
    lines = result_to_text(audited([0, 0, 1], param_bytes=[1, 1, 1], **stored)).splitlines()
    assert "cost params state tensors cut" in " ".join(lines[1].split())
    assert [" ".join(line.split("<")[-1].split()[:6]) for line in lines[2:4]] == ["18 B 4 B 0 B", "17 B 0 B 8 B"]


def test_unlike_stages_have_a_column_for_their_devices() -> None:
    """By their names, or those of their kinds; equal devices need none."""
    devices = [sg.Device(bandwidth=64.0, name="[fast]"), sg.Device(bandwidth=32.0), sg.Device.preset("testbed")]
    instance = sg.Instance(to_graph(CHAIN), devices=devices)
    lines = result_to_text(result_of(instance, np.array([0, 0, 2], np.int32), (combinatorial(instance),))).splitlines()
    assert lines[1].split()[:3] == ["stage", "device", "nodes"]
    assert [line.split()[:2] for line in lines[2:4]] == [["0", "[fast]"], ["2", "testbed"]]
    alike = sg.Instance(to_graph(CHAIN), devices=[devices[0]] * 2)
    assert "device" not in result_to_text(result_of(alike, np.array([0, 0, 1], np.int32), (combinatorial(alike),)))


@pytest.mark.parametrize("wide", [LONG, "\u6f22\u5b57" * 40 + "{}", "[bold]" * 20 + "{}", "\x1b[2J" * 20 + "{}"])
def test_tables_fit_a_hundred_columns(wide: str) -> None:
    """Names lose their middle; what is at their ends can still be told apart."""
    result = audited(
        [0, 1, 2],
        device=sg.Device(bandwidth=64.0, memory=1),
        node_name=[wide.format(node) for node in range(3)],
        tensor_name=[wide.format(node) for node in range(2)],
        param_bytes=[4, 4, 4],
    )
    lines = result_to_text(result, lists_cuts=True).splitlines()
    end = next(index for index, line in enumerate(lines) if line.startswith("bottleneck"))
    assert max(cell_len(line) for line in lines[1:end]) <= WIDTH
    assert all(".." in line for line in lines[2:5])
    assert [line.split()[:3] for line in lines[end - 2 : end]] == [["0", "1", "8"], ["1", "2", "8"]]
    assert "\x1b" not in "\n".join(lines)


def test_all_cut_tensors_are_listed_on_request() -> None:
    """With the stages on both sides; those that import it are named by their runs."""
    graph = sg.Graph(
        work=[1, 1, 1, 1],
        producer=[-1, 0, 3],
        size=[7, 5, 9],
        consumers=[0, 1, 2, 3],
        consumer_offsets=[0, 1, 4, 4],
        is_output=[0, 0, 1],
        tensor_name=["image", "x", ""],
    )
    instance = sg.Instance(graph, device=sg.Device(bandwidth=1.0), num_blocks=4, boundary_io=True)
    result = sg.audit(instance, [0, 1, 2, 3], threads=1)
    assert "image" not in result_to_text(result)
    rows = [line.split() for line in result_to_text(result, lists_cuts=True).splitlines()[6:10]]
    assert rows == [
        ["from", "to", "size", "cut", "tensor"],
        ["input", "0", "7", "B", "image"],
        ["0", "1-3", "5", "B", "x"],
        ["3", "output", "9", "B", "tensor", "2"],
    ]


def test_solve_lists_cut_tensors_with_v(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """And not without it."""
    path = tmp_path / "chain.json"
    sg.write(to_graph(CHAIN, tensor_name=["x", "the tensor y"]), path)
    for volume, is_listed in (("-v", True), ("-q", False)):
        assert main(["solve", str(path), "-k", "2", "--bandwidth", "64", volume]) == 0
        assert ("the tensor y" in capsys.readouterr().out) is is_listed
