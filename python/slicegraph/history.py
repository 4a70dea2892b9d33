"""How the best partition and the lower bound of a run came nearer to each other."""

from __future__ import annotations

import math
from collections.abc import Iterable

Row = tuple[float, float, float]
"""Seconds since the run began, and by then the bottleneck and the lower bound, in one unit."""


def add_row(rows: list[Row], seconds: float, bottleneck: float, lower_bound: float) -> None:
    """Add a row when the bottleneck or the bound is better than before; neither gets worse in it.

    Examples
    --------
    >>> rows = []
    >>> for row in [(0.1, 9.0, 2.0), (0.2, 9.0, 2.0), (0.3, 8.0, 1.0)]:
    ...     add_row(rows, *row)
    >>> rows
    [(0.1, 9.0, 2.0), (0.3, 8.0, 2.0)]
    """
    if rows:
        _, least, most = rows[-1]
        bottleneck, lower_bound = min(bottleneck, least), max(lower_bound, most)
        if (bottleneck, lower_bound) == (least, most):
            return
    rows.append((seconds, bottleneck, lower_bound))


def settled(rows: Iterable[Row], seconds: float, bottleneck: float, lower_bound: float) -> tuple[Row, ...]:
    """Give the history of a run that has ended so: its last row says what the result says.

    A bound of a method that was stopped before it had summed up may have no evidence: what is beyond the result's bound
    is left out.

    Examples
    --------
    >>> settled([(0.1, 9.0, 2.0), (0.2, 9.0, 7.0)], 0.4, 8.0, 5.0)
    ((0.1, 9.0, 2.0), (0.2, 9.0, 5.0), (0.4, 8.0, 5.0))
    """
    kept: list[Row] = []
    for when, best, bound in (*rows, (seconds, bottleneck, lower_bound)):
        add_row(kept, when, max(best, bottleneck), min(bound, lower_bound))
    return tuple(kept)


def with_bottleneck(rows: Iterable[Row], bottleneck: float) -> tuple[Row, ...]:
    """Give the history of the bound alone, for one partition that does not change."""
    kept: list[Row] = []
    for when, _, bound in rows:
        add_row(kept, when, bottleneck, bound if math.isinf(bottleneck) else min(bound, bottleneck))
    return tuple(kept)
