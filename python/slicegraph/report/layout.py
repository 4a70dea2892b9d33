"""Where each node of a partition is drawn: a band per stage, from left to right; in it, rows by depth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_MAX_WIDTH = 12
"""Nodes beside each other, at most; a wider row goes on below."""
_COLUMNS_PER_ROW = 0.6
"""Columns over rows of a drawing: a node is four times as wide as high, so that it is 2.4 times as wide as high."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Places on a grid whose unit is a node with its distance to the next.

    Attributes
    ----------
    x, y
        Of each node, from the upper left corner.
    bands
        For each stage that has nodes: its number, its left end and its width.
    height
        Rows of the highest band.
    """

    x: list[float]
    y: list[int]
    bands: list[tuple[int, float, float]]
    height: int


def edges(producer: NDArray[np.int32], consumers: NDArray[np.int32], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give every pair of a node and a node that reads what it makes, once, in order, shape (num_edges, 2)."""
    sources = producer[np.repeat(np.arange(len(producer)), np.diff(offsets))]
    pairs = np.stack([sources, consumers], axis=1).astype(np.int64)
    return np.unique(pairs[sources >= 0], axis=0)


def lay_out(block_of: NDArray[np.int32], pairs: NDArray[np.int64]) -> Layout:
    """Place the nodes.

    A node's row is the longest path to it within its stage. A row is ordered by the mean place of what its nodes read.
    Long stages fold into several columns of rows, so that the whole drawing has the shape of a screen.

    Parameters
    ----------
    block_of
        The stage of each node.
    pairs
        As `edges` gives them; without a cycle.

    Notes
    -----
    O((nodes + pairs) log nodes).
    """
    rows = _rows(block_of, pairs)
    height = _fold(rows)
    x, y = [0.0] * len(block_of), [0] * len(block_of)
    bands = []
    left = 0.0
    for stage, stage_rows in sorted(rows.items()):
        start = left
        for top in range(0, len(stage_rows), height):
            column = stage_rows[top : top + height]
            width = max(len(row) for row in column)
            for line, row in enumerate(column):
                for place, node in enumerate(row):
                    x[node], y[node] = left + (width - len(row)) / 2 + place, line
            left += width
        bands.append((stage, start, left - start))
        left += 0.5
    return Layout(x=x, y=y, bands=bands, height=min(height, max(map(len, rows.values()), default=0)))


def _rows(block_of: NDArray[np.int32], pairs: NDArray[np.int64]) -> dict[int, list[list[int]]]:
    """Give the rows of each stage, each at most `_MAX_WIDTH` wide."""
    num_nodes = len(block_of)
    stage = block_of.tolist()
    reads: list[list[int]] = [[] for _ in range(num_nodes)]
    readers: list[list[int]] = [[] for _ in range(num_nodes)]
    for source, target in pairs.tolist():
        readers[source].append(target)
        reads[target].append(source)
    depth, place = [0] * num_nodes, [0.0] * num_nodes
    levels: dict[int, list[list[int]]] = {}
    for node in _topological(reads, readers):
        within = [source for source in reads[node] if stage[source] == stage[node]]
        depth[node] = max((depth[source] + 1 for source in within), default=0)
        levels.setdefault(stage[node], [])
        rows = levels[stage[node]]
        rows.extend([] for _ in range(depth[node] + 1 - len(rows)))
        rows[depth[node]].append(node)
    wrapped: dict[int, list[list[int]]] = {}
    for number, rows in levels.items():
        wrapped[number] = []
        for row in rows:
            centre = {node: _mean([place[source] for source in reads[node]]) for node in row}
            row.sort(key=lambda node: (centre[node], node))
            for index, node in enumerate(row):
                place[node] = index - len(row) / 2
            wrapped[number].extend(row[start : start + _MAX_WIDTH] for start in range(0, len(row), _MAX_WIDTH))
    return wrapped


def _topological(reads: Sequence[Sequence[int]], readers: Sequence[Sequence[int]]) -> list[int]:
    waiting = [len(sources) for sources in reads]
    order = [node for node, count in enumerate(waiting) if not count]
    for node in order:
        for target in readers[node]:
            waiting[target] -= 1
            if not waiting[target]:
                order.append(target)
    return order


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _fold(rows: dict[int, list[list[int]]]) -> int:
    """Find the least number of rows per column for which the drawing is no wider than a screen."""
    low, high = 1, max(map(len, rows.values()), default=1)
    while low < high:
        middle = (low + high) // 2
        if _width(rows, middle) <= _COLUMNS_PER_ROW * middle:
            high = middle
        else:
            low = middle + 1
    return low


def _width(rows: dict[int, list[list[int]]], height: int) -> int:
    return sum(
        max(len(row) for row in stage_rows[top : top + height])
        for stage_rows in rows.values()
        for top in range(0, len(stage_rows), height)
    )
