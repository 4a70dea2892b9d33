"""What one block of a partition pays and holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from slicegraph import _core


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

    @classmethod
    def of_core(cls, block: _core.BlockCost, seconds: Callable[[int | None], float]) -> Self:
        """Give a block of the core; ``seconds`` are those of a cost in ticks."""
        return cls(
            work=seconds(block.work),
            io_in=seconds(block.io_in),
            io_out=seconds(block.io_out),
            overflow=seconds(block.overflow),
            cost=seconds(block.cost),
            param_bytes=block.param_bytes,
            state_bytes=block.state_bytes,
            live_bytes=block.live_bytes,
        )

    @property
    def held(self) -> str:
        """What counts against a memory limit, in words: bytes of parameters, and of state and tensors if there are any.

        Examples
        --------
        >>> from slicegraph.block import BlockCost
        >>> paid = {"work": 1.0, "io_in": 0.0, "io_out": 0.0, "overflow": 0.0, "cost": 1.0}
        >>> BlockCost(**paid, param_bytes=90, live_bytes=5).held
        '95 bytes: 90 of parameters, 5 of tensors'
        """
        others = {"state": self.state_bytes, "tensors": self.live_bytes}
        parts = [f"{size} of {name}" for name, size in others.items() if size]
        if not parts:
            return f"{self.param_bytes} bytes of parameters"
        return f"{self.held_bytes} bytes: " + ", ".join([f"{self.param_bytes} of parameters", *parts])

    @property
    def held_bytes(self) -> int:
        """Bytes that count against a memory limit: parameters, state and tensors."""
        return self.param_bytes + self.state_bytes + self.live_bytes
