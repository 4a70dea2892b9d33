"""The language of formulas: arithmetic over names, and nothing else."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slicegraph.errors import InputError
from slicegraph.formats.counting.expression import Expression

NAMES = {"in0": 12, "out0": 7, "in0.shape[-1]": 4, "K": 5}
GOOD = {
    "2*out0*in0.shape[-1]": 56,
    " -K + 3 * (in0 - 1) ": 28,
    "in0 // K % 2": 0,
    "2 ** 10": 1024,
    "max(K, out0, 1) + min(2, 3)": 9,
    "ceil(in0 / K) + floor(2.5)": 5,
    "in0 * ceil(log2(out0)) + sqrt(16)": 40,
}
BAD = [
    "",
    "1 +",
    "__import__('os')",
    "in0.real",
    "in0.shape",
    "in0.shape[K]",
    "in0.shape[0:1]",
    "[1, 2]",
    "lambda: 1",
    "True",
    "'text'",
    "1j",
    "x if x else y",
    "1 < 2",
    "log2(1, 2)",
    "max()",
    "print(1)",
    "(1).bit_length()",
    "-" * 999 + "1" + "9" * 999,
    "((" * 400 + "1" + "))" * 400,
    "1\x00",
]


@pytest.mark.parametrize("text", GOOD)
def test_a_formula_is_arithmetic(text: str) -> None:
    """It gives what the same text gives in mathematics."""
    assert math.isclose(Expression(text)(NAMES.__getitem__), GOOD[text])


@pytest.mark.parametrize("text", BAD)
def test_anything_else_is_refused_before_it_is_used(text: str) -> None:
    """No calls, no attributes, no text: nothing of the language runs that is not arithmetic."""
    with pytest.raises(InputError):
        Expression(text)


@pytest.mark.parametrize("text", ["1 / (K - 5)", "9.0 ** 9999", "log2(0)", "(0 - 1) ** 0.5", "in0 % 0"])
def test_what_gives_no_number_says_so(text: str) -> None:
    """Neither infinity nor a fraction by zero comes out, and no power is computed beyond floats."""
    with pytest.raises(InputError, match="gives no number"):
        Expression(text)(NAMES.__getitem__)


@given(st.text(alphabet="0123456789.in()[]shapeK+-*/% ,max'_", max_size=30))
def test_any_text_is_a_number_or_refused(text: str) -> None:
    """Nothing but InputError comes out."""
    try:
        value = Expression(text)(lambda name: NAMES.get(name, 3))
    except InputError:
        return
    assert isinstance(value, int | float)
