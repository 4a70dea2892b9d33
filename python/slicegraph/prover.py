"""Lower bounds in the background while something else looks for partitions; each has the other's news."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import math
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from slicegraph.bounds.chain import chain_and_reach
from slicegraph.bounds.combinatorial import combinatorial
from slicegraph.bounds.downsets import Closing, close_in
from slicegraph.bounds.model import Formulation, Reach
from slicegraph.bounds.tasks import Budget
from slicegraph.bounds.worker import solver
from slicegraph.certificate.evidence import Chain, DearNode, combine
from slicegraph.cost import Instance
from slicegraph.lower_bound import SOLVED
from slicegraph.reduce import ALL_TICKS, Reduction, reduce
from slicegraph.result import Bound

_log = logging.getLogger(__name__)
_FIRST_SECONDS = 1.0
_GROWTH = 4.0
"""Each round takes so many times as long as the one before, so that what is begun anew costs a third at most."""
_SHARE_OF_BEST = 0.99
"""Of what is proven; a model that was further away is not begun anew."""
_PATIENCE = 0.5
"""Seconds in which a bound that is told to stop sums up what it has."""
_FINAL = ("optimal", "too_large", "failed")
"""How a method ends that more time would not help."""


@final
class _Quotient:
    """What the methods of one round share."""

    def __init__(self, reduction: Reduction) -> None:
        self.reduction, self.formulation = reduction, Formulation(reduction.instance)
        self.dear_node: DearNode | None = None


@final
class Prover:
    """Proves bounds on a thread of its own, in rounds that take ever longer, from the first `learn` until it is closed.

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
        self._instance, self._methods, self._threads = instance, methods, threads
        self._bounds = {"combinatorial": combinatorial(instance)}
        self._threshold: int | None = None
        self._is_closed = threading.Event()
        self._has_news = threading.Event()
        self._thread = threading.Thread(target=self._run, name="slicegraph-prover", daemon=True)
        self._running = 0
        self._quotient: _Quotient | None = None
        self._reach: Reach | None = None
        self._better: NDArray[np.int32] | None = None
        self.is_done = not methods
        """Whether nothing more will come."""
        self.is_solved = False
        """Whether the exact model is: the optimum is known, to the precision of the solver."""
        self.has_tried = not methods
        """Whether the first method has had its first turn."""

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
        return max(self._running, *(bound.ticks for bound in self.bounds))

    def learn(self, bottleneck: float) -> None:
        """Take the news of the best partition, in seconds; begin with the first."""
        ticks = None if math.isinf(bottleneck) else round(bottleneck / self._instance.tick)
        if ticks is not None and (self._threshold is None or ticks < self._threshold):
            self._threshold, self._better = ticks, None
            self._has_news.set()
        if not self._thread.is_alive() and not self.is_done:
            self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with contextlib.suppress(KeyboardInterrupt):
            self.close()

    def close(self) -> None:
        """Stop, and wait a little until what is running has been summed up; once is enough."""
        was_closed = self._is_closed.is_set()
        self._is_closed.set()
        self._has_news.set()
        if self._thread.is_alive() and not was_closed:
            self._thread.join(_PATIENCE)

    def _run(self) -> None:
        try:
            seconds = _FIRST_SECONDS
            while not (self._is_closed.is_set() or self._round(seconds)):
                seconds *= _GROWTH
        except Exception:  # noqa: BLE001 - logged with its trace
            # The partition that was found is worth more than what went wrong here.
            _log.exception("the lower bounds have failed")
        self.is_done = self.has_tried = True

    def _round(self, seconds: float) -> bool:
        """Run each method once; say whether there is nothing more to be had."""
        self._has_news.clear()
        self._quotient = self._reach = None
        threshold, statuses = self._threshold, []
        for method in self._methods:
            if self._is_outdone(method):
                continue
            bound = self._find(seconds) if method == "downsets" else self._solve(method, seconds)
            if method not in self._bounds or bound.ticks >= self._bounds[method].ticks:
                self._bounds[method] = bound
            self._running = 0
            self.has_tried = True
            _log.info("%s: %.6g s proven in %.2f s", method, bound.lower_bound, bound.seconds)
            statuses.append(bound.status)
            is_met = self._ticks >= (ALL_TICKS if self._threshold is None else self._threshold)
            # The millionth that a solver leaves open the downset DP may close within the chain's reach, in some time.
            is_last_word = method == "exact" and bound.status == "optimal"
            self.is_solved |= is_met or (is_last_word and (seconds > _FIRST_SECONDS or "downsets" not in self._methods))
            if self._is_closed.is_set() or self.is_solved:
                return True
        if not set(statuses) <= set(_FINAL):
            return False
        if "optimal" not in statuses:
            return True
        # More time gives nothing, but a better partition may.
        if self._threshold == threshold:
            self._has_news.wait()
        return self._threshold == threshold

    def _is_outdone(self, method: str) -> bool:
        """Whether the exact model, which has to end to be of use, has proven less than others that can still go on."""
        last, others = self._bounds.get(method), [bound for name, bound in self._bounds.items() if name != method]
        is_behind = method == "exact" and last is not None and last.ticks < _SHARE_OF_BEST * self._ticks
        return is_behind and any(bound.status not in _FINAL for bound in others)

    def _find(self, seconds: float) -> Bound:
        """Run the downset DP, which may come across a better partition."""
        closing = self._close_in(self._instance, seconds)
        self._take(closing.block_of, closing.bottleneck)
        return closing.bound

    def _close_in(self, instance: Instance, seconds: float, reach: Reach | None = None) -> Closing:
        end = time.monotonic() + seconds

        def poll(lower_bound: int, _bottleneck: int) -> bool:
            is_met = self._threshold is not None and lower_bound >= self._threshold
            return self._hear(lower_bound) or is_met or time.monotonic() >= end

        return close_in(
            instance,
            lower_bound=self._ticks,
            bottleneck=self._threshold,
            threads=self._threads,
            reach=reach,
            poll=poll,
        )

    def _take(self, block_of: NDArray[np.int32] | None, ticks: int | None) -> None:
        """Keep a partition that is better than all before it."""
        if block_of is not None and ticks is not None and (self._threshold is None or ticks < self._threshold):
            self._threshold, self._better = ticks, block_of

    def _solve(self, method: str, seconds: float) -> Bound:
        """Bound the quotient at the best partition known, from which no better one is lost."""
        # What is said of the quotient's partitions need not be true of another quotient's: one for the whole round.
        quotient = self._quotient = self._quotient or _Quotient(reduce(self._instance, threshold=self._threshold))
        reduction, formulation = quotient.reduction, quotient.formulation
        budget = Budget(threshold=self._threshold, seconds=seconds, watch=self._hear, reach=self._reach)
        if method == "chain":
            bound, self._reach = chain_and_reach(formulation, budget)
            bound = self._within_reach(bound, reduction, seconds)
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

    def _within_reach(self, bound: Bound, reduction: Reduction, seconds: float) -> Bound:
        """Let the downset DP go on from what the chain knows; what it proves there is on the solver's word as well."""
        reach = self._reach
        if reach is None or self._is_closed.is_set():
            return bound
        closing = self._close_in(reduction.instance, seconds, reach)
        if closing.block_of is not None:
            self._take(reduction.lift(closing.block_of), closing.bottleneck)
        if closing.bound.ticks <= bound.ticks:
            return bound
        # Where there is no partition, anything is true of it.
        total = int(self._instance.work.sum())
        most = tuple(min(work, total - 1) for work in reach.most[1:])
        chain = Chain(threshold=closing.bound.ticks, reach=most, status=closing.bound.status)
        return dataclasses.replace(
            bound,
            ticks=closing.bound.ticks,
            seconds=bound.seconds + closing.bound.seconds,
            status=closing.bound.status,
            chain=chain,
            solver=solver(),
        )

    def _hear(self, ticks: int) -> bool:
        threshold = self._threshold
        self._running = max(self._running, ticks if threshold is None else min(ticks, threshold))
        return self._is_closed.is_set()
