"""Starts the processes of a pipeline, watches them, and leaves nothing behind, however it ends."""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self, final

import numpy as np
from numpy.typing import NDArray

from slicegraph import processes
from slicegraph.errors import InputError
from slicegraph.interrupts import put_off
from slicegraph.stages.pipeline import worker
from slicegraph.stages.pipeline.errors import StageError
from slicegraph.stages.pipeline.folder import Split
from slicegraph.stages.pipeline.memory import Bytes, lay_out, links, shared_bytes
from slicegraph.stages.providers import ON_PROCESSOR, Provider

_POLL = 0.02
SILENCE = 15.0
"""Seconds without a sign of life after which a stage is given up."""
FIRST_SILENCE = 120.0
"""The same before the first sign, while it starts."""
_SHARED = Path("/dev/shm")  # noqa: S108 - a file there has no name
"""Where Linux has files that are memory."""


@final
class Pipeline:
    """The processes of a pipeline, at work while the context lasts.

    What they share is an open file without a name, and they end when their inputs do: nothing outlives the process that
    made it, however that ends.

    Parameters
    ----------
    split
        The stages.
    inputs
        Of the model, by name: the same for every request.
    depth
        Requests that may lie between two neighbours.
    threads
        Of each stage.
    providers
        What runs each stage; None: the processor.
    """

    def __init__(
        self,
        split: Split,
        inputs: Mapping[str, NDArray[np.generic]],
        *,
        depth: int,
        threads: int,
        providers: Sequence[Provider] | None = None,
    ) -> None:
        self._split = split
        self._inputs = inputs
        self._depth = depth
        self._threads = threads
        self._providers = [ON_PROCESSOR] * len(split.stages) if providers is None else providers
        self._layout = lay_out(split, depth=depth)
        self._memory: Bytes | None = None
        self._processes: list[subprocess.Popen[bytes]] = []
        self.boards = np.zeros((len(split.stages), 1, 1))
        """The times of all stages as `Layout.boards` gives them, once the context is left."""

    def __enter__(self) -> Self:
        try:
            with put_off(), _allocated(self._layout.num_bytes) as file:
                self._memory = shared_bytes(file.fileno(), self._layout.num_bytes)
                self._fill(self._memory)
                self._start(file.fileno())
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def wait(self, *, warmup: int, requests: int | None, seconds: float | None) -> None:
        """Wait until so many requests are done after those that warm up, or one is and so many seconds have passed.

        Raises
        ------
        StageError
            When the process of a stage ends, or gives no sign of life for `SILENCE` seconds.
        """
        deadline = None
        boards = self._boards()
        said, silence = select.poll(), _Silence(len(self._processes))
        for process in self._processes:
            said.register(_stream(process.stdout), select.POLLIN)
        while True:
            done = int(boards[:, 0, 0].min())
            if requests is not None and done >= warmup + requests:
                return
            if seconds is not None and done >= warmup:
                deadline = time.monotonic() + seconds if deadline is None else deadline
                if time.monotonic() >= deadline and done > warmup:
                    return
            if ended := [file for file, _ in said.poll(1000 * _POLL)]:
                raise StageError(self._obituary(ended[0]))
            if (hung := silence.index(boards[:, 0, 1])) is not None:
                how = f"gave no sign of life for {silence.limit(hung):g} s: it was stopped, or hangs;"
                raise StageError(f"{self._name(hung)} {how} {self._done(hung)}")

    def results(self) -> dict[str, Bytes]:
        """Copy the bytes of the model's outputs, which are those of the last request."""
        assert self._memory is not None, "within the context"  # noqa: S101 - for the type checker
        return {name: array.copy() for name, array in self._layout.results.slots(self._memory)[0].items()}

    def close(self) -> None:
        """End all processes at once, and give the memory back."""
        with put_off():
            for process in self._processes:
                process.kill()
            for process in self._processes:
                process.wait()
                _stream(process.stdout).close()
                with contextlib.suppress(OSError):
                    _stream(process.stdin).close()
            self._processes = []
            if self._memory is not None:
                self.boards = self._boards().copy()
                self._memory = None

    def _boards(self) -> NDArray[np.float64]:
        assert self._memory is not None, "within the context"  # noqa: S101 - for the type checker
        return self._layout.boards(self._memory)

    def _fill(self, memory: Bytes) -> None:
        places = self._layout.inputs.slots(memory)[0]
        for name, place in ((tensor.name, places[tensor.name]) for tensor in self._split.inputs if not tensor.is_text):
            place[:] = np.ascontiguousarray(self._inputs[name]).reshape(-1).view(np.uint8)

    def _start(self, memory: int) -> None:
        """Start each stage, with its pipes; those to a later one are kept until that has them."""
        slots = links(self._split, depth=self._depth)
        ends: dict[tuple[int, int], worker.Link] = {}
        try:
            for index, stage in enumerate(self._split.stages):
                producers = {
                    producer: ends.pop((producer, reader)) for producer, reader in list(ends) if reader == index
                }
                readers: dict[int, worker.Link] = {}
                own = [*producers.values()]
                try:
                    for producer, reader in slots:
                        if producer == index:
                            readers[reader], ends[producer, reader] = _pipes(slots[producer, reader])
                            own.append(readers[reader])
                    files = [memory, *(file for link in own for file in (link.taken, link.given))]
                    process = processes.start(worker.__name__, pass_fds=files)
                finally:
                    _close(own)
                self._processes.append(process)
                work = worker.Work(
                    index=index,
                    stage=stage,
                    layout=self._layout,
                    memory=memory,
                    producers=producers,
                    readers=readers,
                    threads=self._threads,
                    provider=self._providers[index],
                    texts={tensor.name: self._inputs[tensor.name] for tensor in stage.inputs if tensor.is_text},
                )
                # A process that has ended already is told by `wait`.
                with contextlib.suppress(BrokenPipeError):
                    _stream(process.stdin).write(pickle.dumps(work))
                    _stream(process.stdin).flush()
        except OSError as error:
            raise InputError(f"stages are processes, and {sys.executable!r} cannot be started: {error}") from None
        finally:
            _close(list(ends.values()))

    def _name(self, index: int) -> str:
        return f"stage {index} ({self._split.stages[index].file.name})"

    def _done(self, index: int) -> str:
        return f"after {int(self._boards()[index, 0, 0])} requests"

    def _obituary(self, stream: int) -> str:
        """Say how the stage ended whose standard output did, or what it complains of."""
        streams = [_stream(process.stdout) for process in self._processes]
        index = [each.fileno() for each in streams].index(stream)
        complaint = streams[index].read().decode(errors="replace")
        status = self._processes[index].wait()
        if complaint:
            return f"{self._name(index)} failed {self._done(index)}: {complaint}"
        how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
        return f"{self._name(index)} {how} {self._done(index)}"


@final
class _Silence:
    """How long each stage has given no sign of life, in seconds in which it was listened to."""

    def __init__(self, num_stages: int) -> None:
        self._counts = np.zeros(num_stages)
        self._silent = np.zeros(num_stages)
        self._last = time.monotonic()

    def index(self, counts: NDArray[np.float64]) -> int | None:
        """Take what the stages count, and name one that is silent for too long."""
        now = time.monotonic()
        # While this process was stopped itself, the others may have been, too.
        passed, self._last = min(now - self._last, worker.BEAT), now
        self._silent = np.where(counts == self._counts, self._silent + passed, 0.0)
        self._counts = counts.copy()
        return next((index for index, silent in enumerate(self._silent) if silent > self.limit(index)), None)

    def limit(self, index: int) -> float:
        """Give the seconds that a stage may be silent."""
        return SILENCE if self._counts[index] else FIRST_SILENCE


def _pipes(slots: int) -> tuple[worker.Link, worker.Link]:
    """Open the pipes between two stages; so many slots are free. Give the producer's ends and the reader's."""
    filled, fill = os.pipe()
    freed, free = os.pipe()
    os.write(free, b"." * slots)
    return worker.Link(taken=freed, given=fill), worker.Link(taken=filled, given=free)


def _close(ends: list[worker.Link]) -> None:
    for link in ends:
        os.close(link.taken)
        os.close(link.given)


def _stream(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None, "both are pipes"  # noqa: S101 - for the type checker
    return stream


def _allocated(num_bytes: int) -> IO[bytes]:
    """Open a file without a name that has so many bytes, in memory where there is such a place."""
    try:
        file = tempfile.TemporaryFile(dir=_SHARED if _SHARED.is_dir() else None, buffering=0)  # noqa: SIM115 - given on
        try:
            # A process that touches memory which cannot be provided would be killed.
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, num_bytes)
            else:
                file.truncate(num_bytes)
        except BaseException:
            file.close()
            raise
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"stages share {num_bytes} bytes of memory, which are not to be had: {reason}") from None
    return file
