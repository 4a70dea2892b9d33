"""Whole numbers that a module computes of numbers alone, as the counter of a loop: they are worked out.

Others are not: how they are rounded is up to the device.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from jaxlib.mlir import ir
from numpy.typing import NDArray

from slicegraph.formats.stablehlo.attributes import integer, integers, word
from slicegraph.formats.stablehlo.values import Array

Numbers = NDArray[Any]
"""Whole numbers or truth values, as an array of few."""

Rule = Callable[..., Any]

_MOST: Final = 4096
_WHOLE: Final = frozenset({"bool", *(f"{kind}int{bits}" for kind in ("", "u") for bits in (8, 16, 32, 64))})


def rule_of(op: Any, made: Array) -> Rule | None:  # noqa: ANN401 - MLIR's bindings have types of their own
    """Give what makes an operation's one result of whole numbers; None: it is of another kind, or makes many.

    The rule takes the operands and gives the result, or raises ArithmeticError, TypeError or ValueError.
    """
    if made.dtype not in _WHOLE or made.numel > _MOST or len(op.results) != 1:
        return None
    dialect, _, name = op.name.partition(".")
    if dialect != "stablehlo":
        return None
    inner = _SHAPED[name](op, made) if name in _SHAPED else _RULES.get(name)
    return None if inner is None else _typed(inner, made)


def numbers_of(rule: Rule | None, given: Sequence[Numbers | None]) -> Numbers | None:
    """Apply a rule to what is known; None: that is not all, or it gives no numbers."""
    known = [each for each in given if each is not None]
    if rule is None or len(known) != len(given):
        return None
    with np.errstate(all="ignore"):  # whole numbers wrap around, as on a device
        try:
            made: Numbers = rule(*known)
        except (ArithmeticError, IndexError, TypeError, ValueError):
            return None
    return made


def _typed(rule: Rule, made: Array) -> Rule:
    return lambda *given: np.asarray(rule(*given)).astype(made.dtype).reshape(made.shape)


def _constant(op: Any, made: Array) -> Rule | None:  # noqa: ANN401 - see above
    value: Any = op.attributes["value"]
    if not isinstance(value, ir.DenseIntElementsAttr | ir.DenseElementsAttr):
        return None
    if value.is_splat:
        splat: Any = value.get_splat_value()
        number = splat.value
        return lambda: np.full(made.shape, number)
    if not isinstance(value, ir.DenseIntElementsAttr):
        return None
    numbers = np.array([value[index] for index in range(made.numel)])
    return lambda: numbers


def _comparison(op: Any, _made: Array) -> Rule | None:  # noqa: ANN401 - see above
    return _COMPARISONS.get(word(op, "comparison_direction"))


def _iota(op: Any, made: Array) -> Rule:  # noqa: ANN401 - see above
    axis = integer(op, "iota_dimension")
    return lambda: np.indices(made.shape)[axis]


def _broadcast(op: Any, made: Array) -> Rule:  # noqa: ANN401 - see above
    axes = integers(op, "broadcast_dimensions")

    def broadcast(value: Numbers) -> Numbers:
        shape = [1] * len(made.shape)
        for axis, size in zip(axes, value.shape, strict=True):
            shape[axis] = size
        return np.broadcast_to(value.reshape(shape), made.shape)

    return broadcast


def _slice(op: Any, _made: Array) -> Rule:  # noqa: ANN401 - see above
    bounds = (integers(op, key) for key in ("start_indices", "limit_indices", "strides"))
    parts = tuple(slice(*each) for each in zip(*bounds, strict=True))
    return lambda value: value[parts]


def _dynamic_slice(_op: Any, made: Array) -> Rule:  # noqa: ANN401 - see above
    def taken(value: Numbers, *starts: Numbers) -> Numbers:
        places = begins(starts, value.shape, made.shape)
        return value[tuple(slice(place, place + size) for place, size in zip(places, made.shape, strict=True))]

    return taken


def begins(starts: Sequence[Numbers], whole: Sequence[int], part: Sequence[int]) -> tuple[int, ...]:
    """Give where a slice begins that may not end outside."""
    triples = zip(starts, whole, part, strict=True)
    return tuple(min(max(0, int(start)), size - length) for start, size, length in triples)


def _concatenate(op: Any, _made: Array) -> Rule:  # noqa: ANN401 - see above
    axis = integer(op, "dimension")
    return lambda *parts: np.concatenate(parts, axis)


def _reverse(op: Any, _made: Array) -> Rule:  # noqa: ANN401 - see above
    axes = tuple(integers(op, "dimensions"))
    return lambda value: np.flip(value, axes)


def _same(value: Numbers) -> Numbers:
    return value


def _quotient(left: Numbers, right: Numbers) -> Any:  # noqa: ANN401 - numbers of any width
    """Divide towards zero."""
    if left.shape or not right:
        raise ZeroDivisionError
    return abs(int(left)) // abs(int(right)) * (1 if (left < 0) == (right < 0) else -1)


def _remainder(left: Numbers, right: Numbers) -> Any:  # noqa: ANN401 - numbers of any width
    """Give what is left of a division: it has the sign of the dividend."""
    if not np.all(right):
        raise ZeroDivisionError
    return np.fmod(left, right)


_COMPARISONS: Final[Mapping[str, Rule]] = {
    "EQ": np.equal,
    "GE": np.greater_equal,
    "GT": np.greater,
    "LE": np.less_equal,
    "LT": np.less,
    "NE": np.not_equal,
}
_SHAPED: Final[Mapping[str, Callable[[Any, Array], Rule | None]]] = {
    "broadcast_in_dim": _broadcast,
    "compare": _comparison,
    "concatenate": _concatenate,
    "constant": _constant,
    "dynamic_slice": _dynamic_slice,
    "iota": _iota,
    "reverse": _reverse,
    "slice": _slice,
}
"""Rules that need an operation's attributes or the shape of what it makes."""
_RULES: Final[Mapping[str, Rule]] = {
    "add": np.add,
    "and": np.bitwise_and,
    "clamp": lambda low, value, high: np.minimum(np.maximum(low, value), high),
    "convert": _same,
    "divide": _quotient,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "multiply": np.multiply,
    "negate": np.negative,
    "not": np.invert,
    "or": np.bitwise_or,
    "remainder": _remainder,
    "reshape": _same,
    "select": np.where,
    "sign": np.sign,
    "subtract": np.subtract,
    "xor": np.bitwise_xor,
}
