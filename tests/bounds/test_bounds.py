"""Every lower bound against the optimum, by trying every partition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oracle
from slicegraph.bounds.bottleneck import bottleneck
from slicegraph.bounds.bottleneck_guess import bottleneck_guess
from slicegraph.bounds.combinatorial import combinatorial
from slicegraph.bounds.exact import exact
from slicegraph.bounds.formulation import Formulation
from slicegraph.bounds.tasks import Budget
from slicegraph.evidence.bound import Bound
from solving import InProcess
from strategies import MANY, devices, graphs, to_instance

Method = Callable[[Formulation, Budget], Bound]
METHODS: list[Method] = [exact, bottleneck, bottleneck_guess]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.__name__)
@given(graphs(max_nodes=4), devices(), st.integers(1, 5), st.booleans(), st.sampled_from([None, 1.0, 1.1, 2.0]))
@settings(max_examples=MANY)
def test_no_bound_is_above_the_optimum(
    method: Method,
    data: dict[str, Any],
    device: dict[str, Any],
    num_blocks: int,
    boundary_io: bool,
    slack: float | None,
) -> None:
    """Whatever threshold the windows are made with, at or above the optimum, or none."""
    instance = to_instance(data, device, num_blocks, boundary_io=boundary_io)
    optimum = oracle.optimum(
        data,
        oracle.snap(data, device),
        num_blocks,
        boundary_io=boundary_io,
        memory_limit=device.get("memory_limit"),
    )
    threshold = None if slack is None or optimum == float("inf") else round(optimum * slack)
    bound = method(Formulation(instance), Budget(threshold=threshold, seconds=60, executor=InProcess()))
    assert combinatorial(instance).ticks <= bound.ticks <= bound.believed <= optimum
    assert bound.status == "optimal" or optimum == float("inf")
    # Overflow of far more than the optimum is beyond what a solver can tell from it.
    if method is exact and threshold is not None and instance.params.sum() <= 1000 * threshold:
        assert bound.believed >= optimum - 3e-6 * threshold


def test_a_tiny_coefficient_does_not_make_a_model_infeasible() -> None:
    """Work of 1e-9 beside an optimum of 4/3, which a presolve has lost with a tolerance of 1e-8: seen in a soak."""
    data = {
        "name": "tiny",
        "nodes": {"op": ["op"] * 4, "param_bytes": [0, 0, 1, 5], "work": [0.0, 1e-09, 1 / 3, 1 / 3]},
        "tensors": {"producer": [3], "size": [1], "consumers": [[]], "is_output": [True]},
    }
    device = {"bandwidth": 1.0, "memory": 5}
    instance = to_instance(data, device, 2, boundary_io=True)
    optimum = oracle.optimum(data, oracle.snap(data, device), 2, boundary_io=True)
    for slack in (1.0, 1.1, 2.0):
        budget = Budget(threshold=round(optimum * slack), seconds=60, executor=InProcess())
        for method in METHODS:
            assert method(Formulation(instance), budget).believed <= optimum
