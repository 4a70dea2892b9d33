"""The minimum cut: against all sets, and against all blocks."""

from __future__ import annotations

import itertools
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from merges import random_merges
from questions import Question, light_questions, to_problem
from slicegraph.certificate.budget import BeyondBudgetError, Budget
from slicegraph.certificate.cut import least_cost
from slicegraph.certificate.problem import Problem
from slicegraph.certificate.quotient import Quotient
from strategies import CHAIN, MANY


def reach(arcs: set[tuple[int, int]], start: int) -> set[int]:
    reached: set[int] = set()
    while True:
        grown = reached | {head for tail, head in arcs if tail in reached or tail == start}
        if grown == reached:
            return reached
        reached = grown


def is_convex(arcs: set[tuple[int, int]], members: set[int], inside: int, outside: int | None) -> bool:
    """What the specification asks of a set, after and before the node."""
    for way in (arcs, {(head, tail) for tail, head in arcs}):
        beyond = reach(way, inside)
        if any(head in members and tail in beyond and tail not in members for tail, head in way if head in beyond):
            return False
        if outside in beyond and members & reach(way, outside):
            return False
    return True


def cost(problem: Problem, members: set[int], inside: int) -> int:
    """What the specification says that a set pays."""
    total = sum(problem.only.work[node] for node in members) + problem.only.overflow(problem.only.params[inside])
    for tensor, (producer, consumers) in enumerate(zip(problem.producer, problem.consumers, strict=True)):
        is_out = problem.boundary_io and problem.is_output[tensor]
        if producer in members and (is_out or set(consumers) - members):
            total += problem.only.transfer[tensor]
        if producer not in members and members & set(consumers) and (producer >= 0 or problem.boundary_io):
            total += problem.only.transfer[tensor]
    return total


def least_of_sets(problem: Problem, inside: int, outside: int | None, *, with_convexity: bool) -> float:
    others = [node for node in range(problem.num_nodes) if node not in (inside, outside)]
    arcs = {(p, c) for p, readers in zip(problem.producer, problem.consumers, strict=True) for c in readers if p >= 0}
    sets = ({inside, *more} for count in range(len(others) + 1) for more in itertools.combinations(others, count))
    allowed = (each for each in sets if not with_convexity or is_convex(arcs, each, inside, outside))
    return min((cost(problem, each, inside) for each in allowed), default=math.inf)


@given(light_questions(max_nodes=6), st.integers(), st.booleans())
@settings(max_examples=MANY)
def test_it_is_the_least_over_all_sets(question: Question, seed: int, with_convexity: bool) -> None:
    """Also between groups, with cycles among them; beyond what is enough any value will do."""
    random_ = random.Random(seed)  # noqa: S311 - not a secret
    problem = to_problem(question)
    quotient = Quotient(problem)
    for _ in range(random_.randrange(3)):
        one, other = (quotient.find(random_.randrange(question.num_nodes)) for _ in range(2))
        if one != other:
            quotient.join(one, other)
    problem = quotient.to_problem()
    whole, nodes = Quotient(problem), range(problem.num_nodes)
    inside = random_.choice(nodes)
    outside = random_.choice([None, *(node for node in nodes if node != inside)])
    least = least_of_sets(problem, inside, outside, with_convexity=with_convexity)
    enough = random_.choice([2**53, *(int(least) + more for more in (0, 1) if least < math.inf), 0])
    found = least_cost(whole, inside, outside, enough, Budget(), is_convex=with_convexity)
    assert found == least or enough <= found <= least or (least == math.inf and found >= enough)
    # The groups as they were joined, without numbers of their own, give the same.
    roots = sorted(
        quotient.groups(), key=lambda root: next(v for v in range(question.num_nodes) if quotient.find(v) == root)
    )
    other_root = None if outside is None else roots[outside]
    found = least_cost(quotient, roots[inside], other_root, 2**53, Budget(), is_convex=with_convexity)
    assert found == least or (least == math.inf and found >= 2**53)


@given(light_questions(), st.integers())
def test_no_block_costs_less(question: Question, seed: int) -> None:
    random_ = random.Random(seed)  # noqa: S311 - not a secret
    problem = to_problem(question)
    inside, outside = (random_.randrange(question.num_nodes) for _ in range(2))
    quotient = Quotient(problem)
    bound = least_cost(quotient, inside, None, 2**53, Budget(), is_convex=True)
    apart = least_cost(quotient, inside, outside, 2**53, Budget(), is_convex=True) if inside != outside else 0
    for block_of, costs, _ in question.partitions():
        paid = costs[block_of[inside]]["cost"]
        if paid is not None:
            assert paid >= bound
            assert paid >= apart or block_of[inside] == block_of[outside]


def test_steps_are_counted() -> None:
    """An end of a chain pays its tensor, or all nodes."""
    quotient = Quotient(to_problem(Question(CHAIN, {"bandwidth": 8.0}, 2)))
    with pytest.raises(BeyondBudgetError):
        least_cost(quotient, 0, None, 2**53, Budget(1), is_convex=False)
    budget = Budget(100)
    assert (
        least_cost(quotient, 0, 2, 2**53, budget, is_convex=False)
        == quotient.kinds[0].load(0) + quotient.kinds[0].transfer[0]
    )
    assert 0 < budget.left < 100


@given(light_questions(), st.integers())
def test_without_convexity_it_is_no_more(question: Question, seed: int) -> None:
    random_ = random.Random(seed)  # noqa: S311 - not a secret
    for quotient, (_, u, v) in random_merges(to_problem(question), random_, 4 * question.mean_work):
        pair = quotient.find(u), quotient.find(v)
        free, convex = (least_cost(quotient, *pair, 2**53, Budget(), is_convex=flag) for flag in (False, True))
        assert free <= convex
