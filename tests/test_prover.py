"""Bounds in the background."""

from __future__ import annotations

import logging
import time

import pytest

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


def test_a_failure_is_logged_and_costs_nothing_else(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slicegraph.prover.Formulation", None)
    with caplog.at_level(logging.ERROR), Prover(to_instance(CHAIN, {"bandwidth": 64.0}, 2), ["exact"]) as prover:
        prover.learn(3.125)
        wait_until_done(prover)
    assert "the lower bounds have failed" in caplog.text
    assert prover.lower_bound == 3.0
