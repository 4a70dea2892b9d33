"""Training graphs: what is solved is the question in which only the forward pass is in an order of stages."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import slicegraph as sg
from slicegraph.formats.arrays import GraphArrays
from slicegraph.formats.training import LOOSE, with_loose_tensors
from slicegraph.graph import fields

BANDWIDTH = 4.0


@dataclass
class Training:
    """A training graph as it runs, nodes in order."""

    work: list[int]
    is_backward: list[bool]
    layer_of: list[int]
    tensors: list[tuple[int, list[int], int]]
    """Producer, readers, bytes."""

    def graph(self) -> sg.Graph:
        arrays = GraphArrays(
            name="training",
            op=["op"] * len(self.work),
            node_name=[f"n{node}" for node in range(len(self.work))],
            work=np.array(self.work, np.float64),
            producer=np.array([producer for producer, _, _ in self.tensors], np.int32),
            size=np.array([size for _, _, size in self.tensors], np.int64),
            consumers=np.array([node for _, readers, _ in self.tensors for node in readers], np.int32),
            consumer_offsets=np.cumsum([0, *(len(readers) for _, readers, _ in self.tensors)], dtype=np.int64),
        )
        return sg.Graph(**fields(with_loose_tensors(arrays, self.is_backward, self.layer_of)))

    def costs(self, stage_of: tuple[int, ...], num_stages: int) -> list[float] | None:
        """Give what each stage pays; None: a tensor of the forward pass runs backwards."""
        costs = [0.0] * num_stages
        for node, work in enumerate(self.work):
            costs[stage_of[node]] += work
        for producer, readers, size in self.tensors:
            home = stage_of[producer] if producer >= 0 else None
            for node in readers:
                is_loose = producer < 0 or self.is_backward[producer] or self.is_backward[node]
                if not is_loose and stage_of[node] < stage_of[producer]:
                    return None
            others = {stage_of[node] for node in readers} - {home}
            for stage in (*others, *([home] if others else [])) if home is not None else ():
                costs[stage] += size / BANDWIDTH
        return costs

    def optimum(self, num_stages: int) -> float:
        """Try every stage of every layer, and of every node that is by itself."""
        parts = [("node", node) if layer < 0 else ("layer", layer) for node, layer in enumerate(self.layer_of)]
        distinct = sorted(set(parts))
        best = float("inf")
        for stages in itertools.product(range(num_stages), repeat=len(distinct)):
            of_part = dict(zip(distinct, stages, strict=True))
            costs = self.costs(tuple(of_part[part] for part in parts), num_stages)
            best = min(best, best if costs is None else max(costs))
        return best


@st.composite
def trainings(draw: st.DrawFn) -> Training:
    """Draw forward passes, and backward passes that run in any direction, in up to four layers."""
    num_nodes = draw(st.integers(2, 7))
    numbers = st.integers(0, 6)
    work = [draw(numbers) for _ in range(num_nodes)]
    # Most often backward nodes come last; those of planners may be anywhere.
    turn = draw(st.integers(0, num_nodes))
    is_backward = [draw(st.sampled_from([node >= turn] * 3 + [True])) for node in range(num_nodes)]
    layer_of = [draw(st.integers(-1, 3)) for _ in range(num_nodes)]
    tensors = []
    for producer in range(-1, num_nodes - 1):
        for _ in range(draw(st.integers(0, 2))):
            later = st.integers(producer + 1, num_nodes - 1)
            readers = draw(st.lists(later, min_size=1, max_size=4, unique=True))
            tensors.append((producer, readers, draw(numbers)))
    return Training(work, is_backward, layer_of, tensors)


@given(training=trainings(), num_stages=st.integers(2, 3))
@settings(max_examples=60)
def test_the_optimum_is_that_of_the_question_with_loose_tensors(training: Training, num_stages: int) -> None:
    graph = training.graph()
    result = sg.solve(sg.Instance(graph, device=sg.Device(bandwidth=BANDWIDTH), num_blocks=num_stages), threads=1)
    assert result.status is sg.Status.OPTIMAL
    assert result.bottleneck == training.optimum(num_stages)
    blocks = result.block_of.tolist()
    costs = training.costs(tuple(blocks[: len(training.work)]), num_stages)
    assert costs is not None
    assert max(costs) == result.bottleneck
    for layer in set(training.layer_of) - {-1}:
        assert len({blocks[node] for node, each in enumerate(training.layer_of) if each == layer}) == 1


@given(training=trainings(), num_stages=st.integers(2, 3), data=st.data())
def test_each_partition_costs_the_same_in_every_stage(training: Training, num_stages: int, data: st.DataObject) -> None:
    """With what has no work at the first stage that reads it; then the core takes the partition, and not before."""
    stage_of_layer = [data.draw(st.integers(0, num_stages - 1)) for _ in range(4)]
    stages = [
        stage_of_layer[layer] if layer >= 0 else data.draw(st.integers(0, num_stages - 1))
        for layer in training.layer_of
    ]
    costs = training.costs(tuple(stages), num_stages)
    graph = training.graph()
    arrays = graph.arrays
    for node in range(len(stages), graph.num_nodes):
        (tensor,) = np.flatnonzero(arrays.producer == node)
        ends = arrays.consumers[arrays.consumer_offsets[tensor] : arrays.consumer_offsets[tensor + 1]]
        stages.append(min(stages[end] for end in ends))
    instance = sg.Instance(graph, device=sg.Device(bandwidth=BANDWIDTH), num_blocks=num_stages)
    if costs is None:
        with pytest.raises(sg.InputError):
            instance.block_costs(stages)
    else:
        found = [block.cost for block in instance.block_costs(stages)]
        assert found + [0.0] * (num_stages - len(found)) == costs


def residual() -> Training:
    """Three layers, of which the last adds what the first and second make; gradients of all of them."""
    tensors = [(0, [1, 2], 4), (1, [2, 4], 4), (2, [3], 4), (3, [4, 5], 4), (4, [5], 4)]
    return Training([1] * 6, [False] * 3 + [True] * 3, [0, 1, 2, 2, 1, 0], tensors)


def test_a_gradient_that_two_layers_in_order_read_takes_no_node() -> None:
    """The forward of the first of them stands as if it made it."""
    arrays = residual().graph().arrays
    assert LOOSE not in arrays.op
    assert arrays.producer.tolist() == [0, 1, 2, 0, 0]
    assert arrays.is_backward is not None
    assert arrays.is_backward.tolist() == [False] * 3 + [True] * 3


def test_a_gradient_that_two_layers_in_no_order_read_takes_a_node() -> None:
    """Layers 0 and 1 read nothing of each other; layer 2 adds what they make."""
    tensors = [(0, [2], 4), (1, [2], 4), (2, [3], 4), (3, [4, 5], 4)]
    arrays = Training([1] * 6, [False] * 3 + [True] * 3, [0, 1, 2, 2, 1, 0], tensors).graph().arrays
    assert list(arrays.op) == ["op"] * 6 + [LOOSE]
    assert arrays.producer.tolist() == [0, 1, 2, 6]
    assert arrays.consumers.tolist()[-3:] == [3, 4, 5]


def test_a_native_file_keeps_a_training_graph(tmp_path: Any) -> None:
    graph = residual().graph()
    sg.write(graph, tmp_path / "training.json")
    assert sg.read(tmp_path / "training.json").digest == graph.digest


def test_bytes_that_are_alive_are_not_counted() -> None:
    with pytest.raises(sg.InputError, match="it is a training graph, whose tensors do not stand in the order"):
        sg.live_bytes(residual().graph())
