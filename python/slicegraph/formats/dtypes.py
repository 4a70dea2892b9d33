"""Types that nodes compute in, by numpy's names and ml_dtypes': "float32", "bfloat16", "float8_e4m3fn", "int8"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_FLOATING = ("bfloat", "complex", "float")
_BITS = re.compile(r"[0-9]+")


def computed_in(operands: Iterable[str], made: str = "") -> str:
    """Say in which type a node computes that works on operands of these types, and makes one of that type.

    Returns
    -------
        The widest floating-point type among the operands; without one, the widest of the others, such as whole numbers;
        without operands, the type that it makes.  Of equally wide types it is the first.
    """
    return _computed_in(tuple(operands), made)


@lru_cache(maxsize=1 << 12)
def _computed_in(operands: tuple[str, ...], made: str) -> str:
    types = list(filter(None, operands))
    floating = [each for each in types if each.startswith(_FLOATING)]
    return max(floating or types, key=bits, default=made)


def bits(dtype: str) -> int:
    """Give the bits of one element, as the type's name says; 0 where it does not."""
    found = _BITS.search(dtype)
    return int(found[0]) if found else 0
