"""The search of downsets, against all partitions."""

from __future__ import annotations

import dataclasses
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from machines import Unlike, unlikes
from questions import Question, light_questions, questions, to_problem
from slicegraph.certificate.budget import BeyondBudgetError, Budget
from slicegraph.certificate.downsets import Downsets
from slicegraph.certificate.narrowed import narrowed
from slicegraph.certificate.structure import PlacedError
from strategies import CHAIN, MANY, grid


@given(st.one_of(light_questions(max_nodes=6), questions()), st.integers())
@settings(max_examples=MANY)
def test_it_finds_a_better_partition_when_there_is_one(question: Question, seed: int) -> None:
    optimum = min(bottleneck for *_, bottleneck in question.partitions())
    downsets = Downsets(to_problem(question), Budget())
    if math.isinf(optimum):
        assert not downsets.has_better(2**53, Budget())
        return
    assert not downsets.has_better(int(optimum), Budget())
    assert downsets.has_better(int(optimum) + 1, Budget())
    other = random.Random(seed).randrange(2 * int(optimum) + 2)  # noqa: S311 - not a secret
    assert downsets.has_better(other, Budget()) == (optimum < other)


@given(unlikes(has_links=True), st.lists(st.integers(0, 4), min_size=3, max_size=3), st.integers())
@settings(max_examples=MANY)
def test_it_finds_a_better_partition_on_unlike_devices(unlike: Unlike, multipliers: list[int], seed: int) -> None:
    """Whatever the multipliers; that nodes are together is not asked."""
    free = dataclasses.replace(unlike, together=[])
    weights = multipliers[: len(unlike.kinds)]
    problem, optimum = free.problem(weights if any(weights) else [1] * len(weights)), free.optimum()
    downsets = Downsets(problem, Budget())
    if math.isinf(optimum):
        assert not downsets.has_better(2**53, Budget())
        return
    others = [random.Random(seed).randrange(2 * int(optimum) + 2), int(optimum), int(optimum) + 1]  # noqa: S311 - not a secret
    for threshold in others:
        assert downsets.has_better(threshold, Budget()) == (optimum < threshold)
        windows = narrowed(problem, threshold, Budget())
        assert windows is not None or optimum >= threshold
        assert windows is None or downsets.has_better(threshold, Budget(), windows) == (optimum < threshold)


def test_steps_are_counted() -> None:
    """A square of nine in three blocks; what takes no search takes no steps."""
    question = Question(grid(3), {"bandwidth": 8.0}, 3)
    downsets = Downsets(to_problem(question), Budget())
    optimum = int(min(bottleneck for *_, bottleneck in question.partitions()))
    budget = Budget(10**6)
    assert not downsets.has_better(optimum, budget)
    steps = 10**6 - int(budget.left)
    assert 10 < steps < 10**4
    assert not downsets.has_better(optimum, Budget(steps))
    with pytest.raises(BeyondBudgetError):
        downsets.has_better(optimum, Budget(steps - 1))
    assert not downsets.has_better(question.mean_work, Budget(0))
    assert downsets.has_better(2**53, Budget(0))


def test_a_cycle_is_refused() -> None:
    problem = to_problem(Question(CHAIN, {"bandwidth": 8.0}, 2))
    with pytest.raises(PlacedError, match="the graph has a cycle"):
        Downsets(dataclasses.replace(problem, consumers=[[1], [0]]), Budget())
