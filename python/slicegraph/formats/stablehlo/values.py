"""What MLIR's values are: their shapes, types and sizes."""

from __future__ import annotations

import math
import re
from typing import Any, Final, NamedTuple

from jaxlib.mlir import ir

from slicegraph.errors import InputError

_WIDTH: Final = re.compile(r"\d+")
_QUANTISED: Final = re.compile(r'!(?:"quant"<")?quant\.uniform<(\w+)|!"?quant"?[.<]+"?uniform<(\w+)')


class Array(NamedTuple):
    """The type of an array.

    Attributes
    ----------
    shape
        Its dimensions.
    dtype
        Of its elements, by numpy's name or ml_dtypes'.
    nbytes
        Its size; types of less than a byte are packed.
    """

    shape: tuple[int, ...]
    dtype: str
    nbytes: int

    @property
    def numel(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)


TOKEN: Final = Array((0,), "", 0)
"""What orders effects, and holds nothing."""


def array_of(type_: Any, owner: str) -> Array:  # noqa: ANN401 - MLIR's bindings have types of their own
    """Give the type of an array.

    Raises
    ------
    InputError
        A dimension is dynamic, or it is no array.
    """
    if str(type_) in {"!stablehlo.token", "!mhlo.token"}:
        return TOKEN
    if not isinstance(type_, ir.RankedTensorType):
        raise InputError(f"{owner} is of type {str(type_)!s:.80}, but only arrays of known shape are read")
    if not type_.has_static_shape:
        raise InputError(f"{owner} is of type {str(type_)!s:.80}, with a dynamic dimension: lower it for known sizes")
    shape = tuple(type_.shape)
    name, bits = _element(str(type_.element_type), owner)
    return Array(shape, name, (math.prod(shape) * bits + 7) // 8)


def _element(text: str, owner: str) -> tuple[str, int]:
    """Give the name of a type of elements, and its bits."""
    found = _QUANTISED.match(text)
    if found is not None:
        text = found[1] or found[2]
        text = text.replace("u", "ui") if text.startswith("u") else text
    if text == "i1":
        return "bool", 8
    if text.startswith("complex<"):
        bits = 2 * _bits(text[len("complex<") : -1], owner)
        return f"complex{bits}", bits
    bits = _bits(text, owner)
    if text.startswith("ui"):
        return f"uint{bits}", bits
    if text.startswith("i"):
        return f"int{bits}", bits
    return (f"bfloat{bits}" if text.startswith("bf") else _float(text)), bits


def _bits(text: str, owner: str) -> int:
    found = _WIDTH.search(text)
    if text == "index":
        return 64
    if found is None or int(found[0]) > 128:  # noqa: PLR2004 - no element is wider
        raise InputError(f"{owner}: elements of type {text!r:.80} have no known size")
    return int(found[0])


def _float(text: str) -> str:
    """Give the name of a type such as f32 or f8E4M3FN."""
    bits, _, kind = text.removeprefix("f").partition("E")
    return f"float{bits}_e{kind.lower()}" if kind else f"float{bits}"
