"""Which operators an instance's work was guessed of: an answer names them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from slicegraph.cost import Instance

LOOPS: Final = frozenset({"Loop", "Scan", "SequenceMap", "while", "while_loop"})
"""Operators that are guessed where it is not known how often they run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Guessed:
    """An operator without a rule for its work, or a loop of which it is not known how often it runs.

    Attributes
    ----------
    op
        What it is called.
    num_nodes
        How many nodes it has.
    share_of_work
        Their part of all nodes' work, from 0 to 1.
    """

    op: str
    num_nodes: int
    share_of_work: float

    def to_mapping(self) -> dict[str, str | int | float]:
        """Give what files and JSON say of it."""
        return {"op": self.op, "nodes": self.num_nodes, "share_of_work": self.share_of_work}


def guessed(instance: Instance) -> tuple[Guessed, ...]:
    """Name the operators whose work is a guess, that with the greatest share first.

    Work that the graph states, as a profile does, is no guess.

    Notes
    -----
    O(nodes).
    """
    arrays = instance.graph.arrays
    if arrays.is_guess is None or arrays.work is not None:
        return ()
    # On unlike devices a node's work is its mean on all kinds.
    work = np.add.reduce([row.work for row in instance.rows])
    total = int(work.sum())
    counts: dict[str, list[int]] = {}
    for node in np.flatnonzero(arrays.is_guess):
        counts.setdefault(arrays.op[int(node)], []).append(int(work[node]))
    rows = [
        Guessed(op=op, num_nodes=len(ticks), share_of_work=sum(ticks) / total if total else 0.0)
        for op, ticks in counts.items()
    ]
    return tuple(sorted(rows, key=lambda row: (-row.share_of_work, row.op)))
