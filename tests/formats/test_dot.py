"""Graphs in the language of Graphviz."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import pytest

import slicegraph as sg

TEXT = r"""
// two groups, ports, quotes
digraph "my graph" {
  rankdir=LR; node [shape=box];
  a [work=1.5, size=8, op="MatMul", param_bytes=64];
  a:out:n -> "b:1" -> c [label="two edges", size=4];
  subgraph cluster_1 { "b:1" [work="2" color=red]; c [work="1e-3"]; d [work=0] }
  c -> d [size=2];
}
"""


def read(folder: Path, text: str) -> sg.Graph:
    """The graph of a file with this text."""
    path = folder / "graph.dot"
    path.write_text(text)
    return sg.read(path)


def test_nodes_edges_and_figures_are_read(tmp_path: Path) -> None:
    """Groups and ports are passed over, quotes are taken off, and a chain of edges is several."""
    text = TEXT.replace("a [work=1.5, size=8,", "a [work=1.5,")
    arrays = read(tmp_path, text).arrays
    assert arrays.node_name is not None
    assert dict(zip(arrays.node_name, arrays.work.tolist() if arrays.work is not None else [], strict=True)) == {
        "a": 1.5,
        "b:1": 2.0,
        "c": 0.001,
        "d": 0.0,
    }
    made = [arrays.node_name[index] for index in arrays.producer]
    assert dict(zip(made, arrays.size.tolist(), strict=True)) == {"a": 4, "b:1": 4, "c": 2}
    assert sorted(arrays.op) == ["", "", "", "MatMul"]
    assert arrays.param_bytes is not None
    assert arrays.param_bytes.sum() == 64


def test_it_reads_what_networkx_writes(tmp_path: Path) -> None:
    """As `from_networkx` takes it."""
    graph = nx.gnp_random_graph(12, 0.4, seed=1, directed=True)
    dag = nx.DiGraph([(a, b, {"size": a + b}) for a, b in graph.edges if a < b])
    for node in range(12):
        dag.add_node(node, work=node / 4)
    path = tmp_path / "graph.dot"
    path.write_text(nx.nx_pydot.to_pydot(dag).to_string())
    found, wanted = sg.read(path), sg.from_networkx(dag)
    assert found.num_tensors == wanted.num_tensors
    assert found.structure_digest == wanted.structure_digest
    assert found.arrays.work is not None
    assert wanted.arrays.work is not None
    assert found.arrays.work.tolist() == wanted.arrays.work.tolist()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("digraph {\n a [work=1]\n a -> \n}", "line 3, column 4: Expected"),
        (TEXT, "edge from 'a' to 'b:1': size: it has one, and so has its source"),
        ("digraph { a -> b [size=1]; a [work=1] }", "node 'b' has no work"),
        ("digraph { a [work=x] }", "node 'a': work = 'x' is not a number"),
        ("graph { a -- b }", "one digraph is asked for"),
        ("digraph { } digraph { }", "one digraph is asked for"),
        ("digraph { node [work=1]; a }", r"node \[work=...\]: state it at each node"),
        ("digraph { a [work=1]; a -> {b c} [size=1] }", "an edge from or to a group of nodes"),
    ],
)
def test_what_is_wrong_is_named(text: str, told: str, tmp_path: Path) -> None:
    """The file, and the line or the node."""
    with pytest.raises(sg.InputError, match=told) as refused:
        read(tmp_path, text)
    assert str(refused.value).startswith(f"{tmp_path / 'graph.dot'}: ")
    assert "\n" not in str(refused.value)
