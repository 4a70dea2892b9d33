"""Groups of nodes: what they cost is what their nodes cost in one block."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from questions import Question, light_questions, questions, to_problem
from slicegraph.certificate.quotient import Quotient
from slicegraph.certificate.structure import PlacedError
from strategies import CHAIN, MANY


def joined(question: Question, merges: list[tuple[int, int]]) -> Quotient:
    quotient = Quotient(to_problem(question))
    for u, v in merges:
        if quotient.find(u) != quotient.find(v):
            quotient.join(quotient.find(u), quotient.find(v))
    return quotient


@given(st.one_of(light_questions(), questions()), st.integers())
@settings(max_examples=MANY)
def test_a_partition_of_groups_costs_what_it_costs_as_one_of_nodes(question: Question, seed: int) -> None:
    """Joined at random; cycles between groups leave fewer partitions, as they should."""
    random_ = random.Random(seed)  # noqa: S311 - not a secret
    nodes = range(question.num_nodes)
    merges = [(random_.choice(nodes), random_.choice(nodes)) for _ in range(random_.randrange(question.num_nodes + 1))]
    quotient = joined(question, merges)
    problem = quotient.to_problem()
    roots = [quotient.find(node) for node in nodes]
    firsts = sorted({roots.index(root) for root in roots})
    number = {roots[first]: group for group, first in enumerate(firsts)}
    assert problem.num_nodes == len(firsts) == len(quotient.groups())
    for block_of, costs, bottleneck in question.partitions():
        if any(block_of[node] != block_of[root] for node, root in zip(nodes, roots, strict=True)):
            continue
        assert all(number[roots[first]] == group for group, first in enumerate(firsts))
        if math.isinf(bottleneck):
            with pytest.raises(PlacedError, match="above memory_limit"):
                problem.block_costs([block_of[first] for first in firsts])
        else:
            assert problem.block_costs([block_of[first] for first in firsts]) == costs[: max(block_of) + 1]
    ways = list(zip(problem.producer, problem.consumers, problem.is_output, strict=True))
    assert all(way not in ways[:index] for index, way in enumerate(ways))
    assert all(producer not in consumers for producer, consumers, _ in ways)


def test_tensors_that_go_the_same_way_are_one() -> None:
    """Those of the first node to the two others add up once these are one group; the one between these is gone."""
    tensors = {"producer": [1, 0, 0, -1], "size": [4, 8, 16, 32], "consumers": [[2], [1], [2], [0]]}
    question = Question(CHAIN | {"tensors": tensors}, {"bandwidth": 1.0}, 2)
    problem = joined(question, [(2, 1)]).to_problem()
    unit = question.ticks.transfer[0] // 4
    assert (problem.producer, problem.consumers, problem.is_output) == ([0], [[1]], [False])
    assert problem.only.transfer == [24 * unit]
    assert problem.only.work == [question.ticks.work[0], question.ticks.work[1] + question.ticks.work[2]]


def test_an_output_that_is_paid_stays_without_a_reader() -> None:
    """Unlike a model input without a reader, which no block pays."""
    tensors = {"producer": [0, 1, -1, -1], "size": [8] * 4, "consumers": [[1], [2], [0], []]}
    tensors |= {"is_output": [True, False, False, True]}
    question = Question(CHAIN | {"tensors": tensors}, {"bandwidth": 1.0}, 2, boundary_io=True)
    problem = joined(question, [(0, 1), (1, 2)]).to_problem()
    assert (problem.producer, problem.consumers, problem.is_output) == ([0, -1], [[], [0]], [True, False])
    assert problem.combinatorial() == question.block_costs([0, 0, 0])[0]["cost"]
