"""What all models of one instance share: its costs as arrays, and the windows that a threshold gives each node."""

from __future__ import annotations

from functools import cached_property
from typing import final

import numpy as np

from slicegraph.bounds.model import Integers
from slicegraph.cost import Instance


@final
class Formulation:
    """What all models of one instance share."""

    def __init__(self, instance: Instance) -> None:
        arrays, self.instance = instance.graph.arrays, instance
        self.num_blocks = instance.num_blocks
        self.work, self.transfer, self.params = instance.work, instance.transfer, instance.params
        self.memory = instance.memory
        self.limit = instance.memory_limit
        num_nodes = instance.graph.num_nodes
        self.param_bytes = np.zeros(num_nodes, np.int64) if arrays.param_bytes is None else arrays.param_bytes
        self.producer = arrays.producer
        tensor = np.repeat(np.arange(len(arrays.size)), np.diff(arrays.consumer_offsets))
        consumer = arrays.consumers
        paid = self.transfer[tensor] > 0
        made = self.producer[tensor] >= 0
        pairs = np.unique(np.stack([self.producer[tensor[made]], consumer[made]], axis=1), axis=0)
        self.edges: Integers = pairs.astype(np.int64)
        is_read = paid & (made | instance.boundary_io)
        self.reads: Integers = np.stack([tensor[is_read], consumer[is_read]], axis=1).astype(np.int64)
        outputs = np.zeros(0, np.int64)
        if instance.boundary_io and arrays.is_output is not None:
            outputs = np.flatnonzero(arrays.is_output & (self.producer >= 0) & (self.transfer > 0))
        self.outputs: Integers = outputs

    @cached_property
    def step(self) -> int:
        """Every cost is a multiple of it: the greatest common divisor of all that costs are sums of, at least 1."""
        parts = [self.work, self.transfer]
        if self.memory is not None:
            parts += [self.params, np.array([self.memory])]
        return max(1, int(np.gcd.reduce(np.concatenate(parts))))

    @cached_property
    def _cones(self) -> dict[str, tuple[Integers, Integers]]:
        weights = {"work": self.work}
        if self.memory is not None:
            weights["held"] = self.work + self.params
        if self.limit:
            weights["bytes"] = self.param_bytes
        return {name: self.instance.core.cone_sums(weight) for name, weight in weights.items()}

    def windows(self, threshold: int) -> tuple[Integers, Integers]:
        """Give the first and last block, from 1, in which each node can be when no block costs over ``threshold``."""
        room = {"work": threshold, "held": threshold + (self.memory or 0), "bytes": self.limit or 0}
        needs = [
            [-(-cone // room[name]) for cone in cones]  # rounded up
            for name, cones in self._cones.items()
        ]
        before, after = (np.maximum.reduce([np.maximum(need[side], 1) for need in needs]) for side in (0, 1))
        return before, self.num_blocks + 1 - after

    @cached_property
    def total(self) -> int:
        """Work of all nodes."""
        return int(self.work.sum())
