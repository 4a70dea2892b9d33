"""One stage: a process of its own that waits for its inputs, computes, and passes on what it made, until it is killed.

Nothing is pickled on the way. Neighbours pass slots of a ring to and fro by two semaphores, so a stage that is ahead
waits, and a slot is used again when its last reader has copied it. Requests keep their order, so a slot needs no name.
A stage copies in and out, as a device with memory of its own does: the cost model pays for just that.
"""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.shared_memory import SharedMemory
from multiprocessing.synchronize import Semaphore
from typing import Any

import numpy as np

from slicegraph.pipeline.memory import KEPT, Bytes, Layout, view
from slicegraph.pipeline.split import Stage

_FATAL_ONLY = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """What a maker and a reader of slots tell each other.

    Attributes
    ----------
    filled
        Counts slots that the reader may read.
    free
        Counts slots that the maker may fill.
    """

    filled: Semaphore
    free: Semaphore


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
        What is shared, and the name it goes by.
    makers, readers
        The links to other stages, by stage.
    threads
        That compute one request.
    complaints
        Takes one line, in UTF-8, when something is wrong.
    """

    index: int
    stage: Stage
    layout: Layout
    memory: str
    makers: Mapping[int, Link]
    readers: Mapping[int, Link]
    threads: int
    complaints: Connection


def main(work: Work) -> None:
    """Be a stage until somebody kills this process, its parent ends, or something is wrong."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        # The conductor, who made it, unlinks it. All share one resource tracker, so nobody else does.
        shared = SharedMemory(work.memory)
        _serve(work, view(shared))
    except BaseException as error:  # noqa: BLE001 - said where somebody waits
        line = " ".join(f"{type(error).__name__}: {error}".split())
        with contextlib.suppress(OSError):
            work.complaints.send_bytes(line.encode(errors="replace"))
    finally:
        os._exit(1)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _serve(work: Work, memory: Bytes) -> None:
    stage, layout = work.stage, work.layout
    own = {tensor.name: np.empty(tensor.num_bytes, np.uint8) for tensor in (*stage.inputs, *stage.outputs)}
    session, binding = _session(work, own)
    rings = [layout.inputs.slots(memory), *(ring.slots(memory) for ring in layout.rings)]
    # The model's inputs are ring 0, what stage i makes is ring i + 1.
    reads = [
        (own[tensor.name], [slot[tensor.name] for slot in rings[0 if maker is None else maker + 1]])
        for tensor, maker in zip(stage.inputs, stage.makers, strict=True)
    ]
    targets = (layout.results.slots(memory), rings[work.index + 1])
    writes = [
        (own[tensor.name], [slot[tensor.name] for slot in target])
        for target in targets
        for tensor in stage.outputs
        if tensor.name in target[0]
    ]
    board = layout.boards(memory)[work.index]
    for request in itertools.count():
        times = board[1 + request % KEPT]
        times[0] = time.monotonic()
        for link in work.makers.values():
            link.filled.acquire()
        times[1] = time.monotonic()
        for mine, slots in reads:
            mine[:] = slots[request % len(slots)]
        for link in work.makers.values():
            link.free.release()
        times[2] = time.monotonic()
        session.run_with_iobinding(binding)
        times[3] = time.monotonic()
        for link in work.readers.values():
            link.free.acquire()
        times[4] = time.monotonic()
        for mine, slots in writes:
            slots[request % len(slots)][:] = mine
        times[5] = time.monotonic()
        board[0, 0] = request + 1
        for link in work.readers.values():
            link.filled.release()


def _session(work: Work, own: Mapping[str, Bytes]) -> tuple[Any, Any]:
    """Load the stage's model and tell it where its inputs and outputs are, once for all."""
    import onnxruntime  # noqa: PLC0415 - nobody but a stage loads it

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = work.threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL_ONLY  # what is wrong comes as an exception
    session = onnxruntime.InferenceSession(str(work.stage.file), options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    for tensors, bind in ((work.stage.inputs, binding.bind_input), (work.stage.outputs, binding.bind_output)):
        for tensor in tensors:
            bind(tensor.name, "cpu", 0, tensor.element_type, tensor.shape, own[tensor.name].ctypes.data)
    return session, binding
