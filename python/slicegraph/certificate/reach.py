"""Rule reach: the blocks in which nodes can be below a threshold, by bounds on the weights of the first blocks.

**Rules.** Let the facts of a scope hold for some partitions below the threshold. Then so do the following:

- The first ``b`` blocks weigh no more than the nodes whose first block is among them; than the first ``b - 1`` and one
  more block; than the first ``b + 1``; and than is known of them otherwise. A block weighs less than the threshold
  times the multiplier of its kind. Likewise the last ``b`` blocks.
- The first ``b`` and the other blocks weigh all that there is together.
- A node that weighs, with its ancestors, more than the first ``b`` blocks can hold is in a later one; and likewise from
  the end.
- No node is in an earlier block than its predecessors, nor on a stage that may not hold it; it is in a later block than
  predecessors that are incompatible with it (`slicegraph.certificate.incompatible`).

**Why.** A node adds its weight at least, divided by the multiplier of the block's kind, to what its block pays: its
load does, and `slicegraph.certificate.weights` says which other weights do.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, final

from slicegraph.certificate.budget import Budget
from slicegraph.certificate.incompatible import Incompatible
from slicegraph.certificate.order import Order
from slicegraph.certificate.problem import Problem
from slicegraph.certificate.quotient import Quotient
from slicegraph.certificate.windows import steps_of_closures

_UNKNOWN = 2**128
"""More than everything weighs."""


@dataclass(slots=True)
class Scope:
    """A scope: a set of partitions below the threshold, with the facts that hold in all of them.

    Attributes
    ----------
    first, last
        Per node, the first and the last block that it can be in, counted from 1.
    most, most_at_end
        What the first 0, 1, ..., all blocks weigh at most, and the last.
    weights
        Per node: see `Reach`.
    pairs
        The incompatible pairs.
    is_part
        Whether they are a part of all better partitions.
    """

    first: list[int]
    last: list[int]
    most: list[int]
    most_at_end: list[int]
    weights: Weights
    pairs: Incompatible
    is_part: bool = False

    def copy(self) -> Scope:
        """Give a copy, which can be narrowed independently."""
        return Scope(
            list(self.first),
            list(self.last),
            list(self.most),
            list(self.most_at_end),
            self.weights,
            self.pairs,
            self.is_part,
        )

    @property
    def windows(self) -> tuple[list[int], list[int]]:
        """The first and the last block of each node."""
        return self.first, self.last

    @property
    def is_open(self) -> bool:
        """Whether every node has a block left."""
        return all(first <= last for first, last in zip(self.first, self.last, strict=True))


@dataclass(frozen=True, slots=True)
class Weights:
    """What nodes weigh, and each with all that it needs, or with all that needs it."""

    of_node: Sequence[int]
    needs: Sequence[int]
    needed: Sequence[int]

    @classmethod
    def of(cls, weights: Sequence[int], order: Order, budget: Budget) -> Self:
        """Add up.

        Raises
        ------
        BeyondBudgetError
            When it takes more steps.
        """
        budget.spend(2 * steps_of_closures(len(weights)))
        return cls(weights, *order.cones(weights))

    @property
    def total(self) -> int:
        """The weight of all nodes."""
        return sum(self.of_node)


@final
class Reach:
    """The rules of one problem and threshold.

    Parameters
    ----------
    problem
        Whose partitions they are.
    threshold
        Ticks.
    budget
        Steps that making it may take.

    Raises
    ------
    PlacedError
        When the graph has a cycle.
    BeyondBudgetError
        When it takes more steps.
    """

    def __init__(self, problem: Problem, threshold: int, budget: Budget) -> None:
        budget.spend(problem.size)
        self.problem, self.threshold = problem, threshold
        self.quotient = Quotient(problem)
        self.order = Order(self.quotient)
        self.loads = Weights.of(self.quotient.weight, self.order, budget)
        self.rooms = [problem.multipliers[problem.kind(stage)] * (threshold - 1) for stage in range(problem.num_blocks)]

    def all(self) -> Scope:
        """Give all better partitions."""
        size, num_blocks = self.problem.num_nodes, self.problem.num_blocks
        unknown = [_UNKNOWN] * (num_blocks + 1)
        scope = Scope([1] * size, [num_blocks] * size, unknown, list(unknown), self.loads, Incompatible())
        self._keep_allowed(scope)
        return scope

    def close(self, scope: Scope, budget: Budget) -> bool:
        """Apply all rules until nothing changes; give whether there can be such a partition.

        Raises
        ------
        BeyondBudgetError
            When it takes more steps.
        """
        size, num_blocks = self.problem.num_nodes, self.problem.num_blocks
        while scope.is_open:
            budget.spend(1 + size * (8 + num_blocks) // 32)
            before = scope.copy()
            if not self._hold(scope):
                return False
            self._follow(scope)
            if scope == before:
                return True
        return False

    def weighing(self, scope: Scope, weights: Sequence[int], budget: Budget) -> bool:
        """Let nodes weigh something else; give whether there can be such a partition.

        Raises
        ------
        BeyondBudgetError
            When it takes more steps.
        """
        scope.weights = Weights.of(weights, self.order, budget)
        # Bounds for the old weights do not hold for the new ones.
        scope.most, scope.most_at_end = ([_UNKNOWN] * len(scope.most) for _ in range(2))
        return self.close(scope, budget)

    def barred(self, scope: Scope, block: int) -> set[int]:
        """Give the nodes that cannot be in a block."""
        may = self.problem.allowed
        return {
            node
            for node, (first, last) in enumerate(zip(scope.first, scope.last, strict=True))
            if not first <= block <= last or (may is not None and not may[node] >> (block - 1) & 1)
        }

    def _hold(self, scope: Scope) -> bool:
        # The mirror image of the last blocks are first blocks.
        num_blocks, weights = self.problem.num_blocks, scope.weights
        from_end = [num_blocks + 1 - last for last in scope.last]
        most = _held(scope.first, weights.of_node, self.rooms, scope.most)
        most_at_end = _held(from_end, weights.of_node, self.rooms[::-1], scope.most_at_end)
        scope.most, scope.most_at_end = most, most_at_end
        for node, (needs, needed) in enumerate(zip(weights.needs, weights.needed, strict=True)):
            scope.first[node] = max(scope.first[node], bisect_left(most, needs))
            scope.last[node] = min(scope.last[node], num_blocks + 1 - bisect_left(most_at_end, needed))
        total = weights.total
        return all(total <= start + end for start, end in zip(most, reversed(most_at_end), strict=True))

    def _follow(self, scope: Scope) -> None:
        first, last, order, pairs = scope.first, scope.last, self.order, scope.pairs
        for node in order.nodes:
            for each in order.predecessors[node]:
                first[node] = max(first[node], first[each])
            for each in pairs.before.get(node, ()):
                first[node] = max(first[node], first[each] + 1)
        for node in reversed(order.nodes):
            for each in order.successors[node]:
                last[node] = min(last[node], last[each])
            for each in pairs.after.get(node, ()):
                last[node] = min(last[node], last[each] - 1)
        self._keep_allowed(scope)

    def _keep_allowed(self, scope: Scope) -> None:
        """Begin and end each window with a block that may hold the node."""
        first, last = scope.first, scope.last
        for node, may in enumerate(self.problem.allowed or ()):
            later = may >> (first[node] - 1)
            first[node] += (later & -later).bit_length() - 1 if later else self.problem.num_blocks
            last[node] = (may & (1 << max(0, last[node])) - 1).bit_length()


def _held(first: Sequence[int], weights: Sequence[int], rooms: Sequence[int], known: Sequence[int]) -> list[int]:
    """Give the most that the first 0, 1, ... blocks weigh."""
    num_blocks = len(rooms)
    can_be = [0] * (num_blocks + 2)
    for block, weight in zip(first, weights, strict=True):
        can_be[min(block, num_blocks + 1)] += weight
    held = [min(0, known[0])]
    for each, room, most in zip(itertools.accumulate(can_be[1:-1]), rooms, known[1:], strict=True):
        held.append(min(each, held[-1] + room, most))
    # More blocks hold no less.
    return list(itertools.accumulate(reversed(held), min))[::-1]
