"""Rule tree: a tree of cases, each closed by a sum of rows, by a search, or by its facts alone.

**Claim.** A case is empty when both of its parts are: a node is in no block after ``b``, or in a later one; or the
first ``b`` blocks weigh more than an amount, or no more. When all cases are closed, no partition is below the
threshold.

**Why.** Every partition of a case is in one of its parts, and the facts of a case hold in its parts. Node weights are
raised before the first division, so all cases have the same weights.

An upper bound on the weight of the first blocks is a division whose other part is closed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from slicegraph.certificate.budget import Budget
from slicegraph.certificate.incompatible import are_incompatible
from slicegraph.certificate.log import Rows, Step
from slicegraph.certificate.narrowed import narrow
from slicegraph.certificate.problem import Problem
from slicegraph.certificate.reach import Reach, Scope
from slicegraph.certificate.rows import RowError, is_empty
from slicegraph.certificate.searching import Searching
from slicegraph.certificate.structure import PlacedError
from slicegraph.certificate.weights import raise_all, takes_weights


def walk(problem: Problem, threshold: int, steps: Sequence[Step | Rows], budget: Budget) -> bool:
    """Whether the steps of a tree show that no partition is better than a threshold above 0.

    Raises
    ------
    OpenError
        When a search does not tell what blocks are limited in.
    BeyondBudgetError
        When it takes more steps.
    """
    cases = _Cases(problem, threshold, budget)
    try:
        return all(cases.apply(step) for step in steps) and cases.are_done
    except (PlacedError, RowError):
        return False


@final
class _Cases:
    def __init__(self, problem: Problem, threshold: int, budget: Budget) -> None:
        self._budget = budget
        self._reach = Reach(problem, threshold, budget)
        self._searching = Searching(self._reach)
        # The next one is the last.
        self._open: list[Scope] = []
        self._apart: dict[tuple[int, int], bool] = {}
        self._are_several = False
        self._push(self._reach.all())

    @property
    def are_done(self) -> bool:
        """Whether no case is left."""
        return not self._open

    def apply(self, step: Step | Rows) -> bool:
        """Apply a step to the next case; give whether it holds."""
        if not self._open:
            return False
        reach, budget = self._reach, self._budget
        scope = self._open.pop()
        is_done = True
        match step:
            case Rows():
                is_done = is_empty(reach, scope, step, self._are_apart, budget)
            case Step("cut"):
                self._open += [scope] if narrow(reach, scope, budget) else []
            case Step("weigh"):
                is_done = not self._are_several
                is_left = not takes_weights(reach) or raise_all(reach, scope, budget)
                self._open += [scope] if is_left else []
            case Step("levels"):
                self._searching.by_levels(scope, budget)
            case Step("labels"):
                self._searching.by_labels(scope, None, budget)
            case Step("node", [node, block]):
                is_done = self._split_node(scope, node, block)
            case Step("weight", [blocks, amount]):
                is_done = self._split_weight(scope, blocks, amount)
            case Step("swap"):
                # The case after the next comes before it.
                self._open.insert(len(self._open) - 1, scope)
                is_done = len(self._open) > 1
        return is_done

    def _split_node(self, scope: Scope, node: int, block: int) -> bool:
        """Divide: a node is in no block after one, which comes next, or in a later one."""
        problem = self._reach.problem
        if node >= problem.num_nodes or block > problem.num_blocks:
            return False
        later, sooner = self._parts(scope)
        later.first[node] = max(later.first[node], block + 1)
        sooner.last[node] = min(sooner.last[node], block)
        self._push(later)
        self._push(sooner)
        return True

    def _split_weight(self, scope: Scope, blocks: int, amount: int) -> bool:
        """Divide: the first blocks weigh more than an amount, which comes next, or no more."""
        num_blocks = self._reach.problem.num_blocks
        if blocks > num_blocks:
            return False
        less, more = self._parts(scope)
        less.most[blocks] = min(less.most[blocks], amount)
        others = num_blocks - blocks
        more.most_at_end[others] = min(more.most_at_end[others], scope.weights.total - amount - 1)
        self._push(less)
        self._push(more)
        return True

    def _parts(self, scope: Scope) -> tuple[Scope, Scope]:
        one, other = scope.copy(), scope.copy()
        one.is_part = other.is_part = self._are_several = True
        return one, other

    def _push(self, scope: Scope) -> None:
        """Keep a case, unless it is empty."""
        if self._reach.close(scope, self._budget):
            self._open.append(scope)

    def _are_apart(self, node: int, other: int) -> bool:
        pair = node, other
        if pair not in self._apart:
            reach = self._reach
            self._apart[pair] = are_incompatible(reach.quotient, reach.order, *pair, reach.threshold, self._budget)
        return self._apart[pair]
