"""One lower bound, by name."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest

import slicegraph as sg
from results import result_of
from strategies import CHAIN, grid, to_graph, to_instance

METHODS = ("combinatorial", "node", "downsets", "chain", "exact", "bottleneck", "bottleneck_guess")


def test_the_chain_is_bounded_by_every_method() -> None:
    """Its optimum is 3.125 s; a bound that is solved is rounded up to what costs can be."""
    instance = to_instance(CHAIN, {"bandwidth": 64.0}, 2)
    found = {method: sg.lower_bound(instance, method=method) for method in METHODS}
    assert {bound.method for bound in found.values()} == set(METHODS)
    assert {method: bound.believed_lower_bound for method, bound in found.items()} == {
        "combinatorial": 3.0,
        "node": 3.125,
        "downsets": 3.125,
        "chain": 3.125,
        "bottleneck": 3.125,
        "bottleneck_guess": 3.125,
        "exact": 3.125,
    }
    assert all(bound.verified_lower_bound <= bound.lower_bound for bound in found.values())


@pytest.mark.parametrize("method", ["chain", "exact", "bottleneck", "bottleneck_guess"])
def test_what_the_solver_says_counts_when_it_is_proven(method: str) -> None:
    """Not when there is no time for the proof: then it is believed, and nothing calls it optimal."""
    instance = to_instance(CHAIN, {"bandwidth": 64.0}, 2)
    bound = sg.lower_bound(instance, method=method)
    assert (bound.status, bound.lower_bound) == ("optimal", 3.125)
    result = result_of(instance, None, (sg.lower_bound(instance, method="combinatorial"), bound))
    assert sg.check(instance.graph, result.certificate).lower_bound == 3.125
    word = replace(bound, ticks=round(3.0 / bound.tick), believed=bound.ticks, relaxations=(), status="optimal")
    with mock.patch.dict("slicegraph.lower_bound.SOLVED", {method: lambda *_: word}):
        short = sg.lower_bound(instance, method=method, time_limit=0)
    assert (short.status, short.lower_bound, short.believed_lower_bound) == ("time_limit", 3.0, 3.125)


def test_what_the_solver_says_too_much_is_not_proven() -> None:
    """The optimum is, which is less."""
    instance = to_instance(CHAIN, {"bandwidth": 64.0}, 2)
    word = replace(sg.lower_bound(instance, method="combinatorial"), believed=round(4.0 / instance.tick))
    with mock.patch.dict("slicegraph.lower_bound.SOLVED", exact=lambda *_: word):
        bound = sg.lower_bound(instance, method="exact")
    assert (bound.status, bound.lower_bound, bound.believed_lower_bound) == ("time_limit", 3.125, 4.0)


@pytest.mark.parametrize("method", ["downsets", "chain", "exact"])
@pytest.mark.parametrize("upper_bound", [0.0, 3.0, 3.1, 3.125, 4.0, 100.0])
def test_an_upper_bound_that_nothing_reaches_is_only_a_limit(method: str, upper_bound: float) -> None:
    """The bound is then the smaller of it and the truth: true all the same."""
    instance = to_instance(CHAIN, {"bandwidth": 64.0}, 2)
    bound = sg.lower_bound(instance, method=method, upper_bound=upper_bound)
    assert 3.0 <= bound.lower_bound <= bound.believed_lower_bound <= 3.125
    # The chain stops a little below a threshold.
    assert bound.believed_lower_bound >= min(upper_bound, 3.125) * (1 - 3e-5 * (method == "chain"))


@pytest.mark.parametrize("method", ["downsets", "exact"])
@pytest.mark.parametrize("upper_bound", [1e10, 1e300, float("inf")])
def test_an_absurd_upper_bound_is_none(method: str, upper_bound: float) -> None:
    """So are the windows; no limit on time is none."""
    instance = to_instance(CHAIN, {"bandwidth": 64.0}, 2)
    bound = sg.lower_bound(instance, method=method, upper_bound=upper_bound, time_limit=float("inf"))
    assert (bound.status, bound.believed_lower_bound) == ("optimal", 3.125)


@pytest.mark.parametrize("method", ["exact", "bottleneck_guess"])
def test_more_blocks_than_anybody_has_are_no_trap(method: str) -> None:
    bound = sg.lower_bound(to_instance(grid(4), {"bandwidth": 8.0}, 2000), method=method, time_limit=1)
    assert (bound.status, bound.lower_bound) == ("too_large", 1.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "magic"}, f"method 'magic': there is none, but {', '.join(METHODS)}"),
        ({"time_limit": -1}, "time_limit = -1: seconds are not negative"),
        ({"time_limit": float("nan")}, "time_limit = nan: seconds are not negative"),
        ({"upper_bound": float("nan")}, "upper_bound = nan: seconds are not negative"),
    ],
)
def test_bad_options_are_refused_in_one_line(options: dict[str, Any], message: str) -> None:
    with pytest.raises(sg.InputError) as error:
        sg.lower_bound(to_instance(CHAIN, {"bandwidth": 64.0}, 2), **options)
    assert str(error.value) == message


@pytest.mark.parametrize("method", ["downsets", "chain", "bottleneck", "bottleneck_guess", "exact"])
def test_the_time_limit_is_kept(method: str) -> None:
    """With what is proven by then."""
    instance = to_instance(grid(40), {"bandwidth": 8.0}, 16)
    begin = time.monotonic()
    bound = sg.lower_bound(instance, method=method, time_limit=0.5)
    assert time.monotonic() - begin < 2.0
    assert bound.lower_bound >= 100
    assert bound.status == "time_limit"


UNLIKE = [sg.Device(bandwidth=64.0), sg.Device(bandwidth=16.0)]


@pytest.mark.parametrize("method", METHODS)
def test_unlike_stages_and_constraints_are_bounded(method: str) -> None:
    """With the last node kept on the slower link, which takes 0.5 s for 8 bytes: 3.5 s is the optimum."""
    instance = sg.Instance(to_graph(CHAIN), devices=UNLIKE, constraints=sg.Constraints(pin={2: 1}))
    bound = sg.lower_bound(instance, method=method)
    assert 3.0 <= bound.lower_bound <= bound.believed_lower_bound <= 3.5
    assert bound.believed_lower_bound == 3.5 or method not in ("downsets", "exact")


def test_no_partition_is_an_infinite_bound() -> None:
    """Two nodes of a stage need 4 bytes for parameters and 1 for what is live, and three nodes are in two stages."""
    graph = to_graph(CHAIN, param_bytes=[2, 2, 2], live_bytes=[1, 1, 1])
    instance = sg.Instance(graph, devices=[sg.Device(bandwidth=64.0, memory_limit=4)] * 2)
    assert sg.lower_bound(instance, method="combinatorial").lower_bound == 3.0
    assert sg.lower_bound(instance, method="exact").lower_bound == float("inf")
