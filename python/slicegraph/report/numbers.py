"""Numbers as people read them."""

from __future__ import annotations

import math

_TIMES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))
_BYTES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B"))


def time(seconds: float) -> str:
    """Give a time with four digits and its unit."""
    if math.isinf(seconds):
        return "inf"
    return _scaled(seconds, _TIMES) if seconds else "0 s"


def size(num_bytes: int) -> str:
    """Give a byte count with four digits and its unit (powers of 1000)."""
    return _scaled(float(num_bytes), _BYTES)


def rate(bytes_per_second: float) -> str:
    """Give a bandwidth with four digits and its unit (powers of 1000)."""
    return f"{_scaled(bytes_per_second, _BYTES)}/s"


def count(number: int, what: str) -> str:
    """Give how many there are, of what has a plural in s: 1 node, 2 nodes."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def percent(fraction: float) -> str:
    """Give a fraction in percent; one that is not zero never reads as zero."""
    text = f"{fraction:.2%}"
    return "< 0.01%" if fraction > 0 and text == "0.00%" else text


def _scaled(value: float, units: tuple[tuple[float, str], ...]) -> str:
    scale, unit = next((pair for pair in units if value >= pair[0]), units[-1])
    return f"{value / scale:.4g} {unit}"
