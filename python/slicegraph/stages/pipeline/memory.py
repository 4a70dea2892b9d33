"""Where tensors and measurements lie in the memory that all stages share."""

from __future__ import annotations

import itertools
import mmap
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slicegraph.stages.pipeline.folder import Split
from slicegraph.stages.pipeline.tensors import Tensor

Bytes = NDArray[np.uint8]
_LINE = 64
"""Bytes of a cache line: two processes never write into the same one."""
_ROWS = 2**13
KEPT = _ROWS - 1
"""Requests of which a stage's times are kept, the latest."""
TIMES = 7
"""Of one request: the wait for inputs begins and ends, they are copied, it is computed, the wait for room for outputs
ends, they are copied; and then the seconds of the processor that computing took."""
_BOARD = _ROWS * TIMES * 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Ring:
    """The outputs of one stage for several requests at once: slots that are used in turn.

    Attributes
    ----------
    begin
        Its first byte.
    depth
        The number of slots.
    tensors
        What lies in each slot.
    """

    begin: int
    depth: int
    tensors: tuple[Tensor, ...]

    @property
    def end(self) -> int:
        """The byte behind it."""
        return self.begin + self.depth * sum(_aligned(tensor.num_bytes) for tensor in self.tensors)

    def slots(self, memory: Bytes) -> list[dict[str, Bytes]]:
        """Give the bytes of each tensor in each slot, by name."""
        slots, begin = [], self.begin
        for _ in range(self.depth):
            slot = {}
            for tensor in self.tensors:
                slot[tensor.name] = memory[begin : begin + tensor.num_bytes]
                begin += _aligned(tensor.num_bytes)
            slots.append(slot)
        return slots


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """All that is shared.

    Attributes
    ----------
    num_stages
        Each has a board of times, in front of everything.
    inputs, results
        Those of the model: one slot, as all requests are alike.
    rings
        Of each stage, what later stages read.
    num_bytes
        Of everything.
    """

    num_stages: int
    inputs: Ring
    results: Ring
    rings: tuple[Ring, ...]
    num_bytes: int

    def boards(self, memory: Bytes) -> NDArray[np.float64]:
        """Give shape (stages, 1 + KEPT, TIMES): one row of counts, then the times of each request, in turn.

        The first count is of requests that are done, the second one grows as long as the stage lives.
        """
        boards = memory[: self.num_stages * _BOARD].view(np.float64)
        return boards.reshape(self.num_stages, _ROWS, TIMES)


def shared_bytes(file: int, num_bytes: int) -> Bytes:
    """Give the bytes of an open file, in place; they last as long as a view of them does.

    Raises
    ------
    OSError
        When they cannot be mapped.
    """
    return np.frombuffer(mmap.mmap(file, num_bytes), np.uint8)


def links(split: Split, *, depth: int) -> dict[tuple[int, int], int]:
    """Say how many requests a producer may be ahead of a reader, for each such pair, and of each stage and the next.

    The latter keeps a stage that is not read from running ahead of all others.

    Parameters
    ----------
    split
        The stages.
    depth
        Requests that may lie between neighbours. Between others there are as many more as stages are skipped, for
        while these are at work the producer goes on.
    """
    pairs = set(itertools.pairwise(range(len(split.stages))))
    pairs |= {
        (producer, index)
        for index, stage in enumerate(split.stages)
        for producer in stage.producers
        if producer is not None
    }
    return {(producer, reader): depth + reader - producer - 1 for producer, reader in sorted(pairs)}


def lay_out(split: Split, *, depth: int) -> Layout:
    """Give every tensor its place.

    Parameters
    ----------
    split
        The stages.
    depth
        Of `links`.
    """
    stages, ahead = split.stages, links(split, depth=depth)
    place = _Place(len(stages) * _BOARD)
    inputs = place.ring(1, split.inputs)
    results = place.ring(
        1, (tensor for stage in stages for tensor, is_it in zip(stage.outputs, stage.is_result, strict=True) if is_it)
    )
    rings = []
    for index, stage in enumerate(stages):
        read = [tensor for tensor, readers in zip(stage.outputs, stage.readers, strict=True) if readers]
        rings.append(place.ring(max((ahead[pair] for pair in ahead if pair[0] == index), default=depth), read))
    return Layout(num_stages=len(stages), inputs=inputs, results=results, rings=tuple(rings), num_bytes=place.end)


class _Place:
    """Puts one thing behind another."""

    def __init__(self, begin: int) -> None:
        self.end = begin

    def ring(self, depth: int, tensors: Iterable[Tensor]) -> Ring:
        ring = Ring(begin=self.end, depth=depth, tensors=tuple(tensors))
        self.end = ring.end
        return ring


def _aligned(num_bytes: int) -> int:
    return -(-num_bytes // _LINE) * _LINE
