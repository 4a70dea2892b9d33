"""A breadth-first search over all downsets: whether any partition is below a threshold.

A downset contains every predecessor of its nodes. The first blocks of a partition are a downset. From a downset, every
set of nodes that extends it to a larger one is a block, if it costs less than the threshold on the device of its stage
and this stage may hold its nodes. Stages may stay empty, so only the fewest stages that reach a downset matter: the
search is breadth first, and visits each downset once.

**Completeness.** A set is extended node by node, and nodes that were left out stay out, so each set is tried once. Its
load, its imports (of tensors made before it or by no node), its overflow and its bytes only grow, so a set that is too
expensive has no valid extension. A downset is left out in three cases: the remaining stages cannot pay the load of the
rest, the tensors that the rest reads and does not make, once each, and the parameters beyond all their memories, each
weighted by the least multiplier; or they cannot hold its bytes; or a node of the rest may be on none of them. A stage
that may hold no more than an earlier one of its kind extends no downset that was reached before the earlier one: the
block would fit there.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import final

from slicegraph.certificate.blocks import BYTES_PER_STEP, Blocks, Rest, high_sum, low_sum, make_bits
from slicegraph.certificate.budget import Budget
from slicegraph.certificate.problem import Problem

_PER_STEP = 8
"""Nodes, tensors or reads that are looked at in the time of a step."""


@final
class Downsets:
    """The search over the downsets of a problem, as bit sets.

    Parameters
    ----------
    problem
        The problem. Sets of nodes that must be together are ignored, which allows more partitions.
    budget
        Steps that making it may take.

    Raises
    ------
    PlacedError
        When the graph has a cycle.
    BeyondBudgetError
        When it takes more steps.
    """

    def __init__(self, problem: Problem, budget: Budget) -> None:
        # Each row of bits is built anew for every entry.
        num_rows = problem.num_nodes + sum(1 + len(consumers) for consumers in problem.consumers)
        budget.spend(num_rows * (1 + problem.num_nodes // 8 // BYTES_PER_STEP))
        self._problem, self._bits = problem, make_bits(problem)
        self._blocks = [Blocks(problem, self._bits, kind) for kind in range(len(problem.kinds))]
        self._barred = [0] * problem.num_blocks
        if problem.allowed is not None:
            budget.spend(problem.num_blocks * problem.num_nodes // _PER_STEP)
            for stage in range(problem.num_blocks):
                self._barred[stage] = sum(1 << node for node, may in enumerate(problem.allowed) if not may >> stage & 1)
        self._rooms = self._make_rooms()
        # The last stage of each kind with the same nodes barred, and before each stage the last that is as good.
        self._last: dict[tuple[int, int], int] = {}
        self._back = []
        for stage, barred in enumerate(self._barred):
            kind = problem.kind(stage)
            good = (at for (other, shut), at in self._last.items() if other == kind and not shut & ~barred)
            self._back.append(max(good, default=-1))
            self._last[kind, barred] = stage
        costs = problem.kinds[0]
        # The sums of what is left are what one block pays for it.
        self._is_exact = (
            len(problem.kinds) == 1
            and problem.allowed is None
            and not costs.is_overlap
            and (costs.memory_limit is None or not any(problem.live_bytes))
        )

    def _make_rooms(self) -> list[tuple[int, float, float, float]]:
        """Give what the stages from each on have: multipliers, weighed memory, and bytes, also of state."""
        problem = self._problem
        rooms: list[tuple[int, float, float, float]] = [(0, 0, 0, 0)]
        for stage in reversed(range(problem.num_blocks)):
            before, own = rooms[-1], self._room(stage)
            rooms.append((before[0] + own[0], before[1] + own[1], before[2] + own[2], before[3] + own[3]))
        return rooms[::-1]

    def _room(self, stage: int) -> tuple[int, float, float, float]:
        """Give what one stage has."""
        problem = self._problem
        costs, weight = problem.on(stage), problem.multipliers[problem.kind(stage)]
        memory = math.inf if costs.memory is None else weight * costs.memory
        limit, state_limit = (math.inf if each is None else each for each in (costs.memory_limit, costs.state_limit))
        return weight, memory, limit, state_limit

    def has_better(
        self,
        threshold: int,
        budget: Budget,
        windows: tuple[Sequence[int], Sequence[int]] | None = None,
        *,
        is_part: bool = False,
    ) -> bool:
        """Whether a partition costs less than a threshold in each of its blocks.

        ``windows``, the first and the last block from 1 in which each node can be in any such one, leave fewer sets.
        Where they are of a part of those partitions, every stage looks at all that was reached, as a block that fits an
        earlier stage may not be in its windows.

        Raises
        ------
        BeyondBudgetError
            When more sets would have to be tried.

        Notes
        -----
        O(sets that are tried x reads of a node), which is at most exponential.
        """
        whole = self._whole()
        if not self._is_payable(whole, self._rooms[0], threshold):
            return False
        if self._ends(whole, 0, threshold, budget):
            return True
        reached, levels = {0}, [[whole]]
        steps_to_keep = 1 + self._problem.num_nodes // 8 // BYTES_PER_STEP
        for stage in range(self._problem.num_blocks - 1):
            sources = levels[0 if is_part else self._back[stage] + 1 :]
            levels.append([])
            if not any(sources):
                continue
            has_sides = windows is not None or self._problem.allowed is not None
            budget.spend(self._problem.num_nodes if has_sides else 1)
            needed, barred = self._sides(windows, stage)
            blocks, rooms = self._blocks[self._problem.kind(stage)], self._rooms[stage + 1]
            for before in itertools.chain.from_iterable(sources):
                for after in blocks.after(before, threshold, budget, barred):
                    if after[0] in reached or needed & ~after[0] or not self._is_payable(after, rooms, threshold):
                        continue
                    if self._ends(after, stage + 1, threshold, budget):
                        return True
                    budget.spend(steps_to_keep)
                    reached.add(after[0])
                    levels[-1].append(after)
        return False

    def _whole(self) -> Rest:
        """Give what is left after nothing."""
        problem, bits = self._problem, self._bits
        entering = sum(
            bits.weighed_transfer[tensor]
            for tensor, producer in enumerate(problem.producer)
            if producer < 0 and problem.is_paid_outside(tensor)
        )
        shared = [param for param, readers in enumerate(problem.param_readers) if readers]
        return Rest(
            inside=0,
            ticks=sum(bits.weight) + entering,
            params=sum(bits.weighed_params) + sum(bits.weighed_stored[param] for param in shared),
            size=sum(bits.size) + sum(problem.param_size[param] for param in shared),
        )

    @staticmethod
    def _is_payable(rest: Rest, rooms: tuple[int, float, float, float], threshold: int) -> bool:
        """Whether stages that have so much may be able to take the rest."""
        _, ticks, params, size = rest
        weight, memory, limit, state_limit = rooms
        paid = weight * (threshold - 1)
        return (
            ticks <= paid
            and (not params or ticks + params <= paid + memory)
            and low_sum(size) <= limit
            and high_sum(size) <= state_limit
        )

    def _ends(self, rest: Rest, stage: int, threshold: int, budget: Budget) -> bool:
        """Whether one block on some stage from this on takes the rest."""
        left = ~rest.inside & ((1 << self._problem.num_nodes) - 1)
        return any(
            at >= stage
            and not barred & left
            and self._is_payable(rest, self._room(at), threshold)
            and (self._is_exact or self._takes(left, kind, threshold, budget))
            for (kind, barred), at in self._last.items()
        )

    def _takes(self, left: int, kind: int, threshold: int, budget: Budget) -> bool:
        """Whether the last block, on a kind of device, costs less than a threshold."""
        problem = self._problem
        budget.spend(1 + problem.size // len(problem.kinds) // _PER_STEP)
        costs = problem.kinds[kind]
        nodes = [node for node in range(problem.num_nodes) if left >> node & 1]
        held, io = problem.held(nodes, kind), 0
        for tensor, (producer, consumers) in enumerate(zip(problem.producer, problem.consumers, strict=True)):
            if producer >= 0 and left >> producer & 1:
                io += costs.transfer[tensor] * problem.is_paid_outside(tensor)
            elif (producer >= 0 or problem.boundary_io) and any(left >> node & 1 for node in consumers):
                io += costs.transfer[tensor]
        cost = costs.busy(sum(costs.work[node] for node in nodes), io, costs.overflow(held.params))
        return cost < threshold and not costs.excess(held.peak, held.state)

    def _sides(self, windows: tuple[Sequence[int], Sequence[int]] | None, stage: int) -> tuple[int, int]:
        """Give the nodes that windows put into the blocks up to a stage, and those that they put after it, as bits."""
        barred = self._barred[stage]
        needed = 0
        for node, may in enumerate(self._problem.allowed or ()):
            needed |= (not may >> (stage + 1)) << node
        if windows is not None:
            first, last = windows
            needed |= sum(1 << node for node, each in enumerate(last) if each <= stage + 1)
            barred |= sum(1 << node for node, each in enumerate(first) if each > stage + 1)
        return needed, barred
