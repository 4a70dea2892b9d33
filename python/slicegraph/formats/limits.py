"""How much a file of text may hold: unpacked, and nested."""

from __future__ import annotations

import gzip
import os
import re
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from slicegraph.errors import InputError

VARIABLE = "SLICEGRAPH_MAX_BYTES"
_MAX_BYTES = 512 * 2**20
_MAX_DEPTH = 1000
_CHUNK = 2**20
_GZIP = b"\x1f\x8b"
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)


def max_bytes() -> int:
    """Give the bytes that a file may hold once it is unpacked: 512 MiB, or what the environment says.

    Raises
    ------
    InputError
        When the environment says what is no number.
    """
    text = os.environ.get(VARIABLE, str(_MAX_BYTES))
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise InputError(f"{VARIABLE} = {text!r:.80}, but it is a whole number of bytes")
    return int(text)


def unpacked(path: Path) -> bytes:
    """Read a file, decompressed where gzip compressed it, and no more of it than may be.

    Raises
    ------
    InputError
        When it holds more.
    OSError, EOFError, zlib.error
        When it cannot be read, or is damaged.
    """
    limit = max_bytes()
    with path.open("rb") as file:
        start = file.peek(len(_GZIP))[: len(_GZIP)]
        if start != _GZIP:
            return _at_most(path, file, limit, "holds")
        with gzip.GzipFile(fileobj=file) as stream:
            return _at_most(path, stream, limit, "unpacks to")


def _at_most(path: Path, file: IO[bytes] | gzip.GzipFile, limit: int, verb: str) -> bytes:
    chunks, size = [], 0
    # A file that does not end is never held whole.
    while chunk := file.read(_CHUNK):
        size += len(chunk)
        if size > limit:
            raise InputError(f"{path}: {verb} more than {limit} bytes; {VARIABLE} raises the limit")
        chunks.append(chunk)
    return b"".join(chunks)


def check_nesting(path: Path, text: bytes) -> None:
    """Refuse JSON whose lists and objects stand more than 1,000 deep in each other; O(its length).

    Raises
    ------
    InputError
        When they do.
    """
    # Brackets in strings are taken for others first: few files have so many that this makes a difference.
    if _depth(text) > _MAX_DEPTH and _depth(_STRING.sub(b"", text)) > _MAX_DEPTH:
        raise InputError(f"{path}: lists and objects are more than {_MAX_DEPTH:,} deep in each other")


def _depth(text: bytes) -> int:
    """Give how many brackets more are opened than closed somewhere since the fewest were."""
    level = least = most = 0
    for begin in range(0, len(text), _CHUNK):
        steps = _steps(np.frombuffer(text, np.uint8, min(_CHUNK, len(text) - begin), begin))
        if steps.size:
            levels = level + np.cumsum(steps)
            lowest = np.minimum(np.minimum.accumulate(levels), least)
            most = max(most, int((levels - lowest).max()))
            level, least = int(levels[-1]), int(lowest[-1])
    return most


def _steps(piece: NDArray[np.uint8]) -> NDArray[np.int64]:
    opens = (piece == ord("[")) | (piece == ord("{"))
    closes = (piece == ord("]")) | (piece == ord("}"))
    return np.where(opens[opens | closes], 1, -1)
