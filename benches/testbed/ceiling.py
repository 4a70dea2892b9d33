"""The largest bounds that the paper's relaxations can give, in any time.

A relaxation is the least of its solutions, and any of them is at least that: it is a ceiling of the bound. A slice of a
topological order, with what is before and after it, is a solution of `bottleneck` when it holds the mean work, and of
``D(b)`` and ``F(b)`` of `bottleneck_guess` (`slicegraph.bounds.bottleneck_guess`) with the least ``t`` that covers its
cost and the means of both sides. So the ceiling is the least over the slices of many orders. Every solution is a slice
of some order; those that are looked at are not all, so what is found may be above the least, never below. No bound is
below the combinatorial one, nor its ceiling.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import slicegraph as sg
from slicegraph.cost import ALL_TICKS
from slicegraph.reduce import reduce

_NUM_ORDERS = 40
_SEED = 0
_MOST_NODES = 4_000
"""Of graphs with more, the table of all slices fills the memory."""
_EVALUATIONS = 200_000
"""Of the search whose partition gives the first order."""

Ticks = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Slices:
    """All slices ``[i, j)`` of an order, with ``i`` the row and ``j`` the column; ticks.

    Attributes
    ----------
    cost
        Shape (nodes + 1, nodes + 1); of no meaning where ``i >= j``.
    work
        Of the first ``i`` nodes, shape (nodes + 1,).
    crossing
        Of the tensors that the first ``i`` nodes make and others read, shape (nodes + 1,).
    """

    cost: Ticks
    work: Ticks
    crossing: Ticks


def slices_of(instance: sg.Instance, order: NDArray[np.int64]) -> Slices:
    """Cost all slices of an order: each event of a tensor is seen by a rectangle of begins and ends."""
    graph, size = instance.graph.arrays, len(order)
    position = np.empty(size, np.int64)
    position[order] = np.arange(size)
    work = np.concatenate([[0], np.cumsum(instance.work[order])])
    seen, crossing = np.zeros((size + 2, size + 2), np.int64), np.zeros(size + 2, np.int64)
    for tensor, producer in enumerate(graph.producer.tolist()):
        first, end = graph.consumer_offsets[tensor : tensor + 2]
        if producer < 0 or first == end:
            continue
        places = [int(position[producer]), *sorted(position[graph.consumers[first:end]].tolist())]
        transfer = int(instance.transfer[tensor])
        for last, place in itertools.pairwise(places):
            # Imported for this reader: the slice begins after the last one, and ends after this one.
            _add(seen, (last + 1, place + 1), (place + 1, size + 1), transfer)
        # Exported: the slice has the producer, and ends before the last reader.
        _add(seen, (0, places[0] + 1), (places[0] + 1, places[-1] + 1), transfer)
        crossing[places[0] + 1] += transfer
        crossing[places[-1] + 1] -= transfer
    cost = seen.cumsum(axis=0).cumsum(axis=1)[:-1, :-1] + work[None, :] - work[:, None]
    return Slices(cost=cost, work=work, crossing=crossing.cumsum()[:-1])


def _add(table: Ticks, begins: tuple[int, int], ends: tuple[int, int], amount: int) -> None:
    """Add to a rectangle, of a table that will be summed up."""
    for row, sign in zip(begins, (1, -1), strict=True):
        table[row, ends[0]] += sign * amount
        table[row, ends[1]] -= sign * amount


def _orders(instance: sg.Instance) -> list[NDArray[np.int64]]:
    """Give the order of a good partition, the natural one, and random ones."""
    graph = instance.graph.arrays
    offsets, consumers = graph.consumer_offsets, graph.consumers
    reads = np.repeat(graph.producer, np.diff(offsets))
    random = np.random.default_rng(_SEED)
    keys: list[NDArray[np.float64]] = [np.zeros(instance.graph.num_nodes)]
    keys += [random.random(instance.graph.num_nodes) for _ in range(_NUM_ORDERS)]
    found = sg.search(instance, stop=sg.MaxEvaluations(_EVALUATIONS), threads=1).block_of
    keys += [found + key / 2 for key in keys[: _NUM_ORDERS // 2]]
    return [_decode(reads, consumers, key) for key in keys]


def _decode(producer: NDArray[np.int32], consumer: NDArray[np.int32], key: NDArray[np.float64]) -> NDArray[np.int64]:
    """Take the node of the least key of those whose producers are all taken, again and again."""
    readers: list[list[int]] = [[] for _ in key]
    waits = [0] * len(key)
    for one, other in zip(producer.tolist(), consumer.tolist(), strict=True):
        if one >= 0:
            readers[one].append(other)
            waits[other] += 1
    heap = [(key[node], node) for node, count in enumerate(waits) if not count]
    heapq.heapify(heap)
    order = []
    while heap:
        _, node = heapq.heappop(heap)
        order.append(node)
        for reader in readers[node]:
            waits[reader] -= 1
            if not waits[reader]:
                heapq.heappush(heap, (key[reader], reader))
    return np.array(order, np.int64)


@dataclass(frozen=True, slots=True)
class Searched:
    """The graph that the bounds are of, a partition's bottleneck, and orders."""

    quotient: sg.Instance
    threshold: int
    orders: list[NDArray[np.int64]]

    @classmethod
    def of(cls, instance: sg.Instance) -> Searched:
        """Reduce as `slicegraph.lower_bound` does, and take the orders."""
        found = sg.search(instance, stop=sg.MaxEvaluations(_EVALUATIONS), threads=1)
        threshold = round(found.bottleneck / instance.tick)
        quotient = reduce(instance, threshold=threshold).instance
        return cls(quotient, threshold, _orders(quotient))


def bottleneck(instance: sg.Instance) -> float | None:
    """Give seconds that `slicegraph.bounds.bottleneck` cannot exceed; None where nothing is looked at."""
    return _ceiling(instance, lambda slices, blocks: np.array([of_bottleneck(slices, blocks)]), lambda least: least[0])


def bottleneck_guess(instance: sg.Instance) -> float | None:
    """Give seconds that `slicegraph.bounds.bottleneck_guess` cannot exceed; None where nothing is looked at."""
    return _ceiling(instance, of_bottleneck_guess, lambda least: max(least[0].min(), least[1].max()))


def _ceiling(
    instance: sg.Instance, values: Callable[[Slices, int], Ticks], together: Callable[[Ticks], np.int64]
) -> float | None:
    """Put the least of each value over all orders together."""
    if not instance.core.is_plain or instance.memory is not None or instance.graph.num_nodes > _MOST_NODES:
        return None
    searched = Searched.of(instance)
    num_blocks = instance.num_blocks
    found = (values(slices_of(searched.quotient, order), num_blocks) for order in searched.orders)
    most = max(int(together(np.minimum.reduce(list(found)))), searched.quotient.core.combinatorial_bound())
    return instance.seconds(min(searched.threshold, most))


def of_bottleneck(slices: Slices, num_blocks: int) -> int:
    """Give the least cost of a slice with the mean work."""
    inside = slices.work[None, :] - slices.work[:, None]
    return int(slices.cost[inside * num_blocks >= slices.work[-1]].min())


def of_bottleneck_guess(slices: Slices, num_blocks: int) -> Ticks:
    """Give ``D(b)`` and ``F(b)`` for each block, as the slices have them, shape (2, num_blocks)."""
    size = len(slices.work)
    is_slice = np.tri(size, dtype=np.bool_).T
    is_full = (slices.work[None, :] - slices.work[:, None]) * num_blocks >= slices.work[-1]
    before, after = slices.work + slices.crossing, slices.work[-1] - slices.work + slices.crossing
    least = np.empty((2, num_blocks), np.int64)
    for block in range(num_blocks):
        sides = np.maximum(_mean(before, block)[:, None], _mean(after, num_blocks - 1 - block)[None, :])
        covered = np.where(is_slice, np.maximum(slices.cost, sides), ALL_TICKS)
        least[:, block] = np.where(is_full, covered, ALL_TICKS).min(), covered.min()
    return least


def _mean(ticks: Ticks, num_blocks: int) -> Ticks:
    """Give what so many blocks pay at least in the mean; what no block pays must be nothing."""
    return -(-ticks // num_blocks) if num_blocks else np.where(ticks > 0, ALL_TICKS, 0)


CEILINGS: Mapping[str, Callable[[sg.Instance], float | None]] = {
    "bottleneck": bottleneck,
    "bottleneck_guess": bottleneck_guess,
}
"""By the name of the bound."""
