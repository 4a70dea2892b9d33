"""Canonical JSON: a document has one encoding, so that its digest is unique."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import zlib
from collections.abc import Mapping
from typing import Any, NoReturn


def dumps(document: Mapping[str, Any]) -> bytes:
    """Give the one spelling of a document: keys in order, no spaces, ASCII, and a final newline.

    Raises
    ------
    ValueError
        When it holds what JSON has no word for, such as NaN.
    """
    return _canonical(document) + b"\n"


def loads(text: bytes) -> dict[str, Any]:
    """Read a document; the spelling need not be the canonical one, but it can be read in one way only.

    Raises
    ------
    ValueError
        When it is not UTF-8, not JSON, not an object, gives a key twice, or holds a number that is not finite.
    """
    try:
        document = json.loads(
            text.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite
        )
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(document, dict):
        raise ValueError("not one JSON object")  # noqa: TRY004 - the type in a file is a value
    return document


def digest(document: Mapping[str, Any]) -> str:
    """Give the SHA-256 of a document's one spelling, without the newline, as hexadecimal digits.

    Raises
    ------
    ValueError
        When it holds what JSON has no word for.
    """
    return hashlib.sha256(_canonical(document)).hexdigest()


def seal(document: Mapping[str, Any]) -> str:
    """Give the digest of everything but the seal itself. It tells damage, not forgery, which can seal anew.

    Raises
    ------
    ValueError
        When the document holds what JSON has no word for.
    """
    return digest({key: value for key, value in document.items() if key != "seal"})


def pack(data: bytes) -> str:
    """Give bytes as a document has them: deflated, in base64."""
    return base64.b64encode(zlib.compress(data, 9)).decode("ascii")


def unpack(text: str, most: int) -> bytes:
    """Give the bytes of a text by `pack`, of which there are no more than so many.

    Raises
    ------
    ValueError
        When there are more, or it is no such text.
    """
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(base64.b64decode(text, validate=True), most)
    except (binascii.Error, zlib.error) as error:
        raise ValueError(f"not deflated bytes in base64: {error}") from None
    if not stream.eof or stream.unused_data:
        raise ValueError(f"not deflated bytes in base64, or more than {most} of them")
    return data


def _canonical(document: Mapping[str, Any]) -> bytes:
    try:
        text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    except (TypeError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from None
    return text.encode("ascii")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {twice!r:.80} is given twice")
    return table


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a finite number")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text:.80} is not a finite number")
    return value
