"""Frontiers: the state of a partial assignment that later nodes depend on, a word for each tensor with readers left.

Nodes are assigned to blocks in a topological order. The word of a tensor with readers left is the block of its
producer, the blocks that have imported it, and whether its producer has paid for the export.

**Claim.** Two assignments of the first nodes with the same words have the same continuations, at the same payments.

**Why.** A block pays for the work of a node, for a tensor that it reads and has not imported, and for a tensor that
leaves it and is not exported yet. The words determine the last two. Certain payments are made at once, so that words
can be shorter. Let the remaining readers be in blocks ``f`` to ``l``:

- If a tensor is made before ``f``, all readers are in other blocks: it is exported. Then its producer's block is
  dropped.
- If that block was dropped and ``f = l``, block ``l`` imports it, unless it has already.
- If all blocks where it may be read have it, or it costs nothing anywhere, only precedence matters, and that only when
  the producer's block is after ``f``.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import Final, NamedTuple, final

from slicegraph.certificate.order import Order
from slicegraph.certificate.problem import Problem
from slicegraph.certificate.quotient import Quotient
from slicegraph.certificate.reach import Scope
from slicegraph.certificate.resources import Resources


class Word(NamedTuple):
    """The state of a tensor."""

    made_in: int
    """The block that makes it; 0: that does not matter."""
    is_sent: bool
    """Whether its maker has paid for sending it."""
    holders: int
    """Other blocks that have it, as bits."""


NOTHING: Final = Word(made_in=0, is_sent=True, holders=0)
"""Of a tensor of which nothing is known: a model input, or one that is not there yet or not any more."""
_INERT: Final = Word(made_in=0, is_sent=True, holders=-1)


@final
class Touch:
    """A node that makes or reads a tensor, in a given order.

    Parameters
    ----------
    tensor, slot
        Which, and where its word stands.
    is_made
        Whether the node makes it; else it reads it.
    is_paid
        Whether it costs anything anywhere.
    left
        The first and the last block of readers that come later; None: there are none.
    """

    def __init__(self, tensor: int, slot: int, left: tuple[int, int] | None, *, is_made: bool, is_paid: bool) -> None:
        self.slot = slot
        self._tensor, self._left, self._is_made, self._is_paid = tensor, left, is_made, is_paid
        self._known: dict[tuple[Word, int], tuple[Word, int] | None] = {}

    def follow(self, word: Word, block: int, resources: Resources) -> tuple[Word, int] | None:
        """Give the word after the node is assigned to a block, and the payments. None: it cannot be there."""
        key = word, block
        if key not in self._known:
            self._known[key] = self._follow(word, block, resources)
        return self._known[key]

    def _follow(self, word: Word, block: int, resources: Resources) -> tuple[Word, int] | None:
        made_in, is_sent, holders = (block, False, 0) if self._is_made else word
        if made_in > block:
            return None
        paid, tensor = 0, self._tensor
        if self._is_paid and made_in != block and not holders >> block & 1:
            paid += resources.of_import(tensor, block) + (0 if is_sent else resources.of_export(tensor, made_in))
            is_sent, holders = True, holders | 1 << block
        if self._left is None:
            return NOTHING, paid
        first, last = self._left
        if made_in > last:
            return None
        if 0 < made_in < first:
            paid += resources.of_export(tensor, made_in) if self._is_paid and not is_sent else 0
            made_in, is_sent = 0, True
        can_be = (2 << last) - (1 << max(first, made_in))
        lacking = can_be & ~holders & ~(1 << made_in)
        if not lacking or not self._is_paid:
            return _INERT if made_in <= first else Word(made_in, is_sent=True, holders=can_be), paid
        if not made_in and first == last:
            return _INERT, paid + resources.of_import(tensor, last)
        return Word(made_in, is_sent, holders & can_be), paid


def touches(quotient: Quotient, scope: Scope, nodes: Sequence[int]) -> tuple[list[list[Touch]], int]:
    """Give for each node of an order the tensors that it touches, and the most tensors that cross a position."""
    first, last = scope.windows
    left: dict[int, tuple[int, int]] = {}
    at_place: list[list[tuple[int, bool, tuple[int, int] | None]]] = []
    for node in reversed(nodes):
        touched = []
        for tensor in sorted(quotient.touching[node]):
            is_made = quotient.producer[tensor] == node
            touched.append((tensor, is_made, left.get(tensor)))
            if not is_made:
                begin, end = left.get(tensor, (first[node], last[node]))
                left[tensor] = min(begin, first[node]), max(end, last[node])
        at_place.append(touched)
    free: list[int] = []
    slots: dict[int, int] = {}
    num_slots = 0
    found: list[list[Touch]] = []
    for touched in reversed(at_place):
        found.append([])
        for tensor, is_made, rest in touched:
            if tensor not in slots:
                if not free:
                    free.append(num_slots)
                    num_slots += 1
                slots[tensor] = free.pop()
            is_paid = any(costs.transfer[tensor] for costs in quotient.kinds)
            found[-1].append(Touch(tensor, slots[tensor], rest, is_made=is_made, is_paid=is_paid))
        free += [slots[tensor] for tensor, _, rest in touched if rest is None]
    return found, num_slots


def natural_order(order: Order) -> list[int]:
    """Give a topological order: the next node is the least one that is ready (Kahn's algorithm)."""
    missing = [len(nodes) for nodes in order.predecessors]
    ready = [node for node, count in enumerate(missing) if not count]
    nodes = []
    while ready:
        node = heapq.heappop(ready)
        nodes.append(node)
        for each in order.successors[node]:
            missing[each] -= 1
            if not missing[each]:
                heapq.heappush(ready, each)
    return nodes


def deep_order(problem: Problem, order: Order) -> list[int]:
    """Give the nodes in depth-first post-order: for each node without consumers, its ancestors, then the node."""
    needs: list[list[int]] = [[] for _ in order.nodes]
    for producer, consumers in zip(problem.producer, problem.consumers, strict=True):
        for node in consumers if producer >= 0 else ():
            needs[node].append(producer)
    seen: set[int] = set()
    nodes: list[int] = []
    for end in range(len(needs)):
        if order.successors[end]:
            continue
        seen.add(end)
        stack = [(end, iter(needs[end]))]
        while stack:
            node, rest = stack[-1]
            need = next((each for each in rest if each not in seen), None)
            if need is None:
                nodes.append(node)
                stack.pop()
            else:
                seen.add(need)
                stack.append((need, iter(needs[need])))
    return nodes
