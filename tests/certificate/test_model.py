"""The certificate as an object and as a file."""

from __future__ import annotations

import doctest
import math
from pathlib import Path
from typing import Any

import pytest

import slicegraph.certificate.model as module
from certificates import certify
from questions import Question
from slicegraph.certificate.model import Certificate
from slicegraph.errors import CertificateError, InputError
from strategies import CHAIN

CERTIFICATE = certify(Question(CHAIN, {"bandwidth": 64.0}, 2), [0, 0, 1])


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.cert.json"
    CERTIFICATE.write(path)
    CERTIFICATE.write(str(path))
    assert Certificate.read(path) == Certificate.read(str(path)) == CERTIFICATE
    assert path.read_bytes().endswith(b"}\n")
    assert [each.name for each in tmp_path.iterdir()] == ["a.cert.json"]


def test_the_bounds_are_in_seconds() -> None:
    assert (CERTIFICATE.bottleneck, CERTIFICATE.lower_bound) == (3.125, 3.0)
    assert CERTIFICATE.num_blocks == 2
    assert certify(Question(CHAIN, {"bandwidth": 64.0}, 2), None).bottleneck == math.inf


def test_sealing_again_fits_the_seal_to_the_document() -> None:
    changed = Certificate.of(CERTIFICATE.document | {"num_blocks": 3})
    assert changed.document["seal"] != CERTIFICATE.document["seal"]
    assert Certificate.of(changed.document | {"num_blocks": 2}) == CERTIFICATE


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"tick": "1", "lower_bound": 1},
        {"tick": 1.0, "lower_bound": True},
        {"tick": 0.5, "lower_bound": 10**4000},
        {"tick": math.nan, "lower_bound": 1},
        [],
    ],
)
def test_a_number_that_is_none_is_named(document: Any) -> None:
    with pytest.raises(CertificateError, match="not a number"):
        _ = Certificate(document).lower_bound


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"{", "a.json: no certificate: Expecting"),
        (b"[]", "a.json: no certificate: not one JSON object"),
        (b"{}", 'a.json: "format" is None, but "slicegraph-certificate-2" or "slicegraph-certificate-3" is'),
        (b'{"format":[1]}', r'a.json: "format" is \[1\], but'),
    ],
)
def test_a_file_that_is_no_certificate_is_refused(text: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(text)
    with pytest.raises(InputError, match=message):
        Certificate.read(path)


def test_a_file_that_cannot_be_read_or_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.json: No such file"):
        Certificate.read(tmp_path / "none.json")
    with pytest.raises(InputError, match=r"none/a\.json: no file can be written there: No such file"):
        CERTIFICATE.write(tmp_path / "none" / "a.json")
    with pytest.raises(InputError, match="a folder, and only files are written"):
        CERTIFICATE.write(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_examples_give_what_they_show() -> None:
    assert doctest.testmod(module).failed == 0
