"""Why an answer is not better: lines for people, a key of a plan for programs."""

from __future__ import annotations

import math
from typing import Any

from slicegraph.errors import printable
from slicegraph.explanation import Explanation
from slicegraph.limiting import LimitingNode, limiting_node
from slicegraph.report import names, numbers
from slicegraph.result import Result

_SHOWN = 4


def why_to_text(result: Result, why: Explanation) -> str:
    """Give what binds, what the bound rests on, and a row for each change."""
    lines = ["", "why not better"]
    for stage in why.binding[:_SHOWN]:
        block = result.block_costs[stage]
        parts = (("work", block.work), ("in", block.io_in), ("out", block.io_out), ("overflow", block.overflow))
        paid = ", ".join(f"{name} {numbers.time(cost)}" for name, cost in parts if cost)
        lines.append(f"  stage {stage} binds: {paid or 'it costs nothing'}")
    if rest := len(why.binding) - _SHOWN:
        lines += [f"  {rest} more stages bind"] if rest > 0 else []
    lines.append(f"  the bound rests on {_grounds(result, why)}")
    if limiting := limiting_node(result.instance, result.block_of, result.block_costs):
        lines.append(f"  {_limit(result, limiting)}")
    width = max((len(printable(each.change)) for each in why.what_ifs), default=0)
    for each in why.what_ifs:
        bound = f"no partition below {numbers.time(each.lower_bound)}"
        lines.append(f"  {printable(each.change):<{width}}  {numbers.time(each.bottleneck)}, {bound}")
    return "\n".join(lines) + "\n"


def why_to_document(why: Explanation) -> dict[str, Any]:
    """Give the object that stands under ``why``; an infinite cost or bound, by the memory limit, is null."""
    return {
        "binding": list(why.binding),
        "rests_on": why.rests_on,
        "method": why.method,
        "node": why.node,
        "what_if": [
            {"change": each.change, "bottleneck": _finite(each.bottleneck), "lower_bound": _finite(each.lower_bound)}
            for each in why.what_ifs
        ],
    }


def _finite(seconds: float) -> float | None:
    return None if math.isinf(seconds) else seconds


def _limit(result: Result, limiting: LimitingNode) -> str:
    """Say what one node's work alone takes: no link, memory or number of stages makes that less."""
    name, share = names.node(result.instance.graph, limiting.node), numbers.percent(limiting.share_of_work)
    alone = result.instance.seconds(int(result.instance.work_at(result.block_of)[limiting.node]))
    return f"{name} alone takes {numbers.time(alone)}, {share} of the work: no stage that holds it takes less"


def _grounds(result: Result, why: Explanation) -> str:
    if why.node is not None:
        what = "its work alone" if why.method == "combinatorial" else "with the tensors that any stage of it pays for"
        return f"one expensive node, {names.node(result.instance.graph, why.node)}: {what}"
    if why.rests_on == "work":
        return f"what all stages together pay, over {result.instance.num_blocks} stages"
    return f"a proof over the whole graph (method {why.method}): no partition is below it"
