"""The shared state of a run: workers take their next tasks from it and report events to it, under one lock."""

from __future__ import annotations

import threading
import time
from typing import final

from slicegraph.history import Row, add_row
from slicegraph.solve.events import End, Event, Run, Wait
from slicegraph.solve.schedule import Schedule, after, next_task


@final
class Board:
    """The schedule of a run, its clock, and the threads that wait for a change of it.

    Parameters
    ----------
    schedule
        The initial state.
    """

    def __init__(self, schedule: Schedule) -> None:
        self._schedule, self._begin = schedule, time.monotonic()
        self._changed = threading.Condition()
        self._rows: list[Row] = []

    @property
    def now(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._begin

    @property
    def schedule(self) -> Schedule:
        """The state as it is now."""
        with self._changed:
            return self._schedule

    @property
    def history(self) -> list[Row]:
        """Bottlenecks and lower bounds in ticks, whenever one of them got better."""
        with self._changed:
            return list(self._rows)

    def post(self, *events: Event) -> Schedule:
        """Apply events; give the state after them."""
        with self._changed:
            before = self._schedule
            for event in events:
                self._schedule = after(self._schedule, event, self.now)
                state = self._schedule
                best = state.no_partition if state.bottleneck is None else state.bottleneck
                add_row(self._rows, self.now, best, state.lower_bound)
            if self._schedule is not before:
                self._changed.notify_all()
            return self._schedule

    def next_task(self, worker: str) -> Run | End:
        """Give a worker's next task, as soon as there is one."""
        with self._changed:
            while True:
                self._schedule, task = next_task(self._schedule, worker, self.now)
                if not isinstance(task, Wait):
                    self._changed.notify_all()
                    return task
                self._changed.wait(None if task.until is None else max(0.0, task.until - self.now))

    def wait_in_search(self, seconds: float) -> None:
        """Wait for an event, for so many seconds at most, as long as the search waits for the first turn."""
        with self._changed:
            # Tested under the lock, so that no event is missed between the test and the wait.
            if self._schedule.search_waits:
                self._changed.wait(seconds)
