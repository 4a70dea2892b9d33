"""Classic random undirected graphs, as arrays of shape (2, num_edges)."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from slicegraph.generate.stream import Stream


def erdos_renyi(stream: Stream, num_nodes: int, *, probability: float) -> NDArray[np.int64]:
    """Every pair of nodes, each with the same probability (Gilbert 1959; Erdos and Renyi 1960); O(num_nodes^2)."""
    return stochastic_block(stream, num_nodes, num_groups=1, inside=probability, across=0.0)


def stochastic_block(
    stream: Stream, num_nodes: int, *, num_groups: int, inside: float, across: float
) -> NDArray[np.int64]:
    """Every pair of nodes, with one probability inside a group and one across (Holland et al. 1983); O(num_nodes^2).

    Groups are runs of nodes, as equal as can be.
    """
    group = np.arange(num_nodes) * num_groups // num_nodes
    edges = [np.empty((2, 0), dtype=np.int64)]
    for node in range(1, num_nodes):
        probability = np.where(group[:node] == group[node], inside, across)
        others = np.flatnonzero(stream.uniforms(node) < probability)
        edges.append(np.stack((others, np.full_like(others, node))))
    return np.concatenate(edges, axis=1)


def barabasi_albert(stream: Stream, num_nodes: int, *, num_edges: int) -> NDArray[np.int64]:
    """Nodes come one by one and choose neighbours in proportion to their degrees (Barabasi and Albert 1999).

    The first of them to choose takes all ``num_edges`` nodes before it. O(num_nodes * num_edges).
    """
    edges = [(other, num_edges) for other in range(num_edges)]
    ends = list(itertools.chain.from_iterable(edges))
    for node in range(num_edges + 1, num_nodes):
        chosen: list[int] = []
        while len(chosen) < num_edges:
            other = ends[stream.one_below(len(ends))]
            if other not in chosen:
                chosen.append(other)
        edges += [(other, node) for other in chosen]
        ends += chosen + [node] * num_edges
    return np.array(edges, dtype=np.int64).T


def watts_strogatz(stream: Stream, num_nodes: int, *, degree: int, rewiring: float) -> NDArray[np.int64]:
    """Nodes in a ring with the ``degree`` nearest ones; edges get another end at random (Watts and Strogatz 1998).

    ``degree`` is even and below ``num_nodes``. Expected O(num_nodes * degree).
    """
    distances = range(1, degree // 2 + 1)
    edges = [(node, (node + distance) % num_nodes) for distance in distances for node in range(num_nodes)]
    neighbours: list[set[int]] = [set() for _ in range(num_nodes)]
    for node, other in edges:
        neighbours[node].add(other)
        neighbours[other].add(node)
    for index, (node, other) in enumerate(edges):
        # A node that knows all others keeps them.
        if not stream.happens(rewiring) or len(neighbours[node]) == num_nodes - 1:
            continue
        new = node
        while new == node or new in neighbours[node]:
            new = stream.one_below(num_nodes)
        neighbours[node].remove(other)
        neighbours[other].remove(node)
        neighbours[node].add(new)
        neighbours[new].add(node)
        edges[index] = (node, new)
    return np.array(edges, dtype=np.int64).T


def directed(edges: NDArray[np.int64], position: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rename every node to its position, and direct every edge from the lower to the higher."""
    renamed = position[edges]
    return np.stack((renamed.min(axis=0), renamed.max(axis=0)))
