"""Operators whose work was guessed, in words."""

from __future__ import annotations

import math
from collections.abc import Sequence

from slicegraph.errors import printable
from slicegraph.guesses import Guessed
from slicegraph.report import numbers

_SHOWN = 4


def listed(rows: Sequence[Guessed], num_nodes: int) -> str:
    """Name the operators on one line, each with its share of a graph's nodes and of their work."""

    def named(op: str, some: Sequence[Guessed]) -> str:
        count, share = sum(row.num_nodes for row in some), math.fsum(row.share_of_work for row in some)
        return f"{op} ({count} of {num_nodes} nodes, {numbers.percent(share)} of the work)"

    parts = [named(printable(row.op), [row]) for row in rows[:_SHOWN]]
    if rest := rows[_SHOWN:]:
        parts.append(named(f"{len(rest)} more", rest))
    return ", ".join(parts)
