"""When a turn of the exact solver ends, and the events that its reports give: pure functions."""

from __future__ import annotations

from dataclasses import dataclass

from slicegraph.solve.events import Event, Proven, Report, Swept, TimeUsed, Widened
from slicegraph.solve.schedule import Schedule


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """The start of a turn of the exact solver.

    Attributes
    ----------
    begin, seconds
        The time when it began, and its length.
    bottleneck
        Ticks of the best partition at that time.
    is_first
        Whether it is the first turn of all.
    """

    begin: float
    seconds: float
    bottleneck: int | None
    is_first: bool


def news(turn: Turn, report: Report, now: float) -> tuple[Event, ...]:
    """Give the events of a report of the exact solver."""
    events: list[Event] = [Proven(worker="exact", lower_bound=report.lower_bound)]
    finds_partitions = turn.bottleneck is not None and report.bottleneck < turn.bottleneck
    if report.is_swept or finds_partitions:
        # An exact solver that finds partitions may need no sweep.
        events.append(Swept())
    if report.is_wide and not turn.is_first:
        # There may be too many frontiers at a first partition's bottleneck, and few at the optimum.
        events.append(Widened())
    if now - turn.begin >= turn.seconds:
        events.append(TimeUsed())
    return tuple(events)


def ends_turn(state: Schedule, turn: Turn, report: Report, now: float) -> bool:
    """Whether the exact solver ends its turn: it goes on as long as no other worker has news."""
    elapsed = now - turn.begin
    is_over = elapsed >= turn.seconds
    is_met = state.bottleneck is not None and report.lower_bound >= state.bottleneck
    is_swept = state.swept is not None
    has_news = turn.is_first or turn.bottleneck != state.bottleneck
    is_left = _is_beaten(state, turn, report, elapsed) and (is_swept or state.is_close)
    is_last = is_over and state.is_brief
    return state.is_closed or is_met or is_left or is_last or (is_over and has_news and is_swept)


def _is_beaten(state: Schedule, turn: Turn, report: Report, elapsed: float) -> bool:
    """Whether the best partition is so much better that the turn's thresholds are too high."""
    params = state.params
    parts = params.beaten_before_sweep if state.swept is None else params.beaten_after_sweep
    better_by = 0 if state.bottleneck is None else report.bottleneck - state.bottleneck
    is_much = better_by * parts > report.bottleneck - report.lower_bound
    return is_much and elapsed * params.growth >= turn.seconds


def ends_decision(state: Schedule, turn: Turn, report: Report, now: float) -> bool:
    """Whether the exact solver ends a query of the chain: to decide the threshold ``turn.bottleneck``."""
    if turn.bottleneck is None:
        return True
    is_outdated = state.bottleneck is not None and state.bottleneck < turn.bottleneck
    is_answered = report.lower_bound >= turn.bottleneck
    return state.is_closed or is_outdated or is_answered or now - turn.begin >= turn.seconds
