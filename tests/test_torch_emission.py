"""Forms of plans read by the projects' own parsers, where their packages are installed; by `make torch-test`."""

from __future__ import annotations

import functools
import json
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import slicegraph as sg
import torch_models
from slicegraph.emission import FORMS, NamedPlan, NamedTensor, named_plan
from slicegraph.grain import grained

torch = pytest.importorskip("torch", reason="PyTorch is optional, and large")
NETWORKS = ["gpt2 untied", "llama untied"]


@functools.cache
def _planned(name: str) -> tuple[Any, tuple[Any, ...], NamedPlan]:
    """Cut a network between layers into three."""
    module, args = torch_models.make(name)
    graph = sg.from_torch(module, args)
    instance = grained(sg.Instance(graph, device=sg.Device.preset("testbed"), num_blocks=3), sg.grain(graph))
    names = graph.arrays.node_name or ()
    plan = NamedPlan(names=tuple(names), stages=tuple(sg.solve(instance, threads=1).block_of.tolist()))
    # What is around the layers may be elsewhere at no cost; runtimes have it first and last.
    return module, args, NamedPlan(names=plan.names, stages=plan.rounded([group.nodes for group in sg.grain(graph)]))


@pytest.mark.parametrize("name", NETWORKS)
def test_torch_splits_where_the_specification_says(name: str) -> None:
    """Each stage has the parameters of the plan's."""
    pipelining = pytest.importorskip("torch.distributed.pipelining")
    module, args, plan = _planned(name)
    scope: dict[str, Any] = {}
    exec(FORMS["torch"](plan), scope)  # noqa: S102 - it is a statement, and ours
    fresh, _ = torch_models.make(name)
    pipe = pipelining.pipeline(fresh, mb_args=args, split_spec=scope["split_spec"])
    document = {"node_names": list(plan.names), "block_of": list(plan.stages)}
    stages = sg.torch.stages(module, args, document)
    assert pipe.num_stages == len(stages) == 3
    for index, stage in enumerate(stages):
        theirs = dict(pipe.get_stage_module(index).named_parameters())
        assert set(theirs) == {key for key, _ in stage.named_parameters()}


@pytest.mark.parametrize("name", NETWORKS)
def test_accelerate_takes_the_map(name: str) -> None:
    """Its own check finds every parameter, and no module that is not there."""
    accelerate = pytest.importorskip("accelerate", reason="accelerate is not installed")
    module, _, plan = _planned(name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = json.loads(FORMS["accelerate"](plan))
        # A table that is read at fixed places has no node.
        found |= {"wpe": found["wte"]} if "gpt2" in name else {}
        accelerate.utils.modeling.check_device_map(module, found)


@pytest.mark.parametrize("name", NETWORKS)
def test_megatron_reads_the_layout(name: str) -> None:
    """As many layers in each stage, the embedding in the first and the loss in the last."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = pytest.importorskip(
            "megatron.core.transformer.pipeline_parallel_layer_layout", reason="megatron-core is not installed"
        )
    _, _, plan = _planned(name)
    match = re.search('"(.*)"', FORMS["megatron"](plan))
    assert match is not None
    layout = found.PipelineParallelLayerLayout(match[1], 3).layout
    kinds = [[each.name for each in stage[0]] for stage in layout]
    counts = FORMS["vllm"](plan).strip().partition("=")[2].split(",")
    assert [str(stage.count("decoder")) for stage in kinds] == counts
    assert kinds[0][0] == "embedding"
    assert kinds[-1][-1] == "loss"


@pytest.mark.parametrize("name", NETWORKS)
def test_deepspeed_partitions_its_layers(name: str) -> None:
    """Its own module has the plan's stages: alone in its group, it is told that it is any of them."""
    deepspeed = pytest.importorskip("deepspeed", reason="deepspeed is not installed")
    _, _, plan = _planned(name)
    scope: dict[str, Any] = {}
    exec(FORMS["deepspeed"](plan), scope)  # noqa: S102 - it is a class, and ours
    layers = [torch.nn.Linear(2, 2) for _ in scope["LAYERS"]]
    for stage in range(3):
        found = object.__new__(scope["PlannedPipelineModule"])
        torch.nn.Module.__init__(found)
        assert isinstance(found, deepspeed.pipe.PipelineModule)
        found.num_stages, found.global_rank, found._layer_specs = 3, stage, layers
        found._topo = deepspeed.runtime.pipe.topology.PipeDataParallelTopology(num_pp=3, num_dp=1)
        found._partition_layers()
        assert (found._local_start, found._local_stop) == (scope["PARTS"][stage], scope["PARTS"][stage + 1])


def test_genai_reads_the_pipeline(tmp_path: Path) -> None:
    """Its configuration takes the part, and names what it does not know."""
    genai = pytest.importorskip("onnxruntime_genai", reason="onnxruntime-genai is not installed")
    tensors = (NamedTensor("input_ids", -1, (0,)), NamedTensor("h", 0, (1,)), NamedTensor("logits", 1, is_output=True))
    document = json.loads(FORMS["genai"](NamedPlan(names=("a", "b"), stages=(0, 1), tensors=tensors)))
    document["model"] |= {"context_length": 8, "vocab_size": 4}
    path = tmp_path / "genai_config.json"
    path.write_text(json.dumps(document))
    genai.Config(str(tmp_path))
    document["model"]["decoder"]["pipeline"][0]["stage0"]["unknown"] = 1
    path.write_text(json.dumps(document))
    with pytest.raises(RuntimeError, match="unknown"):
        genai.Config(str(tmp_path))


def test_openvino_finds_every_operation(tmp_path: Path) -> None:
    """By its friendly name, and takes its affinity."""
    openvino = pytest.importorskip("openvino", reason="openvino is not installed")
    onnx = pytest.importorskip("onnx")
    text = """<ir_version: 9, opset_import: ["": 17]> g (float[2,5] x) => (float[2,5] z)
        { [first] y = Tanh(x) [second] w = Sin(y) [third] z = Cos(w) }"""
    model = onnx.parser.parse_model(text)
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    graph = sg.read(path)
    plan = named_plan({"node_names": list(graph.arrays.node_name or ()), "block_of": [0, 0, 1]}, graph)
    told = json.loads(FORMS["openvino"](plan))
    read = openvino.Core().read_model(path)
    met = {each.get_friendly_name() for each in read.get_ops()}
    assert set(told["affinity"]) <= met
    for each in read.get_ops():
        each.get_rt_info()["affinity"] = told["affinity"].get(each.get_friendly_name(), "CPU")


def test_onnxruntime_takes_the_option() -> None:
    """A session with the annotations and the setting runs as it does without."""
    onnx, runtime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    text = """<ir_version: 9, opset_import: ["": 17]> g (float[2,5] x) => (float[2,5] z)
        { [first] y = Tanh(x) [second] z = Sin(y) }"""
    model = onnx.parser.parse_model(text)
    told = json.loads(FORMS["ort"](NamedPlan(names=("first", "second"), stages=(0, 1))))
    for node in model.graph.node:
        entry = node.metadata_props.add()
        entry.key, entry.value = "layer_ann", told["layer_ann"][node.name]
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    key = "session.layer_assignment_settings"
    options.add_session_config_entry(key, told[key])
    session = runtime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    x = np.ones((2, 5), np.float32)
    np.testing.assert_allclose(session.run(None, {"x": x})[0], np.sin(np.tanh(x)), rtol=1e-6)


@pytest.mark.parametrize("name", NETWORKS)
def test_torchtitan_has_a_place_for_the_modules(name: str) -> None:
    """Each path is a child of the model or a numbered one of its child's, and every child with parameters is in one."""
    tomllib = pytest.importorskip("tomllib")
    module, _, plan = _planned(name)
    parts = tomllib.loads(FORMS["torchtitan"](plan))["parallelism"]["module_fqns_per_model_part"]
    listed = [path for part in parts for path in part]
    assert len(listed) == len(set(listed))
    for path in listed:
        module.get_submodule(path)
    for key, _ in module.named_parameters():
        if key == "wpe.weight":
            continue  # a table that is read at fixed places has no node
        assert sum(key.startswith(f"{path}.") for path in listed) == 1
