"""How many bytes of tensors are alive while each node runs."""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import NDArray

from slicegraph import checks
from slicegraph.errors import InputError
from slicegraph.graph import Graph


def live_bytes(graph: Graph) -> NDArray[np.int64]:
    """Count the bytes of tensors that are alive while each node runs, in the graph's natural order.

    That is the order in which the graph lists its nodes, or the nearest to it: always the first node that is ready. A
    tensor is alive from the node that makes it to the last that reads it, and a model input from the first that reads
    it. So a stage that runs its nodes in this order, receives a tensor when it is first read and sends one as soon as
    it is made, never holds more tensors than the greatest number of its nodes.

    Parameters
    ----------
    graph
        Any graph. A tensor that a view makes counts beside the one that it shows.

    Raises
    ------
    InputError
        For a training graph: what the backward pass reads is alive longer than its own order of nodes tells.

    Returns
    -------
    NDArray
        int64, shape (num_nodes,): what `Graph` takes as ``live_bytes``, to count against a device's memory limit.

    Notes
    -----
    O(tensors + reads + nodes log nodes).

    Examples
    --------
    >>> import slicegraph as sg
    >>> graph = sg.Graph(work=[1, 1, 1], producer=[0, 1], size=[8, 5], consumers=[1, 2], consumer_offsets=[0, 1, 2])
    >>> sg.live_bytes(graph).tolist()
    [8, 13, 5]
    """
    arrays = checks.instance_of("graph", graph, Graph).arrays
    if arrays.is_backward is not None:
        raise InputError("graph: it is a training graph, whose tensors do not stand in the order in which it runs")
    place = _places(graph)
    tensor_of = np.repeat(np.arange(graph.num_tensors), np.diff(arrays.consumer_offsets))
    is_made = arrays.producer >= 0
    begin, end = np.full(graph.num_tensors, graph.num_nodes), np.full(graph.num_tensors, -1)
    begin[is_made] = end[is_made] = place[arrays.producer[is_made]]
    np.minimum.at(begin, tensor_of, place[arrays.consumers])
    np.maximum.at(end, tensor_of, place[arrays.consumers])
    steps = np.zeros(graph.num_nodes + 1, np.int64)
    is_alive = end >= 0
    np.add.at(steps, begin[is_alive], arrays.size[is_alive])
    np.subtract.at(steps, end[is_alive] + 1, arrays.size[is_alive])
    return checks.read_only(np.cumsum(steps)[place])


def _places(graph: Graph) -> NDArray[np.int64]:
    """Give the place of each node in the natural order."""
    arrays = graph.arrays
    offsets, consumers, producer = (
        column.tolist() for column in (arrays.consumer_offsets, arrays.consumers, arrays.producer)
    )
    readers: list[list[int]] = [[] for _ in range(graph.num_nodes)]
    waits = [0] * graph.num_nodes
    for tensor, maker in enumerate(producer):
        if maker >= 0:
            for node in consumers[offsets[tensor] : offsets[tensor + 1]]:
                readers[maker].append(node)
                waits[node] += 1
    ready = [node for node, count in enumerate(waits) if not count]
    place = np.zeros(graph.num_nodes, np.int64)
    for position in range(graph.num_nodes):
        node = heapq.heappop(ready)
        place[node] = position
        for reader in readers[node]:
            waits[reader] -= 1
            if not waits[reader]:
                heapq.heappush(ready, reader)
    return place
