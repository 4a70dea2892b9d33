"""What runs a stage: rates and memory of one pipeline device."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, TypeGuard

import numpy as np

from slicegraph import checks
from slicegraph.errors import InputError
from slicegraph.presets import PRESETS
from slicegraph.rates import Rates, is_rate, plain

_RATES = ("bandwidth", "flops", "memory_bandwidth", "overflow_bandwidth")
_BYTES = ("memory", "memory_limit")
_MAX_BYTES = 2**53
_MAX_LATENCY = 1e15


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """One pipeline device. Devices with equal figures are of one kind; a name is no figure.

    Attributes
    ----------
    bandwidth
        Bytes per second between a stage and the memory that the stages share.
    flops, memory_bandwidth
        Operations per second, and bytes per second between the device and its own memory. Needed only for graphs that
        do not give work in seconds: a node's work is then the roofline
        ``max(flops / device.flops, (read_bytes + write_bytes) / device.memory_bandwidth)``, and 0 for a view.
        ``flops`` may be a table by type of number, such as ``{"fp32": 19.5e12, "bf16": 312e12}``: each node runs at
        the rate of its type (`Graph`, ``dtype``). A node whose type the table lacks runs as the next wider type that
        it has, else at its slowest rate; a node without a type, or with an unknown one, at the rate of bf16, else
        of fp16, else of fp32, else of int8. See `slicegraph.rates.Rates`.
    memory
        Bytes of parameters that stay resident, less the state that the stage holds: state is never streamed, so a
        stage whose state alone is larger does not fit. None: all parameters stay.
    overflow_bandwidth
        Bytes per second at which parameters beyond ``memory`` are streamed in again for every batch. None:
        ``bandwidth``, as in the paper.
    memory_limit
        Bytes that a stage may hold at most: parameters, state and live tensors (`Graph`). None: no limit.
    latency
        Seconds that every transfer of a tensor takes before its first byte; a tensor of 0 bytes takes none.
    overlap
        Whether the device computes and transfers at the same time: a stage then costs
        ``max(work + overflow, io_in + io_out)`` rather than their sum.
    work
        The name of a row of the graph's measured work (`Graph`, ``work_on``), which counts instead of the roofline. A
        node of which the row says NaN cannot run on the device. None: no row.
    transfer
        The name of a row of the graph's measured transfers (`Graph`, ``transfer_on``), which count instead of latency
        and bandwidth. None: no row.
    name
        What reports call it. It makes no difference between devices.

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
    >>> sg.Device.preset("a100").flops["fp32"]
    19500000000000.0
    """

    bandwidth: float
    flops: float | Mapping[str, float] | None = None
    memory_bandwidth: float | None = None
    memory: int | None = None
    overflow_bandwidth: float | None = None
    memory_limit: int | None = None
    latency: float = 0.0
    overlap: bool = False
    work: str | None = None
    transfer: str | None = None
    name: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        for name in _RATES:
            value = getattr(self, name)
            if value is not None or name == "bandwidth":
                object.__setattr__(self, name, _rate(name, value))
        for name in _BYTES:
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, _bytes(name, value))
        object.__setattr__(self, "latency", _latency(self.latency))
        if not isinstance(self.overlap, bool | np.bool_):
            raise InputError(f"device: overlap {self.overlap!r:.80} is neither True nor False")
        object.__setattr__(self, "overlap", bool(self.overlap))
        for name in ("work", "transfer"):
            row = getattr(self, name)
            if row is not None and not (isinstance(row, str) and row):
                raise InputError(f"device: {name} {row!r:.80} is not the name of a row of the graph's {name}_on")
        if not isinstance(self.name, str):
            raise InputError(f"device: name {self.name!r:.80} is not a string")

    @classmethod
    def preset(cls, name: str) -> Self:
        """Give a well-known device; see `slicegraph.presets.PRESETS` for names and sources."""
        if not isinstance(name, str) or name not in PRESETS:
            raise InputError(f"device: no preset {name!r}, but {', '.join(PRESETS)}")
        return cls(**PRESETS[name], name=name)

    @classmethod
    def measure(cls) -> Device:
        """Measure the machine at hand, as one stage of a pipeline has it: one thread of the processor.

        ``flops`` is a table of what onnxruntime's matrix products reach, by the types that it multiplies here;
        ``memory_bandwidth`` what a copy of a large array does; ``latency`` and ``bandwidth`` are the line that fits
        copies of 4 KiB to 16 MiB between the memory that stages share and a stage's own, by least relative squares.
        Seconds are of the processor, lower quartiles over runs; `slicegraph.stages.this_machine` has the spread of
        each figure, which ``slicegraph device measure`` prints and writes.

        Such a roofline is for devices that are not at hand, and to compare devices: single operators are off by 18 to
        99 % in the median. Where the machine is at hand, `slicegraph.profile` measures the model itself.

        Raises
        ------
        InputError
            onnxruntime is not installed.

        Notes
        -----
        Takes a few seconds.

        Examples
        --------
        >>> import slicegraph as sg
        >>> instance = sg.Instance(graph, device=sg.Device.measure(), num_blocks=4)  # doctest: +SKIP
        """
        from slicegraph.stages.this_machine import measure_this_machine  # noqa: PLC0415 - measuring takes all of stages

        return measure_this_machine().device

    @classmethod
    def from_mapping(cls, figures: Mapping[str, Any]) -> Self:
        """Give the device that a file describes; unknown keys are ignored."""
        names = {each.name for each in dataclasses.fields(cls)}
        known = {name: value for name, value in checks.mapping("device", figures).items() if name in names}
        if "bandwidth" not in known:
            raise InputError("device: bandwidth is missing, and a device has one")
        return cls(**known)

    def to_mapping(self) -> dict[str, Any]:
        """Give the figures that are set, by name; a table of rates is a dictionary, and the device's name is none."""
        figures = {each.name: getattr(self, each.name) for each in dataclasses.fields(self) if each.compare}
        defaults = {each.name: each.default for each in dataclasses.fields(self)}
        return {
            name: dict(value) if isinstance(value, Rates) else value
            for name, value in figures.items()
            if value != defaults[name]
        }

    def for_types(self, dtype: Sequence[str] | None) -> Self:
        """Give the device as the nodes of a graph use it: without types all run at one rate."""
        if dtype is None and isinstance(self.flops, Rates):
            return dataclasses.replace(self, flops=self.flops.of(None))
        return self


def _rate(name: str, value: object) -> float | Rates:
    if name == "flops" and isinstance(value, Mapping):
        return Rates(value)
    value = plain(value)
    if not is_rate(value):
        raise InputError(f"device: {name} {value!r} is not a positive finite number")
    return float(value)


def _bytes(name: str, value: object) -> int:
    value = plain(value)
    if not _is_number(value) or not (0 <= value <= _MAX_BYTES) or value != int(value):
        raise InputError(f"device: {name} {value!r} is not a whole number of bytes from 0 to 2^53")
    return int(value)


def _latency(value: object) -> float:
    value = plain(value)
    if not _is_number(value) or not 0 <= value <= _MAX_LATENCY:
        raise InputError(f"device: latency {value!r} is not a number of seconds from 0 to 1e15")
    return float(value)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
