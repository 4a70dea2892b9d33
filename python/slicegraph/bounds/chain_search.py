"""The search of the chain: the thresholds that it tries, the effort for each, and when it solves whole models."""

from __future__ import annotations

import itertools
import logging
import math
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from slicegraph._core import ProofState
from slicegraph.bounds.builder import build_move
from slicegraph.bounds.formulation import Formulation
from slicegraph.bounds.model import Domains, Move
from slicegraph.bounds.outcome import Outcome
from slicegraph.bounds.params import ChainParams
from slicegraph.bounds.propagation import Effort, Known
from slicegraph.bounds.tasks import POLL, SHARE_OF_SOLVER, Budget, is_too_large
from slicegraph.bounds.worker import SOLVER_OPTIONS, Request, solve_model
from slicegraph.evidence.bound import Bound
from slicegraph.evidence.claims import Chain

_log = logging.getLogger(__name__)


def _halfway(end: float) -> float:
    """Give half of the time to the end."""
    return (time.monotonic() + end) / 2


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Decider:
    """A method beside the chain that decides thresholds.

    Attributes
    ----------
    decide
        Tries to prove within some seconds that there is no partition below a threshold, given domains; returns whether
        it has.
    state, group_of
        The exact solver's state for the instance, and the group of each of its nodes in this quotient.
    """

    decide: Callable[[Domains, float], bool]
    state: ProofState
    group_of: NDArray[np.int32]


@final
class ChainSearch:
    """The state of the chain: thresholds and the domains of each. `run` can be called again to continue.

    Parameters
    ----------
    formulation
        The instance.
    budget
        The threshold, the executor and the watch.
    decider
        Another method that decides thresholds. None: there is none.
    params
        The tuned numbers. None: the defaults.
    """

    def __init__(
        self,
        formulation: Formulation,
        budget: Budget,
        *,
        decider: Decider | None = None,
        params: ChainParams | None = None,
    ) -> None:
        self._params = params or ChainParams()
        self._formulation, self._budget, self._decide = formulation, budget, decider.decide if decider else None
        everyone = np.arange(formulation.num_nodes, dtype=np.int32)
        self._cuts = (decider.state, decider.group_of) if decider else (ProofState(), everyone)
        self._seconds, self._deadline = 0.0, -math.inf
        self._combinatorial = formulation.instance.core.combinatorial_bound()
        self._is_stopped = self._has_failed = False
        self._is_too_large = is_too_large(formulation, num_superblocks=3, num_models=formulation.num_blocks)
        # Without a partition: all in one block.
        self._best = formulation.ceiling if budget.threshold is None else budget.threshold
        self._top = self._below_best()
        self._is_final = not formulation.total or self._top <= self._combinatorial
        self._num_nodes = 0
        self._floor: Callable[[], int] = int
        # Thresholds that are not proven, the top included; and the least that failed with less effort.
        self._open: list[Known] = []
        self._stuck = dict.fromkeys((Effort.WINDOWS, Effort.RELAXED), self._top + 1)
        self._evidence: tuple[int, ...] | None = None
        self.lower_bound = self._combinatorial
        """Ticks, the solver believed."""

    def run(self, seconds: float, *, floor: Callable[[], int] = int) -> None:
        """Try the best partition's bottleneck, then lower thresholds by linear relaxations, then by whole models.

        ``floor()`` gives the lower bound of other methods in ticks; thresholds up to it are skipped.
        """
        begin, self._floor = time.monotonic(), floor
        self._deadline, self._is_stopped = begin + seconds, False
        if not self.is_done:
            self._run()
        self._seconds += time.monotonic() - begin

    def learn(self, threshold: int) -> None:
        """Lower the top threshold to a better partition's bottleneck in ticks; domains of higher ones hold for it."""
        if threshold >= self._best:
            return
        self._best = threshold
        self._top = top = self._below_best()
        self._is_final = self.lower_bound >= top
        if self._open and not self._is_final:
            known = self._new(top, self._nearest(top))
            self._open = [known, *(known for known in self._open if known.threshold < top)]

    @property
    def is_done(self) -> bool:
        """Whether more time would not help."""
        return self._is_final or self._is_too_large or self._has_failed

    def _run(self) -> None:
        is_whole = False
        if self.lower_bound < self._top:
            if not self._open:
                self._open.append(self._new(self._top))
            if self._cuts[0].stuck is None:
                self._rise(Effort.WINDOWS, (self._top - self._proven) // 2)
            self._rise(Effort.RELAXED, 2 * self._top // self._params.roughly)
            is_close = self._params.very_close * self._top <= self._proven < self._top
            is_whole = is_close and self._attempt(self._top, self._params.share_of_threshold)
            is_whole = self._climb() or is_whole
            if self.lower_bound < self._top and not is_whole:
                is_whole = self._attempt(self._top, 1.0)
        if self.lower_bound == self._top < self._best:
            # The solver's tolerances leave the last millionth open; the decider can close it within the domains.
            if not self._open:
                self._open.append(self._new(self._rounded(self._best)))
            self._attempt(self._rounded(self._best), self._params.share_of_last)
        # The decider may succeed with more time.
        is_all = is_whole or self.lower_bound >= self._top
        self._is_final = is_all if self._decide is None else self.lower_bound >= self._best

    @property
    def domains(self) -> Domains | None:
        """The domains of the first open threshold, at or near the best bottleneck. None: there are none."""
        return self._open[0].domains if self._open and not self._open[0].is_contradiction else None

    @property
    def _proven(self) -> int:
        return max(self.lower_bound, min(self._floor(), self._top))

    def _rise(self, effort: Effort, step: int) -> None:
        """Prove what little effort proves, roughly."""
        end = time.monotonic() + self._params.share_of_relaxed * self._seconds_left
        least = max(self._top // self._params.roughly, self._formulation.step)
        stuck = self._stuck[effort]
        while self.lower_bound < self._top and time.monotonic() < end and self._has_time():
            step = min(step, (stuck - self._proven) // 2)
            if step < least:
                return
            threshold = self._rounded(min(self._proven + step, self._top))
            is_answer = self._attempt(threshold, self._params.share_of_threshold, effort)
            if self._proven >= threshold:
                step *= 2
                continue
            stuck = threshold
            if is_answer:
                self._stuck[effort] = threshold

    def _climb(self) -> bool:
        """Try rising thresholds: steps grow after a proof and shrink after a failure; say whether the gap is closed."""
        finest = max(self._top // self._params.finely, self._formulation.step)
        step, is_whole = self._top // self._params.roughly, True
        while self.lower_bound < self._top and self._has_time():
            threshold = self._rounded(min(self._proven + max(step, finest), self._top))
            is_answer = self._attempt(threshold, self._params.share_of_threshold)
            if self._proven >= threshold:
                step, is_whole = 2 * step, True
            elif step <= finest:
                return is_whole and is_answer
            else:
                step, is_whole = min(step, threshold - self._proven) // 2, is_whole and is_answer
        return self.lower_bound >= self._top

    def bound(self) -> Bound:
        """Give the bound so far."""
        status = "optimal" if self._is_final else "failed" if self._has_failed else "time_limit"
        status = "too_large" if self._is_too_large else status
        evidence = None
        if self._evidence:
            evidence = Chain(threshold=self.lower_bound, reach=self._evidence, status=status)
        return Bound(
            method="chain",
            ticks=self._combinatorial,
            tick=self._formulation.instance.tick,
            seconds=self._seconds,
            status=status,
            verified=self._combinatorial,
            believed=self.lower_bound,
            chain=evidence,
            num_nodes=self._num_nodes,
        )

    def _below_best(self) -> int:
        return self._rounded(self._best - self._best // self._params.precision)

    def _rounded(self, ticks: int) -> int:
        """Round up to a multiple of the costs' common divisor: the claim is the same."""
        step = self._formulation.step
        return -(-ticks // step) * step

    @property
    def _seconds_left(self) -> float:
        return self._deadline - time.monotonic()

    def _has_time(self) -> bool:
        watch = self._budget.watch
        self._is_stopped = self._is_stopped or (watch is not None and watch(self._combinatorial))
        return not self._is_stopped and self._seconds_left > 0

    def _nearest(self, threshold: int) -> Known:
        """Give the domains of the least threshold at or above this one."""
        return min((known for known in self._open if known.threshold >= threshold), key=lambda known: known.threshold)

    def _new(self, threshold: int, above: Known | None = None) -> Known:
        return Known(self._formulation, threshold, lambda: not self._has_time(), self._cuts, above)

    def _attempt(self, threshold: int, share: float, effort: Effort = Effort.EXACT) -> bool:
        """Try to prove a threshold, with little effort first or alone; say whether more time would not help."""
        known = self._nearest(threshold)
        if known.threshold > threshold:
            known = self._new(threshold, known)
            self._open.append(known)
        end = time.monotonic() + share * self._seconds_left
        decide = self._decide if effort is Effort.EXACT else None
        is_whole = True
        if effort is not Effort.WINDOWS:
            is_whole = self._exhaust(
                known, _halfway(end) if decide else end, self._params.seconds_of_move, Effort.RELAXED
            )
        if effort is Effort.EXACT and not known.is_contradiction:
            is_whole = self._is_worth_branching(known) and self._branch(known, _halfway(end) if decide else end)
        is_proven = known.is_contradiction
        if decide is not None and not is_proven and self._has_time() and time.monotonic() < end:
            is_proven = decide(known.domains, end - time.monotonic())
        if is_proven:
            self.lower_bound, self._evidence = threshold, known.most_work(self._formulation.total)
            self._open = [known for known in self._open if known.threshold > threshold]
        return is_whole or is_proven

    def _is_worth_branching(self, known: Known) -> bool:
        """Whether whole models may prove a threshold that their relaxations do not."""
        formulation = self._formulation
        at_first = (formulation.room(known.threshold) - formulation.total) * (formulation.num_blocks - 1)
        is_close = self._proven >= self._params.close * self._top or known.width <= self._params.narrow * at_first
        return self._decide is None or is_close

    def _branch(self, known: Known, end: float) -> bool:
        """Solve the models of all moves; say whether more time would not help."""
        seconds = self._params.seconds_of_move
        for effort in itertools.chain((Effort.ROUGH,), itertools.repeat(Effort.EXACT)):
            is_whole = self._exhaust(known, end, seconds, effort) and effort is Effort.EXACT
            if is_whole or known.is_contradiction or time.monotonic() >= end or not self._has_time():
                return is_whole
            if effort is Effort.EXACT:
                seconds *= self._params.more
        return False

    def _exhaust(self, known: Known, end: float, seconds: float, effort: Effort) -> bool:
        """Make all moves, as long as that narrows the bounds; say whether all were answered."""
        width, is_whole = math.inf, False
        while not known.is_contradiction and known.width < self._params.worthwhile * width:
            width = known.width
            is_whole = self._round(known, end, seconds, effort)
            known.narrow(by_cuts=True)
        return is_whole

    def _round(self, known: Known, end: float, seconds: float, effort: Effort) -> bool:
        """Make every move once, to the end and back; say whether all were answered."""
        blocks = range(self._formulation.num_blocks)
        moves = [Move(block=block, is_forward=True) for block in blocks]
        moves += [Move(block=block, is_forward=False) for block in reversed(blocks)]
        is_whole = True
        for move in moves:
            if known.is_contradiction:
                return True
            if known.is_idle(move, effort):
                continue
            seconds_left = end - time.monotonic()
            if seconds_left <= 0 or self._proven >= known.threshold or not self._has_time():
                return False
            limit = seconds_left if effort is Effort.RELAXED else min(seconds, seconds_left)
            is_answered = self._move(known, move, limit, effort)
            if is_answered:
                known.solved[move, effort] = known.around(move)
            is_whole = is_whole and is_answered
        return is_whole

    def _move(self, known: Known, move: Move, seconds: float, effort: Effort) -> bool:
        """Solve the model of a move, and tighten the bound; say whether more time would give the same."""
        question = known.question(move)
        if question is None:
            known.learn(move, None)
            return True
        model = build_move(self._formulation, move, question)
        seconds = min(seconds, SHARE_OF_SOLVER * self._seconds_left)
        request = Request(
            model=model,
            step=1,  # node weights can be anything
            seconds=seconds,
            target=0 if effort is Effort.RELAXED else None,
            options={**SOLVER_OPTIONS, **self._options(effort)},
        )
        outcome = self._solve(request)
        self._num_nodes += outcome.num_nodes
        cap, nowhere = known.threshold - self._formulation.step, model.threshold or 0
        by = max(0, outcome.lower_bound - cap)
        if outcome.lower_bound >= nowhere or (outcome.testimony and outcome.testimony.status == "infeasible"):
            known.learn(move, None)
        elif move.is_forward:
            known.learn(move, question.most[move.block + 1] - by)
        else:
            known.learn(move, question.least[move.block] + by)
        return outcome.is_final

    def _options(self, effort: Effort) -> Mapping[str, float]:
        """Give the solver's options; a gap is in parts of 100 of about a block."""
        if effort is Effort.RELAXED:
            return {}
        heuristics = {"mip_heuristic_effort": self._params.heuristic_effort}
        return heuristics | ({"mip_abs_gap": self._params.rough_gap} if effort is Effort.ROUGH else {})

    def _solve(self, request: Request) -> Outcome:
        executor = self._budget.executor
        if executor is None:
            grace = self._seconds_left - request.seconds
            outcome = solve_model(request, grace=grace, watch=lambda _: not self._has_time())
        else:
            future: Future[Outcome] = executor.submit(solve_model, request)
            while not future.done():
                wait([future], timeout=POLL)
                if not self._has_time():
                    future.cancel()
                    return Outcome()
            outcome = future.result()
        if outcome.failure:
            self._is_stopped = self._has_failed = True
            _log.warning("the solver gave up: %s", outcome.failure)
        return outcome
