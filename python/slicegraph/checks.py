"""What public calls ask of their arguments: each gives the value back, of its plain type, or raises `InputError`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from slicegraph.errors import InputError

_Kind = TypeVar("_Kind")
_Scalar = TypeVar("_Scalar", bound=np.generic)
_MAX_DIM = 2**63 - 1


def instance_of(name: str, value: object, kind: type[_Kind]) -> _Kind:
    """Give a value of a class."""
    if not isinstance(value, kind):
        # A private module is not where a class is found.
        places = [place for place in kind.__module__.split(".") if not place.startswith("_")]
        module = places[0] if places[0] == "slicegraph" else ".".join(places)
        raise InputError(f"{name} = {value!r:.80}, but a {module}.{kind.__name__} is asked for")
    return value


def whole(name: str, value: object, least: int, most: int) -> int:
    """Give a whole number within limits, the last of which may be 2^64 - 1 or 2^53."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value <= most:
        top = {2**64 - 1: "2^64 - 1", 2**53: "2^53"}.get(most, str(most))
        raise InputError(f"{name} = {value!r:.80}, but it is a whole number from {least} to {top}")
    return int(value)


def number(culprit: str, value: object, rule: str, *, least: float = 0.0, most: float = float("inf")) -> float:
    """Give a number within limits; ``rule`` says in words what they are, and ``culprit`` shows the number."""
    is_number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not is_number or not least <= value <= most:  # type: ignore[operator] # it is one of those
        raise InputError(f"{culprit}: {rule}")
    return float(min(value, 1e308) if isinstance(value, int) else value)  # type: ignore[arg-type] # likewise


def flag(name: str, value: object) -> bool:
    """Give a truth value."""
    if not isinstance(value, bool | np.bool_):
        raise InputError(f"{name} = {value!r:.80}, but it is True or False")
    return bool(value)


def text(name: str, value: object) -> str:
    """Give a string."""
    if not isinstance(value, str):
        raise InputError(f"{name} = {value!r:.80}, but it is a string")
    return str(value)


def path(name: str, value: object) -> Path:
    """Give the path of a file or folder, without a null character, which none has."""
    try:
        found = Path(os.fspath(value))  # type: ignore[call-overload] # anything may be given
    except TypeError:
        raise InputError(f"{name} = {value!r:.80}, but it is a path") from None
    if "\0" in str(found):
        raise InputError(f"{name} = {str(found)!r:.80}: a path has no null character")
    return found


def mapping(name: str, value: object) -> Mapping[Any, Any]:
    """Give a mapping, empty for None."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InputError(f"{name} = {value!r:.80}, but it is a mapping")
    return value


def read_only(array: NDArray[_Scalar]) -> NDArray[_Scalar]:
    """Give an array that has no other owner, to read alone."""
    array.flags.writeable = False
    return array


def dims(value: object) -> dict[str, int]:
    """Give the sizes of named dimensions, none for None."""
    return {
        text("dims: name", name): whole(f"dims[{name!r:.80}]", size, 0, _MAX_DIM)
        for name, size in mapping("dims", value).items()
    }
