"""Packings in plain Python, against all sets and the compiled checker."""

from __future__ import annotations

import itertools

import pytest

from certificate.test_closing import compiled, plain
from scopes import Case, cases
from slicegraph.certificate.budget import BeyondBudgetError, Budget
from slicegraph.certificate.compiled import leb128
from slicegraph.certificate.log import Packing
from slicegraph.certificate.packing import closes_all
from slicegraph.certificate.quotient import Quotient


def cost_of(case: Case, members: set[int]) -> int:
    """What a set pays at least: without overflow."""
    quotient = Quotient(case.problem)
    costs = quotient.kinds[0]
    total = sum(costs.load(node) for node in members)
    for tensor, readers in enumerate(quotient.consumers):
        producer = quotient.producer[tensor]
        if producer in members:
            total += costs.leaving[tensor] if readers - members else 0
        elif readers & members:
            total += costs.transfer[tensor]
    return total


def is_convex(case: Case, members: set[int]) -> bool:
    quotient = Quotient(case.problem)

    def reached(start: set[int], near: str) -> set[int]:
        found, waiting = set(start), list(start)
        while waiting:
            new = set(getattr(quotient, near)(waiting.pop())) - found
            found |= new
            waiting += new
        return found

    return reached(members, "successors") & reached(members, "predecessors") == members


def full_packing(case: Case, weights: list[int], threshold: int) -> tuple[Packing, bool]:
    """Each node divides; each set is closed if it can be. And whether every set is that has to be."""
    nodes = range(case.problem.num_nodes)
    most = (sum(weights) - 1) // case.problem.num_blocks
    is_true, all_cases = True, []
    left = set(nodes)
    for seed in sorted(nodes, key=lambda node: (-weights[node], node)):
        if sum(weights[node] for node in left) <= most:
            break
        others, steps = sorted(left - {seed}), list[int]()

        def divide(inside: set[int], place: int, others: list[int], steps: list[int]) -> None:
            nonlocal is_true
            if place < len(others):
                steps.append(2 * others[place] + 1)
                divide(inside | {others[place]}, place + 1, others, steps)
                divide(inside, place + 1, others, steps)
                return
            is_light = sum(weights[node] for node in inside) <= most
            steps.append(0 if is_light else 2)
            is_true &= is_light or not is_convex(case, inside) or cost_of(case, inside) >= threshold

        divide({seed}, 0, others, steps)
        all_cases.append(steps)
        left.remove(seed)
    return Packing(weights, all_cases), is_true


def data_of(packing: Packing) -> bytes:
    numbers = [12, len(packing.weights), *packing.weights, len(packing.cases)]
    numbers += itertools.chain.from_iterable([len(steps), *steps] for steps in packing.cases)
    return b"".join(map(leb128, numbers))


def test_all_cases_are_closed_exactly_where_no_cheap_set_has_its_share() -> None:
    """And then no partition is better; by cuts with factors it is never more than is so."""
    answers = []
    for case in cases(900):
        problem = case.problem
        if len(problem.kinds) > 1 or problem.kinds[0].is_overlap:
            continue
        weights = [case.random.choice([0, 1, 1, 2, 3]) for _ in range(problem.num_nodes)]
        if not sum(weights):
            assert not closes_all(problem, case.threshold, Packing(weights, []), Budget())
            continue
        packing, is_true = full_packing(case, weights, case.threshold)
        is_closed = closes_all(problem, case.threshold, packing, Budget())
        assert is_closed == is_true
        assert not is_closed or not case.better
        answers.append(is_closed)
        steps = [
            [case.random.choice([step, step, 4096, 8192, 2**30]) if step in (0, 2) else step for step in steps]
            for steps in packing.cases
        ]
        for other in (Packing(weights, steps), Packing(weights, [[2 * 4096] for _ in packing.cases])):
            assert not closes_all(problem, case.threshold, other, Budget()) or not case.better
            if not problem.adjacent and case.threshold <= 2**52:
                spare, hints = problem.without_spare_blocks(), data_of(other)
                verdicts = {plain(spare, case.threshold, hints)[0], compiled(spare, case.threshold, hints)[0]}
                assert len(verdicts - {"budget"}) == 1
        for shorter in ([steps[:-1] for steps in packing.cases], packing.cases[:-1]):
            assert not packing.cases or not closes_all(problem, case.threshold, Packing(weights, shorter), Budget())
    assert min(answers.count(True), answers.count(False)) > 50


def test_steps_are_counted() -> None:
    case = next(case for case in cases(50) if len(case.problem.kinds) == 1 and not case.problem.kinds[0].is_overlap)
    with pytest.raises(BeyondBudgetError):
        closes_all(case.problem, case.threshold, Packing([1] * case.problem.num_nodes, []), Budget(0))
