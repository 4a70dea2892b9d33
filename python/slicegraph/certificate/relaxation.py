"""Bounds from linear programming duality: each proof is a sum of valid inequalities, added up anew in integers.

**Relaxation.** Consecutive blocks are grouped into superblocks; superblock ``j`` holds ``spans[j]`` of them.
``y[v, i]`` says whether node ``v`` is in one of the first ``i`` superblocks (0 for none of them, 1 for all), so that
``x[v, j] = y[v, j + 1] - y[v, j]`` says whether it is in superblock ``j``; ``cut[x, j]`` whether tensor ``x`` is
imported into superblock ``j`` or exported from it; ``over[j]`` is what it pays for overflow; ``t`` is the bottleneck.

**Claim.** The 0/1 values of any acyclic partition with no cost above ``t`` satisfy every row below, hence any sum of
rows with multipliers that are not negative. That sum reads ``a t + (the rest) >= r``; with the rest at the most that
its variables' boxes allow, it is ``a t >= n``.

**Why each row holds.** ``order``: ``x`` is 0 or 1. ``before``: no tensor runs to an earlier block. ``export``: a tensor
made in a superblock and read elsewhere (or returned by the model, at a price) is exported from it. ``import``: a tensor
read in a superblock and made elsewhere (or a model input, at a price) is imported. ``cost``: what the blocks of a
superblock pay adds up to at least its work, every tensor that crosses its border once, and its overflow, and to at most
``t`` each. ``overflow``: ``n`` blocks keep ``n`` memories resident at most. ``demand``: the fullest block's work is at
least the mean.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from functools import cached_property
from typing import Any, final

from slicegraph.certificate.budget import Budget
from slicegraph.certificate.problem import Problem, ceil_div
from slicegraph.certificate.structure import PlacedError, expect
from slicegraph.certificate.windows import Windows


@final
class Prover:
    """Finds again what proofs prove; keeps what they have in common.

    Parameters
    ----------
    problem
        What the proofs are about.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._windows: Windows | None = None
        self.readers = [frozenset(consumers) for consumers in problem.consumers]
        self.total_work, self.total_params = sum(problem.only.work), sum(problem.only.params)

    @cached_property
    def successors(self) -> list[set[int]]:
        """The nodes that read something of each node."""
        successors: list[set[int]] = [set() for _ in self.problem.only.work]
        for producer, readers in zip(self.problem.producer, self.readers, strict=True):
            if producer >= 0:
                successors[producer] |= readers
        return successors

    def windows(self, threshold: int, budget: Budget) -> tuple[list[int], list[int]]:
        """Give the first and last block of each node, below a threshold."""
        if self._windows is None:
            self._windows = Windows(self.problem, self.successors, budget)
        return self._windows.below(threshold, budget)

    @cached_property
    def step(self) -> int:
        """What every bottleneck is a multiple of."""
        return math.gcd(
            *self.problem.only.work,
            *self.problem.only.transfer,
            *self.problem.only.params,
            self.problem.only.memory or 0,
        )

    def lower_bound(self, relaxation: dict[str, Any], budget: Budget) -> int:
        """Give the ticks that a relaxation's proof proves.

        Raises
        ------
        PlacedError
            When a row is none, or the proof proves something absurd.
        BeyondBudgetError
            When it takes more steps.
        """
        threshold = relaxation["threshold"]
        factor, right = self.inequality(relaxation, budget)
        if factor == 0 and right > 0:
            # No partition is as good as the threshold.
            expect(threshold is not None, "nothing satisfies these rows, which takes a threshold")
            ticks: int = threshold
            return ticks
        value = 0
        if factor and self.step:
            value = max(0, ceil_div(ceil_div(right, factor), self.step) * self.step)
        return value if threshold is None else min(threshold, value)

    def inequality(self, relaxation: dict[str, Any], budget: Budget) -> tuple[int, int]:
        """Give ``a`` and ``n`` of a relaxation's proof: every bottleneck ``t`` that counts has ``a t >= n``.

        Raises
        ------
        PlacedError
            When a row is none.
        BeyondBudgetError
            When it takes more steps.
        """
        budget.spend(1 + len(relaxation["proof"]["rows"]))
        total = _WeightedSum(self, relaxation)
        index = 0
        try:
            for index, row in enumerate(relaxation["proof"]["rows"]):  # noqa: B007 - names the place
                total.add(row)
        except PlacedError as error:
            error.within("rows", index)
            raise
        return total.factor, total.right(budget)


class _WeightedSum:
    """The sum of a proof's rows: a coefficient per variable, and the right side."""

    def __init__(self, prover: Prover, relaxation: dict[str, Any]) -> None:
        self._prover, self._problem = prover, prover.problem
        self._spans: list[int | None] = relaxation["spans"]
        self._demand: int | None = relaxation["demand"]
        self._threshold: int | None = relaxation["threshold"]
        self._unit: int = relaxation["proof"]["unit"]
        self._last_row: list[Any] = [""]
        self.factor = 0
        self._right = 0
        self._y: defaultdict[tuple[int, int], int] = defaultdict(int)
        self._cut: defaultdict[tuple[int, int], int] = defaultdict(int)
        self._over: defaultdict[int, int] = defaultdict(int)
        # Rows that hold every node or tensor are kept by superblock until the end.
        self._cost_multiplier: defaultdict[int, int] = defaultdict(int)
        self._work_factor: defaultdict[int, int] = defaultdict(int)
        self._params_factor: defaultdict[int, int] = defaultdict(int)

    def add(self, row: list[Any]) -> None:
        """Add a row of the right types, times its multiplier."""
        if not self._last_row < row[:-1]:
            raise PlacedError("not above the row before; rows are sorted and distinct")
        self._last_row = row[:-1]
        kind, *arguments = row
        if kind == "order":
            self._add_order(*arguments)
        elif kind == "before":
            self._add_before(*arguments)
        elif kind == "export":
            self._add_export(*arguments)
        elif kind == "import":
            self._add_import(*arguments)
        elif kind == "cost":
            self._add_cost(*arguments)
        elif kind == "overflow":
            self._add_overflow(*arguments)
        else:
            self._add_demand(*arguments)

    def right(self, budget: Budget) -> int:
        """Give the right side less the most that everything but the bottleneck can add."""
        problem = self._problem
        superblocks = self._work_factor.keys() | self._params_factor.keys()
        budget.spend(len(superblocks) * len(problem.only.work) // 4)
        for superblock in superblocks:
            by_work, by_params = self._work_factor[superblock], self._params_factor[superblock]
            for node, (work, params) in enumerate(zip(problem.only.work, problem.only.params, strict=True)):
                self._add_x(node, superblock, by_work * work + by_params * params)
        most = self._most_of_y(budget)
        for (tensor, superblock), factor in self._cut.items():
            # A cost row holds all tensors; one that no other row holds is best not cut.
            most += max(0, factor - self._cost_multiplier[superblock] * problem.only.transfer[tensor])
        most += sum(max(0, factor) for factor in self._over.values()) * self._prover.total_params
        return self._right - most

    def _most_of_y(self, budget: Budget) -> int:
        spans = [span for span in self._spans if span is not None]
        if not self._threshold or len(spans) < len(self._spans):
            return sum(factor for factor in self._y.values() if factor > 0)
        ends = list(itertools.accumulate(spans, initial=0))
        first, last = self._prover.windows(self._threshold, budget)
        most = 0
        for (node, place), factor in self._y.items():
            if last[node] <= ends[place]:
                most += factor
            elif first[node] <= ends[place]:
                most += max(0, factor)
        return most

    def _add_x(self, node: int, superblock: int, factor: int) -> None:
        if superblock + 1 == len(self._spans):
            # Every node is in one of all superblocks.
            self._right -= factor
        else:
            self._y[node, superblock + 1] += factor
        if superblock:
            self._y[node, superblock] -= factor

    def _add_order(self, node: int, superblock: int, multiplier: int) -> None:
        self._expect_node(node)
        self._expect_superblock(superblock)
        self._add_x(node, superblock, self._unit * multiplier)

    def _add_before(self, node: int, reader: int, place: int, multiplier: int) -> None:
        self._expect_node(node)
        if reader not in self._prover.successors[node]:
            raise PlacedError(f"node {reader} reads nothing that node {node} makes")
        if not 0 < place < len(self._spans):
            raise PlacedError(f"{place} is not between two of {len(self._spans)} superblocks")
        self._y[node, place] += self._unit * multiplier
        self._y[reader, place] -= self._unit * multiplier

    def _add_export(self, tensor: int, reader: int, superblock: int, multiplier: int) -> None:
        self._expect_tensor(tensor)
        self._expect_superblock(superblock)
        producer = self._problem.producer[tensor]
        if producer < 0:
            raise PlacedError(f"tensor {tensor} is a model input, which no block makes")
        if reader != -1:
            self._expect_reader(tensor, reader)
            self._add_x(reader, superblock, self._unit * multiplier)
        elif not self._problem.is_paid_outside(tensor):
            raise PlacedError(f"tensor {tensor} is no model output that is paid")
        self._cut[tensor, superblock] += self._unit * multiplier
        self._add_x(producer, superblock, -self._unit * multiplier)

    def _add_import(self, tensor: int, reader: int, superblock: int, multiplier: int) -> None:
        self._expect_tensor(tensor)
        self._expect_superblock(superblock)
        self._expect_reader(tensor, reader)
        producer = self._problem.producer[tensor]
        if producer >= 0:
            self._add_x(producer, superblock, self._unit * multiplier)
        elif not self._problem.boundary_io:
            raise PlacedError(f"tensor {tensor} is a model input, which is free")
        self._cut[tensor, superblock] += self._unit * multiplier
        self._add_x(reader, superblock, -self._unit * multiplier)

    def _add_cost(self, superblock: int, multiplier: int) -> None:
        self.factor += multiplier * self._span(superblock)
        self._over[superblock] -= multiplier
        self._cost_multiplier[superblock] += multiplier
        self._work_factor[superblock] -= multiplier

    def _add_overflow(self, superblock: int, multiplier: int) -> None:
        span, memory = self._span(superblock), self._problem.only.memory
        if memory is None:
            raise PlacedError("the device has no memory to overflow")
        self._over[superblock] += multiplier
        self._params_factor[superblock] -= multiplier
        self._right -= multiplier * span * memory

    def _add_demand(self, multiplier: int) -> None:
        if self._demand is None:
            raise PlacedError("the relaxation has no demand")
        self._work_factor[self._demand] += multiplier
        self._right += multiplier * ceil_div(self._prover.total_work, self._problem.num_blocks)

    def _span(self, superblock: int) -> int:
        self._expect_superblock(superblock)
        span = self._spans[superblock]
        if span is None:
            raise PlacedError(f"superblock {superblock} holds any number of blocks, so nothing bounds its cost")
        return span

    def _expect_node(self, node: int) -> None:
        if not 0 <= node < len(self._problem.only.work):
            raise PlacedError(f"{node} is no node")

    def _expect_tensor(self, tensor: int) -> None:
        if not 0 <= tensor < len(self._problem.producer):
            raise PlacedError(f"{tensor} is no tensor")

    def _expect_superblock(self, superblock: int) -> None:
        if not 0 <= superblock < len(self._spans):
            raise PlacedError(f"{superblock} is no superblock")

    def _expect_reader(self, tensor: int, reader: int) -> None:
        if reader not in self._prover.readers[tensor]:
            raise PlacedError(f"node {reader} does not read tensor {tensor}")
