"""Canonical JSON: one spelling to write, one way to read."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slicegraph.certificate import codec

_LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
_VALUES = st.recursive(_LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10)
DOCUMENTS = st.dictionaries(st.text(), _VALUES, max_size=4)


@given(DOCUMENTS)
def test_what_is_written_is_read_again(document: dict[str, Any]) -> None:
    text = codec.dumps(document)
    again = codec.loads(text)
    assert again == document
    assert codec.dumps(again) == text


@given(DOCUMENTS)
def test_the_spelling_does_not_depend_on_the_order_of_keys(document: dict[str, Any]) -> None:
    turned = dict(reversed(document.items()))
    assert codec.dumps(turned) == codec.dumps(document)
    assert codec.seal(turned) == codec.seal(document)


def test_the_spelling_is_short_ascii_and_ends_its_line() -> None:
    assert codec.dumps({"b": [1, 2.0, None], "a": "\u00e9"}) == b'{"a":"\\u00e9","b":[1,2.0,null]}\n'


def test_the_seal_is_the_digest_of_all_else() -> None:
    expected = hashlib.sha256(b'{"a":1}').hexdigest()
    assert codec.digest({"a": 1}) == expected
    assert codec.seal({"a": 1}) == codec.seal({"a": 1, "seal": "any"}) == expected


def test_an_integer_and_a_float_are_spelled_apart() -> None:
    assert codec.digest({"a": 1}) != codec.digest({"a": 1.0})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'{"a":1,"a":1}', "the key 'a' is given twice"),
        (b'{"b":{"a":1,"c":2,"a":3}}', "the key 'a' is given twice"),
        (b'{"a":NaN}', "NaN is not a finite number"),
        (b'{"a":Infinity}', "Infinity is not a finite number"),
        (b'{"a":[-Infinity]}', "-Infinity is not a finite number"),
        (b'{"a":1e999}', "1e999 is not a finite number"),
        (b'{"a":"\xff"}', "not UTF-8"),
        (b"\xff\xfe{\x00}\x00", "not UTF-8"),
        (b"[]", "not one JSON object"),
        (b"1", "not one JSON object"),
        (b"", "Expecting value"),
        (b'{"a":1} {"a":1}', "Extra data"),
        (b'{"a":' * 10**5, "nested too deeply"),
    ],
)
def test_what_is_not_one_object_read_in_one_way_is_refused(text: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        codec.loads(text)


def test_an_integer_of_absurd_length_is_refused() -> None:
    with pytest.raises(ValueError, match="digits"):
        codec.loads(b'{"a":' + b"1" * 10**5 + b"}")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, b"bytes"])
def test_what_json_has_no_word_for_is_not_written(value: Any) -> None:
    with pytest.raises(ValueError, match="JSON"):
        codec.dumps({"a": value})


@given(st.text())
def test_a_string_is_read_as_any_json_reader_reads_it(text: str) -> None:
    assert json.loads(codec.dumps({"a": text})) == {"a": text}
