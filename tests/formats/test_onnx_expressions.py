"""Expressions of named sizes: what they are worth, and which texts are none."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slicegraph.formats.onnx.expressions import parsed

SIZES = {"N": 7, "past": 5, "seq": 2, "s0": 3, "a.b": 4, "höhe": 6}
VALUES = {
    "N": 7,
    "2*N": 14,
    "past + seq": 7,
    "past+seq-N": 0,
    "floor(N/2) + 1": 4,
    "ceiling(N/2)": 4,
    "N//2*2": 6,
    "N/2*2": 7,
    "(N + 1)/2": 4,
    "N/2 + 1/2": 4,
    "0.5*N + 0.5": 4,
    "floor(floor(N/2 - 1/2)/2) + 1": 2,
    "Max(1, N - 9)": 1,
    "Min(past, seq, N)": 2,
    "max(past, 3)": 5,
    "N % 4": 3,
    "Mod(N, 4)": 3,
    "N**2": 49,
    "2**N**0": 2,
    "-N + 10": 3,
    "10 - -N": 17,
    "-(past - N)": 2,
    "2 * (past + (seq))": 14,
    "((s0 - 1)//2) + 1": 2,
    "FloorDiv(N, 2)": 3,
    "CeilDiv(N, 2)": 4,
    "IntTrueDiv(6, s0)": 2,
    "PowByNatural(s0, 3)": 27,
    "ModularIndexing(N, 2, 2)": 1,
    "TruncToInt(N/2)": 3,
    "FloorToInt(IntTrueDiv(N, 2))": 3,
    "CeilToInt(FloatTrueDiv(N, 2))": 4,
    "round(N/4)": 2,
    "Abs(seq - past)": 3,
    "a.b + 1": 5,
    "höhe*2": 12,
    "12": 12,
}


@pytest.mark.parametrize("text", VALUES)
def test_an_expression_is_worth_what_its_notation_says(text: str) -> None:
    """Precedence is Python's and sympy's, numbers are exact fractions until the end."""
    expression = parsed(text)
    assert expression is not None
    assert expression.value(SIZES) == VALUES[text]


@pytest.mark.parametrize("text", ["N/2", "seq - past", "N/(seq - 2)", "Mod(N, 0)", "0**(0 - N)", "N**64", "2**63"])
def test_what_is_no_size_has_no_value(text: str) -> None:
    """Fractions, negative numbers, divisions by zero and what does not fit 63 bits."""
    expression = parsed(text)
    assert expression is not None
    assert expression.value(SIZES) is None


@pytest.mark.parametrize("text", ["9**9**9", "N**(N**(N**N))", "(2**60)**60*N", "-(2**200)*2**200"])
def test_a_huge_number_is_no_size_at_once(text: str) -> None:
    """A file cannot make the reader compute without end."""
    expression = parsed(text)
    assert expression is not None
    assert expression.value(SIZES) is None


def test_a_name_without_a_size_makes_no_value() -> None:
    """Nothing is assumed of it."""
    expression = parsed("N + other")
    assert expression is not None
    assert expression.names == {"N", "other"}
    assert expression.value(SIZES) is None


def test_one_name_is_told_from_an_expression() -> None:
    """Spaces around it do not count."""
    assert [found is not None and found.is_name for found in map(parsed, ["N", " N ", "(N)", "N+0"])] == [
        *(True, True, False, False)
    ]


@pytest.mark.parametrize(
    "text",
    [
        *("", "batch size", "2N", "N+", "*N", "(N", "N)", "N,2", "max()", "floor(N, 2)", "open(N)", "N.real()"),
        *("N[0]", "lambda: 0", "N if N else 2", "__import__('os')", "N==2", "'N'", "1_000", "1e3", "N;N", "f(N)(N)"),
        *("(" * 1000 + "N" + ")" * 1000, "-" * 1000 + "N", "N**" * 1000 + "N", "N" * 3000),
    ],
)
def test_what_is_no_expression_is_a_name_as_a_whole(text: str) -> None:
    """Only numbers, names, operators and known functions are; nesting and length are limited."""
    assert parsed(text) is None


@st.composite
def _sums(draw: st.DrawFn, depth: int = 3) -> str:
    if not depth or draw(st.booleans()):
        return draw(st.sampled_from(["N", "past", "seq", "1", "3"]))
    left, right = draw(_sums(depth=depth - 1)), draw(_sums(depth=depth - 1))
    form = draw(
        st.sampled_from(["{}+{}", "{} - {}", "({})*({})", "({})//(({})**2+1)", "max({}, {})", "({}) % (({})**2+1)"])
    )
    return form.format(left, right)


@given(_sums())
def test_sums_are_worth_what_python_says(text: str) -> None:
    """The slow twin is Python itself, on texts that are made here."""
    expression = parsed(text)
    assert expression is not None
    value = eval(text, {"max": max, "floor": math.floor}, dict(SIZES))  # noqa: S307 - the text was made above
    assert expression.value(SIZES) == (value if 0 <= value < 1 << 63 else None)
