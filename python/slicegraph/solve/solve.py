"""The main job: the best partition that can be found, and a proof of how good it is."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slicegraph import checks
from slicegraph.bounds.combinatorial import combinatorial
from slicegraph.certificate.model import Certificate
from slicegraph.cost import ALL_TICKS, Instance
from slicegraph.errors import InputError
from slicegraph.feasibility import over_limit
from slicegraph.moves import Stay
from slicegraph.moves import stay_near as find_near
from slicegraph.partition import check_partition
from slicegraph.report.progress import ProgressLine
from slicegraph.requirements import given_order, plain
from slicegraph.result import Result, make_result
from slicegraph.search import METHODS as SEARCHES
from slicegraph.search import BrkgaParams, check_run, thread_count
from slicegraph.solve.earlier import Earlier, known_of, remember
from slicegraph.solve.given import METHODS, solve_given
from slicegraph.solve.task import Ended, Task
from slicegraph.stop import DEFAULT_STOP, Condition, Progress, Stop, as_callback, as_stop
from slicegraph.ties import settle_until

DEFAULT_SLACK = 0.01
"""By what part of the best bottleneck an answer that stays near a plan may exceed it."""
_COUNTED = ("auto", "downsets", *SEARCHES)
"""Of the methods, what runs under a limit of work: without the bounds that need the MIP solver."""


def solve(
    instance: Instance,
    *,
    stop: Condition = DEFAULT_STOP,
    seed: int = 0,
    threads: int | None = None,
    params: BrkgaParams | None = None,
    method: str = "auto",
    display: bool = False,
    warm_start: ArrayLike | Result | Certificate | None = None,
    stay_near: ArrayLike | None = None,
    slack: float = DEFAULT_SLACK,
    callback: Callable[[Progress], object] | None = None,
) -> Result:
    """Partition a graph, and prove a lower bound on the bottleneck of every partition.

    A small, narrow graph is solved on the calling thread, within milliseconds. Otherwise reductions merge nodes without
    losing the optimum, and a short search finds a first partition. Then the exact solver has a turn, which finds and
    proves the optimum of most models. If it does not, the search, the exact solver, and the chain in turns with the
    exact model run concurrently. They share the best partition and the lower bound: a better partition lowers the
    thresholds of all proofs, and the run ends when the lower bound meets it.

    Parameters
    ----------
    instance
        The problem. The nodes of each kernel of its graph stay in one stage (`Graph`, ``kernel``): bounds and the
        certificate are of the partitions that keep kernels whole.
    stop
        When to stop, for example ``MaxRuntime(60) | TargetGap(0.01)``; an optimum that is proven ends the run anyway.
        Any callable of a `Progress` will do. With a `MaxWork` the clock decides nothing: the same answer each time.
    seed
        From 0 to 2^64 - 1.
    threads
        Worker threads. None: one per processor. The first turn of the exact solver has all of them; after it, the
        search and the exact solver have half each. The chain and the MIP solver's process are not counted.
    params
        Parameters of the genetic search, with ``method="brkga"``.
    method
        ``"auto"``: the search, with the bounds ``"downsets"``, ``"chain"`` and ``"exact"``.
        ``"hybrid"``, ``"anneal"`` and ``"brkga"``: this search of `search`, with the combinatorial bound alone. Any
        other: the best search, with this bound of `lower_bound` too.
    display
        Whether to show a line with the best, the proven and the gap on standard error while it runs. It is shown only
        on a terminal.
    warm_start
        Integers, shape (num_nodes,): the block of each node in a known partition. It is the initial best partition, so
        the answer is never worse, and proofs and the default search begin with it. Or an earlier result: if it is about
        the same graph, costs, devices and constraints, its lower bounds count from the beginning, so the answer's bound
        is never lower. The bounds of a certificate, or of a result of another process, count once the checker has
        proved them beside the run. With a `MaxWork` the checker may take as many steps in addition.
    stay_near
        Integers, shape (num_nodes,): the block of each node in a plan. Of the partitions within ``slack`` of the best
        that is found, the answer moves few bytes of parameters from the plan, and then few nodes: as few as
        `slicegraph.moves.stay_near` finds, and no more than the best itself. Its stages have the plan's numbers, so
        that some in between may be empty. It is the warm start, too, when none is given and it fits the memory limit.
    slack
        With ``stay_near``: by what part the bottleneck may exceed the best, from 0 to 1.
    callback
        Called with the progress, on the caller's thread: after improvements of the partition or the bound, every few
        milliseconds between, and once at the end with what the result says. When it returns True, the run ends; an
        exception of it ends the run too, and is passed on.

    Returns
    -------
    Result
        With status ``optimal`` only when its bottleneck and its lower bound are equal, and ``infeasible`` when it is
        proven that no partition fits the memory limit. Of the partitions of its bottleneck it is the one with the
        fewest stages and then the least communication, as far as `slicegraph.ties.settle` finds it.

    Raises
    ------
    InputError
        When a parameter is out of range, the warm start is no partition or exceeds the memory limit, or the plan to
        stay near is no partition.

    Examples
    --------
    >>> import slicegraph as sg
    >>> graph = sg.Graph(work=[2, 2], producer=[0], size=[0], consumers=[1], consumer_offsets=[0, 1])
    >>> result = sg.solve(sg.Instance(graph, device=sg.Device(bandwidth=64), num_blocks=2))
    >>> str(result.status), result.bottleneck, result.gap
    ('optimal', 2.0, 0.0)
    """
    instance = checks.instance_of("instance", instance, Instance).contracted()
    stop, ends = check_options(stop, seed, threads, params, method), as_callback(callback)
    checks.flag("display", display)
    slack = checks.number(f"slack = {slack!r:.80}", slack, "it is a fraction from 0 to 1", most=1.0)
    plan, begin, earlier = _first(instance, stay_near, warm_start)
    threads = thread_count(threads)

    def show(progress: Progress) -> bool:
        line.update(progress)
        return ends(progress)

    with ProgressLine(is_wanted=display) as line:
        task = Task(
            method=method,
            seed=seed,
            threads=threads,
            params=params,
            stop=stop,
            show=show,
            earlier=earlier,
            is_warm=begin is not None,
        )
        ended = _run(instance, task, begin)
    block_of, stay, is_signalled = _last(ended, plan, slack, stop)
    result = make_result(
        ended.instance,
        block_of=block_of,
        bounds=ended.bounds,
        evaluations=ended.evaluations,
        seconds=ended.seconds,
        stop=stop,
        is_interrupted=ended.is_interrupted or is_signalled,
        history=ended.history,
        seed=seed,
        method=method,
        stay=stay,
    )
    if instance.order == "any":
        result = dataclasses.replace(result, problem=instance, arrangements=ended.arrangements)
    ends(_progress(result, work=ended.work))
    return remember(result)


def _run(instance: Instance, task: Task, begin: NDArray[np.int32] | None) -> Ended:
    """Run on the given order of the devices or on all orders; not at all if no partition can fit their memory."""
    ordinary = combinatorial(instance)
    if ordinary.ticks < ALL_TICKS:
        if instance.order == "given":
            return solve_given(instance, task, begin)
        from slicegraph.solve.arrangements import solve_any  # noqa: PLC0415 - few problems leave the order open

        return solve_any(instance, task)
    return Ended(
        instance=instance,
        block_of=None,
        bounds=(ordinary,),
        evaluations=0,
        work=0,
        seconds=ordinary.seconds,
        history=(),
        is_interrupted=False,
    )


def check_options(stop: Condition, seed: int, threads: int | None, params: BrkgaParams | None, method: str) -> Stop:
    """Refuse invalid options, independently of the problem; give the stop."""
    check_run(method, METHODS, params)
    stop = as_stop(stop)
    if stop.work is not None and method not in _COUNTED:
        raise InputError(
            f"method {method!r}: no work of it is counted; with a limit of work, take {', '.join(_COUNTED)}"
        )
    checks.whole("seed", seed, 0, 2**64 - 1)
    thread_count(threads)
    return stop


def _first(
    instance: Instance, stay_near: ArrayLike | None, warm_start: ArrayLike | Result | Certificate | None
) -> tuple[NDArray[np.int32] | None, NDArray[np.int32] | None, Earlier | None]:
    """Give the plan to stay near; the warm start, else that plan if it fits memory; and the earlier answer."""
    for name, value in (("stay_near", stay_near), ("warm_start", warm_start)):
        if value is not None:
            given_order(instance, name)
    if stay_near is not None:
        plain(instance, "stay_near")
    plan = None if stay_near is None else _partition(instance, "stay_near", stay_near)
    if warm_start is not None:
        block_of, earlier = known_of(instance, warm_start)
        return plan, None if block_of is None else _checked(instance, block_of), earlier
    return plan, None if plan is None or _too_large(instance, plan) is not None else _numbered(instance, plan), None


def _last(
    ended: Ended, plan: NDArray[np.int32] | None, slack: float, stop: Stop
) -> tuple[NDArray[np.int32] | None, Stay | None, bool]:
    """Give the final partition, the moves from the plan to it, and whether Ctrl-C was pressed."""
    instance, block_of, is_signalled = ended.instance, ended.block_of, False
    if block_of is None:
        return None, None, False
    if not ended.is_settled:
        _, best, bound = ended.history[-1] if ended.history else (0.0, math.inf, 0.0)
        progress = Progress(
            seconds=ended.seconds,
            bottleneck=best,
            lower_bound=bound,
            evaluations=ended.evaluations,
            work=ended.work,
        )
        block_of, is_signalled = settle_until(instance, block_of, stop, progress)
    if plan is None:
        return block_of, None, is_signalled
    block_of, stay, is_cut_short = find_near(instance, plan, block_of, slack)
    return block_of, stay, is_signalled or is_cut_short


def _checked(instance: Instance, warm_start: ArrayLike) -> NDArray[np.int32]:
    """Copy a warm start; refuse one that is no partition or exceeds the memory limit."""
    block_of = _partition(instance, "warm_start", warm_start)
    if (excess := _too_large(instance, block_of)) is not None:
        raise InputError(f"warm_start: {excess}")
    return _numbered(instance, block_of)


def _partition(instance: Instance, name: str, block_of: ArrayLike) -> NDArray[np.int32]:
    """Copy a partition; name the argument if it is none."""
    try:
        return check_partition(instance, block_of)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None


def _too_large(instance: Instance, block_of: NDArray[np.int32]) -> str | None:
    """Name a stage that exceeds the memory of its device, if there is one."""
    for stage, block in enumerate(instance.block_costs(block_of)):
        if math.isinf(block.cost):
            return over_limit(instance, stage, block)
    return None


def _numbered(instance: Instance, block_of: NDArray[np.int32]) -> NDArray[np.int32]:
    """Leave out empty stages if stages are alike: there may be more of them than nodes."""
    return np.unique(block_of, return_inverse=True)[1].astype(np.int32) if instance.is_plain else block_of


def _progress(result: Result, *, work: int) -> Progress:
    return Progress(
        seconds=result.seconds,
        bottleneck=result.bottleneck,
        lower_bound=result.lower_bound,
        evaluations=result.evaluations,
        work=work,
    )
