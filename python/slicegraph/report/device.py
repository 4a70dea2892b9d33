"""A device as it was measured, for people."""

from __future__ import annotations

from collections.abc import Mapping

from slicegraph.report import numbers
from slicegraph.report.screen import Screen, Table
from slicegraph.stages.this_machine import Measured


def device_to_text(measured: Measured) -> str:
    """Give a row for each figure with its spread, and how well one line fits the copies."""
    screen, device = Screen(), measured.device
    table = Table(heads=("figure", "measured", "spread"), left=("figure",))
    rates = device.flops if isinstance(device.flops, Mapping) else {}
    rows = [(f"flops {key}", f"{rate / 1e9:.4g} GFLOPS") for key, rate in rates.items()]
    rows += [
        ("memory_bandwidth", f"{(device.memory_bandwidth or 0.0) / 1e9:.4g} GB/s"),
        ("bandwidth", f"{device.bandwidth / 1e9:.4g} GB/s"),
        ("latency", numbers.time(device.latency)),
    ]
    for name, value in rows:
        table.add((name, value, numbers.percent(measured.spread[name])))
    screen.show(table)
    sizes = f"{numbers.size(int(measured.copies.size[0]))} to {numbers.size(int(measured.copies.size[-1]))}"
    error = numbers.percent(measured.fit_error)
    screen.say(f"one thread; a transfer takes latency + bytes / bandwidth, within {error} of copies of {sizes}")
    screen.say("single operators are off by more than that; slicegraph profile measures a model itself")
    return screen.text
