"""What a measurement of a model says, for people and for programs."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator

from slicegraph.errors import printable
from slicegraph.graph import Graph
from slicegraph.report import numbers
from slicegraph.report.clocks import parting
from slicegraph.report.screen import Screen, Table
from slicegraph.stages.clocks import Clocks
from slicegraph.stages.onnx.events import CASTS, CONSTANTS, OPERATORS
from slicegraph.stages.onnx.timing import Timing

_ROWS = 10
_MEANING = {
    CASTS: "conversions to another float that onnxruntime put in",
    CONSTANTS: "nodes that depend on constants alone",
    OPERATORS: "operators that onnxruntime put in",
}


def profile_to_text(graph: Graph, timing: Timing) -> str:
    """Give a row for each of the most expensive operators, and how their sum compares to the whole."""
    screen = Screen()
    total = _work(graph)
    screen.say(f"{printable(graph.name) or 'graph'}: {graph.num_nodes} nodes, {graph.num_tensors} tensors")
    screen.show(_operators(graph))
    how = f"medians of {_runs(timing)}"
    if timing.num_kernels is not None:
        how = f"as {_count(timing.num_kernels, 'kernel')}, lower quartiles of {_runs(timing)}"
    screen.say(f"nodes        {numbers.time(total)}: the sum of what each takes, {how}")
    for label, clocks, meaning in (
        ("whole model", timing.latency, "not profiled, node by node as in the graph"),
        ("optimized", timing.optimized_latency, "with onnxruntime's optimizations, which fuse nodes"),
    ):
        screen.say(f"{label:<12} {_clocks(clocks, timing.threads)}: {meaning}")
    if (device := graph.arrays.device) is not None:
        line = f"{numbers.time(device.get('latency', 0.0))} and {device['bandwidth'] / 1e9:.4g} GB/s"
        screen.say(f"transfers    {line}: copies of the sizes that the model's tensors have")
    return screen.text


def profile_to_json(graph: Graph, timing: Timing) -> str:
    """Give one object as one line; what was not measured is null."""
    return json.dumps(
        {
            "graph": {
                "name": graph.name,
                "num_nodes": graph.num_nodes,
                "num_tensors": graph.num_tensors,
                "digest": graph.structure_digest,
            },
            "onnxruntime": timing.version,
            "runs": timing.num_runs,
            "interrupted": timing.is_interrupted,
            "node_seconds": _work(graph),
            "kernels": timing.num_kernels,
            "device": graph.arrays.device,
            "latency": timing.latency and timing.latency.wall,
            "optimized_latency": timing.optimized_latency and timing.optimized_latency.wall,
            "cpu": {
                "profiled": timing.clocks and timing.clocks.cpu,
                "latency": timing.latency and timing.latency.cpu,
                "optimized_latency": timing.optimized_latency and timing.optimized_latency.cpu,
            },
            "replaced": list(timing.replaced),
            "replaced_seconds": timing.replaced_seconds,
            "other_seconds": dict(timing.other_seconds),
            "operators": [
                {"op": op, "num_nodes": count, "seconds": seconds} for op, count, seconds in _by_operator(graph)
            ],
        },
        allow_nan=False,
    )


def notes(graph: Graph, timing: Timing) -> Iterator[str]:
    """Say, a line each, what was not measured node by node."""
    if timing.is_interrupted:
        yield f"interrupted: what is given rests on {_runs(timing)}"
    parted = [clocks for clocks in (timing.clocks, timing.latency, timing.optimized_latency) if clocks]
    if timing.threads == 1 and (worst := max(parted, key=lambda one: one.wall - one.cpu, default=None)):
        yield from parting("a run", worst.wall, worst.cpu)
    if timing.replaced:
        kinds = Counter(graph.arrays.op[node] for node in timing.replaced)
        listed = ", ".join(f"{count} {op}" for op, count in kinds.most_common())
        yield (
            f"{_count(len(timing.replaced), 'node')} never ran as such ({listed}): the "
            f"{numbers.time(timing.replaced_seconds)} of what ran instead are shared out by the bytes that each moves"
        )
    total = _work(graph) + sum(timing.other_seconds.values())
    for kind, seconds in timing.other_seconds.items():
        yield f"{numbers.time(seconds)} of {numbers.time(total)} ran in {_MEANING[kind]}: no node's work"


def _clocks(clocks: Clocks | None, threads: int) -> str:
    """Give a time on the wall and, where one thread ran, that of the processor."""
    if clocks is None:
        return "not measured"
    return numbers.time(clocks.wall) + (f", {numbers.time(clocks.cpu)} of it on the processor" if threads == 1 else "")


def _operators(graph: Graph) -> Table:
    table = Table(heads=("operator", "nodes", "time", "share"), left=("operator",))
    rows = _by_operator(graph)
    total = _work(graph)
    for op, count, seconds in rows[:_ROWS]:
        share = numbers.percent(seconds / total if total else 0.0)
        table.add((printable(op), str(count), numbers.time(seconds), share))
    if rest := rows[_ROWS:]:
        count, seconds = sum(row[1] for row in rest), sum(row[2] for row in rest)
        share = numbers.percent(seconds / total if total else 0.0)
        table.add((f"{len(rest)} others", str(count), numbers.time(seconds), share))
    return table


def _by_operator(graph: Graph) -> list[tuple[str, int, float]]:
    """Sum nodes up by operator, the most expensive first: how many, and their seconds."""
    each: dict[str, list[float]] = {}
    for op, seconds in zip(graph.arrays.op, _seconds(graph), strict=True):
        each.setdefault(op, []).append(seconds)
    rows = [(op, len(seconds), math.fsum(seconds)) for op, seconds in each.items()]
    return sorted(rows, key=lambda row: (-row[2], row[0]))


def _seconds(graph: Graph) -> list[float]:
    work = graph.arrays.work
    return [] if work is None else [float(seconds) for seconds in work]


def _work(graph: Graph) -> float:
    return math.fsum(_seconds(graph))


def _runs(timing: Timing) -> str:
    return _count(timing.num_runs, "run")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
