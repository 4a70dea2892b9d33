"""Times that other tools measured: CSV, segments as JSON, profiles of onnxruntime, traces of PyTorch and Chrome.

What a file says is sorted by name and run, and nothing more: which node a name is of, `slicegraph.measured` knows.
"""

from __future__ import annotations

import csv
import io
import math
import re
import sys
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from slicegraph.errors import InputError
from slicegraph.formats.files import read_json, read_text

_MICROSECOND: Final = 1e-6
_KERNEL: Final = "_kernel_time"
_RUN: Final = re.compile(r"model_run|ProfilerStep#[0-9]+")
"""Names of events that are one run of the whole model."""
_ON_GPU: Final = frozenset({"kernel", "gpu_memcpy", "gpu_memset"})
_COLUMNS: Final = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Measurements:
    """What a file says.

    Attributes
    ----------
    segments
        Nodes, by names, globs or indices, and the seconds that they take together.
    runs
        Of a trace: for each run, by name, the seconds of each time that it ran, in order. One, where nothing in the
        trace says where runs begin.
    has_marks
        Whether the trace says where runs begin.
    """

    segments: Sequence[tuple[tuple[str | int, ...], float]] = ()
    runs: Sequence[Mapping[str, Sequence[float]]] = ()
    has_marks: bool = False


def read_measurements(path: Path) -> Measurements:
    """Read measured times: ``.csv`` with a name and seconds in each row, or JSON.

    JSON is a trace, a list of events or an object with ``traceEvents``, or an object with ``segments``: a list of
    objects with ``nodes``, a list of names, globs and indices, and ``seconds``.

    Raises
    ------
    InputError
        Naming the file, and the row, entry or event that is none.
    """
    is_csv = path.name.lower().endswith((".csv", ".csv.gz"))
    data = read_text(path) if is_csv else read_json(path)
    try:
        return Measurements(segments=_rows(data)) if is_csv else _of_json(data)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _of_json(data: Any) -> Measurements:  # noqa: ANN401 - anything can stand in a file
    if isinstance(data, dict) and "segments" in data:
        return Measurements(segments=_segments(data["segments"]))
    events = data.get("traceEvents") if isinstance(data, dict) else data
    if not isinstance(events, list):
        raise InputError('neither a list of events, nor an object with "traceEvents" or "segments"')
    return _trace([_Event.of(event) for event in events if isinstance(event, dict) and _is_timed(event)])


def _rows(text: str) -> list[tuple[tuple[str | int, ...], float]]:
    found: dict[str, float] = {}
    for number, row in enumerate(_lines(text), start=1):
        if not row or (number == 1 and len(row) == _COLUMNS and _number(row[1]) is None):
            continue
        seconds = _number(row[1]) if len(row) == _COLUMNS else None
        if seconds is None:
            raise InputError(f"line {number}: {','.join(row)!r:.80} is not name,seconds")
        if row[0] in found:
            raise InputError(f"line {number}: {row[0]!r:.80} has its seconds already")
        found[row[0]] = _checked(f"line {number}", seconds)
    return [((name,), seconds) for name, seconds in found.items()]


def _lines(text: str) -> Iterator[list[str]]:
    lines = csv.reader(io.StringIO(text, newline=None))
    try:
        yield from lines
    except csv.Error as error:
        raise InputError(f"line {lines.line_num}: {error}") from None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _checked(culprit: str, seconds: object) -> float:
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not is_number or not 0 <= seconds <= sys.float_info.max:  # type: ignore[operator] # it is one of those
        raise InputError(f"{culprit}: {seconds!r:.80} are no seconds")
    return float(seconds)  # type: ignore[arg-type] # likewise


def _segments(data: object) -> list[tuple[tuple[str | int, ...], float]]:
    if not isinstance(data, list):
        raise InputError('"segments" is not a list')
    found = []
    for index, entry in enumerate(data):
        nodes = entry.get("nodes") if isinstance(entry, dict) else None
        keys = [nodes] if isinstance(nodes, str) else nodes
        if not isinstance(keys, list) or not all(type(key) in (str, int) for key in keys):
            raise InputError(f'segments[{index}]: "nodes" is not a list of names, globs and indices')
        found.append((tuple(keys), _checked(f"segments[{index}]", entry.get("seconds"))))
    return found


@dataclass(kw_only=True, slots=True)
class _Event:
    """Something that took time: on a thread, from ``begin`` on; seconds that a GPU worked for it are its own."""

    name: str
    category: str
    thread: tuple[str, str]
    begin: float
    length: float
    external: object
    on_gpu: float = 0.0
    parts: list[_Event] = field(default_factory=list)

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> _Event:
        arguments = event.get("args")
        return cls(
            name=str(event.get("name", "")),
            category=str(event.get("cat", "")),
            thread=(str(event.get("pid")), str(event.get("tid"))),
            begin=float(event["ts"]),
            length=float(event["dur"]),
            external=arguments.get("External id") if isinstance(arguments, dict) else None,
        )

    @property
    def end(self) -> float:
        return self.begin + self.length


def _is_timed(event: Mapping[str, Any]) -> bool:
    times = [event.get("ts"), event.get("dur")]
    is_whole = event.get("ph", "X") == "X"
    return is_whole and all(
        isinstance(time, int | float) and not isinstance(time, bool) and abs(time) <= sys.float_info.max
        for time in times
    )


def _trace(events: Sequence[_Event]) -> Measurements:
    """Sort events by run and name; where a GPU worked, an event has the seconds of what it and its parts started."""
    marks = sorted((event.begin, event.end) for event in events if _RUN.fullmatch(event.name))
    kernels: dict[object, float] = defaultdict(float)
    for event in events:
        if event.category in _ON_GPU and event.external is not None:
            kernels[event.external] += event.length
    timed = [
        event for event in events if event.category not in _ON_GPU and not _RUN.fullmatch(event.name) and event.name
    ]
    if kernels:
        _add_kernels(timed, kernels)
    runs: list[dict[str, list[float]]] = [defaultdict(list) for _ in range(max(1, len(marks)))]
    for event in sorted(timed, key=lambda each: each.begin):
        index = 0
        if marks:
            index = bisect_right(marks, (event.begin, math.inf)) - 1
            if index < 0 or event.begin > marks[index][1]:
                continue
        if event.category == "Session" or (event.category == "Node" and not event.name.endswith(_KERNEL)):
            # onnxruntime's own: what is around its kernels.
            continue
        seconds = (event.on_gpu if kernels else event.length) * _MICROSECOND
        runs[index][event.name.removesuffix(_KERNEL)].append(seconds)
    return Measurements(runs=[run for run in runs if run], has_marks=bool(marks))


def _add_kernels(events: Iterable[_Event], kernels: Mapping[object, float]) -> None:
    """Give each event what a GPU did for it and for the events that lie within it on its thread."""
    open_events: dict[tuple[str, str], list[_Event]] = defaultdict(list)
    for event in sorted(events, key=lambda each: (each.begin, -each.length)):
        around = open_events[event.thread]
        while around and around[-1].end <= event.begin:
            around.pop()
        around.append(event)
        seconds = kernels.get(event.external, 0.0)
        if seconds:
            for each in around:
                each.on_gpu += seconds
