"""The bottleneck bound of the paper with one model for each index of the fullest block.

**Claim.** For a block index ``b``, let ``D(b)`` be the least ``t`` for which nodes can be divided into ``before``, a
block and ``after``, closed under predecessors as in `slicegraph.bounds.bottleneck`, where the block costs at most
``t`` and holds at least the mean work, ``work(before) + io(before) + overflow(before) <= (b - 1) t`` and likewise
``after <= (k - b) t``. Let ``F(b)`` be the same without the demand on the block's work. Then both the least ``D(b)``
over all ``b`` and the largest ``F(b)`` are lower bounds.

**Proof.** Take a partition of bottleneck ``t`` and divide it at its block ``b``. The blocks before ``b`` pay at most
``(b - 1) t``, and they pay at least their work, each tensor that leaves them once, and what does not fit into
``b - 1`` memories; so do the blocks after ``b``, with each tensor that enters. That gives ``F(b) <= t``, whatever
``b`` is. If ``b`` is the fullest block, it holds the mean work, and ``D(b) <= t``; some block is the fullest.

Every ``D(b)`` is at least the bound of `slicegraph.bounds.bottleneck`, whose model lacks only the rows of ``before``
and ``after``. So that one model is solved first, and the ``k`` models need not prove its bound again.

**Unlike stages.** The demand on block ``b`` is that of `slicegraph.bounds.bottleneck` on its kind of stage; ``before``
and ``after`` pay weighted prices (`slicegraph.bounds.prices`), with ``t`` times the sum of their stages' multipliers.
"""

from __future__ import annotations

from slicegraph.bounds.bottleneck import any_block
from slicegraph.bounds.formulation import Formulation
from slicegraph.bounds.model import Superblocks
from slicegraph.bounds.params import GuessParams
from slicegraph.bounds.tasks import MAX_PARTS, Budget, Task, Tasks
from slicegraph.evidence.bound import Bound


def bottleneck_guess(formulation: Formulation, budget: Budget) -> Bound:
    """Bound the optimum by the stronger of min ``D(b)`` and max ``F(b)``: ``2 k`` models of two binaries per node."""
    # If there are too many models none is solved, so they are not all built.
    num_blocks = min(formulation.num_blocks, MAX_PARTS)
    each = [_divided_at(block, num_blocks, demand=demand) for demand in (True, False) for block in range(num_blocks)]
    anywhere = any_block(formulation)
    tasks = Tasks("bottleneck_guess", formulation, budget, [*anywhere, *each])
    demanding, free = tasks.all[len(anywhere) : -num_blocks], tasks.all[-num_blocks:]
    twin, params = dict(zip(free, demanding, strict=True)), GuessParams()

    def least_known() -> int | None:
        """Ticks of the least solved D(b): the others need no bound above it."""
        return min((task.outcome.lower_bound for task in demanding if task.outcome.is_final), default=None)

    def can_be_least(task: Task) -> bool:
        least = least_known()
        return not task.outcome.is_final and (least is None or max(tasks.lower_bound, task.outcome.lower_bound) < least)

    def can_be_largest(task: Task) -> bool:
        # F(b) <= D(b). A D(b) that has stopped at its target is only a lower bound.
        limit = twin[task]
        return not task.outcome.is_final and not (limit.is_solved and limit.outcome.lower_bound <= tasks.lower_bound)

    def is_done() -> bool:
        return not any(map(can_be_least, demanding)) and not any(map(can_be_largest, free))

    tasks.solve(tasks.all[: len(anywhere)], share=params.share_of_any)
    while tasks.seconds_left > 0 and not is_done():
        weakest_first = sorted(filter(can_be_least, demanding), key=lambda task: task.outcome.lower_bound)
        tasks.solve(weakest_first, share=params.share_of_demand, is_needed=can_be_least, target=least_known)
        strongest_first = sorted(filter(can_be_largest, free), key=lambda task: -twin[task].outcome.lower_bound)
        tasks.solve(strongest_first, is_needed=can_be_largest)
    return tasks.bound(is_final=is_done())


def _divided_at(block: int, num_blocks: int, *, demand: bool) -> Superblocks:
    spans = tuple(span for span in (block, 1, num_blocks - 1 - block) if span)
    return Superblocks(spans=spans, demand=int(block > 0) if demand else None)
