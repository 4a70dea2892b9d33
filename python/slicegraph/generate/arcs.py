"""Graphs of nodes with given work, each of which makes one tensor for all that read it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from slicegraph.generate.stream import Stream
from slicegraph.graph import Graph

_MEAN_WORK = 10e-6
_MEAN_SIZE = 100_000


def heavy_graph(stream: Stream, *, name: str, num_nodes: int, arcs: NDArray[np.int64], transfer_ratio: float) -> Graph:
    """Give nodes and tensors heavy-tailed costs: 10 microseconds and 100 kB in the mean, at least half of that."""
    return arcs_graph(
        name=name,
        arcs=arcs,
        work=_MEAN_WORK * stream.heavy(num_nodes),
        size=(_MEAN_SIZE * stream.heavy(num_nodes + 1)).astype(np.int64),
        bandwidth=_MEAN_SIZE / (transfer_ratio * _MEAN_WORK),
    )


def arcs_graph(
    *, name: str, arcs: NDArray[np.int64], work: NDArray[np.float64], size: NDArray[np.int64], bandwidth: float
) -> Graph:
    """Make the graph of ``arcs``, shape (2, num_arcs), from lower to higher nodes; arcs may stand twice.

    The last tensor is the model input, which the nodes read that read nothing else: there is one size more than there
    are nodes.
    """
    num_nodes = work.size
    reads_nothing = np.ones(num_nodes, dtype=np.bool_)
    reads_nothing[arcs[1]] = False
    first = np.flatnonzero(reads_nothing)
    producer = np.concatenate((arcs[0], np.full(first.size, num_nodes)))
    pairs = np.unique(producer * num_nodes + np.concatenate((arcs[1], first)))
    num_readers = np.bincount(pairs // num_nodes, minlength=num_nodes + 1)
    return Graph(
        name=name,
        work=work,
        producer=np.append(np.arange(num_nodes), -1),
        size=size,
        is_output=num_readers == 0,
        consumers=pairs % num_nodes,
        consumer_offsets=np.concatenate(([0], np.cumsum(num_readers))),
        device={"bandwidth": bandwidth},
    )
