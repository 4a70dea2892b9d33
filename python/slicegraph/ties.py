"""Of the partitions of one bottleneck, the one that is given: the fewest stages, and then the least communication."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from slicegraph import _core
from slicegraph.cost import Instance
from slicegraph.stop import Progress, Stop

_GRACE = 0.1
"""Seconds that it has even when the run has taken all of its time; most need some milliseconds."""


def settle(
    instance: Instance, block_of: NDArray[np.int32], *, ends: Callable[[], bool] | None = None
) -> tuple[NDArray[np.int32], bool]:
    """Find a partition of no larger bottleneck with the fewest stages, and of these the least communication.

    Exact on graphs of up to 64 nodes where the exact solver and a dynamic program over downsets end within a number of
    steps, some milliseconds; larger graphs have the fewest stages as far as the exact solver decides it, and
    the least communication that slicing some orders and moving single nodes gives. On unlike stages empty ones stay
    where they are: a stage has its device.

    Parameters
    ----------
    instance
        The problem.
    block_of
        int32, shape (num_nodes,): a partition.
    ends
        Asked every few milliseconds whether to end with what is found. None: nothing is asked.

    Returns
    -------
    tuple
        The partition, int32, shape (num_nodes,), where stages are alike with no empty one before the last; and whether
        Ctrl-C ended the search for it.

    Notes
    -----
    The same partition on any machine, but for Ctrl-C and what `ends` says. The interpreter lock is released.

    Examples
    --------
    >>> import numpy as np
    >>> import slicegraph as sg
    >>> from slicegraph.ties import settle
    >>> graph = sg.Graph(work=[4, 1, 1], producer=[0, 1], size=[8, 8], consumers=[1, 2], consumer_offsets=[0, 1, 2])
    >>> instance = sg.Instance(graph, device=sg.Device(bandwidth=64e9), num_blocks=8)
    >>> settle(instance, np.array([0, 3, 7], np.int32))[0].tolist()
    [0, 1, 1]
    """
    best, _, is_interrupted = _core.settle(instance.core, block_of.astype(np.int64), ends)
    return best, is_interrupted


def settle_until(
    instance: Instance, block_of: NDArray[np.int32], stop: Stop, progress: Progress
) -> tuple[NDArray[np.int32], bool]:
    """Settle a partition as a run ends, until its stop says so by the time; one that goes by counts does not.

    Parameters
    ----------
    instance, block_of
        As of `settle`.
    stop
        Of the run.
    progress
        What the run has come to.
    """
    begin = time.monotonic()

    def ends() -> bool:
        more = time.monotonic() - begin
        return more >= _GRACE and bool(stop(dataclasses.replace(progress, seconds=progress.seconds + more)))

    # What is true of a run that took no time does not depend on the clock, and the answer must not either.
    goes_by_counts = stop.work is not None or bool(stop(dataclasses.replace(progress, seconds=0.0)))
    return settle(instance, block_of, ends=None if goes_by_counts else ends)
