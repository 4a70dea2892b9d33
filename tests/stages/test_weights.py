"""Elements of tensors, in every place and encoding, on their way into the stages of a split."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import slicegraph as sg
from onnx_models import FEEDS, check, run, write
from slicegraph.stages.onnx import stage_files as stages
from slicegraph.stages.onnx.weights import check_external


def weighty(path: Path, *, is_external: bool) -> Path:
    """Write a model with weights in every place and encoding that ONNX has."""
    rng = np.random.default_rng(0)
    wide = 40_000
    raw = numpy_helper.from_array(rng.standard_normal((4, wide)).astype(np.float32), "raw")
    typed = helper.make_tensor("typed", TensorProto.FLOAT, [wide], rng.standard_normal(wide).tolist())
    halves = helper.make_tensor("halves", TensorProto.FLOAT16, [wide], rng.standard_normal(wide).tolist())
    order = helper.make_tensor("order", TensorProto.INT64, [wide], rng.integers(0, wide, wide).tolist())
    constant = numpy_helper.from_array(rng.standard_normal(wide).astype(np.float32))
    inner = numpy_helper.from_array(rng.standard_normal(wide).astype(np.float32), "inner")
    wide_info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, wide]) for name in "op"]
    then = helper.make_graph([helper.make_node("Add", ["c", "inner"], ["o"])], "t", [], wide_info[:1], [inner])
    other = helper.make_graph([helper.make_node("Neg", ["c"], ["p"])], "f", [], wide_info[1:])
    nodes = [
        helper.make_node("Constant", [], ["k"], value=constant),
        helper.make_node("MatMul", ["x", "raw"], ["a"]),
        helper.make_node("Add", ["a", "typed"], ["b"]),
        helper.make_node("Mul", ["b", "k"], ["c"]),
        helper.make_node("ReduceSum", ["c"], ["sum"], keepdims=0),
        helper.make_node("Cast", ["sum"], ["yes"], to=TensorProto.BOOL),
        helper.make_node("If", ["yes"], ["d"], then_branch=then, else_branch=other),
        helper.make_node("Gather", ["d", "order"], ["e"], axis=1),
        helper.make_node("Cast", ["halves"], ["h"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["e", "h"], ["f"]),
        helper.make_node("Sub", ["f", "typed"], ["g"]),
    ]
    graph = helper.make_graph(
        nodes,
        "weighty",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 4])],
        [helper.make_tensor_value_info("g", TensorProto.FLOAT, [2, wide])],
        [raw, typed, halves, order],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.save(made, path, save_as_external_data=is_external, size_threshold=1 << 17)
    return path


PLAN = [0, 0, 0, 1, 1, 1, 2, 2, 3]
"""One of the nine nodes that are left of it."""


@pytest.mark.parametrize("is_external", [False, True], ids=["in the file", "elsewhere"])
@pytest.mark.parametrize("is_large", [False, True], ids=["small", "large"])
def test_weights_go_where_they_are_read(
    is_external: bool, is_large: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In every encoding: into the stages' own files, or beside them when there are many or the model has it so."""
    path = weighty(tmp_path / "model.onnx", is_external=is_external)
    if is_large:
        monkeypatch.setattr(stages, "EMBEDDED_BYTES", 1000)
    check(path, PLAN)
    whole = run(path, {"x": FEEDS["x"]})
    np.testing.assert_array_equal(run(tmp_path / "stages/annotated.onnx", {"x": FEEDS["x"]})["g"], whole["g"])
    beside = {each.name for each in (tmp_path / "stages").glob("*.data")}
    wanted = {f"stage{stage}.onnx.data" for stage in range(4)} if is_large or is_external else set()
    assert beside - {"annotated.onnx.data"} == wanted
    # What the stages have, the whole shares.
    assert "annotated.onnx.data" not in beside


def test_missing_and_damaged_weights_are_named(tmp_path: Path) -> None:
    """And nothing is left of the stages that were written before."""
    path = weighty(tmp_path / "model.onnx", is_external=True)
    model = onnx.load(path, load_external_data=False)
    data = tmp_path / model.graph.initializer[0].external_data[0].value
    content = data.read_bytes()

    def complaint(changed: str = "", to: str = "") -> str:
        other = onnx.load(path, load_external_data=False)
        for entry in other.graph.initializer[0].external_data:
            if entry.key == changed:
                entry.value = to
        with pytest.raises(sg.InputError) as caught:
            sg.split(write(tmp_path / "other.onnx", other), PLAN, tmp_path / "stages")
        assert not (tmp_path / "stages").exists()
        return str(caught.value).removeprefix(f"{tmp_path}/other.onnx: ")

    assert complaint("length", "8") == "the tensor 'raw' has 8 bytes from 0 on, its type and dimensions say 640000"
    assert complaint("length", "many") == "offset and length of the tensor 'raw' are no numbers"
    outside = "the tensor 'raw' is in '../secrets', outside the folder of the model"
    assert complaint("location", "../secrets") == outside
    data.write_bytes(content[:1000])
    assert complaint() == f"{data.name} ends before the tensor 'raw' does"
    data.unlink()
    assert complaint() == f"the tensor 'raw': {data.name!r}: No such file or directory"


def elsewhere(folder: Path, location: str) -> Path:
    """Write a model whose weights are in another file."""
    folder.mkdir(parents=True, exist_ok=True)
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=location)
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "w"], ["a"]), helper.make_node("Neg", ["a"], ["b"])],
        "elsewhere",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 4])],
        [helper.make_tensor_value_info("b", TensorProto.FLOAT, [2, 4])],
        [tensor],
    )
    return write(
        folder / "model.onnx", helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    )


WEIGHTS = np.arange(4, dtype=np.float32).tobytes()


def test_weights_may_be_links_within_the_folder_of_the_model(tmp_path: Path) -> None:
    """And in a store of files, when the model is a link into it: what onnxruntime opens can be split."""
    for location in ("link", "sub/../data", "./data"):
        path = elsewhere(tmp_path / "here", location)
        (path.parent / "sub").mkdir(exist_ok=True)
        (path.parent / "data").write_bytes(WEIGHTS)
        if location == "link":
            (path.parent / "link").symlink_to("data")
        sg.split(path, [0, 1], tmp_path / "stages")
        assert [each.absolute for each in sg.verify_split(tmp_path / "stages", path)] == [0.0]
    stored = elsewhere(tmp_path / "store", "data")
    stored.rename(stored.with_name("0123"))
    (tmp_path / "store" / "4567").write_bytes(WEIGHTS)
    (tmp_path / "snapshot").mkdir()
    for name, target in (("model.onnx", "0123"), ("data", "4567")):
        (tmp_path / "snapshot" / name).symlink_to(tmp_path / "store" / target)
    sg.split(tmp_path / "snapshot" / "model.onnx", [0, 1], tmp_path / "stages")
    found = sg.verify_split(tmp_path / "stages", tmp_path / "snapshot" / "model.onnx")
    assert [each.absolute for each in found] == [0.0]
    assert sg.profile(tmp_path / "snapshot" / "model.onnx", runs=1, warmup=0).num_nodes == 2


@pytest.mark.parametrize(
    ("location", "rule"),
    [
        ("", "the name of no file"),
        ("da\0ta", "the name of no file"),
        ("ABSOLUTE", "relative to the folder of the model"),
        ("../data", "outside the folder of the model"),
        ("link", "outside the folder of the model"),
        ("linked/data", "outside the folder of the model"),
        ("pipe", "no regular file"),
        ("folder", "no regular file"),
        ("/dev/zero", "relative to the folder of the model"),
        ("zero", "outside the folder of the model"),
        ("loop", "symbolic links"),
        ("x" * 5000, "name too long"),
    ],
)
def test_weights_outside_the_folder_of_the_model_are_refused(location: str, rule: str, tmp_path: Path) -> None:
    """By every reader: in one line that names tensor and location, and nothing waits for a pipe."""
    (tmp_path / "data").write_bytes(WEIGHTS)
    location = location.replace("ABSOLUTE", str(tmp_path / "model" / "data"))
    path = elsewhere(tmp_path / "model", location)
    (path.parent / "data").write_bytes(WEIGHTS)
    (path.parent / "folder").mkdir()
    os.mkfifo(path.parent / "pipe")
    for name, target in (("link", "../data"), ("linked", ".."), ("zero", "/dev/zero"), ("loop", "loop")):
        (path.parent / name).symlink_to(target)
    for open_it in (
        lambda: sg.split(path, [0, 1], tmp_path / "stages"),
        lambda: sg.profile(path, runs=1, warmup=0),
        lambda: check_external(path),
    ):
        with pytest.raises(sg.InputError) as caught:
            open_it()
        message = str(caught.value)
        assert message.startswith(f"{path}: the tensor 'w'")
        assert repr(location) in message
        assert rule in message
        assert message.isprintable()
    assert not (tmp_path / "stages").exists()
