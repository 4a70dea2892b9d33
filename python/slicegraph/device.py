"""What runs a stage: rates and memory of one pipeline device, and presets with their sources."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeGuard

import numpy as np

from slicegraph import checks
from slicegraph.errors import InputError

_RATES = ("bandwidth", "flops", "memory_bandwidth", "overflow_bandwidth")
_BYTES = ("memory", "memory_limit")
_MAX_BYTES = 2**53


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """One pipeline device; all stages run on devices of one kind.

    Attributes
    ----------
    bandwidth
        Bytes per second between a stage and the memory that the stages share.
    flops, memory_bandwidth
        Operations per second, and bytes per second between the device and its own memory. Needed only for graphs that
        do not give work in seconds: a node's work is then the roofline
        ``max(flops / device.flops, (read_bytes + write_bytes) / device.memory_bandwidth)``, and 0 for a view.
    memory
        Bytes of parameters that stay resident. None: all of them.
    overflow_bandwidth
        Bytes per second at which parameters beyond ``memory`` are streamed in again for every batch. None:
        ``bandwidth``, as in the paper.
    memory_limit
        Bytes of parameters that a stage may hold at most. None: no limit.

    Raises
    ------
    InputError
        When a figure is missing, not positive or not finite.

    Examples
    --------
    >>> import slicegraph as sg
    >>> sg.Device(bandwidth=64e9).bandwidth
    64000000000.0
    >>> sg.Device.preset("edgetpu").memory
    8388608
    """

    bandwidth: float
    flops: float | None = None
    memory_bandwidth: float | None = None
    memory: int | None = None
    overflow_bandwidth: float | None = None
    memory_limit: int | None = None

    def __post_init__(self) -> None:
        for name in _RATES:
            value = _plain(getattr(self, name))
            if value is None and name != "bandwidth":
                continue
            if not _is_number(value) or not (0 < value <= sys.float_info.max):
                raise InputError(f"device: {name} {value!r} is not a positive finite number")
            object.__setattr__(self, name, float(value))
        for name in _BYTES:
            value = _plain(getattr(self, name))
            if value is None:
                continue
            if not _is_number(value) or not (0 <= value <= _MAX_BYTES) or value != int(value):
                raise InputError(f"device: {name} {value!r} is not a whole number of bytes from 0 to 2^53")
            object.__setattr__(self, name, int(value))

    @classmethod
    def preset(cls, name: str) -> Self:
        """Give a well-known device; see `PRESETS` for names and sources."""
        if not isinstance(name, str) or name not in PRESETS:
            raise InputError(f"device: no preset {name!r}, but {', '.join(PRESETS)}")
        return cls(**PRESETS[name])

    @classmethod
    def from_mapping(cls, figures: Mapping[str, Any]) -> Self:
        """Give the device that a file describes; unknown keys are ignored."""
        names = {field.name for field in dataclasses.fields(cls)}
        known = {name: value for name, value in checks.mapping("device", figures).items() if name in names}
        if "bandwidth" not in known:
            raise InputError("device: bandwidth is missing, and a device has one")
        return cls(**known)

    def to_mapping(self) -> dict[str, float | int]:
        """Give the figures that are set, by name."""
        figures = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: value for name, value in figures.items() if value is not None}


def _plain(value: object) -> object:
    """Give a scalar of numpy as Python's own, of which comparisons do not overflow."""
    return value.item() if isinstance(value, np.integer | np.floating) else value


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


PRESETS: Mapping[str, Mapping[str, Any]] = {
    # The device of this project's benchmarks. It is nobody's product.
    "testbed": {"flops": 50e12, "memory_bandwidth": 1e12, "bandwidth": 64e9},
    # NVIDIA A100 80GB SXM datasheet: 312 TFLOPS dense BF16, 2,039 GB/s HBM2e, 80 GB; NVLink 3 moves 600 GB/s in both
    # directions together, so 300 GB/s in one.
    "a100": {"flops": 312e12, "memory_bandwidth": 2.039e12, "bandwidth": 300e9, "memory_limit": 80_000_000_000},
    # NVIDIA H100 SXM datasheet: 989 TFLOPS dense BF16, 3.35 TB/s HBM3, 80 GB; NVLink 4 moves 900 GB/s both ways.
    "h100": {"flops": 989e12, "memory_bandwidth": 3.35e12, "bandwidth": 450e9, "memory_limit": 80_000_000_000},
    # Coral Edge TPU, M.2 datasheet: 4 TOPS int8, PCIe Gen2 x1 (500 MB/s after 8b/10b coding), which also streams in
    # the parameters that do not fit the 8 MB on chip (coral.ai, "Edge TPU compiler": about 8 MB of SRAM). On-chip
    # bandwidth is not published: 4 TOPS from an array of 64 x 64 multipliers (Boroumand et al., PACT 2021) is a clock
    # of 488 MHz, at which one byte for each of 64 rows is 31.25 GB/s.
    "edgetpu": {
        "flops": 4e12,
        "memory_bandwidth": 31.25e9,
        "bandwidth": 500e6,
        "memory": 8 * 2**20,
        "overflow_bandwidth": 500e6,
    },
}
"""Figures of well-known devices by name; the sources stand beside them."""
