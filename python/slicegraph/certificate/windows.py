"""The first and the last block that a node can be in, when no block costs more than a threshold.

Let ``S`` be a node with all that it needs, and let it be in block ``b``: ``S`` is in blocks 1 to ``b``, each of which
costs at most ``T``. So ``work(S) <= b T``; with ``M`` resident a block of ``p`` parameters pays at least its work and
``p - M``, so ``work(S) + params(S) <= b (T + M)``; and ``bytes(S) <= b memory_limit``. The same, from the end, for a
node with all that needs it. Where stages are unlike, work and parameters are the prices of all stages together
(``prices.py``), and ``T`` and ``M`` of each stage count as often as its multiplier says.
"""

from __future__ import annotations

import itertools
import math
import operator
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import final

from slicegraph.certificate.budget import Budget
from slicegraph.certificate.prices import PARTS, is_uniform, memory_of, prices_of_stages
from slicegraph.certificate.problem import Problem
from slicegraph.certificate.structure import PlacedError

# Three sums travel in one integer; each is less than 2^64.
_LANE = 64
_MASK = 2**_LANE - 1


@final
class Windows:
    """Windows of all nodes, kept by threshold.

    Parameters
    ----------
    problem
        The costs.
    successors
        The nodes that read something of each node.
    budget
        Steps that making them may take.

    Raises
    ------
    PlacedError
        When the graph has a cycle.
    BeyondBudgetError
        When it takes more steps.
    """

    def __init__(self, problem: Problem, successors: Sequence[Iterable[int]], budget: Budget) -> None:
        self._problem = problem
        budget.spend(2 * steps_of_closures(problem.num_nodes))
        predecessors: list[list[int]] = [[] for _ in successors]
        for node, readers in enumerate(successors):
            for reader in readers:
                predecessors[reader].append(node)
        order = topological_order(successors, predecessors)
        together = prices_of_stages(problem, 0, problem.num_blocks)
        self._streams = together.memory is not None
        sizes = map(operator.add, problem.param_bytes, problem.state_bytes)
        weights = [
            work | params << _LANE | size << 2 * _LANE
            for work, params, size in zip(together.work, together.params, sizes, strict=True)
        ]
        self._before = closure_weights(order, predecessors, weights)
        self._after = closure_weights(order[::-1], successors, weights)
        self._windows: dict[int, tuple[list[int], list[int]]] = {}

    def below(self, threshold: int, budget: Budget) -> tuple[list[int], list[int]]:
        """Give the first and the last block of each node, counted from 1, for a threshold above 0.

        Raises
        ------
        BeyondBudgetError
            When it takes more steps.
        """
        if threshold not in self._windows:
            budget.spend(len(self._before))
            stages = range(self._problem.num_blocks)
            before, after = self._rooms(threshold, stages), self._rooms(threshold, stages[::-1])
            first = [1 + _too_few(weight, before) for weight in self._before]
            last = [self._problem.num_blocks - _too_few(weight, after) for weight in self._after]
            self._windows[threshold] = first, last
        return self._windows[threshold]

    def _rooms(self, threshold: int, stages: Sequence[int]) -> list[list[float]]:
        """Give what the first 1, 2, ... of some stages hold together: of work, of work with parameters, of bytes."""
        problem = self._problem
        kinds = [problem.kind(stage) for stage in stages]
        weights, parts = [1] * len(kinds), 1
        if not is_uniform(problem):
            weights, parts = [problem.multipliers[kind] for kind in kinds], PARTS

        def sums(rooms: Iterable[int]) -> list[float]:
            return [room // parts for room in itertools.accumulate(map(operator.mul, weights, rooms))]

        streams: list[float] = [math.inf]
        if self._streams:
            streams = sums(threshold + (memory_of(problem, kind) or 0) for kind in kinds)
        sizes: list[float] = [math.inf]
        if any(costs.memory_limit for costs in problem.kinds):
            limits = (problem.kinds[kind].memory_limit for kind in kinds)
            sizes = list(itertools.accumulate(math.inf if limit is None else limit for limit in limits))
        return [sums(threshold for _ in kinds), streams, sizes]


def _too_few(weight: int, rooms: Sequence[Sequence[float]]) -> int:
    """Give how many of the first stages, from 1 on, do not hold a closed set together."""
    work, params, size = weight & _MASK, weight >> _LANE & _MASK, weight >> 2 * _LANE
    return max(map(bisect_left, rooms, (work, work + params, size)))


def topological_order(successors: Sequence[Iterable[int]], predecessors: Sequence[Sequence[int]]) -> list[int]:
    """Give all nodes, each after its predecessors, which are given once each as successors are.

    Raises
    ------
    PlacedError
        When the graph has a cycle.
    """
    missing = [len(nodes) for nodes in predecessors]
    order = [node for node, count in enumerate(missing) if not count]
    for node in order:
        for reader in successors[node]:
            missing[reader] -= 1
            if not missing[reader]:
                order.append(reader)  # the list is the queue
    if len(order) < len(missing):
        raise PlacedError("the graph has a cycle")
    return order


def steps_of_closures(num_nodes: int) -> int:
    """Give the steps that `closure_weights` takes: a byte of each closure is a hundredth of one."""
    return num_nodes * (1 + num_nodes // 800)


def closure_weights(order: Sequence[int], parents: Sequence[Iterable[int]], weights: Sequence[int]) -> list[int]:
    """Sum the weights of each node and of all that it can reach through parents; parents come first in the order."""
    tables = [_subset_sums(weights[begin : begin + 8]) for begin in range(0, len(weights), 8)]
    closures = [0] * len(weights)
    sums = [0] * len(weights)
    for node in order:
        closure = 1 << node
        for parent in parents[node]:
            closure |= closures[parent]
        closures[node] = closure
        # Byte by byte: the members number up to n, so one by one would take eight times as long.
        sums[node] = sum(map(operator.getitem, tables, closure.to_bytes(len(tables), "little")))
    return sums


def _subset_sums(weights: Sequence[int]) -> list[int]:
    """Give the sum of every subset of at most eight weights, by the bits of its index."""
    sums = [0]
    for weight in weights:
        sums += [each + weight for each in sums]
    return sums
