"""The problem in ticks: costs of blocks, and the combinatorial bound.

All in Python's integers, from the definitions; no code is shared with the solver.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from slicegraph.certificate import codec
from slicegraph.certificate.costs import CAPACITY, Costs, Held
from slicegraph.certificate.structure import PlacedError, expect


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A graph on the devices of a pipeline, all costs in ticks.

    Attributes
    ----------
    devices
        The figures that are set, of each kind of device.
    kind_of
        The kind of each stage; empty when there is one kind.
    order
        ``"given"`` or ``"any"``.
    boundary_io, num_blocks
        Whether model inputs and outputs are paid, and the number of blocks.
    tick
        Seconds of one tick.
    kinds
        The costs on each kind of device.
    multipliers
        A weight for each kind, see `combinatorial`.
    allowed
        Per node, the stages that may hold it, as bits; None: every stage may hold every node.
    together
        Groups of nodes that are in one block.
    adjacent
        Whether every block with a node between a tensor's producer and its last reader pays for it, too, when it comes
        and when it goes. Never with ``boundary_io``.
    param_bytes, state_bytes, live_bytes
        Per node. A limit that has room for all is none, and parameters that all fit the memory take no ticks: they
        never stream in.
    param_size, param_readers
        Per parameter that several nodes read: bytes, which a block with a reader holds once, and its readers, sorted.
    columns
        Which of the graph's columns of memory are given.
    producer, consumers, is_output
        Per tensor; the producer of a model input is -1, consumers are sorted.
    """

    devices: Sequence[Mapping[str, Any]]
    kind_of: Sequence[int]
    order: str
    boundary_io: bool
    num_blocks: int
    tick: float
    kinds: list[Costs]
    multipliers: Sequence[int]
    allowed: list[int] | None
    together: Sequence[Sequence[int]]
    adjacent: bool
    param_bytes: list[int]
    state_bytes: list[int]
    live_bytes: list[int]
    param_size: list[int]
    param_readers: list[list[int]]
    columns: frozenset[str]
    producer: list[int]
    consumers: list[list[int]]
    is_output: list[bool]

    def on(self, stage: int) -> Costs:
        """Give the costs on a stage's device."""
        return self.kinds[self.kind(stage)]

    @property
    def only(self) -> Costs:
        """The costs on devices that are all of one kind."""
        return self.kinds[0]

    def kind(self, stage: int) -> int:
        """Give the kind of a stage's device."""
        return self.kind_of[stage] if self.kind_of else 0

    @cached_property
    def stages_of_kinds(self) -> list[int]:
        """The stages of each kind, as bits."""
        return stage_bits(self.kind_of, len(self.kinds), self.num_blocks)

    @cached_property
    def kinds_of_nodes(self) -> list[list[int]]:
        """The kinds of the stages that may hold each node."""
        every = list(range(len(self.kinds)))
        if self.allowed is None:
            return [every] * self.num_nodes
        return [[kind for kind in every if self.stages_of_kinds[kind] & may] for may in self.allowed]

    def arranged(self, kind_of: Sequence[int]) -> Problem:
        """Give the problem in a given order of its devices, of one in any order; a device that can run a node may."""
        stages = stage_bits(kind_of, len(self.kinds), self.num_blocks)
        allowed = None
        if self.allowed is not None:
            allowed = [sum(stages[kind] for kind in kinds) for kinds in self.kinds_of_nodes]
        return dataclasses.replace(self, kind_of=kind_of, order="given", allowed=allowed)

    def without_spare_blocks(self) -> Problem:
        """Give the problem with no more blocks than nodes, where stages are alike: a partition has no more in use."""
        if len(self.kinds) > 1 or self.allowed is not None:
            return self
        return dataclasses.replace(self, num_blocks=min(self.num_blocks, self.num_nodes))

    @property
    def num_nodes(self) -> int:
        """Nodes."""
        return len(self.param_bytes)

    @property
    def size(self) -> int:
        """Nodes, tensors and reads, for each kind of device."""
        return (self.num_nodes + len(self.producer) + sum(map(len, self.consumers))) * len(self.kinds)

    @cached_property
    def reads_of_params(self) -> list[list[int]]:
        """Per node, the parameters of several nodes that it reads."""
        reads: list[list[int]] = [[] for _ in self.param_bytes]
        for param, readers in enumerate(self.param_readers):
            for node in readers:
                reads[node].append(param)
        return reads

    @property
    def is_plain(self) -> bool:
        """Whether one kind of device that pays sums, and parameters of single nodes, say it all."""
        has_room = all(
            costs.memory_limit is None and not any(costs.params) and not any(costs.stored) for costs in self.kinds
        )
        is_bound = self.allowed is not None or bool(self.together) or self.adjacent
        is_bound = is_bound or (bool(self.columns) and not has_room)
        return len(self.kinds) == 1 and not self.kinds[0].is_overlap and not is_bound

    def seconds(self, ticks: int) -> float:
        """Give the seconds of a lower bound; infinite from 2^52 ticks on, which no block within the limits costs."""
        return math.inf if ticks >= CAPACITY else ticks * self.tick

    def digest(self) -> str:
        """Give what tells this problem from all others."""
        names = ("boundary_io", "num_blocks", "tick", "param_bytes", "producer", "consumers", "is_output")
        facts = {name: getattr(self, name) for name in names}
        if self.is_plain:
            costs = self.kinds[0].facts()
            for name in ("stored", "state_limit", "is_overlap"):
                del costs[name]
            return codec.digest({"format": "slicegraph-instance-1", "device": self.devices[0], **facts, **costs})
        stored = {name: getattr(self, name) for name in ("state_bytes", "live_bytes", "param_size")}
        stages = range(self.num_blocks)
        restricted = [] if self.allowed is None else [(node, may) for node, may in enumerate(self.allowed)]
        return codec.digest(
            {
                "format": "slicegraph-instance-2",
                "devices": self.devices,
                "kind_of": self.kind_of or [0] * self.num_blocks,
                "order": self.order,
                "rows": [costs.facts() for costs in self.kinds],
                "stages": [
                    [node, [stage for stage in stages if may >> stage & 1]]
                    for node, may in restricted
                    if may != (1 << self.num_blocks) - 1
                ],
                "together": self.together,
                **{name: column if name in self.columns else None for name, column in stored.items()},
                "param_readers": self.param_readers,
                **({"adjacent": True} if self.adjacent else {}),
                **facts,
            }
        )

    def is_paid_outside(self, tensor: int) -> bool:
        """Whether a tensor crosses the model's border and that costs: an input that is read, or an output."""
        is_crossing = self.is_output[tensor] if self.producer[tensor] >= 0 else bool(self.consumers[tensor])
        return self.boundary_io and is_crossing

    def combinatorial(self) -> int:
        """Give the most expensive node or the mean block, whichever costs more; no partition has a lower bottleneck.

        What blocks pay is weighed by the multipliers of their kinds: each node pays at least its least weighed work on
        a kind that may hold it. A node costs what it costs on the kind that suits it best. 2^52, more than any block
        costs, when a node is above the limits of all, or all are above those of all blocks together.
        """
        counts = [self.kind_of.count(kind) if self.kind_of else self.num_blocks for kind in range(len(self.kinds))]
        total = sum(self.param_bytes) + sum(self.state_bytes)
        total += sum(size for size, readers in zip(self.param_size, self.param_readers, strict=True) if readers)
        limits = [math.inf if costs.memory_limit is None else costs.memory_limit for costs in self.kinds]
        if total > sum(count * limit for count, limit in zip(counts, limits, strict=True)):
            return CAPACITY
        return max(self._mean(counts), *self._alone())

    def _mean(self, counts: Sequence[int]) -> int:
        """Give the mean block, weighed: what it runs and moves across the border, or also holds beyond its memory."""
        weights, kinds_of = self.multipliers, self.kinds_of_nodes
        rooms = [weight * count for weight, count in zip(weights, counts, strict=True)]
        resident = sum(room * _ample(costs.memory) for room, costs in zip(rooms, self.kinds, strict=True))
        loads = [
            [weight * (work + output) for work, output in zip(costs.work, self._moved(costs), strict=True)]
            for weight, costs in zip(weights, self.kinds, strict=True)
        ]
        loads_and_params = [
            [load + weight * params for load, params in zip(row, costs.params, strict=True)]
            for weight, row, costs in zip(weights, loads, self.kinds, strict=True)
        ]
        time, streamed = _sum_of_least(loads, kinds_of), _sum_of_least(loads_and_params, kinds_of)
        for tensor, producer in enumerate(self.producer if self.boundary_io else ()):
            if producer < 0 and self.is_paid_outside(tensor):
                least = min(
                    0 if costs.is_overlap else weight * costs.transfer[tensor]
                    for weight, costs in zip(weights, self.kinds, strict=True)
                )
                time, streamed = time + least, streamed + least
        for param, readers in enumerate(self.param_readers):
            if readers:
                streamed += min(weight * costs.stored[param] for weight, costs in zip(weights, self.kinds, strict=True))
        return ceil_div(max(time, streamed - resident), sum(rooms))

    def _alone(self) -> list[int]:
        """Give what a block costs at least that holds each node."""
        border = self._border_of_nodes()
        least = []
        for node, kinds in enumerate(self.kinds_of_nodes):
            found = [CAPACITY]
            for kind in kinds:
                costs = self.kinds[kind]
                io = sum(costs.transfer[tensor] for tensor in border[node]) if border[node] else 0
                if costs.is_free:
                    found.append(costs.busy(costs.work[node], io, 0))
                    continue
                held = self.held([node], kind)
                if not costs.excess(held.peak, held.state):
                    found.append(costs.busy(costs.work[node], io, costs.overflow(held.params)))
            least.append(min(found))
        return least

    def _border_of_nodes(self) -> list[list[int]]:
        """Give the tensors of each node that cross the model's border and cost."""
        border: list[list[int]] = [[] for _ in range(self.num_nodes)]
        if self.boundary_io:
            for tensor in filter(self.is_paid_outside, range(len(self.producer))):
                for node in {self.producer[tensor], *self.consumers[tensor]} - {-1}:
                    border[node].append(tensor)
        return border

    def _moved(self, costs: Costs) -> list[int]:
        """Give what nodes add on a kind to what a block runs: model outputs, where a block pays the sum."""
        return [0] * self.num_nodes if costs.is_overlap else self.outputs(costs)

    def outputs(self, costs: Costs) -> list[int]:
        """Give the ticks of the model outputs of each node that are paid, on a kind of device."""
        outputs = [0] * self.num_nodes
        for tensor, producer in enumerate(self.producer if self.boundary_io else ()):
            if producer >= 0 and self.is_paid_outside(tensor):
                outputs[producer] += costs.transfer[tensor]
        return outputs

    def held(self, nodes: Sequence[int], kind: int) -> Held:
        """Give what a block with some nodes holds on a kind of device."""
        held, costs = Held(), self.kinds[kind]
        for node in nodes:
            held.params += costs.params[node]
            held.size += self.param_bytes[node] + self.state_bytes[node]
            held.state += self.state_bytes[node]
            held.live = max(held.live, self.live_bytes[node])
        for param in {param for node in nodes for param in self.reads_of_params[node]}:
            held.params += costs.stored[param]
            held.size += self.param_size[param]
        return held

    def block_costs(self, block_of: Sequence[int]) -> list[dict[str, int]]:
        """Give what each block of a partition pays, up to the last with a node.

        Raises
        ------
        PlacedError
            When a tensor runs to an earlier block, a block holds more than a limit, or a node is where it may not be.
        """
        num_blocks = max(block_of, default=0) + 1
        nodes_of: list[list[int]] = [[] for _ in range(num_blocks)]
        for node, block in enumerate(block_of):
            nodes_of[block].append(node)
        self._check_constraints(block_of)
        io_in, io_out = [0] * num_blocks, [0] * num_blocks
        for tensor, (producer, consumers) in enumerate(zip(self.producer, self.consumers, strict=True)):
            readers = {block_of[node] for node in consumers}
            is_exported = self.is_paid_outside(tensor)
            if producer >= 0:
                home = block_of[producer]
                if readers and min(readers) < home:
                    raise PlacedError(f"tensor {tensor} runs to an earlier block")
                readers.discard(home)
                if readers or is_exported:
                    io_out[home] += self.on(home).transfer[tensor]
            elif not self.boundary_io:
                continue
            if self.adjacent and readers:
                passing = [block for block in range(home + 1, max(readers)) if nodes_of[block]]
                for block in passing:
                    io_out[block] += self.on(block).transfer[tensor]
                readers.update(passing)
            for block in readers:
                io_in[block] += self.on(block).transfer[tensor]
        return [self._block_cost(block, nodes, io_in[block], io_out[block]) for block, nodes in enumerate(nodes_of)]

    def _block_cost(self, block: int, nodes: Sequence[int], io_in: int, io_out: int) -> dict[str, int]:
        costs = self.on(block)
        held = self.held(nodes, self.kind(block))
        excess = costs.excess(held.peak, held.state)
        expect(not excess, f"block {block} {excess}")
        work, overflow = sum(costs.work[node] for node in nodes), costs.overflow(held.params)
        cost = costs.busy(work, io_in + io_out, overflow)
        return {"work": work, "io_in": io_in, "io_out": io_out, "overflow": overflow, "cost": cost}

    def _check_constraints(self, block_of: Sequence[int]) -> None:
        for node, may in enumerate(self.allowed or ()):
            expect(bool(may >> block_of[node] & 1), f"node {node} is in block {block_of[node]}, which may not hold it")
        for group in self.together:
            blocks = {block_of[node] for node in group}
            expect(len(blocks) == 1, f"nodes {group[0]} and others that are in one block are in {len(blocks)}")


def stage_bits(kind_of: Sequence[int], num_kinds: int, num_blocks: int) -> list[int]:
    """Give the stages of each kind as bits; no list of kinds: all are of one."""
    if not kind_of:
        return [(1 << num_blocks) - 1]
    return [int("".join("01"[each == kind] for each in reversed(kind_of)), 2) for kind in range(num_kinds)]


def _sum_of_least(rows: Sequence[Sequence[int]], kinds_of: Sequence[Sequence[int]]) -> int:
    """Add up the least of each node, over the kinds that may hold it; nothing where none may."""
    if len(rows) == 1 and all(kinds_of):
        return sum(rows[0])
    return sum(min((rows[kind][node] for kind in kinds), default=0) for node, kinds in enumerate(kinds_of))


def ceil_div(ticks: int, parts: int) -> int:
    """Give a quotient rounded up."""
    return -(-ticks // parts)


def _ample(memory: int | None) -> int:
    return CAPACITY if memory is None else memory
