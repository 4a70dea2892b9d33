"""How fast a device computes, by the type of number."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeGuard, final

import numpy as np
from numpy.typing import NDArray

from slicegraph.errors import InputError

KEYS: Final = ("fp64", "fp32", "tf32", "bf16", "fp16", "fp8", "fp4", "int8", "int4")
"""The types of number that a table of rates may have, by the names that users type."""

# What runs as a type: itself, else what is wider and holds all of its values; of several the slowest counts.
_WIDER: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "fp64": (("fp64",),),
    "fp32": (("fp32",), ("fp64",)),
    "tf32": (("tf32",), ("fp32",), ("fp64",)),
    "bf16": (("bf16",), ("fp32",), ("fp64",)),
    "fp16": (("fp16",), ("fp32",), ("fp64",)),
    "fp8": (("fp8",), ("bf16", "fp16"), ("fp32",), ("fp64",)),
    "fp4": (("fp4",), ("fp8",), ("bf16", "fp16"), ("fp32",), ("fp64",)),
    "int8": (("int8",), ("bf16", "fp16"), ("fp32",), ("fp64",)),
    "int4": (("int4",), ("int8", "fp8"), ("bf16", "fp16"), ("fp32",), ("fp64",)),
}
_UNKNOWN: Final = ("bf16", "fp16", "fp32", "int8", "fp8", "tf32", "fp64", "int4", "fp4")
# Whole numbers and complex ones run where floats of their width do; a truth value takes a byte.
_TYPES: Final[Mapping[str, tuple[str, ...]]] = {
    "fp64": ("float64", "double", "f64", "int64", "uint64", "complex128"),
    "fp32": ("float32", "float", "f32", "int32", "uint32", "complex64"),
    "tf32": ("tensorfloat32",),
    "bf16": ("bfloat16",),
    "fp16": ("float16", "half", "f16", "int16", "uint16"),
    "fp8": ("float8",),
    "fp4": ("float4",),
    "int8": ("uint8", "bool"),
    "int4": ("uint4",),
}
_KEY_OF: Final = {**{key: key for key in KEYS}, **{name: key for key, names in _TYPES.items() for name in names}}


def key_of(dtype: str) -> str | None:
    """Give the key of a node's type, such as ``"bf16"`` of ``"bfloat16"``; None when it is not known."""
    name = dtype.lower()
    # All formats of a width, such as float8_e4m3fn, run at one rate.
    return _KEY_OF.get(name) or _KEY_OF.get(name.partition("_")[0])


@final
class Rates(Mapping[str, float]):
    """Operations per second by type of number, frozen and hashable.

    A node's rate is that of its type. When the table lacks it, the node runs as the next wider type that the table has,
    of two of one width the slower (an int8 node as 16-bit floats, a bfloat16 node as fp32), and when nothing wider is
    there, at the slowest rate of the table: never as something faster. TF32 rounds what float32 holds, so it runs only
    nodes whose type is ``"tf32"``. A node without a type, or with an unknown one, runs at the rate of bf16, else
    of fp16, else of fp32, else of int8.

    Parameters
    ----------
    table
        Rates by key: ``"fp64"``, ``"fp32"``, ``"tf32"``, ``"bf16"``, ``"fp16"``, ``"fp8"``, ``"fp4"``, ``"int8"``,
        ``"int4"``.

    Raises
    ------
    InputError
        When the table is empty, a key is none of these, or a rate is not a positive finite number.

    Examples
    --------
    >>> from slicegraph.rates import Rates
    >>> a100 = Rates({"fp32": 19.5e12, "tf32": 156e12, "bf16": 312e12, "int8": 624e12})
    >>> a100.of("bfloat16") / a100.of("float32"), a100.of("float16") == a100.of("float32")
    (16.0, True)
    """

    __slots__ = ("_rates",)

    def __init__(self, table: Mapping[str, float]) -> None:
        if not table:
            raise InputError("device: flops is a table without a rate")
        for key, rate in table.items():
            if key not in KEYS:
                raise InputError(f"device: flops has a rate of {key!r:.80}, but types are {', '.join(KEYS)}")
            if not is_rate(plain(rate)):
                raise InputError(f"device: flops of {key} {rate!r:.80} is not a positive finite number")
        self._rates = tuple((key, float(table[key])) for key in KEYS if key in table)

    def of(self, dtype: str | None) -> float:
        """Give the rate of a node of a type, None or empty when it has none."""
        table = dict(self._rates)
        key = key_of(dtype) if dtype else None
        if key is None:
            return next(table[each] for each in _UNKNOWN if each in table)
        for same_width in _WIDER[key]:
            if rates := [table[each] for each in same_width if each in table]:
                return min(rates)
        return min(table.values())

    def per_node(self, dtypes: Sequence[str]) -> NDArray[np.float64]:
        """Give the rate of each node."""
        rate_of = {dtype: self.of(dtype) for dtype in set(dtypes)}
        return np.array([rate_of[dtype] for dtype in dtypes], dtype=np.float64)

    def __getitem__(self, key: str) -> float:
        return dict(self._rates)[key]

    def __iter__(self) -> Iterator[str]:
        return (key for key, _ in self._rates)

    def __len__(self) -> int:
        return len(self._rates)

    def __hash__(self) -> int:
        return hash(self._rates)

    def __repr__(self) -> str:
        return repr(dict(self._rates))


def plain(value: object) -> object:
    """Give a scalar of numpy as Python's own, of which comparisons do not overflow."""
    return value.item() if isinstance(value, np.integer | np.floating) else value


def is_rate(value: object) -> TypeGuard[float]:
    """Whether a plain value is a positive finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= sys.float_info.max
