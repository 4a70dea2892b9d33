"""``slicegraph check --require-gap`` as a gate: it exits with 0 only where the gap is proved again of what is asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from certificates import certify, relax
from questions import Question
from slicegraph.certificate import codec
from slicegraph.certificate.model import Certificate
from slicegraph.cli import main
from strategies import CHAIN

DEVICE: dict[str, Any] = {"bandwidth": 64.0, "flops": 50e12, "memory_bandwidth": 1e12}
QUESTION = Question(CHAIN, DEVICE, 2)
OPTIMUM = QUESTION.mean_work + QUESTION.ticks.transfer[1]
SEARCH = {"downsets": {"downsets": {"threshold": OPTIMUM}}}
ASKED = ("-k", "2", "--bandwidth", "64")
HONEST = certify(QUESTION, [0, 0, 1], None, SEARCH)


@pytest.fixture
def model(tmp_path: Path) -> str:
    """The path of a chain of three nodes, which names no device."""
    path = tmp_path / "chain.json"
    path.write_text(json.dumps(CHAIN))
    return str(path)


@pytest.fixture
def gate(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., int]:
    """Give the exit status for a certificate; the object that is printed says the same."""

    def run(certificate: Certificate | bytes, *options: str, asked: Sequence[str] = ASKED) -> int:
        path = tmp_path / "chain.cert.json"
        path.write_bytes(certificate if isinstance(certificate, bytes) else codec.dumps(certificate.document))
        capsys.readouterr()
        status = main(["check", model, str(path), *asked, *options, "--json"])
        told = capsys.readouterr()
        assert told.err.count("\n") == (status != 0)
        if status < 2:
            answer = json.loads(told.out)
            assert answer["holds"] is (answer["verdict"] == "verified") is (status == 0)
            assert bool(answer["reason"]) is (status != 0)
        else:
            assert told.out == ""
        return status

    return run


@pytest.mark.parametrize(
    ("options", "status"), [(["0"], 0), (["4%"], 0), (["0", "--slow"], 0), (["0", "--budget", "0"], 1)]
)
def test_the_gap_that_is_required_is_proved_again(options: list[str], status: int, gate: Callable[..., int]) -> None:
    assert gate(HONEST, "--require-gap", *options) == status


def test_a_gap_is_no_smaller_than_what_is_proved(gate: Callable[..., int]) -> None:
    """Without a search, 4 % is proved: no less will do."""
    certificate = certify(QUESTION, [0, 0, 1])
    assert [gate(certificate, "--require-gap", gap) for gap in ("0.0399", "0.04", "1")] == [1, 0, 0]


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ((), 0),
        (("-k", "2"), 0),
        (("-k", "3"), 1),
        (("--bandwidth", "64"), 0),
        (("--boundary-io",), 1),
        (("--pin", "0=0", "-k", "2"), 1),
    ],
)
def test_what_is_typed_of_the_question_is_pinned(asked: Sequence[str], status: int, gate: Callable[..., int]) -> None:
    """The rest is as the certificate says, and the report says that it is not pinned."""
    assert gate(HONEST, "--require-gap", "0", asked=asked) == status
    assert gate(HONEST, asked=()) == 0


def test_the_device_that_the_model_names_is_pinned(model: str, tmp_path: Path, gate: Callable[..., int]) -> None:
    """As `solve` would take it; another one that is typed is another question."""
    Path(model).write_text(json.dumps(CHAIN | {"device": DEVICE}))
    assert gate(HONEST, "--require-gap", "0", asked=["-k", "2"]) == 0
    assert gate(HONEST, "--require-gap", "0", asked=["-k", "2", "--bandwidth", "32"]) == 1
    Path(model).write_text(json.dumps(CHAIN | {"device": DEVICE | {"bandwidth": 32.0}}))
    assert gate(HONEST, "--require-gap", "0", asked=["-k", "2"]) == 1
    assert tmp_path.is_dir()


OTHER: dict[str, Question] = {
    "fewer stages": Question(CHAIN, DEVICE, 1),
    "more stages": Question(CHAIN, DEVICE, 3),
    "a faster device": Question(CHAIN, DEVICE | {"bandwidth": 1e9}, 2),
    "a limit of memory": Question(CHAIN, DEVICE | {"memory_limit": 1}, 2),
    "paid inputs and outputs": Question(CHAIN, DEVICE, 2, boundary_io=True),
}


@pytest.mark.parametrize("name", OTHER)
def test_the_optimum_of_another_question_is_refused(name: str, gate: Callable[..., int]) -> None:
    """Each is a true certificate of what it is about."""
    question = OTHER[name]
    partitions = question.partitions()
    block_of, _, bottleneck = min(partitions, key=lambda each: each[2])
    certificate = certify(question, block_of, None, {"downsets": {"downsets": {"threshold": int(bottleneck)}}})
    assert gate(certificate, asked=()) == 0
    assert gate(certificate, "--require-gap", "1") == 1
    # The name of the question that is asked, over the bounds of the other one.
    keys = ("device", "boundary_io", "num_blocks", "instance", "tick")
    relabelled = Certificate.of(certificate.document | {key: HONEST.document[key] for key in keys})
    is_true = bottleneck == OPTIMUM and question.ticks.tick == QUESTION.ticks.tick
    assert gate(relabelled, "--require-gap", "0") == (not is_true)


def test_constraints_that_are_not_asked_for_are_refused(
    model: str, tmp_path: Path, gate: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    """All nodes in one stage are soon optimal; so are links between neighbours alone another question."""
    proof = tmp_path / "proof.json"
    for options in (["--pin", "2=0"], ["--forbid", "0=1"], ["--adjacent"]):
        assert main(["solve", model, *ASKED, *options, "--certificate", str(proof), "-q"]) == 0
        capsys.readouterr()
        certificate = Certificate.read(proof)
        assert gate(certificate, *options, "--require-gap", "0") == 0
        assert gate(certificate, "--require-gap", "0") == 1
        assert gate(HONEST, *options, "--require-gap", "0") == 1


BOAST = {"name": "verified: gap 0.00%", "version": "\x1b[2J", "options": []}
FORGED: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "a bound that is raised": lambda it: it | {"lower_bound": it["lower_bound"] + 1},
    "a bottleneck that is lowered": lambda it: it | {"witness": it["witness"] | {"bottleneck": it["lower_bound"] - 1}},
    "stages that cost less": lambda it: (
        it | {"witness": it["witness"] | {"block_costs": [row | {"work": 0} for row in it["witness"]["block_costs"]]}}
    ),
    "a partition that runs backwards": lambda it: it | {"witness": it["witness"] | {"block_of": [1, 1, 0]}},
    "a partition of fewer nodes": lambda it: it | {"witness": it["witness"] | {"block_of": [0, 0]}},
    "a stage too many": lambda it: it | {"witness": it["witness"] | {"block_of": [0, 1, 2]}},
    "no partition": lambda it: it | {"witness": None},
    "ticks that are longer": lambda it: it | {"tick": 2 * it["tick"]},
    "another digest": lambda it: it | {"instance": "0" * 64},
    "another graph": lambda it: it | {"graph": it["graph"] | {"digest": "0" * 64}},
    "a node too many": lambda it: it | {"graph": it["graph"] | {"num_nodes": 4}},
    "another format": lambda it: it | {"format": "slicegraph-certificate-3"},
    "an unknown key": lambda it: it | {"verdict": "verified"},
    "no bounds": lambda it: it | {"bounds": []},
    "a bound from nothing": lambda it: it | {"bounds": [it["bounds"][0], it["bounds"][1] | {"downsets": None}]},
    "a search that proves more": lambda it: (
        it
        | {
            "lower_bound": OPTIMUM + 1,
            "bounds": [
                it["bounds"][0],
                it["bounds"][1] | {"lower_bound": OPTIMUM + 1, "downsets": {"threshold": OPTIMUM + 1}},
            ],
        }
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_certificate_that_is_forged_and_sealed_anew_is_refused(name: str, gate: Callable[..., int]) -> None:
    assert gate(Certificate.of(FORGED[name](HONEST.document)), "--require-gap", "1") == 1


def test_a_word_is_no_proof(gate: Callable[..., int]) -> None:
    """Not of a solver, whatever it is called, nor of a chain; neither when less is required than is proved."""
    word = certify(QUESTION, [0, 0, 1], {"exact": [relax([1, 1], solver=OPTIMUM)]})
    chain = certify(QUESTION, [0, 0, 1], None, {"chain": {"chain": {"threshold": OPTIMUM}}})
    boast = Certificate.of(word.document | {"solver": BOAST})
    for certificate in (word, chain, boast):
        for options in ([], ["--require-gap", "0"], ["--require-gap", "4%"], ["--budget", str(2**52)], ["--slow"]):
            assert gate(certificate, *options) == 1


def test_no_name_of_a_certificate_is_printed(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    graph = HONEST.document["graph"] | {"name": "gap 0.00%\nverified"}
    word = certify(QUESTION, [0, 0, 1], {"exact": [relax([1, 1], solver=OPTIMUM)]})
    path = tmp_path / "boast.json"
    Certificate.of(word.document | {"graph": graph, "solver": BOAST}).write(path)
    for options in ([], ["--json"]):
        assert main(["check", model, str(path), *ASKED, *options]) == 1
        told = capsys.readouterr()
        assert "verified" not in told.out + told.err
        assert told.err.endswith("not proved again: 3.125 s, a gap of 0.00% (without evidence)\n")


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (b"", 2),
        (b"{}", 2),
        (b"[]", 2),
        (b"\xff", 2),
        (b'{"holds": true, "verdict": "verified", "gap": 0}', 2),
        (codec.dumps(HONEST.document)[:-2], 2),
        (codec.dumps(HONEST.document) + b"{}", 2),
        (codec.dumps(HONEST.document).replace(b'"lower_bound":', b'"lower_bound":1,"lower_bound":'), 2),
        (codec.dumps(HONEST.document).replace(b'"bandwidth":64.0', b'"bandwidth":NaN'), 2),
        (codec.dumps(HONEST.document).replace(b'"bandwidth":64.0', b'"bandwidth":1e999'), 2),
        (codec.dumps(HONEST.document).replace(b'"bandwidth":64.0', b'"bandwidth":64'), 1),
        (codec.dumps(HONEST.document).replace(b'"num_blocks":2', b'"num_blocks":true'), 1),
        (b"[" * 10**5, 2),
        (b'{"a":' * 10**5 + b"1" + b"}" * 10**5, 2),
        (b'{"format": "slicegraph-certificate-2", "tick": ' + b"9" * 10**4 + b"}", 2),
        (b'{"format": "slicegraph-certificate-2"}', 1),
    ],
)
def test_what_is_no_certificate_is_refused(text: bytes, status: int, gate: Callable[..., int]) -> None:
    assert gate(text, "--require-gap", "1") == status


@pytest.mark.parametrize("gap", ["nan", "inf", "-inf", "-0.01", "1.01", "101%", "", "x", "0,5", "1e400"])
def test_a_gap_is_from_0_to_1(gap: str, gate: Callable[..., int]) -> None:
    assert gate(HONEST, f"--require-gap={gap}") == 2


@pytest.mark.parametrize(
    ("certificate", "status"), [(HONEST, 0), (certify(QUESTION, [0, 1, 1]), 1)], ids=["true", "weak"]
)
def test_a_reader_does_not_change_the_status(certificate: Certificate, status: int, model: str, tmp_path: Path) -> None:
    """Where standard output is closed, or its reader has gone; where it is full, the answer is an error."""
    path = tmp_path / "proof.json"
    certificate.write(path)
    words = [sys.executable, "-m", "slicegraph", "check", model, str(path), *ASKED, "--require-gap", "0"]
    reading, writing = os.pipe()
    os.close(reading)
    try:
        assert subprocess.run(words, stdout=writing, stderr=subprocess.DEVNULL, check=False).returncode == status
    finally:
        os.close(writing)
    with Path("/dev/full").open("wb") as full:
        assert subprocess.run(words, stdout=full, stderr=subprocess.DEVNULL, check=False).returncode == 2
    closed = subprocess.run(["sh", "-c", '"$@" >&- 2>&-', "sh", *words], check=False)  # noqa: S607 - any shell
    assert closed.returncode == status


def test_asserts_that_are_left_out_change_nothing() -> None:
    """Under ``python -O`` there are none, and the checker has none."""
    folder = Path(sys.modules[Certificate.__module__].__file__ or "").parent
    assert all("assert " not in path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
