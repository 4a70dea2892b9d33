"""Protocol buffers as text, without a schema: https://protobuf.dev/reference/protobuf/textformat-spec/.

Any message is read, so fields that are not asked for are skipped. Nothing is asked of a separator but that it stands
behind a field, and nothing of a number's range.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TypeAlias

from slicegraph.errors import InputError

Message: TypeAlias = dict[str, list["Message | str"]]
"""The values of each field in order: messages, or the text of numbers, words, and strings in their quotes."""

_STRING = r""" "(?:[^"\\\n]|\\.)*+" | '(?:[^'\\\n]|\\.)*+' """
_SPACE = r"(?:\s++|\#[^\n]*+)*+"
# All repetition is possessive, so that no text takes longer than its length.
_TOKEN = re.compile(
    rf"""{_SPACE}(?:
        (?P<word>[A-Za-z_]\w*+)
        | (?P<mark>[][{{}}<>:;,/-] | \.(?![0-9]))
        | (?P<number>(?:0[xX][0-9a-fA-F]++|(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?[fF]?)(?![\w.]))
        | (?P<string>{_STRING})
        | (?P<end>\Z)
    )""",
    re.VERBOSE | re.ASCII,
)
_ANY_SPACE = re.compile(_SPACE, re.VERBOSE | re.ASCII)
_ANY_STRING = re.compile(_STRING, re.VERBOSE)
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_ESCAPED = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
_CLOSING = {"{": "}", "<": ">"}
# Readers of this format that have a limit have this one.
_MAX_DEPTH = 100


def parse(path: Path, text: str) -> Message:
    """Read a message, in O(its length).

    Parameters
    ----------
    path
        The file that the text is of, for complaints.
    text
        The message.

    Raises
    ------
    InputError
        Naming the line, when the text is no message or messages stand more than 100 deep in each other.
    """
    return _Parser(path, text).message("", depth=0)


def unquote(text: str) -> str:
    """Give what a string says, or several side by side; bytes that are not UTF-8 are replaced."""
    parts = (part[1:-1].encode("utf-8", "surrogatepass") for part in _ANY_STRING.findall(text))
    return b"".join(_ESCAPE.sub(_unescape, part) for part in parts).decode("utf-8", "replace")


def _unescape(match: re.Match[bytes]) -> bytes:
    octal, hexadecimal, *unicode, other = match.groups()
    if octal or hexadecimal:
        return bytes([int(octal, 8) & 0xFF if octal else int(hexadecimal, 16)])
    if other:
        return _ESCAPED.get(other, other)
    code = int(unicode[0] or unicode[1], 16)
    return (chr(code) if code <= sys.maxunicode else "\ufffd").encode("utf-8", "surrogatepass")


class _Parser:
    """Walks over the tokens of a text; the current one is known, and an empty one is the end."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._text = text
        self._end = 0
        self._advance()

    def message(self, closing: str, *, depth: int) -> Message:
        """Read fields up to the mark that closes a message, or to the end of the text."""
        if depth > _MAX_DEPTH:
            raise self._error(f"messages are more than {_MAX_DEPTH} deep in each other")
        fields: Message = {}
        while self._token != closing:
            values = fields.setdefault(self._name(), [])
            has_colon = self._accept(":")
            if self._accept("["):
                if not self._accept("]"):
                    values.append(self._value(depth))
                    while self._accept(","):
                        values.append(self._value(depth))
                    self._expect("]")
            elif has_colon or self._token in _CLOSING:
                values.append(self._value(depth))
            else:
                raise self._error(f"{self._seen()}, but a field has ':' or '{{' behind its name")
            _ = self._accept(",") or self._accept(";")
        self._advance()
        return fields

    def _name(self) -> str:
        """Read the name of a field; that of an extension stands in brackets."""
        if self._accept("["):
            parts = []
            while self._kind in ("word", "number") or self._token in {".", "/", "-"}:
                parts.append(self._token)
                self._advance()
            self._expect("]")
            return f"[{''.join(parts)}]"
        if self._kind != "word":
            raise self._error(f"{self._seen()}, but the name of a field is asked for")
        return self._take()

    def _value(self, depth: int) -> Message | str:
        if self._token in _CLOSING:
            return self.message(_CLOSING[self._take()], depth=depth + 1)
        if self._kind == "string":
            parts = [self._take()]
            while self._kind == "string":
                parts.append(self._take())
            return " ".join(parts)
        sign = "-" if self._accept("-") else ""
        if self._kind not in ("number", "word"):
            raise self._error(f"{self._seen()}, but a value is asked for")
        return sign + self._take()

    def _take(self) -> str:
        token = self._token
        self._advance()
        return token

    def _accept(self, mark: str) -> bool:
        """Go on if the current token is this mark."""
        is_there = self._token == mark
        if is_there:
            self._advance()
        return is_there

    def _expect(self, mark: str) -> None:
        if not self._accept(mark):
            raise self._error(f"{self._seen()}, but {mark!r} is asked for")

    def _advance(self) -> None:
        match = _TOKEN.match(self._text, self._end)
        if match is None:
            space = _ANY_SPACE.match(self._text, self._end)
            self._end = space.end() if space else self._end
            raise self._error("what follows is no part of a message as text, such as a string without its end")
        self._kind = match.lastgroup or ""
        self._token = match[self._kind]
        self._end = match.end()

    def _seen(self) -> str:
        return f"{self._token!r:.80} is there" if self._token else "the text ends"

    def _error(self, rule: str) -> InputError:
        line = self._text.count("\n", 0, self._end) + 1
        return InputError(f"{self._path}: line {line}: {rule}")
