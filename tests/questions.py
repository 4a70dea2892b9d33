"""Small problems that certificates are about, with their costs from the oracle."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

import oracle
import slicegraph as sg
from slicegraph.certificate import question as asked
from slicegraph.certificate.problem import Problem
from slicegraph.certificate.ticks import snap
from strategies import devices, graphs, shaped_graphs, to_graph, to_instance


@dataclass
class Question:
    """What a certificate is about."""

    data: dict[str, Any]
    device: dict[str, Any]
    num_blocks: int
    boundary_io: bool = False
    ticks: oracle.Ticks = field(init=False)

    def __post_init__(self) -> None:
        self.ticks = oracle.snap(self.data, self.device)
        self.producer: list[int] = self.data["tensors"]["producer"]
        self.consumers: list[list[int]] = self.data["tensors"]["consumers"]
        self.is_output: list[bool] = self.data["tensors"].get("is_output") or [False] * len(self.producer)
        self.num_nodes = len(self.ticks.work)
        self.param_bytes: list[int] = self.data["nodes"].get("param_bytes") or [0] * self.num_nodes
        limit: int | None = self.device.get("memory_limit")
        # What one device has room for binds nothing.
        self.memory_limit = None if limit is None or sum(self.param_bytes) <= limit else limit
        if self.ticks.memory is not None and sum(self.ticks.params) <= self.ticks.memory:
            self.ticks.params = [0] * self.num_nodes
        self.mean_work = -(-sum(self.ticks.work) // self.num_blocks)
        self.figures = {
            name: int(value) if name in ("memory", "memory_limit") else float(value)
            for name, value in self.device.items()
        }

    def block_costs(self, block_of: Sequence[int]) -> list[dict[str, int | None]]:
        options: dict[str, Any] = {"boundary_io": self.boundary_io, "memory_limit": self.memory_limit}
        return oracle.block_costs(self.data, self.ticks, block_of, self.num_blocks, **options)

    @property
    def instance(self) -> sg.Instance:
        """The instance."""
        return to_instance(self.data, self.device, self.num_blocks, boundary_io=self.boundary_io)

    def partitions(self) -> list[tuple[tuple[int, ...], list[dict[str, int | None]], float]]:
        """All acyclic partitions, each with its block costs and its bottleneck."""
        rows = ((block_of, self.block_costs(block_of)) for block_of in oracle.partitions(self.data, self.num_blocks))
        return [(block_of, costs, oracle.bottleneck(costs)) for block_of, costs in rows]

    def optimum(self) -> float:
        """The least bottleneck of all partitions, in ticks; infinite when none fits the memory limit."""
        return min(bottleneck for *_, bottleneck in self.partitions())

    def combinatorial(self) -> int:
        """The bound of the paper, with what memory and the model's border add."""

        def border(tensors: Iterable[int]) -> int:
            crosses = [bool(self.consumers[x]) if self.producer[x] < 0 else self.is_output[x] for x in tensors]
            return sum(self.ticks.transfer[x] for x, is_paid in zip(tensors, crosses, strict=True) if is_paid)

        limit = math.inf if self.memory_limit is None else self.memory_limit
        if any(size > limit for size in self.param_bytes) or sum(self.param_bytes) > self.num_blocks * limit:
            return 2**52
        memory = 2**52 if self.ticks.memory is None else self.ticks.memory
        tensors = range(len(self.producer))
        spilled = max(0, sum(self.ticks.params) - self.num_blocks * memory)
        together = sum(self.ticks.work) + spilled + self.boundary_io * border(tensors)
        best = -(-together // self.num_blocks)
        for v in range(self.num_nodes):
            touched = [x for x in tensors if v in self.consumers[x] or self.producer[x] == v]
            alone = self.ticks.work[v] + max(0, self.ticks.params[v] - memory)
            best = max(best, alone + self.boundary_io * border(touched))
        return best

    def digest(self) -> str:
        return sha(
            {
                "format": "slicegraph-instance-1",
                "device": self.figures,
                "boundary_io": self.boundary_io,
                "num_blocks": self.num_blocks,
                "tick": self.ticks.tick,
                "work": self.ticks.work,
                "transfer": self.ticks.transfer,
                "params": self.ticks.params,
                "memory": self.ticks.memory,
                "memory_limit": self.memory_limit,
                "param_bytes": self.param_bytes,
                "producer": self.producer,
                "consumers": [sorted(row) for row in self.consumers],
                "is_output": self.is_output,
            }
        )


def sha(document: Mapping[str, Any]) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


@st.composite
def questions(draw: DrawFn, *, max_nodes: int = 4) -> Question:
    """Any small graph on any device, with up to one block more than nodes."""
    data = draw(graphs(max_nodes=max_nodes))
    num_blocks = draw(st.integers(1, len(data["nodes"]["op"]) + 1))
    return Question(data, draw(devices()), num_blocks, draw(st.booleans()))


@st.composite
def light_questions(draw: DrawFn, *, max_nodes: int = 5) -> Question:
    """A small graph with small whole costs, many of them 0, so that there is much to put together."""
    data = draw(graphs(max_nodes=max_nodes))
    nodes, tensors = data["nodes"], data["tensors"]
    num_nodes, num_tensors = len(nodes["op"]), len(tensors["producer"])

    def some(values: list[Any], count: int) -> list[Any]:
        return draw(st.lists(st.sampled_from(values), min_size=count, max_size=count))

    facts = {"op": nodes["op"], "work": some([0.0, 0.0, 1.0, 2.0, 5.0], num_nodes)}
    facts["param_bytes"] = some([0, 0, 0, 1, 2], num_nodes)
    sizes = some([0, 1, 2, 3, 6], num_tensors)
    light = data | {"nodes": facts, "tensors": tensors | {"size": sizes}}
    return Question(light, draw(_light_devices()), draw(st.integers(1, 3)), draw(st.booleans()))


@st.composite
def shaped_questions(draw: DrawFn, *, max_nodes: int = 6) -> Question:
    """A small graph of the shapes that networks have, with small whole costs."""
    data = draw(shaped_graphs(max_nodes=max_nodes))
    return Question(data, draw(_light_devices()), draw(st.integers(2, 3)), draw(st.booleans()))


@st.composite
def _light_devices(draw: DrawFn) -> dict[str, Any]:
    device: dict[str, Any] = {"bandwidth": 1.0}
    if draw(st.booleans()):
        device["memory"] = draw(st.integers(0, 3))
    if draw(st.integers(0, 3)) == 0:
        device["memory_limit"] = draw(st.integers(0, 5))
    return device


def to_problem(question: Question) -> Problem:
    """What the checker makes of it."""
    plain = asked.Question.plain(question.figures, num_blocks=question.num_blocks, boundary_io=question.boundary_io)
    return snap(to_graph(question.data).arrays, plain)
