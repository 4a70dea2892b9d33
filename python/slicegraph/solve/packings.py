"""The packing bound in a run: thresholds that node weights prove for its quotient, checked before they count."""

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
from slicegraph.solve.params import LadderParams

_MOST_BYTES = 2**24
"""Of cases; a certificate with more is refused."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ladder:
    """The choice of the next threshold: a step up from the lower bound, by a part of the gap to the bottleneck.

    The blocks of earlier thresholds help with the next one, but its weights start from scratch. So steps are short, and
    a threshold that has begun is rarely abandoned.

    Attributes
    ----------
    proven, refuted
        Ticks: the largest threshold that is proven, and the least for which no weights exist.
    halvings
        The number of times that the step was halved.
    used
        Work of all thresholds so far.
    is_limited
        Whether a threshold below the bottleneck is refuted: then steps are longer, up to that threshold.
    params
        The tuned numbers.
    """

    proven: int
    refuted: int
    halvings: int = 0
    used: int = 0
    is_limited: bool = False
    params: LadderParams = dataclasses.field(default_factory=LadderParams)

    @property
    def threshold(self) -> int:
        """Give the next one."""
        params = self.params
        parts = params.limited_step if self.is_limited else params.step
        step = max((self.refuted - self.proven) // parts, int(params.first * self.refuted) - self.proven)
        return self.proven + max(1, step >> self.halvings)

    @property
    def work(self) -> int:
        """The limit of its work."""
        return max(self.params.least_work, self.params.more_work * self.used)

    @property
    def is_done(self) -> bool:
        """Whether no threshold is left to try."""
        return self.refuted - self.proven <= max(1, self.refuted // self.params.finely)

    def is_outdated(self, bottleneck: int) -> bool:
        """Whether a better partition has made the threshold too high."""
        too_high = self.threshold - self.with_bounds(self.proven, bottleneck).threshold
        return self.threshold >= bottleneck or self.params.too_high * too_high > bottleneck

    def with_bounds(self, proven: int, bottleneck: int) -> Ladder:
        """Give the state after a larger lower bound of another method, or a better partition."""
        return dataclasses.replace(self, proven=max(self.proven, proven), refuted=min(self.refuted, bottleneck))

    def after_proof(self, used: int) -> Ladder:
        """Give the state after a proof of its threshold."""
        halvings = max(0, self.halvings - 1)
        return dataclasses.replace(self, proven=self.threshold, halvings=halvings, used=self.used + used)

    def after_halt(self, used: int) -> Ladder:
        """Give the state after its work has run out: the step is halved."""
        return dataclasses.replace(self, halvings=self.halvings + 1, used=self.used + used)

    def after_refutation(self, used: int) -> Ladder:
        """Give the state after a refutation: no weights prove its threshold."""
        return dataclasses.replace(self, refuted=self.threshold, used=self.used + used, is_limited=True)


@final
class Packings:
    """The packing bound of an instance's quotient.

    Parameters
    ----------
    reduction
        The quotient.
    compiled
        The checker of the instance. None: nothing can be checked, so nothing is tried.
    last
        The packings of an earlier quotient, which continue if it has the same groups.
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
        # The proofs hold for this quotient, too, except that its merges depend on another threshold.
        self._packing, self._ladder = last._packing, last._ladder
        has_merges = self.reduction.evidence.merges or last.reduction.evidence.merges
        if last.search and (not has_merges or self._holds(last.proven, last.search.hints)):
            self.search = last.search

    @property
    def proven(self) -> int:
        """The largest proven threshold in ticks."""
        return self.search.threshold if self.search else 0

    @property
    def has_more(self) -> bool:
        """Whether more time may give more."""
        return self._packing is not None and not (self._ladder and self._ladder.is_done)

    def prove(self, ceiling: Callable[[], int], *, floor: int, seconds: float, watch: Callable[[int], bool]) -> None:
        """Prove thresholds between the lower bound ``floor`` and the best bottleneck, until ``seconds`` have passed.

        ``ceiling`` gives the best bottleneck, which may fall meanwhile; ``watch`` is called with each proven threshold
        and returns whether to stop; both in ticks. The last threshold is finished.
        """
        end, packing = time.monotonic() + seconds, self._packing
        if packing is None:
            return

        def has_to_stop() -> bool:
            return watch(self.proven)

        ladder = (self._ladder or Ladder(proven=floor, refuted=ceiling())).with_bounds(floor, ceiling())

        def is_left() -> bool:
            return has_to_stop() or ladder.is_outdated(ceiling())

        while not (ladder.is_done or time.monotonic() >= end or has_to_stop()):
            threshold = ladder.threshold
            attempt = packing.attempt(threshold, work=ladder.work, has_to_stop=is_left)
            if attempt.log is not None and self._holds(threshold, attempt.log, has_to_stop):
                self.search = DownsetSearch(threshold=threshold, downsets=0, transitions=0, hints=attempt.log)
                ladder = ladder.after_proof(attempt.work)
            elif attempt.is_refuted:
                ladder = ladder.after_refutation(attempt.work)
            elif not ladder.is_outdated(ceiling()):
                ladder = ladder.after_halt(attempt.work)
            ladder = ladder.with_bounds(self.proven, ceiling())
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
