"""What operations take by definition, from plain numbers: each written once, for the tables of all readers.

The counts are conventions, not measurements: 2 for a multiply-accumulate, 1 more for a bias, 5 per element to
normalise, 1 per element for all that works element by element, 0 for what only moves data.  All are operations on real
numbers: one on complex numbers counts as those that it is made of.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

NORMALISING = 5
"""For each element that is normalised: by a softmax, or by mean and variance."""

ROTATING = 3
"""For each element that is rotated by its position: two products and a sum."""

COMPLEX_ACCUMULATE = 4
"""Real multiply-accumulates of one of complex numbers."""

COMPLEX_PRODUCT = 6
"""Real operations of a product of two complex numbers: four products and two sums; also of a quotient."""

COMPLEX_SUM = 2
"""Real operations of all else on a complex number: one on each of its parts."""

_GATES = {"lstm": 13, "gru": 11, "rnn": 2}
"""For each unit and step: sums of both halves, activations, and what the gates multiply and add."""


def products(outputs: int, inner: int, *, added: int = 0) -> int:
    """Sum ``inner`` products for each output, then do ``added`` more to it, as with a bias or an activation."""
    return outputs * (2 * inner + added)


def convolution(outputs: int, inputs: int, channels: tuple[int, int], window: int, *, groups: int | None) -> int:
    """Sum one group's channels and the kernel for each output, or, transposed, spread each input over them.

    Parameters
    ----------
    outputs, inputs
        Elements.
    channels
        Of the kernel: input channels of one group, and all output channels.
    window
        Elements of the kernel for a pair of channels.
    groups
        Of a transposed one; None: it is not transposed.
    """
    if groups is None:
        return products(outputs, channels[0] * window)
    return 2 * inputs * channels[1] // groups * window


def attention(scores: int, width: int, value_width: int) -> int:
    """Make scores from keys of some width, normalise them, and take the mean of the values."""
    return scores * (2 * width + NORMALISING + 2 * value_width)


def shown(queries: int, keys: int, *, before: int, left: int, right: int) -> int:
    """Count the pairs of a query and a key that a sliding window shows.

    Parameters
    ----------
    queries, keys
        How many there are.
    before
        How many keys come before the one of the first query.
    left, right
        How many keys each query sees before and after its own; below 0: all.

    Notes
    -----
    O(queries).
    """
    total = 0
    for own in range(before, before + queries):
        first = max(0, own - left) if left >= 0 else 0
        last = min(keys - 1, own + right) if right >= 0 else keys - 1
        total += max(0, last - first + 1)
    return total


def einsum(terms: Sequence[Sequence[str]], lengths: Mapping[str, int], result: Collection[str]) -> int:
    """Contract operands from left to right, each index summed as soon as no later operand has it.

    One operand costs an addition for each element that is summed away; two cost a multiplication for each combination
    of their indices, and as many additions when any is summed.

    Parameters
    ----------
    terms
        The indices of each operand.
    lengths
        How long each index is.
    result
        The indices that are left.
    """
    if not terms:
        return 0
    if len(terms) == 1:
        return math.prod(lengths[index] for index in set(terms[0])) if set(terms[0]) - set(result) else 0
    flops, done = 0, set(terms[0])
    for position, term in enumerate(terms[1:], start=2):
        joint = done | set(term)
        done = joint & set(result).union(*terms[position:])
        flops += math.prod(lengths[index] for index in joint) * (2 if joint - done else 1)
    return flops


def recurrence(steps: int, weights: int, *, biases: int, hidden: int, kind: str) -> int:
    """Multiply with all weights, add all biases and run the gates, once per step and sample.

    Parameters
    ----------
    steps
        Steps of all samples.
    weights, biases
        Elements, of all layers and directions.
    hidden
        Units of all layers and directions.
    kind
        ``"lstm"``, ``"gru"`` or ``"rnn"``.
    """
    return steps * (2 * weights + biases + _GATES[kind] * hidden)


def deformable(outputs: int, sampled: int, kernel: int, *, added: int) -> int:
    """Convolve what is interpolated from four neighbours for each element of each window.

    Parameters
    ----------
    outputs
        Elements that are made.
    sampled
        Elements of all windows together: channels, points of the kernel and places.
    kernel
        Elements of one filter.
    added
        What is added to each output, as a bias.
    """
    return products(outputs, kernel, added=added) + interpolation(sampled, 2, 2)


def distances(pairs: int, width: int, *, has_root: bool) -> int:
    """Subtract, square and add over all coordinates of each pair of points."""
    return pairs * (3 * width + has_root)


def suppression(boxes: int, kept: int) -> int:
    """Compare each box with those kept so far, at about 10 operations for an overlap."""
    return 10 * boxes * kept


def comparisons(elements: int, kept: int) -> int:
    """Sort: log2 of the number kept, for each element."""
    return elements * max(1, math.ceil(math.log2(max(1, kept))))


def transforms(length: int, count: int) -> int:
    """Run some Fourier transforms: 5 N log2 N for each, as is customary."""
    return count * math.ceil(5 * length * math.log2(max(2, length)))


def elimination(elements: int, size: int) -> int:
    """Factorise square matrices of so many elements together: two thirds of n^3 for each."""
    return 2 * elements * size // 3


def inverse(elements: int, size: int) -> int:
    """Invert square matrices of so many elements together: 2 n^3 for each."""
    return 2 * elements * size


def substitution(outputs: int, size: int) -> int:
    """Solve triangular systems: n^2 for each column of what is made."""
    return outputs * size


def orthogonalisation(elements: int, size: int) -> int:
    """Factorise into an orthogonal and a triangular matrix, by reflections."""
    return 2 * elements * size


def interpolation(outputs: int, width: int, axes: int) -> int:
    """Multiply-accumulate over the neighbours of each output, ``width`` along each axis; 0: it only picks one."""
    return 2 * width**axes * outputs if width and axes else 0


def resampling(before: Sequence[int], after: Sequence[int], width: int, *, is_smoothing: bool) -> int:
    """Interpolate along each axis that changes; where elements get fewer, smoothing takes as many more neighbours.

    Parameters
    ----------
    before, after
        Lengths of the axes.
    width
        Neighbours along an axis; 0: it only picks one.
    is_smoothing
        It filters what it leaves out (antialiasing).
    """
    changes = [(old, new) for old, new in zip(before, after, strict=False) if old != new]
    wider = [max(1.0, old / max(1, new)) for old, new in changes] if is_smoothing else []
    return math.ceil(interpolation(math.prod(after), width, len(changes)) * math.prod(wider))


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
