"""A lower bound on the cost of a block that holds one group and not another: a minimum cut.

**Claim.** Let a block hold group ``a`` and not group ``b``, and let ``S`` be the groups in it. The block costs at least

    ``load(S) + overflow(a) + (what S reads from elsewhere) + (what leaves S and is not paid anyway)``,

and ``S`` is convex around ``a``: with a descendant of ``a`` it holds every predecessor of that one that descends from
``a``, with an ancestor every successor that is an ancestor. When ``b`` is a descendant of ``a``, it holds no descendant
of ``b``; when it is an ancestor, no ancestor. The least of this over all such ``S`` bounds the block's cost.
All is on one kind of device, and ``S`` has no group that no stage of this kind may hold.

On a kind that overlaps, a block costs at least ``work + overflow``, at least what it moves, and so at least any mean of
the two. A cut for a mean shows a set; where that runs more than it moves, a mean with more of the work shows more.

**Why.** The formula is the definition of a block's cost, but for the overflow of the rest of ``S``. A path from one
group of a block to another stays in it, since no tensor runs to an earlier block.

**The network.** ``S`` is what the source ``a`` reaches when an arc from ``S`` to the rest is paid. A group's load is an
arc to the sink; a tensor that its readers import, arcs from each of them to a vertex and from there to its producer;
one that is exported, an arc from its producer to a vertex and from there to each reader. Arcs of convexity are never
cut. Groups that must not be in ``S`` are merged with the sink. Vertices are built when the search reaches them, so a
flow that soon reaches its limit visits only the neighbourhood.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import final

from slicegraph.certificate.budget import Budget
from slicegraph.certificate.flow import INFINITE, SINK, Network
from slicegraph.certificate.problem import ceil_div
from slicegraph.certificate.quotient import GroupCosts, Quotient

_MEANS = 256
"""Means of work and of moves are counted in parts of so many."""
_PER_STEP = 8
"""Arcs that are looked at in the time of a step."""


def least_cost(
    quotient: Quotient, inside: int, outside: int | None, enough: int, budget: Budget, *, kind: int = 0, is_convex: bool
) -> int:
    """Give the least cost of a block that holds one group and not another, or anything from `enough` on if it is more.

    Parameters
    ----------
    quotient
        The groups.
    inside, outside
        The group that the block holds, and the one that it does not; None: any.
    enough
        Ticks from where on it does not matter.
    budget
        Steps that it may take.
    kind
        The kind of the block's device.
    is_convex
        Whether the block must be convex around the group. Without, the least is no more, and sooner found.

    Raises
    ------
    BeyondBudgetError
        When it takes more steps.

    Notes
    -----
    Dinic's algorithm, E. A. Dinic 1970: O(vertices^2 arcs); in practice a few passes over the neighbourhood in which
    the loads add up to enough. Eight times as much at most on a kind that overlaps.
    """
    after, before = (set[int](), set[int]())
    barred = quotient.barred(kind) | (set() if outside is None else {outside})
    if is_convex:
        after = _reach(quotient.successors, inside, budget)
        before = _reach(quotient.predecessors, inside, budget)
        if outside in after:
            barred |= _reach(quotient.successors, outside, budget)
        if outside in before:
            barred |= _reach(quotient.predecessors, outside, budget)
    return least_cost_beside(quotient, inside, barred, (after, before), enough, budget, kind=kind)


def least_cost_beside(
    quotient: Quotient,
    inside: int,
    barred: set[int],
    sides: tuple[set[int], set[int]],
    enough: int,
    budget: Budget,
    *,
    kind: int = 0,
    beside: Sequence[int] = (),
) -> int:
    """Give the least cost of a block that holds one group, those ``beside`` it, and none of some others.

    With a group of the first side it holds every predecessor on that side; with one of the second, every successor on
    that one. The rest is as in `least_cost`.
    """
    if not barred.isdisjoint((inside, *beside)):
        return max(enough, INFINITE)
    costs, overflow = quotient.kinds[kind], quotient.overflow(inside, kind)
    if not costs.costs.is_overlap:
        network = _Cut(quotient, costs, inside, barred, sides, beside=beside)
        fixed = costs.load(inside) + overflow
        return fixed + network.flow(enough - fixed, budget)
    least, low, high = 0, -1, _MEANS + 1
    while high - low > 1:
        share = (low + high) // 2
        network = _Cut(quotient, costs, inside, barred, sides, weights=(share, _MEANS - share), beside=beside)
        fixed = share * (costs.work[inside] + overflow) + (_MEANS - share) * costs.outputs[inside]
        found = fixed + network.flow(_MEANS * enough - fixed, budget)
        least = max(least, ceil_div(found, _MEANS))
        if least >= enough:
            break
        members = network.reached(budget)
        runs = overflow + sum(costs.work[group] for group in members)
        # What the set pays is a mean of what it runs and of what it moves.
        if (_MEANS - share) * runs > found - share * runs:
            low = share
        else:
            high = share
    return least


def least_balance(
    quotient: Quotient,
    inside: int,
    region: set[int],
    gains: Mapping[int, int],
    sides: tuple[set[int], set[int]],
    budget: Budget,
    *,
    beside: Sequence[int] = (),
) -> tuple[int, set[int]]:
    """Give the least of what a set of groups costs less what its groups gain, and such a set.

    The set holds one group, those ``beside`` it, and others of a region only; sides are as in `least_cost_beside`.
    On devices of one kind that pays sums; its overflow is left out, which makes it less.

    Raises
    ------
    BeyondBudgetError
        When it takes more steps.
    """
    budget.spend(1 + len(quotient.size) // 32 + len(region) // _PER_STEP)
    costs = quotient.kinds[0]
    net = {group: costs.load(group) - gains[group] for group in region}
    barred = set(quotient.groups()) - region
    network = _Cut(quotient, costs, inside, barred, sides, net=net, beside=beside)
    # A group that gains more than it costs is taken at first, and paid for where it is not in the set.
    taken = net[inside] + sum(each for group, each in net.items() if each < 0 and group != inside)
    return taken + network.flow(INFINITE, budget), network.reached(budget)


def _reach(neighbours: Callable[[int], Iterable[int]], start: int, budget: Budget) -> set[int]:
    """Give what can be reached by one arc or more."""
    reached: set[int] = set()
    waiting = [start]
    while waiting:
        near = list(neighbours(waiting.pop()))
        budget.spend(1 + len(near) // _PER_STEP)
        new = set(near) - reached
        reached |= new
        waiting += new
    return reached


@final
class _Cut(Network):
    """The network of a question; its arcs are made when the flow comes by."""

    def __init__(
        self,
        quotient: Quotient,
        costs: GroupCosts,
        source: int,
        barred: set[int],
        sides: tuple[set[int], set[int]],
        *,
        weights: tuple[int, int] = (1, 1),
        net: Mapping[int, int] | None = None,
        beside: Sequence[int] = (),
    ) -> None:
        super().__init__(source)
        self._quotient, self._costs, self._barred = quotient, costs, barred
        self._after, self._before = sides
        # Of what runs, and of what is moved.
        self._weights = weights
        self._net, self._beside = net, beside
        self._num_nodes = len(quotient.size)
        self._known: set[int] = set()

    def reached(self, budget: Budget) -> set[int]:
        """Give the groups on the source's side of a flow that is the most."""
        return {vertex for vertex in self.levels(budget) if 0 <= vertex < self._num_nodes}

    def expand(self, vertex: int) -> None:
        """Add the arcs of a group and of the tensors that it touches."""
        if vertex >= self._num_nodes or vertex in self._known:
            return
        quotient, costs = self._quotient, self._costs
        runs, moves = self._weights
        if vertex == self.source:
            self._begin()
        elif self._net is not None:
            self._join(vertex, SINK, max(0, self._net[vertex]))
        else:
            self._join(vertex, SINK, runs * costs.work[vertex] + moves * costs.outputs[vertex])
        for tensor in quotient.touching[vertex]:
            self._expand_tensor(tensor)
        if vertex in self._after:
            for predecessor in self._after.intersection(quotient.predecessors(vertex)):
                self._join(vertex, predecessor, INFINITE)
        if vertex in self._before:
            for successor in self._before.intersection(quotient.successors(vertex)):
                self._join(vertex, successor, INFINITE)
        self._known.add(vertex)

    def _expand_tensor(self, tensor: int) -> None:
        quotient, (_, moves) = self._quotient, self._weights
        exported = self._num_nodes + 2 * tensor
        imported = exported + 1
        if exported in self._known:
            return
        self._known.add(exported)
        self._join(quotient.producer[tensor], exported, moves * self._costs.leaving[tensor])
        self._join(imported, quotient.producer[tensor], moves * self._costs.transfer[tensor])
        for reader in quotient.consumers[tensor]:
            self._join(exported, reader, INFINITE)
            self._join(reader, imported, INFINITE)

    def _begin(self) -> None:
        """Add the arcs of the source to groups that are inside with it, and to those that gain more than they cost."""
        for group in self._beside:
            self._join(self.source, group, INFINITE)
        for group, net in (self._net or {}).items():
            if group != self.source:
                self._join(self.source, group, max(0, -net))

    def _join(self, tail: int, head: int, capacity: int) -> None:
        tail, head = (SINK if vertex in self._barred else vertex for vertex in (tail, head))
        if tail != SINK and capacity:
            self.connect(tail, head, capacity)
