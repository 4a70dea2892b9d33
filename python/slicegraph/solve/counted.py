"""A deterministic run of `solve`, in which counted work decides the turns: search and exact solver alternate.

**Claim.** The partition, the bounds and their evidence depend only on the instance, the seed, the method and the stop,
if the stop depends only on bounds and counts.

**Proof.** The search's reports, and the answers to them, form one sequence, and the reports are the same with any
number of threads. The exact solver runs inside some of these answers, on the same thread, with a number of steps; its
result and its state are the same with any number of threads, too. Between two reports the search also calls at times
that depend on the clock; these calls only ask the stop again, with the same progress.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from slicegraph._core import ProofState
from slicegraph.bounds.combinatorial import combinatorial
from slicegraph.bounds.downsets import close_in
from slicegraph.certificate.budget import DEFAULT_STEPS
from slicegraph.certificate.compiled import VISITS_PER_STEP
from slicegraph.cost import ALL_TICKS, Instance
from slicegraph.evidence.bound import Bound
from slicegraph.history import Row, add_row
from slicegraph.solve.earlier import Earlier, begin_with, prove_again
from slicegraph.solve.params import ScheduleParams
from slicegraph.solve.schedule import FINAL
from slicegraph.stop import Progress, Stop


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """The work of a run so far.

    Attributes
    ----------
    candidates
        Candidates of the search.
    steps
        Steps of the exact solver.
    turn
        Steps of the exact solver's next turn.
    is_done
        Whether the exact solver has no more turns.
    """

    candidates: int = 0
    steps: int = 0
    turn: int
    is_done: bool = False

    @property
    def total(self) -> int:
        """The work that `MaxWork` limits."""
        return self.candidates + self.steps


def next_turn(work: Work, rounds: int, most: int, params: ScheduleParams) -> int:
    """Give the steps of the exact solver's next turn if it is due; 0: the search continues.

    The exact solver gets about as much work as the search, and in one turn at most half of what is left of ``most``.
    Past ``most``, only another stop limits the run.
    """
    if work.is_done or rounds < params.first_rounds or work.steps > work.candidates * params.candidate:
        return 0
    left = most - work.total
    return min(work.turn, (left + 1) // 2) if left > 0 else work.turn


def after_turn(work: Work, steps: int, status: str, params: ScheduleParams) -> Work:
    """Give the work after a turn of the exact solver, from its steps and its status."""
    turn = math.ceil(work.turn * params.growth)
    return dataclasses.replace(work, steps=work.steps + steps, turn=turn, is_done=status in FINAL)


@final
class CountedRun:
    """A run by work: the search calls `poll` after each round, and the exact solver has its turns inside these calls.

    Parameters
    ----------
    instance
        The problem.
    has_exact
        Whether the exact solver has turns.
    threads
        Threads of the exact solver.
    stop
        The condition that ends the run; it depends on work.
    show
        Called with the progress before each evaluation of the stop; returns whether to end.
    warm_start
        The initial partition.
    known
        Ticks of a partition known elsewhere: only better ones count.
    earlier
        An earlier answer to the same question, whose bounds are the initial ones; its certificate is checked within as
        many steps as the stop allows.
    """

    def __init__(
        self,
        instance: Instance,
        threads: int,
        stop: Stop,
        show: Callable[[Progress], bool],
        *,
        has_exact: bool,
        warm_start: NDArray[np.int32] | None = None,
        known: int | None = None,
        earlier: Earlier | None = None,
    ) -> None:
        self._certificate = None if earlier is None else earlier.certificate
        self._instance, self._threads, self._stop, self._show = instance, threads, stop, show
        self._begin, self._params, self._known = time.monotonic(), ScheduleParams(), ProofState()
        self._bounds = begin_with(combinatorial(instance), earlier)
        self._work = Work(turn=self._params.first_work, is_done=not has_exact)
        self._best: tuple[int, NDArray[np.int32] | None] = ALL_TICKS, None
        self._lower_bound = max(bound.ticks for bound in self._bounds.values())
        self._heard: tuple[float, int, int] | None = None
        self._rows: list[Row] = []
        self._is_over = False
        self.is_interrupted = False
        """Whether Ctrl-C ended a turn of the exact solver."""
        if warm_start is not None:
            bottleneck = max(block.cost for block in instance.block_costs(warm_start))
            self._best = round(bottleneck / instance.tick), warm_start
        if known is not None and known < self._best[0]:
            self._best = known, None

    def poll(self, bottleneck: float, evaluations: int, rounds: int) -> bool:
        """Take the search's progress, costs in seconds; run the exact solver when it is due; say whether to stop."""
        self._check_certificate()
        heard = bottleneck, evaluations, rounds
        is_news, self._heard = heard != self._heard, heard
        self._work = dataclasses.replace(self._work, candidates=evaluations)
        ticks = ALL_TICKS if math.isinf(bottleneck) else round(bottleneck / self._instance.tick)
        if ticks < self._best[0]:
            self._best = ticks, None
        if self._has_to_stop(*self._bests):
            return True
        # A call between two reports depends on the clock, so it begins nothing.
        steps = next_turn(self._work, rounds, self._stop.work or 0, self._params) if is_news else 0
        if not steps:
            return False
        self._prove(steps)
        return self._has_to_stop(*self._bests)

    def _check_certificate(self) -> None:
        """Check the certificate of an earlier answer, once; the stop can end it early."""
        certificate, self._certificate = self._certificate, None
        if certificate is None:
            return
        steps = min(DEFAULT_STEPS, (self._stop.work or 0) // VISITS_PER_STEP)
        ends = functools.partial(self._has_to_stop, *self._bests)
        for bound in prove_again(self._instance, certificate, steps=steps, ends=ends):
            self._keep(bound)

    def _keep(self, bound: Bound) -> None:
        best = self._bounds.get(bound.method)
        if best is None or bound.ticks >= best.ticks:
            self._bounds[bound.method] = bound
        self._lower_bound = max(self._lower_bound, bound.ticks)

    @property
    def _bests(self) -> tuple[int, int]:
        return self._lower_bound, self._best[0]

    def _prove(self, steps: int) -> None:
        params, best = self._params, self._best[0]
        closing = close_in(
            self._instance,
            lower_bound=self._lower_bound,
            bottleneck=None if best >= ALL_TICKS else best,
            threads=self._threads,
            steps=max(1, min(params.first_steps, steps // params.threshold_share)),
            work=steps,
            state=self._known,
            poll=self._has_to_stop,
        )
        bound = closing.bound
        self._keep(bound)
        if closing.bottleneck is not None and closing.bottleneck < best:
            self._best = closing.bottleneck, closing.block_of
        self._work = after_turn(self._work, closing.work, bound.status, params)
        if closing.is_interrupted:
            raise KeyboardInterrupt

    def _has_to_stop(self, lower_bound: int, best: int) -> bool:
        seconds, best = self._instance.seconds, min(best, self._best[0])
        progress = Progress(
            seconds=self.seconds,
            bottleneck=seconds(best),
            lower_bound=seconds(min(lower_bound, best)),
            evaluations=self._work.candidates,
            work=self._work.total,
        )
        add_row(self._rows, progress.seconds, progress.bottleneck, progress.lower_bound)
        # Once the caller has ended the run, it stays ended.
        self._is_over |= self._show(progress) or lower_bound >= best or bool(self._stop(progress))
        return self._is_over

    def close(self) -> None:
        """Do nothing: no worker runs beside the search."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def better(self, block_of: NDArray[np.int32] | None, ticks: int | None) -> NDArray[np.int32] | None:
        """Give the search's partition, whose bottleneck is ``ticks``, if it is better than all others."""
        best, other = self._best
        return block_of if other is None or (ticks is not None and ticks < best) else other

    @property
    def bounds(self) -> tuple[Bound, ...]:
        """The best bound of each method."""
        return tuple(self._bounds.values())

    @property
    def history(self) -> tuple[Row, ...]:
        """Seconds, and by then the bottleneck and the lower bound, whenever one of them got better."""
        return tuple(self._rows)

    @property
    def work(self) -> int:
        """The work so far."""
        return self._work.total

    @property
    def seconds(self) -> float:
        """The seconds since it began."""
        return time.monotonic() - self._begin
