"""What is counted of one operation, and whether anybody knows how."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Count:
    """What one run of an operation computes, its bodies apart.

    Attributes
    ----------
    flops
        Floating-point operations.
    is_guess
        There is no rule for the operator.
    """

    flops: int
    is_guess: bool = False


def guess(num_elements: int) -> Count:
    """Guess what an operation without a rule computes: one for each element that it makes.

    Its bytes are known, so a device's roofline prices it by what it moves, which is more than this as a rule.
    """
    return Count(flops=num_elements, is_guess=True)
