"""The data that all MIP models of one instance share: prices of stages, reads, bytes, and windows of nodes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import cached_property
from typing import final

import numpy as np
from numpy.typing import NDArray

from slicegraph.bounds.model import Domains, Integers
from slicegraph.bounds.prices import PARTS, Prices, Share, joined
from slicegraph.cost import Instance

Flags = NDArray[np.bool_]
_LARGEST = 2**62
"""More than any sum of costs, in parts of a tick."""


@final
class Formulation:
    """The data that all MIP models of one instance share.

    Attributes
    ----------
    kinds
        The prices of a stage of each kind.
    kind_of
        The kind of each stage.
    edges, reads
        The producer-consumer pairs; and the consumer-tensor pairs of tensors that can cost something.
    outputs
        The model outputs that are paid.
    held, state, live
        Bytes per node: of parameters and state, of state alone, and of live tensors while it runs.
    shared, readers
        Bytes per shared parameter, and the pairs of a node and a shared parameter that it reads.
    leader
        Per node, the first of the nodes that must be in one stage with it. None: no nodes must be together.
    """

    def __init__(self, instance: Instance) -> None:
        arrays, core, self.instance = instance.graph.arrays, instance.core, instance
        num_nodes, self.num_nodes = instance.graph.num_nodes, instance.graph.num_nodes
        self.num_blocks, self.kind_of = instance.num_blocks, np.array(core.kind_of)
        rows = [core.row(kind) for kind in range(core.num_kinds)]
        self.is_plain = core.is_plain
        # A kind that has room for everything never streams.
        memories = [row.memory if row.params.any() or row.stored.any() else None for row in rows]
        if len(rows) == 1:
            memories = [instance.memory]
        self.kinds = [Prices.of(row, memory) for row, memory in zip(rows, memories, strict=True)]
        self.producer = arrays.producer
        tensor = np.repeat(np.arange(len(arrays.size)), np.diff(arrays.consumer_offsets))
        consumer = arrays.consumers
        moves = np.any([kind.transfer > 0 for kind in self.kinds], axis=0)
        made = self.producer[tensor] >= 0
        pairs = np.unique(np.stack([self.producer[tensor[made]], consumer[made]], axis=1), axis=0)
        self.edges: Integers = pairs.astype(np.int64)
        is_read = moves[tensor] & (made | instance.boundary_io)
        self.reads: Integers = np.stack([tensor[is_read], consumer[is_read]], axis=1).astype(np.int64)
        outputs = np.zeros(0, np.int64)
        if instance.boundary_io and arrays.is_output is not None:
            outputs = np.flatnonzero(arrays.is_output & (self.producer >= 0) & moves)
        self.outputs: Integers = outputs
        self.held: Integers = np.zeros(num_nodes, np.int64) if arrays.param_bytes is None else arrays.param_bytes
        self.state: Integers = np.zeros(num_nodes, np.int64)
        self.live, self.shared, self.readers = self.state, np.zeros(0, np.int64), np.zeros((0, 2), np.int64)
        self.leader: Integers | None = None
        self._allowed: Flags | None = None
        if not self.is_plain:
            self._take_more()

    def _take_more(self) -> None:
        """Add shared parameters and sets of nodes that must be together, if the instance has them."""
        core = self.instance.core
        arrays = core.arrays
        self.state, self.live, self.shared = (
            array.astype(np.int64) for array in (arrays.state_bytes, arrays.live_bytes, arrays.param_size)
        )
        self.held = arrays.param_bytes.astype(np.int64) + self.state
        param = np.repeat(np.arange(len(self.shared)), np.diff(arrays.param_offsets))
        self.readers = np.unique(np.stack([param, arrays.param_readers], axis=1), axis=0)
        if core.together:
            self.leader = _leaders(self.num_nodes, core.together)
        self._allowed = self._of_leaders(core.allowed)

    def _of_leaders(self, allowed: Flags | None) -> Flags | None:
        """Give the stages that may hold each node; nodes that must be together have the intersection of theirs."""
        if allowed is None or self.leader is None:
            return allowed
        of_all = np.ones_like(allowed)
        np.logical_and.at(of_all, self.leader, allowed)
        together: Flags = of_all[self.leader]
        return together

    @cached_property
    def step(self) -> int:
        """The greatest common divisor of all terms of costs, at least 1: every cost is a multiple of it."""
        parts = []
        for kind in self.kinds:
            parts += [kind.work, kind.transfer]
            if kind.memory is not None:
                parts += [kind.params, kind.stored, np.array([kind.memory])]
        return max(1, int(np.gcd.reduce(np.concatenate(parts))))

    @cached_property
    def multipliers(self) -> Integers:
        """The multiplier of each stage, if stages are unlike, in units of ``2**-20``."""
        of_kinds = self.instance.core.multipliers
        return np.array([of_kinds[kind] for kind in self.kind_of.tolist()], np.int64)

    def prices(self, first: int, last: int) -> Prices:
        """Give the prices of the stages ``first`` to ``last - 1`` together."""
        kinds = np.unique(self.kind_of[first:last]).tolist()
        if len(kinds) == 1:
            only: Prices = self.kinds[kinds[0]].times(last - first)
            return only
        return joined([self._share(kind, first, last) for kind in kinds])

    def _share(self, kind: int, first: int, last: int) -> Share:
        stages = first + np.flatnonzero(self.kind_of[first:last] == kind)
        can_hold: Flags = np.ones(self.num_nodes, np.bool_)
        if self._allowed is not None:
            can_hold = np.logical_or.reduce(self._allowed[:, stages], axis=1)
        return Share(
            prices=self.kinds[kind],
            multiplier=int(self.multipliers[stages[0]]),
            count=len(stages),
            can_hold=can_hold,
        )

    @cached_property
    def _all(self) -> Prices:
        """The prices of all stages together."""
        return self.prices(0, self.num_blocks)

    @property
    def work(self) -> Integers:
        """The weights of nodes: their work in ticks, or if stages are unlike, its price for all stages together."""
        return self._all.work // self._all.parts

    @property
    def is_uniform(self) -> bool:
        """Whether all stages are of one kind."""
        return bool((self.kind_of == self.kind_of[0]).all())

    def demand(self, stage: int) -> tuple[Integers, int]:
        """Give the weights of nodes, and the least weight of the fullest stage.

        The fullest stage is one that has at least its share, by the multipliers, of the weight of all nodes.
        """
        if self.is_uniform:
            return self._all.work, -(-self.total // self.num_blocks)
        total, of_stage, of_all = int(self._all.work.sum()), int(self.multipliers[stage]), int(self.multipliers.sum())
        return self._all.work, -(-of_stage * total // of_all)

    @property
    def parts(self) -> int:
        """The unit of node weights: so many parts are a tick."""
        return self._all.parts

    def stages(self, threshold: int | None) -> Flags | None:
        """Give the stages that can hold each node when no block costs over ``threshold``, shape (nodes, stages).

        None: no node is restricted.
        """
        if self.is_plain or (len(self.kinds) == 1 and self._allowed is None):
            return None
        if not threshold:
            return self._allowed
        of_kinds = np.stack([self._fits(kind, threshold) for kind in self.kinds], axis=1)
        alone: Flags | None = self._of_leaders(of_kinds[:, self.kind_of])
        return alone if self._allowed is None or alone is None else alone & self._allowed

    def _fits(self, kind: Prices, threshold: int) -> Flags:
        """Whether each node by itself costs no more than the threshold on a kind."""
        stored, size = np.zeros(self.num_nodes, np.int64), self.held + self.live
        np.add.at(stored, self.readers[:, 1], kind.stored[self.readers[:, 0]])
        np.add.at(size, self.readers[:, 1], self.shared[self.readers[:, 0]])
        over = 0 if kind.memory is None else np.maximum(0, kind.params + stored - kind.memory)
        fits: Flags = kind.work + over <= threshold
        if kind.limit is not None:
            fits &= size <= kind.limit
        if kind.state_limit is not None:
            fits &= self.state <= kind.state_limit
        return fits

    @cached_property
    def _cones(self) -> dict[str, tuple[Integers, Integers]]:
        weights = {"work": self._all.work}
        if self._all.memory is not None:
            weights["held"] = self._all.work + self._all.params
        if any(kind.limit for kind in self.kinds):
            weights["bytes"] = self.held
        return {name: self.instance.core.cone_sums(weight) for name, weight in weights.items()}

    def _rooms(self, threshold: int) -> dict[str, list[int]]:
        """Give the capacity of each stage for each sum over cones, when no block costs over ``threshold``."""
        kinds = [self.kinds[kind] for kind in self.kind_of.tolist()]
        multipliers = [1] * self.num_blocks if self.is_uniform else self.multipliers.tolist()
        return {
            "work": [multiplier * threshold for multiplier in multipliers],
            "held": [m * (threshold + (kind.memory or 0)) for m, kind in zip(multipliers, kinds, strict=True)],
            "bytes": [_LARGEST if kind.limit is None else kind.limit for kind in kinds],
        }

    def _blocks_of_cones(self, threshold: int) -> tuple[Integers, Integers]:
        """Give the first and the last block that leave enough capacity for each node's ancestors and descendants."""
        first, last = np.ones(self.num_nodes, np.int64), np.full(self.num_nodes, self.num_blocks)
        for name, (ancestors, descendants) in self._cones.items():
            rooms = self._rooms(threshold)[name]
            parts = 1 if self.is_uniform or name == "bytes" else PARTS
            before, after = (
                np.array([min(room // parts, _LARGEST) for room in itertools.accumulate(each)], np.int64)
                for each in (rooms, reversed(rooms))
            )
            first = np.maximum(first, np.searchsorted(before, ancestors) + 1)
            last = np.minimum(last, self.num_blocks - np.searchsorted(after, descendants))
        return first, last

    def windows(self, threshold: int | None, domains: Domains | None = None) -> tuple[Integers, Integers]:
        """Give the first and the last block, from 1, in which each node can be when no block costs over ``threshold``.

        With ``domains``, the blocks that these allow only. If there is none, the first is after the last.
        """
        first, last = np.ones(self.num_nodes, np.int64), np.full(self.num_nodes, self.num_blocks)
        if threshold:
            first, last = self._blocks_of_cones(threshold)
        if domains is not None:
            first, last = np.maximum(first, domains.earliest), np.minimum(last, domains.latest)
        if self.leader is not None:
            earliest, latest = first.copy(), last.copy()
            np.maximum.at(earliest, self.leader, first)
            np.minimum.at(latest, self.leader, last)
            first, last = earliest[self.leader], latest[self.leader]
        stages = self.stages(threshold)
        if stages is None:
            return first, last
        block = np.arange(1, self.num_blocks + 1)
        is_open = stages & (block >= first[:, None]) & (block <= last[:, None])
        some = is_open.any(axis=1)
        first = np.where(some, is_open.argmax(axis=1) + 1, self.num_blocks + 1)
        last = np.where(some, self.num_blocks - is_open[:, ::-1].argmax(axis=1), 0)
        return first, last

    @cached_property
    def total(self) -> int:
        """The weight of all nodes."""
        return int(self.work.sum())

    @cached_property
    def ceiling(self) -> int:
        """An upper bound on the cost of a block within the limits: all nodes, with every tensor moved twice."""
        if self.is_plain:
            return self.total + self._all.all_params
        return max(int(kind.work.sum() + 2 * kind.transfer.sum()) + kind.all_params for kind in self.kinds)

    def room_of_weights(self, stage: int) -> tuple[int, int]:
        """Give the capacity of a stage in the core's node weights per tick of its cost, rounded up; and the unit."""
        if len(self.kinds) == 1:
            return 1, 1
        return -(-int(self.multipliers[stage]) // PARTS), PARTS

    def room(self, threshold: int) -> int:
        """Give the capacity of all stages in weights when none costs over ``threshold``."""
        return sum(room * threshold // parts for room, parts in map(self.room_of_weights, range(self.num_blocks)))


def _leaders(num_nodes: int, together: Sequence[Sequence[int]]) -> Integers:
    """Give per node the first of those that must be in one stage with it, over all sets that share nodes."""
    leader = list(range(num_nodes))

    def find(node: int) -> int:
        while leader[node] != node:
            leader[node] = node = leader[leader[node]]
        return node

    for nodes in together:
        for node in nodes[1:]:
            one, other = sorted((find(nodes[0]), find(node)))
            leader[other] = one
    return np.array([find(node) for node in range(num_nodes)], np.int64)
