"""Thresholds that node weights prove of a run's quotient, each checked again before it counts."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import final

import numpy as np

from slicegraph.bounds.packing import PackingSearch
from slicegraph.certificate.budget import DEFAULT_STEPS, BeyondBudgetError, Budget
from slicegraph.certificate.compiled import Claim, Compiled
from slicegraph.certificate.structure import PlacedError
from slicegraph.cost import Instance
from slicegraph.evidence.claims import DownsetSearch
from slicegraph.reduce import Reduction

_MOST_BYTES = 2**24
"""Of cases; a certificate with more is refused."""
_WORK = 2**26
"""For a threshold, at first."""
_SOON = 0.75
"""Of a bottleneck: the first threshold, where less is known."""
_LONG, _SHORT = 16, 64
"""Parts of a bottleneck: the longest step after the first, and a short one, for which more work is allowed."""
_MORE = 4
"""Times the work of a threshold that is proven, at least, for the next one."""
_FINELY = 250
"""Parts of a bottleneck: how close thresholds get."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ladder:
    """Which threshold is next: steps up from what is proven, shorter ones where work has run out.

    Attributes
    ----------
    proven, refuted
        Ticks: the largest threshold that is proven, and the least that no weights prove.
    step
        Ticks; three quarters of the way to what is refuted at most.
    work
        For each.
    """

    proven: int
    refuted: int
    step: int
    work: int = _WORK

    @property
    def threshold(self) -> int:
        """Give the next one."""
        return self.proven + max(1, min(self.step, 3 * (self.refuted - self.proven) // 4))

    @classmethod
    def of(cls, proven: int, bottleneck: int) -> Ladder:
        """Give it at the start: soon, most of what is mostly proven soon."""
        return cls(proven=proven, refuted=bottleneck, step=max(bottleneck // _LONG, int(_SOON * bottleneck) - proven))

    @property
    def is_done(self) -> bool:
        """Whether no more is to be had."""
        return self.refuted - self.proven <= max(1, self.refuted // _FINELY)

    def beside(self, proven: int, bottleneck: int) -> Ladder:
        """Give what it is when something else has proven more, or a better partition is known."""
        return dataclasses.replace(self, proven=max(self.proven, proven), refuted=min(self.refuted, bottleneck))

    def climbed(self, used: int) -> Ladder:
        """Give what it is when its threshold is proven: the less work that has taken, the longer the next step."""
        threshold = self.threshold
        step = threshold - self.proven
        step = 2 * step if used < self.work // 4 else step
        work = max(self.work, _MORE * used)
        return dataclasses.replace(self, proven=threshold, step=min(step, self.refuted // _LONG), work=work)

    def left_open(self) -> Ladder:
        """Give what it is when work has run out: half of the step, or else more work."""
        step = (self.threshold - self.proven) // 2
        if step >= self.refuted // _SHORT:
            return dataclasses.replace(self, step=step)
        return dataclasses.replace(self, step=2 * step, work=2 * self.work)

    def fell(self) -> Ladder:
        """Give what it is when no weights prove its threshold."""
        return dataclasses.replace(self, refuted=self.threshold)


@final
class Packings:
    """What weights prove of an instance's quotient.

    Parameters
    ----------
    reduction
        The quotient.
    compiled
        The checker of the instance; None: nothing can be checked, and nothing is tried.
    last
        Those of an earlier quotient, which go on where it has the same groups.
    """

    def __init__(self, reduction: Reduction, compiled: Compiled | None, last: Packings | None = None) -> None:
        self.reduction, self.compiled = reduction, compiled
        instance: Instance = reduction.instance
        self._packing = PackingSearch(instance) if compiled is not None else None
        self._ladder: Ladder | None = None
        self.search: DownsetSearch | None = None
        """The largest threshold that is proven, and how."""
        if last is not None and np.array_equal(last.reduction.group_of, reduction.group_of):
            self._go_on(last)

    def _go_on(self, last: Packings) -> None:
        # What is proven is proved of this quotient, too, but for what its merges rest on.
        self._packing, self._ladder = last._packing, last._ladder
        self.search = last.search if last.search and self._holds(last.proven, last.search.hints) else None

    @property
    def proven(self) -> int:
        """Ticks."""
        return self.search.threshold if self.search else 0

    @property
    def goes_on(self) -> bool:
        """Whether more time may give more."""
        return self._packing is not None and not (self._ladder and self._ladder.is_done)

    def prove(self, ceiling: int, *, floor: int, seconds: float, hear: Callable[[int], bool]) -> None:
        """Prove thresholds between what is known and a bottleneck, as long as there is time to begin another.

        ``hear`` is told each in ticks, and answers whether to stop.
        """
        end, packing = time.monotonic() + seconds, self._packing
        if packing is None:
            return

        def has_to_stop() -> bool:
            return hear(self.proven)

        ladder = (self._ladder or Ladder.of(floor, ceiling)).beside(floor, ceiling)
        while not (ladder.is_done or time.monotonic() >= end or has_to_stop()):
            threshold = ladder.threshold
            attempt = packing.attempt(threshold, work=ladder.work, has_to_stop=has_to_stop)
            if attempt.log is not None and self._holds(threshold, attempt.log, has_to_stop):
                self.search = DownsetSearch(threshold=threshold, downsets=0, transitions=0, hints=attempt.log)
                ladder = ladder.climbed(attempt.work)
            elif attempt.is_refuted:
                ladder = ladder.fell()
            else:
                ladder = ladder.left_open()
        has_to_stop()
        self._ladder = ladder

    def _holds(self, threshold: int, log: bytes, has_to_stop: Callable[[], bool] = lambda: False) -> bool:
        if self.compiled is None or len(log) >= _MOST_BYTES:
            return False
        claim = Claim(reduction=asdict(self.reduction.evidence), threshold=threshold, hints=log)
        try:
            return self.compiled.check(claim, Budget(DEFAULT_STEPS / 2, ends=has_to_stop)) == "packing"
        except (BeyondBudgetError, PlacedError):
            return False
