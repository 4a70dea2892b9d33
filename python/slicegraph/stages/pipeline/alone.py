"""What each stage of a split takes by itself: it computes, and copies in and out, while no other stage runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slicegraph.stages.clocks import Clocks
from slicegraph.stages.onnx.sessions import complaints
from slicegraph.stages.onnx.weights import check_external
from slicegraph.stages.pipeline.folder import Stage, read_split
from slicegraph.stages.pipeline.inputs import draw
from slicegraph.stages.pipeline.memory import Bytes
from slicegraph.stages.pipeline.opening import open_stage

_WARMUP: Final = 3
_DEPTH: Final = 2  # slots between stages, as a pipeline has by default
_FEWEST: Final = 5
_MORE: Final = 5
_SHORT: Final = 0.1
_LONG: Final = 1.5
"""Seconds of the processor below which a stage runs more often than asked, and above which less. Not tuned."""


def measure_alone(
    folder: Path,
    *,
    inputs: Mapping[str, ArrayLike],
    seed: int,
    runs: int,
    boundary_io: bool,
    on_run: Callable[[int, int], None],
) -> list[Clocks]:
    """Run each stage of a split with one thread, one stage after the other, in this process.

    Parameters
    ----------
    folder
        What `slicegraph.split` wrote.
    inputs, seed
        Of the model, as of `slicegraph.run_pipeline`; each stage gets what those before it make of them.
    runs
        Of each stage; fewer, down to 5, where they take long, and up to 5 times as many where they are short.
    boundary_io
        Whether copies of the model's own inputs and outputs count.
    on_run
        Called before each run with the stage, and how often it has run.

    Returns
    -------
        Of each stage, with its copies: the median on the wall, and the lower quartile of the processor's clock.

    Raises
    ------
    InputError
        A stage cannot be run, or what goes between stages has no fixed shape.
    """
    split = read_split(folder)
    values = draw(split.inputs, inputs, seed=seed)
    texts = {tensor.name: values[tensor.name] for tensor in split.inputs if tensor.is_text}
    made = {name: _bytes(value) for name, value in values.items() if name not in texts}
    found = []
    for index, stage in enumerate(split.stages):
        check_external(stage.file)
        alone = _Alone(stage, made, texts, boundary_io=boundary_io)
        clocks: list[Clocks] = []
        spent = 0.0
        while len(clocks) < _WARMUP + _wanted(runs, spent):
            on_run(index, len(clocks))
            clocks.append(alone.run(len(clocks)))
            spent += clocks[-1].cpu
        made |= alone.made
        found.append(Clocks.quiet(clocks[_WARMUP:]))
    return found


def _wanted(runs: int, spent: float) -> int:
    """Give how often a stage is to run, by the seconds that it has run."""
    if spent > _LONG:
        return min(_FEWEST, runs)
    return runs if spent > _SHORT else _MORE * runs


def _bytes(value: NDArray[Any]) -> Bytes:
    return np.frombuffer(value.tobytes(), np.uint8)


class _Alone:
    """One stage with its own tensors, and slots of shared ones to copy from and to."""

    def __init__(
        self, stage: Stage, made: Mapping[str, Bytes], texts: Mapping[str, NDArray[Any]], *, boundary_io: bool
    ) -> None:
        tensors = [tensor for tensor in (*stage.inputs, *stage.outputs) if not tensor.is_text]
        self._own = {tensor.name: np.zeros(tensor.num_bytes, np.uint8) for tensor in tensors}
        self._outputs = [tensor.name for tensor in stage.outputs if not tensor.is_text]
        with complaints():
            self._session, self._binding = open_stage(stage, self._own, threads=1, texts=texts)
        reads = dict(zip((tensor.name for tensor in stage.inputs), stage.producers, strict=True))
        for name in reads.keys() & made.keys():
            self._own[name][:] = made[name]
        self._reads = [
            (self._own[name], [made[name].copy() for _ in range(_DEPTH)])
            for name, producer in reads.items()
            if name in made and (producer is not None or boundary_io)
        ]
        self._writes = [
            (self._own[tensor.name], [np.zeros(tensor.num_bytes, np.uint8) for _ in range(_DEPTH)])
            for tensor, readers, is_result in zip(stage.outputs, stage.readers, stage.is_result, strict=True)
            if not tensor.is_text and (readers or (is_result and boundary_io))
        ]

    @property
    def made(self) -> dict[str, Bytes]:
        """What it has made, by name."""
        return {name: self._own[name].copy() for name in self._outputs}

    def run(self, number: int) -> Clocks:
        """Run it once, as a stage of a pipeline does."""
        begin, begin_cpu = time.perf_counter(), time.thread_time()
        for mine, slots in self._reads:
            mine[:] = slots[number % _DEPTH]
        with complaints():
            self._session.run_with_iobinding(self._binding)
        for mine, slots in self._writes:
            slots[number % _DEPTH][:] = mine
        return Clocks(time.perf_counter() - begin, time.thread_time() - begin_cpu)
