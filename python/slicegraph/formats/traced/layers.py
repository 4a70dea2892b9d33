"""To which node of the forward pass each node of the backward pass belongs, by where both come from and what they read.

A tracer says of each step where it comes from, and that is the same for an operation and what it becomes in the
backward pass: a line of the user's program, or a number that the runtime gives.  Repeated layers share their lines, so
among the nodes of one origin data flow decides:

1. The nearest that the node reads of the forward pass, or that reads the same value or parameter there.
2. Else the earliest that a maker of its gradients belongs to, or, where none does, the latest from which the forward
   nodes are reached that these belong to.
3. Else, of no origin in the forward pass: as 1, whatever the origin; else that of its earliest maker.

What the backward pass computes anew stands for what it is computed anew of.  Grouping is no claim: every answer is a
question that can be asked; a node in the wrong layer makes stages exchange what they need not.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass

from slicegraph.formats.traced.program import Origin


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """What is known of a node: its origin, the keys of all its steps, who makes what it reads, and its parameters."""

    origin: Origin
    keys: Collection[Hashable]
    makers: Collection[int]
    parameters: Collection[Hashable]


def layers_of(nodes: Sequence[Node]) -> tuple[list[bool], list[int]]:
    """Say which nodes are of the backward pass, and give each node its layer: the number of its forward node.

    A node that reads what the backward pass makes is of it, too.  -1: of no layer.

    Parameters
    ----------
    nodes
        In an order in which each value is made before it is read.

    Notes
    -----
    O(nodes + reads), and for each node of the second case the forward nodes between the two.
    """
    return _Layers(nodes).found()


class _Layers:
    def __init__(self, nodes: Sequence[Node]) -> None:
        self._nodes = nodes
        self._is_backward: list[bool] = []
        for node in nodes:
            is_after = any(self._is_backward[maker] for maker in node.makers)
            self._is_backward.append(node.origin.is_backward or is_after)
        self._layer_of = [-1 if is_backward else index for index, is_backward in enumerate(self._is_backward)]
        self._by_key: dict[Hashable, list[int]] = {}
        self._readers: dict[int, list[int]] = {}
        self._readers_of_parameter: dict[Hashable, list[int]] = {}
        for index, node in enumerate(nodes):
            if self._is_backward[index]:
                continue
            for key in node.keys:
                self._by_key.setdefault(key, []).append(index)
            for maker in node.makers:
                self._readers.setdefault(maker, []).append(index)
            for parameter in node.parameters:
                self._readers_of_parameter.setdefault(parameter, []).append(index)

    def found(self) -> tuple[list[bool], list[int]]:
        for index, node in enumerate(self._nodes):
            if self._is_backward[index]:
                self._layer_of[index] = self._layer(node)
        return self._is_backward, self._layer_of

    def _layer(self, node: Node) -> int:
        after = [self._layer_of[maker] for maker in node.makers if self._gives_gradient(maker)]
        after = [layer for layer in after if layer >= 0]
        near = self._near(node)
        alike = self._by_key.get(node.origin.key, [])
        both = near.intersection(alike)
        if both:
            return self._nearest(node, both, after)
        if alike and after and not node.origin.is_recomputed:
            same = set(after).intersection(alike)
            found = min(same) if same else self._before(after, frozenset(alike), alike[0])
            if found is not None:
                return found
        if near and (not after or node.parameters):
            return self._nearest(node, near, after)
        if alike and not after:
            # Where the backward pass begins.
            return alike[-1]
        return min(after, default=-1)

    def _gives_gradient(self, maker: int) -> bool:
        return self._is_backward[maker] and not self._nodes[maker].origin.is_recomputed

    def _near(self, node: Node) -> set[int]:
        """Give the forward nodes that make what a node reads, or read the same."""
        found: set[int] = set()
        for maker in node.makers:
            # What is computed anew is what it is computed anew of.
            same = maker if not self._gives_gradient(maker) else -1
            same = self._layer_of[same] if same >= 0 else -1
            if same >= 0:
                found.add(same)
                found.update(self._readers.get(same, ()))
        for parameter in node.parameters:
            found.update(self._readers_of_parameter.get(parameter, ()))
        return found

    def _nearest(self, node: Node, found: Iterable[int], after: Sequence[int]) -> int:
        """Give the last that is not after the makers of gradients; what is computed anew is after what it reads."""
        if node.origin.is_recomputed:
            read = max((self._layer_of[maker] for maker in node.makers), default=-1)
            return min(found, key=lambda index: (index <= read, abs(index - read)))
        last = max(after, default=len(self._nodes))
        return max(found, key=lambda index: (index <= last, index if index <= last else -index))

    def _before(self, after: Sequence[int], alike: Collection[int], first: int) -> int | None:
        """Give the latest of some nodes that is among others, or from which they are reached; None: there is none."""
        waiting = [-index for index in set(after)]
        heapq.heapify(waiting)
        seen = set(waiting)
        while waiting and -waiting[0] >= first:
            index = -heapq.heappop(waiting)
            if index in alike:
                return index
            for maker in self._nodes[index].makers:
                if -maker not in seen:
                    seen.add(-maker)
                    heapq.heappush(waiting, -maker)
        return None
