"""Stops: each alone, and combined."""

from __future__ import annotations

import dataclasses
import math
import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

import slicegraph as sg

PROGRESS = sg.Progress(seconds=2.0, bottleneck=4.0, lower_bound=3.0, evaluations=10)


def test_each_stop_comes_true_at_its_limit() -> None:
    assert sg.MaxRuntime(2.0)(PROGRESS)
    assert not sg.MaxRuntime(2.1)(PROGRESS)
    assert sg.MaxEvaluations(10)(PROGRESS)
    assert not sg.MaxEvaluations(11)(PROGRESS)
    assert sg.MaxWork(10)(dataclasses.replace(PROGRESS, work=10))
    assert not sg.MaxWork(11)(dataclasses.replace(PROGRESS, work=10))
    assert sg.TargetGap(0.25)(PROGRESS)
    assert not sg.TargetGap(0.24)(PROGRESS)


@given(st.booleans(), st.booleans())
def test_stops_combine_as_conditions_do(first: bool, second: bool) -> None:
    left, right = (sg.MaxRuntime(0.0 if is_true else 99.0) for is_true in (first, second))
    assert (left | right)(PROGRESS) == (first or second)
    assert (left & right)(PROGRESS) == (first and second)


@given(st.booleans(), st.booleans())
def test_a_callable_combines_with_a_stop_on_either_side(first: bool, second: bool) -> None:
    """It is asked with the progress that the other side is asked with."""
    stop, seen = sg.MaxRuntime(0.0 if first else 99.0), list[sg.Progress]()

    def ask(progress: sg.Progress) -> bool:
        seen.append(progress)
        return second

    for either in (stop | ask, ask | stop):
        assert either(PROGRESS) == (first or second)
    for both in (stop & ask, ask & stop):
        assert both(PROGRESS) == (first and second)
    assert set(seen) == {PROGRESS}
    assert (stop | ask | sg.TargetGap(0.1)).gap == 0.1


@pytest.mark.parametrize("wrong", [60, None, "never", sg.TargetGap])
def test_what_cannot_be_asked_does_not_combine(wrong: object) -> None:
    for combine in (operator.or_, operator.and_):
        for sides in ((sg.MaxRuntime(1), wrong), (wrong, sg.MaxRuntime(1))):
            with pytest.raises(sg.InputError, match=r"stop: .* is neither"):
                combine(*sides)


def test_a_combination_asks_for_the_gap_of_its_parts() -> None:
    stop = sg.MaxRuntime(1) | (sg.MaxEvaluations(5) & sg.TargetGap(0.1))
    assert stop.gap == 0.1
    assert sg.MaxRuntime(1).gap == 0.0
    assert (sg.TargetGap(0.1) | sg.TargetGap(0.2)).gap == 0.2
    assert (sg.TargetGap(0.1) & sg.TargetGap(0.2)).gap == 0.1


def test_a_combination_allows_the_work_of_its_parts() -> None:
    """Of either part the least, of both the most; a stop that work does not decide allows none and forbids none."""
    assert sg.MaxRuntime(1).work is None
    assert (sg.MaxRuntime(1) | sg.TargetGap(0.1)).work is None
    assert (sg.MaxRuntime(1) | sg.MaxWork(5)).work == 5
    assert (sg.MaxWork(7) & (lambda _: True)).work == 7
    assert (sg.MaxWork(7) | sg.MaxWork(5)).work == 5
    assert (sg.MaxWork(7) & sg.MaxWork(5) | sg.MaxRuntime(1)).work == 7


@pytest.mark.parametrize(
    ("bottleneck", "lower_bound", "gap"),
    [(4.0, 4.0, 0.0), (4.0, 1.0, 0.75), (0.0, 0.0, 0.0), (0.0, 5e-324, 0.0), (2.0, 4.0, 0.0), (math.inf, 1.0, 1.0)],
)
def test_the_gap_is_a_fraction_of_the_bottleneck(bottleneck: float, lower_bound: float, gap: float) -> None:
    assert sg.Progress(seconds=0, bottleneck=bottleneck, lower_bound=lower_bound, evaluations=0).gap == gap


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sg.MaxRuntime(-1), r"MaxRuntime\(-1\): seconds are not negative"),
        (lambda: sg.MaxRuntime(math.nan), r"MaxRuntime\(nan\): seconds are not negative"),
        (lambda: sg.MaxEvaluations(-1), r"MaxEvaluations\(-1\): a count is not negative"),
        (lambda: sg.MaxWork(-1), r"MaxWork\(-1\): a count is not negative"),
        (lambda: sg.TargetGap(1.5), r"TargetGap\(1.5\): a gap is from 0 to 1"),
        (lambda: sg.TargetGap(math.nan), r"TargetGap\(nan\): a gap is from 0 to 1"),
    ],
)
def test_a_limit_that_is_none_is_refused(make: type[sg.Stop], message: str) -> None:
    with pytest.raises(sg.InputError, match=message):
        make()
