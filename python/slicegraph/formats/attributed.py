"""Graphs of nodes and edges with attributes, as networkx and dot have them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from slicegraph.errors import InputError
from slicegraph.formats.arrays import GraphArrays
from slicegraph.formats.planner import Tensor, amount, graph_arrays, whole_bytes

Attributes = Mapping[Any, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Keys:
    """What attributes are called.

    Attributes
    ----------
    work
        Seconds of a node; each has them.
    size
        Bytes of what a node makes: at the node, or at its edges.
    param_bytes
        Bytes of parameters of a node; without it there are none.
    op
        Operator of a node; without it, "".
    """

    work: str = "work"
    size: str = "size"
    param_bytes: str = "param_bytes"
    op: str = "op"


def attributed(
    name: str,
    nodes: Mapping[Any, Attributes],
    edges: Iterable[tuple[Any, Any, Attributes]],
    keys: Keys,
) -> GraphArrays:
    """Give the graph of nodes and edges, in the order of the nodes.

    What a node makes is one tensor of the node's own size, read at all its edges, and an output of the model if it has
    no edge. A node without a size has a tensor for each size that its edges have: edges of one size move one tensor. An
    edge that stands twice counts once.

    Raises
    ------
    InputError
        A node has no work, an edge no size or one beside its node's, a figure is no number, or an edge is a loop.

    Notes
    -----
    O(nodes + edges).
    """
    index_of = {node: index for index, node in enumerate(nodes)}
    own = {
        node: _bytes(f"node {_called(node)}: {keys.size}", each[keys.size]) for node, each in _with(nodes, keys.size)
    }
    readers: dict[tuple[int, int], dict[int, None]] = {(index_of[node], size): {} for node, size in own.items()}
    for source, reader, attributes in edges:
        called = f"edge from {_called(source)} to {_called(reader)}"
        if source == reader:
            raise InputError(f"{called}: no node reads what it makes")
        if (source in own) == (keys.size in attributes):
            told = "has one, and so has its source" if source in own else "has none, and neither has its source"
            raise InputError(f"{called}: {keys.size}: it {told}")
        size = own[source] if source in own else _bytes(f"{called}: {keys.size}", attributes[keys.size])
        readers.setdefault((index_of[source], size), {})[index_of[reader]] = None
    for node, each in nodes.items():
        if keys.work not in each:
            raise InputError(f"node {_called(node)} has no {keys.work}")
    arrays = graph_arrays(
        Path(),
        op=[str(each.get(keys.op, "")) for each in nodes.values()],
        node_name=[str(node) for node in nodes],
        work=[amount(f"node {_called(node)}: {keys.work}", _number(each[keys.work])) for node, each in nodes.items()],
        param_bytes=[
            _bytes(f"node {_called(node)}: {keys.param_bytes}", each.get(keys.param_bytes, 0))
            for node, each in nodes.items()
        ],
        tensors=[Tensor(producer, size, nodes_, is_output=not nodes_) for (producer, size), nodes_ in readers.items()],
    )
    return replace(arrays, name=name)


def _with(nodes: Mapping[Any, Attributes], key: str) -> Iterable[tuple[Any, Attributes]]:
    return ((node, each) for node, each in nodes.items() if key in each)


def _called(node: Hashable) -> str:
    return f"{node!r:.80}"


def _bytes(culprit: str, value: object) -> int:
    return whole_bytes(culprit, _number(value))


def _number(value: object) -> object:
    """Give the number that a text or a number of numpy is; what is none stays what it is."""
    if isinstance(value, np.integer | np.floating):
        return value.item()
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value
