"""The node bound: a lower bound on the cost of every block that holds a certain node, the largest over all nodes.

**Claim.** For every node ``v``, the least cost of a set of nodes that holds ``v`` and every node on a path between
``v`` and a node of the set is a lower bound; if stages are unlike, the least over the kinds of device that may hold
``v``.

**Proof.** Some block holds ``v``, and blocks are convex. Work and io together are a submodular function of the set, and
the condition on paths consists of implications between single nodes, so the least is a minimum cut
(``rust/core/src/flow``); overflow is at least that of ``v`` alone.
"""

from __future__ import annotations

import time

from slicegraph._core import node_bound
from slicegraph.bounds.formulation import Formulation
from slicegraph.bounds.tasks import Budget
from slicegraph.evidence.bound import Bound
from slicegraph.evidence.claims import ExpensiveNode


def node(formulation: Formulation, budget: Budget) -> Bound:
    """Bound the optimum by one minimum cut for each node that costs more than the bound by itself."""
    begin, instance, is_stopped = time.monotonic(), formulation.instance, False

    def poll(lower_bound: int) -> bool:
        nonlocal is_stopped
        is_over = time.monotonic() - begin >= budget.seconds
        is_stopped = is_over or (budget.watch is not None and budget.watch(lower_bound))
        return is_stopped

    most_expensive, cost = node_bound(instance.core, poll)
    ticks = max(instance.core.combinatorial_bound(), cost)
    return Bound(
        method="node",
        ticks=ticks,
        tick=instance.tick,
        seconds=time.monotonic() - begin,
        status="time_limit" if is_stopped else "optimal",
        verified=ticks,
        node=ExpensiveNode(node=most_expensive, lower_bound=cost),
    )
