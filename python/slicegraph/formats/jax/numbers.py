"""Whole numbers that a program computes of numbers alone, as the counter of a loop: they are worked out.

Others are not: how they are rounded is up to the device.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from jax.extend.core import Jaxpr, JaxprEqn, Literal, Var
from numpy.typing import NDArray

from slicegraph.formats.jax.avals import dtype, shape
from slicegraph.formats.jax.calls import called

Number = np.generic
"""One whole number or truth value of any width."""

Rows = NDArray[Any]
"""A list of such numbers."""

_MOST_ROWS: Final = 4096
MOST_TRIPS: Final = 100_000
"""How often the condition of a loop is tried before its trips count as not known: some seconds at most."""


def numbers_of(eqn: JaxprEqn, given: Sequence[Number | None]) -> list[Number] | None:
    """Work out what an equation makes of whole numbers; None: it is of another kind, or reads what is not known."""
    rule = _RULES.get(eqn.primitive.name)
    if rule is None or len(eqn.outvars) != 1 or not _is_number(eqn.outvars[0].aval):
        return None
    known = [number for number in given if number is not None]
    if len(known) != len(given):
        return None
    kind = dtype(eqn.outvars[0].aval)
    with np.errstate(all="ignore"):  # whole numbers wrap around, as on a device
        try:
            return [_typed(rule(*known), kind)]
        except (ArithmeticError, TypeError, ValueError):
            return None


def rows_of(eqn: JaxprEqn, given: Sequence[Number | Rows | None]) -> Rows | None:
    """Work out a short list of whole numbers that an equation makes of such, as ``arange`` does; None: it does not."""
    op, (made, *others) = eqn.primitive.name, [var.aval for var in eqn.outvars]
    dims, kind = shape(made), dtype(made)
    if others or len(dims) != 1 or dims[0] > _MOST_ROWS or not _is_whole(kind):
        return None
    if op == "iota":
        return np.arange(dims[0]).astype(kind)
    known = [each for each in given if each is not None]
    if len(known) < len(given) or op not in _OF_ROWS:
        return None
    with np.errstate(all="ignore"):
        return np.broadcast_to(_OF_ROWS[op](*known), dims).astype(kind)


def number(literal: Literal) -> Number | None:
    """Give a number that is written into a program; None: it is an array, or no whole number."""
    return _typed(literal.val, dtype(literal.aval)) if _is_number(literal.aval) else None


def trips_of(eqn: JaxprEqn, given: Sequence[Number | None]) -> int | None:
    """Count how often a ``while`` runs its body, of what is known of its operands; None: that does not tell.

    Notes
    -----
    Runs the equations that the condition depends on, at most `MOST_TRIPS` times.
    """
    tested, run = eqn.params["cond_jaxpr"], eqn.params["body_jaxpr"]
    first, fixed = eqn.params["cond_nconsts"], eqn.params["cond_nconsts"] + eqn.params["body_nconsts"]
    constants, varying = fixed - first, list(given[fixed:])
    needed = _needed(tested.jaxpr, {0}, first)
    while not (deeper := _needed(run.jaxpr, needed, constants)) <= needed:
        needed |= deeper
    if any(varying[index] is None for index in needed):
        return None
    test, step = _Part(tested.jaxpr, {0}), _Part(run.jaxpr, needed)
    for trips in range(MOST_TRIPS + 1):
        (goes_on,) = test([*given[:first], *varying])
        if goes_on is None:
            return None
        if not goes_on:
            return trips
        varying = step([*given[first:fixed], *varying])
    return None


class _Part:
    """Works out some outputs of a jaxpr as far as they are known; the others are not."""

    def __init__(self, jaxpr: Jaxpr, outputs: set[int]) -> None:
        self._jaxpr, self._outputs = jaxpr, outputs
        self._equations = [(eqn, self._inner(eqn)) for eqn in _behind(jaxpr, outputs)[1]]

    def __call__(self, given: Sequence[Number | None]) -> list[Number | None]:
        values: dict[Any, Number | None] = dict(zip(self._jaxpr.invars, given, strict=True))
        for eqn, inner in self._equations:
            inputs = [_read(atom, values) for atom in eqn.invars]
            made = inner(inputs) if inner else numbers_of(eqn, inputs)
            values.update(zip(eqn.outvars, made or [None] * len(eqn.outvars), strict=True))
        return [
            _read(atom, values) if index in self._outputs else None for index, atom in enumerate(self._jaxpr.outvars)
        ]

    @staticmethod
    def _inner(eqn: JaxprEqn) -> _Part | None:
        inner = called(eqn)
        return None if inner is None else _Part(inner.jaxpr, set(range(len(eqn.outvars))))


def _needed(jaxpr: Jaxpr, outputs: set[int], constants: int) -> set[int]:
    """Give the positions of the varying inputs on which some outputs depend."""
    wanted, _ = _behind(jaxpr, outputs)
    return {index for index, var in enumerate(jaxpr.invars[constants:]) if var in wanted}


def _behind(jaxpr: Jaxpr, outputs: set[int]) -> tuple[set[Any], list[JaxprEqn]]:
    """Find all variables on which some outputs depend, and the equations that make them."""
    wanted: set[Any] = {jaxpr.outvars[index] for index in outputs if isinstance(jaxpr.outvars[index], Var)}
    equations = []
    for eqn in reversed(jaxpr.eqns):
        if not wanted.isdisjoint(eqn.outvars):
            wanted.update(atom for atom in eqn.invars if isinstance(atom, Var))
            equations.append(eqn)
    return wanted, equations[::-1]


def _read(atom: Any, values: Mapping[Any, Number | None]) -> Number | None:  # noqa: ANN401 - JAX has no name for both
    return number(atom) if isinstance(atom, Literal) else values.get(atom)


def _is_number(aval: Any) -> bool:  # noqa: ANN401 - JAX keeps the types of abstract values to itself
    return shape(aval) == () and _is_whole(dtype(aval))


def _is_whole(kind: Any) -> bool:  # noqa: ANN401 - see above
    return isinstance(kind, np.dtype) and kind.kind in "biu"


def _typed(value: Any, kind: Any) -> Number:  # noqa: ANN401 - see above
    number: Number = np.asarray(value).astype(kind).reshape(1)[0]
    return number


def _quotient(left: Any, right: Any) -> Any:  # noqa: ANN401 - numbers of any width
    """Divide towards zero."""
    return abs(int(left)) // abs(int(right)) * (1 if (left < 0) == (right < 0) else -1)


def _remainder(left: Any, right: Any) -> Any:  # noqa: ANN401 - numbers of any width
    """Give what is left of a division: it has the sign of the dividend."""
    return np.fmod(left, right) if right else _undefined()


def _undefined() -> Any:  # noqa: ANN401 - gives nothing
    raise ZeroDivisionError


def _same(value: Any) -> Any:  # noqa: ANN401 - numbers of any width
    return value


_RULES: Final[Mapping[str, Callable[..., Any]]] = {
    **dict.fromkeys(("convert_element_type", "copy", "reshape", "squeeze", "broadcast_in_dim"), _same),
    **dict.fromkeys(("stop_gradient", "device_put"), _same),
    "add": np.add,
    "and": np.bitwise_and,
    "clamp": lambda low, value, high: np.minimum(np.maximum(low, value), high),
    "div": _quotient,
    "eq": np.equal,
    "ge": np.greater_equal,
    "gt": np.greater,
    "le": np.less_equal,
    "lt": np.less,
    "max": np.maximum,
    "min": np.minimum,
    "mul": np.multiply,
    "ne": np.not_equal,
    "neg": np.negative,
    "not": np.invert,
    "or": np.bitwise_or,
    "rem": _remainder,
    "select_n": lambda which, *cases: cases[int(which)],
    "sign": np.sign,
    "sub": np.subtract,
    "xor": np.bitwise_xor,
}
_OF_ROWS: Final[Mapping[str, Callable[..., Any]]] = {
    "add": np.add,
    "broadcast_in_dim": _same,
    "convert_element_type": _same,
    "mul": np.multiply,
    "rev": np.flip,
    "sub": np.subtract,
}
