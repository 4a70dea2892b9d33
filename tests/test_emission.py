"""Plans in the forms of runtimes, read back by small readers of each grammar; what cannot be said is refused."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

import slicegraph as sg
from onnx_models import write
from slicegraph.cli import main
from slicegraph.emission import FORMS, CannotSayError, NamedPlan, NamedTensor, named_plan

LAYERS = 5


def decoder() -> list[str]:
    """Name the nodes of a decoder of five layers, in order."""
    names = ["wte/embedding", "wpe/embedding_1", "add"]
    for layer in range(LAYERS):
        names += [f"h.{layer}.ln/norm_{layer}", f"h.{layer}.mlp/linear_{layer}", f"h.{layer}/add_{layer + 1}"]
    return [*names, "ln_f/norm_9", "lm_head/linear_9"]


def convolutions() -> list[str]:
    """Name the nodes of a chain of modules without layers."""
    return ["stem.conv/conv", "stem.act/relu", "body.conv/conv_1", "body.act/relu_1", "head/linear"]


def plan(names: list[str], *starts: int) -> NamedPlan:
    """Begin a stage at each of some nodes."""
    stages = tuple(sum(node >= start for start in starts) for node in range(len(names)))
    return NamedPlan(names=tuple(names), stages=stages)


WHOLE = plan(decoder(), 3 + 3 * 2, 3 + 3 * 3)
"""Two layers with the embedding, one, two with the head."""
CUT = plan(decoder(), 3 + 3 * 2 + 1, 3 + 3 * 3)
"""The same, but for the first node of the third layer."""
SMALL = plan(convolutions(), 2, 4)


def test_vllm_counts_the_layers_of_each_stage() -> None:
    """One number per stage; they add up to all."""
    text = FORMS["vllm"](WHOLE)
    match = re.fullmatch(r"VLLM_PP_LAYER_PARTITION=([0-9,]+)\n", text)
    assert match is not None
    counts = [int(each) for each in match[1].split(",")]
    assert counts == [2, 1, 2]
    assert sum(counts) == LAYERS


def test_megatron_lays_embedding_layers_and_loss_out() -> None:
    """Stages between bars, with times."""
    match = re.fullmatch(r'--pipeline-model-parallel-layout "([^"]+)"\n', FORMS["megatron"](WHOLE))
    assert match is not None
    stages = [re.sub(r"(\w)\*(\d+)", lambda each: each[1] * int(each[2]), part) for part in match[1].split("|")]
    assert stages == ["Ett", "t", "ttL"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (WHOLE, [["wte", "wpe", "h.0", "h.1"], ["h.2"], ["h.3", "h.4", "ln_f", "lm_head"]]),
        (SMALL, [["stem"], ["body"], ["head"]]),
    ],
)
def test_torchtitan_lists_the_modules_of_each_stage(given: NamedPlan, expected: list[list[str]]) -> None:
    """As TOML that its configuration has."""
    found = tomllib.loads(FORMS["torchtitan"](given))
    assert found == {"parallelism": {"module_fqns_per_model_part": expected}}


@pytest.mark.parametrize(("given", "expected"), [(WHOLE, ["h.2", "h.3"]), (SMALL, ["body", "head"])])
def test_torch_begins_stages_at_modules(given: NamedPlan, expected: list[str]) -> None:
    """The outermost module that begins there."""
    assert re.findall(r"^    '(.+)': SplitPoint.BEGINNING,$", FORMS["torch"](given), re.MULTILINE) == expected


def test_torch_quotes_whatever_a_module_is_called() -> None:
    """As Python reads it."""
    odd = "b'\"\x1b\n"
    text = FORMS["torch"](plan(["a/x", f"{odd}/x"], 1))
    read = ast.parse(text).body[-1]
    assert isinstance(read, ast.Assign)
    assert isinstance(read.value, ast.Dict)
    assert [ast.literal_eval(key) for key in read.value.keys if key] == [odd]


@pytest.mark.parametrize(("given", "modules"), [(WHOLE, 9), (SMALL, 3)])
def test_accelerate_gives_every_module_one_device(given: NamedPlan, modules: int) -> None:
    """Every node of a module is in exactly one entry, whose device is its stage."""
    found = json.loads(FORMS["accelerate"](given))
    assert len(found) == modules
    for parts, stage in zip(given.modules, given.stages, strict=True):
        entries = [found[key] for key in found if ".".join(parts) == key or ".".join(parts).startswith(f"{key}.")]
        assert entries == ([stage] if parts else [])


@pytest.mark.parametrize("given", [WHOLE, SMALL])
def test_operators_have_affinities_annotations_and_counts(given: NamedPlan) -> None:
    """For runtimes of single operators, whatever the modules."""
    logits = NamedTensor("logits", len(given.names) - 1, is_output=True)
    known = NamedPlan(names=given.names, stages=given.stages, tensors=(logits,))
    found = json.loads(FORMS["openvino"](known))
    assert found["device"] == "HETERO:GPU.0,GPU.1,GPU.2"
    called = [*given.names[:-1], "logits"]
    assert found["affinity"] == {name: f"GPU.{at}" for name, at in zip(called, given.stages, strict=True)}
    counts = [int(each) for each in FORMS["coral"](given).split(",")]
    assert [stage for stage, count in enumerate(counts) for _ in range(count)] == list(given.stages)
    two = NamedPlan(names=given.names, stages=tuple(min(stage, 1) for stage in given.stages))
    told = json.loads(FORMS["ort"](two))
    assert told["session.layer_assignment_settings"] == "gpu(=stage0);cpu(=stage1)"
    assert told["layer_ann"] == {name: f"stage{at}" for name, at in zip(two.names, two.stages, strict=True)}


@pytest.mark.parametrize(
    ("given", "layers", "parts"),
    [
        (WHOLE, ["wte", "wpe", *(f"h.{layer}" for layer in range(LAYERS)), "ln_f", "lm_head"], [0, 4, 5, 9]),
        (SMALL, ["stem", "body", "head"], [0, 1, 2, 3]),
    ],
)
def test_deepspeed_gives_each_stage_its_layers(given: NamedPlan, layers: list[str], parts: list[int]) -> None:
    """The class sets what `PipelineModule` asks its methods for, on a stand-in for that."""

    class Module:
        num_stages, global_rank = len(parts) - 1, 7
        _layer_specs: ClassVar[list[str]] = layers
        _topo = SimpleNamespace(get_coord=lambda _rank: SimpleNamespace(pipe=1))

        def _set_bounds(self, start: int, stop: int) -> None:
            self.bounds = start, stop

    scope: dict[str, Any] = {"PipelineModule": Module}
    text = FORMS["deepspeed"](given)
    assert text.startswith("from deepspeed.pipe import PipelineModule\n")
    exec(text.partition("\n")[2], scope)  # noqa: S102 - it is a class, and ours
    assert (scope["LAYERS"], scope["PARTS"]) == (layers, parts)
    found = scope["PlannedPipelineModule"]()
    found._partition_layers()  # noqa: SLF001 - as DeepSpeed calls it
    assert (found.parts, found.bounds) == (parts, (parts[1], parts[2]))
    found.num_stages = 9
    with pytest.raises(ValueError, match="the plan is for 3 stages of"):
        found._partition_layers()  # noqa: SLF001 - likewise


NETWORKS = (
    "g (float[3, 2] x) => (float[3, 2] y) { [a] t = Relu(x) [b] u = Exp(t) [c] v = Add(u, t) [d] y = Sin(v) }",
    "g (float[2] x, float[2] z) => (float[2] y, float[2] u) { [a] t = Relu(x) [b] u = Add(z, t) [c] y = Exp(u) }",
)


@pytest.mark.parametrize(("network", "stages"), [(NETWORKS[0], [0, 1, 2, 2]), (NETWORKS[1], [0, 1, 2])])
def test_genai_lists_what_the_models_of_a_split_take_and_give(network: str, stages: list[int], tmp_path: Path) -> None:
    """By the names of tensors, and of files."""
    path = write(tmp_path / "model.onnx", network)
    graph = sg.read(path)
    document = {"node_names": list(graph.arrays.node_name or ()), "block_of": stages}
    pipeline = json.loads(FORMS["genai"](named_plan(document, graph)))["model"]["decoder"]["pipeline"]
    manifest = sg.split(path, stages, tmp_path / "stages")
    assert len(pipeline) == len(manifest["stages"]) == 3
    for index, (entry, stage) in enumerate(zip(pipeline, manifest["stages"], strict=True)):
        ((name, told),) = entry.items()
        assert name == f"stage{index}"
        assert told["filename"] == stage["file"]
        assert sorted(told["inputs"]) == sorted(each["name"] for each in stage["inputs"])
        assert sorted(told["outputs"]) == sorted(each["name"] for each in stage["outputs"])
        assert told["session_options"] == {"provider_options": [{"cuda": {"device_id": str(index)}}]}


def test_genai_refuses_tensors_that_run_back_and_stages_without_nodes() -> None:
    """The nearest plan has each node no earlier than what it reads."""
    tensors = (NamedTensor("t", 0, (1, 2)), NamedTensor("u", 1, (2,)))
    with pytest.raises(CannotSayError, match="'u' runs from stage 1 to stage 0") as refused:
        FORMS["genai"](NamedPlan(names=("a", "b", "c"), stages=(0, 1, 0), tensors=tensors))
    assert refused.value.nearest == (0, 1, 1)
    with pytest.raises(CannotSayError, match="stage 1 has no node, but each has a model"):
        FORMS["genai"](NamedPlan(names=("a", "b", "c"), stages=(0, 2, 2), tensors=tensors))


def _refusal(form: str, given: NamedPlan) -> tuple[NamedPlan, CannotSayError] | None:
    try:
        FORMS[form](given)
    except CannotSayError as error:
        return given, error
    return None


@pytest.mark.parametrize("form", FORMS)
def test_the_nearest_plan_can_be_said(form: str) -> None:
    """What is refused has a nearest plan that is not; the rest is said."""
    backwards = NamedPlan(names=WHOLE.names, stages=(0, 1, 0, *WHOLE.stages[3:]))
    refused = [found for given in (CUT, backwards) if (found := _refusal(form, given)) is not None]
    for given, error in refused:
        if error.nearest is None:
            assert form in {"genai", "openvino", "ort"}
            continue
        assert list(error.nearest) != list(given.stages)
        assert list(error.nearest) == sorted(error.nearest)
        assert FORMS[form](NamedPlan(names=given.names, stages=tuple(error.nearest)))
    assert refused


@pytest.mark.parametrize(
    ("form", "given", "told"),
    [
        ("vllm", CUT, "in stage 0, where whole layers in order would have it in 1"),
        ("vllm", SMALL, "no node is named by a numbered module"),
        (
            "megatron",
            plan(["encoder.0/a", "encoder.1/b", "decoder.0/c", "decoder.1/d"], 2),
            "several stacks of layers, decoder and encoder",
        ),
        ("torchtitan", CUT, "module h.2 is cut: it has nodes in stages 0 and 1"),
        ("torch", plan(decoder(), 5), "stage 1 begins at 'h.0/add_1', where no module begins"),
        ("accelerate", CUT, "module h.2 is cut, and computes by itself"),
        ("coral", plan(decoder(), 3, 3), "stage 1 has no operation"),
        ("ort", WHOLE, "one session has a GPU and a processor, but there are 3 stages"),
        ("deepspeed", CUT, "'h.2.ln/norm_2' is in stage 0, where whole layers in order would have it in 1"),
        ("deepspeed", plan(["a", "b"], 1), "no node is named by a module"),
        ("deepspeed", plan(convolutions(), 4, 4), "stage 1 has no layer, but each stage has one"),
        ("genai", WHOLE, "an entry lists the tensors that its stage reads and makes: give --model MODEL"),
        ("genai", NamedPlan(names=("a", "b"), stages=(0, 1), tensors=()), "reads and makes, but --model names none"),
        ("openvino", plan(["a", "a"], 1), "some have none, or share one"),
        ("openvino", WHOLE, "give --model MODEL"),
    ],
)
def test_what_a_form_cannot_say_is_named(form: str, given: NamedPlan, told: str) -> None:
    """The node, module or stage, and the rule."""
    with pytest.raises(CannotSayError, match=re.escape(told)):
        FORMS[form](given)


def test_the_command_writes_or_says_the_nearest_and_its_cost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With exit status 2; the nearest plan is a plan."""
    names = decoder()
    count = len(names)
    graph = sg.Graph(
        work=[1.0] * count,
        producer=range(count - 1),
        size=[1] * (count - 1),
        consumers=range(1, count),
        consumer_offsets=range(count),
        node_name=names,
    )
    model, path, nearest = tmp_path / "graph.json", tmp_path / "plan.json", tmp_path / "nearest.json"
    sg.write(graph, model)
    instance = sg.Instance(graph, device=sg.Device(bandwidth=1e9), num_blocks=3)
    sg.audit(instance, CUT.stages, stop=sg.MaxRuntime(1), threads=1).plan.write(path)
    words = ["emit", str(path), "--to", "vllm"]
    assert main([*words, "--model", str(model), "--nearest", str(nearest)]) == 2
    told = capsys.readouterr().err
    assert "--to vllm cannot say it: 'h.2.ln/norm_2' is in stage 0" in told
    assert "the nearest that it can moves 1 of 20 nodes" in told
    assert "costs 9 s, 10.00% less than the plan" in told
    assert len(told.splitlines()) == 1
    assert main(["emit", str(nearest), "--to", "vllm", "-o", str(tmp_path / "out.txt")]) == 0
    assert (tmp_path / "out.txt").read_text() == "VLLM_PP_LAYER_PARTITION=2,1,2\n"
    assert main(["emit", str(nearest), "--to", "coral"]) == 0
    assert capsys.readouterr().out == "9,3,8\n"
    nearest.write_text('{"node_names": ["a"], "block_of": [1099511627776]}')
    assert main([*words[:1], str(nearest), *words[2:]]) == 2
    assert "'a' is in stage 1099511627776, but a name has a stage from 0 to 2^31 - 1" in capsys.readouterr().err
    nearest.write_text("[]")
    assert main([*words[:1], str(nearest), *words[2:]]) == 2
    assert "a plan is a JSON object" in capsys.readouterr().err


def test_a_model_with_a_named_dimension_is_taken_with_its_size(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = write(
        tmp_path / "model.onnx", "g (float[n, 2] x) => (float[n, 2] y) { [first] a = Relu(x) [last] y = Exp(a) }"
    )
    path = tmp_path / "plan.json"
    path.write_text('{"node_names": ["first", "last"], "block_of": [0, 1]}')
    assert main(["emit", str(path), "--to", "openvino", "--model", str(model), "--dim", "n=3"]) == 0
    assert json.loads(capsys.readouterr().out)["affinity"] == {"first": "GPU.0", "y": "GPU.1"}
