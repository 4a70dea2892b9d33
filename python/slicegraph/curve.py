"""What is known of one problem for every number of stages: partitions from above, bounds from below, and a target.

A partition into ``u`` stages is one into any larger number of stages, some of which stay empty; so what no partition
into ``k`` stages beats, none into fewer beats. Hence the least bottleneck falls with the number of stages, and
whatever is found or proven for one number is news for others.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from slicegraph import checks
from slicegraph.cost import ALL_TICKS
from slicegraph.device import Device
from slicegraph.errors import InputError
from slicegraph.graph import Graph
from slicegraph.result import NEGLIGIBLE_GAP, Status
from slicegraph.stop import relative_gap


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Partition:
    """A partition within the memory limit.

    Attributes
    ----------
    block_of
        int32, shape (num_nodes,), read-only: the block of each node, without an empty one before the last.
    stages
        The number of its blocks.
    ticks
        Its bottleneck.
    """

    block_of: NDArray[np.int32]
    stages: int
    ticks: int


@final
class Curve:
    """The best partition and the best bound for every number of stages, up to what is known.

    Parameters
    ----------
    num_nodes
        Of the graph: as many stages are as good as any larger number.

    Attributes
    ----------
    seconds
        Wall-clock time that each number of stages has taken which was solved.

    Notes
    -----
    Every question takes O(log(what is known)), and news O(what is known).
    """

    def __init__(self, num_nodes: int) -> None:
        self._num_nodes = num_nodes
        self._partitions: list[Partition] = []
        self._bounds: list[tuple[int, int]] = []
        self.seconds: dict[int, float] = {}

    def learn(self, other: Curve) -> None:
        """Take what another curve of the same problem knows."""
        for partition in other.partitions:
            self.add_partition(partition)
        for num_blocks, ticks in other.bounds:
            self.add_bound(num_blocks, ticks)
        self.seconds.update(other.seconds)

    @property
    def partitions(self) -> tuple[Partition, ...]:
        """Those that are best for some number of stages, by their stages; bottlenecks fall."""
        return tuple(self._partitions)

    @property
    def bounds(self) -> tuple[tuple[int, int], ...]:
        """Pairs of a number of stages and ticks that are best for some number, in ascending order; ticks fall."""
        return tuple(self._bounds)

    def add_partition(self, partition: Partition) -> None:
        """Take a partition; it is kept if none with as few stages is as good."""
        known = self.partition(partition.stages)
        if known is not None and known.ticks <= partition.ticks:
            return
        self._partitions = [
            other for other in self._partitions if other.stages < partition.stages or other.ticks < partition.ticks
        ]
        bisect.insort(self._partitions, partition, key=lambda other: other.stages)

    def add_bound(self, num_blocks: int, ticks: int) -> None:
        """Take ticks that no partition into so many blocks beats; they are kept if nothing known says as much."""
        if ticks <= self.bound(num_blocks)[1]:
            return
        self._bounds = [pair for pair in self._bounds if pair[0] > num_blocks or pair[1] > ticks]
        bisect.insort(self._bounds, (num_blocks, ticks))

    def partition(self, num_blocks: int) -> Partition | None:
        """Give the best partition into at most so many blocks, and of these the one with the fewest; None: none."""
        place = bisect.bisect_right(self._partitions, num_blocks, key=lambda partition: partition.stages)
        return self._partitions[place - 1] if place else None

    def bound(self, num_blocks: int) -> tuple[int, int]:
        """Give the best bound on partitions into so many blocks: the number it was proven for, and its ticks."""
        least = min(num_blocks, self._num_nodes)
        place = bisect.bisect_left(self._bounds, least, key=lambda pair: pair[0])
        return self._bounds[place] if place < len(self._bounds) else (num_blocks, 0)

    def gap(self, num_blocks: int) -> float:
        """Give the gap between both; 0 where it is proven that nothing fits the memory limit."""
        partition, (_, lower_bound) = self.partition(num_blocks), self.bound(num_blocks)
        if lower_bound >= ALL_TICKS:
            return 0.0
        return 1.0 if partition is None else relative_gap(partition.ticks, lower_bound)

    def check(self) -> None:
        """Refuse bounds above partitions: one of them came from outside, and is wrong.

        Raises
        ------
        InputError
            Naming the number of stages.
        """
        for num_blocks, ticks in self._bounds:
            partition = self.partition(num_blocks)
            if partition is not None and partition.ticks < ticks:
                raise InputError(f"the bound that is known for {num_blocks} stages is above what a partition costs")

    def window(self, ticks: float, most: int) -> tuple[int, int]:
        """Give the largest number of blocks that cannot do with so many ticks, and the smallest that can.

        The first is 0 where none is known; the second ``most + 1`` where none up to ``most`` is known.
        """
        place = bisect.bisect_left(self._partitions, -ticks, key=lambda partition: -partition.ticks)
        can = self._partitions[place].stages if place < len(self._partitions) else most + 1
        fails = [num_blocks for num_blocks, lower_bound in self._bounds if lower_bound > ticks]
        cannot = max(fails, default=0)
        return (most if cannot >= self._num_nodes else min(cannot, most)), min(can, most + 1)


def next_blocks(numbers: Sequence[int], is_open: Sequence[bool]) -> int | None:
    """Give the number of blocks whose answer is to be asked for next: the middle of the longest run of open ones.

    The largest number comes before all others: in most networks some stages are as good as any number of them, and
    then its partition and its bound are the answer for all numbers from there on.

    Parameters
    ----------
    numbers
        All numbers in ascending order.
    is_open
        Whether each of them is still to be asked for.

    Examples
    --------
    >>> from slicegraph.curve import next_blocks
    >>> next_blocks([1, 2, 3, 4], [True, True, True, True])
    4
    >>> next_blocks([1, 2, 3, 4], [True, True, True, False])
    2
    """
    if numbers and is_open[-1]:
        return numbers[-1]
    longest, begin = (0, 0), 0
    for place, still in enumerate((*is_open, False)):
        if not still:
            longest = max(longest, (place - begin, -begin))
            begin = place + 1
    length, begin = longest[0], -longest[1]
    return numbers[begin + (length - 1) // 2] if length else None


def left_out(partitions: Sequence[Partition | None], is_taken: Sequence[bool]) -> list[bool]:
    """Say of each number of stages whether the next larger one that was asked for has no better partition.

    What is open of both is then mostly the same, and more time for the larger number may close all numbers between.

    Parameters
    ----------
    partitions
        The best of each number that is known, in ascending order of numbers.
    is_taken
        Whether each number has been asked for.
    """
    above, answers = None, []
    for partition, taken in zip(reversed(partitions), reversed(is_taken), strict=True):
        answers.append(partition is not None and partition is above)
        if taken:
            above = partition
    return answers[::-1]


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """How many stages reach a target.

    Attributes
    ----------
    asked
        Seconds that the slowest stage may take.
    fewest
        The fewest stages that are known to be enough. None: none of the numbers that were asked for is known to be.
    is_proven
        Whether it is proven that fewer are not enough; with ``fewest`` None, that no number that was asked for is.
    too_few
        The largest number of stages that is proven not to be enough; 0: none is.
    """

    asked: float
    fewest: int | None
    is_proven: bool
    too_few: int


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SweepRow:
    """The answer for one number of stages: ``lower_bound <= optimum <= bottleneck``.

    Attributes
    ----------
    num_blocks
        The number of stages that may be used.
    status
        As of a `Result`.
    block_of
        int32, shape (num_nodes,), read-only: the block of each node. Shape (0,) when there is no partition.
    stages_used
        The number of stages that have a node.
    bottleneck
        Seconds of the most expensive block; infinite when no partition within the memory limit was found.
    lower_bound
        Seconds that no partition beats; infinite when it is proven that none fits the memory limit.
    bound_of
        The number of stages for which the bound was proven, ``num_blocks`` or more.
    seconds
        Wall-clock time that this number of stages took; 0 when the answer is another row's.
    """

    num_blocks: int
    status: Status
    block_of: NDArray[np.int32]
    stages_used: int
    bottleneck: float
    lower_bound: float
    bound_of: int
    seconds: float

    @property
    def gap(self) -> float:
        """(bottleneck - lower bound) / bottleneck: how far from optimal the partition can be."""
        return relative_gap(self.bottleneck, self.lower_bound)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False, repr=False)
class Sweep:
    """Answers for several numbers of stages on one device.

    Attributes
    ----------
    graph, device, boundary_io
        The problem, as of an `Instance`.
    rows
        In ascending order of ``num_blocks``; neither bottleneck nor lower bound rises.
    one_stage
        Seconds of the whole graph as one stage; infinite above the memory limit.
    seconds
        Wall-clock time of all.
    is_interrupted
        Whether Ctrl-C ended it.
    tick
        Seconds of a tick, in which ``curve`` counts.
    curve
        All that is known, for other numbers of stages, too.
    """

    graph: Graph
    device: Device
    boundary_io: bool
    rows: tuple[SweepRow, ...]
    one_stage: float
    seconds: float
    is_interrupted: bool
    tick: float
    curve: Curve

    def __repr__(self) -> str:
        numbers = f"{self.rows[0].num_blocks} to {self.rows[-1].num_blocks} stages" if self.rows else "no rows"
        num_proven = sum(row.status in (Status.OPTIMAL, Status.INFEASIBLE) for row in self.rows)
        return f"<Sweep of {self.graph.name!r}: {numbers}, {num_proven} of {len(self.rows)} rows are proven>"

    def fewest(self, target: float) -> Target:
        """Give the fewest stages whose slowest takes at most ``target`` seconds, and whether fewer cannot do it.

        Numbers up to the largest row's are looked at, also those between rows. A throughput is one over a bottleneck.

        Raises
        ------
        InputError
            When the target is not a number of seconds above 0.
        """
        asked = check_target(target)
        most = self.rows[-1].num_blocks
        too_few, enough = self.curve.window(asked / self.tick, most)
        return Target(
            asked=asked,
            fewest=None if enough > most else enough,
            is_proven=too_few + 1 == enough,
            too_few=too_few,
        )

    def speedup(self, row: SweepRow) -> float | None:
        """Give a row's throughput over that of one stage; None where either exceeds the memory limit or takes 0 s."""
        if math.isinf(self.one_stage) or math.isinf(row.bottleneck) or not row.bottleneck:
            return None
        return self.one_stage / row.bottleneck

    def efficiency(self, row: SweepRow) -> float | None:
        """Give a row's speedup per stage that it uses; None where there is none."""
        speedup = self.speedup(row)
        return None if speedup is None else speedup / row.stages_used


def check_target(target: object) -> float:
    """Refuse what is no time that a stage can take."""
    seconds = checks.number(f"target = {target!r:.80}", target, "it is seconds of the slowest stage, above 0")
    return checks.number(f"target = {target!r:.80}", seconds, "it is seconds, above 0", least=5e-324, most=1e308)


def status_of(curve: Curve, num_blocks: int, *, max_gap: float, is_interrupted: bool) -> Status:
    """Name the status that a number of stages has earned."""
    if curve.bound(num_blocks)[1] >= ALL_TICKS:
        return Status.INFEASIBLE
    gap = curve.gap(num_blocks)
    if not gap:
        return Status.OPTIMAL
    if gap <= max(max_gap, NEGLIGIBLE_GAP):
        return Status.WITHIN_GAP
    return Status.INTERRUPTED if is_interrupted else Status.TIME_LIMIT
