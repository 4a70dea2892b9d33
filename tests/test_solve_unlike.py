"""`solve` on unlike devices, with constraints and memory, in a given order and in any: against all partitions."""

from __future__ import annotations

import dataclasses
import itertools
import math

from hypothesis import given, settings
from hypothesis import strategies as st

import slicegraph as sg
from machines import Unlike, unlikes
from slicegraph.constraints import UnmetError
from strategies import MANY
from unlike_documents import instance_of


@given(unlikes(has_links=True))
@settings(max_examples=MANY // 2)
def test_the_optimum_is_found_and_proved_twice(unlike: Unlike) -> None:
    """By the solver, and again by the checker from the certificate."""
    instance, optimum = instance_of(unlike), unlike.optimum()
    if instance is None:
        assert math.isinf(optimum)
        return
    result = sg.solve(instance, stop=sg.MaxRuntime(20), threads=1)
    verdict = sg.check(unlike.graph, result.certificate)
    if math.isinf(optimum):
        assert (result.status, result.bottleneck, verdict.status) == ("infeasible", math.inf, "infeasible")
        assert result.shortage
        return
    assert (result.status, verdict.status) == ("optimal", "optimal")
    assert result.bottleneck == verdict.bottleneck == optimum * unlike.tick
    assert unlike.bottleneck(result.block_of.tolist()) == optimum


@given(unlikes(max_nodes=4, has_links=True))
@settings(max_examples=MANY // 4)
def test_a_limit_of_work_gives_the_optimum_too(unlike: Unlike) -> None:
    instance, optimum = instance_of(unlike), unlike.optimum()
    if instance is not None and not math.isinf(optimum):
        result = sg.solve(instance, stop=sg.MaxWork(10**9), threads=1)
        assert (result.status, result.bottleneck) == ("optimal", optimum * unlike.tick)


@given(unlikes(max_nodes=4, has_links=True), st.integers(0, 1))
@settings(max_examples=MANY // 2)
def test_in_any_order_it_is_the_best_of_all_orders(unlike: Unlike, by_work: int) -> None:
    """Of a certificate every order is proved again; the answer says in which order the devices stand."""
    orders = sorted(set(itertools.permutations(unlike.kind_of)))
    optimum = min(dataclasses.replace(unlike, kind_of=list(order), stages={}).optimum() for order in orders)
    devices = [sg.Device(**unlike.kinds[kind]) for kind in unlike.kind_of]
    counts = {device: devices.count(device) for device in devices}
    try:
        instance = sg.Instance(
            unlike.graph,
            devices=counts,
            order="any",
            constraints=sg.Constraints(together=unlike.together, adjacent=unlike.adjacent),
            boundary_io=unlike.boundary_io,
        )
    except UnmetError:
        assert math.isinf(optimum)
        return
    stop: sg.Stop = sg.MaxWork(10**9) if by_work else sg.MaxRuntime(20)
    result = sg.solve(instance, stop=stop, threads=1)
    verdict = sg.check(unlike.graph, result.certificate, devices=counts, order="any", constraints=instance.constraints)
    if math.isinf(optimum):
        assert (result.status, verdict.status) == ("infeasible", "infeasible")
        assert result.shortage
        return
    assert (result.status, verdict.status) == ("optimal", "optimal")
    assert result.bottleneck == verdict.bottleneck == optimum * unlike.tick
    assert result.instance.order == "given"
    kind_of = [unlike.kind_of[devices.index(device)] for device in result.instance.devices]
    chosen = dataclasses.replace(unlike, kind_of=kind_of, stages={})
    assert chosen.bottleneck(result.block_of.tolist()) == optimum
