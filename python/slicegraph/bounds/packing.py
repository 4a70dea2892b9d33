"""The packing bound: node weights such that no block below a threshold has its share of all, by column generation.

**Claim.** Let every node have a weight, not negative, so that no block which costs less than a threshold weighs the
target or more, and all nodes together weigh more than ``k (target - 1)``. Then no partition into ``k`` blocks is better
than the threshold.

**Proof.** Each of the ``k`` blocks would weigh less than the target.

A linear program gives weights of the largest sum for the known blocks. The core solves the pricing problem
(``rust/core/src/packing``): it searches for other blocks that weigh too much, which are columns of the program's dual,
until it proves that there are none. This is the proof, which the compiled checker checks before it counts. If the sum
of the program's weights is too small, the threshold is refuted: no weights prove it. Pricing is asked about weights
that are as close to the costs of nodes as the required sum allows, since the cuts are then nearly tight and few cases
are needed. From round to round the weights move only a part of the way (*smoothing*, Wentges 1997), which takes fewer
rounds.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from slicegraph._core import price, slices
from slicegraph.bounds.highs import PackingProgram
from slicegraph.bounds.params import PackingParams
from slicegraph.certificate.compiled import leb128
from slicegraph.cost import Instance

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
_PACKING = 12
"""The section of a log."""
_MOST_WEIGHT = 2**55
"""Of all nodes together."""
_ONE = 2**12
"""A factor of 1."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """The result for a threshold.

    Attributes
    ----------
    log
        The section of a log that proves it. None: it is not proven.
    work
        The work that was used.
    is_refuted
        Whether the known blocks leave no weights that prove it.
    """

    log: bytes | None
    work: int
    is_refuted: bool = False


@final
class PackingSearch:
    """Column generation for the thresholds of an instance; blocks are kept from one threshold to the next.

    Parameters
    ----------
    instance
        An instance with one kind of device, without overlap.
    params
        The tuned numbers.
    """

    def __init__(self, instance: Instance, params: PackingParams | None = None) -> None:
        self._instance, self._params = instance, params or PackingParams()
        self._num_nodes = instance.graph.num_nodes
        self._factors: Integers = np.full(self._num_nodes, _ONE, np.int64)
        self._first_seeds: list[int] = []
        self._blocks: dict[tuple[int, ...], int] = {}
        self._threshold = 0
        self._program = PackingProgram(self._num_nodes, self._params)
        self._center: Floats | None = None
        self._costs = _costs(instance)
        self._work, self._has_to_stop = 0, _never

    def attempt(self, threshold: int, *, work: int, has_to_stop: Callable[[], bool]) -> Attempt:
        """Try to prove a threshold within ``work``: arcs that cuts visit, and nodes of the program's rows per solve."""
        self._work, self._has_to_stop = work, has_to_stop
        if threshold != self._threshold:
            self._begin(threshold)
        program, params, num_blocks = self._program, self._params, self._instance.num_blocks
        rounds, max_cases, is_proving = 0, params.proving_cases, False
        while not self._is_over():
            self._work -= program.size
            best = program.solve()
            if best is None:
                break
            if best.sum() <= num_blocks * (1 + 1e-9):
                return Attempt(log=None, work=work - self._work, is_refuted=True)
            point = self._plain(best, program)
            self._center = self._smoothed(point, program)
            question = _Question.of(self._center, threshold, num_blocks)
            if not is_proving:
                rounds += 1
                num_heavy, num_new = self._collect(question)
                is_proving = (
                    num_heavy < params.collecting_heavy // 4 or not num_new or rounds > params.collecting_rounds
                )
                if num_new:
                    continue
            log, max_cases = self._prove(question, max_cases)
            if log is not None:
                return Attempt(log=log, work=work - self._work)
            is_proving, rounds = False, params.collecting_rounds - params.more_rounds
        return Attempt(log=None, work=work - self._work)

    def _begin(self, threshold: int) -> None:
        """Begin with the blocks of other thresholds, and slices that are as long as this one allows."""
        self._threshold, self._program, self._center = threshold, PackingProgram(self._num_nodes, self._params), None
        self._program.add([block for block, cost in self._blocks.items() if cost < threshold])
        found = slices(self._instance.core, threshold=threshold, num_orders=self._params.orders, seed=threshold)
        self._program.add(found)

    def _is_over(self) -> bool:
        return self._work <= 0 or self._has_to_stop()

    def _scaled(self, point: Floats, program: PackingProgram) -> Floats:
        """Scale a point up as far as the known blocks allow."""
        return np.minimum(point / max(program.largest(point), 1e-9), 1.0)

    def _plain(self, best: Floats, program: PackingProgram) -> Floats:
        """Mix the best point with the costs of nodes, as far as a part of the best sum's excess is kept."""
        num_blocks, params = self._instance.num_blocks, self._params
        costs = self._scaled(self._costs, program)
        enough = num_blocks + params.reserve * (best.sum() - num_blocks)
        for part in np.linspace(0.0, 1.0, params.mixtures + 1)[:-1]:
            point = self._scaled(part * best + (1 - part) * costs, program)
            if point.sum() >= enough:
                return point
        return best

    def _smoothed(self, point: Floats, program: PackingProgram) -> Floats:
        """Move from the last point a part of the way to another; further where the sum would be too small."""
        if self._center is None:
            return point
        center, part = self._scaled(self._center, program), self._params.smoothing
        while part < 1:
            between = part * point + (1 - part) * center
            if between.sum() > self._instance.num_blocks:
                return between
            part *= 2
        return point

    def _collect(self, question: _Question) -> tuple[int, int]:
        """Collect blocks that weigh too much; give how many seeds have one, and how many are new."""
        params = self._params
        too_heavy = dataclasses.replace(question, target=int(question.unit * (1 + params.margin)))
        order = self._order()
        priced = self._price(too_heavy, order, params.collecting_cases, params.collecting_heavy)
        if priced is None:
            return 0, 0
        heavy = [seed for seed, verdict in zip(order, priced.verdicts, strict=True) if verdict == "heavy"]
        self._put_first(heavy)
        return len(heavy), self._learn(priced.blocks, priced.costs)

    def _prove(self, question: _Question, max_cases: int) -> tuple[bytes | None, int]:
        """Try to prove that no block weighs the target; give the log of the proof, and the most cases of a seed."""
        open_seeds, cases = self._order(), {}
        while True:
            priced = self._price(question, open_seeds, max_cases, self._params.proving_heavy)
            if priced is None:
                return None, max_cases
            self._learn(priced.blocks, priced.costs)
            verdicts = list(zip(open_seeds, priced.verdicts, priced.cases, strict=True))
            cases.update({seed: each for seed, verdict, each in verdicts if verdict == "closed"})
            heavy = [seed for seed, verdict, _ in verdicts if verdict == "heavy"]
            open_seeds = [seed for seed, verdict, _ in verdicts if verdict != "closed"]
            self._put_first(heavy + open_seeds)
            if not open_seeds:
                return question.log(cases), max_cases
            if heavy or self._is_over() or max_cases >= self._params.most_cases:
                return None, max_cases
            max_cases *= self._params.growth

    def _price(self, question: _Question, seeds: list[int], max_cases: int, enough: int) -> _Priced | None:
        priced = price(
            self._instance.core,
            question.weights,
            self._factors,
            threshold=question.threshold,
            target=question.target,
            kept=question.kept,
            seeds=seeds,
            max_cases=max_cases,
            max_steps=max(self._work, 1),
            enough=enough,
            ends=self._has_to_stop,
        )
        if priced is None:
            return None
        verdicts, cases, blocks, costs, steps, self._factors = priced
        self._work -= steps
        return _Priced(verdicts=verdicts, cases=cases, blocks=blocks, costs=costs)

    def _learn(self, blocks: list[list[int]], costs: list[int]) -> int:
        """Add blocks to the program; give how many are new."""
        found = {tuple(sorted(block)): cost for block, cost in zip(blocks, costs, strict=True)}
        new = {block: cost for block, cost in found.items() if block not in self._blocks}
        self._blocks.update(new)
        self._program.add(list(new))
        return len(new)

    def _order(self) -> list[int]:
        first = set(self._first_seeds)
        return [*self._first_seeds, *(node for node in range(self._num_nodes) if node not in first)]

    def _put_first(self, seeds: list[int]) -> None:
        self._first_seeds = list(dict.fromkeys([*seeds, *self._first_seeds]))[: self._params.first_seeds]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Priced:
    """Verdicts and cases by seed, as they were asked about, and blocks that were found, with their costs."""

    verdicts: list[str]
    cases: list[list[int]]
    blocks: list[list[int]]
    costs: list[int]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Question:
    """Integer weights: a block should weigh at most ``unit``, and for a proof every block less than the target."""

    weights: Integers
    unit: int
    threshold: int
    target: int
    kept: int

    @classmethod
    def of(cls, point: Floats, threshold: int, num_blocks: int) -> _Question:
        unit = max(1, int(min(threshold - 1, _MOST_WEIGHT / point.sum())))
        weights = np.maximum(np.rint(point * unit), 0).astype(np.int64)
        target = max(1, -(-int(weights.sum()) // num_blocks))
        return cls(weights=weights, unit=unit, threshold=threshold, target=target, kept=min(unit, target))

    def log(self, cases: dict[int, list[int]]) -> bytes:
        """Give the section of a log, from the cases of all seeds."""
        seeds = sorted(range(len(self.weights)), key=lambda seed: (-int(self.weights[seed]), seed))
        numbers = [_PACKING, len(self.weights), *self.weights.tolist(), len(seeds)]
        for seed in seeds:
            numbers += [len(cases[seed]), *cases[seed]]
        return b"".join(map(leb128, numbers))


def _costs(instance: Instance) -> Floats:
    """Give the cost of each node with all of its tensors, positive."""
    arrays, transfer = instance.graph.arrays, instance.transfer.astype(np.float64)
    costs = instance.work.astype(np.float64)
    is_made = arrays.producer >= 0
    np.add.at(costs, arrays.producer[is_made], transfer[is_made])
    np.add.at(costs, arrays.consumers, np.repeat(transfer, np.diff(arrays.consumer_offsets)))
    return np.maximum(costs, 1.0)


def _never() -> bool:
    return False
