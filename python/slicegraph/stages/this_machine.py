"""The machine at hand as a device: figures that were measured, with their spread."""

from __future__ import annotations

import importlib.util
import json
import os
import platform
from dataclasses import dataclass
from typing import Any

import numpy as np

from slicegraph import checks
from slicegraph.device import Device
from slicegraph.errors import InputError
from slicegraph.formats.writing import write_file
from slicegraph.stages.copies import Copies, measure_copies


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """A device as it was measured.

    Attributes
    ----------
    device
        Its figures.
    spread
        Of each figure, by its name, of a table of rates by type (``"flops fp32"``): the difference of the quartiles
        over the median.
    copies
        The copies that latency and bandwidth were fitted to.
    fit_error
        The largest relative error of that fit.
    """

    device: Device
    spread: dict[str, float]
    copies: Copies
    fit_error: float

    @property
    def document(self) -> dict[str, Any]:
        """What a device file holds: the figures, and beside them, for people, how they were found."""
        rows = zip(*(column.tolist() for column in (self.copies.size, self.copies.seconds)), strict=True)
        found = {
            "spread": self.spread,
            "fit_error": self.fit_error,
            "copies": [{"bytes": size, "seconds": seconds} for size, seconds in rows],
            "threads": 1,
            "processor": platform.processor() or platform.machine(),
        }
        return {"name": self.device.name, **self.device.to_mapping(), "measured": found}

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the device file, which ``--device FILE.json`` takes.

        Raises
        ------
        InputError
            When it cannot be written.
        """
        write_file(checks.path("path", path), (json.dumps(self.document, indent=1, allow_nan=False) + "\n").encode())


def measure_this_machine() -> Measured:
    """Measure this machine's processor, with one thread: see `slicegraph.Device.measure`.

    Raises
    ------
    InputError
        onnxruntime is not installed.
    """
    if any(importlib.util.find_spec(name) is None for name in ("onnx", "onnxruntime")):
        raise InputError("measuring a device takes the onnxruntime package; pip install slicegraph[onnxruntime]")
    from slicegraph.stages.onnx.rates_here import copy_rate, product_rates  # noqa: PLC0415 - loads onnxruntime

    rates, own = product_rates(), copy_rate()
    copies = measure_copies()
    latency, bandwidth, error = copies.line()
    device = Device(
        flops={key: rate.value for key, rate in rates.items()},
        memory_bandwidth=own.value,
        latency=latency,
        bandwidth=bandwidth,
        name="this machine",
    )
    spread = {f"flops {key}": rate.spread for key, rate in rates.items()}
    middle = float(np.median(copies.spread))
    spread |= {"memory_bandwidth": own.spread, "latency": middle, "bandwidth": middle}
    return Measured(device=device, spread=spread, copies=copies, fit_error=error)
