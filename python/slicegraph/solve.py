"""The main job: the best partition that can be found, and a proof of how good it is."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping

from slicegraph.cost import Instance
from slicegraph.lower_bound import SOLVED
from slicegraph.prover import Prover
from slicegraph.report.progress import ProgressLine
from slicegraph.result import SOLVER_PRECISION, Result, make_result
from slicegraph.search import METHODS as SEARCHES
from slicegraph.search import BrkgaParams, check_method, find, thread_count
from slicegraph.stop import DEFAULT_STOP, Progress, Stop, check_stop, relative_gap

METHODS: Mapping[str, tuple[str, ...]] = {
    "auto": ("downsets", "chain", "exact"),
    **dict.fromkeys(SEARCHES, ()),
    **{name: (name,) for name in SOLVED},
}
"""What can be asked for, and the lower bounds beyond the combinatorial one that it takes."""
_FIRST_ROUNDS = 1
_HEAD_START = 1.0
"""Rounds and seconds of search before anything is proven: that needs a good partition."""
_POLL = 0.001


def solve(
    instance: Instance,
    *,
    stop: Stop = DEFAULT_STOP,
    seed: int = 0,
    threads: int | None = None,
    params: BrkgaParams | None = None,
    method: str = "auto",
    display: bool = False,
) -> Result:
    """Partition a graph, and bound from below what any partition costs.

    First nodes are merged that can be without a loss, and the search has a short look for a partition of what is left.
    Then the downset DP has a turn, which finds and proves the optimum of most models at once. Where it does not, the
    search, the DP, and the chain in turns with the exact model go on beside each other, and each has the others' news:
    a better partition lowers the threshold of every bound, a bound that finds a better partition gives it to the
    others, and one that meets the best partition ends the run.

    Parameters
    ----------
    instance
        The problem.
    stop
        When to stop, for example ``MaxRuntime(60) | TargetGap(0.01)``; an optimum that is proven ends the run anyway.
    seed
        From 0 to 2^64 - 1.
    threads
        Worker threads. None: one per processor. The first turn of the downset DP has all of them; after it, the search
        and the DP have half each, and the chain and the solver, in a process of its own, run beside them.
    params
        Of the genetic search, with ``method="brkga"``.
    method
        ``"auto"``: the search, with the bounds that pay most: ``"downsets"``, ``"chain"`` and ``"exact"``.
        ``"merge"``, ``"anneal"`` and ``"brkga"``: this search of `search`, with the combinatorial bound alone. Any
        other: the best search, with this bound of `lower_bound` too.
    display
        Whether to show a line with the best, the proven and the gap on standard error while it runs. It is shown only
        on a terminal.

    Returns
    -------
    Result
        With status ``optimal`` only when its bottleneck and its lower bound are equal.

    Raises
    ------
    InputError
        When a parameter is out of range.

    Examples
    --------
    >>> import slicegraph as sg
    >>> graph = sg.Graph(work=[2, 2], producer=[0], size=[0], consumers=[1], consumer_offsets=[0, 1])
    >>> result = sg.solve(sg.Instance(graph, device=sg.Device(bandwidth=64), num_blocks=2))
    >>> str(result.status), result.bottleneck, result.gap
    ('optimal', 2.0, 0.0)
    """
    check_stop(stop)
    check_method(method, METHODS, params)
    begin = time.perf_counter()
    best, evaluations = math.inf, 0
    methods, num_threads = METHODS[method], thread_count(threads)
    with ProgressLine(is_wanted=display) as line, Prover(instance, methods, threads=num_threads) as prover:

        def has_to_stop() -> bool:
            lower_bound, found = prover.lower_bound, prover.found
            bottleneck = best if found is None else min(best, found[1])
            progress = Progress(
                seconds=time.perf_counter() - begin,
                bottleneck=bottleneck,
                lower_bound=lower_bound,
                evaluations=evaluations,
            )
            line.update(progress)
            # Solved without a partition: none is within the memory limit.
            gap = 0.0 if math.isinf(bottleneck) else relative_gap(bottleneck, lower_bound)
            is_solved = prover.is_solved and gap <= SOLVER_PRECISION
            return bottleneck <= lower_bound or is_solved or stop(progress)

        def poll(bottleneck: float, num_evaluations: int, rounds: int) -> bool:
            nonlocal best, evaluations
            best, evaluations = bottleneck, num_evaluations
            if rounds >= _FIRST_ROUNDS or time.perf_counter() - begin > _HEAD_START:
                prover.learn(best)
                # Most models are solved at once, faster when the search does not take the processors.
                while not (prover.has_tried or has_to_stop()):
                    time.sleep(_POLL)
            return has_to_stop()

        search = method if method in SEARCHES else SEARCHES[0]
        num_searching = max(1, num_threads // 2) if "downsets" in methods else num_threads
        found = find(instance, method=search, seed=seed, threads=num_searching, params=params, poll=poll)
        block_of = found.block_of
        is_interrupted = found.is_interrupted
        try:
            prover.close()
        except KeyboardInterrupt:
            is_interrupted = True
        if prover.found is not None:
            block_of, _ = prover.found
    return make_result(
        instance,
        block_of=block_of,
        bounds=prover.bounds,
        evaluations=found.evaluations,
        seconds=time.perf_counter() - begin,
        stop=stop,
        is_interrupted=is_interrupted,
    )
