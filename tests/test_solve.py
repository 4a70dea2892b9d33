"""The main job, as a library call."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from hypothesis import given, settings

import slicegraph as sg
from strategies import CHAIN, devices, graphs, to_instance


@given(graphs(max_nodes=5), devices())
@settings(max_examples=100)
def test_one_block_is_solved_to_the_optimum_at_once(data: dict[str, Any], device: dict[str, Any]) -> None:
    """The combinatorial bound is exact for one block, and the run ends with it."""
    result = sg.solve(to_instance(data, device, 1), stop=sg.MaxEvaluations(10**9))
    assert result.status is sg.Status.OPTIMAL
    assert (result.gap, result.ratio) == (0.0, 1.0)


def test_a_gap_that_is_asked_for_ends_the_run() -> None:
    """Cutting the chain costs 3.125 where 3 is proven: 4 % is met, so the run ends without a time limit."""
    instance = to_instance(CHAIN, {"bandwidth": 64.0}, 2)
    result = sg.solve(instance, stop=sg.TargetGap(0.04))
    assert result.status is sg.Status.WITHIN_GAP
    assert (result.bottleneck, result.lower_bound, result.gap) == (3.125, 3.0, 0.04)
    stop = sg.TargetGap(0.03) | sg.MaxEvaluations(500)
    assert sg.solve(instance, stop=stop, method="brkga").status is sg.Status.TIME_LIMIT


def test_the_library_neither_prints_nor_configures(capfd: pytest.CaptureFixture[str]) -> None:
    handlers = list(logging.getLogger().handlers)
    sg.solve(to_instance(CHAIN, {"bandwidth": 64.0}, 2), stop=sg.MaxEvaluations(100), display=True)
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger().handlers == handlers
