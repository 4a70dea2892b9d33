"""Grade a partition that somebody else made: what it costs, and how far from the best possible it can be."""

from __future__ import annotations

import dataclasses
import graphlib
import itertools
import math
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slicegraph import checks
from slicegraph.cost import Instance
from slicegraph.errors import InputError
from slicegraph.graph import Graph, integers
from slicegraph.result import Result, Status, make_result
from slicegraph.solve.solve import solve
from slicegraph.stop import DEFAULT_STOP, Progress, Stop, check_stop

_MAX_STAGES_TOLD = 8


def audit(
    instance: Instance,
    block_of: ArrayLike,
    *,
    stop: Stop = DEFAULT_STOP,
    seed: int = 0,
    threads: int | None = None,
    display: bool = False,
) -> Result:
    """Bound how far a given partition is from the best one.

    Parameters
    ----------
    instance
        The problem.
    block_of
        Integers, shape (num_nodes,): the block of each node, from 0. No tensor may run to an earlier block.
    stop
        When to stop looking for better bounds; gaps are those of the given partition. A run also ends when it has
        proven an optimum, which is all that there is to know. When the partition exceeds the memory limit, it ends as
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
    checks.instance_of("instance", instance, Instance)
    check_stop(stop)
    begin = time.perf_counter()
    blocks = _checked(instance, block_of)
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
        is_optimum_known=found.status is Status.OPTIMAL,
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
    blocks = _checked(instance, block_of)
    limit = instance.device.memory_limit
    heavy = [
        f"stage {stage} holds {block.param_bytes} bytes of parameters, but memory_limit is {limit}"
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


def _checked(instance: Instance, block_of: ArrayLike) -> NDArray[np.int32]:
    """Copy a partition in, or say what keeps it from being one in the words of who wrote it."""
    blocks = integers("block_of", block_of)
    try:
        instance.block_costs(blocks)
    except InputError:
        graph, last = instance.graph, instance.num_blocks - 1
        if blocks.size != graph.num_nodes:
            raise
        wrong = np.flatnonzero((blocks < 0) | (blocks > last))
        if wrong.size:
            node = _called("node", wrong[0], graph.arrays.node_name)
            raise InputError(f"{node} is in stage {blocks[wrong[0]]}, but stages are 0 to {last}") from None
        raise InputError(_backwards(graph, blocks)) from None
    return blocks.astype(np.int32)


def _backwards(graph: Graph, blocks: NDArray[np.int64]) -> str:
    """Say where stages wait for each other, or that they only have the wrong numbers."""
    arrays = graph.arrays
    tensors = np.repeat(np.arange(graph.num_tensors), np.diff(arrays.consumer_offsets))
    is_made = arrays.producer[tensors] >= 0
    tensors, readers = tensors[is_made], blocks[arrays.consumers[is_made]]
    producers = blocks[arrays.producer[tensors]]
    cycle = _cycle(producers, readers)
    # The first step back, on the cycle if there is one.
    steps = [(producer, reader) for producer, reader in itertools.pairwise(cycle) if reader < producer]
    is_back = (producers == steps[0][0]) & (readers == steps[0][1]) if steps else readers < producers
    read = int(np.flatnonzero(is_back)[0])
    tensor = _called("tensor", tensors[read], arrays.tensor_name)
    back = f"{tensor} runs from stage {producers[read]} back to stage {readers[read]}"
    if not cycle:
        return f"{back}; there is no cycle, but stages are numbered in the order in which data flows"
    stages = [f"stage {stage}" for stage in cycle]
    if len(stages) > _MAX_STAGES_TOLD:
        stages[_MAX_STAGES_TOLD - 1 : -1] = [f"{len(stages) - _MAX_STAGES_TOLD} more"]
    return f"cycle: {' -> '.join(stages)}, where {back}"


def _cycle(producers: NDArray[np.int64], readers: NDArray[np.int64]) -> list[int]:
    """Find stages that wait for each other, from the least and back to it; none when there are none."""
    producers_of: dict[int, list[int]] = {}
    for producer, reader in np.unique(np.stack([producers, readers])[:, producers != readers], axis=1).T.tolist():
        producers_of.setdefault(reader, []).append(producer)
    try:
        graphlib.TopologicalSorter(producers_of).prepare()
    except graphlib.CycleError as error:
        *stages, _ = error.args[1]
        first = stages.index(min(stages))
        return [*stages[first:], *stages[: first + 1]]
    return []


def _called(kind: str, index: np.integer, names: object) -> str:
    name = names[index] if isinstance(names, tuple) else ""
    return f"{kind} {index} ({name!r:.80})" if name else f"{kind} {index}"
