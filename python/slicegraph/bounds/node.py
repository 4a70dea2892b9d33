"""The node bound: whatever block holds a certain node, it costs so much.

**Claim.** For every node ``v``, the least cost of a set of nodes with ``v`` that is convex as far as ``v`` is concerned
is a lower bound.

**Proof.** Some block holds ``v``, and blocks are convex. Work and io together are a submodular function of the set, and
what convexity asks of the nodes before and after ``v`` are implications between single nodes, so the least is a minimum
cut (``rust/core/src/flow``); overflow is at least that of ``v`` alone.
"""

from __future__ import annotations

import time

from slicegraph._core import node_bound
from slicegraph.bounds.combinatorial import combinatorial
from slicegraph.bounds.formulation import Formulation
from slicegraph.bounds.tasks import Budget
from slicegraph.certificate.evidence import DearNode
from slicegraph.result import Bound


def node(formulation: Formulation, budget: Budget) -> Bound:
    """Bound the optimum by one minimum cut for each node that costs more than the bound by itself."""
    begin, instance, is_stopped = time.monotonic(), formulation.instance, False

    def poll(lower_bound: int) -> bool:
        nonlocal is_stopped
        is_over = time.monotonic() - begin >= budget.seconds
        is_stopped = is_over or (budget.watch is not None and budget.watch(lower_bound))
        return is_stopped

    dearest, ticks = node_bound(instance.core, poll)
    ordinary = combinatorial(instance)
    lower_bound = max(ordinary.lower_bound, instance.seconds(ticks))
    return Bound(
        method="node",
        lower_bound=lower_bound,
        seconds=time.monotonic() - begin,
        status="time_limit" if is_stopped else "optimal",
        ticks=max(ordinary.ticks, ticks),
        verified_lower_bound=lower_bound,
        node=DearNode(node=dearest, lower_bound=ticks),
    )
