"""The seconds of nodes, tensors and parameters on one kind of device, from a graph's arrays and a device's figures."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slicegraph.certificate.structure import PlacedError, expect
from slicegraph.formats.arrays import GraphArrays
from slicegraph.rates import Rates

_MAX_SECONDS = 1e15


@dataclass(frozen=True, kw_only=True, slots=True)
class Seconds:
    """Seconds on one kind of device.

    Attributes
    ----------
    work
        Per node; NaN where the kind cannot run it.
    transfer
        Per tensor.
    params
        Per node: what streaming in its own parameters and state takes; 0 without a memory to stream into.
    stored
        Per parameter that several nodes read: what streaming it in takes.
    """

    work: list[float]
    transfer: list[float]
    params: list[float]
    stored: list[float]


def seconds_on(arrays: GraphArrays, device: Mapping[str, Any]) -> Seconds:
    """Give the seconds on a device.

    Raises
    ------
    PlacedError
        When the device lacks a figure that the graph needs, or makes a cost that is no time.
    """
    work = _work(arrays, device)
    rate = device.get("overflow_bandwidth", device["bandwidth"])
    kept = zip(listed(arrays.param_bytes, len(work)), listed(arrays.state_bytes, len(work)), strict=True)
    has_memory = "memory" in device
    seconds = Seconds(
        work=work,
        transfer=_transfer(arrays, device),
        params=[(own + state) / rate if has_memory else 0.0 for own, state in kept],
        stored=[size / rate if has_memory else 0.0 for size in listed(arrays.param_size, 0)],
    )
    known = (each for each in work if not math.isnan(each))
    longest = max(itertools.chain(known, seconds.transfer, seconds.params, seconds.stored), default=0.0)
    expect(longest <= _MAX_SECONDS, f"with these figures something takes {longest} s, which is above 1e15 s")
    return seconds


def listed(array: Any, length: int) -> list[Any]:  # noqa: ANN401 - an array of any type, or None
    """Give an array's entries, or so many zeros."""
    return [0] * length if array is None else list(array.tolist())


def _work(arrays: GraphArrays, device: Mapping[str, Any]) -> list[float]:
    """Seconds per node: as measured or given, or what computes or what moves, whichever is longer; 0 for a view."""
    if "work" in device:
        return _row(arrays.work_on, device["work"], "work_on")
    if arrays.work is not None:
        given: list[float] = arrays.work.tolist()
        return given
    if arrays.flops is None:
        raise PlacedError("the graph gives neither work nor flops")
    for figure in ("flops", "memory_bandwidth"):
        expect(figure in device, f"{figure} is not given, but the graph gives no work in seconds")
    flops, rate = arrays.flops.tolist(), device["flops"]
    rates = [rate] * len(flops)
    if isinstance(rate, dict):
        table = Rates(rate)
        rates = [table.of(None)] * len(flops) if arrays.dtype is None else [table.of(dtype) for dtype in arrays.dtype]
    facts = zip(
        flops,
        rates,
        listed(arrays.read_bytes, len(flops)),
        listed(arrays.write_bytes, len(flops)),
        listed(arrays.is_view, len(flops)),
        strict=True,
    )
    return [
        0.0 if is_view else max(count / speed, (read + written) / device["memory_bandwidth"])
        for count, speed, read, written, is_view in facts
    ]


def _transfer(arrays: GraphArrays, device: Mapping[str, Any]) -> list[float]:
    """Seconds per tensor: as measured, or latency and size over bandwidth; nothing for what has no size."""
    if "transfer" in device:
        return _row(arrays.transfer_on, device["transfer"], "transfer_on")
    latency = device.get("latency", 0.0)
    return [latency + size / device["bandwidth"] if size else 0.0 for size in arrays.size.tolist()]


def _row(rows: Mapping[str, Any] | None, name: str, column: str) -> list[float]:
    expect(rows is not None and name in rows, f"the graph's {column} has no row {name!r:.80}")
    found: list[float] = (rows or {})[name].tolist()
    return found
