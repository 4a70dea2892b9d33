"""In which blocks each node can be, when every block costs less than a threshold: windows, narrowed by minimum cuts.

**Rules.** Let ``first`` and ``last`` be true of all such partitions. So are what follows:

- The first ``b`` blocks hold no more weight, the least load of a node on a device that may hold it times the kind's
  multiplier, than the nodes whose first block is among them, and no less than those whose last block is; and each block
  at least nothing and less than the threshold times its multiplier.
- Who needs more, with all that it needs, than the first ``b`` blocks can hold is in a later one; and likewise from the
  end.
- Nobody is in an earlier block than what it needs.
- Let ``b`` be the first block of ``v``. In block ``b`` it would be with each predecessor that cannot be earlier, and so
  on from there; with each successor that must not be later than ``b``; and without anybody whose window has no ``b``
  or who may not be in it. When the least cost of such a block, by a minimum cut (`slicegraph.certificate.cut`), is the
  threshold or more, ``v`` comes later. Likewise for its last block.

They are applied until nothing changes, or nobody can be anywhere: then there is no such partition.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from slicegraph.certificate.budget import Budget
from slicegraph.certificate.cut import least_cost_beside
from slicegraph.certificate.problem import Problem
from slicegraph.certificate.quotient import Quotient
from slicegraph.certificate.windows import closure_weights, steps_of_closures, topological_order


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
    narrowing = _Narrowing(problem, threshold, budget)
    while narrowing.is_possible:
        before = narrowing.first.copy(), narrowing.last.copy()
        narrowing.turn()
        if before == (narrowing.first, narrowing.last):
            return before
    return None


class _Narrowing:
    def __init__(self, problem: Problem, threshold: int, budget: Budget) -> None:
        self._problem, self._threshold, self._budget = problem, threshold, budget
        size = problem.num_nodes
        budget.spend(2 * steps_of_closures(size) + problem.size)
        self._quotient = Quotient(problem)
        self._steps_to_cut = 1 + problem.size // 2
        self._successors = [set(self._quotient.successors(node)) for node in range(size)]
        self._predecessors = [set(self._quotient.predecessors(node)) for node in range(size)]
        self._order = topological_order(self._successors, [list(nodes) for nodes in self._predecessors])
        weight = self._quotient.weight
        self._needs = closure_weights(self._order, self._predecessors, weight)
        self._needed = closure_weights(self._order[::-1], self._successors, weight)
        self._rooms = [
            problem.multipliers[problem.kind(stage)] * (threshold - 1) for stage in range(problem.num_blocks)
        ]
        self.first, self.last = [1] * size, [problem.num_blocks] * size
        self._keep_allowed()
        self._has_room = True

    @property
    def is_possible(self) -> bool:
        return self._has_room and all(first <= last for first, last in zip(self.first, self.last, strict=True))

    def turn(self) -> None:
        """Apply every rule once."""
        # The mirror image of the last blocks are first blocks.
        num_blocks = self._problem.num_blocks
        self._budget.spend(1 + len(self.first) * (8 + num_blocks) // 32)
        most = self._held(self.first, self._rooms)
        most_at_end = self._held([num_blocks + 1 - last for last in self.last], self._rooms[::-1])
        total = sum(self._quotient.weight)
        self._has_room = all(total <= start + end for start, end in zip(most, reversed(most_at_end), strict=True))
        for node, (needs, needed) in enumerate(zip(self._needs, self._needed, strict=True)):
            earlier = sum(held < needs for held in most)
            later = sum(held < needed for held in most_at_end)
            self.first[node] = max(self.first[node], earlier)
            self.last[node] = min(self.last[node], num_blocks + 1 - later)
        self._follow()
        for block in range(1, num_blocks + 1):
            self._cut(block, is_first=True)
        for block in range(num_blocks, 0, -1):
            self._cut(block, is_first=False)

    def _keep_allowed(self) -> None:
        """Begin and end each window with a block that may hold the node."""
        for node, may in enumerate(self._problem.allowed or ()):
            later = may >> (self.first[node] - 1)
            self.first[node] += (later & -later).bit_length() - 1 if later else self._problem.num_blocks
            self.last[node] = (may & (1 << max(0, self.last[node])) - 1).bit_length()

    def _held(self, first: Sequence[int], rooms: Sequence[int]) -> list[int]:
        """Give the most that the first 0, 1, ... blocks can hold."""
        can_be = [0] * (self._problem.num_blocks + 2)
        for block, weight in zip(first, self._quotient.weight, strict=True):
            can_be[min(block, self._problem.num_blocks + 1)] += weight
        held = [0]
        for each, room in zip(itertools.accumulate(can_be[1:-1]), rooms, strict=True):
            held.append(min(each, held[-1] + room))
        return held

    def _follow(self) -> None:
        for node in self._order:
            self.first[node] = max([self.first[node], *(self.first[each] for each in self._predecessors[node])])
        for node in reversed(self._order):
            self.last[node] = min([self.last[node], *(self.last[each] for each in self._successors[node])])
        self._keep_allowed()

    def _cut(self, block: int, *, is_first: bool) -> None:
        """Ask of all whose first, or last, block this is whether they can be in it."""
        mine, others = (self.first, self._predecessors) if is_first else (self.last, self._successors)
        step = 1 if is_first else -1
        self._budget.spend(1 + len(mine) // 64)
        if block not in mine:
            return
        self._budget.spend(self._steps_to_cut)
        windows = list(enumerate(zip(self.first, self.last, strict=True)))
        may = self._problem.allowed
        barred = {
            node
            for node, (first, last) in windows
            if not first <= block <= last or (may is not None and not may[node] >> (block - 1) & 1)
        }
        sides = (
            {node for node, (first, _) in windows if first == block},
            {node for node, (_, last) in windows if last == block},
        )
        can_be: set[int] = set()
        for node in self._order[::-step]:
            if mine[node] != block or node in can_be:
                continue
            cost = least_cost_beside(
                self._quotient, node, barred, sides, self._threshold, self._budget, kind=self._problem.kind(block - 1)
            )
            if cost >= self._threshold:
                mine[node] += step
                barred.add(node)
                continue
            # And so can be who must be with it.
            waiting = [node]
            while waiting:
                each = waiting.pop()
                if each not in can_be and mine[each] == block:
                    can_be.add(each)
                    waiting += others[each]
        self._follow()
