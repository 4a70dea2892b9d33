"""Inputs of Piper: what they mean, and every way to be broken beyond those of the other planner in JSON."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

import slicegraph as sg
from planners import PATCHES, assert_facts, assert_refused, patched, read_or_refuse


def node(id_: int, name: str, seconds: float) -> dict[str, Any]:
    def figures(kind: str, factor: int) -> dict[str, Any]:
        memory = {"memoryUsageA": 1.0, "memoryUsageB": 2.0, "syncTimeFw": {}, "syncTimeBw": {}}
        return {"id": kind, "timePerSample": seconds * factor, "parameterSize": 64.0 * factor, **memory}

    plain, again = figures("vanilla", 1), figures("activation recomp", 3)
    return {"id": id_, "name": name, "TMPCs": {"2": [figures("vanilla", 7)], "1": [plain, again]}}


def edge(source: int, reader: int, size: float) -> dict[str, Any]:
    return {"sourceId": source, "destId": reader, "communicationCost": size}


SMALL: dict[str, Any] = {
    "maxDevices": 10,
    "maxMemoryPerDevice": 8e10,
    "bandwidth": 8.0,
    "mbsInBatch": 1920,
    "nodes": [node(5, "in", 1.0), node(4, "layer", 2.0), node(9, "layer", 3.0)],
    "edges": [edge(5, 4, 1.0), edge(4, 9, 2.0)],
}
"""A chain of three nodes."""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.json"
    path.write_text(json.dumps(SMALL))
    return path


def test_a_tensor_crosses_once_in_each_pass_at_the_files_bandwidth(small: Path) -> None:
    graph = sg.read(small, format="piper")
    arrays = graph.arrays
    assert (graph.name, arrays.node_name, arrays.op) == ("small", ("5", "4", "9"), ("in", "layer", "layer"))
    assert_facts(
        graph, work=[1.0, 2.0, 3.0], param_bytes=[64, 64, 64], producer=[0, 1], size=[2, 4], consumers=[[1], [2]]
    )
    assert arrays.device == {"bandwidth": 8.0}


def test_the_optimum_is_that_of_the_planners_costs(small: Path) -> None:
    """Two stages, 1 + 2 + 4 / 8 s and 4 / 8 + 3 s; another cut is 2 / 8 + 5 s."""
    result = sg.solve(sg.Instance(sg.read(small, format="piper"), num_blocks=2), stop=sg.MaxRuntime(20))
    assert (result.status, result.bottleneck) == (sg.Status.OPTIMAL, 3.5)
    assert result.block_of.tolist() == [0, 0, 1]


def broken(change: Callable[[Any], object]) -> str:
    data = copy.deepcopy(SMALL)
    change(data)
    return json.dumps(data)


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ("{", "not JSON"),
        (broken(lambda g: g["nodes"][0].update(id=4)), r"nodes\[1\]\.id = 4 is that of nodes\[0\], too"),
        (broken(lambda g: g["nodes"][0].pop("TMPCs")), r'"nodes\[0\]\.TMPCs" is missing'),
        (broken(lambda g: g["nodes"][0].update(TMPCs=[])), r"nodes\[0\]\.TMPCs is not an object"),
        (broken(lambda g: g["nodes"][0]["TMPCs"].pop("1")), r'"nodes\[0\]\.TMPCs\.1" is missing'),
        (broken(lambda g: g["nodes"][0]["TMPCs"].update({"1": []})), r"nodes\[0\]\.TMPCs\.1 is empty, but"),
        (broken(lambda g: g["nodes"][0]["TMPCs"].update({"1": [1]})), r"nodes\[0\]\.TMPCs\.1\[0\] is not an object"),
        (
            broken(lambda g: g["nodes"][2]["TMPCs"]["1"][0].update(timePerSample=-0.5)),
            r"nodes\[2\]\.TMPCs\.1\[0\]\.timePerSample = -0\.5 is not a number from 0",
        ),
        (
            broken(lambda g: g["nodes"][2]["TMPCs"]["1"][0].pop("parameterSize")),
            r'"nodes\[2\]\.TMPCs\.1\[0\]\.parameterSize" is missing',
        ),
        (broken(lambda g: g.pop("bandwidth")), '"bandwidth" is missing'),
        (broken(lambda g: g.update(bandwidth=0)), "bandwidth = 0 is not positive"),
        (broken(lambda g: g["edges"][1].pop("communicationCost")), r'"edges\[1\]\.communicationCost" is missing'),
        (broken(lambda g: g["edges"][1].update(communicationCost=2**53)), "means 1.8e.16 bytes, which is above"),
        (
            broken(lambda g: g["edges"].append(edge(9, 5, 1))),
            r"cycle: node 0 \('5'\) -> node 1 \('4'\) -> node 2 \('9'\) -> node 0 \('5'\), but a graph has none",
        ),
    ],
)
def test_a_broken_file_is_refused_in_one_line(content: str, rule: str, tmp_path: Path) -> None:
    assert_refused(tmp_path / "broken.json", content, rule, format="piper")


@given(patch=PATCHES)
def test_a_damaged_file_is_refused_or_a_graph(patch: tuple[bytes, int, int], tmp_path_factory: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged-piper.json"
    read_or_refuse(path, patched(json.dumps(SMALL).encode(), patch), format="piper")
