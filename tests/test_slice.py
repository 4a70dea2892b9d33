"""The slicing of one order, against all slicings."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import oracle
import slicegraph as sg
import unlike
from strategies import CHAIN, devices, graphs, to_instance


def random_order(data: dict[str, Any], random: Any) -> list[int]:
    """A random topological order, by repeatedly taking any node whose producers are all placed."""
    tensors = data["tensors"]
    waits_for: dict[int, set[int]] = {node: set() for node in range(len(data["nodes"]["op"]))}
    for producer, consumers in zip(tensors["producer"], tensors["consumers"], strict=True):
        for consumer in consumers:
            waits_for[consumer] |= {producer} - {-1}
    order: list[int] = []
    while len(order) < len(waits_for):
        order.append(random.choice([n for n in waits_for if n not in order and waits_for[n] <= set(order)]))
    return order


@given(graphs(), devices(), st.integers(1, 4), st.booleans(), st.randoms(use_true_random=False))
def test_dp_is_exact_on_its_order(
    data: dict[str, Any], device: dict[str, Any], num_blocks: int, boundary_io: bool, random: Any
) -> None:
    """The slicing has the least bottleneck of all slicings of the order, and is one."""
    order = random_order(data, random)
    instance = to_instance(data, device, num_blocks, boundary_io=boundary_io)
    ticks = oracle.snap(data, device)

    def bottleneck(boundaries: tuple[int, ...]) -> float:
        block_of = [0] * len(order)
        for block, (begin, end) in enumerate(itertools.pairwise(boundaries)):
            for node in order[begin:end]:
                block_of[node] = block
        return oracle.bottleneck(
            oracle.block_costs(
                data, ticks, block_of, num_blocks, boundary_io=boundary_io, memory_limit=device.get("memory_limit")
            )
        )

    inner = itertools.combinations_with_replacement(range(len(order) + 1), num_blocks - 1)
    least = min(bottleneck((0, *boundaries, len(order))) for boundaries in inner)
    if least == float("inf"):
        with pytest.raises(sg.InputError, match=r"order: every slicing into .* is above a limit"):
            sg.slice_order(instance, order)
        return
    slicing = sg.slice_order(instance, np.array(order))
    assert slicing.bottleneck == instance.seconds(int(least))
    assert bottleneck(tuple(slicing.boundaries.tolist())) == least
    assert slicing.boundaries[0] == 0
    assert slicing.boundaries[-1] == len(order)
    assert [slicing.block_of[node] for node in order] == sorted(slicing.block_of)


@given(graphs(max_nodes=5), devices(), st.integers(1, 3))
def test_the_best_order_gives_the_optimum(data: dict[str, Any], device: dict[str, Any], num_blocks: int) -> None:
    """Over all topological orders, the best slicing is the best acyclic partition (Lemma 4 of the paper)."""
    assume("memory_limit" not in device)
    instance = to_instance(data, device, num_blocks)
    ticks = oracle.snap(data, device)
    best = float("inf")
    for order in itertools.permutations(range(len(data["nodes"]["op"]))):
        position = {node: place for place, node in enumerate(order)}
        if oracle.is_acyclic(data, [position[node] for node in range(len(order))]):
            best = min(best, sg.slice_order(instance, order).bottleneck)
    assert best == instance.seconds(int(oracle.optimum(data, ticks, num_blocks)))


@given(graphs(max_nodes=12), st.integers(1, 5), st.randoms(use_true_random=False))
def test_any_order_is_near_the_optimum_where_communication_is_free(
    data: dict[str, Any], num_blocks: int, random: Any
) -> None:
    """Its slicing costs at most W / k and the largest work, at most twice the optimum (the paper's Corollary 3.3)."""
    data["tensors"]["size"] = [0] * len(data["tensors"]["size"])
    device = {"bandwidth": 64.0, "flops": 1.0, "memory_bandwidth": 1.0}
    instance = to_instance(data, device, num_blocks)
    slicing = sg.slice_order(instance, random_order(data, random))
    work = instance.work.tolist()
    assert num_blocks * round(slicing.bottleneck / instance.tick) <= sum(work) + num_blocks * max(work)
    assert slicing.bottleneck <= 2 * sg.lower_bound(instance, method="combinatorial").lower_bound


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ([0, 1], "order: length 2, but there are 3 nodes"),
        ([0, 1, 3], r"order\[2\] = 3, but nodes are 0..3"),
        ([0, 1, -1], r"order\[2\] = -1, but nodes are 0..3"),
        ([0, 1, 1], r"order\[2\] = 1, but it stands at position 1 already"),
        ([0, 2, 1], r"order\[1\] = 2, but a node that it reads from comes later"),
        ([0.0, 1.0, 2.0], "order: dtype float64, but integers are asked for"),
        ([[0, 1, 2]], r"order: shape \(1, 3\), but an array of one dimension is asked for"),
    ],
)
def test_what_is_no_topological_order_is_refused(order: Any, message: str) -> None:
    with pytest.raises(sg.InputError, match=message):
        sg.slice_order(to_instance(CHAIN, {"bandwidth": 1.0}, 2), order)


@given(unlike.instances(), st.randoms(use_true_random=False))
def test_an_order_is_cut_at_its_best_for_unlike_stages(instance: sg.Instance, random: Any) -> None:
    """Of all slicings with a stage for each, empty ones anywhere; nodes that must be together are refused."""
    arrays, num_blocks = instance.graph.arrays, instance.num_blocks
    readers = np.split(arrays.consumers, arrays.consumer_offsets[1:-1]) if arrays.producer.size else []
    tensors = {"producer": arrays.producer.tolist(), "consumers": [each.tolist() for each in readers]}
    order = random_order({"nodes": {"op": range(instance.graph.num_nodes)}, "tensors": tensors}, random)
    if any(len(group) > 1 for group in instance.resolved.together):
        with pytest.raises(sg.InputError, match="slice_order: nodes that must be in one stage"):
            sg.slice_order(instance, order)
        return
    by_partition = {tuple(block_of.tolist()): max(costs) for block_of, costs in unlike.partitions(instance)}
    least = math.inf
    for ends in itertools.combinations_with_replacement(range(len(order) + 1), num_blocks - 1):
        block_of = [0] * len(order)
        for block, (begin, end) in enumerate(itertools.pairwise((0, *ends, len(order)))):
            for node in order[begin:end]:
                block_of[node] = block
        least = min(least, by_partition.get(tuple(block_of), math.inf))
    if least == math.inf:
        with pytest.raises(sg.InputError, match="above a limit or breaks a constraint"):
            sg.slice_order(instance, order)
        return
    slicing = sg.slice_order(instance, order)
    assert slicing.bottleneck == instance.seconds(int(least))
    assert by_partition[tuple(slicing.block_of.tolist())] == least
