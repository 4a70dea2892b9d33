"""Small random problems of every feature with a threshold, and all partitions that are better."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

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


def cases(count: int, *, has_links: bool = True) -> Iterator[Case]:
    """So many problems, without groups that are together, at thresholds that are mostly near the optimum."""
    number = 0
    while count:
        number += 1
        random = Random(number)  # noqa: S311 - no secret
        unlike = dataclasses.replace(random_unlike(random), together=[])
        partitions = unlike.partitions()
        optimum = min((bottleneck for _, bottleneck in partitions), default=math.inf)
        if unlike.adjacent and not has_links:
            continue
        around = 7 * 2**44 if math.isinf(optimum) else int(optimum)
        threshold = max(1, around + random.choice([0, 0, 1, 1, around // 4, around]))
        better = [[block + 1 for block in block_of] for block_of, bottleneck in partitions if bottleneck < threshold]
        # As a quotient without merges: numbers of tensors are those of the checker.
        problem = Quotient(unlike.problem()).to_problem()
        yield Case(random, unlike, problem, optimum, threshold, better)
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
