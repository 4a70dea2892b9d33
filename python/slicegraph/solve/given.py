"""A run on devices in a given order: the search on the caller's thread, and proofs beside it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from slicegraph.bounds import LINKED, NAMES
from slicegraph.cost import Instance
from slicegraph.requirements import check_links
from slicegraph.search import METHODS as SEARCHES
from slicegraph.search import find
from slicegraph.solve.at_once import solve_at_once
from slicegraph.solve.start import first_partition
from slicegraph.solve.task import Ended, Task

if TYPE_CHECKING:
    from slicegraph.solve.counted import CountedRun
    from slicegraph.solve.run import SolveRun

METHODS: dict[str, tuple[str, ...]] = {
    "auto": ("downsets", "chain", "exact"),
    **dict.fromkeys(SEARCHES, ()),
    **{name: (name,) for name in NAMES},
}
"""What can be asked for, and the lower bounds beyond the combinatorial one that it takes."""


def bounds_of(instance: Instance, method: str) -> tuple[str, ...]:
    """Give the names of the lower bounds of a method; with adjacent links, without those that ignore handing on.

    Raises
    ------
    InputError
        When a bound that ignores handing on is asked for by name.
    """
    if method in NAMES:
        check_links(instance, method, LINKED)
    return tuple(name for name in METHODS[method] if not instance.resolved.adjacent or name in LINKED)


def solve_given(
    instance: Instance, task: Task, begin: NDArray[np.int32] | None = None, known: int | None = None
) -> Ended:
    """Run the search and the proofs of a method until the stop holds, or the lower bound meets the partition.

    Parameters
    ----------
    instance
        The problem, with its devices in a given order.
    task
        The method, the stop and the other options.
    begin
        int32, shape (num_nodes,): a partition to begin with.
    known
        Ticks of a partition known elsewhere: only better ones count.
    """
    if begin is None and not instance.is_plain:
        found_at_once = first_partition(instance)
        begin = None if found_at_once is None else found_at_once[0]
    is_plain = begin is None or task.is_warm
    if task.method == "auto" and is_plain and known is None and task.stop.work is None:
        ended = solve_at_once(instance, task, begin)
        if ended is not None:
            return ended
    # The search does not begin with all nodes in one stage, unless few partitions are allowed.
    is_start = begin is not None and not (instance.is_plain and not begin.any())
    task = dataclasses.replace(task, is_warm=task.is_warm and is_start)
    search = task.method if task.method in SEARCHES else SEARCHES[0]
    is_shared = task.stop.work is None and "downsets" in bounds_of(instance, task.method)
    threads = max(1, task.threads // 2) if is_shared else task.threads
    with _new_run(instance, task, begin, known) as run:
        found = find(
            instance,
            method=search,
            seed=task.seed,
            threads=threads,
            params=task.params,
            poll=run.poll,
            start=begin if is_start else None,
        )
        run.close()
    return Ended(
        instance=instance,
        block_of=run.better(found.block_of, found.ticks),
        bounds=run.bounds,
        evaluations=found.evaluations,
        work=run.work,
        seconds=run.seconds,
        history=run.history,
        is_interrupted=found.is_interrupted or run.is_interrupted,
    )


def _new_run(
    instance: Instance, task: Task, begin: NDArray[np.int32] | None, known: int | None
) -> SolveRun | CountedRun:
    """Give a run with workers, or one by counted work if the stop depends on work."""
    methods = bounds_of(instance, task.method)
    if task.stop.work is None:
        from slicegraph.solve.run import SolveRun  # noqa: PLC0415 - what is solved at once has none

        return SolveRun(
            instance,
            methods,
            task.threads,
            task.stop,
            task.show,
            warm_start=begin,
            known=known,
            earlier=task.earlier,
            is_warm=task.is_warm,
        )
    from slicegraph.solve.counted import CountedRun  # noqa: PLC0415 - few runs go by work

    has_exact = "downsets" in methods
    return CountedRun(
        instance,
        task.threads,
        task.stop,
        task.show,
        has_exact=has_exact,
        warm_start=begin,
        known=known,
        earlier=task.earlier,
    )
