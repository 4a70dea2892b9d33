"""The schedule of a run of `solve`: the next task of each worker, as a state machine without threads or clocks.

A run has a search and up to two workers: ``exact`` runs the exact solver in turns, ``relaxed`` the methods that need
the MIP solver (the chain and the exact model, or one bound by name). A `Schedule` is the state; `after` gives the state
after an event; `next_task` gives a worker's next task.

Phases of a worker::

    held ----> turn ----> rest ------> turn      when the turn's time is over, or there is a better partition
      |         |  `----> settled ---> turn      when there is a better partition; more time alone gives nothing
      |         v
      `------> done                              the worker has ended
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from slicegraph.solve.events import (
    Begun,
    Broken,
    Closed,
    End,
    Event,
    Improved,
    MethodEnded,
    Proven,
    Reproved,
    Run,
    Swept,
    Task,
    TimeUsed,
    Wait,
    Widened,
)
from slicegraph.solve.params import ScheduleParams

FINAL = frozenset({"optimal", "too_large", "failed"})
"""Statuses of a method that more time would not change."""
_SOLVED = ("exact", "optimal")
"""The MIP solver has solved the exact model: more time would give nothing."""


class Phase(StrEnum):
    """The phase of a worker."""

    HELD = "held"
    """It has not begun: another worker goes first."""
    TURN = "turn"
    """It runs its methods one after the other."""
    REST = "rest"
    """Its methods have ended early: it waits until its turn's time is over, or for a better partition."""
    SETTLED = "settled"
    """More time gives nothing: it waits for a better partition."""
    DONE = "done"
    """It has ended."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Worker:
    """The state of a worker.

    Attributes
    ----------
    name, methods
        Its name, and its methods in the order of a turn.
    phase
        Its phase.
    seconds
        The length of its turn.
    begin
        The time when its turn began.
    place
        The index of the next method of the turn.
    ended
        The methods that this turn has run, with their statuses.
    bottleneck
        The best partition's bottleneck in ticks when the turn began.
    has_news
        Whether a better partition has been found since then.
    running
        The lower bound in ticks that the running method has proven so far.
    """

    name: str
    methods: tuple[str, ...]
    phase: Phase
    seconds: float
    begin: float = 0.0
    place: int = 0
    ended: tuple[tuple[str, str], ...] = ()
    bottleneck: int | None = None
    has_news: bool = False
    running: int = 0

    @property
    def statuses(self) -> frozenset[str]:
        """The statuses with which the methods of this turn have ended."""
        return frozenset(status for _, status in self.ended)

    def with_turn(self, now: float, bottleneck: int | None) -> Self:
        """Begin a turn."""
        return dataclasses.replace(
            self, phase=Phase.TURN, begin=now, place=0, ended=(), bottleneck=bottleneck, has_news=False
        )

    def with_longer_turn(self, now: float, growth: float) -> Self:
        """Give the next turn more time if this one took all of its own."""
        return dataclasses.replace(self, seconds=self.seconds * growth) if now - self.begin >= self.seconds else self


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """The state of a run; times are seconds since it began.

    Attributes
    ----------
    params
        The tuned numbers.
    workers
        The workers; the first one begins.
    no_partition
        Ticks in place of a bottleneck while no partition is known.
    is_dense
        Whether the graph is so dense that models begin after the exact solver's first turn, without its sweep.
    is_packed
        Whether packings are tried before the chain.
    is_brief
        Whether the exact solver has its first turn only: with packings, it would prove nothing more.
    is_warm
        Whether the caller has given the initial partition.
    has_begun
        Whether proofs have begun: the search has had its head start.
    bottleneck
        Ticks of the best partition. None: none is known.
    recorded
        The lower bound in ticks, with evidence.
    has_tried
        Whether the first method has ended its first turn, or used its time.
    swept
        The time when the exact solver's sweep ended. None: it has not.
    is_wide
        Whether there are too many frontiers for the exact solver.
    chain_has_more
        Whether the chain has thresholds left to try.
    is_exact_solved
        Whether the MIP solver has solved the exact model.
    is_met
        Whether the lower bound meets the best partition.
    is_closed
        Whether the run is over.
    """

    params: ScheduleParams = field(default_factory=ScheduleParams)
    workers: tuple[Worker, ...]
    no_partition: int
    is_dense: bool = False
    is_packed: bool = False
    is_brief: bool = False
    is_warm: bool = False
    has_begun: bool = False
    bottleneck: int | None = None
    recorded: int = 0
    has_tried: bool = False
    swept: float | None = None
    is_wide: bool = False
    chain_has_more: bool = False
    is_exact_solved: bool = False
    is_met: bool = False
    is_closed: bool = False

    def worker(self, name: str) -> Worker:
        """Give the worker of a name."""
        return next(worker for worker in self.workers if worker.name == name)

    def put(self, changed: Worker) -> Schedule:
        """Replace the worker of the same name."""
        return dataclasses.replace(
            self, workers=tuple(changed if worker.name == changed.name else worker for worker in self.workers)
        )

    @property
    def lower_bound(self) -> int:
        """The lower bound in ticks."""
        return max([self.recorded, *(worker.running for worker in self.workers)])

    @property
    def best(self) -> int:
        """Ticks of the best partition, or `no_partition`."""
        return self.no_partition if self.bottleneck is None else self.bottleneck

    @property
    def is_done(self) -> bool:
        """Whether all workers have ended."""
        return all(worker.phase is Phase.DONE for worker in self.workers)

    @property
    def search_waits(self) -> bool:
        """Whether the search leaves the processors to the first turn of the first worker."""
        return self.has_begun and not (self.has_tried or self.is_done or self.is_closed)

    @property
    def is_close(self) -> bool:
        """Whether the lower bound is at least the part `close` of the best bottleneck."""
        return self.bottleneck is not None and self.lower_bound >= self.params.close * self.bottleneck

    def may_prove(self, now: float, rounds: int) -> bool:
        """Whether the search has had its head start."""
        return rounds >= self.params.first_rounds or now > self.params.head_start

    def renews_quotient(self, bottleneck: int | None) -> bool:
        """Whether a quotient at this bottleneck, in ticks, is to be replaced by one at the best partition's."""
        if bottleneck == self.bottleneck:
            return False
        if bottleneck is None or self.bottleneck is None:
            return True
        return self.is_close or self.bottleneck < self.params.hardly_better * bottleneck


def new_schedule(
    methods: Sequence[str],
    *,
    no_partition: int,
    lower_bound: int = 0,
    density: float = 0.0,
    num_nodes: int = 0,
    is_packable: bool = False,
    is_warm: bool = False,
    params: ScheduleParams | None = None,
) -> Schedule:
    """Give the initial state, for the lower bounds of these names, with a known ``lower_bound``.

    ``density`` is the number of reads per node; ``is_packable`` says whether packings apply to the instance.
    """
    params = params or ScheduleParams()
    is_packed = density >= params.dense and is_packable and "chain" in methods
    relaxed = tuple(method for method in methods if method != "downsets")
    is_brief = is_packed and num_nodes >= params.brief
    named = {"exact": ("downsets",) if "downsets" in methods else (), "relaxed": relaxed}
    seconds = {"exact": params.brief_seconds if is_brief else params.first_seconds, "relaxed": params.first_seconds}
    workers = tuple(
        Worker(name=name, methods=each, phase=Phase.HELD, seconds=seconds[name]) for name, each in named.items() if each
    )
    return Schedule(
        params=params,
        workers=workers,
        no_partition=no_partition,
        is_warm=is_warm,
        is_dense=density >= params.dense,
        is_packed=is_packed,
        is_brief=is_brief,
        recorded=lower_bound,
    )


def after(  # noqa: C901, PLR0911 - one case an event
    state: Schedule, event: Event, now: float
) -> Schedule:
    """Give the state after an event."""
    match event:
        case Begun():
            return dataclasses.replace(state, has_begun=True)
        case Improved(bottleneck=bottleneck):
            if state.bottleneck is not None and bottleneck >= state.bottleneck:
                return state
            workers = tuple(dataclasses.replace(worker, has_news=True) for worker in state.workers)
            return dataclasses.replace(state, bottleneck=bottleneck, workers=workers)
        case Proven(worker=name, lower_bound=lower_bound):
            worker = state.worker(name)
            # A method bounds only partitions better than the best one, so its bound holds up to that one's bottleneck.
            proven = lower_bound if state.bottleneck is None else min(lower_bound, state.bottleneck)
            return state.put(dataclasses.replace(worker, running=max(worker.running, proven)))
        case Reproved(lower_bound=lower_bound):
            return _recorded(state, lower_bound)
        case Swept():
            return _swept(state, now)
        case Widened():
            return dataclasses.replace(state, is_wide=True)
        case TimeUsed():
            return dataclasses.replace(state, has_tried=True)
        case MethodEnded():
            return _after_method(state, event, now)
        case Broken(worker=name):
            return _ended(state, state.worker(name), now)
        case Closed():
            return dataclasses.replace(state, is_closed=True)


def _swept(state: Schedule, now: float) -> Schedule:
    return state if state.swept is not None else dataclasses.replace(state, swept=now)


def _recorded(state: Schedule, lower_bound: int) -> Schedule:
    """Give the state with a lower bound that has evidence."""
    state = dataclasses.replace(state, recorded=max(state.recorded, lower_bound))
    return dataclasses.replace(state, is_met=state.is_met or state.lower_bound >= state.best)


def _ended(state: Schedule, worker: Worker, now: float) -> Schedule:
    """Give the state after the end of a worker; the others no longer wait for it."""
    state = dataclasses.replace(state.put(dataclasses.replace(worker, phase=Phase.DONE)), has_tried=True, is_wide=True)
    return _swept(state, now)


def _after_method(state: Schedule, event: MethodEnded, now: float) -> Schedule:
    worker = state.worker(event.worker)
    ended = (*worker.ended, (event.method, event.status))
    place = worker.methods.index(event.method) + 1
    state = state.put(dataclasses.replace(worker, place=place, ended=ended, running=0))
    state = _recorded(dataclasses.replace(state, has_tried=True), event.lower_bound)
    if event.method == "chain":
        state = dataclasses.replace(state, chain_has_more=event.has_more)
    if event.method == "downsets" and event.status in FINAL:
        state = _swept(state, now)
    return dataclasses.replace(state, is_exact_solved=state.is_exact_solved or ended[-1] == _SOLVED)


def next_task(state: Schedule, name: str, now: float) -> tuple[Schedule, Task]:
    """Give a worker's next task, and the state in which the worker runs it."""
    worker = state.worker(name)
    if worker.phase is Phase.DONE:
        return state, End()
    if state.is_closed or state.is_met:
        return _ended(state, worker, now), End()
    if worker.phase is Phase.HELD:
        task = _held(state, worker, now)
        if task is not None:
            return state, task
        worker = worker.with_turn(now, state.bottleneck)
    elif worker.phase is Phase.REST:
        if not worker.has_news and now < worker.begin + worker.seconds:
            return state, Wait(until=worker.begin + worker.seconds)
        worker = worker.with_longer_turn(now, state.params.growth).with_turn(now, state.bottleneck)
    elif worker.phase is Phase.SETTLED:
        if worker.bottleneck == state.bottleneck:
            return state, Wait()
        worker = worker.with_longer_turn(now, state.params.growth).with_turn(now, state.bottleneck)
    return _in_turn(state, worker, now)


def _held(state: Schedule, worker: Worker, now: float) -> Task | None:
    """Give the task of a worker that has not begun. None: it may begin."""
    if not state.has_begun:
        return Wait()
    if worker.name == state.workers[0].name or (state.is_dense and state.has_tried):
        return None
    if state.swept is None:
        return Wait()
    until = state.swept + state.params.lead
    return None if state.is_wide or now >= until else Wait(until=until)


def _in_turn(state: Schedule, worker: Worker, now: float) -> tuple[Schedule, Task]:
    """Give the next method of a turn, or the end of the turn."""
    for place in range(worker.place, len(worker.methods)):
        method = worker.methods[place]
        if not _is_outdone(state, method):
            first = state.params.warm_steps if state.is_warm else state.params.first_steps
            steps = first if state.swept is None else state.params.more_steps
            task = Run(method=method, seconds=worker.seconds, steps=steps)
            return state.put(dataclasses.replace(worker, place=place)), task
    if state.is_brief and worker.name == "exact":
        return _ended(state, worker, now), End()
    if worker.ended[-1:] == (_SOLVED,) or not worker.statuses <= FINAL:
        phase = Phase.REST
    elif "optimal" in worker.statuses:
        phase = Phase.SETTLED
    else:
        return _ended(state, worker, now), End()
    state = state.put(dataclasses.replace(worker, phase=phase, place=len(worker.methods)))
    return next_task(state, worker.name, now)


def _is_outdone(state: Schedule, method: str) -> bool:
    """Whether a method is skipped: the exact model, once solved, or while the gap is large and the chain has more."""
    is_near = state.is_close or not state.chain_has_more
    return method == "exact" and (state.is_exact_solved or not is_near)
