"""What a node adds to its block with the communication that it brings: weights that no block has more of than it costs.

**Pieces.** Let two nodes of a block be joined where one tensor that costs something is made or read by both. A block
falls into pieces that are not joined to each other; it pays for each tensor in one piece only, so it costs at least
what its pieces would cost by themselves, together. The piece of ``v`` lies in the *region* of ``v``: the nodes that are
reached from ``v`` over such tensors, through nodes whose windows and incompatible pairs allow one block with ``v``, by
a path whose weights add up to no more than a block can cost.

**Claim.** Let blocks cost at most ``c``, let every piece cost at least what its nodes weigh, and let
``cost(S) - a weight(S) >= m`` for every set ``S`` of the region with ``v``, where ``0 < a <= 1``. When ``m > c`` no
block holds ``v``. Else every piece costs what its nodes weigh when ``v`` weighs ``(m - (1 - a) c) / a`` more.

**Why.** Of a piece ``S`` with ``v`` in a block of a better partition,
``a (cost(S) - weight(S)) >= m - (1 - a) cost(S)``, and ``cost(S)`` is at most ``c``. It costs at least ``m``, since
weights are not negative. Other pieces are as before.

Weights begin with the loads, which a piece pays. The least of ``cost(S) - a weight(S)`` is a minimum cut
(`slicegraph.certificate.cut`). When all nodes together weigh more than ``k c``, there is no better partition.

It is for devices of one kind that pay sums; overflow and what is handed on only make a block cost more.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import final

from slicegraph.certificate.budget import Budget
from slicegraph.certificate.cut import least_balance
from slicegraph.certificate.problem import ceil_div
from slicegraph.certificate.reach import Reach, Scope
from slicegraph.certificate.structure import expect_form

ONE = 2**12
"""The factor ``a`` of 1."""
_LEAST = ONE // 16
_MOST_CUTS = 6
"""For a node of which no factor is named."""


def takes_weights(reach: Reach) -> bool:
    """Whether blocks pay sums on devices of one kind."""
    kinds = reach.problem.kinds
    return len(kinds) == 1 and not kinds[0].is_overlap


def raise_named(reach: Reach, scope: Scope, claims: Sequence[tuple[int, int]], budget: Budget) -> bool:
    """Raise the weights of some nodes in turn, each by the cut of its factor; give whether anything is left.

    Raises
    ------
    PlacedError
        Of verdict ``"malformed"``, when there is no such node or factor.
    BeyondBudgetError
        When it takes more steps.
    """
    raising = _Raising(reach, scope)
    budget.spend(1 + reach.problem.size // 8)
    for node, factor in claims:
        is_there = node < reach.problem.num_nodes and 1 <= factor <= ONE
        expect_form(is_there, f"{node} cannot weigh more by a factor of {factor}")
        if not raising.raise_one(node, factor, budget):
            return False
    return raising.take(scope, budget)


def raise_all(reach: Reach, scope: Scope, budget: Budget) -> bool:
    """Raise the weights of all nodes, forwards and backwards; give whether anything is left.

    Raises
    ------
    BeyondBudgetError
        When it takes more steps.
    """
    for nodes in (reach.order.nodes, reach.order.nodes[::-1]):
        raising = _Raising(reach, scope)
        budget.spend(1 + reach.problem.size // 8)
        for node in nodes:
            if not raising.raise_one(node, None, budget):
                return False
        if not raising.take(scope, budget):
            return False
    return True


@final
class _Raising:
    def __init__(self, reach: Reach, scope: Scope) -> None:
        self._reach, self._scope = reach, scope
        self._most = reach.threshold - 1
        costs = reach.quotient.kinds[0]
        self._weights = [costs.load(node) for node in range(reach.problem.num_nodes)]
        self._near = [[tensor for tensor in tensors if costs.transfer[tensor]] for tensors in reach.quotient.touching]
        self._factor = ONE

    def raise_one(self, node: int, factor: int | None, budget: Budget) -> bool:
        """Raise a weight, by a factor or by the one that says most; give whether a block can hold the node."""
        region = self._region(node, budget)
        rise: int | None
        if factor is None:
            rise = self._search(node, region, budget)
        else:
            least, _ = self._balance(node, region, factor, budget)
            rise = None if least > self._most else self._rise(least, factor)
        if rise is None:
            return False
        self._weights[node] += rise
        return self._weights[node] <= self._most

    def take(self, scope: Scope, budget: Budget) -> bool:
        """Narrow windows by what nodes weigh, and keep it if it is more together; give whether anything is left.

        Windows that less weight has narrowed hold as well: it lies elsewhere.
        """
        if sum(self._weights) > self._reach.problem.num_blocks * self._most:
            return False
        multiplier = self._reach.problem.multipliers[0]
        weights = [multiplier * weight for weight in self._weights]
        if weights == list(scope.weights.of_node):
            return True
        known = scope.copy()
        if not self._reach.weighing(scope, weights, budget):
            return False
        if scope.weights.total > known.weights.total:
            return True
        scope.weights, scope.most, scope.most_at_end = known.weights, known.most, known.most_at_end
        return self._reach.close(scope, budget)

    def _region(self, node: int, budget: Budget) -> set[int]:
        """Give the nodes that can be in one piece with a node, the nearest first."""
        quotient, scope, weights = self._reach.quotient, self._scope, self._weights
        first, last = scope.first[node], scope.last[node]
        incompatible = scope.pairs.rows[node] if scope.pairs.rows else 0
        region: set[int] = set()
        heap = [(weights[node], node)]
        while heap:
            path, each = heapq.heappop(heap)
            if each in region:
                continue
            region.add(each)
            near: set[int] = set()
            for tensor in self._near[each]:
                near |= quotient.consumers[tensor]
                near.add(quotient.producer[tensor])
            budget.spend(1 + len(near) // 4)
            for other in near - region - {-1}:
                longer = path + weights[other]
                meets = max(first, scope.first[other]) <= min(last, scope.last[other])
                if meets and longer <= self._most and not incompatible >> other & 1:
                    heapq.heappush(heap, (longer, other))
        return region

    def _balance(self, node: int, region: set[int], factor: int, budget: Budget) -> tuple[int, int]:
        """Give the least of what a set costs less a factor of its weights, rounded, and what such a set costs."""
        gains = {each: ceil_div(self._weights[each] * factor, ONE) for each in region}
        no_side: set[int] = set()
        least, members = least_balance(self._reach.quotient, node, region, gains, (no_side, no_side), budget)
        return least, least + sum(gains[each] for each in members)

    def _rise(self, least: int, factor: int) -> int:
        return max(0, (least * ONE - (ONE - factor) * self._most) // factor)

    def _search(self, node: int, region: set[int], budget: Budget) -> int | None:
        """Give the most by which a weight rises for some factors; None when no block can hold the node."""
        rise, factor = 0, self._factor
        # The largest factor whose set was cheap enough, and the least whose set was not.
        low, high = 0, ONE + 1
        for _ in range(_MOST_CUTS):
            least, cost = self._balance(node, region, factor, budget)
            if least > self._most:
                return None
            here = self._rise(least, factor)
            if here > rise:
                rise, self._factor = here, factor
            if cost <= self._most:
                low = factor
            else:
                high = factor
            if low == 0:
                factor = factor * 3 // 4
            elif high > ONE:
                factor = min(ONE, factor * 4 // 3 + 1)
            else:
                factor = (low + high) // 2
            if factor < _LEAST or factor in (low, high):
                break
        return rise
