"""The main job, as a library call."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from hypothesis import given, settings

import slicegraph as sg
from strategies import CHAIN, devices, graphs, grid, to_instance


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


@pytest.mark.parametrize("method", ["auto", "exact", "bottleneck"])
def test_a_search_of_so_many_generations_leaves_the_rest_to_the_bounds(method: str) -> None:
    """And when nothing more can be proven, the run ends without any limit."""
    instance = to_instance(grid(4), {"bandwidth": 8.0}, 3)
    params = sg.BrkgaParams(generations=0)
    result = sg.solve(instance, stop=sg.TargetGap(0.0), params=params, method=method)
    assert result.bounds[-1].status == "optimal"
    assert 9.0 <= result.lower_bound <= 10.0 <= result.bottleneck


def test_an_exact_model_that_is_solved_ends_the_run() -> None:
    """Costs of any size leave a gap of a millionth, which no time would close."""
    data = CHAIN | {"nodes": CHAIN["nodes"] | {"work": [1.1, 2.3, 3.7]}}
    result = sg.solve(to_instance(data, {"bandwidth": 7.0}, 2), stop=sg.MaxEvaluations(10**9))
    assert result.gap < 2e-6
    assert result.status in {sg.Status.WITHIN_GAP, sg.Status.OPTIMAL}


def test_every_method_gives_a_result_that_can_be_checked() -> None:
    instance = to_instance(grid(4), {"bandwidth": 8.0}, 3)
    for method in ("auto", "brkga", "exact", "bottleneck", "bottleneck_guess"):
        result = sg.solve(instance, stop=sg.MaxRuntime(3) | sg.TargetGap(0.0), method=method)
        verdict = sg.check(instance.graph, result.certificate)
        assert (verdict.lower_bound, verdict.bottleneck) == (result.lower_bound, result.bottleneck)
    with pytest.raises(sg.InputError, match="method 'magic': there is none, but auto, brkga, exact"):
        sg.solve(instance, method="magic")


def test_the_library_neither_prints_nor_configures(capfd: pytest.CaptureFixture[str]) -> None:
    handlers = list(logging.getLogger().handlers)
    sg.solve(to_instance(CHAIN, {"bandwidth": 64.0}, 2), stop=sg.MaxEvaluations(100), display=True)
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger().handlers == handlers
