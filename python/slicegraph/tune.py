"""Costs that measurements confirm: profile a model, solve, measure the stages, correct the costs, and again."""

from __future__ import annotations

import dataclasses
import importlib.util
import math
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slicegraph import checks
from slicegraph.audit import audit
from slicegraph.cost import Instance
from slicegraph.device import Device
from slicegraph.errors import InputError
from slicegraph.graph import Graph, fields
from slicegraph.result import Result
from slicegraph.segments import fit_segments
from slicegraph.solve.solve import solve
from slicegraph.stages.clocks import Clocks
from slicegraph.stages.profile import RUNS, WARMUP, measure
from slicegraph.stages.split import split
from slicegraph.stop import MaxRuntime
from slicegraph.tuning import Round, StageTime, Tuning

_SOLVING: Final = 10.0
"""Seconds that one solve may take, at most; not tuned."""
_LIMITS: Final = {"num_blocks": (1, 2**20), "runs": (1, 1_000_000), "rounds": (1, 1_000), "seed": (0, 2**64 - 1)}

Show = Callable[[str], object]
"""Is told what is being done."""


def tune(
    model: str | os.PathLike[str],
    *,
    num_blocks: int,
    dims: Mapping[str, int] | None = None,
    inputs: Mapping[str, ArrayLike] | None = None,
    runs: int = RUNS,
    rounds: int = 8,
    tolerance: float = 0.05,
    time_limit: float = 300.0,
    boundary_io: bool = False,
    seed: int = 0,
    show: Show | None = None,
) -> Tuning:
    """Find a plan whose stages take what they are predicted to take, on this machine's processor with one thread each.

    A round solves, splits the model and measures every stage by itself. The first round has the work of kernels as
    stages run them, the second one that of single nodes (`profile`). After that, work is corrected by least squares so
    that the stages of all rounds add up to what was measured (`slicegraph.segments.fit_segments`), and the costs that
    gave the best plan so far are solved again.

    Parameters
    ----------
    model
        An ``.onnx`` file.
    num_blocks
        The number of stages, at most.
    dims, inputs, seed
        As of `profile`.
    runs
        Of the model for each profile, and of each stage.
    rounds
        At most.
    tolerance
        It ends when a corrected round's bottleneck was predicted within this share of what was measured; or when no
        plan comes that was not measured before.
    time_limit
        Seconds, until which it ends with what it has; one solve or split that has begun is finished.
    boundary_io
        Whether stages pay for the model's own inputs and outputs.
    show
        Called with a line of text before each step.

    Returns
    -------
    Tuning
        The rounds, the best plan *as measured*, and the graph with the corrected work. After Ctrl-C, what is known by
        then.

    Raises
    ------
    InputError
        onnxruntime is not installed, the model cannot be read, run or split into stages of fixed shapes, or a parameter
        is out of range; or no profile was done in time.
    KeyboardInterrupt
        Ctrl-C before anything was measured.

    Notes
    -----
    - Seconds are of the processor, lower quartiles over the runs: other programs disturb them little. At the end the
      first plan and the best are measured again, and the lower time of each stage counts. Transfers are
      priced by copies of the sizes that the model's tensors have, measured here.
    - The device of the plan has, for other verbs, the rates at which the profile's operations and bytes would take what
      was measured; the plan's own costs come from the measured work, which `Tuning.graph` holds.

    Examples
    --------
    >>> import slicegraph as sg
    >>> tuning = sg.tune("resnet50.onnx", num_blocks=4)  # doctest: +SKIP
    >>> tuning.rounds[tuning.best].measured, tuning.plan.write("plan.json")  # doctest: +SKIP
    """
    path = checks.path("model", model)
    for name, value in {"num_blocks": num_blocks, "runs": runs, "rounds": rounds, "seed": seed}.items():
        checks.whole(name, value, *_LIMITS[name])
    if not 0 <= checks.number(f"tolerance = {tolerance!r:.80}", tolerance, "it is a share from 0 to 1") <= 1:
        raise InputError(f"tolerance = {tolerance!r:.80}, but it is a share from 0 to 1")
    limit = checks.number(f"time_limit = {time_limit!r:.80}", time_limit, "seconds are not negative")
    if show is not None and not callable(show):
        raise InputError(f"show = {show!r:.80}, but it is called with a line of text")
    if any(importlib.util.find_spec(name) is None for name in ("onnx", "onnxruntime")):
        raise InputError(f"{path}: tuning takes the onnxruntime package; pip install slicegraph[onnxruntime]")
    tuner = _Tuner(
        path=path,
        num_blocks=num_blocks,
        dims=checks.dims(dims),
        inputs=checks.mapping("inputs", inputs),
        runs=runs,
        num_rounds=rounds,
        tolerance=tolerance,
        until=time.monotonic() + limit,
        boundary_io=checks.flag("boundary_io", boundary_io),
        seed=seed,
        show=show or _silent,
    )
    try:
        tuner.run()
    except _TimeOverError:
        if not tuner.starts:
            raise InputError(f"time_limit = {limit:g}, but it was over before the model was profiled") from None
    except KeyboardInterrupt:
        if not tuner.starts:
            raise
        tuner.is_interrupted = True
    return tuner.result()


def _silent(_line: str) -> None:
    pass


class _TimeOverError(Exception):
    """The time limit was reached between two runs."""


@dataclass(kw_only=True, slots=True)
class _Start:
    """A profile that plans are made of: its name, its graph, and the plans that it has given."""

    name: str
    graph: Graph
    results: list[Result] = field(default_factory=list)


@final
@dataclass(kw_only=True, slots=True)
class _Tuner:
    """One call of `tune`: what is asked, and what is known."""

    path: Path
    num_blocks: int
    dims: Mapping[str, int]
    inputs: Mapping[str, ArrayLike]
    runs: int
    num_rounds: int
    tolerance: float
    until: float
    boundary_io: bool
    seed: int
    show: Show
    starts: list[_Start] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    origins: list[_Start] = field(default_factory=list)
    is_interrupted: bool = False

    def run(self) -> None:
        """Go through the rounds, and measure the best plan and the first one again: noise must not choose."""
        self._go_through()
        for index in sorted({0, self._best}):
            self._measure_again(index)

    def _go_through(self) -> None:
        """Go through the rounds, until one of the rules says that it is the last one."""
        self._profile("kernels", fused=True)
        self._round(self.starts[0], self._solved(self.starts[0]))
        self._profile("nodes", fused=False)
        result = self._solved(self.starts[1])
        if not self._is_known(result):
            self._round(self.starts[1], result)
        while len(self.rounds) < self.num_rounds:
            found = self._next()
            if found is None:
                return
            last = self._round(*found)
            if abs(last.predicted - last.measured) <= self.tolerance * last.measured:
                return

    def result(self) -> Tuning:
        """Give the best plan as measured, with costs corrected by all rounds."""
        if not self.rounds:
            start = self.starts[0]
            graph, result = self._corrected(start), (start.results or [self._solved(start)])[0]
            return self._tuning(None, result, graph)
        best = self._best
        result, graph = self.results[best], self._corrected(self.origins[best])
        if not self.is_interrupted:
            try:
                result = audit(self._instance(graph), result.block_of, stop=MaxRuntime(_SOLVING), seed=self.seed)
            except KeyboardInterrupt:
                self.is_interrupted = True
        return self._tuning(best, result, graph)

    def _tuning(self, best: int | None, result: Result, graph: Graph) -> Tuning:
        return Tuning(
            rounds=tuple(self.rounds),
            best=best,
            result=result,
            graph=graph,
            first=self.results[0] if self.results else result,
            is_interrupted=self.is_interrupted,
        )

    @property
    def _best(self) -> int:
        return min(range(len(self.rounds)), key=lambda index: self.rounds[index].measured)

    def _check_time(self) -> None:
        if time.monotonic() >= self.until:
            raise _TimeOverError

    def _profile(self, name: str, *, fused: bool) -> None:
        def on_run(_what: str, over: int, total: int) -> None:
            self._check_time()
            self.show(f"profile of {name}: run {over + 1} of {total}")

        self._check_time()
        graph, timing = measure(
            self.path,
            dims=self.dims,
            inputs=self.inputs,
            runs=self.runs,
            warmup=WARMUP,
            seed=self.seed,
            fused=fused,
            on_run=on_run,
            with_whole=False,
        )
        self.starts.append(_Start(name=name, graph=graph))
        if timing.is_interrupted:
            raise KeyboardInterrupt

    def _instance(self, graph: Graph) -> Instance:
        device = Device.from_mapping(graph.arrays.device or {})
        return Instance(graph, device=device, num_blocks=self.num_blocks, boundary_io=self.boundary_io)

    def _solved(self, start: _Start) -> Result:
        self.show(f"round {len(self.rounds) + 1}: solving")
        graph = self._corrected(start)
        seconds = min(_SOLVING, max(0.1, self.until - time.monotonic()))
        result = solve(self._instance(graph), stop=MaxRuntime(seconds), seed=self.seed)
        start.results.append(result)
        return result

    def _is_known(self, result: Result) -> bool:
        return any(np.array_equal(result.block_of, known.block_of) for known in self.results)

    def _next(self) -> tuple[_Start, Result] | None:
        """Give a plan that was not measured yet, of corrected costs, those of the best plan first."""
        best = self.origins[self._best]
        for start in sorted(self.starts, key=lambda each: each is not best):
            self._check_time()
            result = self._solved(start)
            if not self._is_known(result):
                return start, result
        return None

    def _corrected(self, start: _Start) -> Graph:
        """Give the graph of a profile with this machine's device, and the work that all rounds so far make of it."""
        # One device prices the transfers of all rounds.
        arrays = dataclasses.replace(start.graph.arrays, device=self.starts[0].graph.arrays.device)
        work = arrays.work
        if not self.rounds or work is None:
            return Graph(**fields(arrays))
        segments: list[tuple[NDArray[np.bool_], float]] = []
        for one, result in zip(self.rounds, self.results, strict=True):
            blocks = np.unique(result.block_of)
            for block, stage in zip(blocks.tolist(), one.stages, strict=True):
                io = result.block_costs[block].io_in + result.block_costs[block].io_out
                segments.append((result.block_of == block, max(stage.measured - io, stage.measured / 10, 1e-9)))
        return Graph(**fields(dataclasses.replace(arrays, work=fit_segments(work, segments))))

    def _round(self, start: _Start, result: Result) -> Round:
        """Measure the stages of a plan."""
        begin = time.perf_counter()
        clocks = self._measured(result)
        costs = [result.block_costs[block].cost for block in np.unique(result.block_of).tolist()]
        stages = tuple(
            StageTime(predicted=cost, measured=clock.cpu, wall=clock.wall)
            for cost, clock in zip(costs, clocks, strict=True)
        )
        last = Round(
            start=start.name,
            predicted=max(costs, default=math.nan),
            measured=max((stage.measured for stage in stages), default=math.nan),
            seconds=result.seconds + time.perf_counter() - begin,
            stages=stages,
        )
        self.rounds.append(last)
        self.results.append(result)
        self.origins.append(start)
        return last

    def _measure_again(self, index: int) -> None:
        """Measure the stages of a round once more; of either clock the lower reading counts."""
        begin, one = time.perf_counter(), self.rounds[index]
        clocks = self._measured(self.results[index])
        stages = tuple(
            dataclasses.replace(stage, measured=min(stage.measured, clock.cpu), wall=min(stage.wall, clock.wall))
            for stage, clock in zip(one.stages, clocks, strict=True)
        )
        self.rounds[index] = dataclasses.replace(
            one,
            measured=max(stage.measured for stage in stages),
            seconds=one.seconds + time.perf_counter() - begin,
            stages=stages,
        )

    def _measured(self, result: Result) -> list[Clocks]:
        from slicegraph.stages.pipeline.alone import measure_alone  # noqa: PLC0415 - loads onnxruntime

        number = len(self.rounds) + 1

        def on_run(stage: int, run: int) -> None:
            self._check_time()
            self.show(f"round {number}: stage {stage}, run {run + 1}")

        self._check_time()
        self.show(f"round {number}: splitting")
        with tempfile.TemporaryDirectory(prefix="slicegraph-") as folder:
            split(self.path, result.block_of, Path(folder), dims=self.dims)
            return measure_alone(
                Path(folder),
                inputs=self.inputs,
                seed=self.seed,
                runs=self.runs,
                boundary_io=self.boundary_io,
                on_run=on_run,
            )
