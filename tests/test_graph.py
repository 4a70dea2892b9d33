"""Graphs from arrays: what is kept, and what is refused with which words."""

from __future__ import annotations

import concurrent.futures
import copy
import dataclasses
import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import slicegraph as sg
from slicegraph.formats.arrays import GraphArrays, structure_digest
from strategies import CHAIN, graphs, memory, shared, to_graph


@given(graphs())
def test_what_goes_in_can_be_read_back(data: dict[str, Any]) -> None:
    graph = to_graph(data)
    assert graph.num_nodes == len(data["nodes"]["op"])
    assert graph.arrays.producer.tolist() == data["tensors"]["producer"]
    assert graph.arrays.size.tolist() == data["tensors"]["size"]


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        ({"work": [1.0, -1.0, 1.0]}, "node 1: work -1.0 is negative"),
        ({"work": [1.0, math.nan, 1.0]}, "node 1: work NaN is not a number"),
        ({"work": [1.0, 1.0, math.inf]}, "node 2: work inf is above 1e15 s"),
        ({"work": [1e300, 1.0, 1.0]}, "node 0: work 1e300 is above 1e15 s"),
        ({"work": [[1.0, 1.0, 1.0]]}, r"work: shape \(1, 3\), but an array of one dimension is asked for"),
        ({"work": ["a", "b", "c"]}, "work: dtype <U1, but numbers are asked for"),
        ({"work": [1j, 1, 1]}, "work: dtype complex128, but numbers are asked for"),
        ({"work": []}, "graph: num_nodes = 0, but a graph has at least one node"),
        ({"work": None}, "graph: neither work nor flops is given"),
        ({"flops": [0.0]}, "flops: length 1, but there are 3 nodes"),
        ({"flops": [0.0, 1e31, 0.0]}, "node 1: flops 1e31 is above 1e30"),
        ({"producer": [0, 3]}, "tensor 1: producer 3 is not below num_nodes = 3"),
        ({"producer": [0, -2]}, r"tensor 1: producer -2 is neither a node nor -1 \(a model input\)"),
        ({"producer": [0]}, "producer: length 1, but there are 2 tensors"),
        ({"producer": [0.0, 1.0]}, "producer: dtype float64, but integers are asked for"),
        (
            {"producer": np.array([2**64 - 1, 0], dtype=np.uint64)},
            r"producer\[0\] = 18446744073709551615 is above 2\^63 - 1",
        ),
        ({"size": [8, -8]}, "tensor 1: size -8 is negative"),
        ({"size": [8, 2**53 + 1]}, r"tensor 1: size 9007199254740993 is above 2\^53"),
        ({"size": [2**70, 1]}, "size: dtype object, but integers are asked for"),
        ({"consumers": [1, 40]}, "tensor 1: consumer 40 is not below num_nodes = 3"),
        ({"consumers": [1, -1]}, "tensor 1: consumer -1 is negative"),
        ({"consumers": [1, 2**40]}, "tensor 1: consumer 1099511627776 is not below num_nodes = 3"),
        ({"consumers": [1, 1]}, r"tensor 1: node 1 is its producer and its consumer \(a self-loop\)"),
        ({"consumers": [1, 0]}, "cycle: node 0 -> node 1 -> node 0, but a graph has none"),
        ({"consumers": [1, 0], "node_name": ["a", "b"]}, r"cycle: node 0 \('a'\) -> node 1 \('b'\) -> node 0 \('a'\),"),
        (
            {"consumers": [0, 2], "node_name": ["a", "b", "c"], "tensor_name": ["node 1", "y"]},
            r"^tensor 0 \('node 1'\): node 0 \('a'\) is its producer and its consumer",
        ),
        ({"consumers": [1, 2, 2], "consumer_offsets": [0, 1, 3]}, "tensor 1: consumer 2 stands twice"),
        ({"consumer_offsets": [0, 2]}, "consumer_offsets: length 2, but there are 2 tensors, which takes 3 offsets"),
        ({"consumer_offsets": [1, 1, 2]}, r"consumer_offsets\[0\] = 1, but the first offset is 0"),
        ({"consumer_offsets": [0, 3, 2]}, r"consumer_offsets\[1\] = 3, but there are only 2 consumers"),
        (
            {"consumer_offsets": [0, 1, 1]},
            r"consumer_offsets\[2\] = 1, but the last offset is the number of consumers, 2",
        ),
        ({"consumer_offsets": [0, -1, 2]}, r"consumer_offsets\[1\] = -1, but offsets do not fall"),
        ({"param_bytes": [1, 2]}, "param_bytes: length 2, but there are 3 nodes"),
        ({"param_bytes": [2**53, 1, 0]}, r"param_bytes add up to 9007199254740993, which is above 2\^53"),
        ({"state_bytes": [1, 2]}, "state_bytes: length 2, but there are 3 nodes"),
        ({"state_bytes": [1, 2, -3]}, "node 2: state_bytes -3 is negative"),
        ({"state_bytes": [2**53, 1, 0]}, r"add up to 9007199254740993, which is above 2\^53"),
        ({"live_bytes": [0, 2**53 + 1, 0]}, r"node 1: live_bytes 9007199254740993 is above 2\^53"),
        ({"live_bytes": [0.5, 1, 1]}, "live_bytes: dtype float64, but integers are asked for"),
        ({"dtype": ["float32"]}, "dtype: length 1, but there are 3 nodes"),
        ({"dtype": "float32"}, "dtype = 'float32', but it is a list of strings"),
        ({"work_on": [1, 2, 3]}, r"work_on = \[1, 2, 3\], but it is a mapping"),
        ({"work_on": {"gpu": [1.0]}}, r"work_on\['gpu'\]: length 1, but there are 3 nodes"),
        ({"work_on": {"gpu": [1.0, math.nan, -1.0]}}, r"node 2: work_on\['gpu'\] -1\.0 is negative"),
        ({"work_on": {"gpu": [1.0, math.inf, 1.0]}}, r"node 1: work_on\['gpu'\] inf is above 1e15 s"),
        ({"work_on": {"": [1.0, 1.0, 1.0]}}, r"work_on\[''\]: a kind has a name"),
        ({"work_on": {3: [1.0, 1.0, 1.0]}}, "work_on: a kind = 3, but it is a string"),
        ({"param_size": [4]}, "param_readers: not given, but a parameter has a size and readers"),
        (shared([4], [[0, 1]]) | {"param_offsets": None}, "param_offsets: not given, but"),
        (shared([-4], [[0, 1]]), "parameter 0: size -4 is negative"),
        (shared([4, 2**53 + 1], [[0], [1]]), r"parameter 1: size 9007199254740993 is above 2\^53"),
        (
            shared([2**53], [[0]]) | {"param_bytes": [1, 0, 0]},
            r"add up to 9007199254740993, which is above 2\^53",
        ),
        (shared([4, 4], [[0, 1], [1, 40]]), "parameter 1: reader 40 is not a node"),
        (shared([4, 4], [[0, -1], [1, 2]]), "parameter 0: reader -1 is not a node"),
        (shared([4, 4], [[0, 1], [2, 0, 2]]), "parameter 1: reader 2 is listed twice"),
        (shared([4, 4], [[0, 1]]), "param_offsets: length 2, but there are 2 parameters, which takes 3 offsets"),
        (shared([4], [[0, 1]]) | {"param_offsets": [1, 2]}, "parameter 0: offset 1 is no end of its readers"),
        (shared([4], [[0, 1]]) | {"param_offsets": [0, 3]}, "parameter 1: offset 3 is no end of its readers"),
        (shared([4, 4], [[0], [1]]) | {"param_offsets": [0, 3, 2]}, "parameter 1: offset 3 is no end of its readers"),
        ({"read_bytes": [0, 0, -5]}, "node 2: read_bytes -5 is negative"),
        ({"is_view": [0, 2, 0]}, r"is_view\[1\] = 2 is neither 0 nor 1"),
        ({"is_output": [True]}, "is_output: length 1, but there are 2 tensors"),
        ({"op": ["a"]}, "op: length 1, but there are 3 nodes"),
        ({"node_name": ["a", "b", 3]}, r"node_name\[2\] = 3 is not a string"),
    ],
)
def test_a_malformed_graph_is_refused_in_one_line(replaced: dict[str, Any], message: str) -> None:
    """The line names the culprit and the rule."""
    with pytest.raises(sg.InputError, match=message) as error:
        to_graph(CHAIN, **replaced)
    assert "\n" not in str(error.value)


def test_a_long_cycle_is_cut_in_the_middle() -> None:
    nodes = list(range(100))
    with pytest.raises(sg.InputError, match=r"cycle: node 0 -> node 1 -> .* -> 92 more -> node 0, but"):
        sg.Graph(
            work=[0.0] * 100, producer=nodes, size=nodes, consumers=[*nodes[1:], 0], consumer_offsets=[*nodes, 100]
        )


def test_a_graph_is_frozen() -> None:
    """Neither the caller's arrays nor those that are read back reach into the graph."""
    work = np.array([1.0, 2.0, 3.0])
    graph = to_graph(CHAIN, work=work)
    work[0] = 100.0
    assert graph.arrays.work is not None
    assert graph.arrays.work[0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        graph.arrays.work[0] = 5.0


def test_the_digest_is_of_the_numbers_alone() -> None:
    assert to_graph(CHAIN).digest == to_graph(CHAIN, name="other", op=["x", "y", "z"]).digest
    assert to_graph(CHAIN).digest != to_graph(CHAIN, size=[8, 9]).digest
    assert to_graph(CHAIN).digest != to_graph(CHAIN, is_output=[False, True]).digest
    facts: list[dict[str, Any]] = [
        {},
        {"state_bytes": [0, 0, 1]},
        {"state_bytes": [0, 1, 0]},
        {"live_bytes": [0, 0, 1]},
        {"dtype": ["a", "a", "b"]},
        {"dtype": ["a", "ab", ""]},
        {"work_on": {"a": [1, 2, math.nan]}},
        {"work_on": {"b": [1, 2, math.nan]}},
        {"work_on": {"a": [1, 2, math.nan], "b": [1, 2, math.nan]}},
        shared([4], [[0, 1]]),
        shared([4], [[0, 2]]),
        shared([5], [[0, 2]]),
    ]
    assert len({to_graph(CHAIN, **each).digest for each in facts}) == len(facts)
    assert len({to_graph(CHAIN, **each).structure_digest for each in facts}) == 1


def test_the_digest_of_a_graph_without_what_is_new_is_what_it_was() -> None:
    """Plans and certificates that were written before stay valid."""
    assert to_graph(CHAIN).digest == "55de199626654fba38c11027496998dd2f87bdd0d4b17365c2808d74ea95e0c4"


def test_the_structure_is_what_a_plan_is_about() -> None:
    """Operators, tensors and sizes count; names, costs, the order of readers and how nothing is said do not."""
    base: dict[str, Any] = {
        "producer": [0, 0],
        "size": [8, 8],
        "consumers": [1, 2, 2],
        "consumer_offsets": [0, 2, 3],
        "work": [1.0, 2.0, 3.0],
        "op": ["a", "b", "c"],
    }
    digest = sg.Graph(**base).structure_digest
    alike: list[dict[str, Any]] = [
        {"name": "other"},
        {"node_name": ["x", "y", "z"]},
        {"work": [3.0, 3.0, 3.0]},
        {"param_bytes": [1, 1, 1]},
        {"consumers": [2, 1, 2]},
        {"is_output": [False, False]},
        {"device": {"bandwidth": 1.0}},
    ]
    assert {sg.Graph(**(base | change)).structure_digest for change in alike} == {digest}
    others: list[dict[str, Any]] = [
        {"size": [8, 9]},
        {"op": ["a", "b", "d"]},
        {"consumers": [1, 2, 1]},
        {"consumers": [1, 1, 2], "consumer_offsets": [0, 1, 3]},
        {"producer": [0, 1], "consumers": [1, 2, 2]},
        {"is_output": [False, True]},
        {"work": [1.0, 2.0, 3.0, 4.0], "op": ["a", "b", "c", ""]},
    ]
    digests = {digest, *(sg.Graph(**(base | change)).structure_digest for change in others)}
    assert len(digests) == len(others) + 1


@given(graphs())
def test_a_graph_survives_pickling_and_copying(data: dict[str, Any]) -> None:
    """Every field comes back, and what comes back is frozen too."""
    graph = to_graph(
        data,
        node_name=[f"node {node}" for node in range(len(data["nodes"]["op"]))],
        tensor_name=[f"tensor {tensor}" for tensor in range(len(data["tensors"]["size"]))],
        device={"bandwidth": 64.0, "name": "any"},
        **memory(data),
    )
    for twin in (pickle.loads(pickle.dumps(graph)), copy.deepcopy(graph), copy.copy(graph)):  # noqa: S301 - our own
        assert twin.digest == graph.digest
        for field in dataclasses.fields(graph.arrays):
            ours, theirs = getattr(graph.arrays, field.name), getattr(twin.arrays, field.name)
            assert type(theirs) is type(ours)
            np.testing.assert_equal(theirs, ours)
        assert not twin.arrays.producer.flags.writeable


def test_many_threads_may_use_one_graph_at_once() -> None:
    graph = to_graph(CHAIN)

    def solve(num_blocks: int) -> float:
        instance = sg.Instance(graph, device=sg.Device(bandwidth=64.0), num_blocks=num_blocks)
        return sg.search(instance, stop=sg.MaxEvaluations(500), threads=1).bottleneck

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert list(pool.map(solve, [1, 2, 3] * 8)) == [6.0, 3.125, 3.125] * 8


@given(readers=st.lists(st.lists(st.integers(0, 9), max_size=4), max_size=4), data=st.data())
def test_the_structure_does_not_hang_on_the_order_of_readers(readers: list[list[int]], data: st.DataObject) -> None:
    """Whether they are sorted already or have to be."""

    def digest(lists: list[list[int]]) -> str:
        return structure_digest(
            GraphArrays(
                name="",
                op=[""] * 10,
                producer=np.zeros(len(lists), np.int32),
                size=np.zeros(len(lists), np.int64),
                consumers=np.array([node for each in lists for node in each], np.int32),
                consumer_offsets=np.cumsum([0, *map(len, lists)], dtype=np.int64),
            )
        )

    shuffled = [data.draw(st.permutations(each)) for each in readers]
    assert digest(shuffled) == digest([sorted(each) for each in readers])
