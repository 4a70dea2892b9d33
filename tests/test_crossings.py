"""Stages and cut tensors against the definition, in plain Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracle
import slicegraph as sg
from slicegraph.crossings import cut_tensors, find_crossings, stages
from strategies import CHAIN, devices, graphs, to_graph, to_instance


@given(graphs(), devices(), st.integers(1, 4), st.booleans(), st.randoms(use_true_random=False))
def test_cut_tensors_and_stages_are_what_the_definition_says(
    data: dict[str, Any], device: dict[str, Any], num_blocks: int, boundary_io: bool, random: Any
) -> None:
    """Each tensor that is paid is listed once, and the transfers of each stage's tensors are what the stage pays."""
    instance = to_instance(data, device, num_blocks, boundary_io=boundary_io)
    block_of = np.array(random.choice(list(oracle.partitions(data, num_blocks))), np.int32)
    costs = instance.block_costs(block_of)
    crossings = find_crossings(instance, block_of)
    cuts = cut_tensors(instance, crossings)

    expected = oracle.cut_tensors(data, block_of.tolist(), boundary_io=boundary_io)
    assert [(cut.tensor, cut.from_stage, list(cut.to_stages)) for cut in cuts] == expected
    assert [(cut.name, cut.bytes) for cut in cuts] == [
        (f"tensor {tensor}", data["tensors"]["size"][tensor]) for tensor, _, _ in expected
    ]

    found = stages(block_of, costs, crossings)
    assert np.concatenate([stage.nodes for stage in found]).size == block_of.size
    for index, (stage, cost) in enumerate(zip(found, costs, strict=True)):
        assert stage.nodes.dtype == np.int32
        assert stage.nodes.tolist() == [node for node, block in enumerate(block_of) if block == index]
        assert stage.reads.tolist() == sorted(cut.tensor for cut in cuts if index in cut.to_stages)
        assert stage.writes.tolist() == sorted(cut.tensor for cut in cuts if index == cut.from_stage)
        paid = [instance.seconds(int(instance.transfer[tensors].sum())) for tensors in (stage.reads, stage.writes)]
        assert paid == [cost.io_in, cost.io_out]
        assert all(getattr(stage, name) == getattr(cost, name) for name in cost.__slots__)


def test_arrays_of_a_stage_cannot_be_written_to() -> None:
    """They are kept by the result, and given to everybody who asks."""
    result = sg.search(to_instance(CHAIN, {"bandwidth": 64.0}, 2), stop=sg.MaxEvaluations(10), threads=1)
    for array in (result.stages[0].nodes, result.stages[0].reads, result.stages[0].writes):
        assert array.flags.writeable is False
    assert result.stages is result.stages
    assert result.cut_tensors is result.cut_tensors


def test_a_stage_that_stays_empty_reads_and_writes_nothing() -> None:
    """Stages in the middle may be empty in a partition that is audited."""
    result = sg.audit(to_instance(CHAIN, {"bandwidth": 64.0}, 3), [0, 0, 2], threads=1)
    assert [stage.nodes.tolist() for stage in result.stages] == [[0, 1], [], [2]]
    assert [stage.reads.tolist() for stage in result.stages] == [[], [], [1]]
    assert [stage.writes.tolist() for stage in result.stages] == [[1], [], []]
    assert [(cut.from_stage, cut.to_stages) for cut in result.cut_tensors] == [(0, (2,))]


@pytest.mark.parametrize("boundary_io", [False, True])
def test_inputs_and_outputs_are_cut_where_they_are_paid(boundary_io: bool) -> None:
    """With boundary io, an input comes from no stage, and an output that no stage reads goes to none."""
    graph = sg.Graph(
        work=[1, 1],
        producer=[-1, 0, 1],
        size=[3, 5, 7],
        consumers=[0, 1, 1],
        consumer_offsets=[0, 2, 3, 3],
        is_output=[0, 0, 1],
        tensor_name=["image", "", "logits"],
    )
    instance = sg.Instance(graph, device=sg.Device(bandwidth=1.0), num_blocks=2, boundary_io=boundary_io)
    result = sg.audit(instance, [0, 1], threads=1)
    cuts = [(cut.name, cut.bytes, cut.from_stage, cut.to_stages) for cut in result.cut_tensors]
    inner = [("tensor 1", 5, 0, (1,))]
    assert cuts == ([("image", 3, None, (0, 1)), *inner, ("logits", 7, 1, ())] if boundary_io else inner)


def test_without_a_partition_there_are_no_stages_and_no_cuts() -> None:
    """Nothing fits, so there is nothing to list."""
    instance = sg.Instance(
        to_graph(CHAIN, param_bytes=[3, 9, 3]), device=sg.Device(bandwidth=1.0, memory_limit=5), num_blocks=2
    )
    result = sg.solve(instance, threads=1)
    assert (result.stages, result.cut_tensors) == ((), ())
    assert result.plan.document["cut_tensors"] == []


def test_what_stages_hand_on_is_among_what_they_read_and_write() -> None:
    """The stage between pays for the tensor of the first; stage 2, which is empty, is passed by."""
    links = sg.Constraints(adjacent=True)
    facts: dict[str, Any] = {"producer": [0, 1], "size": [64, 32], "consumers": [2, 2], "consumer_offsets": [0, 1, 2]}
    graph = sg.Graph(work=[1, 1, 1], **facts)
    instance = sg.Instance(graph, device=sg.Device(bandwidth=64.0), num_blocks=4, constraints=links)
    block_of = np.array([0, 1, 3], np.int32)
    crossings, costs = find_crossings(instance, block_of), instance.block_costs(block_of)
    found = stages(block_of, costs, crossings)
    assert [stage.reads.tolist() for stage in found] == [[], [0], [], [0, 1]]
    assert [stage.writes.tolist() for stage in found] == [[0], [0, 1], [], []]
    assert [cut.to_stages for cut in cut_tensors(instance, crossings)] == [(1, 3), (3,)]
    for stage, cost in zip(found, costs, strict=True):
        paid = [instance.seconds(int(instance.transfer[tensors].sum())) for tensors in (stage.reads, stage.writes)]
        assert paid == [cost.io_in, cost.io_out]
