"""Pairs of nodes that no block below a threshold can hold together.

**Claim.** Let ``v`` be reached from ``u``, and let every block with both cost the threshold or more, on each kind of
device that may hold both. Then in any better partition ``v`` is in a later block than ``u``. So is whatever is reached
from ``v``, than ``u`` and whatever reaches ``u``.

**Why.** ``v`` is in no earlier block than ``u``, and not in the same one. What reaches ``u`` is in no later block than
``u``, and what ``v`` reaches in no earlier one than ``v``.

A block with both holds all that is reached from ``u`` and reaches ``v``: it is convex. So the minimum cut
(`slicegraph.certificate.cut`) is of sets that hold, with each node between the two, its predecessors after ``u`` and
its successors before ``v``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from slicegraph.certificate.blocks import BYTES_PER_STEP
from slicegraph.certificate.budget import Budget
from slicegraph.certificate.cut import least_cost_beside
from slicegraph.certificate.order import Order
from slicegraph.certificate.quotient import Quotient


@dataclass(frozen=True, kw_only=True, slots=True)
class Incompatible:
    """The incompatible pairs that are proved, with all that follow from them.

    Attributes
    ----------
    before, after
        Per node that is in a pair, the nodes that pairs put into an earlier block, and into a later one.
    rows
        Per node, all that are incompatible with it, as bits; empty where there are no pairs.
    """

    before: Mapping[int, Sequence[int]] = field(default_factory=dict)
    after: Mapping[int, Sequence[int]] = field(default_factory=dict)
    rows: Sequence[int] = ()

    def has(self, node: int, other: int) -> bool:
        """Whether two nodes are known to be incompatible."""
        return bool(self.rows) and bool(self.rows[node] >> other & 1)

    def joined(self, pairs: Iterable[tuple[int, int]], order: Order, budget: Budget) -> Incompatible:
        """Give these and other pairs that are proved, the first of each coming first, with all that follows.

        Raises
        ------
        BeyondBudgetError
            When it takes more steps.

        Notes
        -----
        O((nodes + arcs + pairs) x nodes / 64).
        """
        before = {node: list(nodes) for node, nodes in self.before.items()}
        after = {node: list(nodes) for node, nodes in self.after.items()}
        for first, second in pairs:
            before.setdefault(second, []).append(first)
            after.setdefault(first, []).append(second)
        size = len(order.nodes)
        num_rows = 8 * size + sum(map(len, order.successors)) + sum(map(len, after.values()))
        budget.spend(num_rows * (1 + size // 8 // BYTES_PER_STEP))
        rows = [0] * size
        for nodes, near, known in (
            (order.nodes[::-1], order.successors, after),
            (order.nodes, order.predecessors, before),
        ):
            # Each node with all on that side of it, and those of them that are incompatible with it.
            sides, barred = [0] * size, [0] * size
            for node in nodes:
                side, row = 1 << node, 0
                for each in near[node]:
                    side |= sides[each]
                    row |= barred[each]
                for each in known.get(node, ()):
                    row |= sides[each]
                sides[node], barred[node] = side, row
                rows[node] |= row
        return Incompatible(before=before, after=after, rows=rows)


def are_incompatible(quotient: Quotient, order: Order, first: int, second: int, threshold: int, budget: Budget) -> bool:
    """Whether one node reaches another and, by minimum cuts, no block below a threshold holds both.

    Raises
    ------
    BeyondBudgetError
        When it takes more steps.
    """
    if first == second:
        return False
    after = _reached(order.successors, first, None, budget)
    if second not in after:
        return False
    before = _reached(order.predecessors, second, after, budget)
    common = set(quotient.kinds_of(second))
    for kind in quotient.kinds_of(first):
        if kind not in common:
            continue
        barred = quotient.barred(kind)
        cost = least_cost_beside(
            quotient, first, barred, (after, before), threshold, budget, kind=kind, beside=[second]
        )
        if cost < threshold:
            return False
    return True


def _reached(near: Sequence[Iterable[int]], start: int, among: set[int] | None, budget: Budget) -> set[int]:
    """Give the nodes that are reachable from one, itself included, by paths within ``among``."""
    reached, waiting = {start}, [start]
    while waiting:
        found = set(near[waiting.pop()]) - reached
        budget.spend(1 + len(found) // 8)
        found = found if among is None else found & among
        reached |= found
        waiting += found
    return reached
