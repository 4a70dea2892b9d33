"""What the relaxations can be at most: slices against the definition of costs, and ceilings against solved bounds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import slicegraph as sg
from strategies import graphs, to_instance
from test_slice import random_order
from testbed import ceiling


@settings(max_examples=100)
@given(graphs(), st.randoms(use_true_random=False))
def test_each_slice_has_its_cost(data: dict[str, Any], random: Any) -> None:
    """By the definition, as the middle of three blocks; and what crosses each place is what the rest pays for it."""
    instance = to_instance(data, {"bandwidth": 64.0, "flops": 1.0, "memory_bandwidth": 1.0}, 3)
    order = np.array(random_order(data, random), np.int64)
    slices = ceiling.slices_of(instance, order)
    for begin in range(len(order)):
        for end in range(begin + 1, len(order) + 1):
            block_of = np.zeros(len(order), np.int32)
            block_of[order[begin:end]], block_of[order[end:]] = 1, 2
            costs = [block.cost for block in instance.block_costs(block_of)]
            before = slices.work[begin] + slices.crossing[begin]
            after = slices.work[-1] - slices.work[end] + slices.crossing[end]
            values = map(int, (before, slices.cost[begin, end], after))
            assert [instance.seconds(value) for value in values] == costs + [0.0] * (3 - len(costs))


@pytest.mark.parametrize("model", ["barabasi_albert", "watts_strogatz"])
@pytest.mark.parametrize("method", ["bottleneck", "bottleneck_guess"])
def test_no_bound_is_above_its_ceiling(model: str, method: str) -> None:
    """And what is said of a model that is solved reaches it, or nearly: the orders that are looked at are not all."""
    instance = sg.Instance(sg.generate.regal(model=model, num_nodes=20, seed=3), num_blocks=3)
    bound = sg.lower_bound(instance, method=method)
    most = ceiling.CEILINGS[method](instance)
    assert most is not None
    assert bound.status == "optimal"
    said = bound.believed_lower_bound
    assert bound.lower_bound <= said <= most <= 1.1 * said


@settings(max_examples=30)
@given(graphs(max_nodes=5), st.integers(1, 3))
def test_the_ceiling_is_no_more_than_the_optimum(data: dict[str, Any], num_blocks: int) -> None:
    """The divisions of an optimal partition are among the solutions."""
    instance = to_instance(data, {"bandwidth": 64.0, "flops": 1.0, "memory_bandwidth": 1.0}, num_blocks)
    optimum = sg.solve(instance, stop=sg.MaxRuntime(20), threads=1)
    assert optimum.status is sg.Status.OPTIMAL
    for most in ceiling.CEILINGS.values():
        value = most(instance)
        assert value is None or value <= optimum.bottleneck
