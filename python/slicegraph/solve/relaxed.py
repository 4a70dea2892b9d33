"""The methods that need the MIP solver, on the quotient at the best bottleneck, which keeps all better partitions."""

from __future__ import annotations

import dataclasses
import time
from typing import final

from slicegraph.bounds.chain_search import ChainSearch, Decider
from slicegraph.bounds.downsets import MAX_NODES
from slicegraph.bounds.formulation import Formulation
from slicegraph.bounds.model import Domains
from slicegraph.bounds.tasks import Budget
from slicegraph.cost import Instance
from slicegraph.evidence.bound import Bound
from slicegraph.evidence.claims import ExpensiveNode
from slicegraph.evidence.relaxation import combine
from slicegraph.lower_bound import SOLVED
from slicegraph.reduce import Reduction, reduce
from slicegraph.solve.events import Proven, Run
from slicegraph.solve.packings import Packings
from slicegraph.solve.trees import Trees
from slicegraph.solve.worker import Shared, ask_exact


@final
class _Quotient:
    """The quotient that the methods of a turn share, with the state that the chain keeps for the next turn."""

    def __init__(self, instance: Instance, threshold: int | None, last: _Quotient | None = None) -> None:
        self.threshold = threshold
        self.reduction: Reduction = reduce(instance, threshold=threshold)
        self.formulation = Formulation(self.reduction.instance)
        self.trees = Trees(instance, self.reduction, self.formulation)
        self.packings: Packings = Packings(self.reduction, self.trees.compiled, last.packings if last else None)
        self.expensive_node: ExpensiveNode | None = None
        self.chain: ChainSearch | None = None
        self.domains: Domains | None = None


@final
class Relaxed:
    """The methods of the worker ``relaxed``, with the state that they keep from turn to turn.

    Parameters
    ----------
    shared
        The state that all workers of the run share.
    name
        The worker's name.
    """

    def __init__(self, shared: Shared, name: str) -> None:
        self._shared, self._board, self._name = shared, shared.board, name
        self._quotient: _Quotient | None = None

    def prove(self, task: Run) -> tuple[Bound, bool]:
        """Run a method; give its bound, and whether it has more to try."""
        state = self._board.schedule
        params = state.params
        # Bounds of one quotient need not hold for another one, so a turn has one quotient.
        quotient = self._quotient
        is_begin = task.method == state.worker(self._name).methods[0]
        if quotient is None or (is_begin and state.renews_quotient(quotient.threshold)):
            quotient = self._quotient = _Quotient(self._shared.instance, state.bottleneck, quotient)
            self._bound_by_expensive_node(quotient, state.bottleneck)
        seconds, domains = task.seconds, quotient.domains
        budget = Budget(threshold=state.bottleneck, seconds=seconds, watch=self._on_proven, domains=domains)
        if task.method != "chain":
            return self._lifted(SOLVED[task.method](quotient.formulation, budget), quotient), False
        if state.is_packed and state.bottleneck is not None:
            begin = time.monotonic()
            self._pack(quotient, params.share_of_packing * seconds)
            if self._board.schedule.is_closed:
                return self._packed(quotient), True
            seconds = max((1 - params.share_of_packing) * seconds, seconds - (time.monotonic() - begin))
        chain = quotient.chain = quotient.chain or self._new_chain(quotient, budget, task)
        if state.bottleneck is not None:
            chain.learn(state.bottleneck)
        chain.run(params.share_of_chain * seconds, floor=lambda: self._board.schedule.lower_bound)
        quotient.domains = chain.domains
        quotient.trees.prove(
            chain.lower_bound,
            floor=self._board.schedule.lower_bound,
            seconds=(1 - params.share_of_chain) * seconds,
            has_to_stop=lambda: self._board.schedule.is_closed,
        )
        searches = (quotient.trees.search, quotient.packings.search)
        search = max((each for each in searches if each), key=lambda each: each.threshold, default=None)
        bound = dataclasses.replace(chain.bound(), downsets=search)
        is_done = chain.is_done and quotient.trees.proven >= chain.lower_bound
        if state.is_packed:
            is_done = is_done and not quotient.packings.has_more
        if not is_done and bound.status == "optimal":
            bound = dataclasses.replace(bound, status="time_limit")
        return self._lifted(bound, quotient), not is_done

    def _pack(self, quotient: _Quotient, seconds: float) -> None:
        """Prove packings, and keep each bound at once: a run that ends waits only briefly for a method."""
        packings = quotient.packings
        kept = packings.proven

        def watch(ticks: int) -> bool:
            nonlocal kept
            if ticks > kept:
                kept = ticks
                self._shared.keep(self._packed(quotient))
            return self._on_proven(ticks)

        board = self._board
        packings.prove(lambda: board.schedule.best, floor=board.schedule.lower_bound, seconds=seconds, watch=watch)

    def _packed(self, quotient: _Quotient) -> Bound:
        """Give the bound of the packings alone."""
        ordinary, instance = self._shared.bounds["combinatorial"], quotient.reduction.instance
        bound = Bound(
            method="chain",
            ticks=ordinary.ticks,
            tick=instance.tick,
            seconds=self._board.now,
            status="time_limit",
            verified=ordinary.ticks,
            downsets=quotient.packings.search,
            num_nodes=instance.graph.num_nodes,
        )
        return self._lifted(bound, quotient)

    def _bound_by_expensive_node(self, quotient: _Quotient, bottleneck: int | None) -> None:
        """Post the node bound: it is computed quickly, and is often tight where blocks hold few nodes."""
        budget = Budget(threshold=bottleneck, seconds=self._board.schedule.params.first_seconds, watch=self._on_proven)
        bound = SOLVED["node"](quotient.formulation, budget)
        quotient.expensive_node = bound.node
        self._on_proven(bound.ticks)

    def _on_proven(self, ticks: int) -> bool:
        return self._board.post(Proven(worker=self._name, lower_bound=ticks)).is_closed

    def _new_chain(self, quotient: _Quotient, budget: Budget, task: Run) -> ChainSearch:
        reduction = quotient.reduction
        if reduction.instance.graph.num_nodes > MAX_NODES or self._board.schedule.is_dense:
            # A dense graph has too many downsets even in narrow domains.
            return ChainSearch(quotient.formulation, budget, decider=None)

        def decide(domains: Domains, seconds: float) -> bool:
            # The decider may find a better partition.
            steps = self._board.schedule.params.more_steps
            task_of_it = dataclasses.replace(task, seconds=seconds, steps=steps)
            closing = ask_exact(self._shared, reduction.instance, task_of_it, domains=domains)
            if closing.block_of is not None:
                self._shared.improve(reduction.lift(closing.block_of), closing.bottleneck)
            return closing.bound.ticks >= domains.threshold

        decider = Decider(decide=decide, state=self._shared.known, group_of=reduction.group_of)
        return ChainSearch(quotient.formulation, budget, decider=decider)

    def _lifted(self, bound: Bound, quotient: _Quotient) -> Bound:
        """Give a bound of the quotient as one of the instance."""
        instance, reduction = self._shared.instance, quotient.reduction
        # A group may cost more than any of its nodes; a minimum cut is the evidence.
        nodes = [node for node in (bound.node, quotient.expensive_node) if node]
        expensive_node = max(nodes, key=lambda node: node.lower_bound, default=None)
        relaxed = combine(bound.relaxations, instance.core.kind_of, lambda relaxation: relaxation.proven)
        parts = (
            relaxed,
            expensive_node.lower_bound if expensive_node else 0,
            bound.downsets.threshold if bound.downsets else 0,
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
            believed=min(bound.believed, reduction.evidence.threshold),
            reduction=reduction.evidence if has_merges else None,
            node=expensive_node,
            num_groups=reduction.instance.graph.num_nodes,
        )
