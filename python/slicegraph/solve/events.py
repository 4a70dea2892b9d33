"""The events of a run of `solve`, and the tasks of its workers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A task: run a method."""

    method: str
    seconds: float
    """The time limit, unless an event ends the task before."""
    steps: int
    """Steps of each threshold's first attempt, for the exact solver."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wait:
    """A task: wait for the next event, or until a time."""

    until: float | None = None


@dataclass(frozen=True, slots=True)
class End:
    """A task: end the thread."""


Task = Run | Wait | End


@dataclass(frozen=True, kw_only=True, slots=True)
class Begun:
    """An event: the search has had its head start, and proofs begin."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Improved:
    """An event: a worker has found a better partition; its bottleneck in ticks."""

    bottleneck: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Proven:
    """An event: a lower bound in ticks, by a method of a worker that has not ended."""

    worker: str
    lower_bound: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Reproved:
    """An event: a lower bound in ticks, with evidence, of an earlier answer of this process or one that was checked."""

    lower_bound: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Swept:
    """An event: the exact solver has ended its sweep, or finds partitions without one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Widened:
    """An event: at the best partition's bottleneck there are too many frontiers for the exact solver."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeUsed:
    """An event: the first turn of the exact solver has used its time, and continues."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MethodEnded:
    """An event: a worker's method has returned its bound."""

    worker: str
    method: str
    status: str
    lower_bound: int
    """The bound in ticks, with evidence."""
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
    """The progress of the exact solver: its bound and its best bottleneck in ticks, and findings of cuts."""

    lower_bound: int
    bottleneck: int
    is_swept: bool
    is_wide: bool
