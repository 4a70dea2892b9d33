"""Inputs of the planner of Tarnawski et al., "Efficient Algorithms for Device Placement of DNN Graph Operators".

JSON, described in the README of https://github.com/msr-fiddle/dnn-partitioning (NeurIPS 2020). Its accelerators and
CPUs are the stages here; its cost of a stage, work and every tensor that crosses, is ours.

- ``fpgaLatency`` and ``cpuLatency`` are the measured work (``work_on``) of the kinds ``accelerator`` and ``cpu``, in
  milliseconds; a node that is not ``supportedOnFpga`` has none on an accelerator. A graph's work is ``fpgaLatency``.
- The ``cost`` of an edge is the time in milliseconds that the output of its source takes between an accelerator and
  the memory that all share; a CPU takes none. Both stand in ``transfer_on``. The output is one tensor, paid once by a
  stage however many nodes there read it. A graph holds bytes, too, so a tensor has as many as take that time at 1 GB/s,
  which is the ``bandwidth`` of the graph's device: exact to half a nanosecond.
- ``size`` is the memory that a node takes, so it stands for parameters, and ``maxSizePerFPGA`` is the ``memory_limit``
  of an accelerator, rounded down.
- ``maxFPGAs`` and ``maxCPUs`` are counts of devices, in any order; nodes of one ``colorClass`` are together. This is
  the machine of the graph, which a `slicegraph.Instance` has that is given no device. With a device and a number of
  stages it is left out, and with it colours: a partition may part them, but a lower bound holds with them, too.
- A node goes by its ``id``, as in that planner's own split files; its ``name`` is the operator.

With ``isBackwardNode`` it is a training graph: nodes of one colour are one layer, and what backward nodes make or read
runs in no order of stages (`slicegraph.formats.training`).  A backward node without a colour may be in any stage; that
planner gives it a forward node of its own, with the edges of the backward one turned round.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from slicegraph.errors import InputError
from slicegraph.formats.arrays import GraphArrays
from slicegraph.formats.planner import MAX_BYTES, graph_arrays
from slicegraph.formats.planner_json import Element, PlannerFile
from slicegraph.formats.training import with_loose_tensors

_BANDWIDTH = 1e9
_MILLISECONDS = 1e3
_MAX_DEVICES = 2**20


def read(path: Path) -> GraphArrays:
    """Read an input of that planner, compressed or not, in O(its length).

    Raises
    ------
    InputError
        When it cannot be read, is not JSON, or breaks a rule of the format.
    """
    file = PlannerFile(path)
    # A limit above what all bytes together may be is none.
    limit = int(min(file.head.amount("maxSizePerFPGA"), MAX_BYTES))
    work = [node.amount("fpgaLatency") / _MILLISECONDS for node in file.nodes]
    is_supported = [node.flag("supportedOnFpga") for node in file.nodes]
    tensors = file.tensors("cost", scale=_BANDWIDTH / _MILLISECONDS)
    figures = {"bandwidth": _BANDWIDTH, "memory_limit": limit}
    work_on = {"accelerator": [each if can else math.nan for each, can in zip(work, is_supported, strict=True)]}
    transfer_on = {"accelerator": [tensor.amount / _MILLISECONDS for tensor in tensors]}
    if "maxCPUs" in file.head:
        work_on["cpu"] = [node.amount("cpuLatency") / _MILLISECONDS for node in file.nodes]
        transfer_on["cpu"] = [0.0] * len(tensors)
    arrays = graph_arrays(
        path,
        op=file.names,
        node_name=file.ids,
        work=work,
        param_bytes=[node.whole_bytes("size") for node in file.nodes],
        tensors=tensors,
        # On devices that are all alike, none could run what no accelerator runs.
        device=figures if all(is_supported) else None,
        work_on=work_on,
        transfer_on=transfer_on,
        machine=_machine(file, figures),
    )
    is_backward = [_is_backward(node) for node in file.nodes]
    if not any(is_backward):
        return arrays
    layers: dict[int | None, int] = {None: -1}
    colours = [node.integer("colorClass") if "colorClass" in node else None for node in file.nodes]
    return with_loose_tensors(arrays, is_backward, [layers.setdefault(colour, len(layers)) for colour in colours])


def _is_backward(node: Element) -> bool:
    return "isBackwardNode" in node and node.flag("isBackwardNode")


def _machine(file: PlannerFile, figures: dict[str, Any]) -> dict[str, Any] | None:
    """Give the machine that a file names; None: it names none."""
    if "maxFPGAs" not in file.head and "maxCPUs" not in file.head:
        return None
    counts = {"accelerator": _count(file.head, "maxFPGAs"), "cpu": _count(file.head, "maxCPUs")}
    if not any(counts.values()):
        raise InputError(f"{file.head.culprit('maxFPGAs')} = 0 and maxCPUs = 0, but there is at least one device")
    devices = [
        {"name": name, "work": name, "transfer": name, "count": count, **figures}
        for name, count in counts.items()
        if count
    ]
    for device in devices:
        if device["name"] == "cpu":
            del device["memory_limit"]
    nodes_of: dict[int, list[int]] = {}
    for index, node in enumerate(file.nodes):
        if "colorClass" in node:
            nodes_of.setdefault(node.integer("colorClass"), []).append(index)
    together = [nodes for nodes in nodes_of.values() if len(nodes) > 1]
    return {"devices": devices, "order": "any", "together": together}


def _count(head: Element, key: str) -> int:
    count = head.integer(key)
    if not 0 <= count <= _MAX_DEVICES:
        raise InputError(f"{head.culprit(key)} = {count!r:.80} is not a number of devices from 0 to 2^20")
    return count
