"""The best partition of a run."""

from __future__ import annotations

import threading

import numpy as np

from slicegraph.solve.incumbent import Incumbent


def test_only_a_better_partition_is_taken() -> None:
    """The first of equals stays."""
    incumbent, block_of = Incumbent(), np.zeros(3, np.int32)
    assert incumbent.improve(block_of, 10)
    assert not incumbent.improve(None, 10)
    assert not incumbent.improve(None, 11)
    assert incumbent.best == (10, block_of)
    assert incumbent.improve(None, 9)
    best = incumbent.best
    assert best is not None
    assert best[0] == 9
    assert best[1] is None


def test_the_best_of_all_threads_is_kept() -> None:
    """Whatever the order in which they come: no worse partition replaces a better one."""
    incumbent = Incumbent()
    start = threading.Barrier(4)

    def offer(first: int) -> None:
        start.wait()
        for ticks in range(4000 + first, first, -4):
            incumbent.improve(np.full(1, ticks, np.int32), ticks)

    threads = [threading.Thread(target=offer, args=(first,)) for first in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    best = incumbent.best
    assert best is not None
    ticks, block_of = best
    assert block_of is not None
    assert (ticks, block_of[0]) == (5, 5)
