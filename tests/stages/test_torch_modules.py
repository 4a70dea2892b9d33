"""Stages of PyTorch modules compute what the whole does, and own what they read; skipped without PyTorch."""

from __future__ import annotations

import copy
import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import slicegraph as sg
import torch_models

torch = pytest.importorskip("torch", reason="PyTorch is optional, and large")
_Module: Any = torch.nn.Module


@functools.cache
def traced(name: str) -> tuple[Any, tuple[Any, ...], sg.Graph]:
    """Make a network, its arguments and its graph."""
    module, args = torch_models.make(name)
    return module, args, sg.from_torch(module, args)


def cut(graph: sg.Graph, count: int) -> sg.Result:
    """Cut a graph by its bytes of parameters alone, at once."""
    return sg.search(
        sg.Instance(graph, device=sg.Device.preset("testbed"), num_blocks=count), stop=sg.MaxEvaluations(40)
    )


def read_by(module: Any, graph: sg.Graph, block_of: Any, stage: int) -> set[str]:
    """Name the parameters and buffers that a stage reads, from the export alone: an independent count."""
    assert graph.arrays.node_name is not None
    own = {
        name.rpartition("/")[2] for name, at in zip(graph.arrays.node_name, block_of, strict=True) if int(at) == stage
    }
    program = graph.program
    held = {
        node: spec.target
        for node, spec in zip(
            program.graph.find_nodes(op="placeholder"), program.graph_signature.input_specs, strict=False
        )
        if spec.target is not None
    }
    stages = {name.rpartition("/")[2] for name in graph.arrays.node_name}
    found: set[str] = set()
    for holder, target in held.items():
        waiting, seen = list(holder.users), set()
        while waiting:
            node = waiting.pop()
            if node.name in stages:
                found |= {target} if node.name in own else set()
            elif node not in seen:
                # What is computed of parameters alone, or shows what it reads.
                seen.add(node)
                waiting += node.users
    tensors = dict(module.named_parameters(remove_duplicate=False)) | dict(module.named_buffers(remove_duplicate=False))
    return {name for name in found if name in tensors}


def tensors_of(module: Any) -> dict[str, Any]:
    """Name all parameters and buffers, tied ones under each name."""
    return dict(module.named_parameters(remove_duplicate=False)) | dict(module.named_buffers(remove_duplicate=False))


@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize("name", torch_models.EXAMPLES)
def test_stages_compute_what_the_whole_does_and_own_what_they_read(name: str, count: int) -> None:
    """The same tensors under the same names, each where it is read and nowhere else."""
    module, args, graph = traced(name)
    result = cut(graph, count)
    stages = sg.torch.stages(module, args, result)
    assert [stage.block for stage in stages] == sorted(set(result.block_of.tolist()))
    for found in sg.torch.verify(module, stages, args):
        assert found.is_equal, found
        assert found.tolerance == 1e-5
    whole = tensors_of(module)
    for stage in stages:
        held = tensors_of(stage)
        read = {whole[key].data_ptr() for key in read_by(module, graph, result.block_of, stage.block)}
        assert {whole[key].data_ptr() for key in held} == read
        for key, tensor in held.items():
            assert tensor.data_ptr() == whole[key].data_ptr()
            assert torch.equal(tensor, whole[key])
        assert set(stage.state_dict()) <= set(module.state_dict())
        sizes = {each.data_ptr(): each.numel() * each.element_size() for each in held.values()}
        # What is computed of nothing, such as positions, is stored, too, as the graph counts.
        assert sum(sizes.values()) <= result.block_costs[stage.block].param_bytes
    kept = {key for stage in stages for key in stage.state_dict()}
    assert {key for key in module.state_dict() if not key.endswith("num_batches_tracked")} == kept


def test_tensors_between_stages_are_those_of_the_plan() -> None:
    """By name and by size."""
    module, args, graph = traced("t5 tied")
    result = cut(graph, 3)
    stages = sg.torch.stages(module, args, result)
    crossing = {(cut.name, stage) for cut in result.cut_tensors for stage in cut.to_stages}
    given = {name for stage in stages[:-1] for name in stage.output_names}
    assert {name for name, _ in crossing} <= given
    returned = set(stages[-1].output_names)
    for stage in stages:
        read = {name for name in stage.input_names if name not in {"ids", "decoder_ids"}}
        wanted = {name for name, at in crossing if at == stage.block}
        assert wanted <= read <= wanted | (returned if stage is stages[-1] else set())


def test_a_plan_is_a_result_a_document_or_a_file(tmp_path: Path) -> None:
    """All are the same stages; of a copied stage, too."""
    module, args, graph = traced("u-net")
    result = cut(graph, 2)
    path = tmp_path / "plan.json"
    result.plan.write(path)
    names = [
        [(stage.block, stage.input_names, stage.output_names) for stage in sg.torch.stages(module, args, plan)]
        for plan in (result, result.plan, result.plan.document, path, str(path))
    ]
    assert all(each == names[0] for each in names)
    copied = [copy.deepcopy(stage) for stage in sg.torch.stages(module, args, result)]
    assert all(found.is_equal for found in sg.torch.verify(module, copied, args))


class _Stateful(_Module):  # type: ignore[misc] # its type is not known where it is not installed
    """Changes a buffer and an input in place, and returns what it was given, numbers and nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = torch.nn.Linear(4, 4), torch.nn.Linear(4, 4)
        self.register_buffer("total", torch.zeros(2, 4))
        self.register_buffer("scale", torch.full((4,), 2.0), persistent=False)

    def forward(self, x: Any, *, y: Any, factor: int = 3) -> Any:
        x = self.first(x) * self.scale
        self.total.add_(x)
        z = self.second(x + self.total) * factor
        y.mul_(2)
        return z, {"y": y, "none": None, "number": 7}, self.second.weight


def test_state_constants_and_nested_results_are_those_of_the_module() -> None:
    """A buffer has its new value in the end; what is not in the module's state is in no stage's."""
    module, x, y = _Stateful().eval(), torch.ones(2, 4), torch.arange(4.0)
    kwargs = {"y": y.clone()}
    graph = sg.from_torch(module, (x,), kwargs)
    assert graph.arrays.node_name is not None
    block_of = np.array([int("second" in name or name[:3] in {"add", "mul"}) for name in graph.arrays.node_name])
    block_of[[name in {"mul", "add_"} for name in graph.arrays.node_name]] = 0
    plan = {"node_names": list(graph.arrays.node_name), "block_of": block_of.tolist()}
    stages = sg.torch.stages(module, (x,), plan, kwargs)
    assert len(stages) == 2
    assert [set(stage.state_dict()) for stage in stages] == [
        {"first.weight", "first.bias", "total"},
        {"second.weight", "second.bias"},
    ]
    found = sg.torch.verify(module, stages, (x,), {"y": y.clone()})
    assert len(found) == 3
    assert all(each.is_equal for each in found)
    assert not module.total.any()
    stages[0](x)
    assert torch.equal(module.total, module.first(x) * 2)


def test_gradients_flow_through_stages() -> None:
    """They are the whole's own."""
    module, args, graph = traced("u-net")
    stages = sg.torch.stages(module, args, cut(graph, 2))
    module(*args).sum().backward()
    wanted = {key: value.grad.clone() for key, value in module.named_parameters()}
    module.zero_grad()
    given = dict(zip(stages[0].output_names, stages[0](*args), strict=True))
    stages[1](*(given[name] for name in stages[1].input_names)).sum().backward()
    for key, value in module.named_parameters():
        torch.testing.assert_close(value.grad, wanted[key])
    module.zero_grad()


def test_an_exported_program_stands_for_its_module() -> None:
    _, args, graph = traced("u-net")
    stages = sg.torch.stages(graph.program, (), cut(graph, 2))
    assert all(found.is_equal for found in sg.torch.verify(graph.program, stages, args))


def test_other_plans_and_stages_are_refused() -> None:
    """In one line that names what is wrong."""
    module, args, graph = traced("u-net")
    result = cut(graph, 2)
    other, ids, _ = traced("gpt2 tied")
    with pytest.raises(sg.InputError, match=r"^plan: '[\w./]+' is the name of no node of this module; a plan is for"):
        sg.torch.stages(other, ids, result)
    with pytest.raises(sg.InputError, match=r"^plan: it has no node_names and block_of of one length"):
        sg.torch.stages(module, args, {"block_of": [0]})
    with pytest.raises(sg.InputError, match=r"^plan = 3, but it is a Result"):
        sg.torch.split_policy(3)  # type: ignore[arg-type] # on purpose
    stages = sg.torch.stages(module, args, result)
    with pytest.raises(sg.InputError, match=r"^stages: stage 1 reads '[\w./]+', which no stage before it gives"):
        sg.torch.verify(module, stages[1:], args)
    with pytest.raises(sg.InputError, match=r"^module = 5, but it is a torch.nn.Module"):
        sg.torch.verify(5, stages, args)
    with pytest.raises(sg.InputError, match=r"^stages = 5, but they are a list"):
        sg.torch.verify(module, 5, args)  # type: ignore[arg-type] # on purpose
    with pytest.raises(sg.InputError, match=r"^stages: they are not what"):
        sg.torch.verify(module, [5], args)
    with pytest.raises(sg.InputError, match=r"^args: the stages were traced with"):
        sg.torch.verify(module, stages, (args[0], args[0]))
    backwards = dict(result.plan.document, block_of=[1 - block for block in result.block_of.tolist()])
    with pytest.raises(sg.InputError, match=r"^plan: \w+ is in stage 0, but reads what stage 1 makes$"):
        sg.torch.stages(module, args, backwards)
