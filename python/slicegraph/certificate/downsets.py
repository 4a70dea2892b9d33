"""Whether any partition is better than a threshold: all of them are tried, block by block.

A downset holds with each node all that it reads from. The first blocks of a partition make a downset; from one that is
reached, every set of nodes that makes a larger one is a block, if it costs less than the threshold. The fewest blocks
with which a downset is reached are what counts, so downsets are reached breadth first, each once.

**Why nothing is missed.** A set is extended node by node, those left out before stay out, so each is tried once. Its
load, its imports (made before it or by no node), its overflow and its bytes only grow, so where they are too much no
extension can do. A downset is left out when the blocks that are left, each below the threshold, cannot pay the rest's
load, the tensors that the rest reads and does not make, once each, and the parameters beyond all their memories; or
when they cannot hold its bytes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import final

from slicegraph.certificate.budget import Budget
from slicegraph.certificate.ticks import Problem
from slicegraph.certificate.windows import topological_order

_BYTES_PER_STEP = 256
# A downset as bits, and what is left: ticks to pay, ticks and bytes of parameters.
_Rest = tuple[int, int, int, int]


@final
class Downsets:
    """A problem in bits.

    Parameters
    ----------
    problem
        Whose partitions they are.
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
        num_rows = len(problem.work) + sum(1 + len(consumers) for consumers in problem.consumers)
        budget.spend(num_rows * (1 + len(problem.work) // 8 // _BYTES_PER_STEP))
        self._problem = problem
        self._limit = math.inf if problem.memory_limit is None else problem.memory_limit
        self._memory = math.inf if problem.memory is None else problem.memory
        size = len(problem.work)
        predecessors: list[set[int]] = [set() for _ in range(size)]
        successors: list[set[int]] = [set() for _ in range(size)]
        self._load = list(problem.work)
        # What a node adds to the exports of its set, and to the tensors that wait for a reader.
        self._leaving, self._made = [0] * size, [0] * size
        # Of what a node reads: bits of its producer and of its readers, and ticks to import and to export it.
        self._reads: list[list[tuple[int, int, int, int]]] = [[] for _ in range(size)]
        self._entering = 0
        for tensor, (producer, consumers) in enumerate(zip(problem.producer, problem.consumers, strict=True)):
            ticks = problem.transfer[tensor]
            is_out = producer >= 0 and problem.is_paid_outside(tensor)
            if is_out:
                self._load[producer] += ticks
            if not consumers or (producer < 0 and not problem.boundary_io):
                continue
            leaving = 0 if is_out else ticks
            if producer >= 0:
                self._leaving[producer] += leaving
                self._made[producer] += ticks
                successors[producer] |= set(consumers)
            else:
                self._entering += ticks
            made_by = 1 << producer if producer >= 0 else 0
            readers = sum(1 << consumer for consumer in set(consumers))
            for consumer in set(consumers):
                self._reads[consumer].append((made_by, readers, ticks, leaving))
                predecessors[consumer] |= {producer} - {-1}
        topological_order(successors, [list(nodes) for nodes in predecessors])
        self._successors = successors
        self._needs = [sum(1 << node for node in nodes) for nodes in predecessors]

    def has_better(
        self, threshold: int, budget: Budget, windows: tuple[Sequence[int], Sequence[int]] | None = None
    ) -> bool:
        """Whether a partition costs less than a threshold in each of its blocks.

        ``windows``, the first and the last block from 1 in which each node can be in any such one, leave fewer sets.

        Raises
        ------
        BeyondBudgetError
            When more sets would have to be tried.

        Notes
        -----
        O(sets that are tried x reads of a node), which is at most exponential.
        """
        problem = self._problem
        rest = (0, sum(self._load) + self._entering, sum(problem.params), sum(problem.param_bytes))
        if not self._is_payable(rest, problem.num_blocks, threshold):
            return False
        if self._ends(rest, threshold):
            return True
        reached, frontier = {0}, [rest]
        steps_to_keep = 1 + len(self._load) // 8 // _BYTES_PER_STEP
        for num_left in range(problem.num_blocks - 1, 0, -1):
            if not frontier:
                break
            budget.spend(1 if windows is None else len(self._load))
            following = []
            needed, barred = _sides(windows, problem.num_blocks - num_left)
            for before in frontier:
                for after in self._extend(before, threshold, budget, barred):
                    if after[0] in reached or needed & ~after[0] or not self._is_payable(after, num_left, threshold):
                        continue
                    if self._ends(after, threshold):
                        return True
                    budget.spend(steps_to_keep)
                    reached.add(after[0])
                    following.append(after)
            frontier = following
        return False

    def _is_payable(self, rest: _Rest, num_blocks: int, threshold: int) -> bool:
        """Whether so many blocks may be able to take the rest."""
        _, ticks, params, size = rest
        spilled = max(0, params - num_blocks * self._memory)
        return ticks + spilled <= num_blocks * (threshold - 1) and size <= num_blocks * self._limit

    def _ends(self, rest: _Rest, threshold: int) -> bool:
        """Whether one block takes the rest, which then pays all of it and exports nothing."""
        return self._is_payable(rest, 1, threshold)

    def _extend(self, before: _Rest, threshold: int, budget: Budget, barred: int) -> Iterator[_Rest]:
        """Give what is left after each block that can follow without some nodes."""
        base = before[0]
        shut = base | barred
        begin = [node for node, needs in enumerate(self._needs) if not shut >> node & 1 and not needs & ~base]
        # Of each set: nodes that may join it, what is left after it, and its own growing costs, parameters, bytes
        # and exports.
        stack = [(begin, before, 0, 0, 0, 0)]
        params_of, size_of = self._problem.params, self._problem.param_bytes
        while stack:
            joining, (inside, ticks, params_left, size_left), cost, params, size, exports = stack.pop()
            budget.spend(len(joining))
            for place, node in enumerate(joining):
                new_cost, new_exports = cost + self._load[node], exports + self._leaving[node]
                new_ticks = ticks - self._load[node] + self._made[node]
                grown = inside | 1 << node
                members = inside & ~base
                for made_by, readers, transfer, leaving in self._reads[node]:
                    is_last = not readers & ~grown
                    if is_last:
                        new_ticks -= transfer
                    if made_by & members:
                        new_exports -= leaving if is_last else 0
                    elif not readers & members:
                        new_cost += transfer
                new_params, new_size = params + params_of[node], size + size_of[node]
                growing = new_cost + max(0, new_params - self._memory)
                if growing >= threshold or new_size > self._limit:
                    continue
                rest = (grown, new_ticks, params_left - params_of[node], size_left - size_of[node])
                if growing + new_exports < threshold:
                    yield rest
                freed = [
                    each for each in self._successors[node] if not self._needs[each] & ~grown and not barred >> each & 1
                ]
                following = joining[place + 1 :] + freed
                budget.spend(8 * len(following) // _BYTES_PER_STEP)
                stack.append((following, rest, new_cost, new_params, new_size, new_exports))


def _sides(windows: tuple[Sequence[int], Sequence[int]] | None, block: int) -> tuple[int, int]:
    """Give who is among the first blocks for sure, and who is not, as bits."""
    if windows is None:
        return 0, 0
    first, last = windows
    needed = sum(1 << node for node, each in enumerate(last) if each <= block)
    return needed, sum(1 << node for node, each in enumerate(first) if each > block)
