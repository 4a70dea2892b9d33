"""How long each node of a model takes, measured by onnxruntime's profile."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slicegraph.errors import InputError
from slicegraph.formats.arrays import GraphArrays
from slicegraph.formats.onnx.opening import named, opened
from slicegraph.formats.writing import temporary_folder
from slicegraph.stages.onnx import events
from slicegraph.stages.onnx.events import Run
from slicegraph.stages.onnx.runnable import Runnable, loaded, runnable
from slicegraph.stages.onnx.runtime import onnxruntime
from slicegraph.stages.onnx.samples import Given, check_given
from slicegraph.stages.onnx.sessions import Runner, run
from slicegraph.stages.onnx.weights import gather

Tell = Callable[[str, int, int], None]
"""Is told what is measured, how many runs are over, and how many there will be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """What was measured; seconds are medians.

    Attributes
    ----------
    arrays
        The graph, with its work.
    num_runs
        Runs that were counted: fewer than were asked for after Ctrl-C, or where the profile is full before.
    replaced
        Nodes that never ran themselves: onnxruntime has no kernel for them and runs other operators.
    replaced_seconds
        What these operators take: the work of the replaced nodes, shared out by the bytes that each moves.
    other_seconds
        What belongs to no node, by kind.
    latency, optimized_latency
        The whole model without a profile: with the nodes as they are, and with all of onnxruntime's optimizations.
        None: not measured, because Ctrl-C came first.
    version
        Of onnxruntime.
    is_interrupted
        Whether Ctrl-C ended the measurement.
    """

    arrays: GraphArrays
    num_runs: int
    replaced: Sequence[int]
    replaced_seconds: float
    other_seconds: Mapping[str, float]
    latency: float | None = None
    optimized_latency: float | None = None
    version: str = onnxruntime.__version__
    is_interrupted: bool = False


def measure(
    path: Path,
    *,
    dims: Mapping[str, int],
    inputs: Given,
    runs: int,
    warmup: int,
    threads: int,
    seed: int,
    tell: Tell,
) -> Timing:
    """Measure a model; see `slicegraph.stages.profile`.

    Raises
    ------
    InputError
        The model cannot be read or run; in one line.
    KeyboardInterrupt
        Ctrl-C before a single run was counted.
    """
    with named(path):
        source = opened(path, dims)
        check_given(inputs, source.inputs)
        whole = loaded(path)
        runner = Runner(folder=gather(whole, path), threads=threads)
        model = runnable(source, whole, runner, given=inputs, seed=seed, dims=dims)
        total = warmup + runs
        counted, is_interrupted = _profiled(model, runner, total, tell)
        if not (counted := counted[warmup:]):
            if is_interrupted:
                raise KeyboardInterrupt
            raise InputError("onnxruntime's profile is full before a run is counted: fewer --warmup runs may help")
        timing = summed(source.arrays, counted)
        try:
            if not is_interrupted:
                seconds = _seconds(model, runner, total, tell, is_optimized=False)
                timing = replace(timing, latency=float(np.median(seconds[warmup:])))
                seconds = _seconds(model, runner, total, tell, is_optimized=True)
                timing = replace(timing, optimized_latency=float(np.median(seconds[warmup:])))
        except KeyboardInterrupt:
            is_interrupted = True
        return replace(timing, is_interrupted=is_interrupted)


def summed(arrays: GraphArrays, counted: Sequence[Run]) -> Timing:
    """Give each node its median over some runs, and tell what belongs to none."""
    num_nodes = len(arrays.op)
    each = np.array([[one.nodes.get(node, 0.0) for node in range(num_nodes)] for one in counted])
    work = np.median(each, axis=0)
    ran = set[int]().union(*(one.nodes for one in counted))
    replaced = [node for node in range(num_nodes) if node not in ran]
    others = {
        kind: float(np.median([one.others.get(kind, 0.0) for one in counted]))
        for kind in dict.fromkeys(kind for one in counted for kind in one.others)
    }
    shared = others.pop(events.OPERATORS, 0.0) if replaced else 0.0
    if replaced:
        work[replaced] = shared * _shares(arrays, replaced)
    return Timing(
        arrays=replace(arrays, work=work),
        num_runs=len(counted),
        replaced=replaced,
        replaced_seconds=shared,
        other_seconds=others,
    )


def _shares(arrays: GraphArrays, nodes: Sequence[int]) -> NDArray[np.float64]:
    moved = np.zeros(len(nodes))
    for column in (arrays.read_bytes, arrays.write_bytes):
        if column is not None:
            moved += column[nodes]
    # Nodes that move nothing are taken for equals.
    return moved / moved.sum() if moved.sum() else np.full(len(nodes), 1 / len(nodes))


def _profiled(model: Runnable, runner: Runner, total: int, tell: Tell) -> tuple[Sequence[Run], bool]:
    """Run with a profile; say what it holds, and whether Ctrl-C came."""
    with temporary_folder() as folder:
        session = runner.session(model.content, model.stored, profile=folder / "profile")
        is_interrupted = False
        try:
            _repeat(session, model, "nodes", total, tell)
        except KeyboardInterrupt:
            is_interrupted = True
        file = Path(session.end_profiling())
        return events.runs(json.loads(file.read_bytes())), is_interrupted


def _seconds(model: Runnable, runner: Runner, total: int, tell: Tell, *, is_optimized: bool) -> list[float]:
    session = runner.session(model.content, model.stored, is_optimized=is_optimized)
    return _repeat(session, model, "whole model, optimized" if is_optimized else "whole model", total, tell)


def _repeat(session: Any, model: Runnable, what: str, total: int, tell: Tell) -> list[float]:  # noqa: ANN401 - no stubs
    seconds = []
    for index in range(total):
        tell(what, index, total)
        begin = time.perf_counter()
        run(session, model.inputs)
        seconds.append(time.perf_counter() - begin)
    return seconds
