"""The definitions, in plain Python with exact integers; slow, and sharing no code with what it checks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass
class Ticks:
    """An instance in ticks, from the raw facts of a native graph file."""

    tick: float
    work: list[int]
    transfer: list[int]
    params: list[int]
    memory: int | None


def snap(data: dict[str, Any], device: dict[str, Any]) -> Ticks:
    """Snap all costs to the smallest power of two for which they add up to less than 2^52."""
    nodes, tensors = data["nodes"], data["tensors"]
    work = nodes.get("work") or roofline(nodes, device)
    transfer = [size / device["bandwidth"] for size in tensors["size"]]
    params = [0.0] * len(work)
    if device.get("memory") is not None:
        rate = device.get("overflow_bandwidth") or device["bandwidth"]
        params = [size / rate for size in nodes["param_bytes"]]
    terms = [*work, *transfer, *transfer, *params]
    exponent = -1022
    if any(terms):
        # Small enough to fail, so that the loop finds the least one that does not.
        exponent = max(exponent, max(int(term.hex().split("p")[1]) for term in terms if term) - 60)
    while sum(round(term / 2.0**exponent) for term in terms) >= 2**52:
        exponent += 1
    tick = 2.0**exponent

    def ticks(seconds: Sequence[float]) -> list[int]:
        return [round(value / tick) for value in seconds]

    memory = None
    if device.get("memory") is not None:
        # More than 2^52 ticks is more than all parameters take.
        memory = round(
            min(device["memory"] / (device.get("overflow_bandwidth") or device["bandwidth"]) / tick, 2.0**52)
        )
    return Ticks(tick, ticks(work), ticks(transfer), ticks(params), memory)


def roofline(nodes: dict[str, Any], device: dict[str, Any]) -> list[float]:
    """Seconds per node: what computes or what moves, whichever is longer; a view takes none."""
    seconds = []
    for node, flops in enumerate(nodes["flops"]):
        moved = sum(nodes[key][node] for key in ("read_bytes", "write_bytes") if key in nodes)
        is_view = nodes.get("is_view", [0] * (node + 1))[node]
        seconds.append(0.0 if is_view else max(flops / device["flops"], moved / device["memory_bandwidth"]))
    return seconds


def is_acyclic(data: dict[str, Any], block_of: Sequence[int]) -> bool:
    """Whether no tensor runs to an earlier block."""
    tensors = data["tensors"]
    return all(
        producer < 0 or block_of[producer] <= block_of[consumer]
        for producer, consumers in zip(tensors["producer"], tensors["consumers"], strict=True)
        for consumer in consumers
    )


def block_costs(
    data: dict[str, Any],
    ticks: Ticks,
    block_of: Sequence[int],
    num_blocks: int,
    *,
    boundary_io: bool = False,
    memory_limit: int | None = None,
) -> list[dict[str, int | None]]:
    """Work, io_in, io_out, overflow and cost of every block up to the last with a node; None above the limit."""
    tensors = data["tensors"]
    outputs = tensors.get("is_output") or [False] * len(tensors["size"])
    rows = []
    for block in range(min(num_blocks, max(block_of) + 1)):
        inside = {node for node, b in enumerate(block_of) if b == block}
        io_in = io_out = 0
        for x, (producer, consumers) in enumerate(zip(tensors["producer"], tensors["consumers"], strict=True)):
            read_here = any(node in inside for node in consumers)
            read_elsewhere = any(node not in inside for node in consumers)
            if read_here and producer not in inside and (producer >= 0 or boundary_io):
                io_in += ticks.transfer[x]
            if producer in inside and (read_elsewhere or (boundary_io and outputs[x])):
                io_out += ticks.transfer[x]
        work = sum(ticks.work[node] for node in inside)
        overflow = 0 if ticks.memory is None else max(0, sum(ticks.params[node] for node in inside) - ticks.memory)
        cost: int | None = work + io_in + io_out + overflow
        if memory_limit is not None and sum(data["nodes"]["param_bytes"][node] for node in inside) > memory_limit:
            cost = None
        rows.append({"work": work, "io_in": io_in, "io_out": io_out, "overflow": overflow, "cost": cost})
    return rows


def cut_tensors(
    data: dict[str, Any], block_of: Sequence[int], *, boundary_io: bool = False
) -> list[tuple[int, int | None, list[int]]]:
    """Tensors that are paid: which, the block that makes it or None, the blocks that import it; by block and index."""
    tensors = data["tensors"]
    outputs = tensors.get("is_output") or [False] * len(tensors["size"])
    rows = []
    for x, (producer, consumers) in enumerate(zip(tensors["producer"], tensors["consumers"], strict=True)):
        home = None if producer < 0 else block_of[producer]
        importers = sorted({block_of[node] for node in consumers} - {home})
        if (home is None and boundary_io and importers) or (
            home is not None and (importers or (boundary_io and outputs[x]))
        ):
            rows.append((x, home, importers))
    return sorted(rows, key=lambda row: (-1 if row[1] is None else row[1], row[0]))


def partitions(data: dict[str, Any], num_blocks: int) -> Iterator[tuple[int, ...]]:
    """All acyclic partitions."""
    num_nodes = len(data["nodes"]["op"])
    every = itertools.product(range(num_blocks), repeat=num_nodes)
    return (block_of for block_of in every if is_acyclic(data, block_of))


def bottleneck(rows: list[dict[str, int | None]]) -> float:
    """The most expensive block's cost; infinite above the memory limit."""
    costs = [row["cost"] for row in rows]
    return max(float("inf") if cost is None else cost for cost in costs)


def optimum(data: dict[str, Any], ticks: Ticks, num_blocks: int, **options: Any) -> float:
    """The least bottleneck of all acyclic partitions, in ticks."""
    return min(
        bottleneck(block_costs(data, ticks, block_of, num_blocks, **options))
        for block_of in partitions(data, num_blocks)
    )
