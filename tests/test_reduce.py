"""Merges: fewer nodes, the same optimum, and the checker comes to the same quotient."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import slicegraph as sg
from questions import Question, light_questions, questions, shaped_questions, to_problem
from slicegraph.certificate import reduction as checker
from slicegraph.certificate.budget import Budget
from slicegraph.cost import ALL_TICKS
from slicegraph.reduce import reduce
from strategies import CHAIN, MANY, grid, to_graph, to_instance

ANY = st.one_of(light_questions(), shaped_questions(max_nodes=5), questions())


@given(ANY, st.integers(0, 2**30))
@settings(max_examples=MANY)
def test_the_quotient_has_a_partition_as_good(question: Question, above: int) -> None:
    """As good as the optimum, whenever that is better than the threshold; and it costs the same with all nodes."""
    instance, partitions = question.instance, question.partitions()
    optimum = min(bottleneck for *_, bottleneck in partitions)
    least = 7 if math.isinf(optimum) else int(optimum)
    for threshold in (None, least + 1, least + 1 + above % (2 * least + 1)):
        reduction = reduce(instance, threshold=threshold)
        group_of = reduction.group_of.tolist()
        num_groups = reduction.instance.graph.num_nodes
        firsts = [group_of.index(group) for group in range(num_groups)]
        assert firsts == sorted(firsts)
        kept = math.inf
        for block_of, costs, bottleneck in partitions:
            if any(block_of[node] != block_of[firsts[group]] for node, group in enumerate(group_of)):
                continue
            kept = min(kept, bottleneck)
            blocks = np.array([block_of[first] for first in firsts], dtype=np.int32)
            assert reduction.lift(blocks).tolist() == list(block_of)
            assert [block.cost for block in reduction.instance.block_costs(blocks)] == [
                instance.seconds(block["cost"]) for block in costs
            ]
        assert kept == optimum


@given(ANY, st.integers(0, 2**30))
@settings(max_examples=MANY)
def test_the_checker_comes_to_the_same_quotient(question: Question, threshold: int) -> None:
    """It allows every merge, whatever the threshold, and its groups, tensors and costs are the same to the tick."""
    total = sum(question.ticks.work) + 2 * sum(question.ticks.transfer) + 1
    for limit in (None, threshold % total):
        instance = question.instance
        reduction = reduce(instance, threshold=limit)
        if not reduction.evidence.merges:
            assert reduction.instance is instance
            continue
        log = {
            "threshold": reduction.evidence.threshold,
            "merges": [list(merge) for merge in reduction.evidence.merges],
        }
        problem = checker.replay(to_problem(question), log, Budget())
        quotient, arrays = reduction.instance, reduction.instance.graph.arrays
        fences = arrays.consumer_offsets.tolist()
        consumers = [arrays.consumers[begin:end].tolist() for begin, end in itertools.pairwise(fences)]
        assert problem.num_nodes == quotient.graph.num_nodes == question.num_nodes - len(reduction.evidence.merges)
        assert problem.only.work == quotient.work.tolist()
        assert problem.only.params == quotient.params.tolist()
        assert arrays.param_bytes is not None
        assert problem.param_bytes == arrays.param_bytes.tolist()
        assert problem.only.transfer == quotient.transfer.tolist()
        assert problem.producer == arrays.producer.tolist()
        assert [list(readers) for readers in problem.consumers] == consumers
        assert arrays.is_output is not None
        assert problem.is_output == arrays.is_output.tolist()
        assert (problem.only.memory, problem.tick) == (quotient.memory, quotient.tick)


@given(light_questions(max_nodes=7))
@settings(max_examples=100)
def test_a_quotient_is_reduced_no_further(question: Question) -> None:
    assert reduce(reduce(question.instance).instance).evidence.merges == ()


def test_what_is_left_of_a_chain() -> None:
    """Its second node costs less than to read what it reads; the first and the last are held apart by their work."""
    data = CHAIN | {"nodes": CHAIN["nodes"] | {"work": [4.0, 1.0, 4.0]}}
    reduction = reduce(to_instance(data | {"tensors": CHAIN["tensors"] | {"size": [2, 1]}}, {"bandwidth": 1.0}, 2))
    assert reduction.evidence.threshold == ALL_TICKS
    assert reduction.evidence.merges == (("pull", 0, 1),)
    assert reduction.group_of.tolist() == [0, 0, 1]
    quotient = reduction.instance
    assert (quotient.work * quotient.tick).tolist() == [5.0, 4.0]
    assert (quotient.transfer * quotient.tick).tolist() == [1.0]
    assert (quotient.num_blocks, quotient.tick, quotient.graph.name) == (2, quotient.tick, "chain")


def test_a_square_of_equals_stays_as_it_is() -> None:
    reduction = reduce(to_instance(grid(4), {"bandwidth": 8.0}, 3))
    assert reduction.evidence.merges == ()
    assert reduction.group_of.tolist() == list(range(16))


@pytest.mark.parametrize("options", [{}, {"memory": 3, "overflow_bandwidth": 0.5}, {"memory_limit": 9}])
def test_a_quotient_is_an_instance_like_any_other(options: dict[str, Any]) -> None:
    """It can be searched and bounded; the optimum is the same."""
    graph = to_graph(CHAIN, param_bytes=[0, 2, 3], is_output=[False, True])
    instance = sg.Instance(graph, device=sg.Device(bandwidth=1.0, **options), num_blocks=2, boundary_io=True)
    quotient = reduce(instance).instance
    assert quotient.graph.num_nodes == 2
    optimum = sg.lower_bound(instance, method="downsets").lower_bound
    assert sg.lower_bound(quotient, method="downsets").lower_bound == optimum
    assert sg.search(quotient, stop=sg.MaxEvaluations(50)).bottleneck == optimum


def test_a_partition_of_the_nodes_is_one_of_the_groups_where_it_cuts_none() -> None:
    """`lift` takes it back; one that cuts a group in two is none."""
    data = {**CHAIN, "nodes": {"op": ["op"] * 3, "work": [4.0, 1.0, 4.0]}}
    reduction = reduce(to_instance(data, {"bandwidth": 1.0}, 3))
    assert 1 <= reduction.instance.graph.num_nodes < 3
    groups = np.arange(reduction.instance.graph.num_nodes, dtype=np.int32)
    lifted = reduction.lift(groups)
    restricted = reduction.restrict(lifted)
    assert restricted is not None
    assert restricted.tolist() == groups.tolist()
    assert reduction.restrict(np.arange(3, dtype=np.int32)) is None
