"""``slicegraph check``, as it is typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import certificates
from certificates import Question, certify, relax
from slicegraph.certificate.model import Certificate
from slicegraph.cli import main
from strategies import CHAIN

QUESTION = Question(CHAIN, {"bandwidth": 64.0}, 2)
OPTIMUM = QUESTION.ticks.work[2] + QUESTION.ticks.transfer[1]
PROOF_ROWS: list[list[Any]] = [["cost", 1, 1], ["import", 1, 2, 1, 1]]
PROOF = certificates.prove(QUESTION, relax([1, 1], threshold=OPTIMUM), QUESTION.ticks.transfer[1], PROOF_ROWS)


@pytest.fixture
def model(tmp_path: Path) -> str:
    """The path of a chain of three nodes."""
    path = tmp_path / "chain.json"
    path.write_text(json.dumps(CHAIN))
    return str(path)


def written(tmp_path: Path, certificate: Certificate) -> str:
    path = tmp_path / "chain.cert.json"
    certificate.write(path)
    return str(path)


def test_what_is_recomputed_is_said(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", model, written(tmp_path, certify(QUESTION, [0, 0, 1]))]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out.splitlines() == [
        "chain: 3 nodes, 2 tensors, 2 stages: the certificate holds",
        "device       bandwidth 64; model inputs and outputs are free",
        "partition    acyclic, its dearest stage costs 3.125 s",
        "lower bound  3 s, all of it verified by recomputation",
        "gap          4.00% verified: no partition can be faster by more than this",
    ]


def test_what_duals_prove_is_said(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert PROOF is not None
    assert main(["check", model, written(tmp_path, certify(QUESTION, [0, 0, 1], {"bottleneck": [PROOF]}))]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "lower bound  3.125 s, all of it verified by its linear programming duals" in lines
    assert "gap          0.00% verified: no partition can be faster by more than this" in lines


def test_what_rests_on_a_solver_is_said(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bounds = {"exact": [relax([1, 1], solver=OPTIMUM)]}
    assert main(["check", model, written(tmp_path, certify(QUESTION, [0, 0, 1], bounds)), "-k", "2"]) == 0
    assert capsys.readouterr().out.splitlines()[3:] == [
        "lower bound  3.125 s on the word of HiGHS 1.15.1 (exact)",
        "verified     3 s by recomputation",
        "gap          0.00% proven, 4.00% verified: no partition can be faster by more than this",
    ]


def test_without_a_partition_no_gap_is_claimed(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, certify(QUESTION, None))
    assert main(["check", model, path]) == 0
    out = capsys.readouterr().out
    assert "partition    none is given" in out
    assert "gap" not in out
    assert main(["check", model, path, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["bottleneck"] is None


@pytest.fixture
def searched(tmp_path: Path) -> str:
    """The path of a certificate of the optimum by a search."""
    evidence = {"downsets": {"downsets": {"threshold": OPTIMUM, "downsets": 1, "transitions": 2}}}
    return written(tmp_path, certify(QUESTION, [0, 0, 1], None, evidence))


def test_what_is_replayed_is_said(model: str, searched: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", model, searched, "--replay"]) == 0
    assert capsys.readouterr().out.splitlines()[3:] == [
        "lower bound  3.125 s, all of it verified by replay",
        "replay       downsets proved again",
        "gap          0.00% verified: no partition can be faster by more than this",
    ]


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ([], "replay       not asked for: --replay does without the prover's word"),
        (["--replay", "--budget", "1"], "replay       downsets beyond the budget"),
    ],
)
def test_what_is_not_replayed_is_said(
    options: list[str], line: str, model: str, searched: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", model, searched, *options]) == 0
    assert capsys.readouterr().out.splitlines()[3:] == [
        "lower bound  3.125 s on the word of the prover (downsets)",
        "verified     3 s by recomputation",
        line,
        "gap          0.00% proven, 4.00% verified: no partition can be faster by more than this",
    ]


def test_what_a_cut_proves_is_said(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The word of a solver on top of it."""
    evidence: dict[str, certificates.Evidence] = {
        "node": {"node": {"node": 2, "lower_bound": OPTIMUM - 1}},
        "chain": {"chain": {"threshold": OPTIMUM, "reach": [0, 1], "status": "optimal"}},
    }
    assert main(["check", model, written(tmp_path, certify(QUESTION, [0, 0, 1], None, evidence))]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[3] == "lower bound  3.125 s on the word of HiGHS 1.15.1 (chain)"
    assert lines[4].endswith(" s by a minimum cut")


def test_the_json_names_what_is_replayed(model: str, searched: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", model, searched, "--replay", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["verified_lower_bound"], found["replayed"], found["not_replayed"]) == (3.125, ["downsets"], [])


def test_the_json_is_one_object(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bounds = {"exact": [relax([1, 1], solver=OPTIMUM)]}
    assert main(["check", model, written(tmp_path, certify(QUESTION, [0, 0, 1], bounds)), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "holds": True,
        "device": {"bandwidth": 64.0},
        "boundary_io": False,
        "num_blocks": 2,
        "bottleneck": 3.125,
        "lower_bound": 3.125,
        "verified_lower_bound": 3.0,
        "gap": 0.0,
        "verified_gap": 0.04,
        "trusted": ["exact"],
        "replayed": [],
        "not_replayed": [],
    }


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["-k", "3"], "num_blocks: the certificate is about 2 blocks, not about 3"),
        (["--device", "testbed"], "device: the certificate is about {'bandwidth': 64.0}, not about {"),
    ],
)
def test_a_certificate_about_something_else_is_exit_1(
    options: list[str], reason: str, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, certify(QUESTION, [0, 0, 1]))
    assert main(["check", model, path, *options]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"slicegraph: {path}: {reason}")
    assert captured.err.count("\n") == 1


def test_a_changed_certificate_is_exit_1(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --json the reason stands in an object, too."""
    document = certify(QUESTION, [0, 0, 1]).document
    path = written(tmp_path, Certificate(document | {"lower_bound": document["lower_bound"] + 1}))
    assert main(["check", model, path, "--json"]) == 1
    captured = capsys.readouterr()
    assert captured.err == f"slicegraph: {path}: seal: the document was changed after it was sealed\n"
    reason = "seal: the document was changed after it was sealed"
    assert json.loads(captured.out) == {"holds": False, "reason": reason}


def test_a_change_that_is_sealed_anew_is_exit_1(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = certify(QUESTION, [0, 0, 1]).document
    path = written(tmp_path, Certificate.of(document | {"lower_bound": document["lower_bound"] + 1}))
    assert main(["check", model, path]) == 1
    assert f"slicegraph: {path}: lower_bound: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "MODEL"], "the following arguments are required: CERTIFICATE"),
        (["check", "MODEL", "nowhere.json"], "nowhere.json: No such file or directory"),
        (["check", "MODEL", "MODEL"], '"format" is \'slicegraph-graph-1\', but "slicegraph-certificate-1" is asked'),
        (["check", "MODEL", "MODEL", "-k", "two"], "argument -k/--num-blocks: invalid int value: 'two'"),
        (["check", "nowhere.json", "GOOD"], "nowhere.json: No such file or directory"),
        (["check", "MODEL", "GOOD", "--budget", "9"], "--budget is what --replay may take, which is not asked for"),
        (["check", "MODEL", "GOOD", "--replay", "--budget", "-1"], "argument --budget: -1 is below 0"),
        (["check", "MODEL", "GOOD", "--device", "abacus"], "argument --device: invalid choice: 'abacus'"),
    ],
)
def test_wrong_usage_or_input_is_one_line_and_exit_2(
    arguments: list[str], message: str, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = {"MODEL": model, "GOOD": written(tmp_path, certify(QUESTION, [0, 0, 1]))}
    assert main([paths.get(argument, argument) for argument in arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("slicegraph: ")
    assert message in captured.err
    assert captured.err.count("\n") == 1
