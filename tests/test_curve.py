"""What is known for every number of stages, and what is asked for next."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import slicegraph as sg
from slicegraph.cost import ALL_TICKS
from slicegraph.curve import Curve, Partition, left_out, next_blocks, status_of

PAIRS = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 12)), max_size=12)


def partition(stages: int, ticks: int) -> Partition:
    return Partition(block_of=np.zeros(9, np.int32), stages=stages, ticks=ticks)


@given(PAIRS, PAIRS, st.integers(1, 9), st.integers(0, 13))
def test_news_goes_both_ways(
    partitions: list[tuple[int, int]], bounds: list[tuple[int, int]], num_nodes: int, target: int
) -> None:
    """A partition serves every number from its stages on, a bound every one up to its own; the twin looks at all."""
    curve = Curve(num_nodes)
    for stages, ticks in partitions:
        curve.add_partition(partition(stages, ticks))
    for num_blocks, ticks in bounds:
        curve.add_bound(num_blocks, ticks)
    known = {}
    for number in range(1, 12):
        fits = [(ticks, stages) for stages, ticks in partitions if stages <= number]
        best = curve.partition(number)
        assert (None if best is None else (best.ticks, best.stages)) == min(fits, default=None)
        holds = [ticks for num_blocks, ticks in bounds if num_blocks >= min(number, num_nodes)]
        assert curve.bound(number)[1] == max(holds, default=0)
        known[number] = min(fits, default=(math.inf, 0))[0], max(holds, default=0)
    too_few = max((number for number, (_, bound) in known.items() if bound > target), default=0)
    enough = min((number for number, (best, _) in known.items() if best <= target), default=12)
    assert curve.window(target, 11) == (too_few, enough)


@given(st.lists(st.booleans(), max_size=40))
def test_every_open_number_is_asked_for_once(is_open: list[bool]) -> None:
    """In the middle of the longest run that is left, after the largest."""
    numbers, left, asked = [3 * place for place in range(len(is_open))], list(is_open), []
    while (number := next_blocks(numbers, left)) is not None:
        assert left[number // 3]
        left[number // 3] = False
        asked.append(number)
    assert sorted(asked) == [number for number, still in zip(numbers, is_open, strict=True) if still]
    if is_open and is_open[-1]:
        assert asked[0] == numbers[-1]


@pytest.mark.parametrize(
    ("is_open", "number"),
    [
        ([True] * 5 + [False], 2),
        ([True, False, True, True, True, False], 3),
        ([True, True, False, True, True, False], 0),
        ([False] * 6, None),
    ],
)
def test_the_middle_of_the_longest_run_is_next(is_open: list[bool], number: int | None) -> None:
    assert next_blocks(range(6), is_open) == number


@pytest.mark.parametrize(
    ("names", "is_taken", "expected"),
    [
        ("aabb", [False, False, False, True], [False, False, True, False]),
        ("aabb", [False, True, False, True], [True, False, True, False]),
        ("aaaa", [False, False, False, False], [False, False, False, False]),
        ("aaaa", [False, True, False, False], [True, False, False, False]),
        ("--bb", [True, True, True, False], [False, False, False, False]),
        ("abbc", [True, True, False, True], [False, False, False, False]),
    ],
)
def test_numbers_with_the_partition_of_a_larger_one_are_left_out(
    names: str, is_taken: list[bool], expected: list[bool]
) -> None:
    """If the next larger number that was asked for has it; a dash is no partition."""
    known = {name: partition(1, 1) for name in "abc"}
    assert left_out([known.get(name) for name in names], is_taken) == expected


@pytest.mark.parametrize(
    ("ticks", "bound", "max_gap", "is_interrupted", "status"),
    [
        (100, 100, 0.0, True, sg.Status.OPTIMAL),
        (100, 99, 0.0, False, sg.Status.TIME_LIMIT),
        (100, 99, 0.0, True, sg.Status.INTERRUPTED),
        (100, 99, 0.01, False, sg.Status.WITHIN_GAP),
        (10**9, 10**9 - 1, 0.0, False, sg.Status.WITHIN_GAP),
        (None, 99, 0.0, False, sg.Status.TIME_LIMIT),
        (None, ALL_TICKS, 0.0, True, sg.Status.INFEASIBLE),
    ],
)
def test_a_status_is_what_the_gap_has_earned(
    ticks: int | None, bound: int, max_gap: float, is_interrupted: bool, status: sg.Status
) -> None:
    curve = Curve(9)
    curve.add_bound(4, bound)
    if ticks is not None:
        curve.add_partition(partition(3, ticks))
    assert status_of(curve, 4, max_gap=max_gap, is_interrupted=is_interrupted) is status


def test_a_bound_above_a_partition_is_refused() -> None:
    """It comes from outside, where anything may stand."""
    curve = Curve(9)
    curve.add_partition(partition(3, 10))
    curve.add_bound(2, 11)
    curve.check()
    curve.add_bound(3, 11)
    with pytest.raises(sg.InputError, match="the bound that is known for 3 stages is above what a partition costs"):
        curve.check()
