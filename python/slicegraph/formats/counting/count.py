"""The counts of one operation, and whether they are a guess."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple


class Count(NamedTuple):
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


def guess(operands: Sequence[tuple[int, ...]], made: Sequence[tuple[int, ...]]) -> Count:
    """Guess what an operation without a rule computes, from the shapes of what may be factors and of what it makes.

    Two operands of two axes or more that are neither like the first output nor broadcast to it may be multiplied: a
    product of matrices of a, b and c elements takes exactly ``2 sqrt(a b c)``.  All else counts one for each element
    that is made.  What it moves is not known here: that raises the guess (`slicegraph.formats.facts.priced`).
    """
    elements = sum(math.prod(shape) for shape in made)
    factors = sorted(math.prod(shape) for shape in operands if len(shape) > 1)[-2:]
    strangers = [shape for shape in operands if len(shape) > 1 and made and not _is_broadcast(shape, made[0])]
    if len(factors) > 1 and strangers:
        elements = max(elements, 2 * math.isqrt(math.prod(factors) * math.prod(made[0])))
    return Count(flops=elements, is_guess=True)


def _is_broadcast(shape: tuple[int, ...], made: tuple[int, ...]) -> bool:
    pairs = zip(reversed(shape), reversed(made), strict=False)
    return len(shape) <= len(made) and all(one in {1, other} for one, other in pairs)
