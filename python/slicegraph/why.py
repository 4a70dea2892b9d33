"""Why an answer is not better: which stages bind, what the lower bound rests on, and what would change it."""

from __future__ import annotations

import dataclasses
import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slicegraph import checks
from slicegraph.cost import Instance
from slicegraph.errors import InputError
from slicegraph.evidence.bound import Bound
from slicegraph.explanation import Explanation, WhatIf
from slicegraph.graph import Graph, fields
from slicegraph.lower_bound import lower_bound
from slicegraph.report import names
from slicegraph.requirements import plain
from slicegraph.result import Result
from slicegraph.solve.solve import solve
from slicegraph.stop import MaxRuntime

_log = logging.getLogger(__name__)
_MORE_MEMORY = 1.1
_NODE_SECONDS = 2.0
"""Seconds of a minimum cut for each node; not measured."""


def explain(result: Result, *, time_limit: float = 10.0, threads: int | None = None) -> Explanation:
    """Say why a result is not better, and solve the problem with one thing changed at a time.

    Parameters
    ----------
    result
        Of `solve` or `audit`, with a partition.
    time_limit
        Seconds for all changed problems together.
    threads
        Worker threads. None: one per processor.

    Raises
    ------
    InputError
        When the result has no partition, its problem has unlike stages or constraints, or a parameter is out of range.

    Examples
    --------
    >>> import slicegraph as sg
    >>> graph = sg.Graph(work=[4, 1], producer=[0], size=[0], consumers=[1], consumer_offsets=[0, 1])
    >>> result = sg.solve(sg.Instance(graph, device=sg.Device(bandwidth=64), num_blocks=2))
    >>> why = sg.explain(result)
    >>> why.binding, why.rests_on, why.node
    ((0,), 'node', 0)
    >>> [(each.change, each.bottleneck) for each in why.what_ifs][-1]
    ('node 0 split into two equal halves', 3.0)
    """
    checks.instance_of("result", result, Result)
    rule = "seconds are not negative"
    limit = checks.number(f"time_limit = {time_limit!r:.80}", time_limit, rule)
    if not (result.instance.by_kernel and not result.instance.constraints):
        plain(result.instance, "explain")
    if not result.block_of.size:
        raise InputError("result: it has no partition, so there is none to explain")
    rests_on, method, node = _grounds(result)
    changes = _changes(result, node)
    what_ifs = []
    for change, instance in changes:
        _log.info("what if: %s", change)
        found = solve(instance, stop=MaxRuntime(limit / len(changes)), threads=threads)
        what_ifs.append(WhatIf(change=change, bottleneck=found.bottleneck, lower_bound=found.lower_bound))
    binding = tuple(stage for stage, block in enumerate(result.block_costs) if block.cost == result.bottleneck)
    return Explanation(binding=binding, rests_on=rests_on, method=method, node=node, what_ifs=tuple(what_ifs))


def _grounds(result: Result) -> tuple[str, str, int | None]:
    """Say what the best bound rests on, the simplest first.

    A node that a bound names may be a group of merged nodes, so the graph as it is is asked.
    """
    instance = result.instance
    best = max(result.bounds, key=lambda bound: bound.ticks)
    if instance.by_kernel and instance.graph.arrays.kernel is not None:
        return _grounds_by_kernel(instance, instance.graph.arrays.kernel, best)
    node = int(np.argmax(instance.work))
    if int(instance.work[node]) == best.ticks:
        return "node", "combinatorial", node
    if instance.core.combinatorial_bound() == best.ticks:
        return "work", "combinatorial", None
    alone = lower_bound(instance, method="node", time_limit=_NODE_SECONDS)
    if alone.node is not None and alone.node.lower_bound >= best.ticks:
        return "node", "node", alone.node.node
    return "search", best.method, None


def _grounds_by_kernel(instance: Instance, kernel: NDArray[np.int64], best: Bound) -> tuple[str, str, int | None]:
    """Say likewise what the best bound rests on; of a kernel, its heaviest node is named."""
    number = np.unique(kernel, return_inverse=True)[1]
    total = np.zeros(number.max(initial=-1) + 1, np.int64)
    np.add.at(total, number, instance.work)
    heaviest = int(total.argmax())
    if int(total[heaviest]) == best.ticks:
        members = np.flatnonzero(number == heaviest)
        return "node", "combinatorial", int(members[instance.work[members].argmax()])
    is_work = instance.core.combinatorial_bound() == best.ticks
    return ("work", "combinatorial", None) if is_work else ("search", best.method, None)


def _changes(result: Result, node: int | None) -> list[tuple[str, Instance]]:
    """Give the changed problems, in words and as instances; those that cannot matter are left out."""
    instance = result.instance
    device, graph = instance.device, instance.graph
    changes = []

    def add(change: str, **changed: object) -> None:
        known = {"device": device, "num_blocks": instance.num_blocks, "boundary_io": instance.boundary_io}
        arguments = {"graph": graph} | known | changed
        changes.append((change, Instance(**arguments)))  # type: ignore[arg-type] # one dict for arguments of all types

    if instance.transfer.any():
        # Parameters stream in as fast as before.
        streaming = device.overflow_bandwidth or device.bandwidth
        faster = dataclasses.replace(device, bandwidth=2 * device.bandwidth, overflow_bandwidth=streaming)
        add("link twice as fast", device=faster)
        if device.latency:
            add("latency gone", device=dataclasses.replace(device, latency=0.0))
    if instance.num_blocks < graph.num_nodes:
        add("one more stage", num_blocks=instance.num_blocks + 1)
    if instance.memory_limit is not None or any(block.overflow for block in result.block_costs):
        more: dict[str, Any] = {
            name: int(size * _MORE_MEMORY)
            for name in ("memory", "memory_limit")
            if (size := getattr(device, name)) is not None
        }
        add("memory + 10 %", device=dataclasses.replace(device, **more))
    # A kernel is not split by splitting one of its nodes.
    if node is not None and not instance.by_kernel:
        add(f"{names.node(graph, node)} split into two equal halves", graph=_halved(instance, node))
    return changes


def _halved(instance: Instance, node: int) -> Graph:
    """Give the graph with two nodes in place of one: the first reads, the second writes, for free."""
    arrays = instance.graph.arrays
    num_nodes = instance.graph.num_nodes
    data = fields(arrays)
    work = np.append(instance.work, 0) * instance.tick
    work[node] = work[-1] = instance.work[node] * instance.tick / 2
    producer = np.where(arrays.producer == node, num_nodes, arrays.producer)
    data |= {"work": work, "producer": np.append(producer, node), "size": np.append(arrays.size, 0)}
    data |= {"consumers": np.append(arrays.consumers, num_nodes), "is_guess": None, "is_view": None}
    data["consumer_offsets"] = np.append(arrays.consumer_offsets, arrays.consumers.size + 1)
    data |= dict.fromkeys(("flops", "read_bytes", "write_bytes", "node_name", "tensor_name", "kernel", "is_backward"))
    rows = arrays.transfer_on
    data["transfer_on"] = rows and {kind: np.append(seconds, 0.0) for kind, seconds in rows.items()}
    data["op"] = (*arrays.op, arrays.op[node])
    if arrays.is_output is not None:
        data["is_output"] = np.append(arrays.is_output, False)
    if arrays.param_bytes is not None:
        half = int(arrays.param_bytes[node]) // 2
        data["param_bytes"] = np.append(arrays.param_bytes, half)
        data["param_bytes"][node] -= half
    if arrays.state_bytes is not None:
        data["state_bytes"] = np.append(arrays.state_bytes, 0)
    if arrays.live_bytes is not None:
        data["live_bytes"] = np.append(arrays.live_bytes, arrays.live_bytes[node])
    if arrays.dtype is not None:
        data["dtype"] = (*arrays.dtype, arrays.dtype[node])
    if arrays.work_on is not None:
        halves = {kind: np.append(seconds, seconds[node] / 2) for kind, seconds in arrays.work_on.items()}
        for seconds in halves.values():
            seconds[node] = seconds[-1]
        data["work_on"] = halves
    return Graph(**data)
