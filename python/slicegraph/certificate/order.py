"""The arcs between nodes, a topological order, and the weights of ancestor and descendant sets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from slicegraph.certificate.quotient import Quotient
from slicegraph.certificate.windows import closure_weights, topological_order


@final
class Order:
    """Arcs between the groups of a quotient without merges, each once, and a topological order.

    Parameters
    ----------
    quotient
        Whose groups they are.

    Attributes
    ----------
    successors, predecessors
        Per node.
    nodes
        All, each after its predecessors.

    Raises
    ------
    PlacedError
        When the graph has a cycle.
    """

    def __init__(self, quotient: Quotient) -> None:
        nodes = range(len(quotient.size))
        self.successors: Sequence[Sequence[int]] = [sorted(set(quotient.successors(node))) for node in nodes]
        self.predecessors: Sequence[Sequence[int]] = [sorted(set(quotient.predecessors(node))) for node in nodes]
        self.nodes = topological_order(self.successors, self.predecessors)

    def cones(self, weight: Sequence[int]) -> tuple[list[int], list[int]]:
        """Sum the weights of each node and of all that it needs, and of each node and all that needs it."""
        needs = closure_weights(self.nodes, self.predecessors, weight)
        return needs, closure_weights(self.nodes[::-1], self.successors, weight)
