"""The plan as a document."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import slicegraph as sg
from results import result_of
from slicegraph.bounds.combinatorial import combinatorial
from slicegraph.formats.plan import read_plan
from slicegraph.machine import devices_of
from strategies import CHAIN, to_graph

NAMES = {"node_name": ["first", "second", "third"], "tensor_name": ["x", "y"]}


def solved(**names: list[str]) -> sg.Result:
    """A partition of three nodes in a chain, the last one by itself."""
    instance = sg.Instance(to_graph(CHAIN, **names), device=sg.Device(bandwidth=64.0), num_blocks=2)
    return sg.solve(instance, threads=1, seed=7)


def test_a_plan_says_where_the_cuts_are() -> None:
    """By the names of the graph; the nodes' own are listed beside their stages."""
    document = solved(**NAMES).plan.document
    assert document["block_of"] == [0, 0, 1]
    assert document["node_names"] == ["first", "second", "third"]
    assert document["cut_tensors"] == [{"name": "y", "bytes": 8, "from": 0, "to": [1]}]


def test_a_plan_says_what_made_it() -> None:
    """An audit did not find the partition, and says so."""
    result = solved()
    document = result.plan.document
    assert (document["seed"], document["method"], document["version"]) == (7, "auto", sg.__version__)
    assert sg.audit(result.instance, result.block_of, threads=1).plan.document["method"] == "audit"
    search = sg.search(result.instance, stop=sg.MaxEvaluations(10), method="anneal", threads=1, seed=3)
    assert (search.seed, search.method) == (3, "anneal")


def test_without_names_nodes_have_none_and_tensors_have_numbers() -> None:
    """As errors name them."""
    document = solved().plan.document
    assert "node_names" not in document
    assert [cut["name"] for cut in document["cut_tensors"]] == ["tensor 1"]


def test_a_plan_that_is_written_is_read_again(tmp_path: Path) -> None:
    """Whole, as it stands in memory, over what was there."""
    result = solved(**NAMES)
    path = tmp_path / "plan.json"
    path.write_text("old")
    result.plan.write(path)
    assert json.loads(path.read_text()) == result.plan.document
    plan = read_plan(path, num_nodes=3, digest=result.instance.graph.structure_digest)
    assert plan.block_of == result.block_of.tolist()
    assert [entry.name for entry in tmp_path.iterdir()] == ["plan.json"]


def test_a_plan_says_which_devices_and_constraints_it_is_for(tmp_path: Path) -> None:
    """Names per stage; figures of one kind as ever, of several as a file of them says it; and both are read again."""
    document = solved().plan.document
    assert (document["devices"], document["constraints"]) == (["kind 0", "kind 0"], {})
    assert document["device"] == {"bandwidth": 64.0}
    assert "machine" not in document
    devices = [sg.Device(bandwidth=64.0, name="fast"), sg.Device.preset("edgetpu")]
    constraints = sg.Constraints(pin={2: 1}, together=[[0, 1]])
    instance = sg.Instance(to_graph(CHAIN), devices=devices, constraints=constraints)
    result = result_of(instance, np.array([0, 0, 1], np.int32), (combinatorial(instance),))
    document = result.plan.document
    assert (document["devices"], document["device"]) == (["fast", "edgetpu"], None)
    assert document["constraints"] == {"pin": [[2, [1]]], "together": [[0, 1]]}
    path = tmp_path / "plan.json"
    result.plan.write(path)
    plan = read_plan(path, num_nodes=3)
    assert plan.machine is not None
    assert plan.constraints is not None
    assert tuple(devices_of(plan.machine)) == instance.devices
    assert sg.Constraints.from_mapping(plan.constraints) == constraints
    assert sg.check(instance.graph, result.certificate, devices=devices, constraints=constraints).status != "infeasible"


def test_a_plan_is_not_written_over_a_folder(tmp_path: Path) -> None:
    """The one writer of files says so."""
    with pytest.raises(sg.InputError, match="a folder, and only files are written"):
        solved().plan.write(tmp_path)
