"""Unlike stages and constraints by definition, in plain Python with exact integers."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Sequence
from typing import Any

import hypothesis
import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from numpy.typing import NDArray

import oracle
import slicegraph as sg
from strategies import graphs, shared, to_graph


@st.composite
def kinds(draw: DrawFn, num_nodes: int) -> tuple[list[dict[str, Any]], dict[str, list[float]]]:
    """One to three kinds of devices, and the measured work that some of them name."""
    names = draw(st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3, unique=True))
    rows: dict[str, list[float]] = {}
    devices = []
    for name in names:
        device: dict[str, Any] = {"bandwidth": draw(st.sampled_from([1.0, 3.0, 64e9]))}
        device |= {"flops": draw(st.sampled_from([7.0, 11.0])), "memory_bandwidth": 3.0}
        if draw(st.booleans()):
            device["latency"] = draw(st.sampled_from([0.5, 1e-3]))
        if draw(st.booleans()):
            device["overlap"] = True
        if draw(st.booleans()):
            device["memory"] = draw(st.integers(0, 12))
        if draw(st.integers(0, 3)) == 0:
            device["memory_limit"] = draw(st.integers(6, 40))
        if draw(st.integers(0, 2)) == 0:
            device["work"] = name
            seconds = st.sampled_from([0.0, 1.0, 1 / 3, 5.0, math.nan])
            rows[name] = draw(st.lists(seconds, min_size=num_nodes, max_size=num_nodes))
        devices.append(device)
    return devices, rows


@st.composite
def instances(draw: DrawFn, *, max_nodes: int = 4, max_blocks: int = 3) -> sg.Instance:
    """Stages of one to three kinds under constraints; parameters of several readers, state and live tensors.

    There need not be a partition. Where constraints leave some node no stage, there are none.
    """
    data = draw(graphs(max_nodes=max_nodes))
    num_nodes = len(data["nodes"]["op"])
    of_kinds, rows = draw(kinds(num_nodes))

    def column(values: st.SearchStrategy[int]) -> Any:
        return draw(st.none() | st.lists(values, min_size=num_nodes, max_size=num_nodes))

    nodes = st.sets(st.integers(0, num_nodes - 1))
    readers = draw(st.lists(nodes.map(sorted), max_size=2))
    columns: dict[str, Any] = {"state_bytes": column(st.integers(0, 4)), "live_bytes": column(st.integers(0, 4))}
    if readers:
        columns |= shared([draw(st.integers(0, 8)) for _ in readers], readers)
    graph = to_graph(data, work_on=rows or None, **columns)
    devices = [sg.Device(**each) for each in draw(st.lists(st.sampled_from(of_kinds), min_size=1, max_size=max_blocks))]
    boundary_io = draw(st.booleans())
    stages = st.sets(st.integers(0, len(devices) - 1), min_size=1)
    pin = dict(draw(st.lists(st.tuples(st.integers(0, num_nodes - 1), stages), max_size=2)))
    together = [group for group in [sorted(draw(nodes))] if group]
    for constraints in (sg.Constraints(pin=pin, together=together), sg.Constraints()):
        with contextlib.suppress(sg.InputError):
            return sg.Instance(graph, devices=devices, constraints=constraints, boundary_io=boundary_io)
    return hypothesis.reject()


def partitions(instance: sg.Instance) -> list[tuple[NDArray[np.int64], list[float]]]:
    """Every partition that constraints allow, with the ticks of its blocks; infinite above a limit."""
    every = []
    for block_of in itertools.product(range(instance.num_blocks), repeat=instance.graph.num_nodes):
        with contextlib.suppress(sg.InputError):
            blocks = instance.core.block_costs(np.array(block_of, np.int64))
            every.append((np.array(block_of), [math.inf if block.cost is None else block.cost for block in blocks]))
    return every


def optimum(instance: sg.Instance) -> float:
    """Ticks of the least bottleneck of all partitions; infinite when there is none."""
    return min((max(costs) for _, costs in partitions(instance)), default=math.inf)


def to_unlike(data: dict[str, Any], devices: Sequence[dict[str, Any]], rows: Any, **more: Any) -> sg.Instance:
    """The instance of native data on a device for each stage."""
    graph = to_graph(data, work_on=rows or None)
    return sg.Instance(graph, devices=[sg.Device(**device) for device in devices], **more)


def in_seconds(data: dict[str, Any], device: dict[str, Any], rows: Any) -> dict[str, list[float]]:
    """Work of each node, transfer of each tensor and streaming of each node's parameters on one device."""
    nodes = data["nodes"]
    work = rows[device["work"]] if "work" in device else nodes.get("work") or oracle.roofline(nodes, device)
    size = data["tensors"]["size"]
    rate = device.get("overflow_bandwidth") or device["bandwidth"]
    return {
        "work": list(work),
        "transfer": [device.get("latency", 0.0) + each / device["bandwidth"] if each else 0.0 for each in size],
        "params": [each / rate if "memory" in device else 0.0 for each in nodes["param_bytes"]],
    }


def tick_of(seconds: Sequence[dict[str, list[float]]]) -> float:
    """The smallest power of two in which the largest of each cost add up to less than 2^52."""

    def most(name: str) -> list[float]:
        columns = zip(*(row[name] for row in seconds), strict=True)
        return [max((each for each in column if not math.isnan(each)), default=0.0) for column in columns]

    terms = [*most("work"), *most("transfer"), *most("transfer"), *most("params")]
    exponent = max([-1022, *(math.frexp(term)[1] - 60 for term in terms if term)])
    while sum(round(term / 2.0**exponent) for term in terms) >= 2**52:
        exponent += 1
    return 2.0**exponent


def block_costs(
    data: dict[str, Any], devices: Sequence[dict[str, Any]], rows: Any, block_of: Sequence[int], *, boundary_io: bool
) -> list[float]:
    """Ticks that every block costs up to the last with a node; infinite where a device cannot run it or hold it."""
    seconds = [in_seconds(data, device, rows) for device in devices]
    tick = tick_of(seconds)
    tensors, outputs = data["tensors"], data["tensors"]["is_output"]
    costs = []
    for block in range(max(block_of) + 1):
        device, own = devices[block], seconds[block]
        inside = [node for node, each in enumerate(block_of) if each == block]
        if any(math.isnan(own["work"][node]) for node in inside):
            costs.append(math.inf)
            continue
        ticks = {name: [0 if math.isnan(s) else round(s / tick) for s in column] for name, column in own.items()}
        io = 0
        for x, (maker, readers) in enumerate(zip(tensors["producer"], tensors["consumers"], strict=True)):
            is_in = any(node in inside for node in readers) and maker not in inside and (maker >= 0 or boundary_io)
            leaves = any(node not in inside for node in readers) or (boundary_io and outputs[x])
            io += ticks["transfer"][x] * (is_in + (maker in inside and leaves))
        memory = round(min(device["memory"] / device["bandwidth"] / tick, 2.0**52)) if "memory" in device else 2**52
        held = sum(ticks["params"][node] for node in inside)
        over = max(0, held - memory)
        work = sum(ticks["work"][node] for node in inside)
        cost = max(work + over, io) if device.get("overlap") else work + io + over
        stored = sum(data["nodes"]["param_bytes"][node] for node in inside)
        costs.append(math.inf if stored > device.get("memory_limit", math.inf) else cost)
    return [cost if math.isinf(cost) else cost * tick for cost in costs]


def can_be(devices: Sequence[dict[str, Any]], rows: Any, block_of: Sequence[int]) -> bool:
    """Whether the device of every node's block can run it."""
    pairs = itertools.chain(enumerate(block_of))
    return not any("work" in devices[b] and math.isnan(rows[devices[b]["work"]][node]) for node, b in pairs)
