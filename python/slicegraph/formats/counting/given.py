"""What users say that an operator computes, in Python or typed as a formula."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import numpy as np

from slicegraph.errors import InputError
from slicegraph.formats.counting.count import Count
from slicegraph.formats.counting.expression import Expression

Shape = tuple[int, ...]
Formula = Callable[[Sequence[Shape], Sequence[Shape]], float] | str
"""Gives the floating-point operations of one run, from the shapes of the inputs and those of the outputs.

As text it is an `Expression` over ``in0``, ``out0`` (elements), ``in0.shape[1]`` and integer attributes.
"""

_TENSOR = re.compile(r"(in|out)(\d+)(?:\.shape\[(-?\d+)\])?", re.ASCII)
_MOST = 2**63 - 1


class Formulas:
    """Formulas by operator, and which of them were of use.

    Parameters
    ----------
    given
        By the operator's name, as graphs call it or with ``::`` after its namespace: ``"my.op"`` or ``"my::op"``.

    Raises
    ------
    InputError
        One is neither a callable nor a formula.
    """

    def __init__(self, given: Mapping[str, Formula] | None = None) -> None:
        self._of: dict[str, tuple[str, Expression | Callable[[Sequence[Shape], Sequence[Shape]], float]]] = {}
        if not isinstance(given, Mapping | None):
            raise InputError(f"flops: a mapping of operators to formulas is asked for, not {type(given).__name__}")
        self._used: set[str] = set()
        for op, formula in (given or {}).items():
            if not isinstance(op, str):
                raise InputError(f"flops: {op!r} is no operator's name")
            if isinstance(formula, str):
                try:
                    self._of[_plain(op)] = op, Expression(formula)
                except InputError as error:
                    raise InputError(f"flops of {op}: {error}") from None
            elif callable(formula):
                self._of[_plain(op)] = op, formula
            else:
                raise InputError(f"flops of {op}: {formula!r} is neither a formula nor a function of shapes")

    @property
    def ops(self) -> Collection[str]:
        """The operators that something was given for."""
        return self._of.keys()

    def count(
        self,
        op: str,
        inputs: Sequence[Shape],
        outputs: Sequence[Shape],
        attributes: Mapping[str, int] | None = None,
    ) -> Count | None:
        """Count an operation by what was given for its operator; None: nothing was.

        Raises
        ------
        InputError
            The formula fails, or gives no number of operations.
        """
        if op not in self._of:
            return None
        self._used.add(op)
        called, formula = self._of[op]
        try:
            value: object = (
                formula(lambda name: _lookup(name, inputs, outputs, attributes or {}))
                if isinstance(formula, Expression)
                else formula(inputs, outputs)
            )
        except InputError as error:
            raise InputError(f"flops of {called}: {error}") from None
        except Exception as error:  # whatever the user's function raises
            raise InputError(f"flops of {called}: {type(error).__name__}: {error}") from error
        if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 <= value <= _MOST:
            raise InputError(f"flops of {called}: {value!r} is no number of operations from 0 to 2^63 - 1")
        return Count(flops=math.ceil(value))

    def check_used(self, ops: Iterable[str] = ()) -> None:
        """Require that each formula was of use; ``ops`` are operators that are there but count nothing.

        Raises
        ------
        InputError
            An operator does not occur, or is a loop or a branch, which counts as what it runs.
        """
        if not self._of:
            return
        there = {_plain(op) for op in ops} | self._used
        for op, (called, _) in self._of.items():
            if op not in there:
                raise InputError(f"flops of {called}: the model has no such operator, or it counts what it runs")


def _plain(op: str) -> str:
    return op.replace("::", ".").removeprefix("aten.")


def _lookup(name: str, inputs: Sequence[Shape], outputs: Sequence[Shape], attributes: Mapping[str, int]) -> int:
    if (found := _TENSOR.fullmatch(name)) is None:
        if name in attributes:
            return attributes[name]
        known = "".join(f", {attribute}" for attribute in attributes)
        raise InputError(f"{name!r} is no name here: there are in0, out0, in0.shape[0]{known}")
    shapes, index = (inputs if found[1] == "in" else outputs), int(found[2])
    if index >= len(shapes):
        raise InputError(f"{name!r}: the operation has {len(shapes)} {found[1]}puts")
    shape = shapes[index]
    if found[3] is None:
        return math.prod(shape)
    axis = int(found[3])
    if not -len(shape) <= axis < len(shape):
        raise InputError(f"{name!r}: the shape is {shape}")
    return shape[axis]
