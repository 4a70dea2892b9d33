"""What the clocks of the stages say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slicegraph.stages.pipeline.folder import Split
from slicegraph.stages.pipeline.memory import KEPT


@dataclass(frozen=True, kw_only=True, slots=True)
class StageRun:
    """One stage, as it was measured; seconds are medians over the requests.

    Attributes
    ----------
    file
        Its model, within the folder.
    block, num_nodes
        The block of the partition, and how many nodes of the model are in it.
    predicted
        Seconds that one request was predicted to take; None: unknown.
    run, transfer
        Seconds that it computes, and that it copies in and out, per request.
    cpu
        Seconds of the processor that computing takes, of all threads together. With one thread, it is what ``run``
        would be if no other program ran.
    measured
        Seconds of both together.
    busy
        The share of the time that it does not wait for other stages.
    """

    file: str
    block: int
    num_nodes: int
    predicted: float | None
    run: float
    transfer: float
    cpu: float
    measured: float
    busy: float


@dataclass(frozen=True, kw_only=True, slots=True)
class PipelineRun:
    """A pipeline, as it was measured once it was warm.

    Attributes
    ----------
    name
        Of the model.
    requests
        How many were measured. 0: none were, before Ctrl-C, and there are no stages.
    seconds
        Between the end of the request before them and that of the last of them.
    stages
        In order.
    predicted_bottleneck
        Seconds that the most expensive stage was predicted to take; None: unknown.
    whole_throughput
        Requests per second of the whole model in one process; None: not measured.
    threads
        Of each stage.
    is_interrupted
        Whether Ctrl-C ended it.
    """

    name: str
    requests: int
    seconds: float
    stages: tuple[StageRun, ...]
    predicted_bottleneck: float | None
    whole_throughput: float | None = None
    threads: int = 1
    is_interrupted: bool = False

    @property
    def bottleneck(self) -> float | None:
        """Seconds of the most expensive stage; None when nothing was measured."""
        return max((stage.measured for stage in self.stages), default=None)

    @property
    def throughput(self) -> float | None:
        """Requests per second; None when nothing was measured."""
        return self.requests / self.seconds if self.requests else None

    @property
    def predicted_throughput(self) -> float | None:
        """Requests per second that the prediction promises; None: unknown."""
        return 1 / self.predicted_bottleneck if self.predicted_bottleneck else None

    @property
    def speedup(self) -> float | None:
        """The throughput over that of the whole model in one process; None when one of them was not measured."""
        return self.throughput / self.whole_throughput if self.throughput and self.whole_throughput else None


def measure(split: Split, boards: NDArray[np.float64], *, warmup: int, requests: int | None) -> PipelineRun:
    """Sum the times of a pipeline up.

    Parameters
    ----------
    split
        The stages.
    boards
        As `Layout.boards` gives them.
    warmup
        Requests that are left out, at least 1.
    requests
        That are counted at most; None: all. The first ones, of those whose times are still kept.

    Notes
    -----
    O(stages x requests). A request is done when the last stage is done with it, whichever that is.
    """
    done = boards[:, 0, 0].astype(int)
    # The row that a stage writes next may be half written.
    begin = max(warmup, int(done.max()) + 2 - KEPT)
    end = int(done.min()) if requests is None else min(int(done.min()), begin + requests)
    if end <= begin:
        return PipelineRun(name=split.name, requests=0, seconds=0.0, stages=(), predicted_bottleneck=split.predicted)
    times = boards[:, 1 + np.arange(begin - 1, end) % KEPT]
    completed = times[:, :, 5].max(axis=0)
    stages = []
    for stage, rows in zip(split.stages, times, strict=True):
        wait_in, copy_in, run, wait_out, copy_out = np.diff(rows[1:, :6]).T
        busy = copy_in + run + copy_out
        stages.append(
            StageRun(
                file=stage.file.name,
                block=stage.block,
                num_nodes=stage.num_nodes,
                predicted=stage.predicted,
                run=float(np.median(run)),
                cpu=float(np.median(rows[1:, 6])),
                transfer=float(np.median(copy_in + copy_out)),
                measured=float(np.median(busy)),
                busy=float(busy.sum() / (busy + wait_in + wait_out).sum()),
            )
        )
    return PipelineRun(
        name=split.name,
        requests=end - begin,
        seconds=float(completed[-1] - completed[0]),
        stages=tuple(stages),
        predicted_bottleneck=split.predicted,
    )
