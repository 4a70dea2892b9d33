"""Two clocks of one run: what passes on the wall, and what of it the processor was this program's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, Self

import numpy as np

QUIET: Final = 0.25
"""Of some runs, the share that takes at most what counts: other programs only add to a run. Not tuned."""

_PARTED: Final = 1.1
"""Times on the wall over those of the processor from which on a machine is busy. Not tuned."""


class Clocks(NamedTuple):
    """Seconds of one run: on the wall, and of the processor that the calling thread had."""

    wall: float
    cpu: float

    @property
    def is_parted(self) -> bool:
        """Whether other programs had the processor for so long that most kernels were lengthened."""
        return self.wall > _PARTED * self.cpu

    @classmethod
    def median(cls, each: Sequence[Clocks]) -> Self:
        """Give the median of either clock."""
        return cls(*map(float, np.median(each, axis=0)))

    @classmethod
    def quiet(cls, each: Sequence[Clocks]) -> Self:
        """Give the median on the wall, and the lower quartile of the processor's clock."""
        return cls(float(np.median([one.wall for one in each])), float(np.quantile([one.cpu for one in each], QUIET)))
