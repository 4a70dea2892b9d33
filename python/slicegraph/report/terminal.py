"""A result as a table, for people."""

from __future__ import annotations

import math

import numpy as np

from slicegraph.certificate.check import check
from slicegraph.errors import printable
from slicegraph.guesses import guessed
from slicegraph.limiting import LimitingNode, limiting_node
from slicegraph.moves import Stay
from slicegraph.report import names, numbers
from slicegraph.report.guesses import listed
from slicegraph.report.screen import Screen
from slicegraph.report.stages import cut_table, stage_table
from slicegraph.result import Result, Status

# Of a table, on whatever is wider.
_WIDTH = 100
_STEPS = 200_000
"""Steps of the checker for a table: half a second if all are used; the median proof takes some milliseconds."""
_MOST_ENTRIES = 100_000
"""Nodes and reads of a graph that is checked for a table: about half a second to read."""
_MEANING = {
    Status.OPTIMAL: "the lower bound is the bottleneck",
    Status.WITHIN_GAP: "the gap asked for is proven, or one of 2e-6",
    Status.TIME_LIMIT: "no more was found",
    Status.SUBOPTIMAL: "the optimum is known, and this partition is worse",
    Status.INFEASIBLE: "no partition fits the memory limit",
    Status.INTERRUPTED: "no more was found until it was interrupted",
}


def result_to_text(result: Result, *, lists_cuts: bool = False) -> str:
    """Give a row per stage and the guarantee, in colours when standard output is a terminal that has them.

    Parameters
    ----------
    result
        What to show.
    lists_cuts
        Whether to list the tensors that cross between stages, too.
    """
    screen = Screen()
    screen.say(_headline(result))
    if result.block_of.size:
        width = min(_WIDTH, screen.width)
        screen.show(stage_table(result, width=width))
        if lists_cuts and result.cut_tensors:
            screen.show(cut_table(result.cut_tensors, width=width))
    screen.say(_guarantee(result))
    if limiting := limiting_node(result.instance, result.block_of, result.block_costs):
        screen.say(f"limited by   {_limit(result, limiting)}")
    if rows := guessed(result.instance):
        screen.say(f"guessed: {listed(rows, result.instance.graph.num_nodes)}")
    return screen.text


def _headline(result: Result) -> str:
    graph = result.instance.graph
    used, num_blocks = np.count_nonzero(np.bincount(result.block_of)), result.instance.num_blocks
    # Of an answer that is not the best, more stages may give a better one.
    what = "enough" if result.status is Status.OPTIMAL else "used"
    rest = f"; {used} of {num_blocks} stages are {what}" if 0 < used < num_blocks else ""
    return f"{printable(graph.name) or 'graph'}: {graph.num_nodes} nodes, {graph.num_tensors} tensors{rest}"


def _guarantee(result: Result) -> str:
    status = f"status       {result.status}: {_MEANING[result.status]}, {numbers.time(result.seconds)}"
    if result.status is Status.INFEASIBLE:
        return status
    if math.isinf(result.bottleneck):
        what = "this partition exceeds the memory limit" if result.block_of.size else "no partition was found that fits"
        return f"no guarantee: {what}, {numbers.time(result.seconds)}"
    lines = [
        f"bottleneck   {numbers.time(result.bottleneck)} (the stage marked <)",
        f"lower bound  {numbers.time(result.lower_bound)} ({_grounds(result)})",
        f"gap          {numbers.percent(result.gap)}: by this lower bound, no partition is faster by more",
        *_believed(result),
        *_kernels(result),
        *([] if result.stay is None else [f"stays near   the plan: {_stay(result, result.stay)}"]),
        status,
    ]
    return "\n".join(lines)


def _believed(result: Result) -> list[str]:
    """Name the bound that is believed, not proven."""
    believed = result.believed
    return [] if believed is None else [f"believed, not proven: {numbers.time(believed.bound)} by {believed.by}"]


def _kernels(result: Result) -> list[str]:
    """Say that kernels are kept whole, or layers of a training graph, where there are some."""
    kernel = result.instance.graph.arrays.kernel
    if not result.instance.by_kernel or kernel is None:
        return []
    sizes = np.unique(kernel[kernel >= 0], return_counts=True)[1]
    several = sizes[sizes > 1]
    if not several.size:
        return []
    if result.instance.graph.arrays.is_backward is not None:
        what = f"{int(several.sum())} nodes are {several.size} layers, forward and backward, each in one stage"
        return [f"layers       {what}; other tensors of the backward pass go to any stage"]
    ran = "1 kernel, in one stage" if several.size == 1 else f"{several.size} kernels, each in one stage"
    what = f"{int(several.sum())} nodes run as {ran}"
    return [f"kernels      {what}: bounds and certificate are of such partitions"]


def _limit(result: Result, limiting: LimitingNode) -> str:
    """Say which one node is the bottleneck, and of how much work."""
    name = names.node(result.instance.graph, limiting.node)
    return f"{name}: this node holds {numbers.percent(limiting.share_of_work)} of the work, and cannot be cut"


def _stay(result: Result, stay: Stay) -> str:
    """Say what moves from the plan, and what staying near it costs."""
    nodes = f"{stay.num_nodes} of {result.instance.graph.num_nodes} nodes move, {numbers.size(stay.param_bytes)}"
    more = result.bottleneck / stay.best - 1 if stay.best else 0.0
    price = "for no more than the best" if more <= 0 else f"for {numbers.percent(more)} more than the best"
    return f"{nodes} of parameters, {price} (slack {numbers.percent(stay.slack)})"


def _grounds(result: Result) -> str:
    """Say what found the lower bound, and how much of it the checker proves again within few steps."""
    best = max(result.bounds, key=lambda bound: bound.ticks)
    certain = next(bound for bound in result.bounds if bound.method == "combinatorial")
    if certain.ticks == best.ticks:
        return "found by arithmetic, which slicegraph check repeats"
    graph = result.problem.graph
    if graph.num_nodes + len(graph.arrays.consumers) > _MOST_ENTRIES:
        return f"found by {best.method}; not checked again here, for the graph is large: slicegraph check does"
    proved = check(graph, result.certificate, budget=_STEPS)
    if proved.verdict == "verified":
        return f"proved again by the checker: {proved.proved_by}"
    sure = f"{numbers.time(proved.lower_bound)} within {_STEPS:,} steps"
    return f"found by {best.method}; the checker proves {sure}, and slicegraph check has more"
