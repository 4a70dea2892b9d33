"""How long each node of a model takes, measured by onnxruntime's profile."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto

from slicegraph.errors import InputError
from slicegraph.formats.arrays import GraphArrays
from slicegraph.formats.onnx.nodes import Node
from slicegraph.formats.onnx.opening import named, opened
from slicegraph.formats.writing import temporary_folder
from slicegraph.stages.clocks import QUIET, Clocks
from slicegraph.stages.onnx import events
from slicegraph.stages.onnx.events import CONSTANT, Run
from slicegraph.stages.onnx.kernels import Kernels, find_kernels
from slicegraph.stages.onnx.runnable import Runnable, loaded, runnable
from slicegraph.stages.onnx.runtime import onnxruntime
from slicegraph.stages.onnx.samples import Given, check_given
from slicegraph.stages.onnx.sessions import Runner, run
from slicegraph.stages.onnx.weights import gather
from slicegraph.stages.providers import Provider

OnRun = Callable[[str, int, int], object]
"""Is told what is measured, how many runs are over, and how many there will be."""
_MEDIAN: Final = 0.5
_WARMUP: Final = 2
_FEW: Final = 8
"""Runs without a profile on a busy machine. Not tuned."""
_TURN: Final = 2e-3
"""Seconds that a program has the processor for, at least, when others want it. Not tuned."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """What was measured; seconds of the whole model are medians.

    Attributes
    ----------
    arrays
        The graph, with its work, and with its kernels when these were measured.
    num_runs
        Runs that were counted: fewer than were asked for after Ctrl-C, or where the profile is full before.
    threads
        Of a node.
    replaced
        Nodes that never ran themselves: onnxruntime has no kernel for them and runs other operators.
    replaced_seconds
        What these operators take: the work of the replaced nodes, shared out by the bytes that each moves.
    other_seconds
        What belongs to no node, by kind.
    clocks
        The whole model while it was profiled.
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
    threads: int = 1
    replaced: Sequence[int]
    replaced_seconds: float
    other_seconds: Mapping[str, float]
    clocks: Clocks | None = None
    latency: Clocks | None = None
    optimized_latency: Clocks | None = None
    version: str = onnxruntime.__version__
    is_interrupted: bool = False

    @property
    def num_kernels(self) -> int | None:
        """How many kernels the model ran as; None: nodes were measured one by one."""
        return None if self.arrays.kernel is None else len(np.unique(self.arrays.kernel))


def measure(
    path: Path,
    *,
    dims: Mapping[str, int],
    inputs: Given,
    runs: int,
    warmup: int,
    threads: int,
    seed: int,
    fused: bool,
    provider: Provider,
    on_run: OnRun,
    with_whole: bool = True,
) -> Timing:
    """Measure a model; see `slicegraph.stages.profile`. The whole without a profile is measured only on request.

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
        runner = Runner(folder=gather(whole, path), threads=threads, provider=provider)
        model = runnable(source, whole, runner, given=inputs, seed=seed, dims=dims)
        total = warmup + runs
        profiled = _profiled(model, runner, total, on_run, source.walked.nodes if fused else None)
        counted, is_interrupted = profiled.runs[warmup:], profiled.is_interrupted
        if not counted:
            if is_interrupted:
                raise KeyboardInterrupt
            raise InputError("onnxruntime's profile is full before a run is counted: fewer --warmup runs may help")
        clocks = Clocks.quiet(profiled.clocks[warmup : warmup + len(counted)])
        if fused and threads == 1 and clocks.is_parted and not is_interrupted:
            # Writing a profile takes time itself, which stages do not.
            try:
                each = _clocks(model, runner, _WARMUP + _FEW, on_run, is_optimized=True)
                clocks = clocks._replace(cpu=Clocks.quiet(each[_WARMUP:]).cpu)
            except KeyboardInterrupt:
                is_interrupted = True
        timing = summed(source.arrays, counted, profiled.kernels, clocks=clocks, threads=threads)
        try:
            if with_whole and not is_interrupted:
                each = _clocks(model, runner, total, on_run, is_optimized=False)
                timing = replace(timing, latency=Clocks.median(each[warmup:]))
                each = _clocks(model, runner, total, on_run, is_optimized=True)
                timing = replace(timing, optimized_latency=Clocks.median(each[warmup:]))
        except KeyboardInterrupt:
            is_interrupted = True
        return replace(timing, is_interrupted=is_interrupted)


def summed(
    arrays: GraphArrays,
    counted: Sequence[Run],
    kernels: Kernels | None = None,
    *,
    clocks: Clocks | None = None,
    threads: int = 1,
) -> Timing:
    """Give each node its median over some runs, or each kernel its lower quartile, and tell what belongs to none.

    What a kernel takes is shared out among its nodes by the operations and bytes of each. Where the clocks part, other
    programs lengthened most kernels: each then has its least time, and all together what the processor was theirs.
    """
    is_busy = clocks is not None and threads == 1 and clocks.is_parted
    num_nodes = len(arrays.op)
    num_owners = num_nodes if kernels is None else max(kernels.of_node, default=-1) + 1
    each = np.array([[one.nodes.get(owner, 0.0) for owner in range(num_owners)] for one in counted])
    share = _MEDIAN if kernels is None else 0.0 if is_busy else QUIET
    seconds = np.quantile(each, share, axis=0)
    others = {
        kind: float(np.quantile([one.others.get(kind, 0.0) for one in counted], share))
        for kind in dict.fromkeys(kind for one in counted for kind in one.others)
    }
    if clocks is not None and is_busy:
        seconds, others = _undisturbed(seconds, others, clocks.cpu)
    if kernels is not None:
        of_node = np.array(kernels.of_node, dtype=np.int64)
        work = seconds[of_node] * _shares_of_kernels(arrays, of_node)
        return Timing(
            arrays=replace(arrays, work=work, kernel=of_node),
            num_runs=len(counted),
            replaced=[],
            replaced_seconds=0.0,
            other_seconds=others,
            clocks=clocks,
            threads=threads,
        )
    work = seconds
    ran = set[int]().union(*(one.nodes for one in counted))
    replaced = [node for node in range(num_nodes) if node not in ran]
    shared = others.pop(events.OPERATORS, 0.0) if replaced else 0.0
    if replaced:
        work[replaced] = shared * _shares(arrays, replaced)
    return Timing(
        arrays=replace(arrays, work=work),
        num_runs=len(counted),
        replaced=replaced,
        replaced_seconds=shared,
        other_seconds=others,
        clocks=clocks,
        threads=threads,
    )


def _undisturbed(
    seconds: NDArray[np.float64], others: Mapping[str, float], cpu: float
) -> tuple[NDArray[np.float64], dict[str, float]]:
    """Make all that ran add up to the seconds of the processor.

    Programs take turns every few milliseconds: what is shorter than a turn has a run without another's turn in it. So
    where the sum is too large, what is above a turn shrinks, and the rest only if that is not enough.
    """
    each = np.array([*seconds, *others.values()])
    total, short = each.sum(), np.minimum(each, _TURN)
    if short.sum() < cpu < total:
        each = short + (each - short) * (cpu - short.sum()) / (total - short.sum())
    elif total > 0:
        each = each * cpu / total
    return each[: len(seconds)], dict(zip(others, each[len(seconds) :].tolist(), strict=True))


def _shares_of_kernels(arrays: GraphArrays, of_node: NDArray[np.int64]) -> NDArray[np.float64]:
    weight = np.zeros(len(of_node))
    for column in (arrays.flops, arrays.read_bytes, arrays.write_bytes):
        if column is not None:
            weight += column
    total = np.bincount(of_node, weights=weight)[of_node]
    return np.where(total > 0, weight / np.maximum(total, 1.0), 1 / np.bincount(of_node)[of_node])


def _shares(arrays: GraphArrays, nodes: Sequence[int]) -> NDArray[np.float64]:
    moved = np.zeros(len(nodes))
    for column in (arrays.read_bytes, arrays.write_bytes):
        if column is not None:
            moved += column[nodes]
    # Nodes that move nothing are taken for equals.
    return moved / moved.sum() if moved.sum() else np.full(len(nodes), 1 / len(nodes))


class _Profiled(NamedTuple):
    """What a profile holds, the clocks of its runs, its kernels, and whether Ctrl-C came."""

    runs: Sequence[Run]
    clocks: Sequence[Clocks]
    kernels: Kernels | None
    is_interrupted: bool


def _profiled(model: Runnable, runner: Runner, total: int, on_run: OnRun, nodes: Sequence[Node] | None) -> _Profiled:
    """Run with a profile; with nodes, optimized, and matched with them."""
    with temporary_folder() as folder:
        kernels = None
        owners: dict[str, int] | None = None
        if nodes is None:
            session = runner.session(model.content, model.stored, profile=folder / "profile")
        else:
            optimized = _optimized(model, runner, folder / "optimized.onnx")
            kernels = find_kernels([node.proto for node in nodes], optimized.graph)
            owners = {str(place): kernel for place, kernel in kernels.of_run.items()}
            for place, node in enumerate(optimized.graph.node):
                node.name = node.name if node.name == CONSTANT else str(place)
            same = replace(runner, folder=folder)
            session = same.session(optimized.SerializeToString(), {}, profile=folder / "profile")
        is_interrupted = False
        clocks: list[Clocks] = []
        try:
            _repeat(session, model, "nodes" if kernels is None else "kernels", total, on_run, clocks)
        except KeyboardInterrupt:
            is_interrupted = True
        profile = Path(session.end_profiling()).read_bytes()
        return _Profiled(events.runs(json.loads(profile), owners), clocks, kernels, is_interrupted)


def _optimized(model: Runnable, runner: Runner, path: Path) -> ModelProto:
    """Give the model as onnxruntime runs it, with its weights beside the path."""
    runner.session(model.content, model.stored, is_optimized=True, optimized=path)
    return onnx.load(path, load_external_data=False)


def _clocks(model: Runnable, runner: Runner, total: int, on_run: OnRun, *, is_optimized: bool) -> list[Clocks]:
    session = runner.session(model.content, model.stored, is_optimized=is_optimized)
    clocks: list[Clocks] = []
    _repeat(session, model, "whole model, optimized" if is_optimized else "whole model", total, on_run, clocks)
    return clocks


def _repeat(
    session: Any,  # noqa: ANN401 - no stubs
    model: Runnable,
    what: str,
    total: int,
    on_run: OnRun,
    clocks: list[Clocks],
) -> None:
    for index in range(total):
        on_run(what, index, total)
        begin, begin_cpu = time.perf_counter(), time.thread_time()
        run(session, model.inputs)
        clocks.append(Clocks(time.perf_counter() - begin, time.thread_time() - begin_cpu))
