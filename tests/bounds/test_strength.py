"""What a bound that is called optimal has to reach, by its definition and every division of a small graph."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import slicegraph as sg
from questions import Question, light_questions, shaped_questions
from results import result_of
from slicegraph.bounds.formulation import Formulation
from strategies import MANY


class Divisions:
    """All ways to divide the nodes into what is before, a block and what is after."""

    def __init__(self, question: Question) -> None:
        self.question, self.ticks = question, question.ticks
        arcs = [
            (producer, reader)
            for producer, readers in zip(question.producer, question.consumers, strict=True)
            if producer >= 0
            for reader in readers
        ]
        sides = itertools.product(range(3), repeat=question.num_nodes)
        self.all = [side for side in sides if all(side[begin] <= side[end] for begin, end in arcs)]

    def work(self, side: Sequence[int], part: int) -> int:
        return sum(work for work, each in zip(self.ticks.work, side, strict=True) if each == part)

    def cost(self, side: Sequence[int], part: int, devices: int) -> int:
        """Work, each tensor that comes in or leaves once, and what does not fit the memories of so many devices."""
        io = 0
        for producer, readers, transfer in zip(
            self.question.producer, self.question.consumers, self.ticks.transfer, strict=True
        ):
            inside = [side[reader] == part for reader in readers]
            leaves = producer >= 0 and side[producer] == part and not all(inside)
            enters = producer >= 0 and side[producer] != part and any(inside)
            io += transfer * (leaves or enters)
        params = sum(params for params, each in zip(self.ticks.params, side, strict=True) if each == part)
        memory = math.inf if self.ticks.memory is None else self.ticks.memory * devices
        return self.work(side, part) + io + (0 if params <= memory else params - int(memory))

    @property
    def mean(self) -> Fraction:
        return Fraction(sum(self.ticks.work), self.question.num_blocks)

    def bottleneck(self) -> Fraction:
        """The cheapest block with at least the mean work."""
        costs = [self.cost(side, 1, 1) for side in self.all if self.work(side, 1) >= self.mean]
        return Fraction(min(costs))

    def guess(self) -> Fraction:
        """The larger of min D(b) and max F(b)."""
        demanding, free = [], []
        for before in range(self.question.num_blocks):
            after = self.question.num_blocks - 1 - before
            levels: dict[bool, list[Fraction]] = {False: [], True: []}
            for side in self.all:
                if (0 in side and not before) or (2 in side and not after):
                    continue
                level = Fraction(self.cost(side, 1, 1))
                for part, devices in ((0, before), (2, after)):
                    if devices:
                        level = max(level, Fraction(self.cost(side, part, devices), devices))
                levels[self.work(side, 1) >= self.mean].append(level)
            demanding.append(min(levels[True], default=None))
            free.append(min(levels[True] + levels[False]))
        return max(min(level for level in demanding if level is not None), *free)


@pytest.mark.parametrize("method", ["bottleneck", "bottleneck_guess", "exact", "downsets", "chain", "node"])
@given(st.one_of(light_questions(), shaped_questions(max_nodes=5)))
@settings(max_examples=MANY // 3)
def test_a_bound_that_is_called_optimal_is_what_its_method_claims(method: str, question: Question) -> None:
    """No more than that, nor than the optimum, and to a millionth no less; `check` proves all of it again."""
    assume(not question.boundary_io and question.memory_limit is None)
    optimum = question.optimum()
    bound = sg.lower_bound(question.instance, method=method, time_limit=60)
    assert max(bound.ticks, bound.believed) <= optimum
    result = result_of(question.instance, None, (sg.lower_bound(question.instance, method="combinatorial"), bound))
    assert sg.check(question.instance.graph, result.certificate).lower_bound == bound.lower_bound
    if bound.status != "optimal":
        return
    divisions = Divisions(question)
    claims: dict[str, Fraction] = {}
    if method == "bottleneck":
        claims[method] = divisions.bottleneck()
    elif method == "bottleneck_guess":
        claims[method] = divisions.guess()
    elif method in ("exact", "downsets"):
        claims[method] = Fraction(int(optimum))
    else:
        claims[method] = Fraction(question.combinatorial())
    assert bound.ticks >= claims[method] * (1 - Fraction(1, 10**5))
    # What costs are multiples of is what bounds are rounded up to.
    least = max(claims[method], Fraction(question.combinatorial()))
    assert method in ("chain", "node") or bound.ticks < least + Formulation(question.instance).step
