"""Names of nodes and tensors as people read them: printable, and no longer than there is room for."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len, set_cell_size

from slicegraph.errors import printable
from slicegraph.graph import Graph

_DOTS = ".."


def node(graph: Graph, index: int) -> str:
    """Give a node's name; its operator and index when it has none, and its index when it has neither.

    Examples
    --------
    >>> import slicegraph as sg
    >>> arrays = {"producer": [], "size": [], "consumers": [], "consumer_offsets": [0], "work": [1, 1]}
    >>> node(sg.Graph(op=["Conv", "Relu"], node_name=["conv1", ""], **arrays), 1)
    'Relu #1'
    """
    names = graph.arrays.node_name
    name = printable(names[index]) if names is not None else ""
    op = printable(graph.arrays.op[index])
    return name or (f"{op} #{index}" if op else f"node {index}")


def shortened(text: str, width: int) -> str:
    """Give text in at most so many columns of a terminal; what is too long loses its middle.

    Examples
    --------
    >>> shortened("/encoder/layer.0/attention/MatMul", 20)
    '/encoder/..on/MatMul'
    """
    if cell_len(text) <= width:
        return text
    head = max(0, width - len(_DOTS) + 1) // 2
    tail = max(0, width - len(_DOTS) - head)
    return (set_cell_size(text, head) + _DOTS + set_cell_size(text[::-1], tail)[::-1])[: max(0, width)]


def ranges(stages: Iterable[int]) -> str:
    """Give whole numbers that ascend, a run of them as its ends.

    Examples
    --------
    >>> ranges([0, 2, 3, 4, 7])
    '0, 2-4, 7'
    """
    runs: list[list[int]] = []
    for stage in stages:
        if runs and runs[-1][1] == stage - 1:
            runs[-1][1] = stage
        else:
            runs.append([stage, stage])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)
