"""Random compositions in series and in parallel."""

from __future__ import annotations

import numpy as np

from slicegraph.generate.arcs import heavy_graph
from slicegraph.generate.checks import check_counts, check_positive, check_probabilities, check_seed
from slicegraph.generate.models import directed
from slicegraph.generate.stream import Stream
from slicegraph.graph import Graph


def series_parallel(
    *, num_nodes: int = 200, parallel_probability: float = 0.5, transfer_ratio: float = 0.1, seed: int = 0
) -> Graph:
    """Make a random series-parallel graph with one first and one last node, and heavy-tailed costs.

    It grows from one arc between these two. Each further node takes an arc at random, and is put on it (in series) or
    beside it, between the same two nodes (in parallel). Work follows Pareto's law of index 2, with a mean of 10
    microseconds, and so do sizes, with a mean of 100 kB.

    Parameters
    ----------
    num_nodes
        At least 2.
    parallel_probability
        That a node is put beside an arc. With 0 the graph is a chain.
    transfer_ratio
        A mean tensor's transfer over a node's mean work; it sets the bandwidth of the graph's device.
    seed
        From 0 to 2^64 - 1.

    Returns
    -------
    Graph
        With work and a device. One tensor for each node, and a model input.

    Raises
    ------
    InputError
        When a parameter is out of range.

    Notes
    -----
    O(nodes). Two-terminal series-parallel graphs: Valdes, Tarjan and Lawler, *The Recognition of Series Parallel
    Digraphs*, SIAM Journal on Computing 11 (1982).

    Examples
    --------
    >>> import slicegraph as sg
    >>> graph = sg.generate.series_parallel(num_nodes=50, seed=3)
    >>> graph
    <Graph 'series_parallel-50-s3': 50 nodes, 51 tensors>
    """
    check_counts(2, num_nodes=num_nodes)
    check_probabilities(parallel_probability=parallel_probability)
    check_positive(transfer_ratio=transfer_ratio)
    check_seed(seed)
    stream = Stream(seed)
    arcs = [(0, 1)]
    # A linked list in a topological order: right behind an arc's first node is before its second.
    following = [1, -1]
    for node in range(2, num_nodes):
        index = stream.one_below(len(arcs))
        before, after = arcs[index]
        if stream.happens(parallel_probability):
            arcs.append((before, node))
        else:
            arcs[index] = (before, node)
        arcs.append((node, after))
        following.append(following[before])
        following[before] = node
    position = np.empty(num_nodes, dtype=np.int64)
    node = 0
    for place in range(num_nodes):
        position[node] = place
        node = following[node]
    return heavy_graph(
        stream,
        name=f"series_parallel-{num_nodes}-s{seed}",
        num_nodes=num_nodes,
        arcs=directed(np.array(arcs).T, position),
        transfer_ratio=transfer_ratio,
    )
