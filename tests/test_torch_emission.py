"""Forms of plans read by the projects' own parsers, where their packages are installed; by `make torch-test`."""

from __future__ import annotations

import functools
import json
import re
import warnings
from typing import Any

import pytest

import slicegraph as sg
import torch_models
from slicegraph.emission import FORMS, NamedPlan
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


@pytest.mark.parametrize("name", NETWORKS)
def test_torchtitan_splits_by_the_modules(name: str) -> None:
    """Each path is a child of the model or a numbered one of its child's; its own split keeps these parameters."""
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
    theirs = pytest.importorskip("torchtitan.distributed.pipeline_parallel", reason="torchtitan is not installed")
    for part in parts:
        wanted = [each.shape for path in part for each in module.get_submodule(path).parameters()]
        found = [each.shape for each in theirs._split_module(module, part).parameters()]  # noqa: SLF001 - no other says it
        assert sorted(found) == sorted(wanted)


@pytest.mark.parametrize("name", NETWORKS)
def test_vllm_reads_the_partition(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each stage has as many layers as the plan's, one after the other."""
    theirs = pytest.importorskip("vllm.distributed.utils", reason="vllm is not installed")
    _, _, plan = _planned(name)
    variable, _, value = FORMS["vllm"](plan).strip().partition("=")
    monkeypatch.setenv(variable, value)
    counts = [int(each) for each in value.split(",")]
    layers = [theirs.get_pp_indices(sum(counts), stage, 3) for stage in range(3)]
    assert [end - begin for begin, end in layers] == counts
    assert [begin for begin, _ in layers[1:]] == [end for _, end in layers[:-1]]
