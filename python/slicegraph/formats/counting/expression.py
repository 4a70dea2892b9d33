"""Formulas that users type: arithmetic over names, and nothing else."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from slicegraph.errors import InputError

_LONGEST: Final = 1000
_BINARY: Final[Mapping[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    # In floats, so that no power grows beyond them.
    ast.Pow: math.pow,
}
_UNARY: Final[Mapping[type[ast.unaryop], Callable[[Any], Any]]] = {ast.USub: operator.neg, ast.UAdd: operator.pos}
_CALLS: Final[Mapping[str, Callable[..., Any]]] = {
    "ceil": math.ceil,
    "floor": math.floor,
    "log2": math.log2,
    "max": max,
    "min": min,
    "sqrt": math.sqrt,
}

Number = int | float
Lookup = Callable[[str], Number]
"""Gives the number behind a name such as ``in0``, ``in0.shape[1]`` or ``K``, or raises InputError."""


class Expression:
    """A formula: numbers, names, ``+ - * / // % **``, parentheses, and ceil, floor, log2, max, min, sqrt.

    A name is one of the operation's own: ``in0`` (elements of its first input), ``out0``, ``in0.shape[1]``, or that of
    an integer attribute.

    Raises
    ------
    InputError
        It is anything else.

    Examples
    --------
    >>> Expression("2 * out0 * in0.shape[-1]")({"out0": 6, "in0.shape[-1]": 4}.__getitem__)
    48
    """

    def __init__(self, text: str) -> None:
        self._text = text
        if len(text) > _LONGEST:
            raise InputError(f"the formula is longer than {_LONGEST} characters")
        try:
            self._tree = ast.parse(text.strip(), mode="eval").body
            self._value(self._tree, lambda _name: 1, is_dry=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise InputError(f"{text!r} is no formula, such as 2 * out0 * in0.shape[-1]") from None

    def __call__(self, lookup: Lookup) -> Number:
        """Evaluate it.

        Raises
        ------
        InputError
            It gives no number, or a name means nothing here.
        """
        try:
            return self._value(self._tree, lookup)
        except InputError:
            raise
        except (ArithmeticError, ValueError):
            raise InputError(f"{self._text!r} gives no number here") from None

    def _value(self, node: ast.expr, lookup: Lookup, *, is_dry: bool = False) -> Number:
        """Evaluate a part; a dry run only looks at what stands there."""

        def inner(part: ast.expr) -> Number:
            return self._value(part, lookup, is_dry=is_dry)

        match node:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                return value
            case ast.BinOp() if type(node.op) in _BINARY:
                left, right = inner(node.left), inner(node.right)
                return 1 if is_dry else _number(_BINARY[type(node.op)](left, right))
            case ast.UnaryOp() if type(node.op) in _UNARY:
                return _number(_UNARY[type(node.op)](inner(node.operand)))
            case ast.Call(func=ast.Name(id=name), keywords=[]) if name in _CALLS and node.args:
                values = [inner(part) for part in node.args]
                if len(values) > 1 and name not in {"max", "min"}:
                    raise InputError(f"{self._text!r}: {name} takes one number")
                return 1 if is_dry else _number(_CALLS[name](*values) if len(values) > 1 else _single(name, values[0]))
        return lookup(_name(node, self._text))


def _single(name: str, value: Number) -> Number:
    return value if name in {"max", "min"} else _number(_CALLS[name](value))


def _number(value: Any) -> Number:  # noqa: ANN401 - what arithmetic gives
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError
    return value  # type: ignore[no-any-return] # numbers in, numbers out


def _name(node: ast.expr, text: str) -> str:
    """Read ``NAME`` or ``NAME.shape[AXIS]``."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Subscript(value=ast.Attribute(value=ast.Name(id=name), attr="shape"), slice=index):
            match index:
                case ast.Constant(value=int() as axis) if not isinstance(axis, bool):
                    return f"{name}.shape[{axis}]"
                case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as axis)):
                    return f"{name}.shape[-{axis}]"
    raise InputError(f"{text!r} holds {ast.unparse(node)!r}: a formula is made of numbers, names and + - * / // % **")
