"""The bottleneck bound of the paper: the least cost of a block with at least the mean work.

**Claim.** Let ``W`` be the work of all nodes. The least cost of a convex set of nodes with work of at least ``W / k``,
rounded up, is a lower bound.

**Proof.** The blocks' work adds up to ``W``, so the fullest of at most ``k`` blocks holds at least the mean, and, work
being whole, the mean rounded up. That block is convex: with ``before`` the earlier blocks and ``after`` the later ones,
both ``before`` and ``before`` with the block are closed under predecessors. So it is a solution of the model with three
superblocks, of which only the middle one has a cost, and its cost is at most the bottleneck.

**Unlike stages.** Let stage ``j`` have a multiplier ``m_j``, and let a node weigh the least ``m_j work_j(v)`` over the
stages that may hold it. Some stage has at least the part ``m_j / (sum of all m)`` of the weight of all nodes: otherwise
the weights would add up to less than they do. So there is one model for each kind of stage, which demands that part of
its block, and the least of them is a lower bound, whatever the multipliers.
"""

from __future__ import annotations

from dataclasses import replace

from slicegraph.bounds.formulation import Formulation
from slicegraph.bounds.model import Superblocks
from slicegraph.bounds.tasks import Budget, Tasks
from slicegraph.evidence.bound import Bound

ANY_BLOCK = Superblocks(spans=(None, 1, None), demand=1)
"""The fullest block, whichever it is, with all before and all after it."""


def any_block(formulation: Formulation) -> list[Superblocks]:
    """Give the models of the fullest block, one for each kind of stage that it can be."""
    if formulation.is_uniform:
        return [ANY_BLOCK]
    return [replace(ANY_BLOCK, kind=kind) for kind in sorted(set(formulation.kind_of.tolist()))]


def bottleneck(formulation: Formulation, budget: Budget) -> Bound:
    """Bound the optimum by the least cost of a fullest block: a model of two binaries per node."""
    tasks = Tasks("bottleneck", formulation, budget, any_block(formulation))
    tasks.solve(tasks.all)
    return tasks.bound(is_final=all(task.outcome.is_final for task in tasks.all))
