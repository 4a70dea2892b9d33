"""One stage: a process of its own that waits for its inputs, computes, and passes on what it made, until it is killed.

Nothing is pickled on the way. Neighbours pass slots of a ring to and fro through two pipes, a byte for each, so a stage
that is ahead waits, and a slot is used again when its last reader has copied it. Requests keep their order, so a slot
needs no name. A stage copies in and out, as a device with memory of its own does: the cost model pays for just that.

A stage reads what it is told from its standard input and ends when that does, with its parent; it complains on its
standard output.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pickle
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slicegraph.stages.pipeline.folder import Stage
from slicegraph.stages.pipeline.memory import KEPT, Bytes, Layout, shared_bytes
from slicegraph.stages.pipeline.opening import open_stage
from slicegraph.stages.providers import Provider

BEAT = 0.5
"""Seconds between two signs of life."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """How a stage hears from another one, and tells it, that a slot may be read or filled.

    Attributes
    ----------
    taken
        A pipe's end, read: a byte for each slot that this stage may use.
    given
        A pipe's end, written: a byte for each slot that the other one may use.
    """

    taken: int
    given: int

    def acquire(self) -> None:
        """Wait for a slot."""
        if not os.read(self.taken, 1):
            _wait_for_the_end()

    def release(self) -> None:
        """Leave a slot to the other stage."""
        try:
            os.write(self.given, b".")
        except BrokenPipeError:
            _wait_for_the_end()


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What a stage's process is told.

    Attributes
    ----------
    index
        Which stage it is.
    stage
        What it runs.
    layout, memory
        What is shared, and the file that it is.
    producers, readers
        The links to other stages, by stage.
    threads
        That compute one request.
    provider
        What runs the stage.
    texts
        Inputs that are strings, by name: they are not in shared memory.
    """

    index: int
    stage: Stage
    layout: Layout
    memory: int
    producers: Mapping[int, Link]
    readers: Mapping[int, Link]
    threads: int
    provider: Provider
    texts: Mapping[str, NDArray[Any]]


def main() -> None:
    """Be a stage until this process is killed, its parent ends, or something is wrong."""
    # What a library may print must not be taken for a complaint.
    complaints = os.dup(1)
    os.dup2(2, 1)
    try:
        work: Work = pickle.load(sys.stdin.buffer)  # noqa: S301 - from our own process
        memory = shared_bytes(work.memory, work.layout.num_bytes)
        threading.Thread(target=_end_with_parent, daemon=True).start()
        threading.Thread(target=_beat, args=(work, memory), daemon=True).start()
        _serve(work, memory)
    except BaseException as error:  # noqa: BLE001 - raised in the process that waits
        line = " ".join(f"{type(error).__name__}: {error}".split())
        with contextlib.suppress(OSError):
            os.write(complaints, line.encode(errors="replace"))
    finally:
        os._exit(1)


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


def _wait_for_the_end() -> None:
    """Wait: a neighbour has ended, and the process that started both ends this stage, too."""
    threading.Event().wait()


def _beat(work: Work, memory: Bytes) -> None:
    board = work.layout.boards(memory)[work.index]
    while True:
        board[0, 1] += 1
        time.sleep(BEAT)


def _serve(work: Work, memory: Bytes) -> None:
    stage, layout = work.stage, work.layout
    own = {tensor.name: np.empty(tensor.num_bytes, np.uint8) for tensor in (*stage.inputs, *stage.outputs)}
    session, binding = open_stage(stage, own, threads=work.threads, texts=work.texts, provider=work.provider)
    rings = [layout.inputs.slots(memory), *(ring.slots(memory) for ring in layout.rings)]
    # The model's inputs are ring 0, what stage i makes is ring i + 1.
    reads = [
        (own[tensor.name], [slot[tensor.name] for slot in rings[0 if producer is None else producer + 1]])
        for tensor, producer in zip(stage.inputs, stage.producers, strict=True)
    ]
    targets = (layout.results.slots(memory), rings[work.index + 1])
    writes = [
        (own[tensor.name], [slot[tensor.name] for slot in target])
        for target in targets
        for tensor in stage.outputs
        if tensor.name in target[0]
    ]
    board = layout.boards(memory)[work.index]
    # Of several threads only the process knows; of one, it would count those that show life as well.
    processor = time.thread_time if work.threads == 1 else time.process_time
    for request in itertools.count():
        times = board[1 + request % KEPT]
        times[0] = time.monotonic()
        for link in work.producers.values():
            link.acquire()
        times[1] = time.monotonic()
        for mine, slots in reads:
            mine[:] = slots[request % len(slots)]
        for link in work.producers.values():
            link.release()
        times[2] = time.monotonic()
        begin = processor()
        session.run_with_iobinding(binding)
        times[6] = processor() - begin
        times[3] = time.monotonic()
        for link in work.readers.values():
            link.acquire()
        times[4] = time.monotonic()
        for mine, slots in writes:
            slots[request % len(slots)][:] = mine
        times[5] = time.monotonic()
        board[0, 0] = request + 1
        for link in work.readers.values():
            link.release()
