"""Proofs from multipliers: sound whatever these are, and the same number that the checker finds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oracle
import slicegraph as sg
from results import result_of
from slicegraph.bounds.bottleneck import bottleneck
from slicegraph.bounds.bottleneck_guess import bottleneck_guess
from slicegraph.bounds.builder import build_model
from slicegraph.bounds.combinatorial import combinatorial
from slicegraph.bounds.exact import exact
from slicegraph.bounds.formulation import Formulation
from slicegraph.bounds.model import Superblocks
from slicegraph.bounds.multipliers import prove
from slicegraph.bounds.tasks import Budget
from solving import InProcess
from strategies import CHAIN, MANY, devices, graphs, to_instance


@given(graphs(max_nodes=4), devices(), st.integers(1, 4), st.booleans(), st.data())
@settings(max_examples=MANY)
def test_any_multipliers_prove_nothing_above_the_optimum(
    data: dict[str, Any], device: dict[str, Any], num_blocks: int, boundary_io: bool, draw: st.DataObject
) -> None:
    instance = to_instance(data, device, num_blocks, boundary_io=boundary_io)
    options = {"boundary_io": boundary_io, "memory_limit": device.get("memory_limit")}
    optimum = oracle.optimum(data, oracle.snap(data, device), num_blocks, **options)
    formulation = Formulation(instance)
    threshold = None if optimum == float("inf") else round(optimum * draw.draw(st.sampled_from([0.5, 1.0, 1.5])))
    model = build_model(formulation, Superblocks(spans=(1,) * num_blocks), threshold=threshold)
    multiplier = st.sampled_from([-1.0, 0.0, 0.0, 0.1, 1 / 3, 1.0, 50.0])
    weights = np.array(draw.draw(st.lists(multiplier, min_size=model.num_rows, max_size=model.num_rows)))
    unit = draw.draw(st.sampled_from([1, 10**6, 2**45]))
    proof = prove(model, weights, unit, formulation.step)
    assert proof is None or 0 < proof.lower_bound <= optimum


@pytest.mark.parametrize("weights", [[], [np.nan], [np.inf], [1e300], [-1.0], [0.0]], ids=str)
def test_multipliers_without_sense_prove_nothing(weights: list[float]) -> None:
    formulation = Formulation(to_instance(CHAIN, {"bandwidth": 64.0}, 2))
    model = build_model(formulation, Superblocks(spans=(1, 1)), threshold=None)
    every = np.resize(np.array(weights), model.num_rows) if weights else np.zeros(model.num_rows)
    assert prove(model, every, 1, formulation.step) is None


@given(graphs(max_nodes=7), devices(), st.integers(1, 4), st.booleans(), st.booleans())
@settings(max_examples=300)
def test_the_checker_finds_what_was_proven(
    data: dict[str, Any], device: dict[str, Any], num_blocks: int, boundary_io: bool, has_threshold: bool
) -> None:
    """All bounds of an instance in one certificate, which holds, word by word."""
    instance = to_instance(data, device, num_blocks, boundary_io=boundary_io)
    found = sg.search(instance, stop=sg.MaxEvaluations(100), threads=1)
    threshold = None
    if has_threshold and found.bottleneck < float("inf"):
        threshold = int(found.bottleneck / instance.tick)
    budget = Budget(threshold=threshold, seconds=60, executor=InProcess())
    methods = (exact, bottleneck, bottleneck_guess)
    bounds = (combinatorial(instance), *(method(Formulation(instance), budget) for method in methods))
    block_of = found.block_of if found.bottleneck < float("inf") else None
    result = result_of(instance, block_of, bounds)
    verdict = sg.check(instance.graph, result.certificate, device=instance.device, num_blocks=num_blocks)
    assert verdict.bottleneck == result.bottleneck
    assert verdict.claimed_lower_bound == result.lower_bound
    assert verdict.lower_bound == result.verified_lower_bound
