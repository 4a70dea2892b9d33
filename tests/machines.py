"""Small problems on unlike devices, with constraints and memory: costs by the definition, partitions by trying all."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

import slicegraph as sg
from slicegraph.certificate import question as asked
from slicegraph.certificate.problem import Problem
from slicegraph.certificate.structure import PlacedError
from slicegraph.certificate.ticks import snap
from strategies import shared, to_graph

BlockCost = Callable[[frozenset[int], int, frozenset[int]], dict[str, int] | None]
"""What a block pays, on a stage, after other nodes."""


@dataclass
class Unlike:
    """A graph on devices of several kinds.

    Attributes
    ----------
    data
        The graph's native file: with ``work_on``, ``state_bytes``, ``live_bytes`` and ``params`` where it has them.
    kinds
        Figures of each kind of device.
    kind_of
        The kind of each stage.
    stages
        Of a node, the only stages that a constraint leaves it.
    together
        Groups of nodes that are in one stage.
    adjacent
        Whether blocks between a tensor's producer and its last reader pay for it, too.
    """

    data: dict[str, Any]
    kinds: list[dict[str, Any]]
    kind_of: list[int]
    stages: dict[int, list[int]] = field(default_factory=dict)
    together: list[list[int]] = field(default_factory=list)
    boundary_io: bool = False
    adjacent: bool = False

    def __post_init__(self) -> None:
        nodes, tensors = self.data["nodes"], self.data["tensors"]
        self.num_nodes = len(nodes["op"])
        self.producer, self.consumers = tensors["producer"], tensors["consumers"]
        self.is_output = tensors.get("is_output") or [False] * len(self.producer)
        none = [0] * self.num_nodes
        self.param_bytes, self.state_bytes, self.live_bytes = (
            nodes.get(name) or none for name in ("param_bytes", "state_bytes", "live_bytes")
        )
        self.params = list(zip(*self.data.get("params", {"size": [], "readers": []}).values(), strict=True))
        seconds = [self._seconds(kind) for kind in self.kinds]
        most = [
            max((row[each] for row in seconds if not math.isnan(row[each])), default=0.0)
            for each in range(len(seconds[0]))
        ]
        size = len(self.producer)
        twice = [*most, *most[self.num_nodes : self.num_nodes + size]]
        exponent = -1022
        if any(twice):
            exponent = max(exponent, max(math.frexp(term)[1] for term in twice if term) - 60)
        while sum(round(term / 2.0**exponent) for term in twice) >= 2**52:
            exponent += 1
        self.tick = 2.0**exponent
        self.ticks = [[None if math.isnan(each) else round(each / self.tick) for each in row] for row in seconds]

    def _seconds(self, kind: dict[str, Any]) -> list[float]:
        """Nodes, tensors, parameters of nodes with their state, parameters of several nodes."""
        work = self.data["nodes"]["work"]
        if "work" in kind:
            work = [math.nan if each is None else each for each in self.data["nodes"]["work_on"][kind["work"]]]
        sizes = self.data["tensors"]["size"]
        moved = [size and size / kind["bandwidth"] + kind.get("latency", 0.0) for size in sizes]
        if "transfer" in kind:
            moved = self.data["tensors"]["transfer_on"][kind["transfer"]]
        held = [*map(sum, zip(self.param_bytes, self.state_bytes, strict=True)), *(size for size, _ in self.params)]
        rate = kind.get("overflow_bandwidth", kind["bandwidth"])
        return [*work, *moved, *(size / rate if "memory" in kind else 0.0 for size in held)]

    def may_be(self, node: int, stage: int) -> bool:
        """Whether a stage may hold a node."""
        return self.ticks[self.kind_of[stage]][node] is not None and stage in self.stages.get(node, [stage])

    def block_cost(
        self, nodes: set[int] | frozenset[int], stage: int, before: Collection[int] = frozenset()
    ) -> dict[str, int] | None:
        """What a block pays after some nodes, by the definition; None when it may not be."""
        kind, ticks = self.kinds[self.kind_of[stage]], self.ticks[self.kind_of[stage]]
        if not all(self.may_be(node, stage) for node in nodes):
            return None
        size, io_in, io_out = len(self.producer), 0, 0
        for tensor, (producer, readers) in enumerate(zip(self.producer, self.consumers, strict=True)):
            moved = ticks[self.num_nodes + tensor] or 0
            if nodes & set(readers) and producer not in nodes and (producer >= 0 or self.boundary_io):
                io_in += moved
            if producer in nodes and (set(readers) - nodes or (self.boundary_io and self.is_output[tensor])):
                io_out += moved
            if self.adjacent and nodes and producer in before and set(readers) - nodes - set(before):
                io_in, io_out = io_in + (0 if nodes & set(readers) else moved), io_out + moved
        read = [param for param, (_, readers) in enumerate(self.params) if nodes & set(readers)]
        state = sum(self.state_bytes[node] for node in nodes)
        held = sum(self.param_bytes[node] for node in nodes) + state + sum(self.params[param][0] for param in read)
        if held + max((self.live_bytes[node] for node in nodes), default=0) > kind.get("memory_limit", math.inf):
            return None
        overflow = 0
        if "memory" in kind:
            rate = kind.get("overflow_bandwidth", kind["bandwidth"])
            if state > kind["memory"]:
                return None
            streamed = sum(ticks[self.num_nodes + size + node] or 0 for node in nodes)
            streamed += sum(ticks[2 * self.num_nodes + size + param] or 0 for param in read)
            overflow = max(0, streamed - round(min(kind["memory"] / rate / self.tick, 2.0**52)))
        work = sum(ticks[node] or 0 for node in nodes)
        io = io_in + io_out
        cost = max(work + overflow, io) if kind.get("overlap") else work + io + overflow
        return {"work": work, "io_in": io_in, "io_out": io_out, "overflow": overflow, "cost": cost}

    def partitions(self) -> list[tuple[tuple[int, ...], float]]:
        """All assignments in the order of data flow, each with its bottleneck; infinite when it may not be."""
        arcs = {
            (producer, reader)
            for producer, readers in zip(self.producer, self.consumers, strict=True)
            for reader in readers
            if producer >= 0
        }
        # A set of nodes is a block of many partitions.
        block_cost = functools.cache(self.block_cost)
        return [
            (block_of, self._bottleneck(block_of, block_cost))
            for block_of in itertools.product(range(len(self.kind_of)), repeat=self.num_nodes)
            if all(block_of[producer] <= block_of[reader] for producer, reader in arcs)
        ]

    def bottleneck(self, block_of: Sequence[int]) -> float:
        """Ticks of a partition's most expensive block."""
        return self._bottleneck(block_of, self.block_cost)

    def _bottleneck(self, block_of: Sequence[int], block_cost: BlockCost) -> float:
        if any(len({block_of[node] for node in group}) > 1 for group in self.together):
            return math.inf
        blocks = [{node for node, each in enumerate(block_of) if each == block} for block in range(len(self.kind_of))]
        costs = self._costs(blocks, block_cost)
        return max(math.inf if cost is None else cost["cost"] for cost in costs)

    def costs(self, blocks: Sequence[set[int]]) -> list[dict[str, int] | None]:
        """What the blocks of a partition pay."""
        return self._costs(blocks, self.block_cost)

    def _costs(self, blocks: Sequence[set[int]], block_cost: BlockCost) -> list[dict[str, int] | None]:
        costs, before = [], frozenset[int]()
        for stage, block in enumerate(blocks):
            costs.append(block_cost(frozenset(block), stage, before))
            if self.adjacent:
                before |= block
        return costs

    def optimum(self) -> float:
        """Ticks of the least bottleneck."""
        return min((bottleneck for _, bottleneck in self.partitions()), default=math.inf)

    @property
    def graph(self) -> sg.Graph:
        """The graph."""
        nodes = self.data["nodes"]
        columns: dict[str, Any] = {name: nodes[name] for name in ("state_bytes", "live_bytes") if name in nodes}
        if "work_on" in nodes:
            rows = nodes["work_on"].items()
            columns["work_on"] = {name: np.array(row, dtype=np.float64) for name, row in rows}
        if "transfer_on" in self.data["tensors"]:
            columns["transfer_on"] = self.data["tensors"]["transfer_on"]
        if self.params:
            columns |= shared(*map(list, zip(*self.params, strict=True)))
        return to_graph(self.data, **columns)

    @property
    def restricted(self) -> dict[int, list[int]]:
        """Of each node that may not be everywhere, the stages that may hold it."""
        stages = range(len(self.kind_of))
        may = {node: [stage for stage in stages if self.may_be(node, stage)] for node in range(self.num_nodes)}
        return {node: each for node, each in may.items() if len(each) < len(stages)}

    def problem(self, multipliers: Sequence[int] = ()) -> Problem:
        """What the checker makes of it; as a problem of one device where that says it all."""
        try:
            return self._problem(multipliers, is_plain_form=False)
        except PlacedError:
            return self._problem(multipliers, is_plain_form=True)

    def _problem(self, multipliers: Sequence[int], *, is_plain_form: bool) -> Problem:
        used = sorted(set(self.kind_of))
        question = asked.Question(
            devices=[self.kinds[kind] for kind in used],
            kind_of=[used.index(kind) for kind in self.kind_of] if len(used) > 1 else (),
            num_blocks=len(self.kind_of),
            boundary_io=self.boundary_io,
            stages=self.restricted,
            together=self.together,
            multipliers=multipliers or [1] * len(used),
            is_plain_form=is_plain_form,
            adjacent=self.adjacent,
        )
        return snap(self.graph.arrays, question)


@st.composite
def unlikes(draw: DrawFn, *, max_nodes: int = 5, max_stages: int = 3, has_links: bool = False) -> Unlike:
    """Graphs with small whole costs, many of them 0, on up to three kinds of devices with all that devices can have.

    With ``has_links`` only neighbours are linked in some.
    """
    num_nodes = draw(st.integers(1, max_nodes))

    def some(values: list[Any], count: int) -> list[Any]:
        return draw(st.lists(st.sampled_from(values), min_size=count, max_size=count))

    names = draw(st.permutations(range(num_nodes)))
    producer, consumers = [], []
    for _ in range(draw(st.integers(0, 2 * num_nodes))):
        place = draw(st.integers(-1, num_nodes - 2))
        readers = draw(st.sets(st.integers(place + 1, num_nodes - 1), max_size=3))
        producer.append(-1 if place < 0 else names[place])
        consumers.append(sorted(names[reader] for reader in readers))
    nodes: dict[str, Any] = {"op": ["op"] * num_nodes, "work": some([0.0, 1.0, 2.0, 5.0], num_nodes)}
    nodes["param_bytes"] = some([0, 0, 1, 2], num_nodes)
    work_on = {name: some([0.0, 1.0, 3.0, 6.0, None], num_nodes) for name in ("cpu", "gpu")}
    nodes["work_on"] = work_on
    for name in ("state_bytes", "live_bytes"):
        if draw(st.booleans()):
            nodes[name] = some([0, 0, 1, 2], num_nodes)
    data: dict[str, Any] = {"format": "slicegraph-graph-1", "name": "unlike", "nodes": nodes}
    if draw(st.booleans()):
        count = draw(st.integers(1, 2))
        readers_of = [sorted(draw(st.sets(st.integers(0, num_nodes - 1), min_size=1))) for _ in range(count)]
        data["params"] = {"size": some([1, 2, 3], count), "readers": readers_of}
    data["tensors"] = {
        "producer": producer,
        "size": some([0, 1, 2, 6], len(producer)),
        "consumers": consumers,
        "is_output": some([False, True], len(producer)),
        "transfer_on": {"link": some([0.0, 1.0, 2.0], len(producer))},
    }
    num_stages = draw(st.integers(1, max_stages))
    kinds = [draw(_kinds()) for _ in range(draw(st.integers(1, 3)))]
    kinds = [kind for place, kind in enumerate(kinds) if kind not in kinds[:place]]
    kind_of = [draw(st.integers(0, len(kinds) - 1)) for _ in range(num_stages)]
    kinds, kind_of = [kinds[kind] for kind in dict.fromkeys(kind_of)], _renamed(kind_of)
    stages = {
        node: sorted(draw(st.sets(st.integers(0, num_stages - 1), min_size=1)))
        for node in draw(st.sets(st.integers(0, num_nodes - 1), max_size=2))
    }
    together = []
    if num_nodes > 1 and draw(st.booleans()):
        together = [sorted(draw(st.sets(st.integers(0, num_nodes - 1), min_size=2, max_size=3)))]
    boundary_io, adjacent = draw(st.booleans()), has_links and draw(st.booleans())
    return Unlike(data, kinds, kind_of, stages, together, boundary_io and not adjacent, adjacent)


def _renamed(kind_of: list[int]) -> list[int]:
    """Kinds numbered by first appearance."""
    number: dict[int, int] = {}
    return [number.setdefault(kind, len(number)) for kind in kind_of]


@st.composite
def _kinds(draw: DrawFn) -> dict[str, Any]:
    kind: dict[str, Any] = {"bandwidth": draw(st.sampled_from([1.0, 2.0]))}
    if draw(st.booleans()):
        kind["work"] = draw(st.sampled_from(["cpu", "gpu"]))
    if draw(st.integers(0, 3)) == 0:
        kind["transfer"] = "link"
    for name, values in (
        ("latency", [1.0]),
        ("memory", [0, 1, 3]),
        ("memory_limit", [1, 3, 6]),
        ("overlap", [True]),
        ("overflow_bandwidth", [2.0]),
    ):
        if draw(st.integers(0, 2)) == 0:
            kind[name] = draw(st.sampled_from(values))
    return kind
