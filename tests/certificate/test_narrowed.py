"""Windows narrowed by minimum cuts, against all partitions."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from machines import Unlike, unlikes
from questions import Question, light_questions, questions, to_problem
from slicegraph.certificate.budget import BeyondBudgetError, Budget
from slicegraph.certificate.downsets import Downsets
from slicegraph.certificate.narrowed import narrowed
from strategies import MANY, grid


@given(st.one_of(light_questions(max_nodes=6), questions()), st.floats(0.5, 1.5))
@settings(max_examples=MANY)
def test_every_better_partition_is_within_the_windows(question: Question, slack: float) -> None:
    """And a search within them finds one when there is one."""
    problem, every = to_problem(question), list(question.partitions())
    optimum = min(bottleneck for *_, bottleneck in every)
    if math.isinf(optimum):
        assert narrowed(problem, 1, Budget()) is None or not Downsets(problem, Budget()).has_better(1, Budget())
        return
    threshold = max(1, round(slack * optimum))
    windows = narrowed(problem, threshold, Budget())
    for block_of, *_, bottleneck in every:
        if bottleneck < threshold:
            assert windows is not None
            for block, first, last in zip(block_of, *windows, strict=True):
                assert first <= block + 1 <= last
    if windows is not None:
        assert Downsets(problem, Budget()).has_better(threshold, Budget(), windows) == (optimum < threshold)


@given(unlikes(has_links=True), st.floats(0.5, 1.5))
@settings(max_examples=MANY)
def test_every_better_partition_on_unlike_devices_is_within_the_windows(unlike: Unlike, slack: float) -> None:
    partitions = dataclasses.replace(unlike, together=[]).partitions()
    optimum = min((bottleneck for _, bottleneck in partitions), default=math.inf)
    threshold = 7 if math.isinf(optimum) else max(1, round(slack * optimum))
    windows = narrowed(unlike.problem(), threshold, Budget())
    for block_of, bottleneck in partitions:
        if bottleneck < threshold:
            assert windows is not None
            for block, first, last in zip(block_of, *windows, strict=True):
                assert first <= block + 1 <= last


def test_a_grid_has_narrow_windows() -> None:
    """From corner to corner; and its steps are counted."""
    question = Question(grid(3), {"bandwidth": 8.0}, 3)
    problem, optimum = to_problem(question), int(question.optimum())
    windows = narrowed(problem, optimum + 1, Budget(10**4))
    assert windows is not None
    first, last = windows
    assert (first[0], last[-1]) == (1, 3)
    assert first[-1] > 1
    assert last[0] < 3
    assert all(begin <= end for begin, end in zip(first, last, strict=True))
    assert narrowed(problem, max(problem.only.work) + 1, Budget(10**4)) is None
    with pytest.raises(BeyondBudgetError):
        narrowed(problem, optimum + 1, Budget(3))
