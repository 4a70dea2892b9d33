"""Training graphs: a layer's forward and backward are in one stage, and gradients run against the order of stages.

**The question.** Each stage runs the forward of its layers, and later their backward.  Only what the forward pass makes
for the forward pass has to run to the same or a later stage.  A tensor that a backward node makes or reads may cross
stages in either direction (a *loose* tensor), and is paid as every tensor is: once by the stage that makes it if it
leaves it, and once by each other stage that reads it.  The bottleneck is then the time that a microbatch takes, forward
and backward, in the slowest stage of a pipeline that is full, as of the schedule 1F1B.

**As a graph whose tensors all have an order.** A tensor that is paid is paid once by each stage that has one of its
ends, its producer or a reader: which of these is the producer changes no cost.  So

1. a loose tensor of which one end's layer is before those of all others in the order of the forward pass is written as
   if a forward node of that layer produced it, which orders nothing anew;
2. any other is written as if a node without work produced it, which reads nothing and which every end then reads.  At
   the first stage that has one of the ends this node costs nothing, and earlier it makes that stage pay, too.  So for
   each partition of the question there is one of the graph that costs the same in every stage, and no partition of the
   graph costs less in any stage than the one it stands for: optima and lower bounds are the same.

Where another node than a forward one that makes it stands as the producer, a tensor of 0 bytes keeps the forward order.

`Graph`'s ``kernel`` has the layers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from slicegraph.formats.arrays import GraphArrays

LOOSE: Final = "loose"
"""The operator of the nodes that are added for tensors in no order."""

_CHUNK: Final = 4096
"""Layers whose successors are found at once: 512 bytes for each node; not measured."""


_PER_NODE: Final = (
    "work",
    "flops",
    "read_bytes",
    "write_bytes",
    "param_bytes",
    "is_guess",
    "state_bytes",
    "live_bytes",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Tensor:
    """A tensor as it is written: who produces it, who reads it, and which tensor's name and size it has."""

    producer: int
    readers: Sequence[int]
    of: int
    is_empty: bool = False


def with_loose_tensors(arrays: GraphArrays, is_backward: Sequence[bool], layer_of: Sequence[int]) -> GraphArrays:
    """Give a training graph as one whose tensors all have an order; see above.

    Parameters
    ----------
    arrays
        The graph as it runs once, forward and backward.
    is_backward
        Of each node.
    layer_of
        A number for each node, from 0 on: nodes of one number are in one stage.  -1: by itself.

    Returns
    -------
        The same nodes, then those without work.  ``is_backward`` marks it as a training graph.  One with a cycle, which
        is none, as it is.

    Notes
    -----
    O(nodes + reads) for every 4,096 layers that may be first.
    """
    layers = _Layers(arrays, is_backward, layer_of)
    if not layers.is_acyclic:
        return arrays
    listed = layers.tensors()
    num_nodes = len(arrays.op)
    num_added = max([num_nodes, *(tensor.producer + 1 for tensor in listed)]) - num_nodes
    of = np.array([tensor.of for tensor in listed], dtype=np.int64)
    is_empty = np.array([tensor.is_empty for tensor in listed], dtype=np.bool_)
    names = arrays.tensor_name
    added: dict[str, Any] = {name: _longer(getattr(arrays, name), num_added, 0) for name in _PER_NODE}
    return replace(
        arrays,
        **added,
        op=[*arrays.op, *[LOOSE] * num_added],
        node_name=arrays.node_name and [*arrays.node_name, *(f"{LOOSE}_{index}" for index in range(num_added))],
        dtype=None if arrays.dtype is None else [*arrays.dtype, *[""] * num_added],
        is_view=_longer(arrays.is_view, num_added, 1),
        is_backward=_longer(np.array(is_backward, dtype=np.bool_), num_added, 0),
        kernel=_longer(np.array(layer_of, dtype=np.int64), num_added, -1),
        work_on=_rows(arrays.work_on, lambda row: np.append(row, np.zeros(num_added))),
        producer=np.array([tensor.producer for tensor in listed], dtype=np.int32),
        consumers=np.array([reader for tensor in listed for reader in tensor.readers], dtype=np.int32),
        consumer_offsets=np.cumsum([0, *(len(tensor.readers) for tensor in listed)], dtype=np.int64),
        size=np.where(is_empty, 0, arrays.size[of]),
        is_output=None if arrays.is_output is None else arrays.is_output[of] & ~is_empty,
        tensor_name=names and [names[index] for index in of],
        transfer_on=_rows(arrays.transfer_on, lambda row: np.where(is_empty, 0.0, row[of])),
    )


class _Layers:
    """What is in one stage, and what the forward pass orders."""

    def __init__(self, arrays: GraphArrays, is_backward: Sequence[bool], layer_of: Sequence[int]) -> None:
        # The last part is what comes after the last tensor: nothing.
        readers = np.split(arrays.consumers, arrays.consumer_offsets[1:])
        self._ends = list(zip(arrays.producer.tolist(), (nodes.tolist() for nodes in readers), strict=False))
        self._is_backward = is_backward
        self._num_nodes = len(arrays.op)
        # A node by itself is a layer of its own.
        self._layer_of = [-1 - node if layer < 0 else layer for node, layer in enumerate(layer_of)]
        self._order = self._topological()
        self._place = {node: place for place, node in enumerate(self._order)}
        # The first of each layer.
        self._forward_of: dict[int, int] = {}
        for node in self._order:
            if not is_backward[node]:
                self._forward_of.setdefault(self._layer_of[node], node)

    @property
    def is_acyclic(self) -> bool:
        """Whether the nodes have an order."""
        return len(self._order) == self._num_nodes

    def tensors(self) -> list[_Tensor]:
        """Give all tensors as they are written, in order."""
        firsts = {index: self._first(index) for index in range(len(self._ends)) if self._is_loose(index)}
        is_first = self._are_before(firsts)
        listed: list[_Tensor] = []
        num_added = 0
        for index, (producer, readers) in enumerate(self._ends):
            if index not in firsts:
                listed.append(_Tensor(producer=producer, readers=readers, of=index))
                continue
            first = firsts[index]
            if first is None or not is_first[index]:
                first = self._num_nodes + num_added
                num_added += 1
            ends = [node for node in (producer, *readers) if node != first]
            listed.append(_Tensor(producer=first, readers=ends, of=index))
            forward = [node for node in readers if not self._is_backward[node]]
            if forward and first != producer and not self._is_backward[producer]:
                listed.append(_Tensor(producer=producer, readers=forward, of=index, is_empty=True))
        return listed

    def _is_loose(self, index: int) -> bool:
        producer, readers = self._ends[index]
        return producer >= 0 and any(self._is_backward[node] for node in (producer, *readers))

    def _first(self, index: int) -> int | None:
        """Give a forward node whose layer has an end of a tensor and may be before the other ends; None: there is none.

        What produces is then always a forward node or one that is added, so that no cycle comes of it.
        """
        producer, readers = self._ends[index]
        found = [
            self._forward_of[layer]
            for node in (producer, *readers)
            if (layer := self._layer_of[node]) in self._forward_of
        ]
        first = min(found, key=self._place.__getitem__, default=None)
        is_own = first is not None and self._layer_of[first] == self._layer_of[producer]
        return producer if is_own and not self._is_backward[producer] else first

    def _are_before(self, firsts: Mapping[int, int | None]) -> dict[int, bool]:
        """Say of each loose tensor whether its first node's layer is, or is before, the layer of each of its ends."""
        layers = sorted({self._layer_of[node] for node in firsts.values() if node is not None})
        found: dict[int, bool] = {}
        for begin in range(0, len(layers), _CHUNK):
            bit_of = {layer: 1 << place for place, layer in enumerate(layers[begin : begin + _CHUNK])}
            before = self._before(bit_of)
            for index, first in firsts.items():
                bit = 0 if first is None else bit_of.get(self._layer_of[first], 0)
                if bit:
                    producer, readers = self._ends[index]
                    found[index] = all(before.get(self._layer_of[node], 0) & bit for node in (producer, *readers))
        return found

    def _before(self, bit_of: Mapping[int, int]) -> dict[int, int]:
        """Give, for each layer, the bits of the layers that are before it, or are it."""
        behind: dict[int, int] = {}
        of_layer = dict(bit_of)
        for node in self._order:
            if self._is_backward[node]:
                continue
            bits = bit_of.get(self._layer_of[node], 0)
            for maker in self._makers[node]:
                bits |= behind.get(maker, 0)
            behind[node] = bits
            of_layer[self._layer_of[node]] = of_layer.get(self._layer_of[node], 0) | bits
        return of_layer

    def _topological(self) -> list[int]:
        """Order the nodes as they run, by index where nothing else does; and list what each forward node reads."""
        self._makers: list[list[int]] = [[] for _ in range(self._num_nodes)]
        readers: list[list[int]] = [[] for _ in range(self._num_nodes)]
        waits = [0] * self._num_nodes
        for producer, nodes in self._ends:
            for node in nodes if producer >= 0 else ():
                self._makers[node].append(producer)
                readers[producer].append(node)
                waits[node] += 1
        ready = [node for node in reversed(range(self._num_nodes)) if not waits[node]]
        order: list[int] = []
        while ready:
            order.append(node := ready.pop())
            for reader in readers[node]:
                waits[reader] -= 1
                if not waits[reader]:
                    ready.append(reader)
        return order


def _longer(column: NDArray[Any] | None, num_added: int, value: int) -> NDArray[Any] | None:
    return None if column is None else np.append(column, np.full(num_added, value, column.dtype))


def _rows(
    rows: Mapping[str, NDArray[np.float64]] | None, change: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> dict[str, NDArray[np.float64]] | None:
    return None if rows is None else {kind: change(row) for kind, row in rows.items()}
