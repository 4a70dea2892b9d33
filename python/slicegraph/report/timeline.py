"""Requests on their way through the pipeline, as a trace that Perfetto and chrome://tracing open."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from slicegraph.report.answer import Answer

_PARTS = (("io_in", "in"), ("overflow", "overflow"), ("work", "work"), ("io_out", "out"))
"""What a stage pays, in the order of time."""
_MORE_REQUESTS = 8
_MAX_SPANS = 20_000
_Spans = Sequence[tuple[str, float]]


def to_trace(answer: Answer) -> str:
    """Give the trace as JSON: a process "predicted", and "measured" when a run is given; a thread per stage.

    A stage begins a request when the stage before it has ended it and it has itself ended the one before; measured
    stages take their medians. Times are microseconds, to the nanosecond.

    Notes
    -----
    O(stages + 20,000).
    """
    predicted = {
        stage: [(label, getattr(answer.costs[stage], part)) for part, label in _PARTS] for stage in answer.used
    }
    events = list(_process(1, "predicted", predicted))
    if answer.measured:
        measured = {row.block: [("transfer", row.transfer), ("run", row.run)] for row in answer.measured}
        events.extend(_process(2, "measured", measured))
    return json.dumps({"displayTimeUnit": "ms", "traceEvents": events}, allow_nan=False) + "\n"


def _process(process: int, name: str, stages: dict[int, list[tuple[str, float]]]) -> Iterator[dict[str, Any]]:
    yield _name(process, 0, "process_name", name)
    for thread, stage in enumerate(stages, start=1):
        yield _name(process, thread, "thread_name", f"stage {stage}")
    # Enough for the first request to leave and for the pipeline to be full for a while.
    requests = max(1, min(len(stages) + _MORE_REQUESTS, _MAX_SPANS // max(1, len(stages))))
    free = [0.0] * len(stages)
    for request in range(requests):
        arrival = 0.0
        for thread, spans in enumerate(stages.values()):
            moment = max(arrival, free[thread])
            yield from _spans(process, thread + 1, request, moment, spans)
            arrival = free[thread] = moment + sum(seconds for _, seconds in spans)


def _spans(process: int, thread: int, request: int, moment: float, spans: _Spans) -> Iterator[dict[str, Any]]:
    for label, seconds in spans:
        start, end = _nanoseconds(moment), _nanoseconds(moment + seconds)
        moment += seconds
        if end > start:
            yield {
                "name": label,
                "cat": "stage",
                "ph": "X",
                "pid": process,
                "tid": thread,
                "ts": start / 1000,
                "dur": (end - start) / 1000,
                "args": {"request": request},
            }


def _nanoseconds(seconds: float) -> int:
    return round(seconds * 1e9)


def _name(process: int, thread: int, kind: str, name: str) -> dict[str, Any]:
    return {"name": kind, "ph": "M", "pid": process, "tid": thread, "args": {"name": name}}
