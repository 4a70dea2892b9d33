"""The bottleneck bound of the paper with the index of the fullest block guessed.

**Claim.** For a block index ``b``, let ``D(b)`` be the least ``t`` for which nodes can be divided into ``before``, a
block and ``after``, closed under predecessors as in `slicegraph.bounds.bottleneck`, where the block costs at most
``t`` and holds at least the mean work, ``work(before) + io(before) + overflow(before) <= (b - 1) t`` and likewise
``after <= (k - b) t``. Let ``F(b)`` be the same without the demand on the block's work. Then both the least ``D(b)``
over all ``b`` and the largest ``F(b)`` are lower bounds.

**Proof.** Take a partition of bottleneck ``t`` and divide it at its block ``b``. The blocks before ``b`` pay at most
``(b - 1) t``, and they pay at least their work, each tensor that leaves them once, and what does not fit into
``b - 1`` memories; so do the blocks after ``b``, with each tensor that enters. That gives ``F(b) <= t``, whatever
``b`` is. If ``b`` is the fullest block, it holds the mean work, and ``D(b) <= t``; some block is the fullest.

Every ``D(b)`` is at least the bound of `slicegraph.bounds.bottleneck`, which has the same rows but those of ``before``
and ``after``. So that one model comes first: what it gives need not be found ``k`` times.

**Unlike stages.** The demand on block ``b`` is that on its kind of stage there; ``before`` and ``after`` pay weighed
prices (`slicegraph.bounds.prices`), for which ``t`` counts as often as their stages' multipliers add up to.
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
    # Of more models than may be, none is solved, and there is no need to make them all.
    num_blocks = min(formulation.num_blocks, MAX_PARTS)
    each = [_divided_at(block, num_blocks, demand=demand) for demand in (True, False) for block in range(num_blocks)]
    anywhere = any_block(formulation)
    tasks = Tasks("bottleneck_guess", formulation, budget, [*anywhere, *each])
    demanding, free = tasks.all[len(anywhere) : -num_blocks], tasks.all[-num_blocks:]
    twin, params = dict(zip(free, demanding, strict=True)), GuessParams()

    def least_known() -> int | None:
        """Ticks of the least D(b) that is solved: no other needs to be proven larger."""
        return min((task.outcome.lower_bound for task in demanding if task.outcome.is_final), default=None)

    def can_be_least(task: Task) -> bool:
        least = least_known()
        return not task.outcome.is_final and (least is None or max(tasks.lower_bound, task.outcome.lower_bound) < least)

    def can_be_largest(task: Task) -> bool:
        # F(b) <= D(b), of which one that has stopped at a target is but a lower bound.
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
