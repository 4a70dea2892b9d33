"""The combinatorial bound (Lemma 3.3 of the paper), extended by the other costs that every partition pays.

**Claim.** Let ``W`` be the work of all nodes, ``P`` their parameters and ``M`` the memory of one device, both in
seconds of streaming. Every partition into at most ``k`` blocks has a block that costs at least

- ``(W + max(0, P - k M)) / k``, and
- ``work(v) + max(0, params(v) - M)``, for every node ``v``.

**Proof.** The blocks' work adds up to ``W`` and their overflow to at least ``max(0, P - k M)``, since each of the ``k``
devices keeps at most ``M`` resident; the most expensive block is at least the mean. The block that holds ``v`` pays
at least what ``v`` alone does, as work and overflow never fall when nodes join. With ``boundary_io``, every model
input that is read is imported at least once and every model output is exported once, which adds their transfers to the
first sum, and those that ``v`` itself reads or produces to the second. All of it holds in ticks, where a bottleneck is
an integer, so the mean is rounded up.

When a node's parameters are above the memory limit, or all parameters above that of ``k`` devices, no partition is
within it, and the bound is 2^52 ticks, more than any block costs.

**Unlike stages.** Let stage ``j`` have a multiplier ``m_j``. Multiply what each block pays by that of its stage and add
up: with every cost at most ``t`` the sum is at most ``t`` times the sum of all ``m_j``, and it holds every node at no
less than the least weighed cost on a stage that may hold it. So that sum over the sum of the multipliers takes the
place of the mean, and a node costs what it costs alone on the stage that suits it best. A stage that transfers while it
computes pays at least its work. A parameter that several nodes read is stored by each stage that holds one of them.
"""

from __future__ import annotations

import time

from slicegraph.cost import Instance
from slicegraph.evidence.bound import Bound


def combinatorial(instance: Instance) -> Bound:
    """Compute the combinatorial bound in O(nodes + tensors + reads); exact for one block."""
    begin = time.perf_counter()
    ticks = instance.combinatorial_bound
    seconds = time.perf_counter() - begin
    return Bound(
        method="combinatorial", ticks=ticks, tick=instance.tick, seconds=seconds, status="optimal", verified=ticks
    )
