"""Rule windows: the blocks in which each node can be below a threshold, narrowed by minimum cuts.

**Claim.** Let ``b`` be the first block of the window of ``v``. If ``v`` is in ``b``, so is each ancestor whose window
begins at ``b``, and each successor whose window ends there; and no node is in it whose window lacks ``b`` or that stage
``b`` may not hold. When the least cost of such a block, by a minimum cut (`slicegraph.certificate.cut`), is the
threshold or more, ``v`` is in a later block. Likewise for its last block.

**Why.** A predecessor of ``v`` is in no later block than ``v``, so one that cannot be before ``b`` is in ``b`` with it.
A block holds all on a path between two of its nodes.

Without hints all nodes are tried until no window changes; with hints, only those that are named.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from slicegraph.certificate.budget import Budget
from slicegraph.certificate.cut import least_cost_beside
from slicegraph.certificate.problem import Problem
from slicegraph.certificate.reach import Reach, Scope


def narrowed(problem: Problem, threshold: int, budget: Budget) -> tuple[list[int], list[int]] | None:
    """Give the first and the last block of each node, counted from 1; None when there is no such partition.

    Raises
    ------
    BeyondBudgetError
        When it takes more steps.

    Notes
    -----
    Cuts for every node and turn; a turn narrows some window.
    """
    reach = Reach(problem, threshold, budget)
    scope = reach.all()
    return scope.windows if reach.close(scope, budget) and narrow(reach, scope, budget) else None


def narrow(reach: Reach, scope: Scope, budget: Budget) -> bool:
    """Narrow the windows of a scope until no cut narrows one; give whether a partition is left.

    Raises
    ------
    BeyondBudgetError
        When it takes more steps; what was found by then is kept.
    """
    num_blocks = reach.problem.num_blocks
    while True:
        before = scope.copy()
        for is_first in (True, False):
            for place in range(1, num_blocks + 1):
                block = place if is_first else num_blocks + 1 - place
                budget.spend(1 + len(scope.first) // 64)
                end = _End(reach, scope, block, is_first=is_first)
                if end.is_empty:
                    continue
                budget.spend(len(scope.first) // 8)
                end.ask_all(budget)
                if not reach.close(scope, budget):
                    return False
        if scope == before:
            return True


def replay(reach: Reach, scope: Scope, block: int, nodes: Sequence[int], budget: Budget, *, is_first: bool) -> bool:
    """Try to remove a block, the first or the last of their windows, from the windows of some nodes, one after another.

    Nodes whose windows end elsewhere, or whose cut is below the threshold, are passed over. Give whether such a
    partition can still exist.

    Raises
    ------
    BeyondBudgetError
        When it takes more steps.
    """
    if not reach.close(scope, budget):
        return False
    budget.spend(1 + (len(scope.first) + len(nodes)) // 8)
    end = _End(reach, scope, block, is_first=is_first)
    for node in nodes:
        end.ask(node, budget)
    return reach.close(scope, budget)


@final
class _End:
    """The windows of a scope that begin, or end, with a block."""

    def __init__(self, reach: Reach, scope: Scope, block: int, *, is_first: bool) -> None:
        self._reach, self._block, self._step = reach, block, 1 if is_first else -1
        order = reach.order
        self._mine = scope.first if is_first else scope.last
        # The neighbours that must be in its block or after it, and those that must be in its block or before it.
        self._follows = order.successors if is_first else order.predecessors
        self._with_it = order.predecessors if is_first else order.successors
        self.is_empty = block not in self._mine
        self._barred: set[int] = set() if self.is_empty else reach.barred(scope, block)
        self._sides = (
            {node for node, first in enumerate(scope.first) if first == block},
            {node for node, last in enumerate(scope.last) if last == block},
        )

    def ask(self, node: int, budget: Budget) -> bool:
        """Whether a node can be in the block, for all that a cut shows; if not, the block leaves its window."""
        if self._mine[node] != self._block:
            return True
        reach = self._reach
        kind = reach.problem.kind(self._block - 1)
        cost = least_cost_beside(reach.quotient, node, self._barred, self._sides, reach.threshold, budget, kind=kind)
        if cost < reach.threshold:
            return True
        waiting = [node]
        while waiting:
            each = waiting.pop()
            if self._mine[each] == self._block:
                self._mine[each] += self._step
                self._barred.add(each)
                waiting += self._follows[each]
        return False

    def ask_all(self, budget: Budget) -> None:
        """Ask of all whose first, or last, block it is."""
        can_be: set[int] = set()
        for node in self._reach.order.nodes[:: -self._step]:
            if self._mine[node] != self._block or node in can_be or not self.ask(node, budget):
                continue
            # And so can the nodes that must be with it.
            waiting = [node]
            while waiting:
                each = waiting.pop()
                if each not in can_be and self._mine[each] == self._block:
                    can_be.add(each)
                    waiting += self._with_it[each]
