"""One run of `solve`: the search on the caller's thread, and the workers that prove beside it."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from slicegraph.bounds.combinatorial import combinatorial
from slicegraph.cost import ALL_TICKS, Instance
from slicegraph.evidence.bound import Bound
from slicegraph.history import Row
from slicegraph.solve.board import Board
from slicegraph.solve.earlier import Earlier, begin_with
from slicegraph.solve.events import Begun, Closed, Reproved
from slicegraph.solve.incumbent import Incumbent
from slicegraph.solve.params import ScheduleParams
from slicegraph.solve.schedule import new_schedule
from slicegraph.solve.worker import Background, Checking, ExactProver, Prover, RelaxedProver, Shared
from slicegraph.stop import Progress, Stop

_PROVERS: tuple[type[Prover], ...] = (ExactProver, RelaxedProver)
_WATCH = 0.01
"""Seconds between two questions to a stop while nothing happens."""


def _is_packable(instance: Instance, params: ScheduleParams) -> bool:
    has_size = instance.num_blocks >= params.packed_blocks and instance.graph.num_nodes <= params.packed_nodes
    return has_size and instance.is_plain


@final
class SolveRun:
    """A run with workers: the search calls `poll` after each round, and the workers prove bounds on their threads.

    Parameters
    ----------
    instance
        The problem.
    methods
        Names of lower bounds, in the order of a turn.
    threads
        Threads of the exact solver.
    stop
        The condition that ends the run.
    show
        Called with the progress before each evaluation of the stop; returns whether to end.
    warm_start
        The initial partition.
    known
        Ticks of a partition known elsewhere: only better ones count.
    earlier
        An earlier answer to the same question, whose bounds are the initial ones; its certificate is checked beside the
        run.
    is_warm
        Whether the partition was given by the caller.
    """

    def __init__(
        self,
        instance: Instance,
        methods: Sequence[str],
        threads: int,
        stop: Stop,
        show: Callable[[Progress], bool],
        *,
        warm_start: NDArray[np.int32] | None = None,
        known: int | None = None,
        earlier: Earlier | None = None,
        is_warm: bool = False,
    ) -> None:
        self._instance, self._stop, self._show = instance, stop, show
        ordinary = combinatorial(instance)
        self._bounds = begin_with(ordinary, earlier)
        params = ScheduleParams()
        schedule = new_schedule(
            methods,
            no_partition=ALL_TICKS,
            lower_bound=ordinary.ticks,
            density=len(instance.graph.arrays.consumers) / instance.graph.num_nodes,
            num_nodes=instance.graph.num_nodes,
            is_packable=_is_packable(instance, params),
            is_warm=is_warm,
            params=params,
        )
        self._board, self._incumbent = Board(schedule), Incumbent()
        shared = Shared(
            instance=instance, board=self._board, incumbent=self._incumbent, threads=threads, bounds=self._bounds
        )
        self._shared = shared
        named = {worker.name for worker in schedule.workers}
        self._provers: list[Background] = [prover(shared) for prover in _PROVERS if prover.name in named]
        if earlier is not None and earlier.certificate is not None:
            self._provers.append(Checking(shared, earlier.certificate))
        self._evaluations, self._is_over = 0, False
        if warm_start is not None:
            bottleneck = max(block.cost for block in instance.block_costs(warm_start))
            shared.improve(warm_start, round(bottleneck / instance.tick))
        shared.improve(None, known)
        self._board.post(*(Reproved(lower_bound=bound.ticks) for bound in (earlier.bounds if earlier else ())))
        self.is_interrupted = False
        """Whether Ctrl-C came while the bounds were summed up."""

    def poll(self, bottleneck: float, evaluations: int, rounds: int) -> bool:
        """Take the search's progress, with costs in seconds; wait while proofs go first; say whether it has to stop."""
        self._evaluations = evaluations
        if not math.isinf(bottleneck):
            self._shared.improve(None, round(bottleneck / self._instance.tick))
        state = self._board.schedule
        if not state.has_begun and state.may_prove(self._board.now, rounds):
            self._board.post(Begun())
            for prover in self._provers:
                prover.start()
        # The first turn of the exact solver solves most models, faster if the search leaves it the processors.
        while self._board.schedule.search_waits and not self._has_to_stop():
            self._board.wait_in_search(_WATCH)
        return self._has_to_stop()

    def _has_to_stop(self) -> bool:
        state, best = self._board.schedule, self._incumbent.best
        seconds = self._instance.seconds
        progress = Progress(
            seconds=self._board.now,
            bottleneck=math.inf if best is None else seconds(best[0]),
            lower_bound=seconds(state.lower_bound),
            evaluations=self._evaluations,
            work=self._evaluations,
        )
        is_told_to_end = self._show(progress)
        # Without a partition, the bounds meet when it is proven that none is within the memory limit.
        is_met = progress.bottleneck <= progress.lower_bound or (best is None and state.is_met)
        # Once the caller has ended the run, it stays ended.
        self._is_over |= is_met or is_told_to_end or bool(self._stop(progress))
        return self._is_over

    def close(self) -> None:
        """Stop the workers, and wait briefly for the bounds of those that run; a second call does nothing."""
        state = self._board.schedule
        if state.is_closed:
            return
        self._board.post(Closed())
        end = time.monotonic() + state.params.patience
        try:
            for prover in self._provers:
                prover.join(max(0.0, end - time.monotonic()))
        except KeyboardInterrupt:
            self.is_interrupted = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with contextlib.suppress(KeyboardInterrupt):
            self.close()

    def better(self, block_of: NDArray[np.int32] | None, ticks: int | None) -> NDArray[np.int32] | None:
        """Give the search's partition, of bottleneck ``ticks``, if it is better than the warm start and all others."""
        best = self._incumbent.best
        if best is None or best[1] is None:
            return block_of
        return best[1] if ticks is None or best[0] <= ticks else block_of

    @property
    def bounds(self) -> tuple[Bound, ...]:
        """The best bound of each method."""
        return tuple(self._bounds.values())

    @property
    def history(self) -> tuple[Row, ...]:
        """Seconds, and by then the bottleneck and the lower bound, whenever one of them got better."""
        seconds = self._instance.seconds
        return tuple((when, seconds(round(best)), seconds(round(bound))) for when, best, bound in self._board.history)

    @property
    def work(self) -> int:
        """The work so far: the search's candidates alone."""
        return self._evaluations

    @property
    def seconds(self) -> float:
        """The seconds since it began."""
        return self._board.now
