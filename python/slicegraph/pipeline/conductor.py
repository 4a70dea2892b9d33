"""Starts the processes of a pipeline, watches them, and leaves nothing behind, however it ends."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing import connection, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from multiprocessing.shared_memory import SharedMemory
from types import TracebackType
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from slicegraph.errors import InputError
from slicegraph.pipeline import worker
from slicegraph.pipeline.errors import StageError
from slicegraph.pipeline.memory import Bytes, lay_out, links, view
from slicegraph.pipeline.split import Split

_POLL = 0.02


@final
class Pipeline:
    """The processes of a pipeline, at work while the context lasts.

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
    """

    def __init__(self, split: Split, inputs: Mapping[str, NDArray[np.generic]], *, depth: int, threads: int) -> None:
        self._split = split
        self._inputs = inputs
        self._depth = depth
        self._threads = threads
        self._layout = lay_out(split, depth=depth)
        self._shared: SharedMemory | None = None
        self._processes: list[SpawnProcess] = []
        self._complaints: list[Connection] = []
        self._links: dict[tuple[int, int], worker.Link] = {}  # semaphores last as long as whoever made them holds them
        self.boards = np.zeros((len(split.stages), 1, 1))
        """The times of all stages as `Layout.boards` gives them, once the context is left."""

    def __enter__(self) -> Self:
        # Before Ctrl-C is put off: it starts a process, and then lets Ctrl-C through.
        resource_tracker.ensure_running()
        try:
            with _uninterrupted():
                self._shared = _allocate(self._layout.num_bytes)
                self._fill()
                self._start(self._shared.name)
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
            When the process of a stage ends.
        """
        deadline = None
        while True:
            done = int(self._layout.boards(self._memory())[:, 0, 0].min())
            if requests is not None and done >= warmup + requests:
                return
            if seconds is not None and done >= warmup:
                deadline = time.monotonic() + seconds if deadline is None else deadline
                if time.monotonic() >= deadline and done > warmup:
                    return
            ended = connection.wait([process.sentinel for process in self._processes], timeout=_POLL)
            if ended:
                raise StageError(self._obituary(ended))

    def results(self) -> dict[str, Bytes]:
        """Copy the bytes of the model's outputs, which are those of the last request."""
        return {name: array.copy() for name, array in self._layout.results.slots(self._memory())[0].items()}

    def close(self) -> None:
        """End all processes at once, and give the memory back."""
        with _uninterrupted():
            for process in self._processes:
                process.kill()
            for process in self._processes:
                process.join()
                process.close()
            for pipe in self._complaints:
                pipe.close()
            self._processes, self._complaints, self._links = [], [], {}
            if self._shared is not None:
                self.boards = self._layout.boards(self._memory()).copy()
                self._shared.unlink()
                # Whoever was interrupted may still look at it; it ends with the last look.
                with contextlib.suppress(BufferError):
                    self._shared.close()
                self._shared = None

    def _memory(self) -> Bytes:
        assert self._shared is not None, "within the context"  # noqa: S101 - for the type checker
        return view(self._shared)

    def _fill(self) -> None:
        for name, place in self._layout.inputs.slots(self._memory())[0].items():
            place[:] = np.ascontiguousarray(self._inputs[name]).reshape(-1).view(np.uint8)

    def _start(self, memory: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._links = {
            pair: worker.Link(filled=context.Semaphore(0), free=context.Semaphore(slots))
            for pair, slots in links(self._split, depth=self._depth).items()
        }
        for index, each in enumerate(self._split.stages):
            ours, theirs = context.Pipe(duplex=False)
            self._complaints.append(ours)
            work = worker.Work(
                index=index,
                stage=each,
                layout=self._layout,
                memory=memory,
                makers={maker: link for (maker, reader), link in self._links.items() if reader == index},
                readers={reader: link for (maker, reader), link in self._links.items() if maker == index},
                threads=self._threads,
                complaints=theirs,
            )
            process = context.Process(target=worker.main, args=(work,), name=f"slicegraph-stage-{index}", daemon=True)
            process.start()
            self._processes.append(process)
            theirs.close()

    def _obituary(self, ended: Sequence[object]) -> str:
        index = next(index for index, process in enumerate(self._processes) if process.sentinel in ended)
        self._processes[index].join()
        name = f"stage {index} ({self._split.stages[index].file.name})"
        done = f"after {int(self._layout.boards(self._memory())[index, 0, 0])} requests"
        with contextlib.suppress(EOFError, OSError):
            if self._complaints[index].poll():
                return f"{name} failed {done}: {self._complaints[index].recv_bytes().decode(errors='replace')}"
        status = self._processes[index].exitcode or 0
        how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
        return f"{name} {how} {done}"


def _allocate(num_bytes: int) -> SharedMemory:
    try:
        shared = SharedMemory(create=True, size=num_bytes)
        try:
            # Memory that is not there would end whoever touches it first.
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(shared._fd, 0, num_bytes)  # type: ignore[attr-defined] # noqa: SLF001 - no other way
        except OSError:
            shared.unlink()
            shared.close()
            raise
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"stages share {num_bytes} bytes of memory, which are not to be had: {reason}") from None
    return shared


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Put Ctrl-C off. Processes that are started meanwhile never hear of it: it is for their parent, who decides."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
