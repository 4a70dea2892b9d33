"""The threads that prove lower bounds: they carry out what the schedule says, and tell what comes of it."""

from __future__ import annotations

import dataclasses
import logging
import threading
from abc import ABC, abstractmethod
from typing import final

import numpy as np
from numpy.typing import NDArray

from slicegraph._core import ProofState
from slicegraph.bounds.chain_search import ChainSearch, Decider
from slicegraph.bounds.downsets import MAX_NODES, Closing, close_in
from slicegraph.bounds.formulation import Formulation
from slicegraph.bounds.model import Domains
from slicegraph.bounds.tasks import Budget
from slicegraph.cost import Instance
from slicegraph.evidence.bound import Bound
from slicegraph.evidence.claims import ExpensiveNode
from slicegraph.evidence.relaxation import combine
from slicegraph.lower_bound import SOLVED
from slicegraph.reduce import Reduction, reduce
from slicegraph.solve.board import Board
from slicegraph.solve.events import Broken, End, Improved, MethodEnded, Proven, Report, Run
from slicegraph.solve.incumbent import Incumbent
from slicegraph.solve.turn import Turn, ends_decision, ends_turn, news

_log = logging.getLogger(__name__)


@dataclasses.dataclass(kw_only=True, slots=True, eq=False)
class Shared:
    """What the workers of a run share.

    Attributes
    ----------
    instance
        The problem.
    board, incumbent
        The schedule and the best partition.
    threads
        Of the exact solver.
    known
        What is known of the instance, for the turns of both workers.
    bounds
        The best bound of each method.
    """

    instance: Instance
    board: Board
    incumbent: Incumbent
    threads: int
    bounds: dict[str, Bound]
    known: ProofState = dataclasses.field(default_factory=ProofState)

    def improve(self, block_of: NDArray[np.int32] | None, ticks: int | None) -> None:
        """Take a partition of so many ticks, if there is one and it is the best."""
        if ticks is not None and self.incumbent.improve(block_of, ticks):
            self.board.tell(Improved(bottleneck=ticks))


class Prover(ABC):
    """A worker: its methods take turns on a thread of their own, from when the schedule says so until it ends."""

    name: str

    def __init__(self, shared: Shared) -> None:
        self._shared, self._board = shared, shared.board
        self._thread = threading.Thread(target=self._run, name="slicegraph-prover", daemon=True)

    def start(self) -> None:
        """Begin to ask for tasks."""
        self._thread.start()

    def join(self, seconds: float) -> None:
        """Wait for its end, for so long at most."""
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _run(self) -> None:
        try:
            while not isinstance(task := self._board.next_task(self.name), End):
                bound, goes_on = self._prove(task)
                self._record(task.method, bound, goes_on=goes_on)
        except Exception:  # noqa: BLE001 - logged with its trace
            # The partition that was found is worth more than what went wrong here.
            _log.exception("the lower bounds have failed")
            self._board.tell(Broken(worker=self.name))

    def _record(self, method: str, bound: Bound, *, goes_on: bool) -> None:
        bounds = self._shared.bounds
        if method not in bounds or bound.ticks >= bounds[method].ticks:
            bounds[method] = bound
        _log.info("%s: %.6g s proven in %.2f s", method, bound.lower_bound, bound.seconds)
        self._board.tell(
            MethodEnded(worker=self.name, method=method, status=bound.status, lower_bound=bound.ticks, goes_on=goes_on)
        )

    @abstractmethod
    def _prove(self, task: Run) -> tuple[Bound, bool]:
        """Run a method; give its bound, and whether it has more to try."""


def ask_exact(
    shared: Shared, instance: Instance, task: Run, *, is_first: bool = False, domains: Domains | None = None
) -> Closing:
    """Run the exact solver for a turn; or on what the chain asks alone, within the domains that it knows."""
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
        now_known = board.tell(*news(turn, report, board.now))
        known.raise_floor(now_known.lower_bound)
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
class _Quotient:
    """What the methods of a turn share, and what the chain keeps for the next."""

    def __init__(self, instance: Instance, threshold: int | None) -> None:
        self.threshold = threshold
        self.reduction: Reduction = reduce(instance, threshold=threshold)
        self.formulation = Formulation(self.reduction.instance)
        self.expensive_node: ExpensiveNode | None = None
        self.chain: ChainSearch | None = None
        self.domains: Domains | None = None


@final
class RelaxedProver(Prover):
    """What needs the MIP solver: on the quotient at the best partition known, from which no better one is lost."""

    name = "relaxed"
    _quotient: _Quotient | None = None

    def _prove(self, task: Run) -> tuple[Bound, bool]:
        state = self._board.schedule
        # What is said of the quotient's partitions need not be true of another quotient's: one for a turn at least.
        quotient = self._quotient
        is_begin = task.method == state.worker(self.name).methods[0]
        if quotient is None or (is_begin and state.renews_quotient(quotient.threshold)):
            quotient = self._quotient = _Quotient(self._shared.instance, state.bottleneck)
        budget = Budget(threshold=state.bottleneck, seconds=task.seconds, watch=self._hear, domains=quotient.domains)
        if task.method != "chain":
            return self._lifted(SOLVED[task.method](quotient.formulation, budget), quotient, budget), False
        chain = quotient.chain = quotient.chain or self._new_chain(quotient, budget, task)
        if state.bottleneck is not None:
            chain.learn(state.bottleneck)
        chain.run(task.seconds, floor=lambda: self._board.schedule.lower_bound)
        quotient.domains = chain.domains
        return self._lifted(chain.bound(), quotient, budget), not chain.is_done

    def _hear(self, ticks: int) -> bool:
        return self._board.tell(Proven(worker=self.name, lower_bound=ticks)).is_closed

    def _new_chain(self, quotient: _Quotient, budget: Budget, task: Run) -> ChainSearch:
        reduction = quotient.reduction
        if reduction.instance.graph.num_nodes > MAX_NODES:
            return ChainSearch(quotient.formulation, budget, decider=None)

        def decide(domains: Domains, seconds: float) -> bool:
            # It may come across a better partition.
            steps = self._board.schedule.params.more_steps
            task_of_it = dataclasses.replace(task, seconds=seconds, steps=steps)
            closing = ask_exact(self._shared, reduction.instance, task_of_it, domains=domains)
            if closing.block_of is not None:
                self._shared.improve(reduction.lift(closing.block_of), closing.bottleneck)
            return closing.bound.ticks >= domains.threshold

        decider = Decider(decide=decide, state=self._shared.known, group_of=reduction.group_of)
        return ChainSearch(quotient.formulation, budget, decider=decider)

    def _lifted(self, bound: Bound, quotient: _Quotient, budget: Budget) -> Bound:
        """Give what a bound of the quotient says of the instance."""
        instance, reduction = self._shared.instance, quotient.reduction
        # A group may cost more than any of its nodes; a minimum cut is the evidence.
        expensive_node = quotient.expensive_node = (
            bound.node or quotient.expensive_node or SOLVED["node"](quotient.formulation, budget).node
        )
        relaxed = combine(bound.relaxations, instance.core.kind_of, lambda relaxation: relaxation.lower_bound)
        parts = (
            relaxed,
            bound.chain.threshold if bound.chain else 0,
            expensive_node.lower_bound if expensive_node else 0,
        )
        ordinary, has_merges = self._shared.bounds["combinatorial"], bool(reduction.evidence.merges)
        ticks = max(ordinary.ticks, min(max(parts), reduction.evidence.threshold))
        verified = bound.verified
        if expensive_node and expensive_node is not bound.node:
            verified = max(verified, expensive_node.lower_bound)
        return dataclasses.replace(
            bound,
            ticks=ticks,
            verified=ordinary.ticks if has_merges else verified,
            reduction=reduction.evidence if has_merges else None,
            node=expensive_node,
            num_groups=reduction.instance.graph.num_nodes,
        )
