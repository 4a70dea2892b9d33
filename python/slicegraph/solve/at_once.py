"""Small graphs, solved and proven within milliseconds on the calling thread, before any worker starts."""

from __future__ import annotations

import logging
import time

import numpy as np
from numpy.typing import NDArray

from slicegraph._core import AtOnce
from slicegraph.bounds.combinatorial import combinatorial
from slicegraph.bounds.downsets import bound_of
from slicegraph.cost import Instance
from slicegraph.history import Row
from slicegraph.solve.earlier import begin_with
from slicegraph.solve.task import Ended, Task
from slicegraph.stop import Progress

_log = logging.getLogger(__name__)


def solve_at_once(instance: Instance, task: Task, known: NDArray[np.int32] | None = None) -> Ended | None:
    """Give the optimum and its proof, or the result when the stop ends it; None if the graph is not small and narrow.

    The answer is deterministic, with the bottleneck and the evidence that the search and the downset DP would give. It
    takes some milliseconds; see ``rust/core/src/at_once.rs``.

    Parameters
    ----------
    instance
        The problem, with its devices in a given order.
    task
        What is asked.
    known
        int32, shape (num_nodes,): a partition that is known. The answer is no worse. Thresholds have more steps then,
        since it is likely to be near an optimum.
    """
    begin, ordinary = time.monotonic(), combinatorial(instance)
    bounds = begin_with(ordinary, task.earlier)
    lower_bound = max(bound.lower_bound for bound in bounds.values())
    first = AtOnce.first(instance.core, None if known is None else known.astype(np.int64))
    if first is None:
        return None
    seconds, bottleneck = time.monotonic() - begin, instance.seconds(first.bottleneck)
    _log.info("%.2f s: best %.6g s after %d candidates", seconds, bottleneck, first.evaluations)
    progress = Progress(
        seconds=seconds,
        bottleneck=bottleneck,
        lower_bound=lower_bound,
        evaluations=first.evaluations,
        work=first.evaluations,
    )
    is_told_to_end = bool(task.stop(progress))
    last = first if is_told_to_end else first.close()
    if last is None:
        # The run would not begin with this partition, which the caller has not been told of.
        return None
    task.show(progress)
    history: list[Row] = [(seconds, bottleneck, lower_bound)]
    if not is_told_to_end:
        seconds, bottleneck = time.monotonic() - begin, instance.seconds(last.bottleneck)
        history.append((seconds, bottleneck, bottleneck))
    if (proof := last.proof) is not None:
        bounds["downsets"] = bound_of(proof, ordinary, seconds=seconds, status="optimal")
        _log.info("downsets: %.6g s proven in %.2f s", bottleneck, seconds)
    return Ended(
        instance=instance,
        block_of=last.block_of,
        is_settled=not is_told_to_end,
        bounds=tuple(bounds.values()),
        evaluations=last.evaluations,
        work=last.evaluations,
        seconds=seconds,
        history=tuple(history),
        is_interrupted=False,
    )
