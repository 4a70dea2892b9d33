"""Graphs of networkx: figures are attributes, one tensor for what a node makes."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest

import slicegraph as sg
from slicegraph.formats.arrays import GraphArrays


def tensors(arrays: GraphArrays) -> list[tuple[int, int, list[int], bool]]:
    """Producer, bytes, readers, and whether it is an output, of each tensor."""
    readers = np.split(arrays.consumers, arrays.consumer_offsets[1:-1])
    assert arrays.is_output is not None
    columns = (arrays.producer.tolist(), arrays.size.tolist(), [each.tolist() for each in readers])
    return list(zip(*columns, arrays.is_output.tolist(), strict=True))


def diamond() -> Any:
    """``a`` is read twice, ``b`` makes tensors of two sizes, ``d`` makes an output."""
    graph = nx.DiGraph(name="diamond.v1")
    graph.add_node("a", work=1.0, size=8, op="MatMul", param_bytes=100)
    graph.add_node(("b", 1), work=np.float32(2))
    graph.add_node("c", work=0, size=np.int64(2))
    graph.add_node("d", work=0.5, size=16)
    graph.add_edge("a", ("b", 1))
    graph.add_edge("a", "c")
    graph.add_edge(("b", 1), "c", size=4)
    graph.add_edge(("b", 1), "d", size=6)
    graph.add_edge("c", "d")
    return graph


def test_a_node_makes_one_tensor_of_its_size_or_one_of_each_size_of_its_edges() -> None:
    """In the order of the nodes; a tensor without a reader is an output."""
    arrays = sg.from_networkx(diamond()).arrays
    assert arrays.name == "diamond.v1"
    assert arrays.node_name is not None
    assert list(arrays.node_name) == ["a", "('b', 1)", "c", "d"]
    assert list(arrays.op) == ["MatMul", "", "", ""]
    assert arrays.work is not None
    assert arrays.work.tolist() == [1, 2, 0, 0.5]
    assert arrays.param_bytes is not None
    assert arrays.param_bytes.tolist() == [100, 0, 0, 0]
    assert sorted(tensors(arrays)) == [
        (0, 8, [1, 2], False),
        (1, 4, [2], False),
        (1, 6, [3], False),
        (2, 2, [3], False),
        (3, 16, [], True),
    ]


def test_edges_of_one_size_move_one_tensor_and_parallel_ones_count_once() -> None:
    """As other planners' files have it."""
    graph = nx.MultiDiGraph()
    graph.add_nodes_from("abc", seconds=1)
    graph.add_edges_from([("a", "b", {"bytes": 4}), ("a", "b", {"bytes": 4}), ("a", "c", {"bytes": 4})])
    arrays = sg.from_networkx(graph, work="seconds", size="bytes", name="g").arrays
    assert arrays.name == "g"
    assert tensors(arrays) == [(0, 4, [1, 2], False)]


def _changed(change: Any) -> Any:
    graph = diamond()
    change(graph)
    return graph


@pytest.mark.parametrize(
    ("graph", "told"),
    [
        (_changed(lambda g: g.nodes["c"].pop("work")), "node 'c' has no work"),
        (_changed(lambda g: g.nodes["c"].update(work="x")), "node 'c': work = 'x' is not a number from 0"),
        (_changed(lambda g: g.nodes["c"].update(size=-1)), "node 'c': size = -1 is not a number from 0"),
        (
            _changed(lambda g: g.edges["a", "c"].update(size=1)),
            "edge from 'a' to 'c': size: it has one, and so has its source",
        ),
        (
            _changed(lambda g: g.edges[("b", 1), "c"].pop("size")),
            r"edge from \('b', 1\) to 'c': size: it has none, and neither has its source",
        ),
        (_changed(lambda g: g.add_edge("a", "a")), "edge from 'a' to 'a': no node reads what it makes"),
        (_changed(lambda g: g.add_edge("d", "a")), r"cycle: node 0 \('a'\) -> .* but a graph has none"),
        (nx.Graph(), "its edges have no direction"),
        ([1], "a directed graph of networkx is asked for, not list"),
    ],
)
def test_what_is_missing_or_wrong_is_named(graph: Any, told: str) -> None:
    """Node or edge, and the rule."""
    with pytest.raises(sg.InputError, match=told):
        sg.from_networkx(graph)
