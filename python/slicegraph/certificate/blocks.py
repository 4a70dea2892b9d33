"""Enumeration of the blocks, on one kind of device, that can follow a downset: a backtracking search over nodes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, final

from slicegraph.certificate.budget import Budget
from slicegraph.certificate.problem import Problem
from slicegraph.certificate.windows import topological_order

BYTES_PER_STEP = 256
"""Of sets in bits, in the time of a step."""
_PER_STEP = 8
"""Tensors that wait, looked at in the time of a step."""
# Two sums travel in one integer; each is less than 2^64.
_LANE = 64
_MASK: int = 2**_LANE - 1


class Rest(NamedTuple):
    """The nodes after a downset, with their sums."""

    inside: int
    """The downset as bits."""
    ticks: int
    """Least weighed load of what is left, and of the tensors that it reads and does not make."""
    params: int
    """Least weighed parameters of what is left, beyond that."""
    size: int
    """Bytes of parameters and state of what is left, and above them of state alone."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Bits:
    """A graph as bit sets, with lower bounds on its costs over all kinds of device.

    Attributes
    ----------
    successors, needs
        Per node: the nodes that read something of it, and those that it reads something of, as bits.
    reads
        Of what a node reads: its tensor, bits of its producer and of its readers.
    shared
        Of the parameters of several nodes that a node reads: the parameter and bits of its readers.
    weight, weighed_params
        Per node: the least weighed load, and how much more with its parameters.
    weighed_transfer
        Per tensor: the least weighed import.
    weighed_stored
        Per parameter of several nodes: the least weighed ticks in which it streams in.
    size
        Per node: bytes of its own parameters and state, and above them of state alone.
    """

    successors: list[set[int]]
    needs: list[int]
    reads: list[list[tuple[int, int, int]]]
    shared: list[list[tuple[int, int]]]
    weight: list[int]
    weighed_params: list[int]
    weighed_transfer: list[int]
    weighed_stored: list[int]
    size: list[int]


def two_sums(low: int, high: int) -> int:
    """Put two sums into one integer."""
    return low | high << _LANE


def low_sum(both: int) -> int:
    """Give the first of two sums."""
    return both & _MASK


def high_sum(both: int) -> int:
    """Give the second of two sums."""
    return both >> _LANE


def make_bits(problem: Problem) -> Bits:
    """Convert a problem to bit sets.

    Raises
    ------
    PlacedError
        When the graph has a cycle.
    """
    size = problem.num_nodes
    predecessors: list[set[int]] = [set() for _ in range(size)]
    successors: list[set[int]] = [set() for _ in range(size)]
    reads: list[list[tuple[int, int, int]]] = [[] for _ in range(size)]
    for tensor, (producer, consumers) in enumerate(zip(problem.producer, problem.consumers, strict=True)):
        if not consumers or (producer < 0 and not problem.boundary_io):
            continue
        if producer >= 0:
            successors[producer] |= set(consumers)
        made_by = 1 << producer if producer >= 0 else 0
        readers = sum(1 << consumer for consumer in set(consumers))
        for consumer in set(consumers):
            reads[consumer].append((tensor, made_by, readers))
            predecessors[consumer] |= {producer} - {-1}
    topological_order(successors, [list(nodes) for nodes in predecessors])
    of_param = [sum(1 << node for node in set(readers)) for readers in problem.param_readers]
    weight, weighed_params = _weights(problem)
    return Bits(
        successors=successors,
        needs=[sum(1 << node for node in nodes) for nodes in predecessors],
        reads=reads,
        shared=[[(param, of_param[param]) for param in params] for params in problem.reads_of_params],
        weight=weight,
        weighed_params=weighed_params,
        weighed_transfer=_weighed_transfers(problem),
        weighed_stored=[
            min(weight * costs.stored[param] for weight, costs in zip(problem.multipliers, problem.kinds, strict=True))
            for param in range(len(problem.param_size))
        ],
        size=[
            two_sums(own + state, state) for own, state in zip(problem.param_bytes, problem.state_bytes, strict=True)
        ],
    )


def _weights(problem: Problem) -> tuple[list[int], list[int]]:
    outputs = [problem.outputs(costs) for costs in problem.kinds]
    weight, more = [], []
    for node, kinds in enumerate(problem.kinds_of_nodes):
        loads, filled = [], []
        for kind in kinds:
            costs, multiplier = problem.kinds[kind], problem.multipliers[kind]
            load = costs.work[node] + (0 if costs.is_overlap else outputs[kind][node])
            loads.append(multiplier * load)
            filled.append(multiplier * (load + costs.params[node]))
        weight.append(min(loads, default=0))
        more.append(min(filled, default=0) - weight[-1])
    return weight, more


def _weighed_transfers(problem: Problem) -> list[int]:
    kinds_of, weights = problem.kinds_of_nodes, problem.multipliers
    least = []
    for tensor, consumers in enumerate(problem.consumers):
        kinds = {kind for node in consumers for kind in kinds_of[node]} if problem.allowed else range(len(weights))
        prices = (0 if problem.kinds[kind].is_overlap else problem.kinds[kind].transfer[tensor] for kind in kinds)
        least.append(min((weights[kind] * price for kind, price in zip(kinds, prices, strict=True)), default=0))
    return least


def _handed_on(waiting: Sequence[tuple[int, int]], grown: int, base: int, budget: Budget) -> int:
    """Give what a block pays more for tensors that wait before it: readers as bits, and ticks."""
    budget.spend(len(waiting) // _PER_STEP)
    members = grown & ~base
    return sum(ticks * (bool(readers & ~grown) + (not readers & members)) for readers, ticks in waiting)


@final
class Blocks:
    """Blocks on one kind of device.

    Parameters
    ----------
    problem, bits
        Whose blocks they are.
    kind
        The kind of the device.
    """

    def __init__(self, problem: Problem, bits: Bits, kind: int) -> None:
        costs = problem.kinds[kind]
        self._bits, self._is_overlap = bits, costs.is_overlap
        # On a kind that overlaps, what is moved is a sum of its own.
        lane = _LANE if costs.is_overlap else 0
        self._memory = math.inf if costs.memory is None else costs.memory
        self._params = costs.params
        limit = math.inf if costs.memory_limit is None else costs.memory_limit
        self._room = [limit - live for live in problem.live_bytes]
        self._limit, self._state_limit = limit, costs.state_limit
        outputs = problem.outputs(costs)
        self._load = [work + (out << lane) for work, out in zip(costs.work, outputs, strict=True)]
        leaving = [
            0 if problem.boundary_io and is_output else ticks << lane
            for ticks, is_output in zip(costs.transfer, problem.is_output, strict=True)
        ]
        # What a node adds to the exports of its set, and to the weighed tensors that wait for a reader.
        self._leaving, self._made = [0] * problem.num_nodes, [0] * problem.num_nodes
        for tensor, (producer, consumers) in enumerate(zip(problem.producer, problem.consumers, strict=True)):
            if producer >= 0 and consumers:
                self._leaving[producer] += leaving[tensor]
                self._made[producer] += bits.weighed_transfer[tensor]
        self._reads = [
            [
                (made_by, readers, costs.transfer[tensor] << lane, leaving[tensor], bits.weighed_transfer[tensor])
                for tensor, made_by, readers in reads
            ]
            for reads in bits.reads
        ]
        # Of tensors that blocks hand on: bits of the producer and of the readers, and ticks.
        self._handed_on = [
            (1 << producer, sum(1 << node for node in set(consumers)), costs.transfer[tensor] << lane)
            for tensor, (producer, consumers) in enumerate(zip(problem.producer, problem.consumers, strict=True))
            if problem.adjacent and producer >= 0 and consumers and costs.transfer[tensor]
        ]
        self._shared = [
            [
                (readers, costs.stored[param], problem.param_size[param], bits.weighed_stored[param])
                for param, readers in params
            ]
            for params in bits.shared
        ]

    def after(  # noqa: C901 - one case for each part of a cost
        self, before: Rest, threshold: int, budget: Budget, barred: int
    ) -> Iterator[Rest]:
        """Give what is left after each block below a threshold that can follow without some nodes.

        Raises
        ------
        BeyondBudgetError
            When more sets would have to be tried.
        """
        base = before[0]
        shut = base | barred
        waiting = [
            (readers, ticks) for made_by, readers, ticks in self._handed_on if made_by & base and readers & ~base
        ]
        budget.spend(len(self._handed_on) // _PER_STEP)
        needs_of, successors = self._bits.needs, self._bits.successors
        begin = [node for node, needs in enumerate(needs_of) if not shut >> node & 1 and not needs & ~base]
        # Of each set: nodes that may join it, what is left after it, and its own growing costs, parameters, bytes,
        # exports and bytes that the limit leaves beside what is alive.
        stack = [(begin, before, 0, 0, 0, 0, self._limit)]
        weights, weighed_params, size_of = self._bits.weight, self._bits.weighed_params, self._bits.size
        while stack:
            joining, (inside, ticks, params_left, size_left), cost, params, size, exports, room = stack.pop()
            budget.spend(len(joining))
            members = inside & ~base
            for place, node in enumerate(joining):
                new_cost, new_exports = cost + self._load[node], exports + self._leaving[node]
                new_ticks = ticks - weights[node] + self._made[node]
                grown = inside | 1 << node
                for made_by, readers, transfer, leaving, weighed in self._reads[node]:
                    is_last = not readers & ~grown
                    if is_last:
                        new_ticks -= weighed
                    if made_by & members:
                        new_exports -= leaving if is_last else 0
                    elif not readers & members:
                        new_cost += transfer
                new_params, new_size = params + self._params[node], size + size_of[node]
                new_params_left, new_size_left = params_left - weighed_params[node], size_left - size_of[node]
                for readers, stored, stored_bytes, weighed in self._shared[node]:
                    if not readers & members:
                        new_params, new_size = new_params + stored, new_size + stored_bytes
                    if not readers & ~grown:
                        new_params_left, new_size_left = new_params_left - weighed, new_size_left - stored_bytes
                new_room = min(room, self._room[node])
                overflow = max(0, new_params - self._memory)
                growing = self._busy(new_cost, overflow) if self._is_overlap else new_cost + overflow
                if growing >= threshold or new_size & _MASK > new_room or self._has_excess(new_size):
                    continue
                rest = Rest(grown, new_ticks, new_params_left, new_size_left)
                moved = new_exports + _handed_on(waiting, grown, base, budget)
                whole = self._busy(new_cost + moved, overflow) if self._is_overlap else growing + moved
                if whole < threshold:
                    yield rest
                freed = [each for each in successors[node] if not needs_of[each] & ~grown and not barred >> each & 1]
                following = joining[place + 1 :] + freed
                budget.spend(8 * len(following) // BYTES_PER_STEP)
                stack.append((following, rest, new_cost, new_params, new_size, new_exports, new_room))

    @staticmethod
    def _busy(cost: int, overflow: float) -> float:
        """Give the larger of two sums."""
        return max((cost & _MASK) + overflow, cost >> _LANE)

    def _has_excess(self, size: int) -> bool:
        return self._state_limit is not None and size >> _LANE > self._state_limit
