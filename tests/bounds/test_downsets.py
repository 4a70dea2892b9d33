"""The DP over downsets against every partition: its bound is the optimum itself."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import slicegraph as sg
from questions import Question, light_questions, questions, shaped_questions
from slicegraph.bounds.combinatorial import combinatorial
from slicegraph.bounds.downsets import close_in, downsets
from slicegraph.bounds.formulation import Formulation
from slicegraph.bounds.model import Domains
from slicegraph.bounds.tasks import Budget
from strategies import CHAIN, MANY, grid, to_instance

ABOVE_ALL = 2**52
"""More ticks than any block costs."""


def never(_lower_bound: int, _bottleneck: int) -> bool:
    return False


@given(st.one_of(light_questions(), shaped_questions(), questions()))
@settings(max_examples=MANY)
def test_the_bound_is_the_optimum(question: Question) -> None:
    """With a partition from a short search, which is often the optimum, and with none."""
    instance, optimum = question.instance, question.optimum()
    expected = ABOVE_ALL if math.isinf(optimum) else int(optimum)
    bound = sg.lower_bound(instance, method="downsets")
    closing = close_in(instance, poll=never)
    assert bound.ticks == closing.bound.ticks == expected
    assert bound.lower_bound == instance.seconds(expected)
    if math.isinf(optimum):
        assert closing.block_of is None
    else:
        assert bound.status == closing.bound.status == "optimal"
        assert closing.block_of is not None
        found = max(block.cost for block in instance.block_costs(closing.block_of))
        assert found == instance.seconds(closing.bottleneck) == instance.seconds(int(optimum))
    # A minimum cut of the graph itself takes no replay.
    is_cut = bound.node is not None and bound.reduction is None
    assert bound.verified_lower_bound == (bound if is_cut else combinatorial(instance)).lower_bound


@given(st.one_of(light_questions(), shaped_questions()), st.integers(0, 2**30), st.integers(0, 2**30))
def test_whatever_is_known_before_the_bound_is_true(question: Question, below: int, above: int) -> None:
    """A partition without a better one is a limit; a bound from elsewhere is no proof."""
    instance, optimum = question.instance, question.optimum()
    least = combinatorial(instance).ticks
    known = least + below % (max(0, min(ABOVE_ALL, optimum) - least) + 1)
    bottleneck = above % (2 * least + 2)
    closing = close_in(instance, lower_bound=int(known), bottleneck=bottleneck, poll=never)
    assert least <= closing.bound.ticks <= max(least, min(optimum, ABOVE_ALL))
    assert closing.bound.ticks <= max(least, bottleneck)
    assert (closing.bottleneck is not None) == (max(known, optimum) < bottleneck or known <= optimum < bottleneck)
    if closing.bottleneck is not None:
        assert closing.bottleneck == optimum


@given(st.one_of(light_questions(), shaped_questions()), st.integers(0, 2**30), st.integers(0, 2**30))
def test_within_what_others_know_the_optimum_is_found(question: Question, above: int, below: int) -> None:
    """Windows of all partitions that are better than a threshold, as tight as they can be."""
    instance, partitions = question.instance, question.partitions()
    optimum = min(bottleneck for *_, bottleneck in partitions)
    assume(optimum < math.inf)
    threshold = int(optimum) + 1 + above % (int(optimum) + 1)
    better = np.array([block_of for block_of, _, bottleneck in partitions if bottleneck < threshold])
    domains = Domains(
        threshold=threshold,
        earliest=better.min(axis=0) + 1,
        latest=better.max(axis=0) + 1,
        incompatible=(np.zeros(0, np.int64), np.zeros(0, np.int64)),
        weights=instance.work,
        least=(),
        most=(),
    )
    for known in (threshold, int(optimum) + 1 + below % (threshold - int(optimum)), int(optimum)):
        closing = close_in(instance, bottleneck=known, domains=domains, poll=never)
        assert closing.bound.ticks == optimum
        assert closing.bottleneck == (None if known == optimum else optimum)


@given(shaped_questions(max_nodes=7), st.integers(2, 4))
@settings(max_examples=100)
def test_threads_change_nothing(question: Question, threads: int) -> None:
    instance = question.instance
    one, many = (close_in(instance, threads=count, poll=never) for count in (1, threads))
    assert one.bound.document == many.bound.document
    assert (one.block_of is None) == (many.block_of is None)
    if one.block_of is not None and many.block_of is not None:
        assert one.block_of.tolist() == many.block_of.tolist()


def test_an_example_by_hand() -> None:
    """3.125 s is the best of the two cuts, with and without a partition that is known."""
    instance = to_instance(CHAIN, {"bandwidth": 64.0}, 2)
    for seconds in (3.125, 4.0, None):
        threshold = None if seconds is None else round(seconds / instance.tick)
        bound = downsets(Formulation(instance), Budget(threshold=threshold, seconds=60))
        assert (bound.status, bound.lower_bound, bound.verified_lower_bound) == ("optimal", 3.125, 3.0)
        assert bound.reduction is not None
        assert bound.downsets is not None or bound.node is not None


def test_a_square_takes_downsets() -> None:
    """No merge is lossless in a square of equals, and no node is expensive."""
    bound = sg.lower_bound(to_instance(grid(4), {"bandwidth": 8.0}, 3), method="downsets")
    assert (bound.status, bound.lower_bound, bound.num_groups, bound.node) == ("optimal", 10.0, 16, None)
    assert bound.downsets is not None
    assert bound.downsets.threshold == bound.ticks
    assert 0 < bound.downsets.downsets < bound.downsets.transitions


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.3])
def test_whatever_the_time_there_is_a_bound(seconds: float) -> None:
    """And it is given on time."""
    instance = to_instance(grid(20), {"bandwidth": 8.0}, 8)
    begin = time.monotonic()
    bound = downsets(Formulation(instance), Budget(threshold=round(100 / instance.tick), seconds=seconds))
    assert time.monotonic() - begin < seconds + 2
    assert bound.status == "time_limit"
    assert combinatorial(instance).ticks <= bound.ticks <= 100 / instance.tick


def test_a_caller_can_stop_it() -> None:
    """The bound so far is told."""
    instance = to_instance(grid(20), {"bandwidth": 8.0}, 8)
    told: list[int] = []

    def watch(lower_bound: int) -> bool:
        told.append(lower_bound)
        return len(told) >= 4

    bound = downsets(Formulation(instance), Budget(threshold=None, seconds=60, watch=watch))
    assert bound.status == "time_limit"
    assert told == sorted(told)
    assert len(told) < 10
    assert told[0] == combinatorial(instance).ticks


def test_who_is_told_and_fails_is_heard() -> None:
    """An exception in the poll ends it and reaches the caller."""

    def fail(_lower_bound: int, _bottleneck: int) -> bool:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        close_in(to_instance(grid(20), {"bandwidth": 8.0}, 8), poll=fail)


def test_a_graph_can_be_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slicegraph.bounds.downsets.MAX_NODES", 2)
    bound = sg.lower_bound(to_instance(CHAIN, {"bandwidth": 64.0}, 2), method="downsets")
    assert (bound.status, bound.lower_bound, bound.reduction) == ("too_large", 3.0, None)
