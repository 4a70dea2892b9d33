"""Grading a partition from elsewhere."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oracle
import slicegraph as sg
from slicegraph.audit import complaints
from strategies import CHAIN, devices, graphs, to_graph, to_instance

CHAIN_DEVICE: dict[str, Any] = {"bandwidth": 64.0}


@given(graphs(max_nodes=5), devices(), st.integers(1, 3), st.booleans(), st.randoms(use_true_random=False))
@settings(max_examples=100)
def test_the_optimum_lies_between_the_bound_and_the_plan(
    data: dict[str, Any], device: dict[str, Any], num_blocks: int, boundary_io: bool, random: Any
) -> None:
    """The plan comes back with the costs of the definition; it is called optimal when it is proven to be."""
    instance = to_instance(data, device, num_blocks, boundary_io=boundary_io)
    ticks = oracle.snap(data, device)
    options: dict[str, Any] = {"boundary_io": boundary_io, "memory_limit": device.get("memory_limit")}
    plan = random.choice(list(oracle.partitions(data, num_blocks)))

    result = sg.audit(instance, plan, stop=sg.MaxEvaluations(20), threads=1)

    rows = oracle.block_costs(data, ticks, plan, num_blocks, **options)
    assert result.block_of.dtype == np.int32
    assert tuple(result.block_of.tolist()) == plan
    assert result.bottleneck / ticks.tick == oracle.bottleneck(rows)
    for block, row in zip(result.block_costs, rows, strict=True):
        assert {key: getattr(block, key) for key in row} == {key: instance.seconds(value) for key, value in row.items()}
    optimum = oracle.optimum(data, ticks, num_blocks, **options)
    assert result.lower_bound / ticks.tick <= optimum <= result.bottleneck / ticks.tick
    assert (result.status is sg.Status.OPTIMAL) == (result.bottleneck == result.lower_bound < math.inf)
    assert result.status is not sg.Status.INFEASIBLE or optimum == math.inf
    assert result.status is not sg.Status.SUBOPTIMAL or optimum < result.bottleneck / ticks.tick


def test_the_gap_that_ends_the_run_is_the_plans_own() -> None:
    """A worse plan than the search's is not within the gap that the search's own partition is."""
    instance = to_instance(CHAIN, CHAIN_DEVICE, 2)
    stop = sg.TargetGap(0.05) | sg.MaxEvaluations(500)
    good, bad = sg.audit(instance, [0, 0, 1], stop=stop), sg.audit(instance, [0, 1, 1], stop=stop)
    assert (good.bottleneck, bad.bottleneck) == (3.125, 5.125)
    assert good.gap <= 0.05
    assert good.status in (sg.Status.WITHIN_GAP, sg.Status.OPTIMAL)
    assert bad.gap > 0.39
    bad = sg.audit(instance, [0, 1, 1], stop=sg.TargetGap(0.05) | sg.MaxRuntime(60))
    assert (bad.status, bad.gap > 0.39) == (sg.Status.SUBOPTIMAL, True)
    assert sg.audit(instance, [0, 1, 1], stop=sg.TargetGap(0.42)).status is sg.Status.WITHIN_GAP


def test_an_optimal_plan_ends_the_run() -> None:
    """Without a limit on anything."""
    result = sg.audit(to_instance(CHAIN, {"bandwidth": 1e6}, 1), [0, 0, 0], stop=sg.MaxRuntime(3600))
    assert (result.status, result.gap) == (sg.Status.OPTIMAL, 0.0)


def test_above_the_memory_limit_nothing_is_worth_proving() -> None:
    data = CHAIN | {"nodes": CHAIN["nodes"] | {"param_bytes": [3, 3, 3]}}
    instance = to_instance(data, CHAIN_DEVICE | {"memory_limit": 6}, 2)
    result = sg.audit(instance, [0, 0, 0], stop=sg.MaxRuntime(3600))
    assert (result.bottleneck, result.gap) == (float("inf"), 1.0)
    assert complaints(instance, [0, 0, 0]) == [
        "stage 1 is empty",
        "stage 0 holds 9 bytes of parameters, but memory_limit is 6",
    ]
    assert complaints(instance, [0, 0, 1]) == []


@pytest.mark.parametrize(
    ("block_of", "empty"),
    [
        ([0, 1, 2], ["stages 3 to 7 are empty"]),
        ([1, 1, 7], ["stage 0 is empty", "stages 2 to 6 are empty"]),
        ([5, 6, 7], ["stages 0 to 4 are empty"]),
        ([0, 2, 6], ["stage 1 is empty", "stages 3 to 5 are empty", "stage 7 is empty"]),
    ],
)
def test_empty_stages_are_named(block_of: list[int], empty: list[str]) -> None:
    assert complaints(to_instance(CHAIN, CHAIN_DEVICE, 8), block_of) == empty


CYCLE = "cycle: stage 0 -> stage 1 -> stage 0, where tensor 1 runs from stage 1 back to stage 0"


@pytest.mark.parametrize(
    ("block_of", "message"),
    [
        ([0, 1, 0], CYCLE),
        ([1, 1, 0], "tensor 1 runs from stage 1 back to stage 0; there is no cycle, but stages are numbered in the"),
        ([2, 0, 1], "tensor 0 runs from stage 2 back to stage 0; there is no cycle"),
        ([0, 0, 3], "node 2 is in stage 3, but stages are 0 to 2"),
        ([0, -1, 0], "node 1 is in stage -1, but stages are 0 to 2"),
        ([0, 0], "block_of: length 2, but there are 3 nodes"),
        ([[0, 0, 0]], "block_of: shape (1, 3), but an array of one dimension is asked for"),
        ([0.0, 0.0, 1.0], "block_of: dtype float64, but integers are asked for"),
    ],
)
@pytest.mark.parametrize("verb", [sg.audit, complaints])
def test_what_is_no_partition_is_refused(verb: Any, block_of: Any, message: str) -> None:
    """In one line that names the culprit and the rule."""
    with pytest.raises(sg.InputError) as error:
        verb(to_instance(CHAIN, CHAIN_DEVICE, 3), block_of)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_cycle_is_told_by_name() -> None:
    """And only those stages that are on it."""
    graph = sg.Graph(
        work=[1.0] * 5,
        producer=[0, 1, 2, 3, -1],
        size=[8] * 5,
        consumers=[1, 2, 3, 4, 0, 4],
        consumer_offsets=[0, 1, 2, 3, 4, 6],
        node_name=["a", "b", "c", "d", "e"],
        tensor_name=["ab", "bc", "cd", "de", "input"],
    )
    instance = sg.Instance(graph, device=sg.Device(bandwidth=64.0), num_blocks=4)
    with pytest.raises(sg.InputError) as error:
        sg.audit(instance, [3, 1, 2, 1, 0])
    assert str(error.value) == (
        "cycle: stage 1 -> stage 2 -> stage 1, where tensor 2 ('cd') runs from stage 2 back to stage 1"
    )
    with pytest.raises(sg.InputError, match=r"node 4 \('e'\) is in stage 4, but stages are 0 to 3"):
        sg.audit(instance, [0, 1, 2, 3, 4])


@given(graphs(), st.randoms(use_true_random=False))
def test_a_cycle_is_told_from_stages_that_are_only_numbered_otherwise(data: dict[str, Any], random: Any) -> None:
    """Against every renumbering of the stages."""
    num_blocks = 3
    block_of = [random.randrange(num_blocks) for _ in data["nodes"]["op"]]
    instance = sg.Instance(
        to_graph(data), device=sg.Device(bandwidth=1.0, flops=7.0, memory_bandwidth=3.0), num_blocks=num_blocks
    )
    if oracle.is_acyclic(data, block_of):
        complaints(instance, block_of)
        return
    with pytest.raises(sg.InputError, match="back to stage") as error:
        complaints(instance, block_of)
    names = itertools.permutations(range(num_blocks))
    can_be_numbered = any(oracle.is_acyclic(data, [name[block] for block in block_of]) for name in names)
    assert str(error.value).startswith("cycle: stage ") != can_be_numbered


def test_a_long_cycle_is_cut_in_the_middle() -> None:
    """Stages 0, 1, ... 19 and back to 0."""
    nodes = list(range(21))
    graph = sg.Graph(work=[0.0] * 21, producer=nodes[:-1], size=nodes[:-1], consumers=nodes[1:], consumer_offsets=nodes)
    with pytest.raises(sg.InputError) as error:
        sg.audit(sg.Instance(graph, device=sg.Device(bandwidth=64.0), num_blocks=20), [*nodes[:-1], 0])
    shown = " -> ".join(f"stage {stage}" for stage in range(7))
    assert str(error.value) == (
        f"cycle: {shown} -> 13 more -> stage 0, where tensor 19 runs from stage 19 back to stage 0"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": -1}, "seed = -1, but it is a whole number from 0 to 2^64 - 1"),
        ({"threads": 0}, "threads = 0, but it is a whole number from 1 to 1024"),
        ({"stop": 60}, "stop: 60 is neither a slicegraph.Stop nor a callable of the progress"),
    ],
)
def test_options_are_checked(options: dict[str, Any], message: str) -> None:
    with pytest.raises(sg.InputError) as error:
        sg.audit(to_instance(CHAIN, CHAIN_DEVICE, 2), [0, 0, 1], **options)
    assert str(error.value) == message
