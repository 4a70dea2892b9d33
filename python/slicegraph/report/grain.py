"""What keeping modules whole costs, for people and for programs."""

from __future__ import annotations

import math
from typing import Any

from slicegraph.errors import printable
from slicegraph.report.numbers import percent, time
from slicegraph.result import Result


def grain_to_document(by: str, count: int, result: Result, free: Result) -> dict[str, Any]:
    """Give what a plan says of its grain: the groups, and the best that was found without them.

    Parameters
    ----------
    by
        What was asked for.
    count
        The number of groups.
    result, free
        Of the problem with groups, and of the one without.
    """
    finite = [None if math.isinf(each) else each for each in (free.bottleneck, free.lower_bound)]
    return {
        "by": by,
        "groups": count,
        "free_bottleneck": finite[0],
        "free_lower_bound": finite[1],
        "slower": _slower(result.bottleneck, free.bottleneck),
    }


def grain_to_text(by: str, count: int, result: Result, free: Result) -> str:
    """Give the line of a table."""
    groups, slower = f"grain        {printable(by)}: {count} groups", _slower(result.bottleneck, free.bottleneck)
    if slower is None:
        return f"{groups}\n"
    most = _slower(result.bottleneck, free.lower_bound)
    known = "" if most is None or most <= slower else f", at most {percent(most)}"
    against = f"{percent(slower)} slower than {time(free.bottleneck)} without them"
    return f"{groups}; {against}{known}\n"


def _slower(bottleneck: float, other: float) -> float | None:
    """Give the fraction by which a bottleneck is above another."""
    if math.isinf(bottleneck) or not 0 < other < math.inf:
        return None
    return max(0.0, bottleneck / other - 1)
