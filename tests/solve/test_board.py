"""Who waits for the schedule wakes up when it changes."""

from __future__ import annotations

import threading

import pytest

from slicegraph.solve.board import Board
from slicegraph.solve.events import Begun, Closed, End, Event, Run, Swept, TimeUsed, Widened
from slicegraph.solve.schedule import new_schedule


@pytest.mark.parametrize(("events", "kind"), [((Swept(), Widened()), Run), ((Closed(),), End)])
def test_a_worker_waits_for_its_task_and_for_the_end(events: tuple[Event, ...], kind: type) -> None:
    """Nothing is polled: an event gives the next task to the thread that waits for it."""
    board = Board(new_schedule(["downsets", "chain"], no_partition=100))
    board.post(Begun())
    tasks: list[Run | End] = []
    thread = threading.Thread(target=lambda: tasks.append(board.next_task("relaxed")))
    thread.start()
    board.post(*events)
    thread.join(60)
    assert not thread.is_alive()
    assert isinstance(tasks[0], kind)


def test_the_first_worker_that_is_told_to_end_has_ended() -> None:
    """The state is that in which it does what it was told."""
    board = Board(new_schedule(["downsets"], no_partition=100))
    board.post(Begun(), Closed())
    assert board.next_task("exact") == End()
    assert board.schedule.is_done


def test_the_search_does_not_wait_for_an_event_that_has_come() -> None:
    """The first turn may end between the search's look and its wait."""
    board = Board(new_schedule(["downsets"], no_partition=100))
    board.post(Begun(), TimeUsed())
    waiting = threading.Thread(target=board.wait_in_search, args=(600.0,), daemon=True)
    waiting.start()
    waiting.join(60)
    assert not waiting.is_alive()
