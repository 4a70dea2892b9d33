"""What onnxruntime's profile says: events of kernels, and to which node each belongs.

A node that is to be told apart has a number for its name, and nodes in bodies have none.  So an event named by a
number is a node's; one that lies within another is part of it, as a body's are of their Loop; and what else ran is
something that onnxruntime put into the model.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

CONSTANT: Final = "constant"
"""The name of nodes that are no nodes of the graph, and should not have run."""
CASTS, CONSTANTS, OPERATORS = "casts", "constants", "operators"
"""Kinds of what ran and is no node: conversions to another float, constants, operators that stand for a node."""

_KERNEL: Final = re.compile(r"(.*)_kernel_time", re.DOTALL)
_MICROSECOND: Final = 1e-6
_ROUNDING: Final = 1  # begin and duration are cut to microseconds, so a part may seem to end one after the whole


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One run of the model: seconds by number of the node, and by kind of what is no node."""

    nodes: defaultdict[int, float] = field(default_factory=lambda: defaultdict(float))
    others: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))


def runs(events: Iterable[Mapping[str, Any]], owners: Mapping[str, int] | None = None) -> Sequence[Run]:
    """Sort a profile's events by the complete runs of the model, and by node.

    Parameters
    ----------
    events
        A profile, as onnxruntime writes it, in any order; its unit is a microsecond.
    owners
        What stands in place of a node for each name of an event, such as a kernel of several nodes. None: names are
        numbers of nodes.

    Returns
    -------
        The runs in their order.  Events outside of a run that came to its end are passed over.
    """
    spans: list[tuple[int, int]] = []
    kernels: list[tuple[int, int, str]] = []
    for event in events:
        begin, length = int(event.get("ts", 0)), int(event.get("dur", 0))
        if event.get("cat") == "Session" and event.get("name") == "model_run":
            spans.append((begin, begin + length))
        elif event.get("cat") == "Node" and (kernel := _KERNEL.fullmatch(str(event.get("name")))):
            kernels.append((begin, -length, kernel[1]))
    spans.sort()
    found = [Run() for _ in spans]
    end = -1
    # The whole comes before its parts.
    for begin, minus, name in sorted(kernels):
        index = bisect_right(spans, begin, key=lambda span: span[0]) - 1
        if index < 0 or begin > spans[index][1]:
            continue
        owner = (int(name) if name.isdecimal() else None) if owners is None else owners.get(name)
        if owner is not None:
            found[index].nodes[owner] -= minus * _MICROSECOND
        elif begin - minus > end + _ROUNDING:
            found[index].others[_kind(name)] -= minus * _MICROSECOND
        end = max(end, begin - minus)
    return found


def _kind(name: str) -> str:
    if name == CONSTANT:
        return CONSTANTS
    return CASTS if name.startswith("InsertedPrecisionFreeCast") else OPERATORS
