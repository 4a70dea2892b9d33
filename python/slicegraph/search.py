"""SliceGraph from above: a genetic search over topological orders, each cut at its best."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slicegraph._core import brkga
from slicegraph.bounds.combinatorial import combinatorial
from slicegraph.cost import Instance
from slicegraph.errors import InputError
from slicegraph.result import Result, make_result
from slicegraph.stop import DEFAULT_STOP, Progress, Stop, check_stop

_log = logging.getLogger(__name__)
_MAX_KEYS = 2**24
# More than any machine has; keeps a typing error from starting a thread for everything.
_MAX_THREADS = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class BrkgaParams:
    """Parameters of the biased random-key genetic algorithm.

    Attributes
    ----------
    population
        Individuals per generation, 4 at least. None: 100 as in the paper, fewer for graphs of over 160,000 nodes, whose
        keys would fill the memory.
    elite
        Share of a generation, in (0, 0.5], that lives on.
    mutants
        Share of a generation, in [0, 0.5), that is random anew.
    bias
        Probability, in [0.5, 1), that a child takes a key from its elite parent.
    generations
        Generations after the first. None: until the stop.
    """

    population: int | None = None
    elite: float = 0.3
    mutants: float = 0.1
    bias: float = 0.7
    generations: int | None = None


def search(
    instance: Instance,
    *,
    stop: Stop = DEFAULT_STOP,
    seed: int = 0,
    threads: int | None = None,
    params: BrkgaParams | None = None,
    callback: Callable[[Progress], object] | None = None,
) -> Result:
    """Search for a partition of small bottleneck.

    Random keys, one per node, decode to topological orders, and the dynamic program cuts each order at its best; keys
    evolve (SliceGraph under a BRKGA: section 4 of the paper). The search also ends when its partition meets the
    combinatorial lower bound.

    Parameters
    ----------
    instance
        The problem.
    stop
        When to stop. It is asked after every generation and, so that a time limit holds on large graphs, every few
        milliseconds between.
    seed
        From 0 to 2^64 - 1. The same seed gives the same answer on any number of threads, unless time stops the run.
    threads
        Worker threads. None: one per processor.
    params
        Of the genetic algorithm.
    callback
        Called with the progress as often as ``stop`` is asked.

    Returns
    -------
    Result
        Also after Ctrl-C, with status ``interrupted``.

    Raises
    ------
    InputError
        When a parameter is out of range.

    Notes
    -----
    A generation takes O(population x (nodes log nodes + reads)) in practice. The interpreter lock is released.

    Examples
    --------
    >>> import slicegraph as sg
    >>> graph = sg.Graph(work=[1, 2, 3], producer=[0, 1], size=[8, 8], consumers=[1, 2], consumer_offsets=[0, 1, 2])
    >>> instance = sg.Instance(graph, device=sg.Device(bandwidth=64), num_blocks=2)
    >>> sg.search(instance, stop=sg.MaxEvaluations(100)).bottleneck
    3.125
    """
    check_stop(stop)
    begin = time.perf_counter()
    bound = combinatorial(instance)

    def poll(bottleneck: float, evaluations: int, _generations: int) -> bool:
        progress = Progress(
            seconds=time.perf_counter() - begin,
            bottleneck=bottleneck,
            lower_bound=bound.lower_bound,
            evaluations=evaluations,
        )
        if callback is not None:
            callback(progress)
        return stop(progress)

    found = evolve(instance, seed=seed, threads=threads, params=params, poll=poll)
    return make_result(
        instance,
        block_of=found.block_of,
        bounds=(bound,),
        evaluations=found.evaluations,
        seconds=time.perf_counter() - begin,
        stop=stop,
        is_interrupted=found.is_interrupted,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What a search ends with.

    Attributes
    ----------
    block_of
        int32, shape (num_nodes,): the best partition.
    evaluations
        Orders looked at.
    is_interrupted
        Whether Ctrl-C ended it.
    """

    block_of: NDArray[np.int32]
    evaluations: int
    is_interrupted: bool


def evolve(
    instance: Instance,
    *,
    seed: int,
    threads: int | None,
    params: BrkgaParams | None,
    poll: Callable[[float, int, int], bool],
) -> Found:
    """Run the genetic search until ``poll`` says so, or the combinatorial bound is met.

    ``poll`` is told the best bottleneck in seconds, the orders looked at and the generations.
    """
    params = params or BrkgaParams()
    begin, best = time.perf_counter(), math.inf

    def hear(ticks: int | None, generations: int, evaluations: int) -> bool:
        nonlocal best
        bottleneck = instance.seconds(ticks)
        if bottleneck < best:
            best = bottleneck
            _log.info("%.2f s: best %.6g s after %d orders", time.perf_counter() - begin, best, evaluations)
        return poll(bottleneck, evaluations, generations)

    block_of, _, _, evaluations, is_interrupted = brkga(
        instance.core,
        population=_population(instance) if params.population is None else _natural("population", params.population),
        elite=params.elite,
        mutants=params.mutants,
        bias=params.bias,
        generations=None if params.generations is None else _natural("generations", params.generations),
        seed=_natural("seed", seed),
        threads=thread_count(threads),
        target=instance.core.combinatorial_bound(),
        poll=hear,
    )
    return Found(block_of=block_of, evaluations=evaluations, is_interrupted=is_interrupted)


def _population(instance: Instance) -> int:
    return min(100, max(8, _MAX_KEYS // instance.graph.num_nodes))


def thread_count(threads: int | None) -> int:
    """Give the number of worker threads that is meant; None means one per processor."""
    if threads is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not 1 <= _natural("threads", threads) <= _MAX_THREADS:
        raise InputError(f"threads = {threads}, but it is from 1 to {_MAX_THREADS}")
    return threads


def _natural(name: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 0 <= value < 2**64:
        raise InputError(f"{name} = {value!r}, but it is a whole number from 0 to 2^64 - 1")
    return int(value)
