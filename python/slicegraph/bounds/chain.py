"""The chain bound: block by block, how much weight blocks can hold when every block is cheap.

Let all blocks of a partition cost less than a threshold ``t``, so at most ``c``, the largest multiple below ``t`` of
what all costs are multiples of. By minimum cuts, nodes have *weights*, what they surely take of their blocks: a block
costs at least the sum of its nodes' weights, which are no less than their work (``rust/core/src/domain/weights.rs``).
Say that its first ``b`` blocks weigh at least ``l_b`` and at most ``m_b``; in the beginning ``m_b = b c`` and
``l_b = W - (k - b) c``, where ``W`` is the sum of all weights and ``k`` the number of blocks.

**Claim.** Let ``G`` be the most that ``before`` and ``S`` weigh together, over all ``(before, S, after)`` that
divide the nodes, with ``before`` and ``before`` with ``S`` closed under predecessors, ``cost(S) <= c``, ``l_b <=
weights(before) <= m_b`` and ``l_{b+1} <= weights(before and S) <= m_{b+1}``. Then ``m_{b+1} = G`` is true too; and so
is any upper bound on ``G``. If there is no such division, or ``l_b > m_b`` for some ``b``, then no partition has a
bottleneck below ``t``.

**Proof.** The first ``b`` blocks, block ``b + 1`` and the rest are such a division, so the first ``b + 1`` blocks
weigh no more than the most. Induction over the steps: what is said of the partition stays true, and when it
contradicts itself, there is no partition. Likewise from the end: the least of ``weights(before)`` is a true ``l_b``.

**Unlike stages.** Where stages are of several kinds of device, each kind has a multiplier, and what a block costs times
its multiplier is at least its weights (``rust/core/src/cost/budget.rs``). So in the beginning ``c`` counts as often as
the multipliers of the stages before, or after, add up to, and a block may weigh ``c`` times its multiplier. The rest is
the same, with the costs of block ``b + 1`` on its own stage.

**Windows.** Some nodes are *incompatible*: by a minimum cut, no block below the threshold holds both
(``rust/core/src/domain/incompatible.rs``). With what the first blocks weigh, and with more cuts, they say in
which blocks each node can be, and from that follows what the first blocks weigh (``windows.rs`` there).
This alone proves much, and leaves less to ask the solver.

A division in which the first ``b + 1`` blocks weigh less than ``m_b`` is of no interest for the most, which would
then be less than ``m_b`` anyway. Demanding at least ``m_b``, and so at least ``m_b - c`` before the block, leaves only
nodes in a narrow band of the graph to be placed; if there is no such division, ``m_{b+1}`` is less than ``m_b``. The
linear relaxation of this model is enough more often than not. What holds for a threshold holds for all below it, so the
windows of one on the way to the largest ``t`` that can be proven are taken along to those below, where blocks can
weigh more.
"""

from __future__ import annotations

from slicegraph.bounds.chain_search import ChainSearch
from slicegraph.bounds.formulation import Formulation
from slicegraph.bounds.tasks import Budget
from slicegraph.evidence.bound import Bound


def chain(formulation: Formulation, budget: Budget) -> Bound:
    """Bound the optimum by the largest threshold that the chain proves: many small models of two binaries per node."""
    search = ChainSearch(formulation, budget)
    search.run(budget.seconds)
    return search.bound()
