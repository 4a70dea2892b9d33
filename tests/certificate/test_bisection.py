"""Bisections in plain Python, against all partitions and the compiled checker."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from certificate.test_closing import compiled, plain
from scopes import Case, cases
from slicegraph.certificate.bisection import closes_all
from slicegraph.certificate.budget import BeyondBudgetError, Budget
from slicegraph.certificate.compiled import leb128
from slicegraph.certificate.log import Branch
from slicegraph.certificate.problem import Problem
from slicegraph.certificate.structure import PlacedError

WHOLE = 1024


def pairs(count: int) -> Iterator[tuple[Case, Problem]]:
    """Problems of two blocks, on one kind of device that pays sums, without memory."""
    for case in cases(count):
        problem, kinds = case.problem, case.problem.kinds
        is_fit = len(kinds) == 1 and not kinds[0].is_overlap and problem.num_blocks == 2 and problem.allowed is None
        if is_fit and not any(kinds[0].params) and kinds[0].memory_limit is None:
            yield case, problem


def full_tree(case: Case, threshold: int) -> list[Branch]:
    """Each node divides, and each partition is closed by the block that costs most, if it does."""
    branches: list[Branch] = []

    def divide(in_second: list[bool]) -> None:
        node = len(in_second)
        if node < case.problem.num_nodes:
            is_second = case.random.random() < 1 / 2
            branches.append(Branch(None, node, is_second=is_second))
            for each in (is_second, not is_second):
                divide([*in_second, each])
            return
        first = case.unlike.block_cost({node for node, second in enumerate(in_second) if not second}, 0)
        branches.append(Branch(WHOLE if first is not None and first["cost"] >= threshold else 0))

    divide([])
    return branches


def data_of(branches: list[Branch]) -> bytes:
    numbers = [11]
    for branch in branches:
        numbers += [0, branch.share] if branch.share is not None else [2 * branch.node + 1 + branch.is_second]
    return b"".join(map(leb128, numbers))


def test_a_full_tree_closes_all_exactly_where_no_partition_is_better() -> None:
    """And says the same to the compiled checker; with shares of any size it never says more than is so."""
    answers = []
    for case, problem in pairs(700):
        tree = full_tree(case, case.threshold)
        is_closed = closes_all(problem, case.threshold, tree, Budget())
        assert is_closed == (not case.better)
        answers.append(is_closed)
        spare = problem.without_spare_blocks()
        hints = data_of(tree)
        assert plain(spare, case.threshold, hints)[0] == compiled(spare, case.threshold, hints)[0]
        for place, branch in enumerate(tree):
            if branch.share is not None:
                tree[place] = Branch(case.random.choice([0, 100, WHOLE // 2, WHOLE]))
        assert not closes_all(problem, case.threshold, tree, Budget()) or not case.better
        assert not closes_all(problem, case.threshold, tree[:-1], Budget())
    assert min(answers.count(True), answers.count(False)) > 20


def test_cases_of_what_is_not_there_are_malformed() -> None:
    case, problem = next(pairs(100))
    for branch in (Branch(WHOLE + 1), Branch(None, problem.num_nodes)):
        with pytest.raises(PlacedError) as refusal:
            closes_all(problem, case.threshold, [branch], Budget())
        assert refusal.value.verdict == "malformed"
    with pytest.raises(PlacedError, match="two blocks"):
        closes_all(dataclasses.replace(problem, num_blocks=3), case.threshold, [Branch(0)], Budget())
    with pytest.raises(BeyondBudgetError):
        closes_all(problem, case.threshold, [Branch(0)], Budget(0))
