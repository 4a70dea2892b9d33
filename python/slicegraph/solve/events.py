"""What happens in a run of `solve`, and what its workers can be told to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A task: run a method."""

    method: str
    seconds: float
    """How long, at least until there is news."""
    steps: int
    """Of each threshold's first attempt, for the exact solver."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wait:
    """A task: wait for the next event, or until a time."""

    until: float | None = None


@dataclass(frozen=True, slots=True)
class End:
    """A task: nothing more."""


Task = Run | Wait | End


@dataclass(frozen=True, kw_only=True, slots=True)
class Begun:
    """An event: the search has had its head start, and proofs begin."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Improved:
    """An event: a worker has found a better partition, of so many ticks."""

    bottleneck: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Proven:
    """An event: a lower bound in ticks, by a method of a worker that has not ended."""

    worker: str
    lower_bound: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Reproved:
    """An event: a lower bound in ticks, with evidence, of an earlier answer that is an own one or has been checked."""

    lower_bound: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Swept:
    """An event: the exact solver has proven what minimum cuts prove, or finds partitions instead."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Widened:
    """An event: frontiers are too many for the exact solver at the best partition's bottleneck."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeUsed:
    """An event: the first turn of the exact solver has used its time, and goes on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MethodEnded:
    """An event: a worker's method has summed up."""

    worker: str
    method: str
    status: str
    lower_bound: int
    """Ticks that it proves, of which there is evidence."""
    has_more: bool = False
    """Whether the chain has more to try."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Broken:
    """An event: a worker has failed."""

    worker: str


@dataclass(frozen=True, slots=True)
class Closed:
    """An event: the run is over."""


Event = Begun | Improved | Proven | Reproved | Swept | Widened | TimeUsed | MethodEnded | Broken | Closed


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """How far the exact solver is: ticks of its bound and of its best partition, and what cuts say."""

    lower_bound: int
    bottleneck: int
    is_swept: bool
    is_wide: bool
