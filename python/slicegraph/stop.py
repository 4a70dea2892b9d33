"""When to stop: conditions on the progress of a search that combine with ``|`` and ``&``."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np

from slicegraph import checks
from slicegraph.errors import InputError


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far a run is.

    Attributes
    ----------
    seconds
        Wall-clock time since it began.
    bottleneck
        Seconds of the best partition so far; infinite while none fits the memory limit.
    lower_bound
        Seconds that no partition beats, as far as is proven.
    evaluations
        Candidates looked at: orders that were sliced, and moves that were tried.
    work
        Candidates, and the steps of the exact solver. Those are counted where the stop has a `MaxWork`.
    """

    seconds: float
    bottleneck: float
    lower_bound: float
    evaluations: int
    work: int = 0

    @property
    def gap(self) -> float:
        """How far the best partition can be from the optimum, as a fraction of its bottleneck."""
        return relative_gap(self.bottleneck, self.lower_bound)


Condition = Callable[[Progress], object]
"""What may stand for a stop: it ends a run when what it answers is true."""


def relative_gap(bottleneck: float, lower_bound: float) -> float:
    """(bottleneck - lower bound) / bottleneck, in one unit; 0 from the bottleneck on, and 1 without a partition."""
    if math.isinf(bottleneck):
        return 1.0
    return 0.0 if bottleneck <= lower_bound else (bottleneck - lower_bound) / bottleneck


class Stop(ABC):
    """A condition that ends a run when it is true of the run's progress.

    Subclasses answer ``stop(progress)``. A stop keeps no state, so one object serves any number of runs, also at once.
    Any other callable of a `Progress` is a stop too, and combines with ``|`` and ``&`` when the other side is a `Stop`.
    A run asks its stop on the thread that called it, after each improvement and every few milliseconds.

    Examples
    --------
    >>> from slicegraph.stop import MaxEvaluations, MaxRuntime, Progress
    >>> stop = MaxRuntime(60) | MaxEvaluations(1000)
    >>> stop(Progress(seconds=1.0, bottleneck=2.0, lower_bound=1.0, evaluations=1000))
    True

    Another thread ends a run by an event:

    >>> import threading
    >>> cancelled = threading.Event()
    >>> stop = MaxRuntime(60) | (lambda _: cancelled.is_set())
    >>> cancelled.set()
    >>> stop(Progress(seconds=1.0, bottleneck=2.0, lower_bound=1.0, evaluations=1000))
    True
    """

    __slots__ = ()

    @abstractmethod
    def __call__(self, progress: Progress) -> bool:
        """Whether to stop now."""

    @property
    def gap(self) -> float:
        """The largest gap that the condition asks for; 0 when it asks for none."""
        return 0.0

    @property
    def work(self) -> int | None:
        """The work after which the condition may come true; None when it does not depend on work."""
        return None

    @final
    def __or__(self, other: Condition) -> Stop:
        return _Either(self, as_stop(other))

    @final
    def __ror__(self, other: Condition) -> Stop:
        return _Either(as_stop(other), self)

    @final
    def __and__(self, other: Condition) -> Stop:
        return _Both(self, as_stop(other))

    @final
    def __rand__(self, other: Condition) -> Stop:
        return _Both(as_stop(other), self)


@dataclass(frozen=True, slots=True)
class MaxRuntime(Stop):
    """Stop after so many seconds of wall-clock time."""

    seconds: float

    def __post_init__(self) -> None:
        checks.number(f"MaxRuntime({self.seconds!r:.80})", self.seconds, "seconds are not negative")

    def __call__(self, progress: Progress) -> bool:
        """Whether the time is over."""
        return progress.seconds >= self.seconds


@dataclass(frozen=True, slots=True)
class MaxEvaluations(Stop):
    """Stop after the generation in which so many orders have been looked at."""

    evaluations: int

    def __post_init__(self) -> None:
        checks.number(f"MaxEvaluations({self.evaluations!r:.80})", self.evaluations, "a count is not negative")

    def __call__(self, progress: Progress) -> bool:
        """Whether so many orders have been looked at."""
        return progress.evaluations >= self.evaluations


@dataclass(frozen=True, slots=True)
class MaxWork(Stop):
    """Stop after so much work: candidates of the search and steps of the exact solver, together.

    With it `solve` takes turns that work decides, not time: search and exact solver one after the other, without the
    bounds that need the MIP solver. The partition, the bound, the status and the certificate are then the same on every
    machine, with any number of threads and under any load, unless another stop, the callback or Ctrl-C ends the run
    first. A round of the search, or a step of the exact solver, that has begun is finished. A processor does some 10^7
    to 10^8 a second.

    Examples
    --------
    >>> import slicegraph as sg
    >>> graph = sg.Graph(work=[2, 1, 2], producer=[0, 1], size=[1, 1], consumers=[1, 2], consumer_offsets=[0, 1, 2])
    >>> instance = sg.Instance(graph, device=sg.Device(bandwidth=64), num_blocks=2)
    >>> sg.solve(instance, stop=sg.MaxWork(100_000)).bottleneck
    3.015625
    """

    steps: int

    def __post_init__(self) -> None:
        checks.number(f"MaxWork({self.steps!r:.80})", self.steps, "a count is not negative")

    def __call__(self, progress: Progress) -> bool:
        """Whether so much has been done."""
        return progress.work >= self.steps

    @property
    def work(self) -> int:
        """The work that is allowed."""
        return self.steps


@dataclass(frozen=True, slots=True)
class TargetGap(Stop):
    """Stop when the best partition is proven to be within ``max_gap`` of the optimum, a fraction of its bottleneck."""

    max_gap: float

    def __post_init__(self) -> None:
        checks.number(f"TargetGap({self.max_gap!r:.80})", self.max_gap, "a gap is from 0 to 1", most=1.0)

    def __call__(self, progress: Progress) -> bool:
        """Whether the gap is proven."""
        return progress.gap <= self.max_gap

    @property
    def gap(self) -> float:
        """The gap that is asked for."""
        return self.max_gap


@dataclass(frozen=True, slots=True)
class _Called(Stop):
    condition: Condition

    def __call__(self, progress: Progress) -> bool:
        return bool(self.condition(progress))


@dataclass(frozen=True, slots=True)
class _Either(Stop):
    first: Stop
    second: Stop

    def __call__(self, progress: Progress) -> bool:
        return self.first(progress) or self.second(progress)

    @property
    def gap(self) -> float:
        return max(self.first.gap, self.second.gap)

    @property
    def work(self) -> int | None:
        return min(_works(self), default=None)


@dataclass(frozen=True, slots=True)
class _Both(Stop):
    first: Stop
    second: Stop

    def __call__(self, progress: Progress) -> bool:
        return self.first(progress) and self.second(progress)

    @property
    def gap(self) -> float:
        return min((gap for gap in (self.first.gap, self.second.gap) if gap), default=0.0)

    @property
    def work(self) -> int | None:
        return max(_works(self), default=None)


def _works(stop: _Either | _Both) -> list[int]:
    return [work for work in (stop.first.work, stop.second.work) if work is not None]


def as_stop(stop: object) -> Stop:
    """Give a stop, or any other callable of a `Progress`, as a stop.

    Raises
    ------
    InputError
        Naming what is neither.
    """
    if isinstance(stop, Stop):
        return stop
    if not callable(stop) or isinstance(stop, type):
        raise InputError(f"stop: {stop!r:.80} is neither a slicegraph.Stop nor a callable of the progress")
    return _Called(stop)


def as_callback(callback: object) -> Callable[[Progress], bool]:
    """Give a callback, or None, as a callable that says whether it has asked to end the run by returning True.

    Raises
    ------
    InputError
        When it cannot be called.
    """
    if callback is None:
        return lambda _: False
    if not callable(callback):
        raise InputError(f"callback = {callback!r:.80}, but it is called with the progress")

    def ends(progress: Progress) -> bool:
        answer = callback(progress)
        return isinstance(answer, bool | np.bool_) and bool(answer)

    return ends


DEFAULT_STOP = MaxRuntime(60)
"""What ends a run that was given no stop."""
