"""Whether any partition in some windows is better than a threshold, node by node: by what blocks have paid on the way.

Nodes are assigned to blocks in a topological order. A *frontier* is the state of a partial assignment that later
nodes depend on (`slicegraph.certificate.frontiers`), and partial assignments are paths through a graph of frontiers.
A *label* at a frontier is what each block has paid on one such path (`slicegraph.certificate.resources`). The first
label has paid nothing.

**Claim.** When no label is left at some place of the order, no partition in the windows is better than the threshold;
when one is left at the end, one is. A label is left out when

- completion bounds exclude it: a sum of a block, or the first sums of the blocks up to one, or from one on, exceed
  their caps together with the least that any path from the frontier to the end adds;
- it is dominated: another label at the same frontier has paid no more in any sum.

**Why.** Every partition in the windows is a path, and its label holds what its blocks pay, sum by sum. A label that
some path continues to the end within the caps is not excluded by completion bounds, and a label that dominates it can
be continued along the same path, with no sum larger.

A sum to which every path to the end adds at most ``m`` may be raised to ``cap - m``: the same paths stay within the
cap. So labels that differ only in sums that are closed, or that cannot reach their caps, are equal.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import final

from slicegraph.certificate.budget import Budget
from slicegraph.certificate.frontiers import NOTHING, Touch, Word, touches
from slicegraph.certificate.reach import Reach, Scope
from slicegraph.certificate.resources import Resources

_RECENT = 64
"""Labels of a frontier with which each is compared."""


@dataclass(slots=True)
class _Layer:
    """The arcs from the frontiers before a node: for each, the next frontier and the payments."""

    num_before: int
    arcs: list[tuple[int, int, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Rest:
    """What sums take at least and at most from a frontier to the end; and first sums up to each block, and from it."""

    least: int
    most: int
    up_to: int
    from_on: int


def has_label(reach: Reach, scope: Scope, nodes: Sequence[int], resources: Resources, budget: Budget) -> bool:
    """Whether a partition in the windows of a scope is better than the threshold.

    Raises
    ------
    BeyondBudgetError
        When it takes more steps.

    Notes
    -----
    O(frontiers x blocks + labels), both of them exponential at worst.
    """
    layers = _Frontiers(reach, scope, nodes, resources).layers(budget)
    rests = _rests(layers, resources, budget)
    if not rests or not rests[0]:
        return False
    labels = {0: [0]}
    for layer, rest in zip(layers, rests[1:], strict=True):
        labels = _next_labels(labels, layer, rest, resources, budget)
        if not labels:
            return False
    return True


@final
class _Frontiers:
    def __init__(self, reach: Reach, scope: Scope, nodes: Sequence[int], resources: Resources) -> None:
        self._resources, self._nodes = resources, nodes
        self._touches, self._num_slots = touches(reach.quotient, scope, nodes)
        barred = {block: reach.barred(scope, block) for block in range(1, reach.problem.num_blocks + 1)}
        self._blocks = [
            [block for block in range(scope.first[node], scope.last[node] + 1) if node not in barred[block]]
            for node in nodes
        ]

    def layers(self, budget: Budget) -> list[_Layer]:
        """Give all arcs, layer by layer, on which all blocks together do not exceed their caps."""
        resources = self._resources
        least = [
            min((resources.first_sum(resources.of_node(node, block)) for block in blocks), default=0)
            for node, blocks in zip(self._nodes, self._blocks, strict=True)
        ]
        room = resources.first_sum(resources.caps) - sum(least)
        front: dict[tuple[Word, ...], int] = {(NOTHING,) * self._num_slots: 0}
        paid = [0]
        layers = []
        for node, blocks, touched, own in zip(self._nodes, self._blocks, self._touches, least, strict=True):
            room += own
            layer = _Layer(len(front))
            after: dict[tuple[Word, ...], int] = {}
            paid_after: list[int] = []
            pays = [(block, resources.of_node(node, block)) for block in blocks]
            for (words, number), before in zip(front.items(), paid, strict=True):
                budget.spend(1 + len(blocks) * (2 + len(touched)) // 2)
                for block, pay in pays:
                    found = self._follow(words, block, touched, pay)
                    if found is None:
                        continue
                    then, pay = found  # noqa: PLW2901 - with what tensors add
                    sum_ = before + resources.first_sum(pay)
                    if sum_ > room:
                        continue
                    to = after.setdefault(then, len(after))
                    if to == len(paid_after):
                        paid_after.append(sum_)
                    paid_after[to] = min(paid_after[to], sum_)
                    layer.arcs.append((number, to, pay))
            layers.append(layer)
            front, paid = after, paid_after
        return layers

    def _follow(
        self, words: tuple[Word, ...], block: int, touched: Sequence[Touch], pay: int
    ) -> tuple[tuple[Word, ...], int] | None:
        row = list(words)
        for touch in touched:
            found = touch.follow(row[touch.slot], block, self._resources)
            if found is None:
                return None
            row[touch.slot], more = found
            pay += more
        return tuple(row), pay


def _rests(layers: Sequence[_Layer], resources: Resources, budget: Budget) -> list[dict[int, _Rest]]:
    """Give the completion bounds of each frontier from which a path leads to the end, at each position."""
    rests = [{0: _Rest(0, 0, 0, 0)}]
    for layer in reversed(layers):
        after, before = rests[-1], dict[int, _Rest]()
        budget.spend(1 + 2 * len(layer.arcs))
        for number, to, pay in layer.arcs:
            if to not in after:
                continue
            rest = after[to]
            least, most = pay + rest.least, pay + rest.most
            up_to, from_on = resources.up_to_each(pay) + rest.up_to, resources.from_each(pay) + rest.from_on
            known = before.get(number)
            if known is not None:
                least, most = resources.least(known.least, least), resources.most(known.most, most)
                up_to = resources.least(known.up_to, up_to)
                from_on = resources.least(known.from_on, from_on)
            before[number] = _Rest(least, most, up_to, from_on)
        rests.append(before)
    return rests[::-1]


def _next_labels(
    labels: dict[int, list[int]],
    layer: _Layer,
    rests: dict[int, _Rest],
    resources: Resources,
    budget: Budget,
) -> dict[int, list[int]]:
    """Give the labels at the frontiers after a layer."""
    caps, guards = resources.caps, resources.guards
    caps_up_to, caps_from = resources.up_to_each(caps) | guards, resources.from_each(caps) | guards
    found = defaultdict[int, set[int]](set)
    for number, to, pay in layer.arcs:
        if to not in rests or number not in labels:
            continue
        rest = rests[to]
        # What sums have taken already, or may as well.
        taken = resources.room_after(rest.most)
        room = (caps | guards) - pay - rest.least
        room_up_to, room_from = caps_up_to - rest.up_to, caps_from - rest.from_on
        budget.spend(1 + len(labels[number]))
        for label in labels[number]:
            if (room - label) & guards != guards:
                continue
            paid = resources.most(label + pay, taken)
            if (room_up_to - resources.up_to_each(paid)) & guards != guards:
                continue
            if (room_from - resources.from_each(paid)) & guards == guards:
                found[to].add(paid)
    return {to: _least(kept, guards, budget) for to, kept in found.items()}


def _least(labels: set[int], guards: int, budget: Budget) -> list[int]:
    """Give the labels that no other one near them dominates."""
    kept: list[int] = []
    for label in sorted(labels):
        guarded = label | guards
        recent = kept[-1 : -_RECENT - 1 : -1]
        budget.spend(1 + len(recent) // 16)
        if not any((guarded - other) & guards == guards for other in recent):
            kept.append(label)
    return kept
