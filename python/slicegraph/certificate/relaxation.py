"""Bounds by linear programming duality: each proof is a weighted sum of valid inequalities, computed again in integers.

**Relaxation.** Consecutive blocks are grouped into superblocks; superblock ``j`` holds ``spans[j]`` of them.
``y[v, i]`` says whether node ``v`` is in one of the first ``i`` superblocks (0 for none of them, 1 for all), so that
``x[v, j] = y[v, j + 1] - y[v, j]`` says whether it is in superblock ``j``; ``cut[x, j]`` whether tensor ``x`` is
imported into superblock ``j`` or exported from it; ``stored[p, j]`` whether parameter ``p``, which several nodes read,
is in it; ``over[j]`` is its overflow; ``t`` is the bottleneck. A superblock pays the prices of its stages, and has a
capacity per tick of the bottleneck, its room (``prices.py``).

**Claim.** The 0/1 values of any acyclic partition with no cost above ``t`` satisfy every row below, hence any sum of
rows with multipliers that are not negative. That sum reads ``a t + (the rest) >= r``; with the rest at the most that
its variables' boxes allow, it is ``a t >= n``.

**Why each row holds.** ``order``: ``x`` is 0 or 1. ``before``: no tensor runs to an earlier block. ``export``: a tensor
made in a superblock and read elsewhere (or returned by the model, at a price) is exported from it. ``import``: a tensor
read in a superblock and made elsewhere (or a model input, at a price) is imported. ``cost``: what the blocks of a
superblock pay adds up to at least its work, every tensor that crosses its border once, and its overflow, and to at most
its room; where stages communicate beside their computation, ``cost`` is without the tensors, and ``io`` says the same
of these alone. ``stored``: a superblock with a reader stores the parameter. ``overflow``: its stages keep no more than
their memories resident. ``demand``: let nodes weigh the prices of all stages together; some stage holds at least the
part of all weight that its multiplier has of the sum of all stages' multipliers, otherwise they would hold less than
there is; with stages of one kind that is the mean work. ``nowhere``: for some node there is no block (``places.py``),
so there is no partition.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from functools import cached_property
from typing import Any, final

from slicegraph.certificate.budget import Budget
from slicegraph.certificate.places import Places, where_all_may_be
from slicegraph.certificate.prices import Prices, is_uniform, prices_of_kind, prices_of_stages
from slicegraph.certificate.problem import Problem, ceil_div
from slicegraph.certificate.structure import PlacedError, expect
from slicegraph.certificate.windows import Windows


@final
class Prover:
    """Computes the bounds of proofs again; keeps the data that they share.

    Parameters
    ----------
    problem
        The problem of the proofs.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._windows: Windows | None = None
        self._places: dict[int | None, Places] = {}
        self.readers = [frozenset(consumers) for consumers in problem.consumers]

    @cached_property
    def relaxed_problem(self) -> Problem:
        """The problem that relaxations are about: nodes that are in one block may be where all may be."""
        return where_all_may_be(self.problem)

    @cached_property
    def successors(self) -> list[set[int]]:
        """The nodes that read something of each node."""
        successors: list[set[int]] = [set() for _ in range(self.problem.num_nodes)]
        for producer, readers in zip(self.problem.producer, self.readers, strict=True):
            if producer >= 0:
                successors[producer] |= readers
        return successors

    def places(self, threshold: int | None, budget: Budget) -> Places:
        """Give the variables for partitions of at most a threshold; None or 0: for all partitions."""
        threshold = threshold or None
        if threshold not in self._places:
            windows = None
            if threshold is not None:
                if self._windows is None:
                    self._windows = Windows(self.relaxed_problem, self.successors, budget)
                windows = self._windows.below(threshold, budget)
            self._places[threshold] = Places(self.relaxed_problem, windows, threshold, budget)
        return self._places[threshold]

    @cached_property
    def step(self) -> int:
        """A common divisor of all costs."""
        parts: list[int] = []
        for kind in range(len(self.problem.kinds)):
            prices = prices_of_kind(self.problem, kind)
            parts += [*prices.work, *prices.transfer]
            if prices.memory is not None:
                parts += [*prices.params, *prices.stored, prices.memory]
        return math.gcd(*parts)

    @cached_property
    def together(self) -> Prices:
        """The prices of all stages together."""
        return prices_of_stages(self.relaxed_problem, 0, self.relaxed_problem.num_blocks)

    @cached_property
    def total_work(self) -> int:
        """The weight of all nodes."""
        return sum(self.together.work)

    def least_demand(self, stage: int) -> int:
        """Give the least weight of a stage that has its part of the weight of all nodes."""
        problem = self.problem
        if is_uniform(problem):
            return ceil_div(self.total_work, problem.num_blocks)
        weights = [problem.multipliers[problem.kind(each)] for each in range(problem.num_blocks)]
        return ceil_div(weights[stage] * self.total_work, sum(weights))

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
        self._prover, self._problem = prover, prover.relaxed_problem
        self._spans: list[int | None] = relaxation["spans"]
        self._demand: int | None = relaxation["demand"]
        self._kind: int | None = relaxation.get("kind")
        self._threshold: int | None = relaxation["threshold"]
        self._unit: int = relaxation["proof"]["unit"]
        self._last_row: list[Any] = [""]
        self.factor = 0
        self._right = 0
        self._y: defaultdict[tuple[int, int], int] = defaultdict(int)
        self._cut: defaultdict[tuple[int, int], int] = defaultdict(int)
        self._stored: defaultdict[tuple[int, int], int] = defaultdict(int)
        self._over: defaultdict[int, int] = defaultdict(int)
        # Rows that hold every node or tensor are kept by superblock until the end.
        self._io_multiplier: defaultdict[int, int] = defaultdict(int)
        self._work_factor: defaultdict[int, int] = defaultdict(int)
        self._params_factor: defaultdict[int, int] = defaultdict(int)
        self._demand_factor = 0
        self._prices: dict[int, Prices] = {}
        self._nowhere: list[int] = []
        self._rules: dict[str, Callable[..., None]] = {
            "order": self._add_order,
            "before": self._add_before,
            "export": self._add_export,
            "import": self._add_import,
            "cost": self._add_cost,
            "io": self._add_io,
            "stored": self._add_stored,
            "overflow": self._add_overflow,
            "demand": self._add_demand,
            "nowhere": self._add_nowhere,
        }

    def add(self, row: list[Any]) -> None:
        """Add a row of the right types, times its multiplier."""
        if not self._last_row < row[:-1]:
            raise PlacedError("not above the row before; rows are sorted and distinct")
        self._last_row = row[:-1]
        kind, *arguments = row
        self._rules[kind](*arguments)

    def right(self, budget: Budget) -> int:
        """Give the right side less the most that everything but the bottleneck can add.

        Raises
        ------
        PlacedError
            When there is a block for a node of which a row says that there is none.
        BeyondBudgetError
            When it takes more steps.
        """
        num_nodes = self._problem.num_nodes
        superblocks = self._work_factor.keys() | self._params_factor.keys()
        budget.spend(len(superblocks) * num_nodes // 4)
        for superblock in superblocks:
            prices = self._paid(superblock)
            by_work, by_params = self._work_factor[superblock], self._params_factor[superblock]
            for node, (work, params) in enumerate(zip(prices.work, prices.params, strict=True)):
                self._add_x(node, superblock, by_work * work + by_params * params)
        if self._demand is not None and self._demand_factor:
            for node, work in enumerate(self._prover.together.work):
                self._add_x(node, self._demand, self._demand_factor * work)
        most = self._most_of_y(budget)
        for (tensor, superblock), factor in self._cut.items():
            # A row holds all tensors; one that no other row holds is best not cut.
            if multiplier := self._io_multiplier[superblock]:
                factor -= multiplier * self._paid(superblock).transfer[tensor]  # noqa: PLW2901 - what is left
            most += max(0, factor)
        for (param, superblock), factor in self._stored.items():
            if multiplier := -self._params_factor[superblock]:
                factor -= multiplier * self._paid(superblock).stored[param]  # noqa: PLW2901 - likewise
            most += max(0, factor)
        most += sum(
            factor * self._paid(superblock).all_params for superblock, factor in self._over.items() if factor > 0
        )
        return self._right - most

    def _most_of_y(self, budget: Budget) -> int:
        is_known = None not in self._spans
        places = self._prover.places(self._threshold, budget)
        for node in self._nowhere:
            expect(is_known and places.is_nowhere(node), f"there is a block for node {node}")
        return places.superblocks(self._spans, self._kind).most(self._y)

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
        prices = self._paid(superblock)
        self.factor += multiplier * prices.room
        self._over[superblock] -= multiplier
        self._work_factor[superblock] -= multiplier
        if not prices.is_overlap:
            self._io_multiplier[superblock] += multiplier

    def _add_io(self, superblock: int, multiplier: int) -> None:
        prices = self._paid(superblock)
        expect(prices.is_overlap, f"superblock {superblock} does not communicate beside its computation")
        self.factor += multiplier * prices.room
        self._io_multiplier[superblock] += multiplier

    def _add_overflow(self, superblock: int, multiplier: int) -> None:
        memory = self._paid(superblock).memory
        if memory is None:
            raise PlacedError("the device has no memory to overflow")
        self._over[superblock] += multiplier
        self._params_factor[superblock] -= multiplier
        self._right -= multiplier * memory

    def _add_stored(self, param: int, reader: int, superblock: int, multiplier: int) -> None:
        self._expect_superblock(superblock)
        readers = self._problem.param_readers
        expect(0 <= param < len(readers), f"{param} is no parameter that several nodes read")
        expect(reader in readers[param], f"node {reader} does not read parameter {param}")
        self._stored[param, superblock] += self._unit * multiplier
        self._add_x(reader, superblock, -self._unit * multiplier)

    def _add_nowhere(self, node: int, multiplier: int) -> None:
        self._expect_node(node)
        self._nowhere.append(node)
        self._right += self._unit * multiplier

    def _add_demand(self, multiplier: int) -> None:
        if self._demand is None:
            raise PlacedError("the relaxation has no demand")
        stage = sum(span or 0 for span in self._spans[: self._demand])
        if self._kind is not None:
            stage = self._problem.kind_of.index(self._kind)
        self._demand_factor += multiplier
        self._right += multiplier * self._prover.least_demand(stage)

    def _paid(self, superblock: int) -> Prices:
        if superblock not in self._prices:
            span, problem = self._span(superblock), self._problem
            if self._kind is not None:
                self._prices[superblock] = prices_of_kind(problem, self._kind)
            else:
                first = sum(each or 0 for each in self._spans[:superblock])
                self._prices[superblock] = prices_of_stages(problem, first, first + span)
        return self._prices[superblock]

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
