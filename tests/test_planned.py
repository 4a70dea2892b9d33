"""The stage of each node, from whatever says it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import slicegraph as sg
from slicegraph.planned import planned_blocks, planned_names
from strategies import CHAIN, to_graph

GRAPH = to_graph(CHAIN, node_name=["first", "second", "third"])


def _result(graph: sg.Graph = GRAPH) -> sg.Result:
    return sg.audit(sg.Instance(graph, device=sg.Device(bandwidth=64.0), num_blocks=2), [0, 0, 1], threads=1)


def test_a_result_a_plan_its_document_and_its_file_say_the_same(tmp_path: Path) -> None:
    """By number and by name; numbers alone have no names."""
    result, path = _result(), tmp_path / "plan.json"
    result.plan.write(path)
    for each in (result, result.plan, result.plan.document, path, str(path)):
        assert planned_blocks(each, GRAPH).tolist() == [0, 0, 1]
        assert planned_names(each) == {"first": 0, "second": 0, "third": 1}
    assert planned_blocks([0, 0, 1], GRAPH).tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (_result().plan.document | {"graph": {"digest": "other"}}, "plan: it is about another graph"),
        ({"block_of": [0, 0, 1]}, "plan: it is about another graph"),
        ([0, 1], r"plan: it has shape \(2,\), but the graph has 3 nodes"),
        ([0, 0, -1], "plan: node 2 is in block -1, but blocks count from 0"),
    ],
)
def test_what_is_no_plan_of_the_graph_is_refused(given: Any, told: str) -> None:
    with pytest.raises(sg.InputError, match=told):
        planned_blocks(given, GRAPH)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (_result(to_graph(CHAIN)), "plan: it has no node_names and block_of of one length"),
        ([0, 0, 1], r"plan = \[0, 0, 1\], but it is a Result, a Plan, its document or its path"),
        ({"node_names": ["a"], "block_of": [-1]}, "plan: 'a' is in stage -1"),
    ],
)
def test_what_has_no_names_is_refused(given: Any, told: str) -> None:
    with pytest.raises(sg.InputError, match=told):
        planned_names(given)
