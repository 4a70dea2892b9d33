"""Small random problems of every feature with a threshold, and all partitions that are better."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from machines import Unlike
from proofs.cases import random_unlike
from slicegraph.certificate.budget import Budget
from slicegraph.certificate.problem import Problem
from slicegraph.certificate.quotient import Quotient
from slicegraph.certificate.reach import Reach, Scope


@dataclass
class Case:
    """A problem, and what is so of it."""

    random: Random
    unlike: Unlike
    problem: Problem
    optimum: float
    threshold: int
    better: Sequence[Sequence[int]]
    """Blocks from 1, of the partitions with a bottleneck below the threshold."""

    def scope(self) -> tuple[Reach, Scope]:
        """All better partitions, and nothing known of them."""
        reach = Reach(self.problem, self.threshold, Budget())
        return reach, reach.all()


@functools.cache
def _case(number: int) -> tuple[Case, tuple[Any, ...]]:
    """The problem of a number, which no test changes, and where its random numbers go on."""
    random = Random(number)  # noqa: S311 - no secret
    unlike = dataclasses.replace(random_unlike(random), together=[])
    partitions = unlike.partitions()
    optimum = min((bottleneck for _, bottleneck in partitions), default=math.inf)
    around = 7 * 2**44 if math.isinf(optimum) else int(optimum)
    threshold = max(1, around + random.choice([0, 0, 1, 1, around // 4, around]))
    better = tuple(tuple(block + 1 for block in block_of) for block_of, cost in partitions if cost < threshold)
    # As a quotient without merges: numbers of tensors are those of the checker.
    problem = Quotient(unlike.problem()).to_problem()
    return Case(random, unlike, problem, optimum, threshold, better), random.getstate()


def cases(count: int, *, has_links: bool = True) -> Iterator[Case]:
    """So many problems, without groups that are together, at thresholds that are mostly near the optimum."""
    number = 0
    while count:
        number += 1
        case, state = _case(number)
        if case.unlike.adjacent and not has_links:
            continue
        random = Random()  # noqa: S311 - no secret
        random.setstate(state)
        yield dataclasses.replace(case, random=random)
        count -= 1


def are_within(better: Sequence[Sequence[int]], scope: Scope) -> bool:
    """Whether all partitions are in the windows of a scope, and first and last blocks weigh no more than it says."""
    num_blocks = len(scope.most) - 1
    for blocks in better:
        if not all(first <= block <= last for block, first, last in zip(blocks, *scope.windows, strict=True)):
            return False
        for end in range(num_blocks + 1):
            start = [weight for block, weight in zip(blocks, scope.weights.of_node, strict=True) if block <= end]
            if sum(start) > scope.most[end] or scope.weights.total - sum(start) > scope.most_at_end[num_blocks - end]:
                return False
    return True
