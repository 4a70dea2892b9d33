"""Rule packing: node weights such that no block below a threshold has its share of all.

**Claim.** Let no block that costs less than ``T`` weigh more than ``m``, and all nodes more than ``k m``. Then no
partition into ``k`` blocks is better than ``T``.

**Why.** Each of its blocks would weigh at most ``m``.

**Cases.** Order the nodes by weight, the largest first, then by number. The *seed* of a block is the first node in this
order that it holds. The blocks of each seed are covered by a tree of cases. A case is a set of nodes that are inside
the block and a set of nodes that are outside; at the root, the seed is inside and all nodes before it are outside. An
open case is divided at a node, which is inside in one part and outside in the other. A case is closed when

- all that is not outside weighs at most ``m``;
- for a factor ``a``, ``a (c - l) < m + 1``, where ``c = T - 1`` and ``cost(S) - weight(S) / a >= l`` for all its blocks
  ``S``: one that costs at most ``c`` weighs at most ``a (cost(S) - l)``, which is less than ``m + 1``;
- each of its blocks costs more than ``c``;
- some node is inside and outside.

**The cut.** A block of the case holds all nodes inside and none outside. With a descendant of a node inside it holds
the predecessors of this descendant that also descend from a node inside, since they are between two of its nodes;
likewise for ancestors. The least of ``cost(S) - weight(S) / a`` over such sets is a minimum cut
(`slicegraph.certificate.cut`); ``weight / a`` is rounded up, which makes it less.

It is for devices of one kind that pay sums.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import final

from slicegraph.certificate.budget import Budget
from slicegraph.certificate.cut import least_balance
from slicegraph.certificate.log import Packing
from slicegraph.certificate.problem import Problem, ceil_div
from slicegraph.certificate.quotient import Quotient

_ONE = 2**12
"""The factor of 1."""


def closes_all(problem: Problem, threshold: int, packing: Packing, budget: Budget) -> bool:
    """Whether weights show that no partition is better than a threshold above 0.

    Raises
    ------
    BeyondBudgetError
        When it takes more steps.

    Notes
    -----
    A minimum cut for each case that is closed by one.
    """
    weights, num_nodes = packing.weights, problem.num_nodes
    is_fit = len(problem.kinds) == 1 and not problem.kinds[0].is_overlap
    if not is_fit or len(weights) != num_nodes or not sum(weights):
        return False
    closing = _Closing(problem, threshold, packing)
    left = set(range(num_nodes))
    cases = iter(packing.cases)
    for seed in sorted(left, key=lambda node: (-weights[node], node)):
        budget.spend(1 + num_nodes // 8)
        if closing.weighs_little(left):
            break
        steps = next(cases, None)
        if steps is None or not closing.closes_seed(_Case((seed,), frozenset(left)), steps, budget):
            return False
        left.remove(seed)
    return True


@dataclass(frozen=True, slots=True)
class _Case:
    """Blocks that hold some nodes, and of the others only some."""

    inside: tuple[int, ...]
    left: frozenset[int]
    """The nodes that are not outside."""


@final
class _Closing:
    def __init__(self, problem: Problem, threshold: int, packing: Packing) -> None:
        self._quotient, self._weights = Quotient(problem), packing.weights
        self._max_cost = threshold - 1
        # The largest share of which all blocks together have less than all.
        self._most = (sum(packing.weights) - 1) // problem.num_blocks

    def weighs_little(self, left: Iterable[int]) -> bool:
        """Whether some nodes weigh no more than what no block should."""
        return sum(self._weights[node] for node in left) <= self._most

    def closes_seed(self, case: _Case, steps: Iterable[int], budget: Budget) -> bool:
        """Whether numbers of a log close a case; one that is divided comes before its parts."""
        waiting = [case]
        for step in steps:
            if not waiting:
                return False
            case = waiting.pop()
            budget.spend(1 + len(case.left) // 8)
            if step % 2:
                node = step // 2
                if node >= len(self._weights):
                    return False
                # Inside comes first.
                waiting.append(_Case(case.inside, case.left - {node}))
                waiting.append(_Case((*case.inside, node), case.left))
            elif not (self.weighs_little(case.left) if step == 0 else self._is_cut(case, step // 2, budget)):
                return False
        return not waiting

    def _is_cut(self, case: _Case, factor: int, budget: Budget) -> bool:
        """Whether a cut closes a case: by a factor from 2 on, or for 1 by costs alone."""
        if not case.left.issuperset(case.inside):
            return True
        is_by_cost = factor == 1
        gains = {node: 0 if is_by_cost else ceil_div(self._weights[node] * _ONE, factor) for node in case.left}
        quotient = self._quotient
        sides = (
            self._reached(quotient.successors, case.inside, budget),
            self._reached(quotient.predecessors, case.inside, budget),
        )
        seed, *beside = case.inside
        least, _ = least_balance(quotient, seed, set(case.left), gains, sides, budget, beside=beside)
        if is_by_cost:
            return least > self._max_cost
        return factor * (self._max_cost - least) < (self._most + 1) * _ONE

    @staticmethod
    def _reached(near: Callable[[int], Iterable[int]], start: Iterable[int], budget: Budget) -> set[int]:
        """Give the nodes that are reachable from some, these included."""
        reached = set(start)
        waiting = list(reached)
        while waiting:
            found = set(near(waiting.pop())) - reached
            budget.spend(1 + len(found) // 8)
            reached |= found
            waiting += found
        return reached
