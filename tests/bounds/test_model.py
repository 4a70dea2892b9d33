"""The superblock model holds every partition."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

import oracle
import slicegraph as sg
from slicegraph.bounds.bottleneck import ANY_BLOCK
from slicegraph.bounds.builder import build_model
from slicegraph.bounds.formulation import Formulation
from slicegraph.bounds.model import Model, Superblocks
from solutions import find_solution
from strategies import MANY, devices, graphs, to_instance


def partition(data: dict[str, Any], num_blocks: int, draw: st.DataObject) -> list[int]:
    """Any acyclic partition: nodes in a topological order, each no earlier than what it reads."""
    tensors = data["tensors"]
    before: list[set[int]] = [set() for _ in data["nodes"]["op"]]
    for producer, consumers in zip(tensors["producer"], tensors["consumers"], strict=True):
        for consumer in consumers:
            before[consumer] |= {producer} - {-1}
    block_of = [-1] * len(before)
    while -1 in block_of:
        node = next(v for v, b in enumerate(block_of) if b < 0 and all(block_of[u] >= 0 for u in before[v]))
        block_of[node] = draw.draw(st.integers(max((block_of[u] for u in before[node]), default=0), num_blocks - 1))
    assert oracle.is_acyclic(data, block_of)
    return block_of


def spans(num_blocks: int, draw: st.DataObject) -> tuple[int | None, ...]:
    """Any superblocks."""
    cuts = sorted(draw.draw(st.sets(st.integers(1, num_blocks - 1)))) if num_blocks > 1 else []
    boundaries = [0, *cuts, num_blocks]
    return tuple(end - begin for begin, end in itertools.pairwise(boundaries))


@st.composite
def solved(draw: DrawFn) -> tuple[sg.Instance, list[int], int, st.DataObject]:
    """An instance with any partition within its memory limit, and the ticks of its bottleneck."""
    data, device, more = draw(graphs(max_nodes=8)), draw(devices()), draw(st.data())
    instance = to_instance(data, device, draw(st.integers(1, 6)), boundary_io=draw(st.booleans()))
    block_of = partition(data, instance.num_blocks, more)
    bottleneck = max(block.cost for block in instance.block_costs(block_of))
    assume(bottleneck < float("inf"))
    return instance, block_of, int(bottleneck / instance.tick), more


@given(solved())
@settings(max_examples=MANY)
def test_the_superblocks_of_a_partition_are_a_solution(
    problem: tuple[sg.Instance, list[int], int, st.DataObject],
) -> None:
    """With t its bottleneck, and a threshold of as much or none."""
    instance, block_of, t, draw = problem
    superblocks = Superblocks(spans=spans(instance.num_blocks, draw))
    threshold = draw.draw(st.sampled_from([None, t, 2 * t]))
    model = build_model(Formulation(instance), superblocks, threshold=threshold)
    assert_solves(model, instance, block_of, t)


@given(solved())
@settings(max_examples=MANY)
def test_the_fullest_block_meets_the_demand(problem: tuple[sg.Instance, list[int], int, st.DataObject]) -> None:
    """Known by its index, or not."""
    instance, block_of, t, _ = problem
    num_blocks, costs = instance.num_blocks, instance.block_costs(block_of)
    fullest = max(range(len(costs)), key=lambda block: costs[block].work)
    around = tuple(span for span in (fullest, 1, num_blocks - 1 - fullest) if span)
    formulation = Formulation(instance)
    known = Superblocks(spans=around, demand=int(fullest > 0))
    assert_solves(build_model(formulation, known, threshold=t), instance, block_of, t)
    ends = (0, fullest, fullest + 1, num_blocks)
    assert_solves(build_model(formulation, ANY_BLOCK, threshold=t), instance, block_of, t, ends=ends)


def assert_solves(
    model: Model, instance: sg.Instance, block_of: list[int], t: int, ends: tuple[int, ...] | None = None
) -> None:
    """All rows hold for some values of the columns that say where each node is."""
    if ends is None:
        ends = (0, *np.cumsum([span or 0 for span in model.superblocks.spans]).tolist())
    assert find_solution(Formulation(instance), model, block_of, t, ends) is not None
