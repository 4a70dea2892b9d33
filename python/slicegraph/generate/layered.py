"""Random layers."""

from __future__ import annotations

import numpy as np

from slicegraph.generate.arcs import heavy_graph
from slicegraph.generate.checks import check_counts, check_positive, check_probabilities, check_seed
from slicegraph.generate.stream import Stream
from slicegraph.graph import Graph

_LONGEST_SKIP = 8


def layered(
    *,
    num_layers: int = 20,
    width: int = 10,
    num_reads: int = 2,
    skip_probability: float = 0.1,
    transfer_ratio: float = 0.1,
    seed: int = 0,
) -> Graph:
    """Make a graph of layers with random arcs from each to the next, some that skip layers, and heavy-tailed costs.

    A node reads one node of the layer before that no other node of its layer was dealt, so that every node is read,
    and others of that layer at random. Work follows Pareto's law of index 2, with a mean of 10 microseconds, and so do
    sizes, with a mean of 100 kB: a few nodes and tensors cost as much as hundreds of others.

    Parameters
    ----------
    num_layers, width
        Layers, and nodes in each.
    num_reads
        How many nodes of the layer before each node reads, at most: of those at random, some may be the same.
    skip_probability
        That a node reads one more, from 2 to 8 layers before.
    transfer_ratio
        A mean tensor's transfer over a node's mean work; it sets the bandwidth of the graph's device.
    seed
        From 0 to 2^64 - 1.

    Returns
    -------
    Graph
        Of ``num_layers * width`` nodes, layer by layer, with work and a device. One tensor for each node, and a model
        input.

    Raises
    ------
    InputError
        When a parameter is out of range.

    Notes
    -----
    O(nodes + reads), but for sorting: 100,000 nodes take some tenths of a second.

    Examples
    --------
    >>> import slicegraph as sg
    >>> sg.generate.layered(num_layers=100, width=20)
    <Graph 'layered-100x20-s0': 2000 nodes, 2001 tensors>
    """
    check_counts(num_layers=num_layers, width=width, num_reads=num_reads)
    check_probabilities(skip_probability=skip_probability)
    check_positive(transfer_ratio=transfer_ratio)
    check_seed(seed)
    stream = Stream(seed)
    num_nodes = num_layers * width
    node = np.arange(num_nodes)
    layer = node // width
    reader = node[width:]
    previous = (layer[reader] - 1) * width
    dealt = np.lexsort((stream.uniforms(reader.size), previous))
    arcs = [(dealt, reader)]
    arcs += [(previous + stream.below(width, reader.size), reader) for _ in range(num_reads - 1)]
    reader = node[2 * width :]
    reader = reader[stream.uniforms(reader.size) < skip_probability]
    skip = 2 + stream.below(np.minimum(layer[reader], _LONGEST_SKIP) - 1, reader.size)
    arcs.append(((layer[reader] - skip) * width + stream.below(width, reader.size), reader))
    return heavy_graph(
        stream,
        name=f"layered-{num_layers}x{width}-s{seed}",
        num_nodes=num_nodes,
        arcs=np.concatenate(arcs, axis=1),
        transfer_ratio=transfer_ratio,
    )
