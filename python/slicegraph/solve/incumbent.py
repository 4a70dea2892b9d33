"""The best partition of a run, whichever worker finds it."""

from __future__ import annotations

import threading
from typing import final

import numpy as np
from numpy.typing import NDArray


@final
class Incumbent:
    """The best partition known, shared by all workers: one lock, and one method that improves it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._best: tuple[int, NDArray[np.int32] | None] | None = None

    def improve(self, block_of: NDArray[np.int32] | None, ticks: int) -> bool:
        """Take a partition, whose bottleneck is ``ticks``, if it is better than all before it; say whether it is.

        None stands for a partition that the search keeps until it ends.
        """
        with self._lock:
            if self._best is not None and ticks >= self._best[0]:
                return False
            self._best = ticks, block_of
            return True

    @property
    def best(self) -> tuple[int, NDArray[np.int32] | None] | None:
        """Its bottleneck in ticks, and the partition, or None while the search keeps it; None: none is known."""
        with self._lock:
            return self._best
