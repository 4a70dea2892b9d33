"""Graphs after the synthetic ones of REGAL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from slicegraph.generate import models
from slicegraph.generate.arcs import arcs_graph
from slicegraph.generate.checks import check_choice, check_counts, check_positive, check_seed
from slicegraph.generate.stream import Stream
from slicegraph.graph import Graph

_LEAST_NODES, _MOST_NODES = 50, 200
_MEAN, _DEVIATION = 50, 10
_SECONDS = 1e-6
_MODELS: Mapping[str, Callable[[Stream, int], NDArray[np.int64]]] = {
    "erdos_renyi": partial(models.erdos_renyi, probability=0.05),
    "barabasi_albert": partial(models.barabasi_albert, num_edges=2),
    "watts_strogatz": partial(models.watts_strogatz, degree=4, rewiring=0.3),
    "stochastic_block": partial(models.stochastic_block, num_groups=4, inside=0.3, across=0.005),
}


def regal(
    *, num_nodes: int | None = None, model: str = "erdos_renyi", transfer_ratio: float = 1.0, seed: int = 0
) -> Graph:
    """Make a random graph that follows the description of REGAL's synthetic computation graphs.

    The set itself, which its authors publish as TensorFlow cost graphs, is not included here, and these graphs are
    none of it. Taken from the description: a classic random graph, directed by a random order of its nodes; sizes of
    tensors from the normal distribution of mean 50 and deviation 10; an op's time from the sizes of its inputs and
    outputs, with noise. Chosen here: the parameters of the four models, and work as the mean of those sizes, in
    microseconds, plus noise of deviation 10, which agrees with the example that comes with the data. Nor are graphs
    left out here for being easy, as they are there.

    Parameters
    ----------
    num_nodes
        At least 5. None: from 50 to 200, at random.
    model
        ``"erdos_renyi"``: every edge with probability 0.05. ``"barabasi_albert"``: 2 edges for each new node.
        ``"watts_strogatz"``: 4 neighbours, edges rewired with probability 0.3. ``"stochastic_block"``: 4 groups, edges
        with probability 0.3 inside and 0.005 across.
    transfer_ratio
        A mean tensor's transfer over a node's mean work; it sets the bandwidth of the graph's device, which for 1 is a
        byte per microsecond.
    seed
        From 0 to 2^64 - 1.

    Returns
    -------
    Graph
        With work in whole microseconds, sizes of about 50 bytes, and a device. One tensor for each node, and a model
        input.

    Raises
    ------
    InputError
        When a parameter is out of range.

    Notes
    -----
    O(nodes^2) for ``"erdos_renyi"`` and ``"stochastic_block"``, whose numbers of edges grow so too, otherwise
    O(nodes). Source: Paliwal et al., *Reinforced Genetic Algorithm Learning for Optimizing Computation Graphs*, ICLR
    2020 (arXiv 1905.02494).

    Examples
    --------
    >>> import slicegraph as sg
    >>> graph = sg.generate.regal(num_nodes=100, model="watts_strogatz", seed=1)
    >>> graph
    <Graph 'regal-watts_strogatz-100-s1': 100 nodes, 101 tensors>
    >>> sg.Instance(graph, num_blocks=4).device.bandwidth
    1000000.0
    """
    check_choice("model", model, _MODELS)
    check_positive(transfer_ratio=transfer_ratio)
    check_seed(seed)
    stream = Stream(seed)
    if num_nodes is None:
        num_nodes = _LEAST_NODES + stream.one_below(_MOST_NODES - _LEAST_NODES + 1)
    # Fewer cannot have four neighbours each.
    check_counts(5, num_nodes=num_nodes)
    edges = _MODELS[model](stream, num_nodes)
    arcs = models.directed(edges, stream.permutation(num_nodes))
    size = np.maximum(np.rint(_MEAN + _DEVIATION * stream.normals(num_nodes + 1)), 1).astype(np.int64)
    total = size[:num_nodes] + np.bincount(arcs[1], weights=size[arcs[0]], minlength=num_nodes)
    mean = total / (1 + np.bincount(arcs[1], minlength=num_nodes))
    work = np.maximum(np.rint(mean + _DEVIATION * stream.normals(num_nodes)), 1) * _SECONDS
    name = f"regal-{model}-{num_nodes}-s{seed}"
    return arcs_graph(name=name, arcs=arcs, work=work, size=size, bandwidth=1 / _SECONDS / transfer_ratio)
