"""The node bound against every partition: never above the optimum, never below the most expensive node."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import slicegraph as sg
from questions import Question, light_questions, questions, shaped_questions
from results import result_of
from slicegraph.bounds.combinatorial import combinatorial
from slicegraph.bounds.formulation import Formulation
from slicegraph.bounds.node import node
from slicegraph.bounds.tasks import Budget
from slicegraph.evidence.claims import ExpensiveNode
from strategies import CHAIN, MANY, grid, to_instance


@given(st.one_of(light_questions(), shaped_questions(), questions()))
@settings(max_examples=MANY)
def test_the_bound_is_between_the_most_expensive_node_and_the_optimum(question: Question) -> None:
    """No block with its node costs less, and the checker finds the same cut, to the tick."""
    instance = question.instance
    bound = node(Formulation(instance), Budget(threshold=None, seconds=60))
    assert bound.node is not None
    partitions = question.partitions()
    assert combinatorial(instance).ticks <= bound.ticks <= min(bottleneck for *_, bottleneck in partitions)
    memory = math.inf if question.ticks.memory is None else question.ticks.memory
    alone = [
        work + max(0, params - memory) for work, params in zip(question.ticks.work, question.ticks.params, strict=True)
    ]
    assert max(alone) <= bound.node.lower_bound <= bound.ticks
    for block_of, costs, _ in partitions:
        paid = costs[block_of[bound.node.node]]["cost"]
        assert paid is None or paid >= bound.node.lower_bound
    assert bound.status == "optimal"
    assert bound.verified_lower_bound == bound.lower_bound
    verdict = sg.check(instance.graph, certificate(instance, bound))
    assert verdict.lower_bound == verdict.claimed_lower_bound == bound.lower_bound
    more = ExpensiveNode(node=bound.node.node, lower_bound=bound.node.lower_bound + 1)
    ticks = max(combinatorial(instance).ticks, more.lower_bound)
    claim = dataclasses.replace(bound, node=more, ticks=ticks, verified=ticks)
    with pytest.raises(sg.CertificateError, match=r"is claimed, but the minimum cut is|contradicts it"):
        sg.check(instance.graph, certificate(instance, claim))


def certificate(instance: sg.Instance, bound: sg.Bound) -> sg.Certificate:
    """All nodes in one block, and the bound."""
    block_of = np.zeros(instance.graph.num_nodes, dtype=np.int32)
    return result_of(instance, block_of, (combinatorial(instance), bound)).certificate


def test_an_example_by_hand() -> None:
    """The last of the chain costs 3 s and an import, or all that is before it too."""
    instance = to_instance(CHAIN, {"bandwidth": 64.0}, 2)
    bound = sg.lower_bound(instance, method="node")
    assert (bound.lower_bound, bound.verified_lower_bound, bound.status) == (3.125, 3.125, "optimal")
    assert bound.node is not None
    assert (bound.node.node, bound.node.lower_bound) == (2, bound.ticks)


@pytest.mark.parametrize("limit", [0, 1])
def test_a_caller_can_stop_it(limit: int) -> None:
    """What is found by then is a bound."""
    instance = to_instance(grid(6), {"bandwidth": 1.0}, 30)
    told: list[int] = []

    def watch(lower_bound: int) -> bool:
        told.append(lower_bound)
        return len(told) > limit

    bound = node(Formulation(instance), Budget(threshold=None, seconds=60, watch=watch))
    assert bound.status == "time_limit"
    assert told == sorted(told)
    assert len(told) == limit + 1
    assert bound.ticks >= max(combinatorial(instance).ticks, told[-1])


def test_no_time_is_no_bound_but_the_combinatorial() -> None:
    instance = to_instance(grid(6), {"bandwidth": 1.0}, 30)
    bound = node(Formulation(instance), Budget(threshold=None, seconds=0))
    assert (bound.status, bound.ticks) == ("time_limit", combinatorial(instance).ticks)
