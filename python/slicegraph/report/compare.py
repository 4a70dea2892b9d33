"""Two partitions side by side: as a table, for people, and as JSON, for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from slicegraph.compare import Comparison, Side
from slicegraph.crossings import CutTensor
from slicegraph.errors import printable
from slicegraph.plan import devices_document
from slicegraph.report import names, numbers

_SHOWN = 8


def comparison_to_text(found: Comparison) -> str:
    """Give both costs, then what moves and which tensors are cut in one alone; long lists are cut short."""
    graph, a, b = found.instance.graph, found.a, found.b
    change = ""
    if a.bottleneck and not math.isinf(a.bottleneck + b.bottleneck):
        change = f"   {b.bottleneck / a.bottleneck - 1:+.2%}"
    lines = [
        f"{printable(graph.name) or 'graph'}: {graph.num_nodes} nodes, {graph.num_tensors} tensors",
        f"{'':<14}{'A':>12}{'B':>12}",
        f"{'bottleneck':<14}{numbers.time(a.bottleneck):>12}{numbers.time(b.bottleneck):>12}{change}",
        f"{'stages used':<14}{a.stages_used:>12}{b.stages_used:>12}",
        f"{'cut tensors':<14}{numbers.size(a.cut_bytes):>12}{numbers.size(b.cut_bytes):>12}",
        "",
        f"moved         {found.num_nodes} of {graph.num_nodes} nodes, {numbers.size(found.param_bytes)} of parameters",
    ]
    for move in found.moves[:_SHOWN]:
        some = [names.node(graph, node) for node in move.nodes[:2]]
        rest = ", ..." if len(move.nodes) > len(some) else ""
        count = f"{numbers.count(len(move.nodes), 'node')}, {numbers.size(move.param_bytes)}"
        lines.append(f"  stage {move.from_stage} -> {move.to_stage}: {count}: {', '.join(some)}{rest}")
    lines += _more(len(found.moves), "pairs of stages")
    for title, cuts in (("cut in A only", found.removed), ("cut in B only", found.added)):
        lines.append(f"{title:<14}{numbers.count(len(cuts), 'tensor')}, {numbers.size(sum(cut.bytes for cut in cuts))}")
        lines += [f"  {printable(cut.name)}: {numbers.size(cut.bytes)}, {_way(cut)}" for cut in cuts[:_SHOWN]]
        lines += _more(len(cuts), "tensors")
    return "\n".join(lines) + "\n"


def comparison_to_json(found: Comparison) -> str:
    """Give one object as one line; a bottleneck above the memory limit is null."""
    instance, called = found.instance, found.instance.graph.arrays.node_name
    moves = [
        {"node": node, **({"name": called[node]} if called else {}), "from": move.from_stage, "to": move.to_stage}
        for move in found.moves
        for node in move.nodes
    ]
    document = {
        **devices_document(instance),
        "boundary_io": instance.boundary_io,
        "a": _side(found.a),
        "b": _side(found.b),
        "matched": [list(pair) for pair in found.matched],
        "moved": {"nodes": found.num_nodes, "param_bytes": found.param_bytes, "list": moves},
        "cut_tensors": {"added": _cuts(found.added), "removed": _cuts(found.removed)},
    }
    return json.dumps(document, allow_nan=False) + "\n"


def _more(count: int, what: str) -> list[str]:
    return [f"  {count - _SHOWN} more {what}"] if count > _SHOWN else []


def _way(cut: CutTensor) -> str:
    home = "model input" if cut.from_stage is None else f"stage {cut.from_stage}"
    return f"{home} -> {', '.join(map(str, cut.to_stages)) or 'model output'}"


def _side(side: Side) -> dict[str, Any]:
    bottleneck = None if math.isinf(side.bottleneck) else side.bottleneck
    return {"bottleneck": bottleneck, "stages_used": side.stages_used, "cut_bytes": side.cut_bytes}


def _cuts(cuts: Sequence[CutTensor]) -> list[dict[str, Any]]:
    return [{"name": cut.name, "bytes": cut.bytes, "from": cut.from_stage, "to": list(cut.to_stages)} for cut in cuts]
