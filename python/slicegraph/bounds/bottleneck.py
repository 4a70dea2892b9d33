"""The bottleneck bound of the paper: the cheapest block that could be the fullest.

**Claim.** Let ``W`` be the work of all nodes. The least cost of a convex set of nodes with work of at least ``W / k``,
rounded up, is a lower bound.

**Proof.** The blocks' work adds up to ``W``, so the fullest of at most ``k`` blocks holds at least the mean, and, work
being whole, the mean rounded up. That block is convex: with ``before`` the earlier blocks and ``after`` the later ones,
both ``before`` and ``before`` with the block are closed under predecessors. So it is a solution of the model with three
superblocks, of which only the middle one has a cost, and its cost is at most the bottleneck.
"""

from __future__ import annotations

from slicegraph.bounds.formulation import Formulation
from slicegraph.bounds.model import Superblocks
from slicegraph.bounds.tasks import Budget, Tasks
from slicegraph.evidence.bound import Bound

ANY_BLOCK = Superblocks(spans=(None, 1, None), demand=1)
"""The fullest block, whichever it is, with all before and all after it."""


def bottleneck(formulation: Formulation, budget: Budget) -> Bound:
    """Bound the optimum by the cheapest set that could be the fullest block: two binaries per node."""
    tasks = Tasks("bottleneck", formulation, budget, [ANY_BLOCK])
    tasks.solve(tasks.all)
    return tasks.bound(is_final=tasks.all[0].outcome.is_final)
