"""From a graph of networkx to a graph."""

from __future__ import annotations

from typing import Any

from slicegraph import checks
from slicegraph.errors import InputError
from slicegraph.formats.attributed import Keys, attributed
from slicegraph.graph import Graph, fields


def from_networkx(
    graph: Any,  # noqa: ANN401 - a type of an optional library
    *,
    work: str = "work",
    size: str = "size",
    param_bytes: str = "param_bytes",
    op: str = "op",
    name: str | None = None,
) -> Graph:
    """Take a directed graph of networkx, whose nodes and edges have their figures as attributes.

    Parameters
    ----------
    graph
        A ``networkx.DiGraph`` or ``MultiDiGraph`` without a cycle.
    work
        The attribute that has the seconds of a node; each has it.
    size
        The attribute that has the bytes of what a node makes: at the node, for one tensor that all its successors read,
        or at its edges, of which those of one size move one tensor.
    param_bytes, op
        The attributes that have the bytes of a node's parameters and its operator; they may be missing.
    name
        What the graph is called. None: as it calls itself.

    Returns
    -------
        The graph, with the nodes in their order there. What a node of some size makes that no node reads is an output.

    Raises
    ------
    InputError
        It is no such graph, or a figure is missing, stands twice, or is no number from 0.

    Notes
    -----
    O(nodes + edges).

    Examples
    --------
    >>> import networkx as nx
    >>> import slicegraph as sg
    >>> chain = nx.DiGraph()
    >>> chain.add_node("a", work=1.0, size=8)
    >>> chain.add_node("b", work=2.0)
    >>> chain.add_edge("a", "b")
    >>> sg.from_networkx(chain)
    <Graph '': 2 nodes, 1 tensors>
    """
    keys = {"work": work, "size": size, "param_bytes": param_bytes, "op": op}
    for argument, key in keys.items():
        checks.text(argument, key)
    if not all(callable(getattr(graph, each, None)) for each in ("is_directed", "nodes", "edges")):
        raise InputError(f"graph: a directed graph of networkx is asked for, not {type(graph).__name__}")
    if not graph.is_directed():
        raise InputError("graph: its edges have no direction; a networkx.DiGraph is asked for")
    called = str(graph.name) if name is None else checks.text("name", name)
    arrays = attributed(called, dict(graph.nodes(data=True)), graph.edges(data=True), Keys(**keys))
    return Graph(**fields(arrays))
