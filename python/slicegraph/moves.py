"""What moves from one partition to another: nodes whose stage is not the one that theirs is matched with."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from slicegraph import _core
from slicegraph.cost import ALL_TICKS, Instance
from slicegraph.graph import Graph

_Weight = tuple[int, int]
"""Bytes of parameters, and nodes."""
_Key = TypeVar("_Key", int, tuple[int, int])


def match_stages(graph: Graph, first: NDArray[np.integer], second: NDArray[np.integer]) -> dict[int, int]:
    """Match stages of two partitions in order, so that the nodes in matched stages have the most bytes of parameters.

    Parameters
    ----------
    graph
        What was cut.
    first, second
        Integers, shape (num_nodes,): the block of each node.

    Returns
    -------
    dict
        From stages of the first partition to stages of the second. Both rise; of all such matchings it is one in which
        the nodes of matched stages have the most bytes of parameters, and then are the most.

    Notes
    -----
    O(nodes log nodes): the heaviest increasing subsequence of the pairs of stages that have nodes in common.
    """
    weights = _shared(graph, first, second)
    return dict(_heaviest_chain(weights))


def moved_nodes(
    first: NDArray[np.integer], second: NDArray[np.integer], matched: Mapping[int, int]
) -> NDArray[np.intp]:
    """List the nodes that are not in the stage that theirs is matched with.

    Notes
    -----
    O(nodes).
    """
    pairs = zip(first.tolist(), second.tolist(), strict=True)
    return np.array([node for node, (old, new) in enumerate(pairs) if matched.get(old) != new], np.intp)


def param_bytes(graph: Graph, nodes: NDArray[np.intp]) -> int:
    """Sum the bytes of parameters of some nodes; one that several of them read counts once."""
    sizes, is_meant = graph.arrays.param_bytes, np.zeros(graph.num_nodes, np.bool_)
    is_meant[nodes] = True
    shared = sum(size for size, readers in graph.shared_parameters() if is_meant[readers].any())
    return shared + (0 if sizes is None else sum(sizes[nodes].tolist()))


@dataclass(frozen=True, kw_only=True, slots=True)
class Stay:
    """What staying near a plan has cost, and what moves.

    Attributes
    ----------
    slack
        By what part of the best bottleneck it was allowed to be exceeded.
    best
        Seconds of the best bottleneck that was found.
    num_nodes, param_bytes
        The nodes that are not in their stage of the plan, and their bytes of parameters, those that several of them
        read once.
    """

    slack: float
    best: float
    num_nodes: int
    param_bytes: int

    @property
    def document(self) -> dict[str, Any]:
        """What a plan says of it."""
        moved = {"nodes": self.num_nodes, "param_bytes": self.param_bytes}
        return {"slack": self.slack, "best": self.best, "moved": moved}


def stay_near(
    instance: Instance, plan: NDArray[np.int32], block_of: NDArray[np.int32], slack: float
) -> tuple[NDArray[np.int32], Stay, bool]:
    """Find a partition near to a plan: one that moves few bytes of parameters, and then few nodes.

    Parameters
    ----------
    instance
        The problem.
    plan
        int32, shape (num_nodes,): the partition to stay near. It may exceed the memory limit.
    block_of
        int32, shape (num_nodes,): the best partition that is known.
    slack
        By what part of its bottleneck it may be exceeded.

    Returns
    -------
    tuple
        The partition, int32, shape (num_nodes,): its bottleneck is at most ``1 + slack`` times that of ``block_of``,
        and no more moves than to ``block_of`` with its blocks numbered as the plan's are as far as they can be, if no
        parameter has several readers. It need not be the nearest of all. Then what moves, and whether Ctrl-C ended the
        search for it.

    Notes
    -----
    The same partition on any machine, but for Ctrl-C. The interpreter lock is released.

    Examples
    --------
    >>> import numpy as np
    >>> import slicegraph as sg
    >>> from slicegraph.moves import stay_near
    >>> graph = sg.Graph(work=[4, 2, 1], producer=[0, 1], size=[8, 8], consumers=[1, 2], consumer_offsets=[0, 1, 2])
    >>> instance = sg.Instance(graph, device=sg.Device(bandwidth=64e9), num_blocks=2)
    >>> plan, best = np.array([0, 0, 1], np.int32), np.array([0, 1, 1], np.int32)
    >>> stay_near(instance, plan, best, slack=0.5)[0].tolist()
    [0, 0, 1]
    """
    best = max(block.cost for block in instance.block_costs(block_of))
    most = min(math.floor((1 + Fraction(slack)) * round(best / instance.tick)), ALL_TICKS - 2)
    start = _numbered_as(instance, plan, block_of)
    found, is_signalled = _core.stay_near(instance.core, plan.astype(np.int64), start, most + 1)
    moved = np.flatnonzero(found != plan)
    stay = Stay(slack=slack, best=best, num_nodes=len(moved), param_bytes=param_bytes(instance.graph, moved))
    return found, stay, is_signalled


def _numbered_as(instance: Instance, plan: NDArray[np.int32], block_of: NDArray[np.int32]) -> NDArray[np.int64]:
    """Give used stages new numbers, in their order, so that the fewest bytes of parameters move."""
    stages, ranks = np.unique(block_of, return_inverse=True)
    most = instance.num_blocks - len(stages)
    # A stage's number is its rank and an offset, and offsets never fall.
    weights = {
        (rank, (number - rank, rank)): weight
        for (number, rank), weight in _shared(instance.graph, plan, ranks).items()
        if 0 <= number - rank <= most
    }
    offsets = np.zeros(len(stages), np.int64)
    for rank, (offset, _) in _heaviest_chain(weights):
        offsets[rank:] = offset
    return (np.arange(len(stages)) + offsets)[ranks]


def _heaviest_chain(weights: Mapping[tuple[int, _Key], _Weight]) -> list[tuple[int, _Key]]:
    """Find pairs of the greatest weight in all, of which both parts rise strictly from one to the next.

    Notes
    -----
    O(pairs log pairs), with a Fenwick tree of the heaviest chain whose second part is at most so large.
    """
    place_of = {key: place for place, key in enumerate(sorted({key for _, key in weights}), start=1)}
    # Of equal first parts the largest second part comes first, so that no chain has two of them.
    pairs = sorted(weights, key=lambda pair: (pair[0], -place_of[pair[1]]))
    none: tuple[_Weight, int] = ((0, 0), -1)
    tree, before = [none] * (len(place_of) + 1), []

    def heaviest(place: int) -> tuple[_Weight, int]:
        best = none
        while place > 0:
            best = max(best, tree[place])
            place -= place & -place
        return best

    for index, pair in enumerate(pairs):
        place, weight = place_of[pair[1]], weights[pair]
        best, last = heaviest(place - 1)
        before.append(last)
        chain = ((best[0] + weight[0], best[1] + weight[1]), index)
        while place <= len(place_of):
            tree[place] = max(tree[place], chain)
            place += place & -place
    found, last = [], heaviest(len(place_of))[1]
    while last >= 0:
        found.append(pairs[last])
        last = before[last]
    return found[::-1]


def _shared(graph: Graph, first: NDArray[np.integer], second: NDArray[np.integer]) -> dict[tuple[int, int], _Weight]:
    """Sum bytes of parameters and nodes of each pair of stages that have nodes in common."""
    sizes = graph.arrays.param_bytes
    each = [0] * graph.num_nodes if sizes is None else sizes.tolist()
    weights: dict[tuple[int, int], _Weight] = {}
    pairs = list(zip(first.tolist(), second.tolist(), strict=True))
    for pair, size in zip(pairs, each, strict=True):
        known = weights.get(pair, (0, 0))
        weights[pair] = (known[0] + size, known[1] + 1)
    for size, readers in graph.shared_parameters():
        for pair in {pairs[node] for node in readers.tolist()}:
            weights[pair] = (weights[pair][0] + size, weights[pair][1])
    return weights
