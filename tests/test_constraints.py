"""Constraints, found in a graph and held against the definition."""

from __future__ import annotations

import itertools
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oracle
import slicegraph as sg
from slicegraph.constraints import Resolved, resolve, with_kernels
from strategies import CHAIN, MANY, graphs, to_graph

NAMES = ["embed", "layer.0", "layer.1", "layer[0]", "3", "layer.1"]


def named(names: list[str] | None = NAMES) -> sg.Graph:
    """Six nodes that nothing joins."""
    facts: dict[str, Any] = {"producer": [], "size": [], "consumers": [], "consumer_offsets": [0]}
    return sg.Graph(work=[1.0] * 6, node_name=names, **facts)


def resolved(constraints: sg.Constraints, graph: sg.Graph | None = None, num_stages: int = 4) -> Resolved:
    return resolve(constraints, (graph or named()).arrays, num_stages)


@pytest.mark.parametrize(
    ("pattern", "nodes"),
    [
        ("embed", [0]),
        (0, [0]),
        (np.int64(5), [5]),
        ("layer.*", [1, 2, 5]),
        ("layer?[01]", [1, 2, 5]),
        ("*", range(6)),
        # A name goes before a glob and before an index; a name of several nodes stands for all.
        ("layer[0]", [3]),
        ("3", [4]),
        (3, [3]),
        ("2", [2]),
        ("layer.1", [2, 5]),
    ],
)
def test_a_pattern_is_a_name_or_a_glob_or_an_index(pattern: Any, nodes: list[int]) -> None:
    assert resolved(sg.Constraints(pin={pattern: 1})).stages == dict.fromkeys(nodes, (1,))


def test_pins_meet_and_forbids_take_away() -> None:
    constraints = sg.Constraints(pin={"layer.*": [1, 2, 3], "layer.0": range(3)}, forbid={1: 1, "embed": [0, 3]})
    assert resolved(constraints).stages == {0: (1, 2), 1: (2,), 2: (1, 2, 3), 5: (1, 2, 3)}


def test_what_all_stages_may_hold_is_not_restricted() -> None:
    assert resolved(sg.Constraints(pin={"embed": range(4)}, forbid={"embed": []})).stages == {}


def test_groups_with_a_node_in_common_are_one() -> None:
    constraints = sg.Constraints(together=["layer.*", [0, "layer[0]"], [3, 4], "embed"])
    assert resolved(constraints).together == ((0, 3, 4), (1, 2, 5))


def test_a_group_may_be_where_all_of_it_may() -> None:
    """Each node alone has a stage, and so have all together."""
    fits = sg.Constraints(pin={0: [0, 1], 1: [1, 2]}, together=[[0, 1]])
    assert resolved(fits).stages == {0: (0, 1), 1: (1, 2)}
    parted = sg.Constraints(pin={0: [0, 1], 1: [2]}, together=[[0, 1]])
    with pytest.raises(sg.InputError, match=r"together: node 0 \('embed'\), node 1 \('layer.0'\): no stage may hold"):
        resolved(parted)


@pytest.mark.parametrize(
    ("constraints", "message"),
    [
        ({"pin": {"head": 0}}, "pin: 'head' is the name of no node"),
        ({"forbid": {"head.*": 0}}, r"forbid: 'head.\*' matches the name of no node"),
        ({"together": [["embed", 6]]}, "together: there is no node 6, but 6 nodes, from 0"),
        ({"pin": {"embed": 4}}, "pin of 'embed': there is no stage 4, but stages 0..3"),
        ({"pin": {"embed": []}}, r"node 0 \('embed'\): no stage is left: all are forbidden, not pinned"),
        (
            {"pin": {"embed": [0, 1]}, "forbid": {0: [0, 1]}},
            r"node 0 \('embed'\): no stage is left: all are forbidden, not pinned",
        ),
    ],
)
def test_what_cannot_be_is_one_line(constraints: dict[str, Any], message: str) -> None:
    with pytest.raises(sg.InputError, match=message):
        resolved(sg.Constraints(**constraints))


def test_nodes_without_names_go_by_index() -> None:
    with pytest.raises(sg.InputError, match="pin: 'embed' is the name of no node; nodes have no names here, so give"):
        resolved(sg.Constraints(pin={"embed": 0}), named(None))
    assert resolved(sg.Constraints(pin={"4": 0}), named(None)).stages == {4: (0,)}


def test_pins_against_the_data_flow_name_both_nodes() -> None:
    """Also where others are between, with a group on the way, or with stages left out in the middle."""
    graph = to_graph(CHAIN, node_name=["a", "b", "c"])
    message = r"node 0 \('a'\) may not be before stage 2, and node 2 \('c'\), which comes after it, not after stage 1"
    with pytest.raises(sg.InputError, match=message):
        resolved(sg.Constraints(pin={"a": [2, 3], "c": [0, 1]}), graph)
    message = r"node 1 \('b'\) may not be before stage 3, and node 2 \('c'\), which comes after it, not after stage 2"
    with pytest.raises(sg.InputError, match=message):
        resolved(sg.Constraints(pin={"a": 1, "b": [0, 3], "c": [0, 2]}), graph)
    fork = sg.Graph(
        work=[1.0] * 4,
        producer=[0, 2],
        size=[8, 8],
        consumers=[1, 3],
        consumer_offsets=[0, 1, 2],
        node_name=list("abcd"),
    )
    with pytest.raises(sg.InputError, match=r"may not be before stage 2, and node 3 .* not after stage 1"):
        resolved(sg.Constraints(pin={"a": 2, "d": 1}, together=[["b", "c"]]), fork)


def test_nodes_that_a_device_cannot_run_are_kept_off_it() -> None:
    arrays = named().arrays
    assert resolve(sg.Constraints(), arrays, 2, {0: [True, False]}).stages == {0: (0,)}
    with pytest.raises(sg.InputError, match=r"node 0 \('embed'\): no device of the pipeline can run it"):
        resolve(sg.Constraints(), arrays, 2, {0: [False, False]})
    message = r"node 0 \('embed'\): no stage is left: all are forbidden, not pinned or have a device that cannot run it"
    with pytest.raises(sg.InputError, match=message):
        resolve(sg.Constraints(pin={"embed": 1}), arrays, 2, {0: [True, False]})


@settings(max_examples=MANY)
@given(graphs(max_nodes=5), st.integers(1, 3), st.data())
def test_they_are_refused_when_no_partition_meets_them_and_only_then(
    data: dict[str, Any], num_stages: int, draw: st.DataObject
) -> None:
    """Over all partitions; and what is found is what was asked for."""
    nodes, stages = st.integers(0, len(data["nodes"]["op"]) - 1), st.integers(0, num_stages - 1)
    by_node = st.dictionaries(nodes, st.lists(stages, min_size=1), max_size=3)
    pin, forbid = draw.draw(by_node), draw.draw(by_node)
    together = draw.draw(st.lists(st.lists(nodes, min_size=1, max_size=3), max_size=2))
    meeting = [
        block_of
        for block_of in oracle.partitions(data, num_stages)
        if all(block_of[node] in wanted for node, wanted in pin.items())
        and not any(block_of[node] in unwanted for node, unwanted in forbid.items())
        and all(len({block_of[node] for node in group}) == 1 for group in together)
    ]
    constraints = sg.Constraints(pin=pin, forbid=forbid, together=together)
    try:
        found = resolved(constraints, to_graph(data), num_stages)
    except sg.InputError:
        assert not meeting
        return
    assert meeting
    assert meeting == [
        block_of
        for block_of in oracle.partitions(data, num_stages)
        if all(block_of[node] in left for node, left in found.stages.items())
        and all(len({block_of[node] for node in group}) == 1 for group in found.together)
    ]
    assert all(len(one & other) == 0 for one, other in itertools.combinations(map(set, found.together), 2))


@pytest.mark.parametrize(
    ("constraints", "message"),
    [
        ({"adjacent": 1}, "adjacent = 1"),
        ({"pin": "embed"}, "pin = 'embed', but it is a mapping from nodes to stages"),
        ({"pin": [("embed",)]}, r"pin: \('embed',\) is not a pair of nodes and stages"),
        ({"pin": ["embed"]}, r"pin = \['embed'\], but it is a mapping from nodes to stages"),
        ({"pin": np.array(3)}, r"pin = array\(3\), but it is a mapping from nodes to stages"),
        ({"pin": {1.5: 0}}, "pin: 1.5 is neither the name of a node nor an index from 0"),
        ({"pin": {-1: 0}}, "pin: -1 is neither the name of a node nor an index from 0"),
        ({"pin": {"": 0}}, "pin: a node's name is not empty"),
        ({"forbid": {"a": "0"}}, "forbid of 'a': a stage = '0', but it is a whole number from 0 to"),
        ({"forbid": {"a": [0, -1]}}, "forbid of 'a': a stage = -1, but it is a whole number from 0 to"),
        ({"together": "embed"}, "together = 'embed', but it is a list of groups of nodes"),
        ({"together": [[None]]}, "together: None is neither the name of a node nor an index"),
    ],
)
def test_wrong_arguments_are_one_line(constraints: dict[str, Any], message: str) -> None:
    with pytest.raises(sg.InputError, match=message):
        sg.Constraints(**constraints)


def test_constraints_are_values() -> None:
    """Hashable, equal by what they ask, and the same from a file."""
    constraints = sg.Constraints(pin={"a*": [3, 1], 7: 0}, forbid={"b": 2}, together=["c*", ["d", 4]])
    same = sg.Constraints(pin=[("a*", [1, 3]), (7, [0])], forbid={"b": [2]}, together=("c*", ("d", 4)))
    assert len({constraints, same}) == 1
    assert pickle.loads(pickle.dumps(constraints)) == constraints  # noqa: S301 - our own
    asked = {"pin": [["a*", [1, 3]], [7, [0]]], "forbid": [["b", [2]]], "together": ["c*", ["d", 4]]}
    assert constraints.to_mapping() == asked
    assert sg.Constraints.from_mapping(asked) == constraints
    assert constraints
    assert not sg.Constraints()
    assert sg.Constraints().to_mapping() == {}
    linked = sg.Constraints(adjacent=True)
    assert linked.to_mapping() == {"adjacent": True}
    assert sg.Constraints.from_mapping({"adjacent": True}) == linked != sg.Constraints()
    assert linked


def test_kernels_leave_all_else_that_is_asked() -> None:
    """Also that only neighbours are linked, so that the answer costs what its partition costs."""
    asked = sg.Constraints(pin={0: 0}, forbid={3: 0}, adjacent=True)
    facts: dict[str, Any] = {"producer": [0, 1, 2], "size": [64] * 3, "consumers": [3, 2, 3]}
    graph = sg.Graph(work=[1, 9, 9, 1], consumer_offsets=[0, 1, 2, 3], kernel=[-1, 0, 1, 1], **facts)
    found = with_kernels(asked, graph.arrays)
    assert (found.pin, found.forbid, found.adjacent, found.together) == (asked.pin, asked.forbid, True, ((2, 3),))
    instance = sg.Instance(graph, device=sg.Device(bandwidth=64.0), num_blocks=3, constraints=asked)
    result = sg.solve(instance, threads=1)
    assert result.bottleneck == max(block.cost for block in instance.block_costs(result.block_of))
    verdict = sg.check(graph, result.certificate, device=instance.device, num_blocks=3, constraints=asked)
    assert verdict.bottleneck == result.bottleneck


@pytest.mark.parametrize(
    ("constraints", "block_of", "told"),
    [
        (
            sg.Constraints(pin={"embed": 0}),
            [1] * 6,
            r"node 0 \('embed'\) is in stage 1, but a constraint or the kind of its device keeps it from there",
        ),
        (
            sg.Constraints(together=["layer.[01]"]),
            [0, 1, 0, 0, 0, 1],
            r"node 1 \('layer.0'\) and node 2 \('layer.1'\) are in stages 1 and 0, but must be together",
        ),
    ],
)
def test_a_partition_that_breaks_a_constraint_is_told_by_nodes_and_stages(
    constraints: sg.Constraints, block_of: list[int], told: str
) -> None:
    """In the words of the constraint's author, as a partition that is none for another reason."""
    instance = sg.Instance(named(), device=sg.Device(bandwidth=1.0), num_blocks=2, constraints=constraints)
    for ask in (sg.audit, lambda instance, block_of: sg.solve(instance, warm_start=block_of)):
        with pytest.raises(sg.InputError, match=f"^(warm_start: )?{told}$"):
            ask(instance, block_of)
