"""The models of one bound, solved in turn or by an executor, with the best result of each so far."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field
from typing import final

from slicegraph.bounds.builder import build_model
from slicegraph.bounds.formulation import Formulation
from slicegraph.bounds.model import Domains, Superblocks
from slicegraph.bounds.outcome import Outcome
from slicegraph.bounds.worker import Request, Watch, solve_model
from slicegraph.evidence.bound import Bound
from slicegraph.evidence.relaxation import Relaxation, combine

_log = logging.getLogger(__name__)
POLL = 0.02
SHARE_OF_SOLVER = 0.95
"""How much of the time left the solver gets at most; the rest is for the way there and back, and for its last word."""
_MAX_NODES = 65_536
_MAX_SIZE = 500_000
"""Nodes times superblocks; the solver would not even read a larger model in any time that is waited for."""
MAX_PARTS = 1_025
"""Superblocks of a model, and models of a bound."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """The limits and the assumptions of a bound.

    Attributes
    ----------
    threshold
        Ticks of the best partition known; None: none is.
    seconds
        The time limit.
    executor
        The executor that solves the models. None: they are solved in this thread, one after the other.
    watch
        Called every few milliseconds with the best proven lower bound in ticks; returns whether to stop.
    domains
        Domains of better partitions, for the exact model; bounds that depend on them are only believed.
    """

    threshold: int | None
    seconds: float
    executor: Executor | None = None
    watch: Watch | None = None
    domains: Domains | None = None


def is_too_large(formulation: Formulation, *, num_superblocks: int, num_models: int) -> bool:
    """Whether the models of a bound are too large to wait for."""
    num_nodes = formulation.num_nodes
    return (
        num_nodes > _MAX_NODES
        or num_nodes * num_superblocks > _MAX_SIZE
        or max(num_superblocks, num_models) > MAX_PARTS
    )


@dataclass(slots=True, eq=False)
class Task:
    """One relaxation, with its bounds so far."""

    superblocks: Superblocks
    outcome: Outcome = field(default_factory=Outcome)
    target: int | None = None
    """The target in ticks of the last run."""

    @property
    def is_solved(self) -> bool:
        """Whether its least bottleneck is known, and not only that it is no less than the target."""
        return self.outcome.is_final and (self.target is None or self.outcome.lower_bound < self.target)


@final
class Tasks:
    """The tasks of one bound, and the clock."""

    def __init__(self, method: str, formulation: Formulation, budget: Budget, each: Iterable[Superblocks]) -> None:
        self._method, self._formulation, self._budget = method, formulation, budget
        self._begin = time.monotonic()
        self._deadline = self._begin + budget.seconds
        self._is_stopped = self._has_failed = False
        self.all = [Task(superblocks) for superblocks in each]
        num_superblocks = max(len(task.superblocks.spans) for task in self.all)
        self._is_too_large = is_too_large(formulation, num_superblocks=num_superblocks, num_models=len(self.all))
        self.lower_bound = formulation.instance.core.combinatorial_bound()
        """Ticks that all tasks prove together, the combinatorial bound at least; the solver believed."""
        self._proven = self.lower_bound

    def _together(self, value: Callable[[Relaxation], int]) -> int:
        together = combine(map(self._relaxation, self.all), self._formulation.kind_of.tolist(), value)
        return max(self._formulation.instance.core.combinatorial_bound(), together)

    def _learn(self, task: Task, outcome: Outcome) -> None:
        """Keep the better bounds; after the first failure of the solver, the tasks end."""
        task.outcome = task.outcome.or_better(outcome)
        self.lower_bound = self._together(lambda relaxation: relaxation.lower_bound)
        self._proven = self._together(lambda relaxation: relaxation.proven)
        if outcome.failure and not self._has_failed:
            self._is_stopped = self._has_failed = True
            _log.warning("the solver gave up: %s", outcome.failure)

    @property
    def seconds_left(self) -> float:
        """Seconds until the time limit; 0 once the bound has ended."""
        threshold = self._budget.threshold
        is_met = threshold is not None and self.lower_bound >= threshold
        is_over = self._is_stopped or self._is_too_large or is_met
        return 0.0 if is_over else max(0.0, self._deadline - time.monotonic())

    def solve(
        self,
        tasks: Sequence[Task],
        *,
        share: float = 1.0,
        is_needed: Callable[[Task], bool] = lambda task: not task.outcome.is_final,
        target: Callable[[], int | None] = lambda: None,
    ) -> None:
        """Solve tasks for ``share`` of the time left, each for an equal part of what remains when its turn comes.

        ``is_needed`` and ``target``, ticks at which a task may stop, are asked when the turn comes; with an executor,
        all turns come at once.
        """
        end = time.monotonic() + share * self.seconds_left
        executor = self._budget.executor
        if executor is not None:
            wanted = list(filter(is_needed, tasks))
            if wanted and end > time.monotonic():
                self._solve_there(executor, wanted, end, target())
            return
        for turn, task in enumerate(tasks):
            seconds = min((end - time.monotonic()) / (len(tasks) - turn), self.seconds_left)
            if seconds > 0 and is_needed(task):
                self._solve_here(task, seconds, target())

    def bound(self, *, is_final: bool) -> Bound:
        """Give the bound so far; ``is_final`` says whether more time would give no better one."""
        threshold, ticks = self._budget.threshold, self.lower_bound
        is_final = is_final or (threshold is not None and ticks >= threshold)
        relaxations = tuple(self._relaxation(task) for task in self.all if task.outcome.lower_bound > 0)
        status = "optimal" if is_final else "failed" if self._has_failed else "time_limit"
        return Bound(
            method=self._method,
            ticks=self._proven,
            tick=self._formulation.instance.tick,
            seconds=time.monotonic() - self._begin,
            status="too_large" if self._is_too_large else status,
            verified=self._proven,
            believed=ticks,
            relaxations=relaxations,
            num_nodes=sum(task.outcome.num_nodes for task in self.all),
        )

    def _relaxation(self, task: Task) -> Relaxation:
        outcome = task.outcome.on_word() if self._budget.domains else task.outcome
        return Relaxation(
            spans=task.superblocks.spans,
            demand=task.superblocks.demand,
            kind=task.superblocks.kind,
            threshold=self._budget.threshold,
            proof=outcome.proof,
            solver=outcome.testimony,
        )

    def _has_to_stop(self, lower_bound: int) -> bool:
        watch = self._budget.watch
        self._is_stopped = self._is_stopped or (watch is not None and watch(lower_bound))
        return self._is_stopped

    def _solve_here(self, task: Task, seconds: float, target: int | None) -> None:
        known, bounds_all = self._proven, self._relaxation(task).bounds_all and not self._budget.domains

        def watch(lower_bound: int) -> bool:
            return self._has_to_stop(max(known, lower_bound) if bounds_all else known)

        request = self._request(task, min(seconds, SHARE_OF_SOLVER * self.seconds_left), target)
        outcome = solve_model(request, grace=self.seconds_left - request.seconds, watch=watch)
        self._learn(task, outcome)

    def _request(self, task: Task, seconds: float, target: int | None) -> Request:
        budget = self._budget
        model = build_model(self._formulation, task.superblocks, threshold=budget.threshold, domains=budget.domains)
        step, known, task.target = self._formulation.step, task.outcome.proof, target
        return Request(model=model, step=step, seconds=seconds, target=target, known=known)

    def _solve_there(self, executor: Executor, tasks: Sequence[Task], end: float, target: int | None) -> None:
        seconds = SHARE_OF_SOLVER * (end - time.monotonic()) / len(tasks)
        futures: dict[Future[Outcome], Task] = {}
        for task in itertools.takewhile(lambda _: time.monotonic() < end, tasks):
            futures[executor.submit(solve_model, self._request(task, seconds, target))] = task
        pending = set(futures)
        while pending:
            if time.monotonic() >= end or self._has_to_stop(self._proven):
                for future in pending:
                    future.cancel()
                return
            done, pending = wait(pending, timeout=POLL, return_when=FIRST_COMPLETED)
            for future in done:
                self._learn(futures[future], future.result())
