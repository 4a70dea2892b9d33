"""Where the cuts of a partition are: its stages, and the tensors that cross between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slicegraph import checks
from slicegraph.block import BlockCost
from slicegraph.cost import Instance


@dataclass(frozen=True, kw_only=True, slots=True)
class CutTensor:
    """A tensor that stages pay for, because it crosses from one to another.

    With ``boundary_io`` these are also the inputs of the model, and its outputs.

    Attributes
    ----------
    tensor
        Its index.
    name
        Its name; ``tensor 12`` when the graph has none for it.
    bytes
        Its size.
    from_stage
        The stage that makes and exports it; None: it is a model input.
    to_stages
        The stages that import it, in order, also those that only hand it on; none when it leaves the model alone.
    """

    tensor: int
    name: str
    bytes: int
    from_stage: int | None
    to_stages: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Stage:
    """One stage: its nodes, what crosses its borders, and what it pays, in seconds.

    Attributes
    ----------
    nodes
        int32, read-only: the indices of its nodes, in the graph's order.
    reads
        int64, read-only: the indices of the tensors that it imports, in order. Their transfers add up to ``io_in``.
    writes
        int64, read-only: the indices of the tensors that it exports, in order, also of those
        that it hands on where only neighbours are linked. Their transfers add up to ``io_out``.
    work, io_in, io_out, overflow, cost, param_bytes, state_bytes, live_bytes
        As in `BlockCost`.
    """

    nodes: NDArray[np.int32]
    reads: NDArray[np.int64]
    writes: NDArray[np.int64]
    work: float
    io_in: float
    io_out: float
    overflow: float
    cost: float
    param_bytes: int
    state_bytes: int
    live_bytes: int


@dataclass(frozen=True, slots=True, eq=False)
class Crossings:
    """What crosses between the stages of a partition.

    Attributes
    ----------
    home
        The stage that makes each tensor, shape (num_tensors,); -1 for a model input.
    imports
        Pairs of a tensor and a stage that imports it, by tensor and then stage, shape (num_imports, 2).
    exports
        Pairs of a tensor and a stage that exports it, by tensor and then stage, shape (num_exports, 2).
    """

    home: NDArray[np.int64]
    imports: NDArray[np.int64]
    exports: NDArray[np.int64]


def find_crossings(instance: Instance, block_of: NDArray[np.int32]) -> Crossings:
    """Find the tensors that stages import and export, each as the definition of io says.

    Notes
    -----
    O(tensors + reads log reads), and O(tensors) for each stage where only neighbours are linked.
    """
    arrays = instance.graph.arrays
    home = np.full(instance.graph.num_tensors, -1, np.int64)
    is_made = arrays.producer >= 0
    home[is_made] = block_of[arrays.producer[is_made]]
    tensors, readers = np.repeat(np.arange(home.size), np.diff(arrays.consumer_offsets)), block_of[arrays.consumers]
    origin = home[tensors]
    is_import = (readers != origin) & ((origin >= 0) | instance.boundary_io)
    pairs = np.sort(tensors[is_import] * instance.num_blocks + readers[is_import])
    # Of equal ones the first; np.unique would load masked arrays, which take longer than most answers.
    pairs = pairs[np.diff(pairs, prepend=-1) > 0]
    imports = np.stack(np.divmod(pairs, instance.num_blocks), axis=1)
    is_export = np.zeros(home.size, np.bool_)
    is_export[imports[:, 0]] = True
    if instance.boundary_io and arrays.is_output is not None:
        is_export |= arrays.is_output
    made = np.flatnonzero(is_export & is_made)
    exports = np.stack((made, home[made]), axis=1)
    if instance.resolved.adjacent:
        passing = _handed_on(home, imports, block_of)
        imports, exports = (np.unique(np.concatenate((pairs, passing)), axis=0) for pairs in (imports, exports))
    return Crossings(home, imports, exports)


def _handed_on(home: NDArray[np.int64], imports: NDArray[np.int64], block_of: NDArray[np.int32]) -> NDArray[np.int64]:
    """Give pairs of a tensor and a stage with nodes between the one that makes it and the last one that reads it."""
    last = home.copy()
    np.maximum.at(last, imports[:, 0], imports[:, 1])
    pairs = [np.empty((0, 2), np.int64)]
    for stage in np.unique(block_of).tolist():
        tensors = np.flatnonzero((home >= 0) & (home < stage) & (stage < last))
        pairs.append(np.stack((tensors, np.full(tensors.size, stage)), axis=1))
    return np.concatenate(pairs)


def cut_tensors(instance: Instance, crossings: Crossings) -> tuple[CutTensor, ...]:
    """List the tensors that stages pay for, by the stage that makes them (model inputs first), then by index."""
    arrays = instance.graph.arrays
    names = arrays.tensor_name or ("",) * crossings.home.size
    readers: dict[int, list[int]] = {int(tensor): [] for tensor in crossings.exports[:, 0]}
    for tensor, stage in crossings.imports.tolist():
        readers.setdefault(tensor, []).append(stage)
    return tuple(
        CutTensor(
            tensor=tensor,
            name=names[tensor] or f"tensor {tensor}",
            bytes=int(arrays.size[tensor]),
            from_stage=None if home < 0 else home,
            to_stages=tuple(readers[tensor]),
        )
        for home, tensor in sorted((int(crossings.home[tensor]), tensor) for tensor in readers)
    )


def stages(block_of: NDArray[np.int32], costs: Sequence[BlockCost], crossings: Crossings) -> tuple[Stage, ...]:
    """Give every stage up to the last one that is not empty.

    Notes
    -----
    O(nodes log nodes + cut tensors log cut tensors).
    """
    nodes = _grouped(np.arange(block_of.size, dtype=np.int32), block_of, len(costs))
    reads = _grouped(crossings.imports[:, 0], crossings.imports[:, 1], len(costs))
    writes = _grouped(crossings.exports[:, 0], crossings.exports[:, 1], len(costs))
    return tuple(
        Stage(
            nodes=nodes[stage],
            reads=reads[stage],
            writes=writes[stage],
            work=cost.work,
            io_in=cost.io_in,
            io_out=cost.io_out,
            overflow=cost.overflow,
            cost=cost.cost,
            param_bytes=cost.param_bytes,
            state_bytes=cost.state_bytes,
            live_bytes=cost.live_bytes,
        )
        for stage, cost in enumerate(costs)
    )


def _grouped(values: NDArray[Any], stage_of: NDArray[Any], num_stages: int) -> list[NDArray[Any]]:
    """Divide values by their stage; each part keeps their order."""
    order = np.argsort(stage_of, kind="stable")
    ends = np.cumsum(np.bincount(stage_of, minlength=num_stages))
    return [checks.read_only(part) for part in np.split(values[order], ends[:-1])] if num_stages else []
