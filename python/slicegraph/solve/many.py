"""Many problems, on one pool: thousands of small ones, or variants of one graph."""

from __future__ import annotations

import contextlib
import functools
import itertools
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, Executor, Future, ThreadPoolExecutor, wait
from typing import Any

from slicegraph import checks
from slicegraph.cost import Instance
from slicegraph.errors import InputError
from slicegraph.result import Result
from slicegraph.search import BrkgaParams, thread_count
from slicegraph.solve.solve import check_options, solve
from slicegraph.stop import DEFAULT_STOP, Condition

Answer = Result | InputError
"""Of one problem: its result, or what is wrong with it."""


def solve_many(
    instances: Iterable[Instance],
    *,
    executor: Executor | None = None,
    stop: Condition = DEFAULT_STOP,
    seed: int = 0,
    threads: int = 1,
    params: BrkgaParams | None = None,
    method: str = "auto",
) -> list[Answer]:
    """Solve many problems, several at a time.

    Parameters
    ----------
    instances
        The problems.
    executor
        The executor of the tasks: any `concurrent.futures.Executor`. One with processes or machines sends each problem
        and each result. None: as many threads of this process as there are processors.
    stop, seed, params, method
        As of `solve`, for each problem.
    threads
        Worker threads of each problem.

    Returns
    -------
    list
        A `Result` for each problem, in order, the same that `solve` gives; or in its place an `InputError` that names
        it, such as ``instances[3]``. The others are solved nevertheless.

    Raises
    ------
    InputError
        When an option is out of range.

    Examples
    --------
    >>> import slicegraph as sg
    >>> graph = sg.Graph(work=[1, 2], producer=[0], size=[8], consumers=[1], consumer_offsets=[0, 1])
    >>> instance = sg.Instance(graph, device=sg.Device(bandwidth=64), num_blocks=2)
    >>> [result.bottleneck for result in sg.solve_many(instance.replace(work=[1, w]) for w in (2, 3, 9))]
    [2.125, 3.125, 9.125]
    """
    if executor is not None:
        checks.instance_of("executor", executor, Executor)
    checked = check_options(stop, seed, threads, params, method)
    given, is_cancelled = _listed(instances), threading.Event()
    options: dict[str, Any] = {"seed": seed, "threads": threads, "params": params, "method": method}
    if executor is not None:
        ask = functools.partial(_answer, stop=checked, **options)
        futures = [executor.submit(ask, index, instance) for index, instance in enumerate(given)]
        try:
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()
    stops = checked | (lambda _: is_cancelled.is_set())
    return _on_threads(given, functools.partial(_answer, stop=stops, **options), is_cancelled)


def _listed(instances: object) -> list[Instance]:
    if isinstance(instances, Iterable):
        with contextlib.suppress(TypeError):  # an array without dimensions says that it can be iterated over
            return list(instances)
    raise InputError(f"instances = {instances!r:.80}, but instances are asked for, one after the other")


def _answer(index: int, instance: Instance, **options: object) -> Answer:
    """Solve one problem, on whatever thread or machine."""
    try:
        return solve(instance, **options)  # type: ignore[arg-type] # they are those of `solve`
    except InputError as error:
        return InputError(f"instances[{index}]: {error}")


def _on_threads(
    given: list[Instance], ask: Callable[[int, Instance], Answer], is_cancelled: threading.Event
) -> list[Answer]:
    """Solve on threads that take one problem after the other, which costs less than a task for each."""
    answers: dict[int, Answer] = {}
    places = itertools.count()

    def work() -> None:
        while (place := next(places)) < len(given) and not is_cancelled.is_set():
            answers[place] = ask(place, given[place])

    num_workers = min(thread_count(None), len(given)) or 1
    with ThreadPoolExecutor(num_workers, thread_name_prefix="slicegraph") as pool:
        futures: list[Future[None]] = [pool.submit(work) for _ in range(num_workers)]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            is_cancelled.set()
    for future in futures:
        future.result()
    return [answers[place] for place in range(len(given))]
