"""A first partition within milliseconds: the optimal slicings of two topological orders."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from slicegraph._core import slice_order
from slicegraph.cost import Instance
from slicegraph.reduce import Reduction, reduce


def first_partition(instance: Instance, reduction: Reduction | None = None) -> tuple[NDArray[np.int32], int] | None:
    """Give the better slicing of two orders, and its ticks; None when neither can be cut within limits and constraints.

    Parameters
    ----------
    instance
        The problem, with its devices in a given order.
    reduction
        Merges of the instance that keep an optimal partition, if known.

    Notes
    -----
    Near-linear in practice, see `slicegraph.slice_order`.
    """
    reduction = reduce(instance) if reduction is None else reduction
    quotient = reduction.instance
    best: tuple[NDArray[np.int32], int] | None = None
    for is_depth_first in (False, True):
        order = _order(quotient, is_depth_first=is_depth_first)
        found = slice_order(quotient.core, order)
        if found is None:
            continue
        block_of = reduction.lift(found[1])
        costs = [block.cost for block in instance.core.block_costs(block_of.astype(np.int64))]
        if None in costs:
            continue
        ticks = max(cost for cost in costs if cost is not None)
        if best is None or ticks < best[1]:
            best = block_of, ticks
    return best


def _order(instance: Instance, *, is_depth_first: bool) -> NDArray[np.int64]:
    """Give a topological order, breadth first or depth first."""
    arrays = instance.graph.arrays
    num_nodes, offsets = instance.graph.num_nodes, arrays.consumer_offsets.tolist()
    consumers, producers = arrays.consumers.tolist(), arrays.producer.tolist()
    readers: list[list[int]] = [[] for _ in range(num_nodes)]
    missing = [0] * num_nodes
    for tensor, producer in enumerate(producers):
        if producer >= 0:
            each = consumers[offsets[tensor] : offsets[tensor + 1]]
            readers[producer] += each
            for node in each:
                missing[node] += 1
    waiting = [node for node in range(num_nodes) if not missing[node]]
    if is_depth_first:
        waiting.reverse()
    order: list[int] = []
    place = 0
    while place < len(waiting):
        if is_depth_first:
            node = waiting.pop()
        else:
            node, place = waiting[place], place + 1
        order.append(node)
        for reader in readers[node]:
            missing[reader] -= 1
            if not missing[reader]:
                waiting.append(reader)
    return np.array(order, dtype=np.int64)
