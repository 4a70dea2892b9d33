"""The MIP solver in a separate process, so that the caller can end it on time.

HiGHS checks its time limit and its interrupts rarely: in the root relaxation of a large model not for minutes; and an
interpreter cannot exit while one of its threads is in the solver. A process can be killed. The worker process reads
requests from its standard input and writes its results, as they come, to its standard output. It is kept for the next
request, so that only the first one pays for its start, and it exits when its input is closed.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import queue
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import IO, final

from slicegraph import processes
from slicegraph.bounds.model import Model
from slicegraph.bounds.outcome import Outcome
from slicegraph.evidence.relaxation import Proof

_POLL = 0.02
_MAX_IDLE = os.cpu_count() or 1

SOLVER_OPTIONS: Mapping[str, bool | float | str] = {
    "threads": 1,
    "mip_rel_gap": 1e-7,
    "mip_abs_gap": 0.0,
    "dual_feasibility_tolerance": 1e-9,
    "mip_feasibility_tolerance": 1e-7,  # as the rows' own: with what lies between, HiGHS ends in an error
    "mip_heuristic_effort": 0.0,  # a partition is known; only the bound is wanted
    "random_seed": 0,
}
"""Of HiGHS, where they are not its own defaults."""
Watch = Callable[[int], bool]
"""Told the best lower bound so far that is proven, in ticks; answers whether to stop."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A request to a worker process.

    Attributes
    ----------
    model
        The model whose least bottleneck is to be bounded from below.
    step
        A common divisor of all costs, in ticks.
    seconds
        The time limit of the solver.
    target
        Ticks at which it may stop. None: the model's threshold.
    known
        The proof of the linear relaxation, if an earlier request gave it.
    options
        Options of HiGHS.
    """

    model: Model
    step: int
    seconds: float
    target: int | None = None
    known: Proof | None = None
    options: Mapping[str, bool | float | str] = field(default_factory=lambda: SOLVER_OPTIONS)


def solve_model(request: Request, *, grace: float = 0.0, watch: Watch | None = None) -> Outcome:
    """Bound the least bottleneck of a model from below.

    Parameters
    ----------
    request
        The model, and the seconds that it may take.
    grace
        Seconds after its time limit until the process is killed.
    watch
        Called every few milliseconds; returns whether to stop.

    Returns
    -------
    Outcome
        The best so far, when time was up or the solver failed.

    Notes
    -----
    A request can be pickled, so that any `concurrent.futures.Executor` can run this.
    """
    deadline = time.monotonic() + request.seconds + grace
    best, is_idle = Outcome(proof=request.known), False
    try:
        worker = _take()
    except OSError as error:
        return replace(best, failure=f"{sys.executable!r} cannot be started: {error}")
    try:
        worker.ask(request)
        while time.monotonic() < deadline and not (watch is not None and watch(best.proven)):
            answer = worker.answer(min(_POLL, deadline - time.monotonic()))
            if isinstance(answer, _End):
                is_idle = not answer.failure
                return replace(best, failure=answer.failure)
            best = best if answer is None else best.or_better(answer)
    finally:
        if is_idle and len(_idle) < _MAX_IDLE:
            _idle.append(worker)
        else:
            worker.kill()
    return best


@dataclass(frozen=True, slots=True)
class _End:
    """The message that ends the results of a request.

    Attributes
    ----------
    failure
        Why the solver failed; empty when it did not.
    """

    failure: str


@final
class _Worker:
    """The parent's side of a worker process: one thread reads its pipe, so that others can wait with a time limit."""

    def __init__(self) -> None:
        self._process = processes.start(__name__)
        self._requests: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[Outcome | _End] = queue.SimpleQueue()
        threading.Thread(target=self._talk, name="slicegraph-worker", daemon=True).start()

    def ask(self, request: Request) -> None:
        """Send a request."""
        self._requests.put(request)

    def answer(self, seconds: float) -> Outcome | _End | None:
        """Wait for the next message, for at most some seconds; None if there is none."""
        with contextlib.suppress(queue.Empty):
            return self._answers.get(timeout=max(0.0, seconds))
        return None

    @property
    def is_alive(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()
        self._requests.put(None)
        self._process.wait()

    def _talk(self) -> None:
        stdin, stdout = _binary(self._process.stdin), _binary(self._process.stdout)
        # A process that was killed or has died breaks its pipes.
        with contextlib.suppress(EOFError, OSError, pickle.UnpicklingError):
            while (request := self._requests.get()) is not None:
                _send(stdin, request)
                while not isinstance(answer := pickle.load(stdout), _End):  # noqa: S301 - from our own process
                    self._answers.put(answer)
                self._answers.put(answer)
        self._answers.put(_End(failure="its process has ended"))
        stdout.close()
        with contextlib.suppress(OSError):
            stdin.close()


def _binary(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None, "both are pipes"  # noqa: S101 - for the type checker
    return stream


def _send(stream: IO[bytes], message: Request | Outcome | _End) -> None:
    pickle.dump(message, stream, pickle.HIGHEST_PROTOCOL)
    stream.flush()


_idle: list[_Worker] = []
"""Workers without a request; append and pop are atomic."""
# A forked child must not talk to its parent's workers.
os.register_at_fork(after_in_child=_idle.clear)


@atexit.register
def _end_all() -> None:
    while _idle:
        _idle.pop().kill()


def _take() -> _Worker:
    with contextlib.suppress(IndexError):
        while True:
            worker = _idle.pop()
            if worker.is_alive:
                return worker
            worker.kill()
    return _Worker()


def main() -> None:
    """Run the worker process until its input is closed, or its output is no longer read, even during a solve."""
    # Output that a library prints must not mix with the results.
    stdout = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    requests: queue.SimpleQueue[Request] = queue.SimpleQueue()

    def listen() -> None:
        try:
            while True:
                requests.put(pickle.load(sys.stdin.buffer))  # noqa: S301 - from our own process
        finally:
            # The input has ended, perhaps in the middle of a request.
            os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    try:
        _serve(requests, lambda message: _send(stdout, message))
    finally:
        # The solver's threads do not survive a regular end.
        os._exit(0)


def _serve(requests: queue.SimpleQueue[Request], send: Callable[[Outcome | _End], None]) -> None:
    from slicegraph.bounds import highs  # noqa: PLC0415 - only a worker imports the solver

    while True:
        request = requests.get()
        failure = ""
        try:
            highs.solve(request, report=send)
        except OSError:
            return
        except Exception as error:  # noqa: BLE001 - raised in the thread that waits
            failure = f"{type(error).__name__}: {error}"
        send(_End(failure=failure))
