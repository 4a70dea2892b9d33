"""Inputs of the planner of dnn-partitioning: what they mean, and every way to be broken."""

from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

import slicegraph as sg
from planners import PATCHES, assert_facts, assert_refused, patched, read_or_refuse, readers
from slicegraph.cli import main


def node(id_: int, milliseconds: float, **changes: Any) -> dict[str, Any]:
    figures = {"cpuLatency": 99, "fpgaLatency": milliseconds, "isBackwardNode": 0, "size": 100.0 + id_}
    return {"id": id_, "supportedOnFpga": 1, **figures, **changes}


def edge(source: int, reader: int, milliseconds: float) -> dict[str, Any]:
    return {"sourceId": source, "destId": reader, "cost": milliseconds, "size": 1e9}


SMALL: dict[str, Any] = {
    "maxSizePerFPGA": 1000.0,
    "maxFPGAs": 6,
    "maxCPUs": 1,
    "nodes": [node(12, 4), node(-7, 2.0, name="first", colorClass=3), node(3, 3, supportedOnFpga=True, colorClass=3)],
    "edges": [edge(-7, 3, 0.5), edge(-7, 12, 0.5), edge(3, 12, 0.25)],
}
"""Node -7 is read by 3 and 12, and 3 by 12."""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.v1.json"
    path.write_text(json.dumps(SMALL))
    return path


def test_times_become_seconds_and_bytes_at_the_bandwidth_of_the_device(small: Path) -> None:
    graph = sg.read(small, format="msr")
    arrays = graph.arrays
    assert (graph.name, arrays.node_name, arrays.op) == ("small", ("12", "-7", "3"), ("", "first", ""))
    assert_facts(
        graph,
        work=[0.004, 0.002, 0.003],
        param_bytes=[112, 93, 103],
        producer=[1, 2],
        size=[500_000, 250_000],
        consumers=[[2, 0], [0]],
    )
    assert arrays.device == {"bandwidth": 1e9, "memory_limit": 1000}


def test_the_machine_has_accelerators_and_cpus_in_any_order_and_colours_together(small: Path) -> None:
    """Work and transfers are measured, to the last digit of milliseconds; a CPU moves tensors in no time."""
    graph = sg.read(small, format="msr")
    arrays = graph.arrays
    assert arrays.work_on is not None
    assert arrays.transfer_on is not None
    assert {kind: row.tolist() for kind, row in arrays.work_on.items()} == {
        "accelerator": [0.004, 0.002, 0.003],
        "cpu": [0.099] * 3,
    }
    assert {kind: row.tolist() for kind, row in arrays.transfer_on.items()} == {
        "accelerator": [0.0005, 0.00025],
        "cpu": [0.0, 0.0],
    }
    instance = sg.Instance(graph)
    assert (instance.order, instance.num_blocks, instance.num_arrangements) == ("any", 7, 7)
    assert [device.name for device in instance.devices] == ["accelerator"] * 6 + ["cpu"]
    assert [device.memory_limit for device in instance.devices] == [1000] * 6 + [None]
    assert instance.constraints.together == ((1, 2),)
    best = min(
        max(block.cost for block in arrangement.block_costs([last, first, first]))
        for arrangement in instance.arrangements()
        for first in range(7)
        for last in range(first, 7)
    )
    assert best == pytest.approx(5.75e-3, rel=1e-12)


@pytest.mark.parametrize("counts", [(0, 2), (2, 0)])
def test_a_machine_may_have_devices_of_one_kind(counts: tuple[int, int], tmp_path: Path) -> None:
    """On CPUs of 99 ms a node, -7 and 3 are in one stage."""
    path = tmp_path / "small.json"
    path.write_text(json.dumps(SMALL | {"maxFPGAs": counts[0], "maxCPUs": counts[1]}))
    instance = sg.Instance(sg.read(path, format="msr"))
    assert (instance.order, instance.num_blocks) == ("given", 2)
    cost = max(block.cost for block in instance.block_costs([1, 0, 0]))
    assert cost == pytest.approx(5.75e-3 if counts[0] else 0.198, rel=1e-12)


def test_a_file_without_counts_names_no_machine(tmp_path: Path) -> None:
    """Then what CPUs take need not be there, either."""
    path = tmp_path / "small.json"
    data = copy.deepcopy(SMALL)
    del data["maxFPGAs"], data["maxCPUs"], data["nodes"][0]["cpuLatency"]
    path.write_text(json.dumps(data))
    graph = sg.read(path, format="msr")
    assert graph.arrays.machine is None
    assert sg.Instance(graph, num_blocks=2).num_blocks == 2


def test_what_no_accelerator_runs_is_on_a_cpu(tmp_path: Path) -> None:
    path = tmp_path / "small.json"
    data = copy.deepcopy(SMALL)
    data["nodes"][0]["supportedOnFpga"] = 0
    path.write_text(json.dumps(data))
    graph = sg.read(path, format="msr")
    arrangements = list(sg.Instance(graph).arrangements())
    assert arrangements
    for arrangement in arrangements:
        cpu = [device.name for device in arrangement.devices].index("cpu")
        assert arrangement.resolved.stages == {0: (cpu,)}
    with pytest.raises(sg.InputError, match="device: not given, and the graph's file names none"):
        sg.Instance(graph, num_blocks=2)


def training() -> dict[str, Any]:
    """Two layers and what is by itself, forward and backward; layer 2 gives its gradient to layer 1."""
    nodes = [node(id_, id_, colorClass=id_) for id_ in (1, 2)] + [node(9, 1)]
    nodes += [node(10 + id_, 2 * id_, colorClass=id_, isBackwardNode=1, cpuLatency=1) for id_ in (2, 1)]
    edges = [edge(1, 2, 0.5), edge(2, 9, 0.5), edge(9, 12, 0.25), edge(12, 11, 0.5), edge(1, 11, 0.5)]
    return {"maxSizePerFPGA": 1e9, "maxFPGAs": 2, "maxCPUs": 0, "nodes": nodes, "edges": edges}


def test_a_layer_of_a_training_graph_is_in_one_stage(tmp_path: Path) -> None:
    """Layer 1 takes 3 ms, layer 2 takes 6, node 9 takes 1: layer 1 pays what it sends and receives, 0.5 ms each."""
    path = tmp_path / "training.json"
    path.write_text(json.dumps(training()))
    for instance in (sg.Instance(sg.read(path, format="msr")), sg.Instance(sg.read(path, format="msr"), num_blocks=2)):
        result = sg.solve(instance, stop=sg.MaxRuntime(20))
        assert result.status is sg.Status.OPTIMAL
        # Layer 2 alone would send 0.5 ms to node 9 and receive 0.25.
        assert result.bottleneck == pytest.approx(8e-3, rel=1e-9)
        assert result.block_of.tolist() == [0, 1, 1, 1, 0]
        assert sg.check(instance.graph, result.certificate).gap == 0
    # Of an instance that is given devices: the file's own machine says it in words of its groups.
    with pytest.raises(sg.InputError, match=r"node 1 \('2'\) and node 3 \('12'\) are in stages 0 and 1, but a layer"):
        sg.audit(instance, [0, 0, 1, 1, 0])


def test_a_native_file_keeps_the_machine(small: Path, tmp_path: Path) -> None:
    graph = sg.read(small, format="msr")
    path = tmp_path / "native.json"
    sg.write(graph, path)
    again = sg.read(path)
    assert again.digest == graph.digest
    assert sg.Instance(again).machine == sg.Instance(graph).machine
    assert sg.Instance(again).constraints == sg.Instance(graph).constraints


def test_a_compressed_file_is_the_same_graph(small: Path) -> None:
    packed = small.with_suffix(".json.gz")
    packed.write_bytes(gzip.compress(small.read_bytes()))
    assert sg.read(packed, format="msr").digest == sg.read(small, format="msr").digest


def test_the_optimum_is_that_of_the_planners_costs(small: Path) -> None:
    """Two stages: -7 and 3, then 12; both tensors leave the first, 2 + 3 + 0.5 + 0.25 ms. No device is named."""
    result = sg.solve(sg.Instance(sg.read(small, format="msr"), num_blocks=2), stop=sg.MaxRuntime(20))
    assert result.status is sg.Status.OPTIMAL
    assert result.bottleneck == pytest.approx(5.75e-3, rel=1e-9)
    assert result.block_of.tolist() == [1, 0, 0]


def test_the_memory_of_an_accelerator_limits_a_stage(tmp_path: Path) -> None:
    """Of 112, 93 and 103 bytes, a stage holds two nodes at most, so that two stages fit, and a single one does not."""
    path = tmp_path / "small.json"
    path.write_text(json.dumps(SMALL | {"maxSizePerFPGA": 220.5}))
    graph = sg.read(path, format="msr")
    assert sg.solve(sg.Instance(graph, num_blocks=2), stop=sg.MaxRuntime(20)).status is sg.Status.OPTIMAL
    single = sg.solve(sg.Instance(graph, num_blocks=1), stop=sg.MaxRuntime(20))
    assert single.status is sg.Status.INFEASIBLE
    assert single.lower_bound == float("inf")
    assert single.block_of.size == 0
    path.write_text(json.dumps(SMALL | {"maxSizePerFPGA": 1e18}))
    assert sg.Instance(sg.read(path, format="msr"), num_blocks=1).device.memory_limit == 2**53


def test_the_command_line_takes_the_format(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["solve", str(small), "--format", "msr", "-k", "2", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["device"] == {"bandwidth": 1e9, "memory_limit": 1000}
    assert answer["bottleneck"] == pytest.approx(5.75e-3, rel=1e-9)
    assert main(["solve", str(small), "-k", "2"]) == 2
    assert "planners' inputs take --format msr or piper" in capsys.readouterr().err


def test_an_output_has_a_size_for_each_cost_of_its_edges(tmp_path: Path) -> None:
    """Edges of one source and cost are one tensor, and an edge that stands twice counts once."""
    path = tmp_path / "uneven.json"
    path.write_text(json.dumps(SMALL | {"edges": [edge(-7, 3, 0.5), edge(-7, 12, 0.125), edge(-7, 3, 0.5)]}))
    graph = sg.read(path, format="msr")
    assert graph.arrays.size.tolist() == [500_000, 125_000]
    assert readers(graph) == [[2], [0]]


def broken(change: Callable[[Any], object]) -> str:
    data = copy.deepcopy(SMALL)
    change(data)
    return json.dumps(data)


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ("", "not JSON"),
        (b"\x80\x81", "not JSON"),
        (b"\x1f\x8b\x08\x00", "the compressed data ends early or is damaged"),
        ("[]", "a planner input is not an object"),
        ("{}", '"nodes" is missing'),
        (broken(lambda g: g.update(nodes={})), "nodes is not a list"),
        (broken(lambda g: g.update(nodes=[], edges=[])), "graph: num_nodes = 0"),
        (broken(lambda g: g.update(nodes=[3])), r"nodes\[0\] is not an object"),
        (broken(lambda g: g["nodes"][1].pop("id")), r'"nodes\[1\]\.id" is missing'),
        (broken(lambda g: g["nodes"][1].update(id=True)), r"nodes\[1\]\.id = True is not a whole number"),
        (broken(lambda g: g["nodes"][1].update(id=1.0)), r"nodes\[1\]\.id = 1\.0 is not a whole number"),
        (broken(lambda g: g["nodes"][2].update(id=12)), r"nodes\[2\]\.id = 12 is that of nodes\[0\], too"),
        (broken(lambda g: g["nodes"][2].update(name=3)), r"nodes\[2\]\.name = 3 is not a string"),
        (broken(lambda g: g["nodes"][2].pop("fpgaLatency")), r'"nodes\[2\]\.fpgaLatency" is missing'),
        (
            broken(lambda g: g["nodes"][0].update(fpgaLatency="1")),
            r"fpgaLatency = '1' is not a number from 0 to 1e\+300",
        ),
        (
            broken(lambda g: g["nodes"][0].update(fpgaLatency=-1)),
            r"nodes\[0\]\.fpgaLatency = -1 is not a number from 0",
        ),
        (broken(lambda g: g["nodes"][0].update(fpgaLatency=float("nan"))), "fpgaLatency = nan is not a number from 0"),
        (broken(lambda g: g["nodes"][0].update(fpgaLatency=float("inf"))), "fpgaLatency = inf is not a number from 0"),
        (broken(lambda g: g["nodes"][0].update(fpgaLatency=10**400)), r"fpgaLatency = 1000\d+ is not a number from 0"),
        (broken(lambda g: g["nodes"][0].update(size=1e20)), r"size = 1e\+20 means 1e\+20 bytes, which is above 2\^53"),
        (broken(lambda g: g.update(maxFPGAs=0, maxCPUs=0)), "maxFPGAs = 0 and maxCPUs = 0, but there is at least one"),
        (broken(lambda g: g.update(maxCPUs=-1)), "maxCPUs = -1 is not a number of devices from 0 to"),
        (broken(lambda g: g["nodes"][1].pop("cpuLatency")), r'"nodes\[1\].cpuLatency" is missing'),
        (broken(lambda g: g["nodes"][1].update(supportedOnFpga=2)), "supportedOnFpga = 2 is not true, false, 0 or 1"),
        (broken(lambda g: g.pop("maxSizePerFPGA")), '"maxSizePerFPGA" is missing'),
        (broken(lambda g: g.update(maxSizePerFPGA=None)), "maxSizePerFPGA = None is not a number"),
        (broken(lambda g: g.pop("edges")), '"edges" is missing'),
        (broken(lambda g: g["edges"][0].update(destId=4)), r"edges\[0\]\.destId = 4 is no node's id"),
        (broken(lambda g: g["edges"][0].update(sourceId="3")), r"edges\[0\]\.sourceId = '3' is not a whole number"),
        (broken(lambda g: g["edges"][0].update(destId=-7)), r"edges\[0\]\.destId is sourceId, too"),
        (
            broken(lambda g: g["edges"][1].update(cost=1e12)),
            r"edges\[1\]\.cost = 1.* means 1e\+18 bytes, which is above",
        ),
        (
            broken(lambda g: g["edges"].append(edge(12, -7, 1))),
            r"cycle: node 0 \('.*'\) -> node 1 \('.*'\) -> node 0 \('.*'\), but a graph has none",
        ),
    ],
)
def test_a_broken_file_is_refused_in_one_line(content: str | bytes, rule: str, tmp_path: Path) -> None:
    assert_refused(tmp_path / "broken.json", content, rule, format="msr")


def test_a_file_that_ends_early_is_refused(tmp_path: Path) -> None:
    content = json.dumps(SMALL).encode()
    for length in range(len(content)):
        assert_refused(tmp_path / "short.json", content[:length], "not JSON", format="msr")


@given(patch=PATCHES)
def test_a_damaged_file_is_refused_or_a_graph(patch: tuple[bytes, int, int], tmp_path_factory: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged-msr.json"
    read_or_refuse(path, patched(json.dumps(SMALL).encode(), patch), format="msr")
