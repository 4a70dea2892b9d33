"""The least cost of a block that holds one group and not another: a minimum cut.

**Claim.** Let a block hold group ``a`` and not group ``b``, and let ``S`` be the groups in it. The block costs at least

    ``load(S) + overflow(a) + (what S reads from elsewhere) + (what leaves S and is not paid anyway)``,

and ``S`` is convex around ``a``: with a descendant of ``a`` it holds every predecessor of that one that descends from
``a``, with an ancestor every successor that is an ancestor. When ``b`` is a descendant of ``a``, it holds no descendant
of ``b``; when it is an ancestor, no ancestor. The least of this over all such ``S`` bounds the block's cost.
All is on one kind of device, and ``S`` has nobody that no stage of this kind may hold.

On a kind that overlaps, a block costs at least ``work + overflow``, at least what it moves, and so at least any mean of
the two. A cut for a mean shows a set; where that runs more than it moves, a mean with more of the work shows more.

**Why.** The formula is the definition of a block's cost, but for the overflow of the rest of ``S``. A path from one
group of a block to another stays in it, since no tensor runs to an earlier block.

**The network.** ``S`` is what the source ``a`` reaches when an arc from ``S`` to the rest is paid. A group's load is an
arc to the sink; a tensor that its readers import, arcs from each of them to a vertex and from there to its producer;
one that is exported, an arc from its producer to a vertex and from there to each reader. Arcs of convexity are never
cut. What must not be in ``S`` is the sink. Vertices are made when the flow comes by, so a flow that is soon enough
stays near.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import final

from slicegraph.certificate.budget import Budget
from slicegraph.certificate.problem import ceil_div
from slicegraph.certificate.quotient import GroupCosts, Quotient

_SINK = -1
# More than all costs add up to.
_INFINITE = 2**64
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
) -> int:
    """Give the least cost of a block that holds one group and none of some others.

    With a group of the first side it holds every predecessor on that side; with one of the second, every successor on
    that one. The rest is as in `least_cost`.
    """
    if inside in barred:
        return max(enough, _INFINITE)
    costs, overflow = quotient.kinds[kind], quotient.overflow(inside, kind)
    if not costs.costs.is_overlap:
        network = _Network(quotient, costs, inside, barred, sides)
        fixed = costs.load(inside) + overflow
        return fixed + network.flow(enough - fixed, budget)
    least, low, high = 0, -1, _MEANS + 1
    while high - low > 1:
        share = (low + high) // 2
        network = _Network(quotient, costs, inside, barred, sides, (share, _MEANS - share))
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
class _Network:
    """Residual capacities, and the flow from the source to the sink."""

    def __init__(
        self,
        quotient: Quotient,
        costs: GroupCosts,
        source: int,
        barred: set[int],
        sides: tuple[set[int], set[int]],
        weights: tuple[int, int] = (1, 1),
    ) -> None:
        self._quotient, self._costs, self._source, self._barred = quotient, costs, source, barred
        self._after, self._before = sides
        # Of what runs, and of what is moved.
        self._weights = weights
        self._num_nodes = len(quotient.size)
        self._known: set[int] = set()
        # Arcs come in pairs, one against the other: arc and arc ^ 1.
        self._arcs: defaultdict[int, list[int]] = defaultdict(list)
        self._head: list[int] = []
        self._capacity: list[int] = []

    def flow(self, enough: int, budget: Budget) -> int:
        """Give the most that flows, or what flows when it is enough."""
        total = 0
        while total < enough:
            levels = self._levels(budget)
            if _SINK not in levels:
                break
            total += self._saturate(levels, enough - total, budget)
        return total

    def reached(self, budget: Budget) -> set[int]:
        """Give the groups on the source's side of a flow that is the most."""
        return {vertex for vertex in self._levels(budget) if 0 <= vertex < self._num_nodes}

    def _levels(self, budget: Budget) -> dict[int, int]:
        """Give the distance from the source of what is no further than the sink."""
        levels = {self._source: 0}
        queue = [self._source]
        for vertex in queue:
            level = levels[vertex]
            if level >= levels.get(_SINK, _INFINITE):
                break
            if vertex < self._num_nodes and vertex not in self._known:
                self._expand(vertex)
            budget.spend(1 + len(self._arcs[vertex]) // _PER_STEP)
            for arc in self._arcs[vertex]:
                head = self._head[arc]
                if self._capacity[arc] and head not in levels:
                    levels[head] = level + 1
                    queue.append(head)  # the list is the queue
        return levels

    def _saturate(self, levels: dict[int, int], enough: int, budget: Budget) -> int:
        """Send flow along shortest paths until there are none, or until it is enough."""
        total = 0
        next_arc: defaultdict[int, int] = defaultdict(int)
        path: list[int] = []
        while total < enough:
            vertex = self._head[path[-1]] if path else self._source
            if vertex == _SINK:
                budget.spend(1 + len(path) // _PER_STEP)
                amount = min(self._capacity[arc] for arc in path)
                for arc in path:
                    self._capacity[arc] -= amount
                    self._capacity[arc ^ 1] += amount
                total += amount
                full = next(place for place, arc in enumerate(path) if not self._capacity[arc])
                del path[full:]
                continue
            arcs, begin = self._arcs[vertex], next_arc[vertex]
            wanted = levels[vertex] + 1
            for place in range(begin, len(arcs)):
                if self._capacity[arcs[place]] and levels.get(self._head[arcs[place]]) == wanted:
                    next_arc[vertex] = place
                    path.append(arcs[place])
                    break
            else:
                next_arc[vertex] = len(arcs)
                if not path:
                    break
                next_arc[self._head[path.pop() ^ 1]] += 1
        return total

    def _expand(self, group: int) -> None:
        """Add the arcs of a group and of the tensors that it touches."""
        quotient, costs = self._quotient, self._costs
        runs, moves = self._weights
        if group != self._source:
            self._connect(group, _SINK, runs * costs.work[group] + moves * costs.outputs[group])
        for tensor in quotient.touching[group]:
            exported = self._num_nodes + 2 * tensor
            if exported in self._known:
                continue
            self._known.add(exported)
            imported = exported + 1
            self._connect(quotient.producer[tensor], exported, moves * costs.leaving[tensor])
            self._connect(imported, quotient.producer[tensor], moves * costs.transfer[tensor])
            for reader in quotient.consumers[tensor]:
                self._connect(exported, reader, _INFINITE)
                self._connect(reader, imported, _INFINITE)
        if group in self._after:
            for predecessor in self._after.intersection(quotient.predecessors(group)):
                self._connect(group, predecessor, _INFINITE)
        if group in self._before:
            for successor in self._before.intersection(quotient.successors(group)):
                self._connect(group, successor, _INFINITE)
        self._known.add(group)

    def _connect(self, tail: int, head: int, capacity: int) -> None:
        tail, head = (_SINK if vertex in self._barred else vertex for vertex in (tail, head))
        if tail == _SINK or not capacity:
            return
        for vertex, end, room in ((tail, head, capacity), (head, tail, 0)):
            self._arcs[vertex].append(len(self._head))
            self._head.append(end)
            self._capacity.append(room)
