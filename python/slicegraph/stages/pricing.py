"""The machine at hand as the device of a model that was measured on it: its copies, and rates that fit."""

from __future__ import annotations

import dataclasses

from slicegraph.device import Device
from slicegraph.formats.arrays import GraphArrays
from slicegraph.stages.copies import measure_copies


def priced(arrays: GraphArrays) -> GraphArrays:
    """Give a graph that has measured work a device: one thread of this machine.

    Latency and bandwidth are fitted to copies of the sizes that the graph's tensors have. The rates are those at which
    its operations and its bytes would take what was measured: for verbs that use the device without the graph.

    Notes
    -----
    Takes a tenth of a second or two, and 128 MiB.
    """
    latency, bandwidth, _ = measure_copies().line(arrays.size)
    work = 0.0 if arrays.work is None else float(arrays.work.sum())
    flops = 0.0 if arrays.flops is None else float(arrays.flops.sum())
    moved = float(sum(column.sum() for column in (arrays.read_bytes, arrays.write_bytes) if column is not None))
    is_known = work > 0 and flops > 0 and moved > 0
    device = Device(
        latency=latency,
        bandwidth=bandwidth,
        flops=flops / work if is_known else None,
        memory_bandwidth=moved / work if is_known else None,
    )
    return dataclasses.replace(arrays, device=device.to_mapping())
