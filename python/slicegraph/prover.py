"""Lower bounds in the background while something else looks for partitions; each has the other's news."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from slicegraph._core import Thresholds
from slicegraph.bounds.chain import ChainSearch, Decider
from slicegraph.bounds.combinatorial import combinatorial
from slicegraph.bounds.downsets import FIRST_STEPS, MAX_NODES, MORE_STEPS, Closing, close_in
from slicegraph.bounds.model import Confines, Formulation
from slicegraph.bounds.tasks import Budget
from slicegraph.certificate.evidence import DearNode, combine
from slicegraph.cost import Instance
from slicegraph.lower_bound import SOLVED
from slicegraph.reduce import ALL_TICKS, Reduction, reduce
from slicegraph.result import Bound

_log = logging.getLogger(__name__)
_FIRST_SECONDS = 1.0
_GROWTH = 4.0
"""Each turn takes so many times as long as the one before, so that what is begun anew costs a third at most."""
_CLOSE = 0.95
"""Of the best partition: with less proven, the exact model is not begun while the chain goes on, and a better partition
does not keep the downset DP from sweeping."""
_HARDLY = 0.998
"""Of a threshold: with a partition that is only this much better, the chain goes on as it is."""
_BEATEN = (8, 32)
"""When a partition is better by more than this part of what is open, the downset DP ends its turn early: before it has
swept what minimum cuts prove, which it would have to ask again, and later."""
_LEAD = 8.0
"""Seconds in which the downset DP goes on alone after the sweep, as long as it is not too wide for it."""
_PATIENCE = 0.5
"""Seconds in which a bound that is told to stop sums up what it has."""
_FINAL = ("optimal", "too_large", "failed")
"""How a method ends that more time would not help."""


@final
class _Quotient:
    """What the methods of one round share, and what the chain keeps for the next."""

    def __init__(self, instance: Instance, threshold: int | None) -> None:
        self.threshold = threshold
        self.reduction: Reduction = reduce(instance, threshold=threshold)
        self.formulation = Formulation(self.reduction.instance)
        self.dear_node: DearNode | None = None
        self.chain: ChainSearch | None = None


@final
class _Strand:
    """Methods that take turns on a thread of their own."""

    def __init__(self, methods: Sequence[str], run: Callable[[_Strand], None]) -> None:
        self.methods, self.has_news, self.running, self.is_done = methods, threading.Event(), 0, False
        self.thread = threading.Thread(target=run, args=(self,), name="slicegraph-prover", daemon=True)


@final
class Prover:
    """Proves bounds in the background, in rounds that take ever longer, from the first `learn` until it is closed.

    The downset DP has a thread of its own. What needs the solver takes turns on another one, that begins when the DP
    has swept what minimum cuts prove, and is not likely to end soon; what these say is kept for all turns and both
    threads.

    Parameters
    ----------
    instance
        The problem.
    methods
        Names in `SOLVED`, in the order of a round.
    threads
        Worker threads of the downset DP.
    """

    def __init__(self, instance: Instance, methods: Sequence[str], *, threads: int = 1) -> None:
        self._instance, self._threads = instance, threads
        self._bounds = {"combinatorial": combinatorial(instance)}
        self._threshold: int | None = None
        self._is_closed = threading.Event()
        self._has_tried = threading.Event()
        self._is_swept = threading.Event()
        self._is_wide = threading.Event()
        self._thresholds = Thresholds()
        solved = tuple(method for method in methods if method != "downsets")
        self._strands = [_Strand(each, self._run) for each in (methods[: len(methods) - len(solved)], solved) if each]
        self._quotient: _Quotient | None = None
        self._confines: Confines | None = None
        self._better: NDArray[np.int32] | None = None
        self._begin = time.monotonic()
        self._is_met = False
        self._final: float | None = None
        """When the solver's word on the exact model is to be the last one."""

    @property
    def is_solved(self) -> bool:
        """Whether the optimum is known: to the precision of the solver when the DP says no more in as long again."""
        is_final = self._final is not None and (self._strands[0].is_done or time.monotonic() >= self._final)
        return self._is_met or is_final

    @property
    def is_done(self) -> bool:
        """Whether nothing more will come."""
        return all(strand.is_done for strand in self._strands)

    @property
    def has_tried(self) -> bool:
        """Whether the first method has had its first turn."""
        return self._has_tried.is_set() or self.is_done

    @property
    def lower_bound(self) -> float:
        """Seconds that no partition beats, as far as is proven."""
        return self._instance.seconds(self._ticks)

    @property
    def bounds(self) -> tuple[Bound, ...]:
        """The best bound of each method."""
        return tuple(self._bounds.values())

    @property
    def found(self) -> tuple[NDArray[np.int32], float] | None:
        """The best partition that the bounds have come across, if it is the best of all, and its bottleneck."""
        if self._better is None or self._threshold is None:
            return None
        return self._better, self._instance.seconds(self._threshold)

    @property
    def _ticks(self) -> int:
        return max([strand.running for strand in self._strands] + [bound.ticks for bound in self.bounds])

    def learn(self, bottleneck: float) -> None:
        """Take the news of the best partition, in seconds; begin with the first."""
        ticks = None if math.isinf(bottleneck) else round(bottleneck / self._instance.tick)
        if ticks is not None and (self._threshold is None or ticks < self._threshold):
            self._threshold, self._better = ticks, None
            for strand in self._strands:
                strand.has_news.set()
        for strand in self._strands:
            if not strand.thread.is_alive() and not strand.is_done:
                strand.thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with contextlib.suppress(KeyboardInterrupt):
            self.close()

    def close(self) -> None:
        """Stop, and wait a little until what is running has been summed up; once is enough."""
        if self._is_closed.is_set():
            return
        self._is_closed.set()
        self._has_tried.set()
        self._is_swept.set()
        self._is_wide.set()
        end = time.monotonic() + _PATIENCE
        for strand in self._strands:
            strand.has_news.set()
            if strand.thread.is_alive():
                strand.thread.join(max(0.0, end - time.monotonic()))

    def _run(self, strand: _Strand) -> None:
        try:
            if strand is not self._strands[0]:
                self._is_swept.wait()
                self._is_wide.wait(_LEAD)
            seconds = _FIRST_SECONDS
            while not (self._is_closed.is_set() or self.is_solved):
                begin = time.monotonic()
                if self._round(strand, seconds):
                    break
                if time.monotonic() - begin >= seconds:
                    seconds *= _GROWTH
        except Exception:  # noqa: BLE001 - logged with its trace
            # The partition that was found is worth more than what went wrong here.
            _log.exception("the lower bounds have failed")
        finally:
            strand.is_done = True
            self._has_tried.set()
            self._is_swept.set()
            self._is_wide.set()

    def _round(self, strand: _Strand, seconds: float) -> bool:
        """Run each method once; say whether there is nothing more to be had."""
        strand.has_news.clear()
        begin, threshold, statuses, is_last_word = time.monotonic(), self._threshold, [], False
        for method in strand.methods:
            if self._is_outdone(method):
                continue
            bound = self._find(strand, seconds) if method == "downsets" else self._solve(strand, method, seconds)
            if method not in self._bounds or bound.ticks >= self._bounds[method].ticks:
                self._bounds[method] = bound
            strand.running = 0
            _log.info("%s: %.6g s proven in %.2f s", method, bound.lower_bound, bound.seconds)
            statuses.append(bound.status)
            is_met = self._ticks >= (ALL_TICKS if self._threshold is None else self._threshold)
            is_last_word = method == "exact" and bound.status == "optimal"
            if is_last_word and self._final is None:
                # The millionth that a solver leaves open the downset DP may close, in as long again.
                now = time.monotonic()
                self._final = now if len(self._strands) == 1 else 2 * now - self._begin
            self._is_met |= is_met
            self._has_tried.set()
            if method == "downsets" and bound.status in _FINAL:
                self._is_swept.set()
            if self._is_closed.is_set() or self.is_solved:
                return True
        if is_last_word or not set(statuses) <= set(_FINAL):
            # Who has nothing left to try before the turn is over waits for news.
            strand.has_news.wait(max(0.0, begin + seconds - time.monotonic()))
            return False
        if "optimal" not in statuses:
            return True
        # More time gives nothing, but a better partition may.
        while self._threshold == threshold and not self._is_closed.is_set():
            strand.has_news.wait()
            strand.has_news.clear()
        return self._is_closed.is_set()

    def _is_outdone(self, method: str) -> bool:
        """Whether the exact model has had its word, or, since it has to end to be of use, is far away from it."""
        if method == "exact" and self._final is not None:
            return True
        chain = self._quotient.chain if self._quotient else None
        return method == "exact" and not self._is_close and chain is not None and not chain.is_done

    @property
    def _is_close(self) -> bool:
        return self._threshold is not None and self._ticks >= _CLOSE * self._threshold

    def _find(self, strand: _Strand, seconds: float) -> Bound:
        """Run the downset DP, which may come across a better partition."""
        closing = self._close_in(strand, self._instance, seconds)
        self._take(closing.block_of, closing.bottleneck)
        return closing.bound

    def _close_in(
        self, strand: _Strand, instance: Instance, seconds: float, confines: Confines | None = None
    ) -> Closing:
        """Run the downset DP for so long, and on as long as nobody else has news; or on what the chain asks alone."""
        begin, is_first = time.monotonic(), not self._has_tried.is_set()
        lower_bound, bottleneck, was_swept = self._ticks, self._threshold, self._is_swept.is_set()
        if confines is not None:
            lower_bound, bottleneck = confines.threshold - 1, confines.threshold

        def poll(ticks: int, best: int) -> bool:
            elapsed = time.monotonic() - begin
            is_over = elapsed >= seconds
            if self._thresholds.stuck is not None or (bottleneck is not None and best < bottleneck):
                # Where the DP finds partitions there may be nothing to sweep.
                self._is_swept.set()
            if self._thresholds.are_wide and not is_first:
                # Of the first partition they may be too many, and few of the best.
                self._is_wide.set()
            if confines is not None:
                is_better = self._threshold is not None and self._threshold < confines.threshold
                return is_over or is_better or ticks >= confines.threshold or self._is_closed.is_set()
            if is_over:
                self._has_tried.set()
            is_met = self._threshold is not None and ticks >= self._threshold
            has_news = is_first or bottleneck != self._threshold
            self._thresholds.raise_floor(self._ticks)
            # Of thresholds that somebody else beats nothing is to be learned.
            lead = 0 if self._threshold is None else best - self._threshold
            is_swept = self._is_swept.is_set()
            is_beaten = lead * _BEATEN[is_swept] > best - ticks and elapsed * _GROWTH >= seconds
            is_over = (is_beaten and (is_swept or self._is_close)) or (is_over and has_news and is_swept)
            return self._hear(strand, ticks) or is_met or is_over

        return close_in(
            instance,
            lower_bound=lower_bound,
            bottleneck=bottleneck,
            threads=self._threads,
            steps=FIRST_STEPS if confines is None and not was_swept else MORE_STEPS,
            confines=confines,
            thresholds=self._thresholds if confines is None else None,
            poll=poll,
        )

    def _take(self, block_of: NDArray[np.int32] | None, ticks: int | None) -> None:
        """Keep a partition that is better than all before it."""
        if block_of is not None and ticks is not None and (self._threshold is None or ticks < self._threshold):
            self._threshold, self._better = ticks, block_of
            for strand in self._strands:
                strand.has_news.set()

    def _solve(self, strand: _Strand, method: str, seconds: float) -> Bound:
        """Bound the quotient at the best partition known, from which no better one is lost."""
        # What is said of the quotient's partitions need not be true of another quotient's: one for a round at least.
        if method == strand.methods[0] or self._quotient is None:
            self._quotient = self._refresh(self._quotient)
        quotient = self._quotient
        reduction, formulation = quotient.reduction, quotient.formulation
        threshold, watch = self._threshold, functools.partial(self._hear, strand)
        budget = Budget(threshold=threshold, seconds=seconds, watch=watch, confines=self._confines)
        if method == "chain":
            is_large = reduction.instance.graph.num_nodes > MAX_NODES
            decide = functools.partial(self._decide, strand, reduction)
            decider = Decider(decide=decide, thresholds=self._thresholds, group_of=reduction.group_of)
            search = quotient.chain or ChainSearch(formulation, budget, decider=None if is_large else decider)
            quotient.chain = search
            if threshold is not None:
                search.learn(threshold)
            search.run(seconds, floor=lambda: self._ticks)
            bound, self._confines = search.bound(), search.confines
        else:
            bound = SOLVED[method](formulation, budget)
        # A group may be dearer than any of its nodes; a minimum cut is the evidence.
        dear_node = quotient.dear_node = bound.node or quotient.dear_node or SOLVED["node"](formulation, budget).node
        relaxed = combine(bound.relaxations, self._instance.num_blocks, lambda relaxation: relaxation.lower_bound)
        parts = (relaxed, bound.chain.threshold if bound.chain else 0, dear_node.lower_bound if dear_node else 0)
        ordinary, has_merges = self._bounds["combinatorial"], bool(reduction.evidence.merges)
        ticks = max(ordinary.ticks, min(max(parts), reduction.evidence.threshold))
        verified = bound.verified_lower_bound
        if dear_node and dear_node is not bound.node:
            verified = max(verified, self._instance.seconds(dear_node.lower_bound))
        return dataclasses.replace(
            bound,
            ticks=ticks,
            lower_bound=self._instance.seconds(ticks),
            verified_lower_bound=ordinary.lower_bound if has_merges else verified,
            reduction=reduction.evidence if has_merges else None,
            node=dear_node,
            num_groups=reduction.instance.graph.num_nodes,
        )

    def _refresh(self, quotient: _Quotient | None) -> _Quotient:
        """Give a quotient at the best partition; the last one if that is hardly better and the chain far from it."""
        if quotient is not None:
            known, threshold = quotient.threshold, self._threshold
            is_hardly_better = known is not None and threshold is not None and threshold >= _HARDLY * known
            if known == threshold or (is_hardly_better and not self._is_close):
                return quotient
        self._confines = None
        return _Quotient(self._instance, self._threshold)

    def _decide(self, strand: _Strand, reduction: Reduction, confines: Confines, seconds: float) -> bool:
        """Let the downset DP decide a threshold, given what the chain knows; it may come across a better partition."""
        closing = self._close_in(strand, reduction.instance, seconds, confines)
        if closing.block_of is not None:
            self._take(reduction.lift(closing.block_of), closing.bottleneck)
        return closing.bound.ticks >= confines.threshold

    def _hear(self, strand: _Strand, ticks: int) -> bool:
        threshold = self._threshold
        strand.running = max(strand.running, ticks if threshold is None else min(ticks, threshold))
        return self._is_closed.is_set()
