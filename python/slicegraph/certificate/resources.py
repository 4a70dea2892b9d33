"""The resources of a block: sums over its nodes and tensors, each with a cap; those of all blocks in one integer.

**Claim.** A block on a device costs less than the threshold ``T``, within the limits, exactly when

- on one that pays sums ``work + io <= T - 1``, and with a memory ``work + io + params <= T - 1 + memory``;
- on one that overlaps ``work <= T - 1``, ``io <= T - 1``, and with a memory ``work + params <= T - 1 + memory``;
- with limits, its bytes and its bytes of state are within them.

**Why.** ``y + max(0, p - M) <= c`` is equivalent to ``y <= c`` and ``y + p <= c + M``; a maximum is within a bound
exactly when all its terms are.

Shared parameters, live bytes and payments for handing on are no such sums: where they matter, the result is None.

**Lanes.** A sum has 64 bits, of which the highest is free: so one subtraction compares all sums of two integers. The
first sums of all blocks come first, then the second ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, final

from slicegraph.certificate.costs import Costs
from slicegraph.certificate.problem import Problem
from slicegraph.certificate.quotient import GroupCosts, Quotient

MOST_BLOCKS = 64
_LANE = 64
_ROOM = 2**58
"""Sums of any number of blocks are below this, times 2^5."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sum:
    """How often each part of a block's cost counts in a sum."""

    work: int = 0
    io: int = 0
    params: int = 0
    size: int = 0
    state: int = 0
    cap: int = 0


def _sums(costs: Costs, threshold: int) -> list[_Sum]:
    cap = threshold - 1
    first = _Sum(work=1, io=0 if costs.is_overlap else 1, cap=cap)
    sums = [first, _Sum(io=1, cap=cap)] if costs.is_overlap else [first]
    if costs.memory is not None and any(costs.params):
        sums.append(_Sum(work=1, io=first.io, params=1, cap=cap + costs.memory))
    if costs.memory_limit is not None:
        sums.append(_Sum(size=1, cap=costs.memory_limit))
    if costs.state_limit is not None:
        sums.append(_Sum(state=1, cap=costs.state_limit))
    return sums


@final
class Resources:
    """The sums of all blocks of a problem at a threshold.

    Parameters
    ----------
    quotient, problem
        Whose blocks they are; every group is a node.
    threshold
        Ticks above 0.

    Attributes
    ----------
    caps
        What the sums may be, in lanes.
    guards, first
        The free bits of all lanes; and all bits of the lanes of first sums.
    """

    def __init__(self, quotient: Quotient, problem: Problem, threshold: int) -> None:
        self._problem, self._quotient = problem, quotient
        self._num_blocks = problem.num_blocks
        self._sums = [_sums(costs, threshold) for costs in problem.kinds]
        self._num_lanes = self._num_blocks * max(map(len, self._sums))
        self.guards = sum(1 << _LANE * lane + _LANE - 1 for lane in range(self._num_lanes))
        self.first = (1 << _LANE * self._num_blocks) - 1
        self.caps = 0
        for block in range(1, self._num_blocks + 1):
            kind = problem.kind(block - 1)
            self.caps |= self._at(block, [each.cap for each in self._sums[kind]])
        self._of_nodes = [
            [self._at(1, self._of_node(costs, sums, node)) for node in range(problem.num_nodes)]
            for costs, sums in zip(quotient.kinds, self._sums, strict=True)
        ]
        self._of_io = [self._at(1, [each.io for each in sums]) for sums in self._sums]

    @classmethod
    def of(cls, quotient: Quotient, problem: Problem, threshold: int) -> Self | None:
        """Give them; None where sums do not say it all, or are too large or too many."""
        for costs in problem.kinds:
            streams = costs.memory is not None and any(costs.stored)
            holds = costs.memory_limit is not None and (any(problem.param_size) or any(problem.live_bytes))
            if streams or holds:
                return None
        limits = [limit or 0 for costs in problem.kinds for limit in (costs.memory_limit, costs.memory)]
        largest = max(sum(problem.param_bytes) + sum(problem.state_bytes), *limits)
        if problem.adjacent or problem.num_blocks > MOST_BLOCKS or largest >= _ROOM:
            return None
        return cls(quotient, problem, threshold)

    def of_node(self, node: int, block: int) -> int:
        """Give what a block, from 1, takes for a node."""
        return self._of_nodes[self._problem.kind(block - 1)][node] << _LANE * (block - 1)

    def of_import(self, tensor: int, block: int) -> int:
        """Give what a block takes to import a tensor."""
        kind = self._problem.kind(block - 1)
        return self._quotient.kinds[kind].transfer[tensor] * self._of_io[kind] << _LANE * (block - 1)

    def of_export(self, tensor: int, block: int) -> int:
        """Give what a block takes to export a tensor."""
        kind = self._problem.kind(block - 1)
        return self._quotient.kinds[kind].leaving[tensor] * self._of_io[kind] << _LANE * (block - 1)

    def first_sum(self, sums: int) -> int:
        """Add up the first sums of all blocks."""
        return self.from_each(sums) & (1 << _LANE) - 1

    def up_to_each(self, sums: int) -> int:
        """Give for each block the first sums of the blocks up to it, together."""
        sums &= self.first
        step = 1
        while step < self._num_blocks:
            sums += sums << _LANE * step & self.first
            step *= 2
        return sums

    def from_each(self, sums: int) -> int:
        """Give for each block the first sums of the blocks from it on, together."""
        sums &= self.first
        step = 1
        while step < self._num_blocks:
            sums += sums >> _LANE * step
            step *= 2
        return sums

    def are_within(self, sums: int, caps: int) -> bool:
        """Whether no sum is more than its cap."""
        return (caps | self.guards) - sums & self.guards == self.guards

    def most(self, one: int, other: int) -> int:
        """Give the larger of each two sums."""
        is_more = (one | self.guards) - other & self.guards
        mask = is_more - (is_more >> _LANE - 1)
        return one & mask | other & ~mask

    def least(self, one: int, other: int) -> int:
        """Give the smaller of each two sums."""
        is_more = (one | self.guards) - other & self.guards
        mask = is_more - (is_more >> _LANE - 1)
        return other & mask | one & ~mask

    def room_after(self, most: int) -> int:
        """Give what the caps leave after sums, which may be more than they."""
        return self.most(self.caps, most) - most

    def _of_node(self, costs: GroupCosts, sums: Sequence[_Sum], node: int) -> list[int]:
        problem = self._problem
        size, state = problem.param_bytes[node] + problem.state_bytes[node], problem.state_bytes[node]
        return [
            each.work * costs.work[node]
            + each.io * costs.outputs[node]
            + each.params * costs.params[node]
            + each.size * size
            + each.state * state
            for each in sums
        ]

    def _at(self, block: int, amounts: Sequence[int]) -> int:
        """Put the sums of a block into lanes."""
        return sum(amount << _LANE * (place * self._num_blocks + block - 1) for place, amount in enumerate(amounts))
