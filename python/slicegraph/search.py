"""Partitions from above: the search that is best, and the paper's."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slicegraph import _core, checks
from slicegraph.bounds.combinatorial import combinatorial
from slicegraph.cost import ALL_TICKS, Instance
from slicegraph.errors import InputError
from slicegraph.evidence.bound import Bound
from slicegraph.history import Row, add_row
from slicegraph.reduce import Reduction, reduce, reduce_until
from slicegraph.requirements import given_order
from slicegraph.result import Result, make_result
from slicegraph.stop import DEFAULT_STOP, Condition, Progress, Stop, as_callback, as_stop
from slicegraph.ties import settle_until

METHODS = ("hybrid", "anneal", "brkga")
"""The searches by name; the first is the best."""
_log = logging.getLogger(__name__)
_MAX_KEYS = 2**24
# Two generations of so many keys take 8 GB.
_MOST_KEYS = 2**29
# Above this a search gains less from fewer nodes than reducing them takes.
_MAX_REDUCED = 100_000
# Seconds of merging before the stop is asked; most graphs take less.
_UNASKED = 0.1
# More than any machine has; keeps a typing error from starting a thread for everything.
_MAX_THREADS = 1024
_LARGEST = 2**64 - 1


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
    seeded
        Whether the first generation holds the natural, post-, depth-first and breadth-first orders. Without it all keys
        are random, as in the paper.
    memetic
        Whether the best of every generation is improved by moving nodes between blocks.
    """

    population: int | None = None
    elite: float = 0.3
    mutants: float = 0.1
    bias: float = 0.7
    generations: int | None = None
    seeded: bool = False
    memetic: bool = False


def search(
    instance: Instance,
    *,
    method: str = "hybrid",
    stop: Condition = DEFAULT_STOP,
    seed: int = 0,
    threads: int | None = None,
    params: BrkgaParams | None = None,
    callback: Callable[[Progress], object] | None = None,
) -> Result:
    """Search for a partition of small bottleneck, without a proof beyond the combinatorial lower bound.

    Ends when the stop is true, and when the partition meets that bound.

    Parameters
    ----------
    instance
        The problem.
    method
        ``"hybrid"``: anneals partitions, slices orders, and puts the best of all cuts together with the exact downset
        DP. ``"anneal"``: simulated annealing alone, which moves nodes between blocks. ``"brkga"``: SliceGraph as in the
        paper (section 4): random keys, one per node, decode to topological orders, the dynamic program cuts each order
        at its best, and keys evolve. The first two look at the graph reduced without a loss; the third only when nodes
        must be in one stage.
    stop
        When to stop. It is asked after every round or generation and, so that a time limit holds on large graphs, every
        few milliseconds between.
    seed
        From 0 to 2^64 - 1. The same seed gives the same answer on any number of threads, unless time stops the run.
    threads
        Worker threads. None: one per processor; ``"hybrid"`` and ``"anneal"`` have work for two.
    params
        Of ``"brkga"``.
    callback
        Called with the progress as often as ``stop`` is asked, on the caller's thread. When it returns True, the search
        ends; an exception of it ends the search too, and is passed on.

    Returns
    -------
    Result
        Also after Ctrl-C, with status ``interrupted``.

    Raises
    ------
    InputError
        When a parameter is out of range, or the devices stand in any order.

    Notes
    -----
    A round takes O(nodes log nodes + reads) in practice, a generation that times its population. The interpreter lock
    is released.

    Examples
    --------
    >>> import slicegraph as sg
    >>> graph = sg.Graph(work=[1, 2, 3], producer=[0, 1], size=[8, 8], consumers=[1, 2], consumer_offsets=[0, 1, 2])
    >>> instance = sg.Instance(graph, device=sg.Device(bandwidth=64), num_blocks=2)
    >>> sg.search(instance, stop=sg.MaxEvaluations(100)).bottleneck
    3.125
    """
    given_order(instance, f"method {method!r:.80}")
    check_run(method, METHODS, params)
    stop, is_told_to_end, rows = as_stop(stop), as_callback(callback), list[Row]()
    begin = time.perf_counter()
    bound = combinatorial(instance)
    if bound.ticks >= ALL_TICKS:
        return infeasible(instance, bound, stop, seed=seed, method=method)

    def poll(bottleneck: float, evaluations: int, _rounds: int) -> bool:
        progress = Progress(
            seconds=time.perf_counter() - begin,
            bottleneck=bottleneck,
            lower_bound=bound.lower_bound,
            evaluations=evaluations,
            work=evaluations,
        )
        add_row(rows, progress.seconds, bottleneck, bound.lower_bound)
        return is_told_to_end(progress) or bool(stop(progress))

    found = find(instance, method=method, seed=seed, threads=threads, params=params, poll=poll)
    block_of, is_interrupted = found.block_of, False
    if block_of is not None:
        progress = Progress(
            seconds=time.perf_counter() - begin,
            bottleneck=instance.seconds(found.ticks),
            lower_bound=bound.lower_bound,
            evaluations=found.evaluations,
            work=found.evaluations,
        )
        block_of, is_interrupted = settle_until(instance, block_of, stop, progress)
    return make_result(
        instance,
        block_of=block_of,
        bounds=(bound,),
        evaluations=found.evaluations,
        seconds=time.perf_counter() - begin,
        stop=stop,
        is_interrupted=found.is_interrupted or is_interrupted,
        history=rows,
        seed=seed,
        method=method,
    )


def infeasible(instance: Instance, bound: Bound, stop: Stop, *, seed: int, method: str) -> Result:
    """Give the result of what needs no search: the bound says that no partition fits the memory limit."""
    return make_result(
        instance,
        block_of=None,
        bounds=(bound,),
        evaluations=0,
        seconds=bound.seconds,
        stop=stop,
        is_interrupted=False,
        seed=seed,
        method=method,
    )


def check_run(method: object, methods: Iterable[str], params: BrkgaParams | None) -> None:
    """Refuse a method that there is not, and parameters of another one."""
    check_method(method, methods)
    if params is not None:
        _check_params(checks.instance_of("params", params, BrkgaParams))
    if params is not None and method != "brkga":
        raise InputError(f"params: they are of method 'brkga', not {method!r}")


def _check_params(params: BrkgaParams) -> None:
    """Refuse values of other types; their limits are the core's to check."""
    for name in ("population", "generations"):
        if getattr(params, name) is not None:
            checks.whole(name, getattr(params, name), 0, _LARGEST)
    for name in ("elite", "mutants", "bias"):
        value = getattr(params, name)
        checks.number(f"{name} = {value!r:.80}", value, "it is a share, from 0 to 1", most=1.0)
    for name in ("seeded", "memetic"):
        checks.flag(name, getattr(params, name))


def check_method(method: object, methods: Iterable[str]) -> None:
    """Refuse a method that there is not."""
    if not isinstance(method, str) or method not in methods:
        raise InputError(f"method {method!r:.80}: there is none, but {', '.join(methods)}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What a search ends with.

    Attributes
    ----------
    block_of
        int32, shape (num_nodes,): the best partition. None: none within the limits was found.
    ticks
        Its bottleneck. None: there is none.
    evaluations
        Candidates looked at.
    is_interrupted
        Whether Ctrl-C ended it.
    """

    block_of: NDArray[np.int32] | None
    ticks: int | None
    evaluations: int
    is_interrupted: bool


def find(
    instance: Instance,
    *,
    method: str,
    seed: int,
    threads: int | None,
    params: BrkgaParams | None,
    poll: Callable[[float, int, int], bool],
    start: NDArray[np.int32] | None = None,
) -> Found:
    """Run a search until ``poll`` says so, or the combinatorial bound is met.

    ``poll`` is told the best bottleneck in seconds, the candidates looked at and the rounds. ``start`` is a partition
    to begin with, of which ``"brkga"`` makes nothing; nor do the others where merges have left no such partition.
    """
    begin, best = time.perf_counter(), math.inf
    reduction: Reduction | None = None
    # Nodes that must be in one stage are one node for every search.
    if instance.resolved.together:
        reduction = reduce(instance)
    elif method != "brkga" and instance.graph.num_nodes <= _MAX_REDUCED:

        def ends() -> bool:
            return time.perf_counter() >= begin + _UNASKED and poll(math.inf, 0, 0)

        reduction = reduce_until(instance, ends)

    def on_poll(ticks: int | None, rounds: int, evaluations: int) -> bool:
        nonlocal best
        bottleneck = instance.seconds(ticks)
        if bottleneck < best:
            best = bottleneck
            _log.info("%.2f s: best %.6g s after %d candidates", time.perf_counter() - begin, best, evaluations)
        return poll(bottleneck, evaluations, rounds)

    searched = instance if reduction is None else reduction.instance
    core = searched.core
    target = instance.core.combinatorial_bound()
    seed, threads = checks.whole("seed", seed, 0, _LARGEST), thread_count(threads)
    if method == "brkga":
        found = _brkga(searched, params or BrkgaParams(), seed=seed, threads=threads, target=target, poll=on_poll)
    else:
        begin_at = start if start is None or reduction is None else reduction.restrict(start)
        blocks = None if begin_at is None else begin_at.tolist()
        found = _core.search(core, method=method, seed=seed, threads=threads, target=target, start=blocks, poll=on_poll)
    block_of = None
    if found.bottleneck is not None:
        block_of = found.block_of if reduction is None else reduction.lift(found.block_of)
    return Found(
        block_of=block_of,
        ticks=found.bottleneck,
        evaluations=found.evaluations,
        is_interrupted=found.is_interrupted,
    )


def _brkga(
    instance: Instance,
    params: BrkgaParams,
    *,
    seed: int,
    threads: int,
    target: int,
    poll: Callable[[int | None, int, int], bool],
) -> _core.Found:
    population = _population(instance) if params.population is None else params.population
    if population * instance.graph.num_nodes > _MOST_KEYS:
        raise InputError(f"population = {population}: keys of {instance.graph.num_nodes} nodes each fill the memory")
    return _core.brkga(
        instance.core,
        population=population,
        elite=params.elite,
        mutants=params.mutants,
        bias=params.bias,
        generations=params.generations,
        is_seeded=params.seeded,
        is_memetic=params.memetic,
        seed=seed,
        threads=threads,
        target=target,
        poll=poll,
    )


def _population(instance: Instance) -> int:
    return min(100, max(8, _MAX_KEYS // instance.graph.num_nodes))


def thread_count(threads: int | None) -> int:
    """Give the number of worker threads that is meant; None means one per processor."""
    if threads is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return checks.whole("threads", threads, 1, _MAX_THREADS)
