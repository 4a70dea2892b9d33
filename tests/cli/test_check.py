"""``slicegraph check``, as it is typed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import row_proofs
import slicegraph as sg
from certificates import certify, relax
from questions import Question
from slicegraph import _core
from slicegraph.certificate.model import Certificate
from slicegraph.cli import main
from strategies import CHAIN

QUESTION = Question(CHAIN, {"bandwidth": 64.0}, 2)
OPTIMUM = QUESTION.ticks.work[2] + QUESTION.ticks.transfer[1]
PROOF_ROWS: list[list[Any]] = [["cost", 1, 1], ["import", 1, 2, 1, 1]]
PROOF = row_proofs.prove(QUESTION, relax([1, 1], threshold=OPTIMUM), QUESTION.ticks.transfer[1], PROOF_ROWS)


@pytest.fixture
def model(tmp_path: Path) -> str:
    """The path of a chain of three nodes."""
    path = tmp_path / "chain.json"
    path.write_text(json.dumps(CHAIN | {"device": {"bandwidth": 64.0}}))
    return str(path)


def written(tmp_path: Path, certificate: Certificate) -> str:
    path = tmp_path / "chain.cert.json"
    certificate.write(path)
    return str(path)


LOOSE = (
    "not pinned   the number of stages, the device, whether model inputs and outputs are paid: as the certificate says"
    " (-k, --device or its figures, --boundary-io or --no-boundary-io)"
)


def test_what_is_proved_again_is_said(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", model, written(tmp_path, certify(QUESTION, [0, 0, 1]))]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out.splitlines() == [
        "chain: 3 nodes, 2 tensors: verified",
        "question     at most 2 stages; bandwidth 64; model inputs and outputs are free",
        LOOSE,
        "partition    acyclic, its slowest stage costs 3.125 s",
        "lower bound  3 s, proved again: combinatorial",
        "gap          4.00%",
        "status       within_gap: no partition is faster by more than the gap",
    ]


def test_unlike_devices_and_constraints_are_pinned_and_said(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The devices of a pipeline are typed as for `solve`; another order of them is another question."""
    machine, other = tmp_path / "machine.json", tmp_path / "other.json"
    rows = [{"bandwidth": 64.0}, {"bandwidth": 32.0, "latency": 0.5}]
    machine.write_text(json.dumps(rows))
    other.write_text(json.dumps(rows[::-1]))
    proof = str(tmp_path / "proof.json")
    asked = ["--devices", str(machine), "--pin", "2=1"]
    assert main(["solve", model, *asked, "--certificate", proof]) == 0
    capsys.readouterr()
    assert main(["check", model, proof]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[1].startswith("question     1 x (bandwidth 64), then 1 x (bandwidth 32, latency 0.5); model inputs")
    assert told[1].endswith("; nodes that only some stages may hold: 1")
    assert told[-1] == "status       optimal: no partition is faster"
    assert main(["check", model, proof, *asked, "--no-boundary-io"]) == 0
    assert "not pinned" not in capsys.readouterr().out
    assert main(["check", model, proof, *asked, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["question"]["kind_of"] == [0, 1]
    assert main(["check", model, proof, "--devices", str(other), "--pin", "2=1"]) == 1
    assert main(["check", model, proof, *asked[:2]]) == 1


def test_that_no_partition_fits_the_memory_limit_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As `solve` says it: `infeasible`, and an infinite bound, which is null in JSON."""
    data, device = (
        CHAIN | {"nodes": CHAIN["nodes"] | {"param_bytes": [3, 6, 3]}},
        {"bandwidth": 64.0, "memory_limit": 5},
    )
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(data))
    arguments = ["check", str(path), written(tmp_path, certify(Question(data, device, 2), None))]
    assert main(arguments) == 0
    assert capsys.readouterr().out.splitlines()[3:] == [
        "partition    none is given",
        "lower bound  that no partition fits, proved again: combinatorial",
        "status       infeasible: no partition fits the memory limit",
    ]
    assert main([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["status"], found["bottleneck"], found["lower_bound"], found["gap"]) == ("infeasible", None, None, 1.0)


def test_what_duals_prove_is_said(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert PROOF is not None
    assert main(["check", model, written(tmp_path, certify(QUESTION, [0, 0, 1], {"bottleneck": [PROOF]}))]) == 0
    assert capsys.readouterr().out.splitlines()[4:] == [
        "lower bound  3.125 s, proved again: relaxations",
        "gap          0.00%",
        "status       optimal: no partition is faster",
    ]


def test_what_rests_on_a_solver_stands_beside(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By bound, in a line of its own; no name of the certificate's is printed."""
    certificate = certify(QUESTION, [0, 0, 1], {"exact": [relax([1, 1], solver=OPTIMUM)]})
    boast = {"name": "all of it is proved again", "version": "\x1b[2J", "options": []}
    graph = certificate.document["graph"] | {"name": "proven optimal"}
    path = written(tmp_path, Certificate.of(certificate.document | {"solver": boast, "graph": graph}))
    assert main(["check", model, path, "-k", "2", "--bandwidth", "64", "--no-boundary-io"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "chain: 3 nodes, 2 tensors: undecided",
        "question     at most 2 stages; bandwidth 64; model inputs and outputs are free",
        "partition    acyclic, its slowest stage costs 3.125 s",
        "lower bound  3 s, proved again: combinatorial",
        "gap          4.00%",
        "status       within_gap: no partition is faster by more than the gap",
        "claimed      3.125 s, a gap of 0.00% (without evidence): not proved again",
    ]


def test_rows_of_work_are_made_printable(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of all names in a certificate these alone are printed."""
    row = "g\x1b[2J"
    graph = sg.Graph(work_on={row: [1, 2]}, work=[1, 2], producer=[0], size=[8], consumers=[1], consumer_offsets=[0, 1])
    instance = sg.Instance(graph, device=sg.Device(bandwidth=64.0, work=row), num_blocks=2)
    sg.write(graph, tmp_path / "graph.json")
    path = written(tmp_path, sg.audit(instance, [0, 1], stop=sg.MaxRuntime(1), threads=1).certificate)
    assert main(["check", str(tmp_path / "graph.json"), path]) == 0
    told = capsys.readouterr().out
    assert "work g\\x1b[2J" in told
    assert all(line.isprintable() for line in told.splitlines())


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
    evidence = {"downsets": {"downsets": {"threshold": OPTIMUM}}}
    return written(tmp_path, certify(QUESTION, [0, 0, 1], None, evidence))


@pytest.mark.parametrize("options", [[], ["--replay"], ["--budget", "1000"], ["--replay", "--budget", "1000"]])
def test_a_search_is_gone_through_again(
    options: list[str], model: str, searched: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", model, searched, *options]) == 0
    assert capsys.readouterr().out.splitlines()[4:] == [
        "lower bound  3.125 s, proved again: levels",
        "gap          0.00%",
        "status       optimal: no partition is faster",
    ]


def test_what_is_beyond_the_budget_is_said(model: str, searched: str, capsys: pytest.CaptureFixture[str]) -> None:
    why = "beyond the budget; --replay or --budget allow more"
    assert main(["check", model, searched, "--budget", "0"]) == 1
    assert capsys.readouterr().out.splitlines()[4:] == [
        "lower bound  3 s, proved again: combinatorial",
        "gap          4.00%",
        "status       within_gap: no partition is faster by more than the gap",
        f"claimed      3.125 s, a gap of 0.00% ({why}): not proved again",
    ]
    assert main(["check", model, searched, "--budget", "0", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"], found["gap"], found["claimed_gap"]) == ("undecided", 0.04, 0.0)


def test_the_json_is_one_object(model: str, searched: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", model, searched, "--json", "-k", "2"]) == 0
    answer = json.loads(capsys.readouterr().out)
    digest = answer["question"].pop("digest")
    assert (digest, answer.pop("seconds") > 0) == (QUESTION.digest(), True)
    assert answer.pop("rules").keys() == {"levels"}
    question = {"k": 2, "device": {"bandwidth": 64.0}, "boundary_io": False}
    assert answer == {
        "holds": True,
        "verdict": "verified",
        "reason": None,
        "question": question | {"pinned": False, "not_pinned": ["device", "boundary_io"]},
        "status": "optimal",
        "bottleneck": 3.125,
        "lower_bound": 3.125,
        "gap": 0.0,
        "checker": {"version": sg.__version__, "implementation": "compiled"},
    }
    assert main(["check", model, searched, "--json", "--slow"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["checker"]["implementation"], answer["rules"]["downsets"]["entries"]) == ("python", 1)


def test_claims_stand_beside_in_the_json(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, certify(QUESTION, [0, 0, 1], {"exact": [relax([1, 1], solver=OPTIMUM)]}))
    assert main(["check", model, path, "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert (answer["gap"], answer["claimed_gap"], answer["claimed_lower_bound"]) == (0.04, 0.0, 3.125)
    reason = "claimed, not proved again: 3.125 s, a gap of 0.00% (without evidence)"
    assert (answer["holds"], answer["verdict"], answer["reason"]) == (False, "undecided", reason)
    path = written(tmp_path, certify(QUESTION, [0, 0, 1]))
    assert main(["check", model, path, "--json"]) == 0
    assert not {"claimed_gap", "claimed_lower_bound"} & json.loads(capsys.readouterr().out).keys()


def test_figures_are_put_in_place_of_the_models_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As `solve` does: a figure that is typed pins the device that MODEL names, with that figure."""
    path = tmp_path / "chain.json"
    path.write_text(json.dumps(CHAIN | {"device": {"bandwidth": 32.0, "memory_limit": 100}}))
    certificate = written(tmp_path, certify(Question(CHAIN, {"bandwidth": 64.0, "memory_limit": 100}, 2), [0, 0, 1]))
    assert main(["check", str(path), certificate, "--bandwidth", "64"]) == 0
    capsys.readouterr()
    assert main(["check", str(path), certificate, "--memory-limit", "100"]) == 1
    refusal = "--device: the certificate is about bandwidth 64.0, but bandwidth 32.0 is asked for\n"
    assert capsys.readouterr().err.endswith(refusal)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["-k", "3"], "--num-blocks: the certificate is about 2, but 3 is asked for"),
        (
            ["--device", "testbed"],
            (
                "--device: the certificate is about bandwidth 64.0, but bandwidth 64000000000.0 is asked for"
                " (also other: flops, memory_bandwidth)"
            ),
        ),
        (["--bandwidth", "63"], "--device: the certificate is about bandwidth 64.0, but bandwidth 63.0 is asked for"),
        (
            ["--boundary-io"],
            "--boundary-io: of the certificate, model inputs and outputs are free, but paid ones are asked for",
        ),
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
    checker = {"version": sg.__version__}
    assert json.loads(captured.out) == {"holds": False, "verdict": "malformed", "reason": reason, "checker": checker}


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
        (["check", "MODEL", "MODEL"], '"format" is \'slicegraph-graph-1\', but "slicegraph-certificate-2" or'),
        (["check", "MODEL", "MODEL", "-k", "two"], "argument -k/--num-blocks: invalid int value: 'two'"),
        (["check", "nowhere.json", "GOOD"], "nowhere.json: No such file or directory"),
        (["check", "MODEL", "GOOD", "--budget", "-1"], "argument --budget: -1 is below 0"),
        (["check", "MODEL", "GOOD", "--budget", "x"], "argument --budget: 'x' is no number of steps, such as 1000000"),
        (["check", "MODEL", "GOOD", "--require-gap", "nan"], "nan"),
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


def test_what_is_guessed_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What holds of work that is a guess rests on it: its share of nodes and work, on alike and unlike devices."""
    nodes = {"op": ["MatMul", "my.Twist"], "flops": [3e9, 1e9], "is_guess": [0, 1]}
    tensors = {"producer": [0], "size": [4], "consumers": [[1]]}
    path, certificate = tmp_path / "guess.json", tmp_path / "guess.cert.json"
    path.write_text(json.dumps({"format": "slicegraph-graph-1", "name": "g", "nodes": nodes, "tensors": tensors}))
    for devices in (["--device", "testbed", "-k", "2"], ["--devices", "testbed:1,t4:1"]):
        assert main(["solve", str(path), *devices, "--certificate", str(certificate), "-q"]) == 0
        capsys.readouterr()
        assert main(["check", str(path), str(certificate)]) == 0
        assert "guessed: my.Twist (1 of 2 nodes, 25" in capsys.readouterr().out
        assert main(["check", str(path), str(certificate), "--json"]) == 0
        (row,) = json.loads(capsys.readouterr().out)["guessed"]
        assert row == {"op": "my.Twist", "nodes": 1, "share_of_work": pytest.approx(0.25)}


def test_the_proof_is_written_for_the_program_that_proves_it(
    model: str, searched: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The bytes that `slicegraph-checker` reads; where the bound is combinatorial there is no log."""
    folder = tmp_path / "new" / "proof"
    assert main(["check", model, searched, "--export", str(folder)]) == 0
    problem, log = (folder / name for name in ("problem", "log"))
    assert _core.prove_again(problem.read_bytes(), log.read_bytes(), 10**6)[0] == "verified"
    capsys.readouterr()
    path = written(tmp_path, certify(QUESTION, [0, 0, 1]))
    assert main(["check", model, path, "--export", str(tmp_path / "none")]) == 2
    captured = capsys.readouterr()
    assert captured.out.startswith("chain: 3 nodes, 2 tensors: verified\n")
    reason = "the lower bound is proved by combinatorial, not by the compiled checker: there is no log of it"
    assert captured.err == f"slicegraph: --export {tmp_path / 'none'}: {reason}\n"
    assert main(["check", model, searched, "--export", f"{model}/proof"]) == 2


WITHOUT = """
import sys
for name in ("highspy", "onnx", "onnxruntime", "rich", "scipy", "torch", "jax"):
    sys.modules[name] = None
import slicegraph as sg
from slicegraph.cli import main
model, certificate = sys.argv[1:]
assert sg.check(sg.read(model), sg.Certificate.read(certificate)).verdict == "verified"
sys.exit(main(["check", model, certificate, "-k", "2", "--require-gap", "0"]))
"""


def test_a_native_graph_is_checked_without_the_solver_and_readers(model: str, searched: str) -> None:
    """Of other packages numpy alone is needed."""
    done = subprocess.run([sys.executable, "-c", WITHOUT, model, searched], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("status       optimal: no partition is faster\n")
