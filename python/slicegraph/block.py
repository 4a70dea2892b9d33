"""What one block of a partition pays and holds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class BlockCost:
    """What one block pays, in seconds.

    Attributes
    ----------
    work
        Its nodes' work.
    io_in
        Tensors made elsewhere and read here, each once.
    io_out
        Tensors made here and read elsewhere, each once.
    overflow
        Streaming in the parameters beyond the device's memory.
    cost
        The sum of the four, or on a device that overlaps them the larger of ``work + overflow`` and
        ``io_in + io_out``; infinite above the memory limit.
    param_bytes
        Bytes of parameters, those that several nodes read once.
    state_bytes
        Bytes that its nodes keep from one run to the next.
    live_bytes
        The most bytes of tensors that are alive while one of its nodes runs, as the graph says.
    """

    work: float
    io_in: float
    io_out: float
    overflow: float
    cost: float
    param_bytes: int
    state_bytes: int = 0
    live_bytes: int = 0
