"""Where the clock on the wall and that of the processor part, which is worth a line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from slicegraph.report import numbers

_PARTED: Final = 1.1
"""Times on the wall over those of the processor from which on a machine was busy with other programs. Not tuned."""
_UNSEEN: Final = 1e-4
"""Seconds that make no difference. Not tuned."""


def parting(what: str, wall: float, cpu: float) -> Iterator[str]:
    """Say that a measurement was disturbed, if the clocks part by more than a tenth, and not by microseconds."""
    if wall > _PARTED * cpu + _UNSEEN:
        yield (
            f"the processor was shared with other programs: {what} took {numbers.time(wall)},"
            f" {numbers.time(cpu)} of it on the processor"
        )
