"""The chain bound: bounds on the weight of the first ``b`` blocks, for ``b`` = 1, 2, ..., below a threshold.

Let all blocks of a partition cost less than a threshold ``t``, so at most ``c``, the largest multiple of the costs'
common divisor below ``t``. By minimum cuts, nodes have *weights*: a block costs at least the sum of its nodes' weights,
which are no less than their work (``rust/core/src/domain/weights.rs``). Let the first ``b`` blocks weigh at least
``l_b`` and at most ``m_b``. Initially ``m_b = b c`` and ``l_b = W - (k - b) c``, where ``W`` is the sum of all weights
and ``k`` the number of blocks.

**Claim.** Let ``G`` be the most that ``before`` and ``S`` weigh together, over all ``(before, S, after)`` that
divide the nodes, with ``before`` and ``before`` with ``S`` closed under predecessors, ``cost(S) <= c``, ``l_b <=
weights(before) <= m_b`` and ``l_{b+1} <= weights(before and S) <= m_{b+1}``. Then ``m_{b+1} = G`` is a valid bound, and
so is any upper bound on ``G``. If there is no such division, or ``l_b > m_b`` for some ``b``, then no partition has a
bottleneck below ``t``.

**Proof.** The first ``b`` blocks, block ``b + 1`` and the rest are such a division, so the first ``b + 1`` blocks
weigh at most ``G``. By induction over the steps, the bounds hold for every partition below ``t``, and a contradiction
shows that there is none. The same holds from the end: the least of ``weights(before)`` is a valid ``l_b``.

**Unlike stages.** With several kinds of device, each kind has a multiplier, and the cost of a block times its
multiplier is at least its weight (``rust/core/src/cost/budget.rs``). So initially ``c`` is multiplied by the sum of the
multipliers of the stages before, or after, and a block weighs at most ``c`` times its multiplier. The rest is the same,
with the costs of block ``b + 1`` on its own stage.

**Windows.** Some nodes are *incompatible*: by a minimum cut, no block below the threshold holds both
(``rust/core/src/domain/incompatible.rs``). Together with the bounds ``l_b`` and ``m_b``, and with more cuts, they
narrow the blocks in which each node can be, and windows in turn tighten the bounds (``propagation.rs`` there). This
alone proves many thresholds, and leaves fewer and smaller models.

Only divisions in which the first ``b + 1`` blocks weigh at least ``m_b`` matter for ``G``. The model demands this, and
so at least ``m_b - c`` before the block: only nodes in a narrow band of the graph are then free; if there is no such
division, ``m_{b+1}`` is less than ``m_b``. The linear relaxation of this model is often enough. Facts for a threshold
hold for all lower ones, so windows of higher thresholds are used below, where weights can be larger.
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
