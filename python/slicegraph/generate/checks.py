"""What the families ask of their parameters."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from slicegraph.errors import InputError


def check_counts(least: int = 1, /, **counts: int) -> None:
    """Refuse what is not a whole number or below ``least``."""
    for name, value in counts.items():
        if not _is_whole(value) or value < least:
            raise InputError(f"{name} = {value!r}, but it is a whole number of at least {least}")


def check_seed(seed: int) -> None:
    """Refuse what is not from 0 to 2^64 - 1."""
    if not _is_whole(seed) or not 0 <= seed < 2**64:
        raise InputError(f"seed = {seed!r}, but it is a whole number from 0 to 2^64 - 1")


def check_probabilities(**probabilities: float) -> None:
    """Refuse what is not from 0 to 1."""
    for name, value in probabilities.items():
        if not _is_number(value) or not 0 <= value <= 1:
            raise InputError(f"{name} = {value!r}, but it is a probability, from 0 to 1")


def check_positive(**numbers: float) -> None:
    """Refuse what is not a positive finite number."""
    for name, value in numbers.items():
        if not _is_number(value) or not (value > 0 and math.isfinite(value)):
            raise InputError(f"{name} = {value!r}, but it is a positive finite number")


def check_choice(name: str, value: str, choices: Iterable[str]) -> None:
    """Refuse what is not one of a few words."""
    words = list(choices)
    if not isinstance(value, str) or value not in words:
        raise InputError(f"{name} = {value!r}, but it is one of {', '.join(words)}")


def _is_whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
