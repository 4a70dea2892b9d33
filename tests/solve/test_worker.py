"""The threads that prove: what they ask, and what they tell."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

import slicegraph as sg
from slicegraph.bounds.combinatorial import combinatorial
from slicegraph.bounds.downsets import Closing
from slicegraph.solve import worker
from slicegraph.solve.board import Board
from slicegraph.solve.events import Begun, Closed, Improved, MethodEnded, Run
from slicegraph.solve.incumbent import Incumbent
from slicegraph.solve.schedule import new_schedule
from slicegraph.solve.worker import ExactProver, Shared, ask_exact
from strategies import CHAIN, to_instance

METHODS = ("downsets", "chain", "exact")
_LATE = """
import os, threading, time
from slicegraph.solve.worker import Background

class Late(Background):
    def _run(self):
        time.sleep(0.5)
        os.write(1, b"ended")

late = Late.__new__(Late)
late._thread = threading.Thread(target=late._run, daemon=True)
late.start()
late.join(0.0)
"""


class Told:
    """A proof's state that only listens."""

    def __init__(self) -> None:
        self.told: list[tuple[int, int]] = []
        self.stuck: int | None = None
        self.are_wide = False

    def narrow(self, lower_bound: int, bottleneck: int) -> None:
        self.told.append((lower_bound, bottleneck))


def shared_by(instance: sg.Instance, known: Told | None = None) -> Shared:
    ordinary = combinatorial(instance)
    board = Board(new_schedule(METHODS, no_partition=2**52, lower_bound=ordinary.ticks))
    made = Shared(instance=instance, board=board, incumbent=Incumbent(), threads=1, bounds={"combinatorial": ordinary})
    if known is not None:
        object.__setattr__(made, "known", known)
    return made


def closing_of(instance: sg.Instance) -> Closing:
    return Closing(bound=combinatorial(instance), block_of=None, bottleneck=None, is_interrupted=False)


def test_the_exact_solver_is_told_what_others_have_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that it does not try thresholds below: with each report, the best bound of all."""
    instance, told = to_instance(CHAIN, {"bandwidth": 64.0}, 2), Told()
    shared = shared_by(instance, told)
    proven = shared.board.schedule.lower_bound + 7
    shared.board.post(
        Begun(),
        Improved(bottleneck=10 * proven),
        MethodEnded(worker="relaxed", method="chain", status="time_limit", lower_bound=proven),
    )

    def close_in(instance: sg.Instance, *, poll: Callable[[int, int], bool], **_: object) -> Closing:
        assert not poll(1, 10 * proven)
        return closing_of(instance)

    monkeypatch.setattr(worker, "close_in", close_in)
    ask_exact(shared, instance, Run(method="downsets", seconds=60.0, steps=1), is_first=True)
    assert told.told == [(proven, 10 * proven)]


def test_the_exact_solver_begins_with_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The best bound and the best partition of all; and the steps of its task."""
    instance = to_instance(CHAIN, {"bandwidth": 64.0}, 2)
    shared = shared_by(instance)
    shared.board.post(Begun(), Improved(bottleneck=10**9))
    asked: dict[str, object] = {}

    def close_in(instance: sg.Instance, **options: object) -> Closing:
        asked.update(options)
        return closing_of(instance)

    monkeypatch.setattr(worker, "close_in", close_in)
    ask_exact(shared, instance, Run(method="downsets", seconds=1.0, steps=17))
    known = {name: asked[name] for name in ("lower_bound", "bottleneck", "steps")}
    assert known == {"lower_bound": shared.board.schedule.lower_bound, "bottleneck": 10**9, "steps": 17}


def test_a_partition_that_a_worker_finds_is_everybody_s() -> None:
    """Only when it is the best."""
    shared = shared_by(to_instance(CHAIN, {"bandwidth": 64.0}, 2))
    block_of = np.zeros(3, np.int32)
    shared.improve(block_of, 50)
    shared.improve(None, 60)
    shared.improve(None, None)
    assert shared.incumbent.best == (50, block_of)
    assert shared.board.schedule.bottleneck == 50


def test_a_failure_is_logged_and_ends_the_worker_alone(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no longer waited for."""
    shared = shared_by(to_instance(CHAIN, {"bandwidth": 64.0}, 2))
    monkeypatch.setattr(worker, "close_in", None)
    with caplog.at_level(logging.ERROR):
        shared.board.post(Begun())
        prover = ExactProver(shared)
        prover.start()
        prover.join(60)
    assert "the lower bounds have failed" in caplog.text
    state = shared.board.post(Closed())
    assert (state.has_tried, state.swept is not None, state.is_wide) == (True, True, True)


def test_a_process_ends_after_its_threads() -> None:
    """Also those for which their run has not waited: in compiled code they would abort it."""
    run = subprocess.run([sys.executable, "-c", _LATE], capture_output=True, timeout=60, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, b"ended", b"")
