"""What a superblock pays for each node, tensor and shared parameter, and what its stages have room for.

A superblock of stages of one kind of device pays by the costs of that kind. Where its stages are unlike, it pays for
everything the least cost times the multiplier of the kind, over its stages that may hold it.

**Claim.** For a partition of bottleneck ``t`` that is at most ``t`` times the sum of its stages' multipliers, and its
overflow is at least what its nodes' multiplied parameters take beyond the sum of its stages' multiplied memories.

**Proof.** Multiply what each stage pays by the multiplier of its kind and add up. Every node, every tensor that crosses
the border of the superblock and every parameter is paid by some stage in it, at no less than its least multiplied cost.
A stage that communicates beside its computation pays at least its work, so its transfers are counted as nothing.

Multipliers count in units of 2^-20; costs are rounded down, and room up, to 2^-10 ticks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from slicegraph.certificate.costs import Costs
from slicegraph.certificate.problem import Problem, ceil_div

PARTS = 2**10
"""Of a tick, in which multiplied costs are counted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Prices:
    """What a superblock pays, in ticks, or in parts of a tick where its stages are unlike.

    Attributes
    ----------
    work, params
        Per node.
    transfer
        Per tensor.
    stored
        Per parameter that several nodes read.
    room
        What it pays at most, per tick of the bottleneck.
    memory
        What stays resident; None: all.
    is_overlap
        Whether the larger of what it runs and what it moves counts, not their sum.
    """

    work: Sequence[int]
    transfer: Sequence[int]
    params: Sequence[int]
    stored: Sequence[int]
    room: int
    memory: int | None
    is_overlap: bool

    @property
    def all_params(self) -> int:
        """What everything that is stored takes to stream in."""
        return sum(self.params) + sum(self.stored)


def prices_of_kind(problem: Problem, kind: int, span: int = 1) -> Prices:
    """Give the prices of so many stages of one kind."""
    costs, memory = problem.kinds[kind], memory_of(problem, kind)
    return Prices(
        work=costs.work,
        transfer=costs.transfer,
        params=costs.params,
        stored=costs.stored,
        room=span,
        memory=None if memory is None else span * memory,
        is_overlap=costs.is_overlap,
    )


def prices_of_stages(problem: Problem, first: int, last: int) -> Prices:
    """Give what the stages from ``first`` to before ``last`` pay together."""
    count_of: dict[int, int] = {}
    for stage in range(first, last):
        kind = problem.kind(stage)
        count_of[kind] = count_of.get(kind, 0) + 1
    if len(count_of) == 1:
        return prices_of_kind(problem, problem.kind(first), last - first)
    holds = _kinds_within(problem, first, last, count_of)

    def multiplied(price: Callable[[Costs], Sequence[int]]) -> dict[int, list[int]]:
        return {
            kind: [problem.multipliers[kind] * ticks // PARTS for ticks in price(problem.kinds[kind])]
            for kind in count_of
        }

    def least(prices: dict[int, list[int]]) -> list[int]:
        return [min(each) for each in zip(*prices.values(), strict=True)]

    def least_of_nodes(prices: dict[int, list[int]]) -> list[int]:
        # A node that no stage may hold costs nothing here.
        return [min((prices[kind][node] for kind in kinds), default=0) for node, kinds in enumerate(holds)]

    memories = [(problem.multipliers[kind] * count, memory_of(problem, kind)) for kind, count in count_of.items()]
    resident = sum(weight * (memory or 0) for weight, memory in memories)
    return Prices(
        work=least_of_nodes(multiplied(lambda costs: costs.work)),
        transfer=least(multiplied(lambda costs: [0] * len(costs.transfer) if costs.is_overlap else costs.transfer)),
        params=least_of_nodes(multiplied(lambda costs: costs.params)),
        stored=least(multiplied(lambda costs: costs.stored)),
        room=ceil_div(sum(weight for weight, _ in memories), PARTS),
        memory=None if any(memory is None for _, memory in memories) else ceil_div(resident, PARTS),
        is_overlap=False,
    )


def is_uniform(problem: Problem) -> bool:
    """Whether all stages are of one kind."""
    return len(set(problem.kind_of)) <= 1


def memory_of(problem: Problem, kind: int) -> int | None:
    """Give the ticks that stay resident on a kind; of several kinds, None where there is room for everything."""
    costs = problem.kinds[kind]
    is_ample = len(problem.kinds) > 1 and not any(costs.params) and not any(costs.stored)
    return None if is_ample else costs.memory


def _kinds_within(problem: Problem, first: int, last: int, kinds: dict[int, int]) -> list[list[int]]:
    """Give per node the kinds of those stages that may hold it."""
    if problem.allowed is None:
        return [list(kinds)] * problem.num_nodes
    within = (1 << last) - (1 << first)
    stages = problem.stages_of_kinds
    return [[kind for kind in kinds if may & within & stages[kind]] for may in problem.allowed]
