"""The variables of a relaxation that are fixed or equal, by the blocks in which nodes can be below a threshold.

``y[v, i]`` is 1 if node ``v`` is in one of the first ``i`` superblocks. It is fixed if the blocks in which ``v`` can be
are all, or none, among them. If no stage of superblock ``i - 1`` may hold ``v``, it equals ``y[v, i - 1]``. Nodes that
must be in one block have the variables of the first of them. A stage may not hold a node that by itself costs more than
the threshold there, or is above a limit.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import final

from slicegraph.certificate.budget import Budget
from slicegraph.certificate.prices import memory_of
from slicegraph.certificate.problem import Problem


@final
class Places:
    """The variables of the relaxations with one threshold.

    Parameters
    ----------
    problem
        What the relaxations are about.
    windows
        The first and the last block of each node, as far as what comes before and after it says; None: any.
    threshold
        Ticks; None: none.
    budget
        Steps that it may take.
    """

    def __init__(
        self, problem: Problem, windows: tuple[list[int], list[int]] | None, threshold: int | None, budget: Budget
    ) -> None:
        self._problem = problem
        self._windows = windows
        self._leaders = leaders(problem)
        self._stages: list[int] | None = None
        if problem.allowed is not None or len(problem.kinds) > 1:
            budget.spend(problem.num_nodes * len(problem.kinds))
            self._stages = common_stages(self._open_stages(threshold), self._leaders)
        if problem.together or self._stages is not None:
            self._windows = self._narrowed(windows)

    def is_nowhere(self, node: int) -> bool:
        """Whether there is no block for a node."""
        return self._windows is not None and self._windows[0][node] > self._windows[1][node]

    def superblocks(self, spans: Sequence[int | None], kind: int | None) -> Superblocks:
        """Give the variables of a relaxation; ``kind`` is that of the one block among any number."""
        if None in spans:
            within: list[int | None] = [None] * len(spans)
            if kind is not None:
                within[1] = self._problem.stages_of_kinds[kind]
            return Superblocks(self._leaders, None, self._stages, [0] * len(spans), within)
        ends = list(itertools.accumulate(span or 0 for span in spans))
        within = [(1 << end) - (1 << begin) for begin, end in itertools.pairwise([0, *ends])]
        return Superblocks(self._leaders, self._windows, self._stages, [0, *ends], within)

    def _open_stages(self, threshold: int | None) -> list[int]:
        """Give the stages that may hold each node, as bits."""
        problem = self._problem
        every = (1 << problem.num_blocks) - 1
        allowed = [every] * problem.num_nodes if problem.allowed is None else problem.allowed
        if not threshold:
            return list(allowed)
        open_stages = []
        for node, may in enumerate(allowed):
            stages = 0
            for kind, of_kind in enumerate(problem.stages_of_kinds):
                costs, held = problem.kinds[kind], problem.held([node], kind)
                memory = memory_of(problem, kind)
                over = 0 if memory is None else max(0, held.params - memory)
                if costs.work[node] + over <= threshold and not costs.excess(held.peak, held.state):
                    stages |= of_kind
            open_stages.append(may & stages)
        return open_stages

    def _narrowed(self, windows: tuple[list[int], list[int]] | None) -> tuple[list[int], list[int]]:
        """Give the first and the last block of each node, of nodes that are together where all can be."""
        num_blocks, leaders = self._problem.num_blocks, self._leaders
        first, last = windows or ([1] * len(leaders), [num_blocks] * len(leaders))
        earliest, latest = list(first), list(last)
        for node, leader in enumerate(leaders):
            earliest[leader] = max(earliest[leader], first[node])
            latest[leader] = min(latest[leader], last[node])
        narrowed = [(earliest[leader], latest[leader]) for leader in leaders]
        if self._stages is not None:
            narrowed = [_within(stages, *ends, num_blocks) for stages, ends in zip(self._stages, narrowed, strict=True)]
        return [begin for begin, _ in narrowed], [end for _, end in narrowed]


@final
class Superblocks:
    """The variables of one relaxation."""

    def __init__(
        self,
        leaders: Sequence[int],
        windows: tuple[list[int], list[int]] | None,
        stages: list[int] | None,
        ends: list[int],
        within: list[int | None],
    ) -> None:
        self._leaders, self._windows, self._stages, self._ends, self._within = leaders, windows, stages, ends, within

    def most(self, factors: Mapping[tuple[int, int], int]) -> int:
        """Give the largest value that a sum of variables ``y[node, place]`` can have."""
        most, sums = 0, defaultdict[tuple[int, int], int](int)
        for (node, place), factor in factors.items():
            leader = self._leaders[node]
            while place:
                if self._windows is not None:
                    if self._windows[1][leader] <= self._ends[place]:
                        most += factor
                        break
                    if self._windows[0][leader] > self._ends[place]:
                        break
                within = self._within[place - 1]
                if self._stages is None or within is None or self._stages[leader] & within:
                    sums[leader, place] += factor
                    break
                place -= 1  # noqa: PLW2901 - the same variable
        return most + sum(factor for factor in sums.values() if factor > 0)


def _within(stages: int, first: int, last: int, num_blocks: int) -> tuple[int, int]:
    """Give the first and the last stage of a set that are not before one block and not after another."""
    stages &= (1 << max(last, 0)) - (1 << first - 1) if last >= first else 0
    if not stages:
        return num_blocks + 1, 0
    return (stages & -stages).bit_length(), stages.bit_length()


def where_all_may_be(problem: Problem) -> Problem:
    """Give the problem in which nodes that are in one block may be where all of them may be."""
    if problem.allowed is None or not problem.together:
        return problem
    return dataclasses.replace(problem, allowed=common_stages(problem.allowed, leaders(problem)))


def common_stages(stages: Sequence[int], leaders: Sequence[int]) -> list[int]:
    """Give per node the stages, as bits, that those have in common which have one leader."""
    common = list(stages)
    for node, leader in enumerate(leaders):
        common[leader] &= stages[node]
    return [common[leader] for leader in leaders]


def leaders(problem: Problem) -> list[int]:
    """Give per node the first of the nodes that are in one block with it."""
    leader = list(range(problem.num_nodes))
    for group in problem.together:
        # Groups may share nodes.
        joined = {leader[node] for node in group}
        least = min(joined)
        leader = [least if each in joined else each for each in leader]
    return leader
