"""The costs of blocks on one kind of device, in ticks, from the definition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CAPACITY = 2**52
"""More ticks than any block within the limits costs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Costs:
    """The costs of all nodes and tensors on one kind of device.

    Attributes
    ----------
    work, params
        Per node: ticks that it runs, 0 where the kind cannot run it, and in which its own parameters and state stream
        in.
    transfer
        Per tensor.
    stored
        Per parameter that several nodes read: ticks in which it streams in.
    memory
        Ticks in which what stays resident would stream in; None: all stays.
    memory_limit, state_limit
        Bytes of one device, of all that it holds and of state alone; None when there is no such limit, or it has room
        for all.
    is_overlap
        Whether a block pays the larger of what it runs and what it moves, not their sum.
    """

    work: list[int]
    transfer: list[int]
    params: list[int]
    stored: list[int]
    memory: int | None
    memory_limit: int | None
    state_limit: int | None
    is_overlap: bool

    @property
    def is_free(self) -> bool:
        """Whether what a block holds plays no part."""
        return self.memory is None and self.memory_limit is None and self.state_limit is None

    def overflow(self, params: int) -> int:
        """Give the ticks to stream in what a block of so many parameters cannot keep."""
        return 0 if self.memory is None else max(0, params - self.memory)

    def busy(self, work: int, io: int, overflow: int) -> int:
        """Give what a block costs within the limits."""
        return max(work + overflow, io) if self.is_overlap else work + io + overflow

    def excess(self, size: int, state: int) -> str:
        """Say which limit so many bytes exceed; nothing when they exceed none."""
        if self.memory_limit is not None and size > self.memory_limit:
            return f"holds {size} bytes of parameters, above memory_limit = {self.memory_limit}"
        if self.state_limit is not None and state > self.state_limit:
            return f"holds {state} bytes of state, above memory = {self.state_limit}"
        return ""

    def facts(self) -> dict[str, Any]:
        """Give what tells these costs from others."""
        return {name: getattr(self, name) for name in Costs.__slots__}


@dataclass(kw_only=True, slots=True)
class Held:
    """What a block holds.

    Attributes
    ----------
    params
        Ticks in which it would stream in.
    size
        Bytes of parameters, each once, and of state.
    state
        Bytes of state.
    live
        The most bytes of tensors that are alive while one of its nodes runs.
    """

    params: int = 0
    size: int = 0
    state: int = 0
    live: int = 0

    @property
    def peak(self) -> int:
        """Bytes that it holds at most at a time."""
        return self.size + self.live
