"""Sums of rows of a scope, against all partitions."""

from __future__ import annotations

import contextlib

import pytest

from scopes import Case, cases
from slicegraph.certificate.budget import Budget
from slicegraph.certificate.incompatible import are_incompatible
from slicegraph.certificate.log import Rows
from slicegraph.certificate.reach import Reach, Scope
from slicegraph.certificate.rows import RowError, is_empty

Row = tuple[str, list[int], int]


def random_rows(case: Case, spans: list[int]) -> list[Row]:
    """Costs and weights of all superblocks, mostly, and rows of every kind."""
    random, problem = case.random, case.problem
    num_superblocks, factor = len(spans), random.choice([1, 1, 2])
    whole = random.choice(["cost", "weight", "cost", "least"])
    rows: list[Row] = [(whole, [j], factor) for j in range(num_superblocks) if random.random() < 0.9]

    def number(count: int) -> int:
        return random.randrange(count + (random.random() < 1 / 50)) if count else 0

    for _ in range(random.randrange(12)):
        j, node, other = number(num_superblocks), number(problem.num_nodes), number(problem.num_nodes)
        tensor, reader = number(len(problem.producer)), number(problem.num_nodes + 1)
        if problem.producer and random.random() < 0.9:
            reader = random.choice([0, *(each + 1 for each in problem.consumers[tensor % len(problem.producer)])])
        name, of = random.choice(
            [
                ("order", [node, j]),
                ("before", [node, other, j]),
                ("export", [tensor, reader, j]),
                ("import", [tensor, reader, j]),
                ("cost", [j]),
                ("overflow", [j]),
                ("weight", [j]),
                ("least", [j]),
                ("most", [j]),
                ("incompatible", [node, other, j]),
            ]
        )
        rows.append((name, of, random.choice([1, 1, 3])))
    return rows


def empties(case: Case, reach: Reach, scope: Scope, rows: Rows) -> bool:
    def are_apart(node: int, other: int) -> bool:
        return are_incompatible(reach.quotient, reach.order, node, other, case.threshold, Budget())

    return is_empty(reach, scope, rows, are_apart, Budget())


def is_row(case: Case, reach: Reach, scope: Scope, rows: Rows) -> bool:
    """Whether a row is one; by itself it empties nothing that has a partition."""
    try:
        return not empties(case, reach, scope, rows) or not case.better or reach.threshold < case.threshold
    except RowError:
        return False


def test_no_sum_of_rows_empties_a_scope_with_a_better_partition() -> None:
    """In all windows and in parts of them, with what is known of the first blocks."""
    num_empty = num_none = 0
    for case in cases(1500):
        reach, scope = case.scope()
        problem, random = case.problem, case.random
        inside = case.better
        if random.random() < 1 / 2:
            reach.threshold = max(1, reach.threshold // random.choice([2, 3]))
            inside = [] if reach.threshold <= case.optimum else inside
        if random.random() < 1 / 2:
            node, block = random.randrange(problem.num_nodes), random.randrange(1, problem.num_blocks + 1)
            scope.last[node] = block
            inside = [blocks for blocks in inside if blocks[node] <= block]
        if not reach.close(scope, Budget()):
            assert not inside
            continue
        spans, blocks_left = [], problem.num_blocks
        while blocks_left:
            spans.append(random.randrange(1, blocks_left + 1))
            blocks_left -= spans[-1]
        for _ in range(4):
            unit = random.choice([1, 2**44, 2**48, case.threshold // 4])
            rows = random_rows(case, spans)
            there = [row for row in rows if is_row(case, reach, scope, Rows(spans, unit, [row]))]
            num_none += there != rows
            with contextlib.suppress(RowError):
                is_contradiction = empties(case, reach, scope, Rows(spans, unit, there))
                assert not is_contradiction or not inside
                num_empty += is_contradiction
    assert num_empty > 50
    assert num_none > 50


def test_work_that_is_too_much_is_a_contradiction() -> None:
    """All costs together; and not of superblocks that are not all blocks, nor of none."""
    num_empty = 0
    for case in cases(200):
        reach, scope = case.scope()
        problem = case.problem
        if len(problem.kinds) > 1 or problem.kinds[0].is_overlap or problem.multipliers[0] > 1:
            with pytest.raises(RowError):
                empties(case, reach, scope, Rows([problem.num_blocks], 1, []))
            continue
        is_more = sum(problem.kinds[0].work) > problem.num_blocks * (case.threshold - 1)
        spans = [1] * problem.num_blocks
        rows: list[Row] = [("cost", [j], 1) for j in range(problem.num_blocks)]
        with contextlib.suppress(RowError):
            assert empties(case, reach, scope, Rows(spans, 1, rows)) or not is_more
        num_empty += is_more
        for wrong in ([*spans, 1], [*spans, 0], spans[:-1]):
            with pytest.raises(RowError):
                empties(case, reach, scope, Rows(wrong, 1, rows))
    assert num_empty > 5
