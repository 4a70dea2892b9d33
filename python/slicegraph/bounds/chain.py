"""The chain bound: block by block, how much can be charged when every block is cheap.

Let all blocks of a partition cost less than a threshold ``t``, so at most ``c``, the largest multiple below ``t`` of
what all costs are multiples of. By minimum cuts, nodes are *charged* what they surely take of their blocks: a block
costs at least the sum of its nodes' charges, which are no less than their work (``rust/core/src/domain/weights.rs``).
Say that its first ``b`` blocks are charged at least ``l_b`` and at most ``m_b``; in the beginning ``m_b = b c`` and
``l_b = W - (k - b) c``, where ``W`` is the sum of all charges and ``k`` the number of blocks.

**Claim.** Let ``G`` be the most that is charged in ``before`` and ``S`` together, over all ``(before, S, after)`` that
divide the nodes, with ``before`` and ``before`` with ``S`` closed under predecessors, ``cost(S) <= c``, ``l_b <=
charges(before) <= m_b`` and ``l_{b+1} <= charges(before and S) <= m_{b+1}``. Then ``m_{b+1} = G`` is true too; and so
is any upper bound on ``G``. If there is no such division, or ``l_b > m_b`` for some ``b``, then no partition has a
bottleneck below ``t``.

**Proof.** The first ``b`` blocks, block ``b + 1`` and the rest are such a division, so the first ``b + 1`` blocks are
charged no more than the most. Induction over the steps: what is said of the partition stays true, and when it
contradicts itself, there is no partition. Likewise from the end: the least of ``charges(before)`` is a true ``l_b``.

**Windows.** Some nodes are *apart*: by a minimum cut, no block below the threshold holds both
(``rust/core/src/domain/incompatible.rs``). With what the first blocks are charged, and with more cuts, they say in
which blocks each node can be, and from that follows what the first blocks are charged (``windows.rs`` there).
This alone proves much, and leaves less to ask the solver.

A division in which the first ``b + 1`` blocks are charged less than ``m_b`` is of no interest for the most, which would
then be less than ``m_b`` anyway. Demanding at least ``m_b``, and so at least ``m_b - c`` before the block, leaves only
nodes in a narrow band of the graph to be placed; if there is no such division, ``m_{b+1}`` is less than ``m_b``. The
linear relaxation of this model is enough more often than not. What holds for a threshold holds for all below it, so the
windows of one on the way to the largest ``t`` that can be proven are taken along to those below, where more can be
charged.
"""

from __future__ import annotations

import itertools
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from enum import Enum, auto
from typing import final

import numpy as np
from numpy.typing import NDArray

from slicegraph._core import Thresholds, confine
from slicegraph.bounds.model import Confines, Formulation, Integers, Move
from slicegraph.bounds.outcome import Outcome
from slicegraph.bounds.tasks import POLL, SHARE_OF_SOLVER, Budget, is_too_large
from slicegraph.bounds.worker import SOLVER_OPTIONS, Request, solve_model, solver
from slicegraph.certificate.evidence import Chain
from slicegraph.result import Bound

_log = logging.getLogger(__name__)
_PRECISION = 10**6
"""A part in so many of a threshold is left to the solver's tolerances."""
_ROUGHLY, _FINELY = 50, 10**5
"""Parts of the best partition's bottleneck: how close thresholds get, by linear relaxations and by whole models."""
_SHARE_OF_RELAXED, _SHARE_OF_THRESHOLD = 0.5, 0.4
"""Of the time left: for linear relaxations, of the first threshold and then of others, and for each threshold."""
_CLOSE, _VERY_CLOSE = 0.9, 0.97
"""When this part of the first threshold is proven, whole models may do, and then all of it may be within reach."""
_NARROW = 0.25
"""When no more than this part of what the first blocks may hold is left open, likewise."""
_SHARE_OF_LAST = 0.5
"""Likewise, for the last part that is too small for a proof."""
_SECONDS_OF_MOVE, _MORE = 0.2, 4
"""For each move at first; those that take longer wait for the others, and then have so many times as much."""
_WORTHWHILE = 0.98
"""Another round when the last one has narrowed the bounds on the work to less than this."""


def _halfway(end: float) -> float:
    """Give half of the time to the end."""
    return (time.monotonic() + end) / 2


class _Effort(Enum):
    """What is done about a threshold and its moves, in this order."""

    WINDOWS = auto()
    RELAXED = auto()
    ROUGH = auto()
    EXACT = auto()


_HEURISTICS = {"mip_heuristic_effort": 0.05}
_OPTIONS: Mapping[_Effort, Mapping[str, float]] = {
    _Effort.RELAXED: {},
    _Effort.ROUGH: {**_HEURISTICS, "mip_abs_gap": 0.05},
    _Effort.EXACT: _HEURISTICS,
}
"""Of the solver; a gap is in parts of 100 of about a block."""


def chain(formulation: Formulation, budget: Budget) -> Bound:
    """Bound the optimum by the largest threshold that the chain proves: many small models of two binaries per node."""
    search = ChainSearch(formulation, budget)
    search.run(budget.seconds)
    return search.bound()


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Decider:
    """Somebody who decides thresholds by other means.

    Attributes
    ----------
    decide
        Whether within so many seconds it can be shown that there is no partition below a threshold, given what is
        known of all of them.
    thresholds, group_of
        What cuts have said so far of the instance, and which of its nodes are in which group of this quotient.
    """

    decide: Callable[[Confines, float], bool]
    thresholds: Thresholds
    group_of: NDArray[np.int32]


@final
class _Known:
    """What is known when every block costs less than a threshold; windows from ``above`` hold below."""

    def __init__(
        self,
        formulation: Formulation,
        threshold: int,
        poll: Callable[[], bool],
        cuts: tuple[Thresholds, NDArray[np.int32]],
        above: _Known | None = None,
    ) -> None:
        self.threshold = threshold
        self.solved: dict[tuple[Move, _Effort], tuple[int, ...]] = {}
        self._work, self._poll = formulation.work, poll
        num_nodes, num_blocks = len(formulation.work), formulation.num_blocks
        self.least, self.most = [0] * (num_blocks + 1), [0] * (num_blocks + 1)
        self.windows: tuple[Integers, Integers] = np.ones(num_nodes, np.int64), np.full(num_nodes, num_blocks)
        self.charges: Integers = formulation.work
        self.has_cuts: bool = above is None or above.has_cuts
        """Whether minimum cuts are worth their time."""
        thresholds, group_of = cuts
        core = confine(
            formulation.instance.core,
            group_of,
            threshold - formulation.step + 1,
            thresholds=thresholds,
            is_patient=above is not None,
            poll=poll if self.has_cuts else None,
        )
        self.is_contradiction = core is None
        """Whether there is no such partition."""
        if core is None:
            return
        self._core, self.charges, self._apart = core, core.charges, core.apart
        self.least, self.most, *windows = core.narrowed
        self.windows = windows[0], windows[1]
        if above is None:
            self.has_cuts = core.are_of_use
        else:
            earliest, latest = above.windows
            self.windows = np.maximum(windows[0], earliest), np.minimum(windows[1], latest)
            self.narrow()

    def most_work(self, total: int) -> tuple[int, ...]:
        """How much work the first 1, 2, ..., all blocks hold at most."""
        # Where there is no partition, anything is true of it.
        sums = [int(self._work[self.windows[0] <= end].sum()) for end in range(1, len(self.most))]
        return tuple(min(sum_, total - 1) for sum_ in sums)

    @property
    def confines(self) -> Confines:
        """As others take it."""
        return self._confines(self.least, self.most, self.windows)

    def _confines(self, least: Sequence[int], most: Sequence[int], windows: tuple[Integers, Integers]) -> Confines:
        return Confines(
            threshold=self.threshold,
            earliest=windows[0],
            latest=windows[1],
            apart=self._apart,
            charges=self.charges,
            least=tuple(least),
            most=tuple(most),
        )

    @property
    def width(self) -> int:
        """How much is not known."""
        return sum(self.most) - sum(self.least)

    def _take(self, least: Sequence[int], most: Sequence[int]) -> None:
        self.least = list(map(max, self.least, least))
        self.most = list(map(min, self.most, most))
        self.narrow()

    def narrow(self, *, by_cuts: bool = False) -> None:
        """Take what follows."""
        if self.is_contradiction:
            return
        poll = self._poll if by_cuts and self.has_cuts else None
        narrowed = self._core.narrow(self.least, self.most, self.windows, poll)
        if narrowed is None:
            self.is_contradiction = True
        else:
            self.least, self.most, *windows = narrowed
            self.windows = windows[0], windows[1]

    def around(self, move: Move) -> tuple[int, ...]:
        """Give what a move depends on."""
        b = move.block
        return self.least[b], self.most[b], self.least[b + 1], self.most[b + 1]

    def is_idle(self, move: Move, effort: _Effort) -> bool:
        """Whether a move would give nothing, or the same again."""
        around = least, most, next_least, next_most = self.around(move)
        can_all_be_done = most == next_most if move.is_forward else least == next_least
        is_only = len(self.most) - 1 == 1
        return (can_all_be_done and not is_only) or self.solved.get((move, effort)) == around

    def question(self, move: Move) -> Confines | None:
        """Narrow the bounds to where an answer would be news; None when nothing is there."""
        b, least, most = move.block, self.least.copy(), self.most.copy()
        if move.is_forward:
            least[b + 1] = max(least[b + 1], most[b])
        else:
            most[b] = min(most[b], least[b + 1])
        narrowed = self._core.narrow(least, most, self.windows)
        if narrowed is None:
            return None
        least, most, *windows = narrowed
        return self._confines(least, most, (windows[0], windows[1]))

    def learn(self, move: Move, work: int | None) -> None:
        """Take the answer: the bound asked for; None: there is nothing where the question was."""
        b, least, most = move.block, self.least.copy(), self.most.copy()
        if move.is_forward:
            most[b + 1] = max(least[b + 1], most[b]) - 1 if work is None else work
        else:
            least[b] = min(most[b], least[b + 1]) + 1 if work is None else work
        self._take(least, most)


@final
class ChainSearch:
    """The thresholds that are tried, and what is known of each: it can go on where it was.

    Parameters
    ----------
    formulation
        The instance.
    budget
        The threshold, the executor and the watch.
    decider
        Who else decides thresholds. None: nobody.
    """

    def __init__(
        self,
        formulation: Formulation,
        budget: Budget,
        *,
        decider: Decider | None = None,
    ) -> None:
        self._formulation, self._budget, self._decide = formulation, budget, decider.decide if decider else None
        everyone = np.arange(len(formulation.work), dtype=np.int32)
        self._cuts = (decider.thresholds, decider.group_of) if decider else (Thresholds(), everyone)
        self._seconds, self._deadline = 0.0, -math.inf
        self._combinatorial = formulation.instance.core.combinatorial_bound()
        self._is_stopped = self._has_failed = False
        self._is_too_large = is_too_large(formulation, num_superblocks=3, num_models=formulation.num_blocks)
        # Without a partition: all in one block.
        self._best = formulation.total + int(formulation.params.sum()) if budget.threshold is None else budget.threshold
        self._top = self._below_best()
        self._is_final = not formulation.total or self._top <= self._combinatorial
        self._num_nodes = 0
        self._floor: Callable[[], int] = int
        # The thresholds that are not proven, the top included, and the least that less effort does not prove.
        self._open: list[_Known] = []
        self._stuck = dict.fromkeys((_Effort.WINDOWS, _Effort.RELAXED), self._top + 1)
        self._evidence: tuple[int, ...] | None = None
        self.lower_bound = self._combinatorial
        """Ticks."""

    def run(self, seconds: float, *, floor: Callable[[], int] = int) -> None:
        """Try the best partition's bottleneck, then by linear relaxations what is below it, then by whole models.

        What is proven elsewhere, ``floor()`` in ticks, need not be tried.
        """
        begin, self._floor = time.monotonic(), floor
        self._deadline, self._is_stopped = begin + seconds, False
        if not self.is_done:
            self._run()
        self._seconds += time.monotonic() - begin

    def learn(self, threshold: int) -> None:
        """Take the news of a better partition, in ticks: what is known for a threshold holds below it."""
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
                self._rise(_Effort.WINDOWS, (self._top - self._proven) // 2)
            self._rise(_Effort.RELAXED, 2 * self._top // _ROUGHLY)
            is_close = _VERY_CLOSE * self._top <= self._proven < self._top
            is_whole = is_close and self._attempt(self._top, _SHARE_OF_THRESHOLD)
            is_whole = self._climb() or is_whole
            if self.lower_bound < self._top and not is_whole:
                is_whole = self._attempt(self._top, 1.0)
        if self.lower_bound == self._top < self._best:
            # The solver's tolerances leave the last millionth open; others can close it within what is known of it.
            if not self._open:
                self._open.append(self._new(self._rounded(self._best)))
            self._attempt(self._rounded(self._best), _SHARE_OF_LAST)
        # Who decides otherwise may with more time.
        is_all = is_whole or self.lower_bound >= self._top
        self._is_final = is_all if self._decide is None else self.lower_bound >= self._best

    @property
    def confines(self) -> Confines | None:
        """All that is known of partitions nearly as good as the best; None when nothing is."""
        return self._open[0].confines if self._open and not self._open[0].is_contradiction else None

    @property
    def _proven(self) -> int:
        return max(self.lower_bound, min(self._floor(), self._top))

    def _rise(self, effort: _Effort, step: int) -> None:
        """Prove what little effort proves, roughly."""
        end = time.monotonic() + _SHARE_OF_RELAXED * self._seconds_left
        least = max(self._top // _ROUGHLY, self._formulation.step)
        stuck = self._stuck[effort]
        while self.lower_bound < self._top and time.monotonic() < end and self._has_time():
            step = min(step, (stuck - self._proven) // 2)
            if step < least:
                return
            threshold = self._rounded(min(self._proven + step, self._top))
            is_answer = self._attempt(threshold, _SHARE_OF_THRESHOLD, effort)
            if self._proven >= threshold:
                step *= 2
                continue
            stuck = threshold
            if is_answer:
                self._stuck[effort] = threshold

    def _climb(self) -> bool:
        """Go up in steps that grow with what is proven and shrink with what is not; say whether all is known."""
        finest = max(self._top // _FINELY, self._formulation.step)
        step, is_whole = self._top // _ROUGHLY, True
        while self.lower_bound < self._top and self._has_time():
            threshold = self._rounded(min(self._proven + max(step, finest), self._top))
            is_answer = self._attempt(threshold, _SHARE_OF_THRESHOLD)
            if self._proven >= threshold:
                step, is_whole = 2 * step, True
            elif step <= finest:
                return is_whole and is_answer
            else:
                step, is_whole = min(step, threshold - self._proven) // 2, is_whole and is_answer
        return self.lower_bound >= self._top

    def bound(self) -> Bound:
        """Sum up."""
        seconds = self._formulation.instance.seconds
        status = "optimal" if self._is_final else "failed" if self._has_failed else "time_limit"
        status = "too_large" if self._is_too_large else status
        evidence = None
        if self._evidence:
            evidence = Chain(threshold=self.lower_bound, reach=self._evidence, status=status)
        return Bound(
            method="chain",
            lower_bound=seconds(self.lower_bound),
            seconds=self._seconds,
            status=status,
            ticks=self.lower_bound,
            verified_lower_bound=seconds(self._combinatorial),
            chain=evidence,
            num_nodes=self._num_nodes,
            solver=solver() if evidence else None,
        )

    def _below_best(self) -> int:
        return self._rounded(self._best - self._best // _PRECISION)

    def _rounded(self, ticks: int) -> int:
        """Give the least threshold that says the same of costs."""
        step = self._formulation.step
        return -(-ticks // step) * step

    @property
    def _seconds_left(self) -> float:
        return self._deadline - time.monotonic()

    def _has_time(self) -> bool:
        watch = self._budget.watch
        self._is_stopped = self._is_stopped or (watch is not None and watch(self.lower_bound))
        return not self._is_stopped and self._seconds_left > 0

    def _nearest(self, threshold: int) -> _Known:
        """Give what is known for the least threshold that is not below this one."""
        return min((known for known in self._open if known.threshold >= threshold), key=lambda known: known.threshold)

    def _new(self, threshold: int, above: _Known | None = None) -> _Known:
        return _Known(self._formulation, threshold, lambda: not self._has_time(), self._cuts, above)

    def _attempt(self, threshold: int, share: float, effort: _Effort = _Effort.EXACT) -> bool:
        """Try to prove a threshold, with little effort first or alone; say whether more time would not help."""
        known = self._nearest(threshold)
        if known.threshold > threshold:
            known = self._new(threshold, known)
            self._open.append(known)
        end = time.monotonic() + share * self._seconds_left
        decide = self._decide if effort is _Effort.EXACT else None
        is_whole = True
        if effort is not _Effort.WINDOWS:
            is_whole = self._exhaust(known, _halfway(end) if decide else end, _SECONDS_OF_MOVE, _Effort.RELAXED)
        if effort is _Effort.EXACT and not known.is_contradiction:
            is_whole = self._is_worth_branching(known) and self._branch(known, _halfway(end) if decide else end)
        is_proven = known.is_contradiction
        if decide is not None and not is_proven and self._has_time() and time.monotonic() < end:
            is_proven = decide(known.confines, end - time.monotonic())
        if is_proven:
            self.lower_bound, self._evidence = threshold, known.most_work(self._formulation.total)
            self._open = [known for known in self._open if known.threshold > threshold]
        return is_whole or is_proven

    def _is_worth_branching(self, known: _Known) -> bool:
        """Whether whole models may prove a threshold that their relaxations do not."""
        num_blocks, total = self._formulation.num_blocks, self._formulation.total
        at_first = (num_blocks * known.threshold - total) * (num_blocks - 1)
        is_close = self._proven >= _CLOSE * self._top or known.width <= _NARROW * at_first
        return self._decide is None or is_close

    def _branch(self, known: _Known, end: float) -> bool:
        """Solve the models of all moves; say whether more time would not help."""
        seconds = _SECONDS_OF_MOVE
        for effort in itertools.chain((_Effort.ROUGH,), itertools.repeat(_Effort.EXACT)):
            is_whole = self._exhaust(known, end, seconds, effort) and effort is _Effort.EXACT
            if is_whole or known.is_contradiction or time.monotonic() >= end or not self._has_time():
                return is_whole
            if effort is _Effort.EXACT:
                seconds *= _MORE
        return False

    def _exhaust(self, known: _Known, end: float, seconds: float, effort: _Effort) -> bool:
        """Make all moves, as long as that narrows the bounds; say whether all were answered."""
        width, is_whole = math.inf, False
        while not known.is_contradiction and known.width < _WORTHWHILE * width:
            width = known.width
            is_whole = self._round(known, end, seconds, effort)
            known.narrow(by_cuts=True)
        return is_whole

    def _round(self, known: _Known, end: float, seconds: float, effort: _Effort) -> bool:
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
            limit = seconds_left if effort is _Effort.RELAXED else min(seconds, seconds_left)
            is_answered = self._move(known, move, limit, effort)
            if is_answered:
                known.solved[move, effort] = known.around(move)
            is_whole = is_whole and is_answered
        return is_whole

    def _move(self, known: _Known, move: Move, seconds: float, effort: _Effort) -> bool:
        """Ask how far a bound moves; say whether the answer is the solver's last."""
        question = known.question(move)
        if question is None:
            known.learn(move, None)
            return True
        model = self._formulation.move(move, question)
        seconds = min(seconds, SHARE_OF_SOLVER * self._seconds_left)
        request = Request(
            model=model,
            step=1,  # what nodes are charged can be anything
            seconds=seconds,
            target=0 if effort is _Effort.RELAXED else None,
            options={**SOLVER_OPTIONS, **_OPTIONS[effort]},
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
