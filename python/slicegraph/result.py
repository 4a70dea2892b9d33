"""What a run gives: a partition, and how far from the best possible it can be."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from slicegraph.cost import BlockCost, Instance
from slicegraph.stop import Stop, relative_gap


class Status(StrEnum):
    """How a run ended."""

    OPTIMAL = "optimal"
    """The bottleneck equals the lower bound, in ticks: no partition is better."""
    WITHIN_GAP = "within_gap"
    """The gap that was asked for is proven."""
    TIME_LIMIT = "time_limit"
    """The time or the evaluations that were allowed are used up."""
    INTERRUPTED = "interrupted"
    """Ctrl-C."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bound:
    """One lower bound on the bottleneck of every partition.

    Attributes
    ----------
    method
        How it was found.
    lower_bound
        Seconds.
    seconds
        How long it took.
    status
        ``"optimal"`` when the method gave all it can, ``"time_limit"`` when it was cut short (still a bound).
    """

    method: str
    lower_bound: float
    seconds: float
    status: str


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Result:
    """A partition and its guarantee: ``lower_bound <= optimum <= bottleneck``.

    Attributes
    ----------
    instance
        The problem.
    status
        How the run ended.
    block_of
        int32, shape (num_nodes,): the block of each node, from 0.
    block_costs
        What each block pays.
    bottleneck
        Seconds of the dearest block; infinite when no partition within the memory limit was found.
    lower_bound
        Seconds that no partition beats.
    bounds
        The lower bounds that were computed.
    evaluations
        Orders that the search looked at.
    seconds
        Wall-clock time of the run.
    """

    instance: Instance
    status: Status
    block_of: NDArray[np.int32]
    block_costs: tuple[BlockCost, ...]
    bottleneck: float
    lower_bound: float
    bounds: tuple[Bound, ...]
    evaluations: int
    seconds: float

    @property
    def gap(self) -> float:
        """(bottleneck - lower bound) / bottleneck: how far from optimal the partition can be."""
        return relative_gap(self.bottleneck, self.lower_bound)

    @property
    def ratio(self) -> float:
        """The lower bound over the bottleneck; 1 when both are 0, 0 without a partition."""
        return 1.0 if self.bottleneck == self.lower_bound else self.lower_bound / self.bottleneck


def make_result(
    instance: Instance,
    *,
    block_of: NDArray[np.int32],
    bounds: tuple[Bound, ...],
    evaluations: int,
    seconds: float,
    stop: Stop,
    is_interrupted: bool,
) -> Result:
    """Cost a partition from the definition, and name the status that its gap has earned."""
    block_costs = instance.block_costs(block_of)
    bottleneck = max(block.cost for block in block_costs)
    lower_bound = max(bound.lower_bound for bound in bounds)
    if bottleneck <= lower_bound:
        status = Status.OPTIMAL
    elif stop.gap > 0 and relative_gap(bottleneck, lower_bound) <= stop.gap:
        status = Status.WITHIN_GAP
    else:
        status = Status.INTERRUPTED if is_interrupted else Status.TIME_LIMIT
    return Result(
        instance=instance,
        status=status,
        block_of=block_of,
        block_costs=block_costs,
        bottleneck=bottleneck,
        lower_bound=lower_bound,
        bounds=bounds,
        evaluations=evaluations,
        seconds=seconds,
    )
