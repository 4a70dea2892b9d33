"""Maximum flow from a source to a sink.

Every flow is at most every cut, so an error in the search for paths could make a bound too small, never too large.
"""

from __future__ import annotations

from collections import defaultdict

from slicegraph.certificate.budget import Budget

SINK = -1
INFINITE = 2**128
"""More than all costs add up to."""
_PER_STEP = 8
"""Arcs that are looked at in the time of a step."""


class Network:
    """Residual capacities, and the flow from the source to the sink.

    Parameters
    ----------
    source
        A vertex; others are any numbers, and `SINK`.

    Notes
    -----
    Dinic's algorithm, E. A. Dinic 1970: O(vertices^2 arcs); in practice a few passes over what is near the source.
    """

    def __init__(self, source: int) -> None:
        self.source = source
        # Arcs come in pairs, one against the other: arc and arc ^ 1.
        self.arcs: defaultdict[int, list[int]] = defaultdict(list)
        self.head: list[int] = []
        self.capacity: list[int] = []

    def expand(self, vertex: int) -> None:
        """Add the arcs of a vertex, when the flow comes by."""

    def connect(self, tail: int, head: int, capacity: int) -> None:
        """Add an arc."""
        for vertex, end, room in ((tail, head, capacity), (head, tail, 0)):
            self.arcs[vertex].append(len(self.head))
            self.head.append(end)
            self.capacity.append(room)

    def flow(self, enough: int, budget: Budget) -> int:
        """Give the most that flows, or what flows when it is enough.

        Raises
        ------
        BeyondBudgetError
            When it takes more steps.
        """
        total = 0
        while total < enough:
            levels = self.levels(budget)
            if SINK not in levels:
                break
            total += self._saturate(levels, enough - total, budget)
        return total

    def levels(self, budget: Budget) -> dict[int, int]:
        """Give the distance from the source of what is no further than the sink; of a flow that is the most, its side.

        Raises
        ------
        BeyondBudgetError
            When it takes more steps.
        """
        levels = {self.source: 0}
        queue = [self.source]
        heads, capacities = self.head, self.capacity
        for vertex in queue:
            level = levels[vertex]
            if level >= levels.get(SINK, INFINITE):
                break
            self.expand(vertex)
            budget.spend(1 + len(self.arcs[vertex]) // _PER_STEP)
            for arc in self.arcs[vertex]:
                head = heads[arc]
                if capacities[arc] and head not in levels:
                    levels[head] = level + 1
                    queue.append(head)  # the list is the queue
        return levels

    def _saturate(self, levels: dict[int, int], enough: int, budget: Budget) -> int:
        """Send flow along shortest paths until there are none, or until it is enough."""
        total = 0
        next_arc: defaultdict[int, int] = defaultdict(int)
        path: list[int] = []
        while total < enough:
            vertex = self.head[path[-1]] if path else self.source
            if vertex == SINK:
                budget.spend(1 + len(path) // _PER_STEP)
                amount = min(self.capacity[arc] for arc in path)
                for arc in path:
                    self.capacity[arc] -= amount
                    self.capacity[arc ^ 1] += amount
                total += amount
                full = next(place for place, arc in enumerate(path) if not self.capacity[arc])
                del path[full:]
                continue
            arcs, begin = self.arcs[vertex], next_arc[vertex]
            wanted = levels[vertex] + 1
            for place in range(begin, len(arcs)):
                if self.capacity[arcs[place]] and levels.get(self.head[arcs[place]]) == wanted:
                    next_arc[vertex] = place
                    path.append(arcs[place])
                    break
            else:
                next_arc[vertex] = len(arcs)
                if not path:
                    break
                next_arc[self.head[path.pop() ^ 1]] += 1
        return total
