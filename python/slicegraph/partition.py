"""What a partition has to be, and what is said of one that is none."""

from __future__ import annotations

import graphlib
import itertools

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slicegraph.columns import integers
from slicegraph.cost import Instance
from slicegraph.errors import InputError
from slicegraph.graph import Graph

_MAX_STAGES_TOLD = 8


def cuts_kernels(graph: Graph, block_of: NDArray[np.int32]) -> bool:
    """Whether a kernel of a graph (`Graph`, ``kernel``) has nodes in several blocks.

    Examples
    --------
    >>> import numpy as np
    >>> import slicegraph as sg
    >>> ends = {"producer": [0, 1], "size": [8, 8], "consumers": [1, 2], "consumer_offsets": [0, 1, 2]}
    >>> graph = sg.Graph(work=[1, 2, 3], kernel=[0, 1, 1], **ends)
    >>> cuts_kernels(graph, np.array([0, 0, 1], np.int32)), cuts_kernels(graph, np.array([0, 1, 1], np.int32))
    (True, False)
    """
    kernel = graph.arrays.kernel
    if kernel is None:
        return False
    is_part = kernel >= 0
    pairs = np.stack((kernel[is_part], block_of[is_part]))
    return len(np.unique(pairs, axis=1).T) > len(np.unique(pairs[0]))


def check_partition(instance: Instance, block_of: ArrayLike) -> NDArray[np.int32]:
    """Copy a partition in, or say what keeps it from being one in the words of who wrote it.

    Parameters
    ----------
    instance
        The problem.
    block_of
        Integers, shape (num_nodes,): the block of each node, from 0.

    Returns
    -------
    numpy.ndarray
        int32, shape (num_nodes,).

    Raises
    ------
    InputError
        When it is no partition: naming the node that is in no block, or the tensor that runs to an earlier one; or a
        layer of a training graph is in two.

    Notes
    -----
    O(nodes + tensors + reads).
    """
    blocks = integers("block_of", block_of)
    try:
        instance.block_costs(blocks)
    except InputError:
        graph, last = instance.graph, instance.num_blocks - 1
        if blocks.size != graph.num_nodes:
            raise
        wrong = np.flatnonzero((blocks < 0) | (blocks > last))
        if wrong.size:
            node = _called("node", wrong[0], graph.arrays.node_name)
            raise InputError(f"{node} is in stage {blocks[wrong[0]]}, but stages are 0 to {last}") from None
        told = _backwards(graph, blocks) or _kept_from(instance, blocks)
        if not told:
            raise
        raise InputError(told) from None
    partition = blocks.astype(np.int32)
    _check_layers(instance.graph, partition)
    return partition


def _check_layers(graph: Graph, blocks: NDArray[np.int32]) -> None:
    """Refuse to part a layer's forward and backward: costs of a training graph are of partitions that do not."""
    kernel = graph.arrays.kernel
    if graph.arrays.is_backward is None or kernel is None or not cuts_kernels(graph, blocks):
        return
    order = np.argsort(kernel, kind="stable")
    is_parted = (kernel[order][1:] == kernel[order][:-1]) & (kernel[order][1:] >= 0)
    is_parted &= blocks[order][1:] != blocks[order][:-1]
    place = int(np.flatnonzero(is_parted)[0])
    first, second = order[place : place + 2]
    names = " and ".join(_called("node", node, graph.arrays.node_name) for node in (first, second))
    stages = f"stages {blocks[first]} and {blocks[second]}"
    raise InputError(f"{names} are in {stages}, but a layer's forward and backward are in one stage")


def _kept_from(instance: Instance, blocks: NDArray[np.int64]) -> str:
    """Say which node is in a stage that may not hold it, or in another than a node with which it must be."""
    names, allowed = instance.graph.arrays.node_name, instance.core.allowed
    if allowed is not None:
        wrong = np.flatnonzero(~allowed[np.arange(blocks.size), blocks])
        if wrong.size:
            node = _called("node", wrong[0], names)
            return (
                f"{node} is in stage {blocks[wrong[0]]}, but a constraint or the kind of its device keeps it from there"
            )
    for group in instance.resolved.together:
        first, other = group[0], next((node for node in group if blocks[node] != blocks[group[0]]), None)
        if other is not None:
            both = f"{_called('node', first, names)} and {_called('node', other, names)}"
            return f"{both} are in stages {blocks[first]} and {blocks[other]}, but must be together"
    return ""


def _backwards(graph: Graph, blocks: NDArray[np.int64]) -> str:
    """Say where stages wait for each other, or that they only have the wrong numbers; nothing when neither is so."""
    arrays = graph.arrays
    tensors = np.repeat(np.arange(graph.num_tensors), np.diff(arrays.consumer_offsets))
    is_made = arrays.producer[tensors] >= 0
    tensors, readers = tensors[is_made], blocks[arrays.consumers[is_made]]
    producers = blocks[arrays.producer[tensors]]
    if not (readers < producers).any():
        return ""
    cycle = _cycle(producers, readers)
    # The first step back, on the cycle if there is one.
    steps = [(producer, reader) for producer, reader in itertools.pairwise(cycle) if reader < producer]
    is_back = (producers == steps[0][0]) & (readers == steps[0][1]) if steps else readers < producers
    read = int(np.flatnonzero(is_back)[0])
    tensor = _called("tensor", tensors[read], arrays.tensor_name)
    back = f"{tensor} runs from stage {producers[read]} back to stage {readers[read]}"
    if not cycle:
        return f"{back}; there is no cycle, but stages are numbered in the order in which data flows"
    stages = [f"stage {stage}" for stage in cycle]
    if len(stages) > _MAX_STAGES_TOLD:
        stages[_MAX_STAGES_TOLD - 1 : -1] = [f"{len(stages) - _MAX_STAGES_TOLD} more"]
    return f"cycle: {' -> '.join(stages)}, where {back}"


def _cycle(producers: NDArray[np.int64], readers: NDArray[np.int64]) -> list[int]:
    """Find stages that wait for each other, from the least and back to it; none when there are none."""
    producers_of: dict[int, list[int]] = {}
    for producer, reader in np.unique(np.stack([producers, readers])[:, producers != readers], axis=1).T.tolist():
        producers_of.setdefault(reader, []).append(producer)
    try:
        graphlib.TopologicalSorter(producers_of).prepare()
    except graphlib.CycleError as error:
        *stages, _ = error.args[1]
        first = stages.index(min(stages))
        return [*stages[first:], *stages[: first + 1]]
    return []


def _called(kind: str, index: int | np.integer, names: object) -> str:
    name = names[index] if isinstance(names, tuple) else ""
    return f"{kind} {index} ({name!r:.80})" if name else f"{kind} {index}"
