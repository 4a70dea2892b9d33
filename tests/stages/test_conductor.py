"""Processes that pass tensors on: what comes out, and what is left when it ends."""
# ruff: noqa: SLF001 - the processes are private

from __future__ import annotations

import errno
import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import helper

import slicegraph as sg
from onnx_models import write
from pipelines import chain, change, cut
from slicegraph.stages.pipeline import conductor
from slicegraph.stages.pipeline.conductor import Pipeline
from slicegraph.stages.pipeline.folder import read_split
from slicegraph.stages.pipeline.inputs import draw

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipelines take POSIX")


def outputs_of(directory: Path, *, requests: int, depth: int) -> dict[str, NDArray[Any]]:
    """The bytes of the model's outputs after so many requests."""
    split = read_split(directory)
    with Pipeline(split, draw(split.inputs, {}, seed=0), depth=depth, threads=1) as pipeline:
        pipeline.wait(warmup=1, requests=requests, seconds=None)
        return dict(pipeline.results())


def outputs_of_whole(directory: Path, model: Path) -> dict[str, NDArray[Any]]:
    """The same from the whole model, in this process."""
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, draw(read_split(directory).inputs, {}, seed=0)), strict=True))


@pytest.mark.parametrize(("work", "depth"), [((1, 1, 1), 1), ((1,), 2), ((40, 1), 2), ((1, 1, 40), 3)])
def test_a_pipeline_gives_what_the_whole_model_gives(work: tuple[int, ...], depth: int, tmp_path: Path) -> None:
    """With a tensor that skips a stage, an output on the way, one stage alone, empty rings and full ones."""
    model = chain(tmp_path / "stages", work)
    expected = outputs_of_whole(tmp_path / "stages", model)
    found = outputs_of(tmp_path / "stages", requests=40, depth=depth)
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(found[name].view(np.float32).reshape(array.shape), array, rtol=1e-4, atol=1e-4)


def test_stages_may_skip_far_have_nothing_to_say_and_share_any_type(tmp_path: Path) -> None:
    """Rings of one slot; one stage reads nothing of others; numpy has no bfloat16."""
    node = helper.make_node
    stages = [
        [node("Cast", ["x"], ["half"], to=16), node("Cast", ["mask"], ["whole"], to=7)],
        [node("Cast", ["half"], ["back"], to=1)],
        [node("Not", ["mask"], ["other"]), node("Neg", ["x"], ["minus"])],
        [
            node("Cast", ["half"], ["again"], to=1),
            node("Cast", ["whole"], ["number"], to=1),
            node("Add", ["again", "number"], ["total"]),
            node("Sum", ["back"], ["same"]),
            node("Not", ["other"], ["yes"]),
        ],
    ]
    values: dict[str, tuple[str, list[int]]] = dict.fromkeys(
        ("x", "back", "minus", "again", "number", "total", "same"), ("float32", [3, 5])
    )
    values |= {"half": ("bfloat16", [3, 5]), "whole": ("int64", [])}
    values |= dict.fromkeys(("mask", "other", "yes"), ("bool", [])) | {"number": ("float32", [])}
    model = cut(tmp_path / "s", stages, values, inputs=["x", "mask"], outputs=["total", "minus", "same", "yes"])
    expected = outputs_of_whole(tmp_path / "s", model)
    found = outputs_of(tmp_path / "s", requests=20, depth=1)
    assert {name: array.tobytes() for name, array in expected.items()} == {
        name: array.tobytes() for name, array in found.items()
    }


def test_a_killed_stage_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    chain(tmp_path / "stages")
    split = read_split(tmp_path / "stages")
    pipeline = Pipeline(split, draw(split.inputs, {}, seed=0), depth=2, threads=1)
    with pytest.raises(sg.StageError) as caught, pipeline:  # noqa: PT012 - it is raised while a caller waits
        pipeline.wait(warmup=1, requests=5, seconds=None)
        pids = [process.pid for process in pipeline._processes]
        os.kill(pids[1], signal.SIGKILL)
        begin = time.monotonic()
        pipeline.wait(warmup=1, requests=10**9, seconds=None)
    assert time.monotonic() - begin < 2
    assert re.fullmatch(r"stage 1 \(stage1\.onnx\) was ended by signal 9 after \d+ requests", str(caught.value))
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_stage_that_hangs_is_told_and_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is stopped as a debugger does it: it lives, and does nothing."""
    chain(tmp_path / "stages")
    monkeypatch.setattr(conductor, "SILENCE", 2.0)
    split = read_split(tmp_path / "stages")
    pipeline = Pipeline(split, draw(split.inputs, {}, seed=0), depth=2, threads=1)
    message = r"^stage 1 \(stage1\.onnx\) gave no sign of life for 2 s: it was stopped, or hangs; after \d+ requests$"
    with pytest.raises(sg.StageError, match=message), pipeline:  # noqa: PT012 - it is raised while a caller waits
        pipeline.wait(warmup=1, requests=5, seconds=None)
        stopped = pipeline._processes[1].pid
        os.kill(stopped, signal.SIGSTOP)
        pipeline.wait(warmup=1, requests=10**9, seconds=None)
    with pytest.raises(ProcessLookupError):
        os.kill(stopped, 0)


def test_a_pipeline_is_run_by_a_program_that_cannot_be_imported(tmp_path: Path) -> None:
    """Typed, or piped into the interpreter; and the folder where one stands is no part of any process."""
    chain(tmp_path / "stages")
    here = tmp_path / "here"
    here.mkdir()
    for module in ("socket", "queue", "signal", "selectors", "onnxruntime", "tempfile"):
        (here / f"{module}.py").write_text(f"open({str(tmp_path / 'sprung')!r}, 'w').close()\n")
    program = f"import slicegraph as sg; print(sg.run_pipeline({str(tmp_path / 'stages')!r}, requests=3).requests)\n"
    run = subprocess.run(
        [sys.executable, "-P", "-"], input=program, cwd=here, capture_output=True, text=True, check=False
    )
    assert (run.stdout, run.stderr) == ("3\n", "")
    assert not (tmp_path / "sprung").exists()


def test_what_the_model_returns_of_its_inputs_is_passed_on(tmp_path: Path) -> None:
    """And what it returns of its weights: by the last stage, which runs them as it does all others."""
    text = """g (float[2,4] x, float[2,4] y) => (float[2,4] y, float[2,4] c, float[4] w, float[2,4] x)
        <float[4] w = {1, 2, 3, 4}> { a = Mul(x, w) b = Relu(a) c = Add(b, x) }"""
    path = write(tmp_path / "model.onnx", text)
    sg.split(path, [0, 1, 2], tmp_path / "stages")
    split = read_split(tmp_path / "stages")
    inputs = draw(split.inputs, {"y": "[1, 2, 3, 4]"}, seed=0)
    with Pipeline(split, inputs, depth=2, threads=1) as pipeline:
        pipeline.wait(warmup=1, requests=5, seconds=None)
        found = {name: array.view(np.float32) for name, array in pipeline.results().items()}
    expected = {**inputs, "w": np.array([1, 2, 3, 4]), "c": np.maximum(inputs["x"] * [1, 2, 3, 4], 0) + inputs["x"]}
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array.reshape(-1), rtol=1e-6)
    assert sg.run_pipeline(tmp_path / "stages", requests=3, warmup=1, compare=path).whole_throughput


def test_strings_enter_and_leave_but_do_not_cross(tmp_path: Path) -> None:
    """They are inputs and outputs of the model like others; between stages they have no memory."""
    text = """g (string[2] s, float[2] x) => (string[2] t, string[2] s, float[2] b)
        { a = Cast<to = 1>(s) b = Add(a, x) t = Identity(s) u = Identity(t) c = Cast<to = 1>(u) }"""
    path = write(tmp_path / "model.onnx", text)
    sg.split(path, [0, 1, 1, 1, 1], tmp_path / "stages")
    for inputs in ({}, {"s": ["3", "4.5"]}):
        assert sg.run_pipeline(tmp_path / "stages", requests=3, warmup=1, inputs=inputs).requests == 3
    with pytest.raises(sg.StageError, match=r"^stage 0 .* failed"):
        sg.run_pipeline(tmp_path / "stages", requests=3, warmup=1, inputs={"s": "word"})
    sg.split(path, [0, 0, 0, 1, 1], tmp_path / "stages")
    with pytest.raises(sg.InputError, match="stage 0: 't' holds strings, which stages cannot share"):
        sg.run_pipeline(tmp_path / "stages", requests=3, warmup=1)


def test_a_stage_that_fails_says_why(tmp_path: Path) -> None:
    """A tensor of another shape than was written down; a file that is no model."""
    chain(tmp_path / "one")
    change(tmp_path / "one", stages__0__outputs__0__shape=[47, 48], stages__2__inputs__0__shape=[47, 48])
    change(tmp_path / "one", stages__1__inputs__0__shape=[47, 48])
    with pytest.raises(sg.StageError, match=r"^stage 0 \(stage0\.onnx\) failed after 0 requests: \w+: .*47[^\n]*$"):
        sg.run_pipeline(tmp_path / "one")
    chain(tmp_path / "two")
    (tmp_path / "two" / "stage2.onnx").write_bytes(b"no model")
    change(tmp_path / "two", stages__2__sha256=hashlib.sha256(b"no model").hexdigest())
    with pytest.raises(sg.InputError, match=r"stage2\.onnx: not an ONNX model: "):
        sg.run_pipeline(tmp_path / "two")


def test_memory_that_is_not_to_be_had_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    chain(tmp_path / "stages")
    monkeypatch.setattr(os, "posix_fallocate", refuse)
    with pytest.raises(sg.InputError, match=r"^stages share \d+ bytes of memory, which are not to be had: No space"):
        sg.run_pipeline(tmp_path / "stages")


def test_a_run_counts_and_measures(tmp_path: Path) -> None:
    model = chain(tmp_path / "stages", (1, 60, 1), width=96)
    run = sg.run_pipeline(tmp_path / "stages", requests=50, compare=model)
    assert (run.requests, run.is_interrupted, len(run.stages)) == (50, False, 3)
    assert [stage.num_nodes for stage in run.stages] == [1, 60, 2]
    assert run.bottleneck == run.stages[1].measured
    assert run.predicted_throughput == pytest.approx(1e4)
    assert run.whole_throughput is not None
    assert run.throughput == pytest.approx((run.speedup or 0) * run.whole_throughput)
    for stage in run.stages:
        assert 0 < stage.run <= stage.measured
        assert 0 < stage.busy <= 1


def test_a_run_may_be_as_long_as_wanted(tmp_path: Path) -> None:
    chain(tmp_path / "stages", (1, 1))
    run = sg.run_pipeline(tmp_path / "stages", seconds=0.3, warmup=1)
    assert run.requests > 1
    assert run.seconds < 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"requests": 0}, "requests = 0, but it is a whole number from 1 to 5000"),
        ({"warmup": 0}, "warmup = 0, but it is a whole number from 1 to 2^64 - 1"),
        ({"depth": 65}, "depth = 65, but it is a whole number from 1 to 64"),
        ({"threads": 0}, "threads = 0, but it is a whole number from 1 to 1024"),
        ({"seed": -1}, "seed = -1, but it is a whole number from 0 to 2^64 - 1"),
        ({"seconds": float("nan")}, "seconds = nan: it is a positive number"),
    ],
)
def test_options_out_of_range_are_named(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(sg.InputError, match=re.escape(message)):
        sg.run_pipeline(tmp_path, **options)


def test_what_split_writes_can_be_run(tmp_path: Path) -> None:
    """The manifest is a contract between two parts; the costs that it predicts come through."""
    model = chain(tmp_path / "stages")
    instance = sg.Instance(sg.read(model), device=sg.Device.preset("testbed"), num_blocks=4)
    sg.split(model, [0, 1, 3, 3], tmp_path / "split", instance=instance)
    run = sg.run_pipeline(tmp_path / "split", requests=5, compare=model)
    assert [(stage.block, stage.num_nodes) for stage in run.stages] == [(0, 1), (1, 1), (3, 2)]
    assert run.predicted_bottleneck == max(stage.predicted or 0.0 for stage in run.stages) > 0
