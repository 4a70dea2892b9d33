"""Costs of blocks on unlike devices as the checker makes them again, and what no partition beats."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from machines import Unlike, unlikes
from slicegraph.certificate.structure import PlacedError
from strategies import MANY


@given(unlikes(has_links=True))
@settings(max_examples=MANY)
def test_every_partition_costs_what_the_definition_says(unlike: Unlike) -> None:
    """And what a limit, a device or a constraint forbids is refused."""
    problem = unlike.problem()
    assert problem.tick == unlike.tick
    for block_of, bottleneck in unlike.partitions():
        if math.isinf(bottleneck):
            with pytest.raises(PlacedError):
                problem.block_costs(block_of)
            continue
        blocks = [{node for node, each in enumerate(block_of) if each == block} for block in range(max(block_of) + 1)]
        assert problem.block_costs(block_of) == unlike.costs(blocks)


@given(unlikes(), st.lists(st.integers(0, 5), min_size=3, max_size=3))
@settings(max_examples=MANY)
def test_no_partition_beats_the_combinatorial_bound_whatever_the_multipliers(
    unlike: Unlike, multipliers: list[int]
) -> None:
    weights = multipliers[: len(unlike.kinds)]
    problem = unlike.problem(weights if any(weights) else [1] * len(weights))
    assert problem.combinatorial() <= min(2**52, unlike.optimum())
