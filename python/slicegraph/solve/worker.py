"""The threads that prove lower bounds: they run the tasks of the schedule, and report their results as events."""

from __future__ import annotations

import atexit
import dataclasses
import logging
import threading
import time
import weakref
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, final

import numpy as np
from numpy.typing import NDArray

from slicegraph._core import ProofState
from slicegraph.bounds.downsets import Closing, close_in
from slicegraph.certificate.budget import DEFAULT_STEPS
from slicegraph.certificate.model import Certificate
from slicegraph.cost import Instance
from slicegraph.evidence.bound import Bound
from slicegraph.solve.board import Board
from slicegraph.solve.earlier import prove_again
from slicegraph.solve.events import Broken, End, Improved, MethodEnded, Report, Reproved, Run
from slicegraph.solve.incumbent import Incumbent
from slicegraph.solve.turn import Turn, ends_decision, ends_turn, news

if TYPE_CHECKING:
    from slicegraph.bounds.model import Domains
    from slicegraph.solve.relaxed import Relaxed

_log = logging.getLogger(__name__)
_AT_EXIT = 10.0
"""Seconds that threads have at the end of the process which had not ended with their run. Not measured."""
_begun: weakref.WeakSet[threading.Thread] = weakref.WeakSet()


@atexit.register
def _wait_for_threads() -> None:
    """Wait: a thread that comes back from compiled code into an interpreter that has ended would abort the process."""
    end = time.monotonic() + _AT_EXIT
    for thread in list(_begun):
        thread.join(max(0.0, end - time.monotonic()))


@dataclasses.dataclass(kw_only=True, slots=True, eq=False)
class Shared:
    """The state that the workers of a run share.

    Attributes
    ----------
    instance
        The problem.
    board, incumbent
        The schedule and the best partition.
    threads
        Threads of the exact solver.
    known
        The exact solver's state for the instance, for the turns of both workers.
    bounds
        The best bound of each method.
    """

    instance: Instance
    board: Board
    incumbent: Incumbent
    threads: int
    bounds: dict[str, Bound]
    known: ProofState = dataclasses.field(default_factory=ProofState)
    _lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)

    def improve(self, block_of: NDArray[np.int32] | None, ticks: int | None) -> None:
        """Take a partition, whose bottleneck is ``ticks``, if there is one and it is the best."""
        if ticks is not None and self.incumbent.improve(block_of, ticks):
            self.board.post(Improved(bottleneck=ticks))

    def keep(self, bound: Bound) -> None:
        """Take a bound if it is the best of its method, or as good."""
        with self._lock:
            best = self.bounds.get(bound.method)
            if best is None or (bound.ticks, bound.believed) >= (best.ticks, best.believed):
                self.bounds[bound.method] = bound


class Background(ABC):
    """A thread that runs beside the search."""

    def __init__(self, shared: Shared) -> None:
        self._shared, self._board = shared, shared.board
        self._thread = threading.Thread(target=self._run, name="slicegraph-prover", daemon=True)

    def start(self) -> None:
        """Start the thread; at its exit the process waits a short time for it."""
        _begun.add(self._thread)
        self._thread.start()

    def join(self, seconds: float) -> None:
        """Wait for its end, for at most some seconds."""
        if self._thread.is_alive():
            self._thread.join(seconds)

    @abstractmethod
    def _run(self) -> None:
        """Run the thread's work."""


class Prover(Background):
    """A worker: it runs the tasks of the schedule until there are no more."""

    name: str

    def _run(self) -> None:
        try:
            while not isinstance(task := self._board.next_task(self.name), End):
                bound, has_more = self._prove(task)
                self._record(task.method, bound, has_more=has_more)
        except Exception:  # noqa: BLE001 - logged with its trace
            # A failure here must not lose the partition that was found.
            _log.exception("the lower bounds have failed")
            self._board.post(Broken(worker=self.name))

    def _record(self, method: str, bound: Bound, *, has_more: bool) -> None:
        self._shared.keep(bound)
        _log.info("%s: %.6g s proven in %.2f s", method, bound.lower_bound, bound.seconds)
        self._board.post(
            MethodEnded(
                worker=self.name, method=method, status=bound.status, lower_bound=bound.ticks, has_more=has_more
            )
        )

    @abstractmethod
    def _prove(self, task: Run) -> tuple[Bound, bool]:
        """Run a method; give its bound, and whether it has more to try."""


def ask_exact(
    shared: Shared, instance: Instance, task: Run, *, is_first: bool = False, domains: Domains | None = None
) -> Closing:
    """Run the exact solver for a turn; or for one query of the chain, within the chain's domains."""
    board = shared.board
    state = board.schedule
    lower_bound, bottleneck = state.lower_bound, state.bottleneck
    if domains is not None:
        lower_bound, bottleneck = domains.threshold - 1, domains.threshold
    turn = Turn(begin=board.now, seconds=task.seconds, bottleneck=bottleneck, is_first=is_first)

    def poll(ticks: int, best: int) -> bool:
        known = shared.known
        report = Report(
            lower_bound=ticks,
            bottleneck=best,
            is_swept=known.stuck is not None,
            is_wide=known.are_wide,
        )
        if domains is not None:
            return ends_decision(board.schedule, turn, report, board.now)
        now_known = board.post(*news(turn, report, board.now))
        known.narrow(now_known.lower_bound, now_known.best)
        return ends_turn(now_known, turn, report, board.now)

    return close_in(
        instance,
        lower_bound=lower_bound,
        bottleneck=bottleneck,
        threads=shared.threads,
        steps=task.steps,
        domains=domains,
        state=shared.known if domains is None else None,
        poll=poll,
    )


@final
class ExactProver(Prover):
    """The downset DP and label setting: they find partitions, and prove the optimum where they end."""

    name = "exact"
    _has_run = False

    def _prove(self, task: Run) -> tuple[Bound, bool]:
        closing = ask_exact(self._shared, self._shared.instance, task, is_first=not self._has_run)
        self._has_run = True
        self._shared.improve(closing.block_of, closing.bottleneck)
        return closing.bound, False


@final
class RelaxedProver(Prover):
    """The worker that needs the MIP solver, which is loaded with its first task: most graphs are solved before."""

    name = "relaxed"
    _relaxed: Relaxed | None = None

    def _prove(self, task: Run) -> tuple[Bound, bool]:
        if self._relaxed is None:
            from slicegraph.solve.relaxed import Relaxed  # noqa: PLC0415 - see above

            self._relaxed = Relaxed(self._shared, self.name)
        return self._relaxed.prove(task)


@final
class Checking(Background):
    """The checker beside a run: it reports the bounds that it proves of an earlier answer, and ends with the run."""

    def __init__(self, shared: Shared, certificate: Certificate) -> None:
        super().__init__(shared)
        self._certificate = certificate

    def _run(self) -> None:
        board = self._board
        try:
            bounds = prove_again(
                self._shared.instance,
                self._certificate,
                steps=DEFAULT_STEPS,
                ends=lambda: board.schedule.is_closed,
            )
        except Exception:  # noqa: BLE001 - logged with its trace; the run goes on without
            _log.exception("the checker has failed")
            return
        for bound in bounds:
            self._shared.keep(bound)
            _log.info("%s: %.6g s proved again, of the warm start", bound.method, bound.lower_bound)
            board.post(Reproved(lower_bound=bound.ticks))
