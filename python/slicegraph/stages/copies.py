"""What it takes to copy a tensor between the memory that stages share and a stage's own."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from slicegraph.stages.clocks import QUIET

SIZES: Final = (1 << 12, 1 << 14, 1 << 16, 1 << 18, 1 << 20, 1 << 22, 1 << 24)
"""Bytes that are copied to measure: from what caches hold to what none does."""
_POOL: Final = 1 << 26  # bytes that are copied before the same ones come again
_REPEATS: Final = 15
_AT_ONCE: Final = 1 << 21  # bytes between two looks at a clock, which takes time itself


@dataclass(frozen=True, kw_only=True, slots=True)
class Copies:
    """What copies were measured to take.

    Attributes
    ----------
    size
        int64: bytes, ascending.
    seconds
        float64: of the processor, per copy, the lower quartile.
    spread
        float64: the difference of the upper and the lower quartile over the median.
    """

    size: NDArray[np.int64]
    seconds: NDArray[np.float64]
    spread: NDArray[np.float64]

    def line(self, sizes: NDArray[np.int64] | None = None) -> tuple[float, float, float]:
        """Fit ``latency + size / bandwidth``, with relative errors squared, and give its largest error as a share.

        Parameters
        ----------
        sizes
            Bytes of tensors that are to be priced: the line is fitted between the least and the largest. None: to all.
        """
        some = self.size.astype(np.float64) if sizes is None else _grid(sizes, self.size)
        seconds = self.of(some)
        columns = np.stack((np.ones(len(some)), some), axis=1) / seconds[:, None]
        latency, per_byte = np.linalg.lstsq(columns, np.ones(len(some)), rcond=None)[0]
        if latency < 0 or per_byte <= 0:
            latency, per_byte = 0.0, 1 / np.mean(some / seconds)
        error = np.abs((latency + per_byte * some) / seconds - 1).max()
        return float(latency), float(1 / per_byte), float(error)

    def of(self, sizes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give seconds of copies of some sizes: between measured ones in proportion, beyond them at the last rate."""
        beyond = np.maximum(sizes / self.size[-1], 1.0)
        inside = np.interp(sizes, self.size, self.seconds)
        return np.asarray(inside * beyond, dtype=np.float64)


def _grid(sizes: NDArray[np.int64], measured: NDArray[np.int64]) -> NDArray[np.float64]:
    used = np.clip(sizes[sizes > 0], measured[0], measured[-1])
    if not used.size:
        return measured.astype(np.float64)
    least, largest = np.log(used.min()), np.log(max(used.max(), 2 * used.min()))
    return np.exp(np.linspace(least, largest, 9))


def measure_copies(sizes: Sequence[int] = SIZES) -> Copies:
    """Copy bytes as the stages of a pipeline do, from memory that was not touched lately, and time it.

    Notes
    -----
    Takes some tenths of a second, and 128 MiB.
    """
    # Ones: pages that were never written are slow the first time.
    pool, target = np.ones(_POOL, np.uint8), np.ones(_POOL, np.uint8)
    rows = [_seconds(pool, target, size) for size in sizes]
    quartiles = np.quantile(rows, (QUIET, 0.5, 1 - QUIET), axis=1)
    return Copies(
        size=np.array(sizes, dtype=np.int64),
        seconds=quartiles[0],
        spread=(quartiles[2] - quartiles[0]) / quartiles[1],
    )


def _seconds(pool: NDArray[np.uint8], target: NDArray[np.uint8], size: int) -> list[float]:
    count = max(1, min(64, _AT_ONCE // size))
    places = range(0, len(pool) - size + 1, size)
    found = []
    for repeat in range(_REPEATS):
        chosen = [places[(repeat * count + each) % len(places)] for each in range(count)]
        pairs = [(target[begin : begin + size], pool[begin : begin + size]) for begin in chosen]
        begin_cpu = time.thread_time()
        for mine, slot in pairs:
            mine[:] = slot
        found.append((time.thread_time() - begin_cpu) / count)
    return found
