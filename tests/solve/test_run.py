"""One run: the search's news and the workers beside it."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

import slicegraph as sg
from slicegraph.solve.run import SolveRun
from strategies import CHAIN, grid, to_instance

SOON = sg.MaxRuntime(60)


def begin(instance: sg.Instance, *methods: str, stop: sg.Stop = SOON, threads: int = 1) -> SolveRun:
    return SolveRun(instance, methods, threads, stop, lambda _: False)


def told(run: SolveRun, bottleneck: float) -> SolveRun:
    """Tell a run of a partition, again and again as the search does, until it has to stop."""
    while not run.poll(bottleneck, 0, 1):
        time.sleep(0.01)
    return run


def proven(run: SolveRun) -> float:
    return max(bound.lower_bound for bound in run.bounds)


def proves_the_optimum(progress: sg.Progress) -> bool:
    return progress.lower_bound == 3.125


@pytest.mark.parametrize(("known", "stop"), [(3.125, SOON), (math.inf, SOON | proves_the_optimum)])
def test_a_bound_that_is_final_ends_the_run(known: float, stop: sg.Stop) -> None:
    """By itself once a partition has it; without a partition it is told, and the search goes on."""
    with begin(to_instance(CHAIN, {"bandwidth": 64.0}, 2), "exact", stop=stop) as run:
        told(run, known)
    assert proven(run) == 3.125
    assert [bound.method for bound in run.bounds] == ["combinatorial", "exact"]


@pytest.mark.parametrize("known", [3.5, math.inf])
def test_the_downsets_come_across_a_better_partition(known: float) -> None:
    """It is the run's, and its proof ends it."""
    instance = to_instance(CHAIN, {"bandwidth": 64.0}, 2)
    with begin(instance, "downsets") as run:
        told(run, known)
    partition = run.better(None, None)
    assert partition is not None
    assert max(block.cost for block in instance.block_costs(partition)) == proven(run) == 3.125


@pytest.mark.parametrize(("ticks", "is_kept"), [(-1, True), (0, False), (1, False)])
def test_the_better_of_two_partitions_is_given(ticks: int, *, is_kept: bool) -> None:
    """That of a worker and that of the search, whichever came last; the worker's when they are as good."""
    instance = to_instance(CHAIN, {"bandwidth": 64.0}, 2)
    with begin(instance, "downsets") as run:
        told(run, 3.5)
    own = np.array([0, 1, 1], np.int32)
    assert (run.better(own, round(3.125 / instance.tick) + ticks) is own) == is_kept


def test_a_partition_that_is_the_best_is_not_found_again() -> None:
    """The search holds it."""
    with begin(to_instance(CHAIN, {"bandwidth": 64.0}, 2), "downsets") as run:
        told(run, 3.125)
    assert (run.better(None, None), proven(run)) == (None, 3.125)


def test_all_methods_beside_each_other_have_each_others_news() -> None:
    """From a partition that is far from the best, as when the search has stopped."""
    instance = to_instance(grid(5), {"bandwidth": 8.0}, 3)
    best = sg.solve(instance).bottleneck
    with begin(instance, "downsets", "chain", "exact", threads=2) as run:
        told(run, 2 * best)
    partition = run.better(None, None)
    assert partition is not None
    assert max(block.cost for block in instance.block_costs(partition)) == proven(run) == best


def test_without_a_method_there_is_nothing_to_wait_for() -> None:
    """Only the stop ends the run."""
    with begin(to_instance(CHAIN, {"bandwidth": 64.0}, 2)) as run:
        assert not run.poll(3.125, 0, 1)
        assert run.poll(3.0, 0, 2)
    assert proven(run) == 3.0


def test_closing_keeps_what_is_proven_so_far() -> None:
    """A bound in the middle of its work sums up: downsets of a wide graph would take for ever."""
    with begin(to_instance(grid(30), {"bandwidth": 8.0}, 8), "downsets", stop=sg.MaxRuntime(0.2)) as run:
        told(run, 900.0)
    assert [bound.method for bound in run.bounds] == ["combinatorial", "downsets"]
    assert run.bounds[1].status == "time_limit"
    assert proven(run) >= 112.5


def test_graphs_too_large_for_every_method_leave_the_search_alone() -> None:
    """Each says so."""
    with begin(to_instance(grid(300), {"bandwidth": 8.0}, 4), "exact", "bottleneck_guess") as run:
        while len(run.bounds) < 3:
            run.poll(1e5, 0, 1)
    assert {bound.status for bound in run.bounds} == {"optimal", "too_large"}
