"""Lower bounds in the background while something else looks for partitions; each has the other's news."""

from __future__ import annotations

import contextlib
import logging
import math
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self, final

from slicegraph.bounds.combinatorial import combinatorial
from slicegraph.bounds.model import Formulation
from slicegraph.bounds.tasks import Budget
from slicegraph.cost import Instance
from slicegraph.lower_bound import SOLVED
from slicegraph.result import Bound

_log = logging.getLogger(__name__)
_FIRST_SECONDS = 1.0
_GROWTH = 4.0
"""Each round takes so many times as long as the one before, so that what is begun anew costs a third at most."""
_PATIENCE = 0.5
"""Seconds in which a bound that is told to stop sums up what it has."""
_FINAL = ("optimal", "too_large", "failed")
"""How a method ends that more time would not help."""


@final
class Prover:
    """Proves bounds on a thread of its own, in rounds that take ever longer, from the first `learn` until it is closed.

    Parameters
    ----------
    instance
        The problem.
    methods
        Names in `SOLVED`, in the order of a round.
    """

    def __init__(self, instance: Instance, methods: Sequence[str]) -> None:
        self._instance, self._methods = instance, methods
        self._bounds = {"combinatorial": combinatorial(instance)}
        self._threshold: int | None = None
        self._is_closed = threading.Event()
        self._has_news = threading.Event()
        self._is_last = False
        self._thread = threading.Thread(target=self._run, name="slicegraph-prover", daemon=True)
        self._running = 0
        self.is_done = not methods
        """Whether nothing more will come."""
        self.is_solved = False
        """Whether the exact model is: the optimum is known, to the precision of the solver."""

    @property
    def lower_bound(self) -> float:
        """Seconds that no partition beats, as far as is proven."""
        best = max(bound.ticks for bound in self.bounds)
        return self._instance.seconds(max(best, self._running))

    @property
    def bounds(self) -> tuple[Bound, ...]:
        """The best bound of each method."""
        return tuple(self._bounds.values())

    def learn(self, bottleneck: float, *, is_last: bool = False) -> None:
        """Take the news of the best partition, in seconds; begin with the first. ``is_last`` when none will follow."""
        self._is_last = is_last
        ticks = None if math.isinf(bottleneck) else round(bottleneck / self._instance.tick)
        if ticks is not None and (self._threshold is None or ticks < self._threshold):
            self._threshold = ticks
            self._has_news.set()
        if is_last:
            self._has_news.set()
        if not self._thread.is_alive() and not self.is_done:
            self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with contextlib.suppress(KeyboardInterrupt):
            self.close()

    def close(self) -> None:
        """Stop, and wait until what is running has been summed up."""
        self._is_closed.set()
        self._has_news.set()
        if self._thread.is_alive():
            self._thread.join(_PATIENCE)

    def _run(self) -> None:
        try:
            formulation, seconds = Formulation(self._instance), _FIRST_SECONDS
            while not (self._is_closed.is_set() or self._round(formulation, seconds)):
                seconds *= _GROWTH
        except Exception:  # noqa: BLE001 - logged with its trace
            # The partition that was found is worth more than what went wrong here.
            _log.exception("the lower bounds have failed")
        self.is_done = True

    def _round(self, formulation: Formulation, seconds: float) -> bool:
        """Run each method once; say whether there is nothing more to be had."""
        self._has_news.clear()
        threshold, statuses = self._threshold, []
        for method in self._methods:
            budget = Budget(threshold=self._threshold, seconds=seconds, watch=self._hear)
            bound = SOLVED[method](formulation, budget)
            if method not in self._bounds or bound.ticks >= self._bounds[method].ticks:
                self._bounds[method] = bound
            self._running = 0
            _log.info("%s: %.6g s proven in %.2f s", method, bound.lower_bound, bound.seconds)
            statuses.append(bound.status)
            self.is_solved |= method == "exact" and bound.status == "optimal"
            if self._is_closed.is_set() or self.is_solved:
                return True
        if not set(statuses) <= set(_FINAL):
            return False
        if "optimal" not in statuses:
            return True
        # More time gives nothing, but a better partition may.
        if self._threshold == threshold and not self._is_last:
            self._has_news.wait()
        return self._threshold == threshold

    def _hear(self, ticks: int) -> bool:
        self._running = max(self._running, ticks)
        return self._is_closed.is_set()
