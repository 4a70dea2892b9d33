"""Numbers with units, as they are typed: ``64GB``, ``300GB/s``, ``312TFLOPS``, ``5ms``, ``5%``; plain ones are SI."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping
from decimal import Decimal

_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?)\s*([^\d\s.].*)", re.ASCII)
_DECIMAL = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15, "E": 10**18}
_BINARY = {f"{prefix}i": 2 ** (10 * power) for power, prefix in enumerate("KMGTPE", start=1)}

_BYTES: Mapping[str, int | Decimal] = {f"{prefix}B": factor for prefix, factor in (_DECIMAL | _BINARY).items()}
_BYTES_PER_SECOND = {f"{unit}/s": factor for unit, factor in _BYTES.items()}
_FLOPS = {f"{prefix}{unit}": factor for unit in ("FLOPS", "FLOP/s") for prefix, factor in _DECIMAL.items()}
_SECONDS: Mapping[str, int | Decimal] = {
    "ns": Decimal("1e-9"),
    "us": Decimal("1e-6"),
    "\u00b5s": Decimal("1e-6"),  # the micro sign
    "\u03bcs": Decimal("1e-6"),  # the Greek letter
    "ms": Decimal("1e-3"),
    "s": 1,
    "min": 60,
    "h": 3600,
}


def _reader(what: str, units: Mapping[str, int | Decimal], examples: str) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            return float(text)
        except ValueError:
            pass
        match = _NUMBER.fullmatch(text.strip())
        if match is None or match[2] not in units:
            raise argparse.ArgumentTypeError(f"{text!r} is not {what}: a number, alone or with a unit, as {examples}")
        # In decimals, so that 0.1ms is what 1e-4 is; the exponent has three digits, so no number is too long.
        return float(Decimal(match[1]) * units[match[2]])

    return read


num_bytes = _reader("a number of bytes", _BYTES, "64GB or 8MiB")
"""Reads bytes."""
bytes_per_second = _reader("a bandwidth", _BYTES_PER_SECOND, "300GB/s or 64GiB/s")
"""Reads bytes per second."""
flops = _reader("a rate of operations", _FLOPS, "312TFLOPS or 4TFLOP/s")
"""Reads operations per second."""
seconds = _reader("a time", _SECONDS, "5ms, 90s or 2min")
"""Reads seconds."""
fraction = _reader("a fraction", {"%": Decimal("0.01")}, "5%")
"""Reads a fraction: 0.05 or 5%."""
