"""Bounds in the background."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable

import pytest

import slicegraph as sg
from slicegraph.bounds.combinatorial import combinatorial
from slicegraph.bounds.downsets import Closing
from slicegraph.prover import Prover
from strategies import CHAIN, grid, to_instance


def wait_until_done(prover: Prover) -> None:
    deadline = time.monotonic() + 60
    while not prover.is_done:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_bound_that_is_final_ends_it() -> None:
    with Prover(to_instance(CHAIN, {"bandwidth": 64.0}, 2), ["exact"]) as prover:
        prover.learn(3.125)
        wait_until_done(prover)
    assert prover.lower_bound == 3.125
    assert [bound.method for bound in prover.bounds] == ["combinatorial", "exact"]


def test_a_bound_that_is_final_but_not_the_optimum_waits_for_a_better_partition() -> None:
    with Prover(to_instance(grid(4), {"bandwidth": 8.0}, 3), ["bottleneck"]) as prover:
        prover.learn(16.0)
        while len(prover.bounds) == 1:
            time.sleep(0.01)
        assert not prover.is_done
        prover.learn(10.0)
        deadline = time.monotonic() + 60
        while prover.lower_bound < 9.0:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert prover.lower_bound == 9.0


def test_without_a_partition_the_bounds_have_no_windows() -> None:
    with Prover(to_instance(CHAIN, {"bandwidth": 64.0}, 2), ["exact"]) as prover:
        prover.learn(float("inf"))
        wait_until_done(prover)
    assert prover.lower_bound == 3.125


@pytest.mark.parametrize("known", [3.5, float("inf")])
def test_the_downsets_come_across_a_better_partition(known: float) -> None:
    """Until a better one is known."""
    instance = to_instance(CHAIN, {"bandwidth": 64.0}, 2)
    with Prover(instance, ["downsets"]) as prover:
        prover.learn(known)
        wait_until_done(prover)
    found = prover.found
    assert found is not None
    block_of, bottleneck = found
    assert bottleneck == max(block.cost for block in instance.block_costs(block_of)) == 3.125
    assert (prover.lower_bound, prover.is_solved) == (3.125, True)
    prover.learn(3.1)
    assert prover.found is None


def test_a_partition_that_is_the_best_is_not_found_again() -> None:
    with Prover(to_instance(CHAIN, {"bandwidth": 64.0}, 2), ["downsets"]) as prover:
        prover.learn(3.125)
        wait_until_done(prover)
    assert (prover.found, prover.lower_bound, prover.is_solved) == (None, 3.125, True)


@pytest.mark.parametrize(
    ("known", "better", "is_left"), [(3.15, 3.125, True), (3.126, 3.125, False), (30.0, 20.0, False)]
)
def test_what_comes_before_the_sweep_is_left_for_a_partition_near_its_proof(
    known: float, better: float, *, is_left: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the chain waits for the sweep all the same."""
    instance = to_instance(CHAIN, {"bandwidth": 64.0}, 2)
    begun: list[float] = []

    def close_in(instance: sg.Instance, *, bottleneck: int, poll: Callable[[int, int], bool], **_: object) -> Closing:
        begun.append(instance.seconds(bottleneck))
        bound = combinatorial(instance)
        while not poll(bound.ticks, bottleneck):
            time.sleep(0.01)
        bound = dataclasses.replace(bound, method="downsets", status="time_limit")
        return Closing(bound=bound, block_of=None, bottleneck=None, is_interrupted=False)

    monkeypatch.setattr("slicegraph.prover.close_in", close_in)
    with Prover(instance, ["downsets", "chain"]) as prover:
        prover.learn(known)
        while not begun:
            time.sleep(0.01)
        prover.learn(better)
        deadline = time.monotonic() + (60 if is_left else 0.5)
        while len(begun) == 1 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert [bound.method for bound in prover.bounds if bound.method == "chain"] == []
    assert begun == pytest.approx([known, better] if is_left else [known])


def test_all_methods_beside_each_other_have_each_others_news() -> None:
    """From a partition that is far from the best, as when the search has stopped."""
    instance = to_instance(grid(5), {"bandwidth": 8.0}, 3)
    best = sg.solve(instance).bottleneck
    with Prover(instance, ["downsets", "chain", "exact"], threads=2) as prover:
        prover.learn(2 * best)
        deadline = time.monotonic() + 60
        while not prover.is_solved:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert prover.found is not None
    assert prover.found[1] == prover.lower_bound == best


def test_a_graph_too_large_for_every_method_leaves_nothing_to_wait_for() -> None:
    with Prover(to_instance(grid(300), {"bandwidth": 8.0}, 4), ["exact", "bottleneck_guess"]) as prover:
        prover.learn(1e5)
        wait_until_done(prover)
    assert {bound.status for bound in prover.bounds} == {"optimal", "too_large"}


def test_without_a_method_there_is_nothing_to_wait_for() -> None:
    with Prover(to_instance(CHAIN, {"bandwidth": 64.0}, 2), []) as prover:
        prover.learn(3.125)
        assert (prover.is_done, prover.lower_bound) == (True, 3.0)


def test_closing_keeps_what_is_proven_so_far() -> None:
    """A bound in the middle of its work sums up."""
    with Prover(to_instance(grid(12), {"bandwidth": 64.0}, 6), ["exact"]) as prover:
        prover.learn(40.0)
        while prover.lower_bound <= 24:
            time.sleep(0.01)
        before = prover.lower_bound
    assert prover.lower_bound >= before
    assert max(bound.lower_bound for bound in prover.bounds) >= before


def test_closing_in_is_stopped_in_the_middle_of_its_work() -> None:
    """Downsets of a wide graph would take for ever."""
    begin = time.monotonic()
    with Prover(to_instance(grid(30), {"bandwidth": 8.0}, 8), ["downsets"]) as prover:
        prover.learn(900.0)
        time.sleep(0.1)
        assert not prover.is_done
    assert time.monotonic() - begin < 2
    assert [bound.method for bound in prover.bounds] == ["combinatorial", "downsets"]
    assert prover.bounds[1].status == "time_limit"
    assert prover.lower_bound >= 112.5


def test_a_failure_is_logged_and_costs_nothing_else(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slicegraph.prover.Formulation", None)
    with caplog.at_level(logging.ERROR), Prover(to_instance(CHAIN, {"bandwidth": 64.0}, 2), ["exact"]) as prover:
        prover.learn(3.125)
        wait_until_done(prover)
    assert "the lower bounds have failed" in caplog.text
    assert prover.lower_bound == 3.0
