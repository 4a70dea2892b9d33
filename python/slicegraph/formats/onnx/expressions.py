"""Sizes written as expressions of named sizes: ``2*N``, ``floor(N/2) + 1``, ``Max(1, past + seq)``.

onnxruntime's symbolic shape inference records sympy's notation, PyTorch's exporter the same with functions of its own.
A parser of this small language, with exact rational numbers; nothing of the text is ever executed.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Final

_TOKEN: Final = re.compile(r"\s*(?:(\d+(?:\.\d+)?)(?![\w.])|([^\W\d][\w.]*)|(\*\*|//|[-+*/%(),]))")
_LONGEST: Final = 2_000
_DEEPEST: Final = 50
_MOST_BITS: Final = 256
_MOST_SIZE: Final = 1 << 63

_Evaluate = Callable[[Mapping[str, int]], Fraction]


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression of named sizes.

    Attributes
    ----------
    names
        The names in it.
    is_name
        It is one name and nothing else.
    """

    names: frozenset[str]
    is_name: bool
    _evaluate: _Evaluate

    def value(self, sizes: Mapping[str, int]) -> int | None:
        """Compute a size; None: it is no integer from 0 to 2^63 - 1, or a name has no size.

        Examples
        --------
        >>> expression = parsed("floor(N/2) + 1")
        >>> expression.value({"N": 5}), expression.value({})
        (3, None)
        """
        if not self.names <= sizes.keys():
            return None
        try:
            value = self._evaluate(sizes)
        except (ArithmeticError, ValueError):
            return None
        return int(value) if value.denominator == 1 and 0 <= value < _MOST_SIZE else None


@lru_cache(maxsize=4096)
def parsed(text: str) -> Expression | None:
    """Parse an expression; None: the text is none, and so a name as a whole."""
    if len(text) > _LONGEST:
        return None
    try:
        return _Parser(text).expression()
    except ValueError:
        return None


class _Parser:
    """Recursive descent with Python's precedence, which is sympy's."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        position, text = 0, text.rstrip()
        while position < len(text):
            found = _TOKEN.match(text, position)
            if found is None:
                raise ValueError(text)
            self._tokens.append((("number", "name", "symbol")[(found.lastindex or 1) - 1], found[found.lastindex or 0]))
            position = found.end()
        self._tokens.append(("end", ""))
        self._next = 0
        self._depth = 0
        self._names: set[str] = set()

    def expression(self) -> Expression:
        is_name = [kind for kind, _ in self._tokens] == ["name", "end"]
        evaluate = self._sum()
        if self._tokens[self._next][0] != "end":
            raise ValueError(self._tokens)
        return Expression(frozenset(self._names), is_name, evaluate)

    def _sum(self) -> _Evaluate:
        return self._chain({"+": operator.add, "-": operator.sub}, self._product)

    def _product(self) -> _Evaluate:
        return self._chain({"*": operator.mul, "/": operator.truediv, "//": _floor_div, "%": _modulo}, self._signed)

    def _chain(
        self, operators: Mapping[str, Callable[[Fraction, Fraction], Fraction]], part: Callable[[], _Evaluate]
    ) -> _Evaluate:
        """Parse operators that group from the left; their operands are kept in a list, so that length is no depth."""
        first = part()
        rest: list[tuple[Callable[[Fraction, Fraction], Fraction], _Evaluate]] = []
        while self._tokens[self._next][1] in operators:
            rest.append((operators[self._take()], part()))
        if not rest:
            return first

        def evaluate(sizes: Mapping[str, int]) -> Fraction:
            value = first(sizes)
            for apply, operand in rest:
                value = _bounded(apply(value, operand(sizes)))
            return value

        return evaluate

    def _signed(self) -> _Evaluate:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ValueError(self._depth)
        sign = self._take() if self._tokens[self._next][1] in {"+", "-"} else ""
        inner = self._signed() if sign else self._power()
        self._depth -= 1
        return (lambda sizes: -inner(sizes)) if sign == "-" else inner

    def _power(self) -> _Evaluate:
        base = self._atom()
        if self._tokens[self._next][1] != "**":
            return base
        self._take()
        exponent = self._signed()
        return lambda sizes: _raised(base(sizes), exponent(sizes))

    def _atom(self) -> _Evaluate:
        kind = self._tokens[self._next][0]
        text = self._take()
        if kind == "number":
            number = _bounded(Fraction(text))
            return lambda _: number
        if kind == "name" and self._tokens[self._next][1] == "(":
            return self._call(text)
        if kind == "name":
            self._names.add(text)
            return lambda sizes: Fraction(sizes[text])
        if text != "(":
            raise ValueError(text)
        inner = self._sum()
        self._expect(")")
        return inner

    def _call(self, name: str) -> _Evaluate:
        if name not in _FUNCTIONS:
            raise ValueError(name)
        function, least, most = _FUNCTIONS[name]
        self._expect("(")
        arguments = [self._sum()]
        while self._tokens[self._next][1] == ",":
            self._take()
            arguments.append(self._sum())
        self._expect(")")
        if not least <= len(arguments) <= most:
            raise ValueError(name)
        return lambda sizes: _bounded(Fraction(function(*(argument(sizes) for argument in arguments))))

    def _take(self) -> str:
        text = self._tokens[self._next][1]
        self._next += 1
        if self._next >= len(self._tokens):
            raise ValueError(text)
        return text

    def _expect(self, symbol: str) -> None:
        if self._take() != symbol:
            raise ValueError(symbol)


def _bounded(value: Fraction) -> Fraction:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > _MOST_BITS:
        raise OverflowError
    return value


def _floor_div(left: Fraction, right: Fraction) -> Fraction:
    return Fraction(left // right)


def _ceil_div(left: Fraction, right: Fraction) -> Fraction:
    return Fraction(-(-left // right))


def _exact_div(left: Fraction, right: Fraction) -> Fraction:
    return left / right


def _modulo(left: Fraction, right: Fraction) -> Fraction:
    return left % right


def _raised(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1 or abs(exponent) > _MOST_BITS:
        raise ValueError(exponent)
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if bits * abs(exponent) > 2 * _MOST_BITS:
        raise OverflowError
    return _bounded(Fraction(base ** int(exponent)))


def _modular_index(base: Fraction, divisor: Fraction, modulus: Fraction) -> Fraction:
    return base // divisor % modulus


_ANY: Final = _LONGEST
_FUNCTIONS: Final[Mapping[str, tuple[Callable[..., Fraction | int], int, int]]] = {
    **dict.fromkeys(("floor", "FloorToInt"), (math.floor, 1, 1)),
    **dict.fromkeys(("ceil", "ceiling", "CeilToInt"), (math.ceil, 1, 1)),
    **dict.fromkeys(("trunc", "TruncToInt"), (math.trunc, 1, 1)),
    **dict.fromkeys(("abs", "Abs"), (abs, 1, 1)),
    **dict.fromkeys(("max", "Max"), (lambda *values: max(values), 1, _ANY)),
    **dict.fromkeys(("min", "Min"), (lambda *values: min(values), 1, _ANY)),
    **dict.fromkeys(("Mod", "PythonMod", "mod"), (_modulo, 2, 2)),
    **dict.fromkeys(("FloorDiv", "floordiv"), (_floor_div, 2, 2)),
    **dict.fromkeys(("CeilDiv", "ceildiv"), (_ceil_div, 2, 2)),
    **dict.fromkeys(("round", "RoundToInt"), (round, 1, 1)),
    **dict.fromkeys(("CleanDiv", "FloatTrueDiv", "IntTrueDiv"), (_exact_div, 2, 2)),
    **dict.fromkeys(("Pow", "PowByNatural", "pow"), (_raised, 2, 2)),
    **dict.fromkeys(("Identity", "ToFloat"), (lambda value: value, 1, 1)),
    "ModularIndexing": (_modular_index, 3, 3),
}
"""What sympy and PyTorch write as functions, each with its least and most arguments."""
