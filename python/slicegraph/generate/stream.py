"""Random numbers that are the same everywhere, whatever the version of numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SUMMANDS = 12


class Stream:
    """Numbers made from the raw integers of PCG64.

    numpy guarantees that stream for a seed, but not those of `numpy.random.Generator`. All that is done with the
    integers is exact or rounded once, so neither processor nor mathematical library has a say.
    """

    def __init__(self, seed: int) -> None:
        self._bits = np.random.PCG64(int(seed))

    def uniforms(self, count: int) -> NDArray[np.float64]:
        """Give multiples of 2^-53 from 0 up to, not including, 1."""
        return (self._raw(count) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def normals(self, count: int) -> NDArray[np.float64]:
        """Give numbers of mean 0 and variance 1, close to normal: sums of twelve uniform ones, less 6."""
        raw = self._raw(_SUMMANDS * count) >> np.uint64(32)
        total: NDArray[np.uint64] = raw.reshape(_SUMMANDS, count).sum(axis=0)
        return total.astype(np.float64) * 2.0**-32 - _SUMMANDS / 2

    def heavy(self, count: int) -> NDArray[np.float64]:
        """Give numbers of at least 1/2, mean 1 and infinite variance: Pareto's law of index 2."""
        root: NDArray[np.float64] = np.sqrt(1.0 - self.uniforms(count))
        return 0.5 / root

    def below(self, limits: int | NDArray[np.int64], count: int) -> NDArray[np.int64]:
        """Give whole numbers from 0 up to, not including, the limits, which are at most 2^53."""
        return (self.uniforms(count) * limits).astype(np.int64)

    def permutation(self, count: int) -> NDArray[np.int64]:
        """Give 0 to count - 1 in random order."""
        return np.argsort(self._raw(count), kind="stable")

    def one_below(self, limit: int) -> int:
        """Give one whole number from 0 up to, not including, the limit."""
        return int(self._bits.random_raw()) * limit >> 64

    def happens(self, probability: float) -> bool:
        """Tell whether an event of this probability happens."""
        return (int(self._bits.random_raw()) >> 11) * 2.0**-53 < probability

    def _raw(self, count: int) -> NDArray[np.uint64]:
        return np.asarray(self._bits.random_raw(count), dtype=np.uint64)
