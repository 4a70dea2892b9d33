"""The exact solver as a bound: reductions, then a dynamic program over downsets or label setting.

**Claim.** The core merges nodes (each rule with its proof in ``rust/core/src/reduce``), and then lists the downsets of
the quotient that can be the first blocks of a partition below a threshold, linked by blocks that cost less
(``rust/core/src/exact``). If no chain of at most ``k`` links leads from the empty downset to the whole graph, no
partition is below the threshold, so it is a lower bound. A chain is a better partition. With too many downsets, label
setting assigns nodes to blocks one after the other, and its labels are what blocks have paid
(``rust/core/src/labeling``).

**Proof.** The first ``b`` blocks of an acyclic partition are closed under predecessors, for every ``b``; and a chain of
downsets is an acyclic partition into the differences. All costs are integers, so nothing is lost to rounding.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from slicegraph._core import Proof, ProofState, prove
from slicegraph.bounds.combinatorial import combinatorial
from slicegraph.cost import ALL_TICKS, Instance
from slicegraph.evidence.bound import Bound
from slicegraph.evidence.claims import DownsetSearch, ExpensiveNode, MergeLog

if TYPE_CHECKING:
    # Used by the MIP models only, which a graph that is solved at once does not need.
    from slicegraph.bounds.formulation import Formulation
    from slicegraph.bounds.model import Domains
    from slicegraph.bounds.tasks import Budget

MAX_NODES = 30_000
"""Reachability takes nodes^2 / 8 bytes and as many steps."""
FIRST_STEPS = 2**27
"""With which thresholds are tried first: most need no more."""
ANY_WORK = 2**64 - 1
"""Steps of all thresholds together without a limit."""
_MEMORY = 2 * 2**30
"""Bytes for downsets; boxes around those of a level come to it, and `solve` may ask two questions at a time."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Closing:
    """The result of a turn of the exact solver.

    Attributes
    ----------
    bound
        The lower bound.
    block_of, bottleneck
        A better partition than the known one, and its bottleneck in ticks. None: none was found.
    is_interrupted
        Whether Ctrl-C ended it.
    work
        Its steps, arcs of minimum cuts included.
    """

    bound: Bound
    block_of: NDArray[np.int32] | None
    bottleneck: int | None
    is_interrupted: bool
    work: int = 0


def close_in(
    instance: Instance,
    *,
    lower_bound: int = 0,
    bottleneck: int | None = None,
    threads: int = 1,
    steps: int = FIRST_STEPS,
    work: int = ANY_WORK,
    domains: Domains | None = None,
    state: ProofState | None = None,
    poll: Callable[[int, int], bool],
) -> Closing:
    """Raise the lower bound and improve the partition, from known bounds in ticks, until they meet or ``poll`` ends it.

    ``steps`` is the limit of each threshold's first attempt, ``work`` that of all thresholds together. ``poll`` is
    called every few milliseconds with the lower bound and the bottleneck, in ticks, and returns whether to stop.
    ``domains``, which hold for all better partitions, leave fewer downsets; a bound within them is only as certain as
    they are. ``state`` is kept between calls for one instance.
    """
    begin = time.perf_counter()
    ordinary = combinatorial(instance)
    if instance.graph.num_nodes > MAX_NODES:
        bound = Bound(
            method="downsets",
            ticks=ordinary.ticks,
            tick=instance.tick,
            seconds=time.perf_counter() - begin,
            status="too_large",
            verified=ordinary.ticks,
        )
        return Closing(bound=bound, block_of=None, bottleneck=None, is_interrupted=False)
    known = None
    if domains is not None and bottleneck is not None and bottleneck <= domains.threshold:
        known = domains.earliest, domains.latest, domains.weights
    proven = prove(
        instance.core,
        lower_bound=lower_bound,
        bottleneck=bottleneck,
        steps=steps,
        work=work,
        memory=_MEMORY,
        threads=threads,
        known=known,
        state=state or ProofState(),
        poll=poll,
    )
    block_of = proven.block_of
    better = None if block_of is None else proven.bottleneck
    best = better if better is not None else bottleneck if bottleneck is not None else ALL_TICKS
    bound = bound_of(
        proven.proof,
        ordinary,
        seconds=time.perf_counter() - begin,
        status="optimal" if proven.lower_bound >= best else "time_limit",
    )
    return Closing(
        bound=bound,
        block_of=block_of,
        bottleneck=better,
        is_interrupted=proven.is_interrupted,
        work=proven.work,
    )


def bound_of(proof: Proof | None, ordinary: Bound, *, seconds: float, status: str) -> Bound:
    """Give the bound of a proof with its evidence; without a proof, the ordinary bound's ticks."""
    ticks, reduction, groups, downsets, node = ordinary.ticks, None, None, None, None
    if proof is not None:
        ticks, groups = proof.threshold, proof.num_groups
        reduction = MergeLog(threshold=ticks, merges=tuple(merges)) if (merges := proof.merges) else None
        if proof.group is None:
            downsets = DownsetSearch(
                threshold=ticks, downsets=proof.downsets, transitions=proof.transitions, hints=proof.hints
            )
        else:
            node = ExpensiveNode(node=proof.group, lower_bound=ticks)
    is_plain = node is not None and reduction is None
    return Bound(
        method="downsets",
        ticks=ticks,
        tick=ordinary.tick,
        seconds=seconds,
        status=status,
        verified=ticks if is_plain else ordinary.ticks,
        reduction=reduction,
        downsets=downsets,
        node=node,
        num_groups=groups,
    )


def downsets(formulation: Formulation, budget: Budget) -> Bound:
    """Bound the optimum by the exact solver, up to the threshold; exponential in the width of the graph at worst."""
    end = time.monotonic() + budget.seconds

    def poll(lower_bound: int, _bottleneck: int) -> bool:
        return time.monotonic() >= end or (budget.watch is not None and budget.watch(lower_bound))

    closing = close_in(formulation.instance, bottleneck=budget.threshold, poll=poll)
    if closing.is_interrupted:
        raise KeyboardInterrupt
    return closing.bound
