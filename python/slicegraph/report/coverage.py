"""How far measurements go, in a line."""

from __future__ import annotations

from collections import Counter
from typing import Final

from slicegraph.errors import printable
from slicegraph.measured import Coverage
from slicegraph.report import numbers

_SHOWN: Final = 3


def coverage_to_line(coverage: Coverage) -> str:
    """Say how many nodes and which share of the work were measured, what is open, and which names are of no node."""
    graph = coverage.graph
    share = numbers.percent(coverage.share)
    parts = [f"{len(coverage.covered)} of {graph.num_nodes} nodes are measured, {share} of the work"]
    if coverage.open.size:
        kinds = Counter(graph.arrays.op[node] for node in coverage.open.tolist()).most_common()
        listed = [f"{count} {printable(op) or 'without an operator'}" for op, count in kinds[:_SHOWN]]
        more = f" and {len(kinds) - _SHOWN} more" * (len(kinds) > _SHOWN)
        parts.append(f"the work of {len(coverage.open)} is an estimate ({', '.join(listed)}{more})")
    if coverage.unused:
        names = ", ".join(repr(name) for name, _ in coverage.unused[:_SHOWN])
        more = ", ..." * (len(coverage.unused) > _SHOWN)
        count = "1 name is" if len(coverage.unused) == 1 else f"{len(coverage.unused)} names are"
        parts.append(f"{count} of no node ({names}{more})")
    return "; ".join(parts)
