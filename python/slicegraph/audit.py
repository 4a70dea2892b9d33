"""Grade a given partition: what it costs, and how far from the best possible it can be."""

from __future__ import annotations

import dataclasses
import itertools
import math
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slicegraph.cost import Instance
from slicegraph.feasibility import over_limit
from slicegraph.history import with_bottleneck
from slicegraph.partition import check_partition, cuts_kernels
from slicegraph.requirements import given_order
from slicegraph.result import Result, Status, make_result
from slicegraph.solve.solve import solve
from slicegraph.stop import DEFAULT_STOP, Condition, Progress, Stop, as_stop


def audit(
    instance: Instance,
    block_of: ArrayLike,
    *,
    stop: Condition = DEFAULT_STOP,
    seed: int = 0,
    threads: int | None = None,
    display: bool = False,
) -> Result:
    """Bound how far a given partition is from the best one.

    Parameters
    ----------
    instance
        The problem. Where its graph has kernels, bounds are of the partitions that keep them whole, unless the given
        one does not.
    block_of
        Integers, shape (num_nodes,): the block of each node, from 0. No tensor may run to an earlier block.
    stop
        When to stop looking for better bounds; gaps are those of the given partition. A run also ends when it has
        proven an optimum. When the partition exceeds the memory limit, it ends as
        soon as one is found that does not.
    seed
        From 0 to 2^64 - 1, of the search.
    threads
        Worker threads. None: one per processor.
    display
        Whether to show a line on standard error, if it is a terminal, with the best partition that was found for
        comparison.

    Returns
    -------
    Result
        Of the given partition: its costs, and the lower bounds that were proven. With status ``suboptimal`` when the
        optimum is known and the partition is worse.

    Raises
    ------
    InputError
        When the partition is none (naming the node, or the cycle), or a parameter is out of range.

    Examples
    --------
    >>> import slicegraph as sg
    >>> graph = sg.Graph(work=[2, 2], producer=[0], size=[0], consumers=[1], consumer_offsets=[0, 1])
    >>> instance = sg.Instance(graph, device=sg.Device(bandwidth=64), num_blocks=2)
    >>> result = sg.audit(instance, [0, 0])
    >>> result.bottleneck, result.lower_bound, result.gap
    (4.0, 2.0, 0.5)
    """
    given_order(instance, "audit")
    stop = as_stop(stop)
    begin = time.perf_counter()
    blocks = check_partition(instance, block_of)
    instance = instance.loose() if cuts_kernels(instance.graph, blocks) else instance.contracted()
    bottleneck = max(block.cost for block in instance.block_costs(blocks))
    found = solve(instance, stop=_PlanStop(stop, bottleneck), seed=seed, threads=threads, display=display)
    return make_result(
        instance,
        block_of=blocks,
        bounds=found.bounds,
        evaluations=found.evaluations,
        seconds=time.perf_counter() - begin,
        stop=stop,
        is_interrupted=found.status is Status.INTERRUPTED,
        seed=seed,
        method="audit",
        is_optimum_known=found.status is Status.OPTIMAL,
        history=with_bottleneck(found.history, bottleneck),
    )


def complaints(instance: Instance, block_of: ArrayLike) -> list[str]:
    """List in plain sentences what is wrong with a partition, although it is one.

    Parameters
    ----------
    instance
        The problem.
    block_of
        As in `audit`.

    Returns
    -------
    list
        Stages that are empty, and stages above the memory limit; empty when there is nothing to say.

    Raises
    ------
    InputError
        When it is not a partition.

    Examples
    --------
    >>> import slicegraph as sg
    >>> from slicegraph.audit import complaints
    >>> graph = sg.Graph(work=[2, 2], producer=[0], size=[0], consumers=[1], consumer_offsets=[0, 1])
    >>> complaints(sg.Instance(graph, device=sg.Device(bandwidth=64), num_blocks=4), [0, 2])
    ['stage 1 is empty', 'stage 3 is empty']
    """
    blocks = check_partition(instance, block_of)
    heavy = [
        over_limit(instance, stage, block)
        for stage, block in enumerate(instance.block_costs(blocks))
        if math.isinf(block.cost)
    ]
    return [*_empty(blocks, instance.num_blocks), *heavy]


@dataclass(frozen=True, slots=True)
class _PlanStop(Stop):
    """Asks the caller's stop about the plan, whatever better partition the run has found.

    It asks for no gap of its own: a run that ended within that gap of its own partition would end too early.
    """

    stop: Stop
    bottleneck: float

    @property
    def work(self) -> int | None:
        return self.stop.work

    def __call__(self, progress: Progress) -> bool:
        # Above the memory limit a plan's gap is 1 whatever is proven, but for that nothing fits.
        if math.isinf(self.bottleneck):
            return not math.isinf(progress.bottleneck) or self.stop(progress)
        if self.bottleneck <= progress.lower_bound:
            return True
        return self.stop(dataclasses.replace(progress, bottleneck=self.bottleneck))


def _empty(blocks: NDArray[np.int32], num_blocks: int) -> list[str]:
    """Name the empty stages, a run of them in one line."""
    used = [-1, *np.unique(blocks).tolist(), num_blocks]
    gaps = [(before + 1, after - 1) for before, after in itertools.pairwise(used) if after - before > 1]
    return [
        f"stage {first} is empty" if first == last else f"stages {first} to {last} are empty" for first, last in gaps
    ]
