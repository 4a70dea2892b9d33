"""Numbers with units, as they are typed: ``64GB``, ``300GB/s``, ``312TFLOPS``, ``5ms``, ``5%``; plain ones are SI."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction

_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?)\s*([^\d\s.].*)", re.ASCII)
_RANGE = re.compile(r"([0-9]{1,9})(?:\.\.([0-9]{1,9}))?")
_MOST = 2**20
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


def gap(text: str) -> float:
    """Read a fraction from 0 to 1."""
    value = fraction(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not from 0 to 1, or 0% to 100%")
    return value


def rates(text: str) -> float | dict[str, float]:
    """Read operations per second, or a table of them by type of number: ``fp32=19.5TFLOPS,bf16=312TFLOPS``."""
    if "=" not in text:
        return flops(text)
    table: dict[str, float] = {}
    for pair in text.split(","):
        key, _, rate = pair.partition("=")
        if key in table:
            raise argparse.ArgumentTypeError(f"{text!r} has two rates of {key}")
        table[key] = flops(rate)
    return table


def stages(text: str) -> list[int]:
    """Read stages from 0 and ranges of them: ``2``, ``0,3``, ``0..2``."""
    found: set[int] = set()
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is None or not int(match[1]) <= int(match[2] or match[1]) < _MOST:
            raise argparse.ArgumentTypeError(f"{part!r} is neither a stage nor a range of stages, such as 0..3")
        found.update(range(int(match[1]), int(match[2] or match[1]) + 1))
    return sorted(found)


def several(unit: Callable[[str], float]) -> Callable[[str], list[float]]:
    """Read numbers between commas, each once."""

    def read(text: str) -> list[float]:
        return list(dict.fromkeys(unit(part) for part in text.split(",")))

    return read


def target(text: str) -> float:
    """Read a time, or a throughput such as 200/s as the time between two: seconds, above 0."""
    match = _NUMBER.fullmatch(text.strip())
    try:
        value = float(1 / Fraction(match[1])) if match is not None and match[2] == "/s" else seconds(text)
    except (argparse.ArgumentTypeError, ArithmeticError):
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no time or throughput above 0, such as 5ms or 200/s")
    return value


def whole_numbers(text: str) -> list[int]:
    """Read whole numbers from 1 to 2^20 and ranges of them: ``1..64``, ``2,4,8``, ``1..16,32,64``."""
    numbers: set[int] = set()
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is None:
            raise argparse.ArgumentTypeError(f"{part!r} is neither a whole number nor a range, such as 1..64")
        first, last = int(match[1]), int(match[2] or match[1])
        if not 1 <= first <= last <= _MOST:
            raise argparse.ArgumentTypeError(f"{part!r}: numbers are from 1 to 2^20, the smaller first")
        numbers.update(range(first, last + 1))
    return sorted(numbers)
