"""Trees of cases in plain Python, against all partitions and the compiled checker."""

from __future__ import annotations

import contextlib

from certificate.test_closing import compiled, plain
from scopes import Case, cases
from slicegraph.certificate.budget import Budget
from slicegraph.certificate.compiled import leb128
from slicegraph.certificate.log import Rows, Step, Tree, read_sections
from slicegraph.certificate.searching import OpenError
from slicegraph.certificate.tree import walk


def random_tree(case: Case, num_closing: int) -> bytes:
    """Steps that mostly close what they divide, as a section."""
    random, problem = case.random, case.problem
    numbers = [9]
    for _ in range(random.randrange(4)):
        total = sum(problem.kinds[0].work)
        step = random.choice(
            [
                [1],
                [2],
                [4, random.randrange(problem.num_nodes), random.randrange(problem.num_blocks + 1)],
                [4, random.randrange(problem.num_nodes), 1],
                [5, random.randrange(problem.num_blocks + 1), random.randrange(total + 1)],
                [6, problem.num_blocks, *[1] * problem.num_blocks, 1, problem.num_blocks]
                + [each for j in range(problem.num_blocks) for each in (random.choice([4, 6]), j, 1)],
                [3],
                [7],
                [8],
            ]
        )
        numbers += step
    return b"".join(map(leb128, [*numbers, *[random.choice([3, 7])] * num_closing, 0]))


def steps_of(data: bytes) -> list[Step | Rows]:
    (tree,) = read_sections(data)
    assert isinstance(tree, Tree)
    return list(tree.steps)


def test_a_tree_proves_nothing_but_what_is_so() -> None:
    num_proved = 0
    for case in cases(1200):
        # Half of them where no partition is better.
        is_low = case.random.random() < 1 / 2 and 0 < case.optimum < 2**52
        threshold = int(case.optimum) if is_low else min(case.threshold, 2**52)
        data = random_tree(case, case.random.choice([0, 1, 1, 2, 3]))
        with contextlib.suppress(OpenError):
            is_proved = walk(case.problem, threshold, steps_of(data), Budget(10**6))
            assert not is_proved or threshold <= case.optimum
            num_proved += is_proved
        if not case.problem.adjacent:
            spare = case.problem.without_spare_blocks()
            assert plain(spare, threshold, data)[0] == compiled(spare, threshold, data)[0]
    assert num_proved > 50


def test_parts_are_closed_one_by_one() -> None:
    """What is left of two cases is closed by levels; where it is not, or too many are closed, nothing is proved."""
    num_steps = set()
    for case in cases(200):
        if case.better:
            continue
        counts = [
            count
            for count in range(5)
            if walk(case.problem, case.threshold, [Step("node", [0, 1]), *[Step("levels")] * count], Budget(10**6))
        ]
        assert len(counts) <= 1
        num_steps |= set(counts)
    assert num_steps == {0, 1, 2}
