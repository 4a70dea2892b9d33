"""Of the partitions of least bottleneck: the fewest stages, then the least communication."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import slicegraph as sg
from questions import Question, light_questions, questions, shaped_questions
from slicegraph import _core
from slicegraph.ties import settle
from strategies import MANY, grid, to_instance
from unlike import instances, partitions


@given(st.one_of(light_questions(), shaped_questions(), questions()), st.integers(0, 2**32))
@settings(max_examples=MANY)
def test_of_all_partitions_of_least_bottleneck_the_answer_is_the_smallest(question: Question, seed: int) -> None:
    """Brute force knows the fewest stages, and with so many the least communication; no stage in between is empty."""
    instance, optimum = question.instance, question.optimum()
    assume(optimum < math.inf)
    result = sg.solve(instance, seed=seed, threads=1)
    assume(result.status is sg.Status.OPTIMAL)
    ties = [
        (len(set(block_of)), sum((row["io_in"] or 0) + (row["io_out"] or 0) for row in rows))
        for block_of, rows, bottleneck in question.partitions()
        if bottleneck == optimum
    ]
    io = round(sum(block.io_in + block.io_out for block in result.block_costs) / instance.tick)
    assert (len(result.block_costs), io) == min(ties)
    assert sorted(set(result.block_of.tolist())) == list(range(len(result.block_costs)))


@pytest.mark.parametrize("given_blocks", [[0, 3, 3, 7], [2, 2, 4, 6], [0, 1, 2, 3]])
def test_a_partition_is_numbered_without_gaps_and_costs_no_more(given_blocks: list[int]) -> None:
    """Nodes of 4, 1, 1 and 1 s in a row: two stages of 4 s and 3 s are enough."""
    work, chain = [4, 1, 1, 1], [0, 1, 2]
    graph = sg.Graph(work=work, producer=chain, size=[0] * 3, consumers=[1, 2, 3], consumer_offsets=[0, 1, 2, 3])
    instance = sg.Instance(graph, device=sg.Device(bandwidth=1.0), num_blocks=8)
    block_of, is_interrupted = settle(instance, np.array(given_blocks, np.int32))
    assert (block_of.tolist(), is_interrupted) == ([0, 1, 1, 1], False)


def test_a_graph_that_is_too_large_for_proofs_still_uses_fewer_stages() -> None:
    """A square of 60 x 60 nodes of 1 s, 40 rows in the first stage and one in each other: the 20 fit one stage."""
    instance = to_instance(grid(60), {"bandwidth": 1e9}, 21)
    rows = np.maximum(np.repeat(np.arange(60, dtype=np.int32), 60) - 39, 0)
    block_of, _ = settle(instance, rows)
    before, after = instance.block_costs(rows), instance.block_costs(block_of)
    assert (len(before), len(after)) == (21, 2)
    assert max(block.cost for block in after) <= max(block.cost for block in before)


@given(instances(), st.randoms(use_true_random=False))
@settings(max_examples=MANY)
def test_on_unlike_stages_what_is_called_the_least_is_so_and_nothing_costs_more(
    instance: sg.Instance, rng: Random
) -> None:
    """Whatever is stored, however devices differ: brute force knows the least of all that cost no more."""
    every = [(block_of, max(costs, default=0)) for block_of, costs in partitions(instance)]
    every = [(block_of, cost) for block_of, cost in every if cost < math.inf]
    assume(every)
    start, most = rng.choice(every)

    def rank(block_of: NDArray[np.integer]) -> tuple[int, int]:
        io = sum(block.io_in + block.io_out for block in instance.block_costs(block_of))
        return len(set(block_of.tolist())), round(io / instance.tick)

    found, is_least, _ = _core.settle(instance.core, start.astype(np.int64))
    assert max(block.cost for block in instance.block_costs(found)) <= most * instance.tick
    least = min(rank(block_of) for block_of, cost in every if cost <= most)
    assert rank(found) == least if is_least else least <= rank(found) <= rank(start)
