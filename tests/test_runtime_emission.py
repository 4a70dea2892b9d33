"""Forms of plans of ONNX and TFLite models, read by the runtimes that are installed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
import tflite

import slicegraph as sg
from onnx_models import write
from slicegraph.emission import FORMS, NamedPlan, named_plan
from tflite_models import Operator, Tensor, network
from tflite_models import write as write_tflite

NETWORKS = {
    "dense": (
        """g (float[2,4] x, float[4,4] w) => (float[2,4] z)
        { [first] a = MatMul(x, w) [second] b = Relu(a) [third] c = MatMul(b, w) [fourth] z = Softmax(c) }""",
        [0, 0, 1, 1],
    ),
    "convolutions": (
        """g (float[1,3,8,8] x, float[2,3,3,3] w) => (float[1,2,4,4] y, float[1,2,8,8] z)
        { [conv] a = Conv<pads = [1,1,1,1]>(x, w) [act] z = Relu(a)
          [pool] b = MaxPool<kernel_shape = [2,2], strides = [2,2]>(z) [last] y = Sigmoid(b) }""",
        [0, 1, 1, 1],
    ),
}


def planned(name: str, folder: Path) -> tuple[Path, NamedPlan, Sequence[int]]:
    """A network, its plan, and the stage of each node."""
    text, stages = NETWORKS[name]
    path = write(folder / "model.onnx", text)
    graph = sg.read(path)
    return path, named_plan({"node_names": list(graph.arrays.node_name or ()), "block_of": stages}, graph), stages


@pytest.mark.parametrize("name", NETWORKS)
def test_onnxruntime_takes_the_option(name: str, tmp_path: Path) -> None:
    """A session with the annotations and the setting runs as it does without."""
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    path, plan, _ = planned(name, tmp_path)
    told = json.loads(FORMS["ort"](plan))
    model = onnx.load(path)
    for node in model.graph.node:
        entry = node.metadata_props.add()
        entry.key, entry.value = "layer_ann", told["layer_ann"][node.name]
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    key = "session.layer_assignment_settings"
    options.add_session_config_entry(key, told[key])
    x = {
        each.name: np.ones([dim.dim_value for dim in each.type.tensor_type.shape.dim], np.float32)
        for each in model.graph.input
    }
    found = [
        runtime.InferenceSession(each.SerializeToString(), chosen, providers=["CPUExecutionProvider"]).run(None, x)
        for each, chosen in ((model, options), (onnx.load(path), runtime.SessionOptions()))
    ]
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


@pytest.mark.parametrize("name", NETWORKS)
def test_openvino_finds_every_operation(name: str, tmp_path: Path) -> None:
    """By its friendly name, and takes its affinity."""
    openvino = pytest.importorskip("openvino", reason="openvino is not installed")
    path, plan, stages = planned(name, tmp_path)
    affinity = json.loads(FORMS["openvino"](plan))["affinity"]
    read = openvino.Core().read_model(path)
    assert set(affinity) <= {each.get_friendly_name() for each in read.get_ops()}
    assert list(affinity.values()) == [f"GPU.{stage}" for stage in stages]
    for each in read.get_ops():
        each.get_rt_info()["affinity"] = affinity.get(each.get_friendly_name(), "CPU")


@pytest.mark.parametrize("name", NETWORKS)
def test_genai_reads_the_pipeline(name: str, tmp_path: Path) -> None:
    """Its configuration takes the part, and names what it does not know."""
    genai = pytest.importorskip("onnxruntime_genai", reason="onnxruntime-genai is not installed")
    _, plan, _ = planned(name, tmp_path)
    document = json.loads(FORMS["genai"](plan))
    document["model"] |= {"context_length": 8, "vocab_size": 4}
    path = tmp_path / "genai_config.json"
    path.write_text(json.dumps(document))
    genai.Config(str(tmp_path))
    document["model"]["decoder"]["pipeline"][0]["stage0"]["unknown"] = 1
    path.write_text(json.dumps(document))
    with pytest.raises(RuntimeError, match="unknown"):
        genai.Config(str(tmp_path))


def _chain(path: Path) -> Path:
    tensors = {f"t{index}": Tensor((4,)) for index in range(7)}
    operators = [Operator("TANH", [f"t{index}"], [f"t{index + 1}"]) for index in range(6)]
    return write_tflite(path, tensors, operators, inputs=["t0"], outputs=["t6"])


@pytest.mark.parametrize(("build", "stages"), [(network, [0, 0, 0, 1, 1, 2, 2]), (_chain, [0, 1, 1, 1, 1, 2])])
def test_coral_counts_every_operator_of_the_model(
    build: Callable[[Path], Path], stages: list[int], tmp_path: Path
) -> None:
    """What libcoral asks of counts: each segment has an operator, and all together are the model's."""
    path = build(tmp_path / "model.tflite")
    names = list(sg.read(path).arrays.node_name or ())
    counts = [int(each) for each in FORMS["coral"](NamedPlan(names=tuple(names), stages=tuple(stages))).split(",")]
    assert min(counts) > 0
    assert sum(counts) == tflite.Model.GetRootAs(path.read_bytes(), 0).Subgraphs(0).OperatorsLength()
