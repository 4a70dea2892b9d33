"""A plan as a split policy: three processes of torch's own pipelining give what the whole does."""

from __future__ import annotations

import functools
import importlib
import multiprocessing
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import slicegraph as sg
import torch_models

torch = pytest.importorskip("torch", reason="PyTorch is optional, and large")
pipelining = pytest.importorskip("torch.distributed.pipelining", reason="this PyTorch has no pipelining")
tree_leaves = importlib.import_module("torch.utils._pytree").tree_leaves
_Module: Any = torch.nn.Module
_MICROBATCHES = 2


@functools.cache
def _planned(name: str, count: int) -> tuple[Any, tuple[Any, ...], sg.Result]:
    module, args = torch_models.make(name)
    instance = sg.Instance(sg.from_torch(module, args), device=sg.Device.preset("testbed"), num_blocks=count)
    return module, args, sg.search(instance, stop=sg.MaxEvaluations(40))


def _chained(pipe: Any, args: tuple[Any, ...]) -> Any:
    """Run all stages of a pipe in one process."""
    with torch.no_grad():
        return tree_leaves(pipe(*args))


def _stored(tensors: Any) -> int:
    return sum({each.data_ptr(): each.numel() * each.element_size() for each in tensors}.values())


@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize("name", torch_models.EXAMPLES)
def test_a_policy_gives_the_stages_of_the_plan(name: str, count: int) -> None:
    """Each with the parameters of the plan's stage, in the plan's order, and together the whole."""
    module, args, result = _planned(name, count)
    pipe = pipelining.pipeline(module, mb_args=args, split_policy=sg.torch.split_policy(result))
    stages = sg.torch.stages(module, args, result)
    assert pipe.num_stages == len(stages)
    for index, stage in enumerate(stages):
        theirs = dict(pipe.get_stage_module(index).named_parameters(remove_duplicate=False))
        for key, value in stage.named_parameters():
            assert torch.equal(theirs[key], value)
        # Of a tied tensor pipelining copies one name of several.
        assert " tied" in name or _stored(theirs.values()) == _stored(stage.parameters())
    whole = tree_leaves(module(*args))
    for one, other in zip(whole, _chained(pipe, args), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


def _run(rank: int, name: str, plan: str, meeting: str, answer: str) -> None:
    """Run one stage of three, as users do."""
    dist = torch.distributed
    module, args = torch_models.make(name)
    args = tuple(torch.cat([arg] * _MICROBATCHES) for arg in args)
    micro = tuple(arg.chunk(_MICROBATCHES)[0] for arg in args)
    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=3)
    pipe = pipelining.pipeline(module, mb_args=micro, split_policy=sg.torch.split_policy(plan))
    stage = pipe.build_stage(rank, torch.device("cpu"))
    schedule = pipelining.ScheduleGPipe(stage, n_microbatches=_MICROBATCHES)
    with torch.no_grad():
        made = schedule.step(*args) if rank == 0 else schedule.step()
    if rank == 2:
        torch.save(made, answer)
    dist.destroy_process_group()


@pytest.mark.parametrize("name", ["gpt2 tied", "t5 tied", "u-net"])
def test_three_processes_give_what_the_whole_does(name: str, tmp_path: Path) -> None:
    """With torch's own schedule, also where inputs, results and tensors skip stages."""
    module, args, result = _planned(name, 3)
    plan, answer = tmp_path / "plan.json", tmp_path / "answer.pt"
    result.plan.write(plan)
    start = multiprocessing.get_context("spawn")
    each = [
        start.Process(target=_run, args=(rank, name, str(plan), str(tmp_path / "meeting"), str(answer)))
        for rank in range(3)
    ]
    for process in each:
        process.start()
    for process in each:
        process.join(200)
        assert process.exitcode == 0
    with torch.no_grad():
        whole = tree_leaves(module(*(torch.cat([arg] * _MICROBATCHES) for arg in args)))
    made = torch.load(answer)
    made = made if isinstance(made, list | tuple) else [made]
    for one, other in zip(whole, made, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


_AROUND = """
import sys; sys.path.insert(0, {tests!r})
import torch_models
model, args = torch_models.make("gpt2 tied")
x = torch_models.torch.cat([args[0]] * 4)
{block}
with torch.no_grad():
    if dist.get_rank() == pipe.num_stages - 1 == 2:
        torch.testing.assert_close(y, model(x), rtol=1e-5, atol=1e-5)
        print("equal")
dist.destroy_process_group()
"""


def test_what_the_guide_shows_gives_what_the_whole_does(tmp_path: Path) -> None:
    """As it stands there, in under ten lines, by three processes."""
    tests = Path(__file__).parents[1]
    blocks = re.findall(r"```python\n(.*?)```", (tests.parent / "docs/guide/how-to.md").read_text(), re.DOTALL)
    (block,) = [each for each in blocks if "split_policy" in each]
    assert len([line for line in block.splitlines() if line]) < 10
    script = tmp_path / "run.py"
    script.write_text(_AROUND.format(tests=str(tests), block=block))
    started = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "3", str(script)]
    done = subprocess.run(started, capture_output=True, text=True, check=False, timeout=400)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["equal"]


class _Changing(_Module):  # type: ignore[misc] # its type is not known where it is not installed
    def forward(self, x: Any) -> Any:
        y = torch.relu(x)
        z = y * 3
        y.add_(1)
        return y + z, torch.exp(y)


def test_what_is_changed_in_place_is_not_cut_from_what_reads_it() -> None:
    """It is refused; where readers come after the change, it is the whole's own."""
    module, x = _Changing(), torch.ones(3)
    names = sg.from_torch(module, (x,)).arrays.node_name
    assert names is not None
    assert list(names) == ["relu", "mul", "add_", "add", "exp"]
    for block_of, is_refused in (([0, 0, 0, 1, 1], False), ([0, 0, 1, 1, 1], True), ([0, 1, 0, 1, 1], True)):
        policy = sg.torch.split_policy({"node_names": list(names), "block_of": block_of})
        if is_refused:
            with pytest.raises(
                sg.InputError, match=r"^plan: add_ changes relu in place, which stages 0 and 1 use: keep"
            ):
                pipelining.pipeline(module, mb_args=(x,), split_policy=policy)
        else:
            pipe = pipelining.pipeline(module, mb_args=(x,), split_policy=policy)
            torch.testing.assert_close(_chained(pipe, (x,)), list(module(x)))
        stages = sg.torch.stages(module, (x,), {"node_names": list(names), "block_of": block_of})
        assert all(found.is_equal for found in sg.torch.verify(module, stages, (x,)))


class _Recurrent(_Module):  # type: ignore[misc] # its type is not known where it is not installed
    def __init__(self) -> None:
        super().__init__()
        self.enter, self.first = torch.nn.Linear(4, 4), torch.nn.LSTM(4, 4, 2, batch_first=True)
        self.second, self.leave = torch.nn.LSTM(4, 4, 2, batch_first=True), torch.nn.Linear(4, 4)

    def forward(self, x: Any) -> Any:
        return self.leave(self.second(self.first(self.enter(x))[0])[0])


@pytest.mark.filterwarnings("ignore:The tensor attributes:UserWarning")
def test_layers_of_a_recurrence_are_one_node_of_pipelining() -> None:
    """A plan that cuts between them is refused; stages take it, and one that keeps them is followed."""
    module, x = _Recurrent().eval(), torch.ones(2, 3, 4)
    names = list(sg.from_torch(module, (x,)).arrays.node_name or ())
    assert names == ["enter/linear", "first/lstm", "first/lstm_1", "second/lstm_2", "second/lstm_3", "leave/linear_1"]
    for block_of, is_refused in (([0, 0, 0, 1, 1, 1], False), ([0, 0, 1, 1, 1, 1], True)):
        plan = {"node_names": names, "block_of": block_of}
        assert all(found.is_equal for found in sg.torch.verify(module, sg.torch.stages(module, (x,), plan), (x,)))
        policy = sg.torch.split_policy(plan)
        if is_refused:
            with pytest.raises(sg.InputError, match=r"^plan: first is cut between its layers, but pipelining exports"):
                pipelining.pipeline(module, mb_args=(x,), split_policy=policy)
        else:
            pipe = pipelining.pipeline(module, mb_args=(x,), split_policy=policy)
            torch.testing.assert_close(_chained(pipe, (x,)), [module(x)])
            own = {key for key, _ in pipe.get_stage_module(0).named_parameters()}
            assert own == {key for key, _ in module.named_parameters() if key.startswith(("enter", "first"))}


def test_a_policy_of_another_module_is_refused() -> None:
    """By the name of a node that it does not have."""
    _, _, result = _planned("u-net", 2)
    with pytest.raises(sg.InputError, match=r"^plan: '[\w./]+' is the name of no node of this module"):
        pipelining.pipeline(_Changing(), mb_args=(torch.ones(3),), split_policy=sg.torch.split_policy(result))
