"""The solver's own process: kept, killed on time, and replaced."""
# ruff: noqa: SLF001 - the kept processes are private

from __future__ import annotations

import dataclasses
import logging
import os
import pickle
import subprocess
import sys
import time

import pytest

import slicegraph as sg
from slicegraph.bounds import worker
from slicegraph.bounds.builder import build_model
from slicegraph.bounds.formulation import Formulation
from slicegraph.bounds.model import Superblocks
from slicegraph.bounds.worker import Request, solve_model
from strategies import CHAIN, grid, to_instance


def easy() -> Request:
    """The chain, whose optimum is 3.125 s."""
    formulation = Formulation(to_instance(CHAIN, {"bandwidth": 64.0}, 2))
    model = build_model(formulation, Superblocks(spans=(1, 1)), threshold=None)
    return Request(model=model, step=formulation.step, seconds=60)


def hard(seconds: float) -> Request:
    """A grid that takes far longer than any time limit here."""
    formulation = Formulation(to_instance(grid(40), {"bandwidth": 8.0}, 16))
    model = build_model(formulation, Superblocks(spans=(1,) * 16), threshold=None)
    return Request(model=model, step=formulation.step, seconds=seconds)


def test_a_worker_is_kept_for_the_next_request() -> None:
    first = solve_model(easy())
    idle = list(worker._idle)
    assert first.is_final
    assert idle
    assert solve_model(easy()) == first
    assert worker._idle == idle


def test_waiting_ends_on_time() -> None:
    """Whatever HiGHS does; nothing is said of speed here, but of a promise."""
    begin = time.monotonic()
    outcome = solve_model(hard(1.0), grace=0.5)
    assert time.monotonic() - begin < 10.0
    assert not outcome.is_final


def test_a_caller_can_stop_it() -> None:
    looks: list[int] = []

    def watch(lower_bound: int) -> bool:
        looks.append(lower_bound)
        return len(looks) >= 3

    assert not solve_model(hard(60.0), watch=watch).is_final
    assert len(looks) == 3


def test_a_proof_that_is_known_survives_a_run_without_time() -> None:
    known = solve_model(easy()).proof
    assert solve_model(dataclasses.replace(easy(), seconds=0.0, known=known)).proof == known


def test_a_solver_that_refuses_says_why() -> None:
    outcome = solve_model(dataclasses.replace(easy(), options={"no_such_option": 1}))
    assert (outcome.lower_bound, outcome.failure) == (0, "RuntimeError: HiGHS refused no_such_option")


def test_a_worker_that_died_idle_is_replaced() -> None:
    solve_model(easy())
    for idle in worker._idle:
        idle._process.kill()
        idle._process.wait()
    assert solve_model(easy()).is_final


def test_a_worker_that_dies_at_work_leaves_what_was_known() -> None:
    def watch(_: int) -> bool:
        made[0]._process.kill()
        return False

    known = solve_model(easy()).proof
    made = worker._idle[-1:]
    outcome = solve_model(dataclasses.replace(hard(60.0), known=known), watch=watch)
    assert (outcome.proof, outcome.failure) == (known, "its process has ended")


def test_without_an_interpreter_there_is_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_idle", [])
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    assert "cannot be started" in solve_model(easy()).failure


def test_a_failure_ends_a_bound_and_is_logged_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_idle", [])
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with caplog.at_level(logging.WARNING):
        bound = sg.lower_bound(to_instance(CHAIN, {"bandwidth": 64.0}, 2), method="bottleneck_guess")
    assert (bound.status, bound.lower_bound) == ("failed", 3.0)
    assert caplog.text.count("the solver gave up") == 1


def test_a_worker_whose_input_ends_within_a_request_ends() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "from slicegraph.bounds.worker import main; main()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        process.communicate(pickle.dumps(easy())[:-10], timeout=30)
        assert process.returncode == 0


@pytest.mark.skipif(os.name != "posix", reason="looks at a process by its number")
def test_no_worker_outlives_its_parent() -> None:
    """Not even one that is solving when the parent is killed."""
    code = (
        "import sys, threading, time\n"
        "sys.path[:0] = ['tests', 'tests/bounds']\n"
        "import test_worker\n"
        "from slicegraph.bounds import worker\n"
        "made = []\n"
        "make = worker._Worker.__init__\n"
        "worker._Worker.__init__ = lambda self: (make(self), made.append(self))[0]\n"
        "threading.Thread(target=worker.solve_model, args=(test_worker.hard(60.0),), daemon=True).start()\n"
        "time.sleep(2)\n"
        "print(made[0]._process.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 20
    while _is_alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as status:  # noqa: PTH123 - a line of the kernel's
        return status.read().split()[2] != "Z"


def test_the_instance_stays_the_users() -> None:
    """Solving in another process needs nothing of the caller's main module."""
    assert sg.lower_bound(to_instance(CHAIN, {"bandwidth": 64.0}, 2), method="exact").believed_lower_bound == 3.125
