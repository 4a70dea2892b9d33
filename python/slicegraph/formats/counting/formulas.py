"""What operations take by definition, from plain numbers: each written once, for the tables of all readers.

The counts are conventions, not measurements: 2 for a multiply-accumulate, 1 more for a bias, 5 per element to
normalise, 1 per element for all that works element by element, 0 for what only moves data.
"""

from __future__ import annotations

import math

NORMALISING = 5
"""For each element that is normalised: by a softmax, or by mean and variance."""

ROTATING = 3
"""For each element that is rotated by its position: two products and a sum."""


def products(outputs: int, inner: int, *, added: int = 0) -> int:
    """Sum ``inner`` products for each output, then do ``added`` more to it, as with a bias or an activation."""
    return outputs * (2 * inner + added)


def attention(scores: int, width: int, value_width: int) -> int:
    """Make scores from keys of some width, normalise them, and take the mean of the values."""
    return scores * (2 * width + NORMALISING + 2 * value_width)


def comparisons(elements: int, kept: int) -> int:
    """Sort: log2 of the number kept, for each element."""
    return elements * max(1, math.ceil(math.log2(max(1, kept))))


def transforms(length: int, count: int) -> int:
    """Run some Fourier transforms: 5 N log2 N for each, as is customary."""
    return count * math.ceil(5 * length * math.log2(max(2, length)))


def elimination(elements: int, size: int) -> int:
    """Factorise square matrices of so many elements together: two thirds of n^3 for each."""
    return 2 * elements * size // 3


def interpolation(outputs: int, width: int, axes: int) -> int:
    """Multiply-accumulate over the neighbours of each output, ``width`` along each axis; 0: it only picks one."""
    return 2 * width**axes * outputs if width and axes else 0


def experts(tokens: int, *, chosen: int, width: int, inner: int, projections: int, added: int) -> int:
    """Run a mixture of experts: each token goes through the few that are chosen for it, whatever their number.

    Parameters
    ----------
    tokens
        How many there are.
    chosen
        Experts for each token.
    width, inner
        Of a token outside and inside an expert.
    projections
        Matrices of an expert: 2, or 3 where the activation has a gate.
    added
        What else is done for each token and expert: biases, the activation, the weighted sum.
    """
    return tokens * chosen * (2 * projections * width * inner + added)
