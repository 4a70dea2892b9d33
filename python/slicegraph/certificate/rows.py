"""Rule rows: a scope is empty if a weighted sum of rows that its partitions satisfy has no solution (Farkas' lemma).

**Variables.** Consecutive blocks make superblocks. ``y[v, i]`` says whether node ``v`` is in one of the first ``i``
superblocks, so ``x[v, j] = y[v, j + 1] - y[v, j]`` whether it is in superblock ``j``; ``cut[t, j]`` whether tensor
``t`` is imported into superblock ``j`` or exported from it; ``over[j]`` is what the blocks of ``j`` pay for overflow.

**Claim.** Of a partition of the scope with no cost above ``c`` these values satisfy

- ``order v j``: ``x[v, j] >= 0``;
- ``before u v i``: ``y[u, i] >= y[v, i]``, where ``v`` reads something of ``u``;
- ``export t w j``: ``cut[t, j] >= x[u, j] - x[w, j]`` for a reader ``w`` of what ``u`` makes, or without ``w`` for an
  output that is paid;
- ``import t w j``: ``cut[t, j] >= x[w, j] - x[u, j]``, or without ``u`` for a model input that is paid;
- ``cost j``: ``n c >= work(j) + transfers(j) + over[j]`` for the ``n`` blocks of ``j``;
- ``overflow j``: ``over[j] >= params(j) - n memory``;
- ``weight j``: ``n c >= weight(j)``;
- ``least i``, ``most i``: what the first ``i`` superblocks weigh at least and at most (`slicegraph.certificate.reach`);
- ``incompatible u v j``: ``y[u, j] >= y[v, j + 1]`` where ``j`` is one block, and no block holds both.

So do sums of them with nonnegative multipliers. Each ``y`` is 0 or 1, and fixed if the window of its node is among the
first ``i`` superblocks or after them; each ``cut`` is 0 or 1; and ``over[j]`` is at most ``n c``, and at most the cost
of streaming in all parameters. If the right side of a sum is more than the largest value of its left side within these
bounds, the scope is empty.

**Why.** Each row follows from its definition; the blocks of a superblock pay together at least once for a tensor that
crosses its border. Import and export of a tensor share one variable.

The rule is for devices of one kind without overlap. Rows without costs are multiplied by a unit in ticks.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import final

from slicegraph.certificate.budget import Budget
from slicegraph.certificate.log import Rows
from slicegraph.certificate.reach import Reach, Scope


class RowError(Exception):
    """A row is none."""


def is_empty(reach: Reach, scope: Scope, rows: Rows, are_apart: Callable[[int, int], bool], budget: Budget) -> bool:
    """Whether rows show that a scope is empty; ``are_apart`` says which nodes are incompatible.

    Raises
    ------
    RowError
        When one is none.
    BeyondBudgetError
        When it takes more steps.
    """
    problem = reach.problem
    is_alike = len(problem.kinds) == 1 and not problem.kinds[0].is_overlap and problem.multipliers[0] == 1
    _expect(is_alike and 0 not in rows.spans and sum(rows.spans) == problem.num_blocks)
    total = _Sum(reach, scope, rows, are_apart)
    budget.spend(1 + len(rows.spans) // 8)
    for name, of, multiplier in rows.rows:
        budget.spend(1 + (len(reach.loads.of_node) // 4 if len(of) == 1 else 0))
        total.add(name, of, multiplier)
    budget.spend(1 + total.size // 4)
    return total.missing() > 0


def _expect(is_true: bool) -> None:  # noqa: FBT001 - reads as a sentence
    if not is_true:
        raise RowError


@final
class _Sum:
    """A factor per variable, and the right side."""

    def __init__(self, reach: Reach, scope: Scope, rows: Rows, are_apart: Callable[[int, int], bool]) -> None:
        self._reach, self._scope, self._are_apart = reach, scope, are_apart
        self._problem, self._costs = reach.problem, reach.problem.only
        self._spans, self._unit = rows.spans, rows.unit
        # How many blocks the first 0, 1, ... superblocks have.
        self._ends = [0, *itertools.accumulate(rows.spans)]
        self._right = 0
        self._y: defaultdict[tuple[int, int], int] = defaultdict(int)
        self._cut: defaultdict[tuple[int, int], int] = defaultdict(int)
        self._over: defaultdict[int, int] = defaultdict(int)
        self._rules: dict[str, Callable[..., None]] = {
            "order": self._add_order,
            "before": self._add_before,
            "export": self._add_export,
            "import": self._add_import,
            "cost": self._add_cost,
            "overflow": self._add_overflow,
            "weight": self._add_weight,
            "least": self._add_least,
            "most": self._add_most,
            "incompatible": self._add_incompatible,
        }

    @property
    def size(self) -> int:
        """Variables."""
        return len(self._y) + len(self._cut) + len(self._over)

    def add(self, name: str, of: Sequence[int], multiplier: int) -> None:
        """Add a row times its multiplier."""
        self._rules[name](*of, multiplier)

    def missing(self) -> int:
        """Give by how much the right side is more than all variables can give."""
        costs, (first, last) = self._costs, self._scope.windows
        most = 0
        for (node, place), factor in self._y.items():
            if last[node] <= self._ends[place]:
                most += factor
            elif first[node] <= self._ends[place]:
                most += max(0, factor)
        most += sum(max(0, factor) for factor in self._cut.values())
        for j, factor in self._over.items():
            streams = sum(costs.params) + self._spans[j] * sum(costs.stored)
            most += max(0, factor) * min(self._spans[j] * (self._reach.threshold - 1), streams)
        return self._right - most

    def _add_order(self, node: int, j: int, multiplier: int) -> None:
        self._expect_node(node)
        self._add_x(node, j, multiplier * self._unit)

    def _add_before(self, node: int, reader: int, place: int, multiplier: int) -> None:
        self._expect_node(node)
        self._expect_place(place)
        _expect(reader in self._reach.order.successors[node])
        self._y[node, place] += multiplier * self._unit
        self._y[reader, place] -= multiplier * self._unit

    def _add_export(self, tensor: int, number: int, j: int, multiplier: int) -> None:
        # Readers count from 1; 0 is the caller of the model.
        producer, by = self._producer(tensor), multiplier * self._unit
        _expect(producer >= 0)
        if number:
            _expect(number - 1 in self._problem.consumers[tensor])
            self._add_x(number - 1, j, by)
        else:
            _expect(self._problem.is_paid_outside(tensor))
        self._add_x(producer, j, -by)
        self._cut[tensor, j] += by

    def _add_import(self, tensor: int, number: int, j: int, multiplier: int) -> None:
        producer, by = self._producer(tensor), multiplier * self._unit
        _expect(number - 1 in self._problem.consumers[tensor])
        if producer >= 0:
            self._add_x(producer, j, by)
        else:
            _expect(self._problem.boundary_io)
        self._add_x(number - 1, j, -by)
        self._cut[tensor, j] += by

    def _add_cost(self, j: int, multiplier: int) -> None:
        self._add_all(j, -multiplier, self._costs.work)
        self._right -= multiplier * self._spans[j] * (self._reach.threshold - 1)
        for tensor, ticks in enumerate(self._costs.transfer):
            if ticks:
                self._cut[tensor, j] -= multiplier * ticks
        self._over[j] -= multiplier

    def _add_overflow(self, j: int, multiplier: int) -> None:
        self._add_all(j, -multiplier, self._costs.params)
        _expect(self._costs.memory is not None)
        self._right -= multiplier * self._spans[j] * (self._costs.memory or 0)
        self._over[j] += multiplier

    def _add_weight(self, j: int, multiplier: int) -> None:
        self._add_all(j, -multiplier, self._scope.weights.of_node)
        self._right -= multiplier * self._spans[j] * (self._reach.threshold - 1)

    def _add_least(self, place: int, multiplier: int) -> None:
        self._expect_place(place)
        others = self._scope.most_at_end[self._problem.num_blocks - self._ends[place]]
        self._right += multiplier * (self._scope.weights.total - others)
        self._add_up_to(place, multiplier, self._scope.weights.of_node)

    def _add_most(self, place: int, multiplier: int) -> None:
        self._expect_place(place)
        self._right -= multiplier * self._scope.most[self._ends[place]]
        self._add_up_to(place, -multiplier, self._scope.weights.of_node)

    def _add_incompatible(self, node: int, other: int, j: int, multiplier: int) -> None:
        self._expect_superblock(j)
        self._expect_node(max(node, other))
        _expect(self._spans[j] == 1 and self._are_apart(node, other))
        self._y[node, j] += multiplier * self._unit
        self._y[other, j + 1] -= multiplier * self._unit

    def _add_x(self, node: int, j: int, factor: int) -> None:
        self._expect_superblock(j)
        self._y[node, j + 1] += factor
        self._y[node, j] -= factor

    def _add_all(self, j: int, factor: int, prices: Sequence[int]) -> None:
        """Add a price of each node in a superblock."""
        self._expect_superblock(j)
        self._add_up_to(j + 1, factor, prices)
        self._add_up_to(j, -factor, prices)

    def _add_up_to(self, place: int, factor: int, prices: Sequence[int]) -> None:
        """Add a price of each node in one of the first superblocks."""
        for node, price in enumerate(prices):
            if price:
                self._y[node, place] += factor * price

    def _producer(self, tensor: int) -> int:
        _expect(tensor < len(self._problem.producer))
        return self._problem.producer[tensor]

    def _expect_node(self, node: int) -> None:
        _expect(node < self._problem.num_nodes)

    def _expect_superblock(self, j: int) -> None:
        _expect(j < len(self._spans))

    def _expect_place(self, place: int) -> None:
        _expect(place <= len(self._spans))
