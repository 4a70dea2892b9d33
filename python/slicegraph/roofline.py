"""Seconds that each node runs and each tensor moves on a device that has more to say than one rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from slicegraph._core import Kind
from slicegraph.device import Device
from slicegraph.errors import InputError
from slicegraph.formats.arrays import GraphArrays
from slicegraph.rates import Rates


def work_seconds(arrays: GraphArrays, device: Device) -> NDArray[np.float64] | None:
    """Give the seconds of each node, NaN where the device cannot run it; None: as the graph or one rate says.

    They are the row of measured work that the device names, else, for a graph whose nodes have types and a device
    with rates by type, ``max(flops / rate, (read_bytes + write_bytes) / memory_bandwidth)``, and 0 for a view.

    Raises
    ------
    InputError
        When the graph has no such row, or the device lacks its memory's bandwidth.

    Notes
    -----
    O(nodes). The same arithmetic as the core's, to the bit.
    """
    if device.work is not None:
        return _row("work", device.work, arrays.work_on)
    if arrays.work is not None or arrays.flops is None or arrays.dtype is None or not isinstance(device.flops, Rates):
        return None
    if device.memory_bandwidth is None:
        raise InputError("device: memory_bandwidth is not given, but the graph gives no work in seconds")
    moved = np.zeros(len(arrays.flops), np.int64)
    for column in (arrays.read_bytes, arrays.write_bytes):
        moved += 0 if column is None else column
    # What is too long to be a time is refused with the node's name, where all times are.
    with np.errstate(over="ignore"):
        seconds = np.maximum(arrays.flops / device.flops.per_node(arrays.dtype), moved / device.memory_bandwidth)
    return seconds if arrays.is_view is None else np.where(arrays.is_view, 0.0, seconds)


def make_kind(arrays: GraphArrays, device: Device, work: NDArray[np.float64] | None) -> Kind:
    """Give a device to the core, with the seconds of each node as `work_seconds` gives them.

    Raises
    ------
    InputError
        When the graph lacks the row of measured transfers that the device names.
    """
    figures = device.for_types(None)
    return Kind(
        bandwidth=figures.bandwidth,
        flops=figures.flops,  # type: ignore[arg-type] # one rate
        memory_bandwidth=figures.memory_bandwidth,
        memory=figures.memory,
        overflow_bandwidth=figures.overflow_bandwidth,
        memory_limit=figures.memory_limit,
        latency=figures.latency,
        overlap=figures.overlap,
        work=work,
        transfer=None if device.transfer is None else _row("transfer", device.transfer, arrays.transfer_on),
    )


def can_run(tables: Sequence[NDArray[np.float64] | None], kind_of: Sequence[int]) -> dict[int, list[bool]]:
    """Give, for each node that some kind of device cannot run, whether each stage's can."""
    lacking = {kind: np.isnan(table) for kind, table in enumerate(tables) if table is not None}
    nodes = np.flatnonzero(np.logical_or.reduce(list(lacking.values()))) if lacking else np.empty(0, np.int64)
    return {
        int(node): [kind not in lacking or not bool(lacking[kind][node]) for kind in kind_of] for node in nodes.tolist()
    }


def _row(figure: str, name: str, rows: Mapping[str, NDArray[np.float64]] | None) -> NDArray[np.float64]:
    """Give the row of a graph's table that a device names."""
    if rows and name in rows:
        return rows[name]
    known = f"but {', '.join(map(repr, rows))}" if rows else "nor any"
    raise InputError(f"device: {figure} {name!r:.80}: the graph's {figure}_on has no such row, {known}")
