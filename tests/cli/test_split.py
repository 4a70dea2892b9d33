"""``slicegraph split`` and ``slicegraph verify-split``, as they are typed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

import slicegraph as sg
from onnx_models import write
from slicegraph.cli import main
from slicegraph.graph import fields

TEXT = "g (float[n,4] x) => (float[n,4] c) { a = Relu(x) b = Tanh(a) c = Neg(b) }"
DIMS = ["--dim", "n=2"]


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A model of three nodes."""
    return str(write(tmp_path / "model.onnx", TEXT))


def test_what_solve_prints_can_be_split_and_verified(
    path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """So can a certificate, and a stage for each node."""
    certificate = str(tmp_path / "certificate.json")
    solving = ["solve", path, "-k", "2", *DIMS, "--time-limit", "1", "--json", "--certificate", certificate]
    assert main(solving) == 0
    (tmp_path / "plan.json").write_text(capsys.readouterr().out)
    (tmp_path / "plan.txt").write_text("0 1 1")
    folder = str(tmp_path / "stages")
    for plan in ("plan.json", "certificate.json", "plan.txt"):
        assert main(["split", path, str(tmp_path / plan), "-o", folder, *DIMS]) == 0
        assert capsys.readouterr().err == ""
        assert main(["verify-split", folder, path, *DIMS]) == 0
        captured = capsys.readouterr()
        assert captured.err == ""
        assert captured.out.splitlines()[-1] == "the stages equal the whole: 0, with a tolerance of 0.0001"


def test_the_table_has_a_line_per_stage(path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "plan.txt").write_text("0 1 1")
    folder = str(tmp_path / "stages")
    assert main(["split", path, str(tmp_path / "plan.txt"), "-o", folder, *DIMS, "--device", "testbed"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"g: 2 stages in {folder}",
        "stage0.onnx  1 node, 32 B in, 32 B out, 0.564 ns predicted",
        "stage1.onnx  2 nodes, 32 B in, 32 B out, 0.628 ns predicted",
    ]


def test_stages_are_predicted_from_a_measured_graph(
    path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "plan.txt").write_text("0 1 1")
    graph, folder = str(tmp_path / "graph.json"), tmp_path / "stages"
    sg.write(sg.Graph(**(fields(sg.read(path, dims={"n": 2}).arrays) | {"work": [1.0, 2.0, 3.0]})), graph)
    plan = str(tmp_path / "plan.txt")
    options = [*DIMS, "--graph", graph, "--bandwidth", "32"]
    assert main(["split", path, plan, "-o", str(folder), *options]) == 0
    assert capsys.readouterr().err == ""
    manifest = json.loads((folder / "manifest.json").read_text())
    assert [stage["predicted"]["cost"] for stage in manifest["stages"]] == [2.0, 6.0]


def test_a_plan_of_another_graph_is_refused_unless_forced(
    path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An answer, by its graph's digest, and a certificate, by its problem's; here sizes differ alone."""
    certificate, plan, folder = (str(tmp_path / name) for name in ("certificate.json", "plan.json", "stages"))
    solving = ["solve", path, "-k", "2", "--dim", "n=3", "--time-limit", "1", "--json", "--certificate", certificate]
    assert main(solving) == 0
    Path(plan).write_text(capsys.readouterr().out)
    for given, what in ((plan, "a plan of another graph"), (certificate, "a certificate about another graph")):
        assert main(["split", path, given, "-o", folder, *DIMS]) == 2
        captured = capsys.readouterr()
        assert captured.err.startswith(f"slicegraph: {given}: {what}")
        assert captured.err.count("\n") == 1
        assert not Path(folder).exists()
        assert main(["audit", path, given, "-k", "2", *DIMS, "--time-limit", "1", "-q"]) == 2
        assert what in capsys.readouterr().err
        for verb in (
            ["split", path, given, "-o", folder],
            ["audit", path, given, "-k", "2", "--time-limit", "1", "-q"],
        ):
            assert main([*verb, *DIMS, "--force"]) == 0
        assert "another graph" not in capsys.readouterr().err
        shutil.rmtree(folder)


def test_a_plan_brings_its_device_and_its_borders(
    path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of an answer and of a certificate; figures that are typed replace single ones."""
    certificate, plan, folder = (str(tmp_path / name) for name in ("certificate.json", "plan.json", "stages"))
    solving = ["solve", path, "-k", "2", *DIMS, "--device", "edgetpu", "--boundary-io", "--time-limit", "1", "--json"]
    assert main([*solving, "--certificate", certificate]) == 0
    solved = json.loads(capsys.readouterr().out)
    Path(plan).write_text(json.dumps(solved))
    for given in (plan, certificate):
        assert main(["split", path, given, "-o", folder, *DIMS, "--json"]) == 0
        predicted = json.loads(capsys.readouterr().out)["predicted"]
        assert predicted == {key: solved[key] for key in ("bottleneck", "device", "boundary_io")} | {"machine": None}
        assert main(["split", path, given, "-o", folder, *DIMS, "--json", "--bandwidth", "7"]) == 0
        predicted = json.loads(capsys.readouterr().out)["predicted"]
        assert predicted["device"] == solved["device"] | {"bandwidth": 7.0}
        assert main(["split", path, given, "-o", folder, *DIMS, "--json", "--device", "a100"]) == 0
        device = sg.Device.preset("a100").to_mapping()
        assert json.loads(capsys.readouterr().out)["predicted"]["device"] == device


def test_a_plan_for_measured_work_is_the_models_own(
    path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Profile, solve, split: work is no part of a graph's structure. A certificate asks for the graph with its work."""
    graph, certificate, plan, folder = (str(tmp_path / name) for name in ("g.json", "c.json", "plan.json", "stages"))
    assert main(["profile", path, "-o", graph, *DIMS, "--runs", "1", "--warmup", "0"]) == 0
    capsys.readouterr()
    solving = ["solve", graph, "-k", "2", "--bandwidth", "5e9", "--time-limit", "1", "--json"]
    assert main([*solving, "--certificate", certificate]) == 0
    solved = json.loads(capsys.readouterr().out)
    Path(plan).write_text(json.dumps(solved))
    for given in (plan, certificate):
        assert main(["split", path, given, "-o", folder, *DIMS, "--graph", graph, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["predicted"]["bottleneck"] == solved["bottleneck"]
    assert main(["split", path, plan, "-o", folder, *DIMS]) == 0


def test_the_json_is_the_manifest(path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "plan.txt").write_text("0 1 1")
    folder = tmp_path / "stages"
    assert main(["split", path, str(tmp_path / "plan.txt"), "-o", str(folder), *DIMS, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((folder / "manifest.json").read_text())


def test_a_difference_beyond_the_tolerance_is_a_failure(
    path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the same answer in both forms of output."""
    (tmp_path / "plan.txt").write_text("0 1 1")
    folder = tmp_path / "stages"
    assert main(["split", path, str(tmp_path / "plan.txt"), "-o", str(folder), *DIMS]) == 0
    stage = onnx.load(folder / "stage1.onnx")
    stage.graph.node[0].op_type = "Erf"
    write(folder / "stage1.onnx", stage)
    capsys.readouterr()
    assert main(["verify-split", str(folder), path]) == 1
    assert "the stages differ from the whole: " in capsys.readouterr().out
    assert main(["verify-split", str(folder), path, "--json", "--tolerance", "0.5"]) == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert answer["holds"] is True
    assert [each["name"] for each in answer["outputs"]] == ["c"]
    assert main(["verify-split", str(folder), path, "--json"]) == 1
    outputs = [answer["outputs"][0] | {"holds": False, "tolerance": 1e-4, "optimized": pytest.approx(0.098, rel=0.1)}]
    assert json.loads(capsys.readouterr().out) == {"holds": False, "tolerance": 1e-4, "outputs": outputs}


def test_outputs_of_one_value_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They are equal, but whatever the stages compute."""
    text = "g (float[2,4] x) => (float[2,4] y, float[2,4] z) { a = Abs(x) b = Neg(a) y = Relu(b) z = Sigmoid(b) }"
    path, folder = str(write(tmp_path / "m.onnx", text)), str(tmp_path / "stages")
    (tmp_path / "plan.txt").write_text("0 0 1 1")
    assert main(["split", path, str(tmp_path / "plan.txt"), "-o", folder]) == 0
    capsys.readouterr()
    assert main(["verify-split", folder, path, "--json"]) == 0
    told = capsys.readouterr()
    assert [output["uniform"] for output in json.loads(told.out)["outputs"]] == [True, False]
    assert told.err == (
        "slicegraph: output 'y': all its elements are the same, which tells little of the stages: try other inputs\n"
    )


def test_random_outputs_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All that can be compared is; where nothing can be, nothing was verified: exit 1."""
    text = "g (float[2,4] x) => (OUTPUTS) { a = Relu(x) [noise] r = RandomNormalLike(a) b = Add(a, r) c = Neg(r) }"
    (tmp_path / "plan.txt").write_text("0 0 1 1")
    folder = str(tmp_path / "stages")
    both = "outputs b, c depend on random node 'noise' (RandomNormalLike): not compared"
    for outputs, status, lines in (
        (
            "abc",
            0,
            ["a  0 of its largest magnitude (0)", both, "the stages equal the whole in 1 of 3 outputs: 0, with"],
        ),
        ("bc", 1, [both, "nothing was compared: every output is random"]),
        ("b", 1, [both.replace("outputs b, c depend", "output b depends"), "nothing was compared"]),
    ):
        path = str(
            write(tmp_path / "m.onnx", text.replace("OUTPUTS", ", ".join(f"float[2,4] {each}" for each in outputs)))
        )
        assert main(["split", path, str(tmp_path / "plan.txt"), "-o", folder]) == 0
        capsys.readouterr()
        assert main(["verify-split", folder, path]) == status
        told = capsys.readouterr().out.splitlines()
        assert len(told) == len(lines)
        assert all(line.startswith(begin) for line, begin in zip(told, lines, strict=True))
        assert main(["verify-split", folder, path, "--json"]) == status
        answer = json.loads(capsys.readouterr().out)
        assert answer["holds"] is (status == 0)
        assert answer["outputs"][-1]["random"] == ["'noise' (RandomNormalLike)"]


def test_values_of_inputs_come_from_a_file_or_are_typed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For every verb that runs a model; what is typed comes before the file, and wrong values are one line."""
    text = "g (float[2,4] x, int64[2] rows) => (float[2,4] b) { a = Gather(x, rows) b = Relu(a) }"
    path, folder = str(write(tmp_path / "model.onnx", text)), str(tmp_path / "stages")
    (tmp_path / "plan.txt").write_text("0 1")
    assert main(["split", path, str(tmp_path / "plan.txt"), "-o", folder]) == 0
    file = str(tmp_path / "values.npz")
    np.savez(file, x=np.ones((2, 4)), rows=np.array([7, 7]))
    verbs = [
        ["verify-split", folder, path],
        ["profile", path, "-o", str(tmp_path / "graph.json"), "--runs", "1", "--warmup", "0"],
        ["run", folder, "--requests", "2", "--warmup", "1"],
    ]
    (tmp_path / "text.npz").write_text("no arrays")
    np.save(tmp_path / "one.npy", np.ones(3))
    for verb in verbs:
        assert main([*verb, "--inputs", file, "--input", "rows=[1, 0]"]) == 0
        capsys.readouterr()
        for wrong, rule in (
            (["--inputs", file], "idx=7"),
            (["--input", "z=1"], "'z', which is no input: the model has 'x', 'rows'"),
            (["--input", "rows=1.5"], "input 'rows': values of type float64"),
            (["--input", "rows"], "is not NAME=VALUE"),
            (["--inputs", str(tmp_path / "nowhere.npz")], "nowhere.npz: No such file"),
            (["--inputs", str(tmp_path / "text.npz")], "text.npz: no .npz file"),
            (["--inputs", str(tmp_path / "one.npy")], "one.npy: one array without a name"),
        ):
            assert main([*verb, *wrong]) == 2
            captured = capsys.readouterr()
            assert (captured.out, captured.err.count("\n")) == ("", 1)
            assert rule in captured.err


@pytest.mark.parametrize(
    ("plan", "options", "complaint"),
    [
        ("0 1", DIMS, "node 2 ('c') has no stage"),
        ("1 0 0", DIMS, "block"),
        ("0 0 1", [], "give --dim n=VALUE"),
        ("0 0 1", ["--dim", "m=2"], "no dimension named 'm'"),
    ],
)
def test_input_errors_are_one_line(
    plan: str, options: list[str], complaint: str, path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They name the culprit, exit with 2 and leave nothing."""
    (tmp_path / "plan.txt").write_text(plan)
    assert main(["split", path, str(tmp_path / "plan.txt"), "-o", str(tmp_path / "stages"), *options]) == 2
    captured = capsys.readouterr()
    assert (captured.out, captured.err.count("\n")) == ("", 1)
    assert complaint in captured.err
    assert not (tmp_path / "stages").exists()


def test_only_onnx_models_can_be_split(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A graph has no operators to run; and a tolerance is not negative."""
    (tmp_path / "graph.json").write_text("{}")
    (tmp_path / "plan.txt").write_text("0")
    assert main(["split", str(tmp_path / "graph.json"), str(tmp_path / "plan.txt"), "-o", str(tmp_path / "out")]) == 2
    assert "not an ONNX model" in capsys.readouterr().err
    for option in ("--tolerance", "--seed"):
        assert main(["verify-split", str(tmp_path), str(tmp_path / "graph.json"), option, "-1"]) == 2
        assert "is not negative" in capsys.readouterr().err
