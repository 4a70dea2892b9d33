"""Stages as models: they compute what the whole does, whatever the model is made of."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import slicegraph as sg
from onnx_models import FEEDS, HEADER, check, check_files, models, plans, run, run_stages, write
from slicegraph.graph import fields
from strategies import MANY

CHAIN = "g (float[2,4] x) => (float[2,4] c) { a = Relu(x) b = Tanh(a) c = Neg(b) }"


def borders(manifest: Any) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Where the inputs of every stage come from, and where its outputs go."""
    return [
        (
            {each["name"]: each["from"] for each in stage["inputs"]},
            {each["name"]: each["to"] for each in stage["outputs"]},
        )
        for stage in manifest["stages"]
    ]


@given(data=st.data())
@settings(max_examples=MANY)
def test_the_stages_compute_what_the_whole_does(data: st.DataObject) -> None:
    """Any model, any partition: every stage is a valid model, gets what its manifest lists, and makes what it says."""
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder) / "model.onnx", data.draw(models()))
        graph = sg.read(path, dims={"n": 2})
        plan = data.draw(plans(graph))
        manifest = check(path, plan, dims={"n": 2})
        assert sum(stage["nodes"] for stage in manifest["stages"]) == graph.num_nodes
        assert [stage["block"] for stage in manifest["stages"]] == sorted(set(plan))
        for stage in manifest["stages"]:
            for tensor in stage["outputs"]:
                readers = [
                    reader["stage"]
                    for reader in manifest["stages"]
                    if {"name": tensor["name"], "from": stage["stage"]}.items()
                    <= {**next((each for each in reader["inputs"] if each["name"] == tensor["name"]), {})}.items()
                ]
                assert [reader for reader in tensor["to"] if reader != "model"] == readers


def test_a_tensor_may_skip_stages_and_blocks_may_be_empty(tmp_path: Path) -> None:
    """Stages count without gaps, and remember their block; a result that others read goes to both."""
    path = write(tmp_path / "model.onnx", "g (float[2,4] x) => (float[2,4] a, float[2,4] d)"
                 "{ a = Relu(x) b = Tanh(a) c = Add(b, x) d = Add(c, a) }")  # fmt: skip
    manifest = check(path, [1, 3, 3, 7])
    assert [(stage["stage"], stage["block"], stage["nodes"]) for stage in manifest["stages"]] == [
        (0, 1, 1),
        (1, 3, 2),
        (2, 7, 1),
    ]
    assert borders(manifest) == [
        ({"x": "model"}, {"a": [1, 2, "model"]}),
        ({"a": 0, "x": "model"}, {"c": [2]}),
        ({"c": 1, "a": 0}, {"d": ["model"]}),
    ]


def test_what_a_stage_relays_is_predicted_where_only_neighbours_are_linked(tmp_path: Path) -> None:
    path = write(tmp_path / "model.onnx", "g (float[2,4] x) => (float[2,4] d)"
                 "{ a = Relu(x) b = Tanh(a) d = Add(b, a) }")  # fmt: skip
    graph, device = sg.read(path), sg.Device.preset("testbed")
    seconds = []
    for constraints in (None, sg.Constraints(adjacent=True)):
        instance = sg.Instance(graph, device=device, num_blocks=3, constraints=constraints)
        manifest = sg.split(path, [0, 1, 2], tmp_path / "stages", instance=instance)
        middle = manifest["stages"][1]["predicted"]
        assert middle is not None
        assert middle["io_out"] == instance.block_costs([0, 1, 2])[1].io_out
        seconds.append(middle["io_out"])
    assert seconds[1] == 2 * seconds[0]


def test_stages_of_unlike_devices_say_theirs(tmp_path: Path) -> None:
    """Each stage names its device, and what is predicted is what the plan costs on it."""
    path = write(tmp_path / "model.onnx", CHAIN)
    graph = sg.read(path)
    slow = sg.Device(bandwidth=8.0, flops=1.0, memory_bandwidth=1.0, name="slow")
    fast = sg.Device(bandwidth=8.0, flops=4.0, memory_bandwidth=4.0)
    instance = sg.Instance(graph, devices=[slow, fast, fast])
    manifest = sg.split(path, [0, 2, 2], tmp_path / "stages", instance=instance)
    costs = instance.block_costs([0, 2, 2])
    stages = [(stage["device"], stage["predicted"]) for stage in manifest["stages"]]
    assert [name for name, _ in stages] == ["slow", "kind 1"]
    assert [cost and cost["cost"] for _, cost in stages] == [costs[0].cost, costs[2].cost]
    assert manifest["predicted"] is not None
    assert manifest["predicted"]["device"] is None
    assert [row["count"] for row in manifest["predicted"]["machine"] or ()] == [1, 2]


def test_the_last_stage_passes_on_what_no_node_makes(tmp_path: Path) -> None:
    """Model inputs, initializers, constants and shapes may all be returned as they are, and twice."""
    text = """g (float[n,4] x, float[2,4] y) => (float[2,4] y, float[1] w, float[1] k, int64[2] s,
        float[n,4] b, float[n,4] b) <float[1] w = {2.0}> { k = Mul(w, w) a = Relu(x) b = Tanh(a) s = Shape(a) }"""
    manifest = check(write(tmp_path / "model.onnx", text), [0, 1], dims={"n": 2})
    assert borders(manifest) == [
        ({"x": "model"}, {"a": [1]}),
        ({"a": 0, "y": "model"}, {"y": ["model"], "w": ["model"], "k": ["model"], "s": ["model"], "b": ["model"]}),
    ]
    assert [each["name"] for each in manifest["outputs"]] == ["y", "w", "k", "s", "b", "b"]


def test_an_unread_stage_still_runs(tmp_path: Path) -> None:
    """ONNX has no model without outputs; this one's goes nowhere."""
    text = "g (float[2,4] x) => (float[2,4] a) { a = Relu(x) b = Tanh(a) }"
    assert borders(check(write(tmp_path / "model.onnx", text), [0, 1])) == [
        ({"x": "model"}, {"a": [1, "model"]}),
        ({"a": 0}, {"b": []}),
    ]


def test_a_stage_may_need_no_inputs(tmp_path: Path) -> None:
    text = """g (float[2,4] x) => (float[2,4] b)
        { a = RandomNormal<shape = [2,4], seed = 1.0>() c = Relu(a) b = Add(c, x) }"""
    assert borders(check(write(tmp_path / "model.onnx", text), [0, 0, 1]))[0] == ({}, {"c": [1]})


def test_constants_go_to_every_stage_that_reads_them(tmp_path: Path) -> None:
    """As initializers or with the nodes that make them; what hangs on shapes comes as its value."""
    text = """g (float[n,4] x) => (float[n,4] c) <float[4] w = {1, 2, 3, 4}>
        { k = Neg(w) a = Add(x, k) s = Shape(a) b = Reshape(a, s) c = Add(b, k) }"""
    manifest = check(write(tmp_path / "model.onnx", text), [0, 1, 1], dims={"n": 2})
    assert manifest["model"]["dims"] == {"n": 2}
    first, second = (onnx.load(tmp_path / "stages" / f"stage{stage}.onnx").graph for stage in (0, 1))
    assert [node.op_type for node in first.node] == ["Neg", "Add"]
    assert [node.op_type for node in second.node] == ["Neg", "Reshape", "Add"]
    assert [tensor.name for tensor in second.initializer] == ["w", "s"]


def test_bodies_capture_across_stages(tmp_path: Path) -> None:
    """What a Loop reads from outside is an input of its stage, and weights that its body reads come along."""
    text = """g (float[2,4] x) => (float[2,4] f, float[t,2,4] all) <float[4] w = {1, 2, 3, 4}, int64 trips = {3}>
        { a = Relu(x) b = Tanh(a) f, all = Loop(trips, , b)
          <body = body (int64 i, bool go, float[2,4] v) => (bool on, float[2,4] u, float[2,4] z)
            { t = Mul(v, w) u = Add(t, a) on = Identity(go) z = Neg(u) }> }"""
    manifest = check(write(tmp_path / "model.onnx", text), [0, 1, 2])
    assert borders(manifest)[2][0] == {"b": 1, "a": 0}


def test_optional_inputs_and_sequences_cross(tmp_path: Path) -> None:
    """Inputs that are left out stay out; a list of tensors may go from stage to stage."""
    text = """g (float[2,4] x) => (float[2,4] c) <float top = {0.5}, int64 one = {1}>
        { a = Clip(x, , top) s = SplitToSequence(a, one) c = ConcatFromSequence<axis = 0>(s) }"""
    path = write(tmp_path / "model.onnx", text)
    manifest = sg.split(path, [0, 0, 1], tmp_path / "stages")
    check_files(tmp_path / "stages", manifest)
    assert manifest["stages"][1]["inputs"][0] == {
        "name": "s",
        "dtype": "sequence(float32)",
        "shape": None,
        "bytes": 32,
        "from": 0,
    }
    assert [each.absolute for each in sg.verify_split(tmp_path / "stages", path)] == [0.0]


def test_functions_are_inlined_and_all_else_is_kept(tmp_path: Path) -> None:
    """Operator sets, metadata, and a function's own constants."""
    text = """<ir_version: 10, opset_import: ["": 17, "local": 1, "com.microsoft": 1], metadata_props: ["who": "us"]>
        g (float[2,4] x) => (float[2,4] b) { a = local.Twice(x) b = local.Twice(a) }
        <domain: "local", opset_import: ["": 17]>
        Twice (v) => (w) { two = Constant<value_float: float = 2.0>() t = Mul(v, two) w = Relu(t) }"""
    path = write(tmp_path / "model.onnx", text)
    assert [stage["nodes"] for stage in check(path, [0, 0, 0, 1])["stages"]] == [3, 1]
    stage = onnx.load(tmp_path / "stages/stage1.onnx")
    assert {opset.domain for opset in stage.opset_import} == {"", "local", "com.microsoft"}
    assert [(each.key, each.value) for each in stage.metadata_props] == [("who", "us")]
    assert [node.op_type for node in stage.graph.node] == ["Relu"]


def test_old_models_come_out_valid(tmp_path: Path) -> None:
    """Before version 4, every initializer had to be an input; a stage's are not."""
    text = """<ir_version: 3, opset_import: ["": 9]>
        g (float[2,4] x, float[4] w) => (float[2,4] b) <float[4] w = {1, 2, 3, 4}> { a = Add(x, w) b = Mul(a, w) }"""
    assert borders(check(write(tmp_path / "model.onnx", text), [0, 1]))[1][0] == {"a": 0}


def test_the_whole_says_each_nodes_stage(tmp_path: Path) -> None:
    """In ONNX's own words and in metadata; it can be split again, and nothing of the first split is left."""
    path = write(tmp_path / "model.onnx", CHAIN)
    check(path, [0, 1, 1])
    whole = onnx.load(tmp_path / "stages/annotated.onnx")
    assert whole.ir_version >= 11
    assert [(each.name, each.num_devices) for each in whole.configuration] == [("slicegraph", 2)]
    for node, stage in zip(whole.graph.node, [0, 1, 1], strict=True):
        assert [(each.key, each.value) for each in node.metadata_props] == [("pipeline_stage", str(stage))]
        assert [(each.configuration_id, each.pipeline_stage) for each in node.device_configurations] == [
            ("slicegraph", stage)
        ]
    again = write(tmp_path / "again.onnx", whole)
    check(again, [0, 0, 2])
    whole = onnx.load(tmp_path / "stages/annotated.onnx")
    assert [node.metadata_props[0].value for node in whole.graph.node] == ["0", "0", "1"]
    assert len(whole.configuration) == 1
    assert not onnx.load(tmp_path / "stages/stage0.onnx").graph.node[0].metadata_props


def test_costs_are_those_of_an_instance(tmp_path: Path) -> None:
    """Of the partition's blocks, on its device, with its work, which may have been measured."""
    path = write(tmp_path / "model.onnx", CHAIN)
    read = sg.read(path)
    measured = sg.Graph(**(fields(read.arrays) | {"work": [1.0, 2.0, 3.0]}))
    for graph, num_blocks in ((read, 3), (measured, 8)):
        instance = sg.Instance(graph, device=sg.Device.preset("testbed"), num_blocks=num_blocks)
        manifest = sg.split(path, [0, 2, 2], tmp_path / "stages", instance=instance)
        costs = instance.block_costs([0, 2, 2])
        assert [stage["predicted"] for stage in manifest["stages"]] == [
            {part: getattr(cost, part) for part in ("work", "io_in", "io_out", "overflow", "cost")}
            for cost in (costs[0], costs[2])
        ]
        bottleneck = max(cost.cost for cost in costs)
        assert manifest["predicted"] == {
            "bottleneck": bottleneck,
            "device": instance.device.to_mapping(),
            "machine": None,
            "boundary_io": False,
        }


def test_an_instance_of_another_graph_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "model.onnx", CHAIN)
    other = sg.Instance(sg.generate.lstm_grid(num_layers=1, num_steps=3), device=sg.Device.preset("a100"), num_blocks=2)
    with pytest.raises(sg.InputError, match=r"^instance: <Graph 'lstm_grid.*> is not the graph of the model"):
        sg.split(path, [0, 1, 1], tmp_path / "stages", instance=other)
    assert not (tmp_path / "stages").exists()


def test_a_former_split_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    """Neither a folder of the user's nor a file that came to a split, nor the model itself, is lost."""
    path, folder = write(tmp_path / "model.onnx", CHAIN), tmp_path / "stages"
    sg.split(path, [0, 1, 2], folder)
    sg.split(path, [0, 0, 1], folder)
    names = {"annotated.onnx", "manifest.json", "stage0.onnx", "stage1.onnx"}
    assert {each.name for each in folder.iterdir()} == names
    with pytest.raises(sg.InputError, match=r"stages: holds stage0\.onnx, which is to be split"):
        sg.split(folder / "stage0.onnx", [0, 0], folder)
    (folder / "notes.txt").touch()
    with pytest.raises(sg.InputError, match=r"stages: holds 'notes\.txt', which is of no split and would be lost"):
        sg.split(path, [0, 0, 1], folder)
    (folder / "manifest.json").unlink()
    with pytest.raises(sg.InputError, match=r"holds 'annotated\.onnx' and no former split"):
        sg.split(path, [0, 0, 1], folder)
    assert {each.name for each in tmp_path.iterdir()} == {"model.onnx", "stages"}


def test_a_folder_with_the_weights_of_the_model_is_refused(tmp_path: Path) -> None:
    """They may be where a former split was, under a name of its files."""
    path = write(tmp_path / "model.onnx", CHAIN)
    sg.split(path, [0, 1, 1], tmp_path / "stages")
    model = onnx.load(path)
    weights = np.arange(5000, dtype=np.float32)
    (tmp_path / "stages" / "stage0.onnx.data").write_bytes(weights.tobytes())
    tensor = onnx.TensorProto(name="w", data_type=1, dims=[5000], data_location=onnx.TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="stages/stage0.onnx.data")
    model.graph.initializer.append(tensor)
    onnx.save(model, path)
    with pytest.raises(sg.InputError, match=r"stages: holds stage0.onnx.data, which is to be split$"):
        sg.split(path, [0, 1, 1], tmp_path / "stages")
    assert (tmp_path / "stages" / "stage0.onnx.data").read_bytes() == weights.tobytes()


def test_a_plan_above_the_memory_limit_is_predicted_as_such(tmp_path: Path) -> None:
    path = write(tmp_path / "model.onnx", CHAIN)
    graph = sg.Graph(**(fields(sg.read(path).arrays) | {"param_bytes": [4, 4, 4]}))
    device = sg.Device(bandwidth=1.0, flops=1.0, memory_bandwidth=1.0, memory_limit=8)
    instance = sg.Instance(graph, device=device, num_blocks=2)
    manifest = sg.split(path, [0, 0, 0], tmp_path / "stages", instance=instance)
    prediction, cost = manifest["predicted"], manifest["stages"][0]["predicted"]
    assert prediction is not None
    assert cost is not None
    assert (prediction["bottleneck"], cost["cost"]) == (None, None)


@pytest.mark.parametrize(
    ("plan", "complaint"),
    [
        ([0, 1], "block_of: length 2, but there are 3 nodes"),
        ([1, 0, 0], r"node 1.* block 0"),
        ([0, -1, 0], "-1"),
        ([0, 1, 2**31], "2147483648|2147483649"),
        ([0.5, 1, 1], "integers are asked for"),
    ],
)
def test_a_wrong_plan_is_refused(plan: list[Any], complaint: str, tmp_path: Path) -> None:
    """In one line, before anything is written."""
    path = write(tmp_path / "model.onnx", CHAIN)
    with pytest.raises(sg.InputError, match=complaint) as caught:
        sg.split(path, plan, tmp_path / "stages")
    assert "\n" not in str(caught.value)
    assert [each.name for each in tmp_path.iterdir()] == ["model.onnx"]


def test_an_unknown_type_is_named(tmp_path: Path) -> None:
    """A stage of nothing but an unused custom operator has an output of no type."""
    text = """<ir_version: 10, opset_import: ["": 17, "own": 1]>
        g (float[2,4] x) => (float[2,4] a) { a = Relu(x) b = own.Op(a) }"""
    with pytest.raises(sg.InputError, match="'b' crosses a border of stages, but its type is not known"):
        sg.split(write(tmp_path / "model.onnx", text), [0, 1], tmp_path / "stages")


def test_without_onnx_there_is_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(sg.InputError, match=r"pip install slicegraph\[onnx\]"):
        sg.split(tmp_path / "model.onnx", [0], tmp_path / "stages")


def test_a_stage_needs_no_shape_of_a_later_one(tmp_path: Path) -> None:
    """A constant too big to be known, made by an If that asks for the shape of a tensor of a later stage."""
    text = """g (float[n,4] x) => (float[n,200,200] y, float[n,4] b) <bool yes = {1}, int64[2] k = {200, 200}>
        { a = Relu(x) b = Tanh(a) u = ReduceSum<keepdims = 0>(a) y = Add(z, u) }"""
    taken = "{ s = Shape<start = 0, end = 1>(b) t = Concat<axis = 0>(s, k) o = ConstantOfShape(t) }"
    other = "{ m = ReduceSum<keepdims = 0>(b) s = Shape<end = 1>(b) t = Concat<axis = 0>(s, k) o = Expand(m, t) }"
    both = f"then_branch = t () => (float[n,200,200] o) {taken}, else_branch = f () => (float[n,200,200] o) {other}"
    path = write(tmp_path / "model.onnx", text.replace("y = Add", f"z = If(yes) <{both}> y = Add"))
    check(path, [0, 0, 1, 1], dims={"n": 2})
    assert borders(check(path, [0, 1, 0, 0], dims={"n": 2})) == [
        ({"x": "model"}, {"a": [1], "y": ["model"]}),
        ({"a": 0}, {"b": ["model"]}),
    ]


def test_a_branch_that_is_never_taken_is_not_read(tmp_path: Path) -> None:
    """Neither by an If whose condition is known nor by one within the branch that it takes."""
    text = """g (float[2,4] x) => (float[2,4] c, float[2,4] b) <bool yes = {1}, float[2,4] w = {1, 2, 3, 4, 5, 6, 7, 8}>
        { a = Relu(x) b = Tanh(a) z = If(yes) <BRANCHES> c = Add(z, a) }"""
    inner = """then_branch = t2 () => (float[2,4] p) { p = Tanh(w) },
        else_branch = f2 () => (float[2,4] q) { q = Neg(b) }"""
    branches = f"""then_branch = t () => (float[2,4] o) {{ o = If(yes) <{inner}> }},
        else_branch = f () => (float[2,4] r) {{ r = Sub(b, b) }}"""
    for taken in (inner, inner.replace("Tanh(w)", "Add(a, w)")):
        path = write(tmp_path / "model.onnx", text.replace("BRANCHES", branches.replace(inner, taken)))
        assert borders(check(path, [0, 1, 0] if taken == inner else [0, 1, 0, 0])) == [
            ({"x": "model"}, {"a": [1], "c": ["model"]}),
            ({"a": 0}, {"b": ["model"]}),
        ]


def test_nodes_out_of_order_become_valid_stages(tmp_path: Path) -> None:
    """Stages are in topological order, with what a branch captures before it."""
    text = """g (float[2,4] x) => (float[2,4] y) <bool yes = {1}>
        { y = Exp(c) c = If(k)<then_branch = t () => (float[2,4] u) { u = Neg(b) },
            else_branch = e () => (float[2,4] v) { v = Sin(a) }>
          k = Cast<to=9>(r) r = ReduceSum<keepdims=0>(a) b = Relu(a) a = Tanh(x) }"""
    manifest = check(write(tmp_path / "model.onnx", text), [0, 0, 0, 1, 1, 2])
    assert [stage["nodes"] for stage in manifest["stages"]] == [3, 2, 1]


def test_the_standard_domain_may_be_written_out(tmp_path: Path) -> None:
    """Stages give it its empty name, as tools expect it."""
    text = """<ir_version: 8, opset_import: ["ai.onnx": 17]> g (float[2,4] x) => (float[2,4] y)
        { a = ai.onnx.Relu(x) y = Exp(a) }"""
    check(write(tmp_path / "model.onnx", text), [0, 1])


def test_sparse_parameters_go_along(tmp_path: Path) -> None:
    """As they are stored, into every stage that reads them."""
    text = "g (float[2,4] x) => (float[2,4] y) { a = MatMul(x, w) y = MatMul(a, w) }"
    model = onnx.parser.parse_model(f"{HEADER} {text}")
    sparse = model.graph.sparse_initializer.add(dims=[4, 4])
    sparse.values.CopyFrom(onnx.numpy_helper.from_array(np.array([1, 2, -3], np.float32), "w"))
    sparse.indices.CopyFrom(onnx.numpy_helper.from_array(np.array([1, 4, 11])))
    path = write(tmp_path / "model.onnx", model)
    manifest = sg.split(path, [0, 1], tmp_path / "stages")
    feeds = {"x": FEEDS["x"]}
    whole, chained = run(path, feeds), run_stages(tmp_path / "stages", manifest, feeds)
    np.testing.assert_array_equal(chained["y"], whole["y"])
    assert len(onnx.load(tmp_path / "stages/stage1.onnx").graph.sparse_initializer) == 1


@pytest.mark.parametrize("node", ["LayerNormalization(a, w, w)", "SimplifiedLayerNormalization(a, w)"])
def test_an_operator_before_its_operator_set_becomes_a_stage_that_runs(node: str, tmp_path: Path) -> None:
    """A stage is as valid as the whole: what ONNX's checker does not know it need not like."""
    text = f"""<ir_version: 7, opset_import: ["": 12]> g (float[2,4] x) => (float[2,4] y)
        <float[4] w = {{1,2,3,4}}, float[2,4] n> {{ a = Relu(x) n = {node} y = Exp(n) }}"""
    path = write(tmp_path / "model.onnx", text)
    manifest = sg.split(path, [0, 1, 1], tmp_path / "stages")
    assert {each.name for each in (tmp_path / "stages").iterdir()} == {
        *("stage0.onnx", "stage1.onnx", "annotated.onnx", "manifest.json"),
    }
    feeds = {"x": FEEDS["x"]}
    whole, chained = run(path, feeds), run_stages(tmp_path / "stages", manifest, feeds)
    np.testing.assert_array_equal(chained["y"], whole["y"])
