"""The exact bound (Figure 3 of the paper): the whole problem as a mixed-integer model, with windows.

**Claim.** The least ``t`` of the model with one superblock per block is the optimum, when that is at most the
threshold; any dual bound on it is a lower bound on the optimum.

**Proof.** Every acyclic partition gives a solution: ``y[v, i] = 1`` iff the block of ``v`` is among the first ``i``,
which falls along every edge because blocks never do; ``cut[x, b] = 1`` iff block ``b`` imports or exports ``x``;
``over`` what overflows; ``t`` its bottleneck. The rows hold: a block either makes ``x``, and exports it when a reader
is elsewhere, or imports it when it has a reader, so ``cut`` is at least two differences of ``x[., b]``; and the cost of
each block is at most ``t``. Windows hold by the lemma of `slicegraph.bounds.model` for every partition within the
threshold. The windows of a `slicegraph.bounds.model.Domains` hold for every partition below its threshold, which is
then the threshold of the model: the partitions that are left out cost at least as much. Conversely, a solution with
integer ``y`` is an acyclic partition, and its blocks cost at most ``t``.
"""

from __future__ import annotations

from dataclasses import replace

from slicegraph.bounds.formulation import Formulation
from slicegraph.bounds.model import Superblocks
from slicegraph.bounds.tasks import Budget, Tasks
from slicegraph.evidence.bound import Bound


def exact(formulation: Formulation, budget: Budget) -> Bound:
    """Bound the optimum by the exact model of O((nodes + reads) x blocks) rows, the optimum less 1e-6 when solved."""
    if budget.domains:
        least = min(budget.domains.threshold, budget.threshold or budget.domains.threshold)
        budget = replace(budget, threshold=least)
    tasks = Tasks("exact", formulation, budget, [Superblocks(spans=(1,) * formulation.num_blocks)])
    tasks.solve(tasks.all)
    return tasks.bound(is_final=tasks.all[0].outcome.is_final)
