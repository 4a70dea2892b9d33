"""Small random changes: of JSON, of text and bytes, of arrays."""

from __future__ import annotations

import copy
import gzip
from random import Random
from typing import Any

import numpy as np

NUMBERS: tuple[Any, ...] = (
    *(0, 1, -1, 2, 7, 2**31 - 1, 2**31, 2**32, 2**53, 2**53 + 1, 2**62, 2**63 - 1, 2**63, 2**64, -(2**63), 10**400),
    *(0.0, -0.0, 0.5, 5e-324, 1e-300, 1e15, 6e14, 1e300, 1.7976931348623157e308),
    *(float("nan"), float("inf"), -float("inf")),
)
_LARGE = 1e300
VALUES: tuple[Any, ...] = (
    *NUMBERS,
    *(None, True, False, "", "x", "0", "a\0b", "\x1b[2J\n", "\ud800", "model", "..", "/dev/null", "a" * 5000),
    *([], {}, [[]], [0], [-1], [None], ["x"], [2**62, 2**62], {"x": 1}, [[0], [1, 2]]),
)
_TOKENS = (b"\0", b"\xff", b"\n", b"-1", b"1e999", b"0" * 400, b"[", b"]", b"{", b"}", b'"', b"\\", b"nan", b" ", b",")


def document(random: Random, value: Any) -> Any:
    """A copy of a JSON document with some of its parts changed."""
    changed = [copy.deepcopy(value)]
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        _change(random, changed)
    return changed[0]


def _change(random: Random, whole: list[Any]) -> None:
    owner: Any = whole
    key: Any = 0
    # The deeper, the more there is: go down, and stop now and then.
    while isinstance(owner[key], dict | list) and owner[key] and random.random() < 0.85:
        owner = owner[key]
        key = random.choice(list(owner)) if isinstance(owner, dict) else random.randrange(len(owner))
    old, kind = owner[key], random.randrange(8)
    if kind == 0 and owner is not whole:
        del owner[key]
    elif kind == 1 and isinstance(owner, list) and owner is not whole:
        owner.insert(random.randrange(len(owner) + 1), copy.deepcopy(random.choice(owner)))
    elif kind == 2 and isinstance(old, int | float) and abs(old) < _LARGE:
        owner[key] = old + random.choice((1, -1, 0.5, old))
    elif kind == 3 and isinstance(old, list) and old:
        random.shuffle(old)
    elif kind == 4 and isinstance(owner, dict):
        other = random.choice(list(owner))
        owner[key], owner[other] = owner[other], owner[key]
    elif kind == 5:
        owner[key] = random.choice(([old], {"x": old}, str(old)))
    else:
        owner[key] = copy.deepcopy(random.choice(VALUES))


def content(random: Random, raw: bytes) -> bytes:
    """Bytes with some of them changed, cut off, doubled or moved; packed now and then."""
    for _ in range(random.choice((1, 1, 2, 4, 16))):
        begin, kind = random.randrange(len(raw) + 1), random.randrange(6)
        end = min(len(raw), begin + random.choice((1, 1, 2, 8, 64)))
        if kind == 0 and raw:
            begin = min(begin, len(raw) - 1)
            raw = raw[:begin] + bytes([raw[begin] ^ 1 << random.randrange(8)]) + raw[begin + 1 :]
        elif kind == 1:
            raw = raw[:begin] + random.choice(_TOKENS) + raw[end:]
        elif kind == 2:
            raw = raw[:begin] + raw[end:]
        elif kind == 3:
            raw = raw[:end] + raw[begin:]
        elif kind == 4:
            raw = raw[:begin] + random.randbytes(end - begin) + raw[end:]
        elif random.random() < 0.3:
            raw = raw[:begin]
    return raw


def packed(random: Random, raw: bytes) -> bytes:
    """Bytes as gzip packs them, mostly damaged then."""
    squeezed = gzip.compress(raw, mtime=0)
    return content(random, squeezed) if random.random() < 0.7 else squeezed


def array(random: Random, values: list[Any]) -> Any:
    """What a caller may give for an array: of another type, shape or length, or with other values."""
    values = list(values)
    for _ in range(random.choice((0, 1, 1, 2))):
        where = random.randrange(len(values) + 1)
        if where == len(values):
            values.append(random.choice(NUMBERS))
        else:
            values[where] = random.choice(NUMBERS)
    if random.random() < 0.1:
        return random.choice((None, 5, "x", [[]], {}, np.zeros((2, 2)), np.array(3), object()))
    kinds = ("list", "i8", "i4", "u8", "u1", "f8", "f4", "f2", "?", "O", "U3", "c16", ">i8", "M8[s]")
    kind = random.choice(kinds) if random.random() < 0.5 else "list"
    if kind == "list":
        return values
    try:
        with np.errstate(all="ignore"):
            made = np.array(values).astype(kind)
    except (TypeError, ValueError, OverflowError):
        return values
    return random.choice((made, made, made[::-1], made[:-1], made.reshape(1, -1), np.repeat(made, 2)[::2]))
