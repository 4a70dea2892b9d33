"""Costs against the definition."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

import oracle
import slicegraph as sg
import unlike
from slicegraph.cost import ALL_TICKS
from strategies import CHAIN, MANY, devices, graphs, to_graph, to_instance


@given(graphs(), devices(), st.integers(1, 4), st.booleans(), st.randoms(use_true_random=False))
def test_block_costs_are_the_definition_to_the_tick(
    data: dict[str, Any], device: dict[str, Any], num_blocks: int, boundary_io: bool, random: Any
) -> None:
    """Tick, work, transfers and every part of every block's cost equal the plain-Python oracle's."""
    instance = to_instance(data, device, num_blocks, boundary_io=boundary_io)
    ticks = oracle.snap(data, device)
    assert instance.tick == ticks.tick
    assert instance.work.tolist() == ticks.work
    assert instance.transfer.tolist() == ticks.transfer

    block_of = random.choice(list(oracle.partitions(data, num_blocks)))
    expected = oracle.block_costs(
        data, ticks, block_of, num_blocks, boundary_io=boundary_io, memory_limit=device.get("memory_limit")
    )
    found = instance.block_costs(np.array(block_of))
    for block, row in zip(found, expected, strict=True):
        assert {key: getattr(block, key) for key in row} == {key: instance.seconds(value) for key, value in row.items()}


@given(graphs(max_nodes=5), devices(), st.integers(1, 3), st.booleans())
def test_the_combinatorial_bound_never_exceeds_the_optimum(
    data: dict[str, Any], device: dict[str, Any], num_blocks: int, boundary_io: bool
) -> None:
    instance = to_instance(data, device, num_blocks, boundary_io=boundary_io)
    ticks = oracle.snap(data, device)
    optimum = oracle.optimum(data, ticks, num_blocks, boundary_io=boundary_io, memory_limit=device.get("memory_limit"))
    assert instance.core.combinatorial_bound() <= optimum


@given(graphs(), st.integers(0, 3), st.integers(1, 3))
def test_a_device_with_room_for_all_parameters_has_no_limit(data: dict[str, Any], spare: int, num_blocks: int) -> None:
    """Its costs are those of a device without memory or limit; with a byte less, there is one."""
    total = sum(data["nodes"]["param_bytes"])
    device: dict[str, Any] = {"bandwidth": 64.0, "flops": 7.0, "memory_bandwidth": 3.0}
    ample = to_instance(data, device | {"memory": total + spare, "memory_limit": total + spare}, num_blocks)
    assert (ample.memory_limit, ample.params.tolist()) == (None, [0] * ample.graph.num_nodes)
    if total and max(data["nodes"]["param_bytes"]) < total:
        scarce = to_instance(data, device | {"memory": total - 1, "memory_limit": total - 1}, num_blocks)
        assert scarce.memory_limit == total - 1
        assert scarce.params.tolist() == oracle.snap(data, device | {"memory": 0}).params


@given(graphs(max_nodes=4), st.integers(0, 20), st.integers(1, 3))
def test_a_bound_of_all_ticks_means_that_no_partition_fits(data: dict[str, Any], limit: int, num_blocks: int) -> None:
    """A node or all nodes are above what devices hold; for one device that is all there is to know."""
    device: dict[str, Any] = {"bandwidth": 1.0, "flops": 7.0, "memory_bandwidth": 3.0, "memory_limit": limit}
    instance = sg.Instance(to_graph(data), device=sg.Device(**device), num_blocks=num_blocks)
    is_infeasible = instance.core.combinatorial_bound() == ALL_TICKS
    optimum = oracle.optimum(data, oracle.snap(data, device), num_blocks, memory_limit=limit)
    assert optimum == float("inf") if is_infeasible else num_blocks > 1 or optimum < ALL_TICKS


@given(graphs(), devices(), st.integers(1, 4), st.booleans())
def test_an_instance_survives_pickling_and_copying(
    data: dict[str, Any], device: dict[str, Any], num_blocks: int, boundary_io: bool
) -> None:
    """With its graph, its device and all costs."""
    instance = to_instance(data, device, num_blocks, boundary_io=boundary_io)
    block_of = [0] * instance.graph.num_nodes
    for twin in (pickle.loads(pickle.dumps(instance)), copy.deepcopy(instance)):  # noqa: S301 - our own
        assert twin.graph.digest == instance.graph.digest
        assert (twin.device, twin.num_blocks, twin.boundary_io) == (sg.Device(**device), num_blocks, boundary_io)
        assert twin.tick == instance.tick
        assert (twin.work == instance.work).all()
        assert (twin.transfer == instance.transfer).all()
        assert twin.block_costs(block_of) == instance.block_costs(block_of)


def test_instances_that_share_a_graph_share_it_again() -> None:
    """So that a pool is sent it once."""
    graph = to_graph(CHAIN)
    instances = [sg.Instance(graph, device=sg.Device(bandwidth=64.0), num_blocks=k) for k in (1, 2)]
    first, second = pickle.loads(pickle.dumps(instances))  # noqa: S301 - our own
    assert first.graph is second.graph


@pytest.mark.parametrize(
    ("block_of", "message"),
    [
        ([0, 0], "block_of: length 2, but there are 3 nodes"),
        ([0, 0, 2], r"block_of\[2\] = 2, but blocks are 0..2"),
        ([-1, 0, 0], r"block_of\[0\] = -1, but blocks are 0..2"),
        ([1, 0, 1], r"block_of\[0\] = 1, but its consumer, node 1, is in block 0, which is earlier"),
        ([0.5, 0, 0], "block_of: dtype float64, but integers are asked for"),
    ],
)
def test_a_partition_that_is_none_is_refused(block_of: list[Any], message: str) -> None:
    with pytest.raises(sg.InputError, match=message):
        to_instance(CHAIN, {"bandwidth": 1.0}, 2).block_costs(block_of)


@pytest.mark.parametrize("num_blocks", [5, 2**20])
def test_more_blocks_than_nodes_are_allowed_and_those_behind_the_last_in_use_are_not_listed(num_blocks: int) -> None:
    """Blocks may be empty: at most k. What is listed, and so time and memory, does not grow with k."""
    instance = to_instance(CHAIN, {"bandwidth": 64.0}, num_blocks)
    result = sg.search(instance, stop=sg.MaxEvaluations(10))
    assert result.bottleneck == 3.125
    assert len(result.block_costs) == max(result.block_of) + 1
    assert [block.cost for block in instance.block_costs([0, 2, 2])] == [1.125, 0.0, 5.125]
    assert sg.slice_order(instance, [0, 1, 2]).bottleneck == 3.125


@pytest.mark.parametrize(
    "wanted",
    [
        {"work": [6e14, 6e14]},
        {"work": [1e15] * 2},
        {"work": [1e15] * 2, "num_blocks": 1},
        {"flops": [1e30] * 2, "flops_rate": 1e15},
        {"work": [0.0, 0.0], "size": 2**53},
        {"work": [0.0, 0.0], "size": 0},
        {"work": [5e-324, 5e-324]},
        {"work": [1.0, 1.0], "param_bytes": [2**52, 2**52], "memory": 0},
        {"work": [1e15, 0.0], "param_bytes": [2**52, 2**52], "memory": 2**53, "num_blocks": 2**20},
        {"work": [1.0, 1e-300], "bandwidth": 1e300},
    ],
    ids=str,
)
def test_extreme_figures_are_solved_and_hold(wanted: dict[str, Any]) -> None:
    """Figures that are each allowed may add up to more than is: nothing panics, and what comes out is checked."""
    graph = sg.Graph(
        work=wanted.get("work"),
        flops=wanted.get("flops"),
        param_bytes=wanted.get("param_bytes"),
        producer=[0],
        size=[wanted.get("size", 8)],
        consumers=[1],
        consumer_offsets=[0, 1],
    )
    device = sg.Device(
        bandwidth=wanted.get("bandwidth", 16.0),
        flops=wanted.get("flops_rate", 1.0),
        memory_bandwidth=1.0,
        memory=wanted.get("memory"),
    )
    instance = sg.Instance(graph, device=device, num_blocks=wanted.get("num_blocks", 2))
    result = sg.solve(instance, stop=sg.MaxRuntime(5), threads=1)
    assert result.status is sg.Status.OPTIMAL
    partitions = [[0, 0]] if instance.num_blocks == 1 else [[0, 0], [0, 1]]
    costs = [max(block.cost for block in instance.block_costs(block_of)) for block_of in partitions]
    assert result.bottleneck == min(costs)
    assert sg.check(graph, result.certificate).bottleneck == result.bottleneck


def test_costs_that_are_no_times_are_refused() -> None:
    """A transfer that takes longer than 1e15 s is an error that names the tensor."""
    graph = sg.Graph(work=[1, 1], producer=[0], size=[8], consumers=[1], consumer_offsets=[0, 1])
    with pytest.raises(sg.InputError, match=r"tensor 0: size / bandwidth .* is above 1e15 s"):
        sg.Instance(graph, device=sg.Device(bandwidth=1e-300), num_blocks=2)


@pytest.mark.parametrize(
    ("num_blocks", "message"),
    [
        (0, "num_blocks = 0, but a partition has from 1 to"),
        (-3, "num_blocks = -3, but a partition has from 1 to"),
        (2**21, "num_blocks = 2097152, but a partition has from 1 to"),
        (2**100, "num_blocks = 1267650600228229401496703205376, but a partition has from 1 to"),
        (1.5, "num_blocks = 1.5, but it is a whole number"),
        (True, "num_blocks = True, but it is a whole number"),
    ],
)
def test_a_number_of_blocks_that_is_none_is_refused(num_blocks: Any, message: str) -> None:
    with pytest.raises(sg.InputError, match=message):
        sg.Instance(to_graph(CHAIN), device=sg.Device(bandwidth=1.0), num_blocks=num_blocks)


@pytest.mark.parametrize(
    ("device", "message"),
    [
        (sg.Device(bandwidth=1.0), "device: flops is not given, but the graph gives no work in seconds"),
        (sg.Device(bandwidth=1.0, flops=1.0), "device: memory_bandwidth is not given, but the graph gives no work"),
        (sg.Device(bandwidth=1e-12, flops=1.0, memory_bandwidth=1.0), "tensor 0: size / bandwidth .* is above 1e15 s"),
        (sg.Device(bandwidth=1.0, flops=1e-20, memory_bandwidth=1.0), "node 1: work .* is above 1e15 s"),
        (None, "device: not given, and the graph's file names none"),
    ],
)
def test_a_device_that_does_not_fit_the_graph_is_refused(device: sg.Device | None, message: str) -> None:
    graph = to_graph(CHAIN, work=None, flops=[0.0, 1.0, 1.0], size=[2**30, 8], param_bytes=[1, 5, 5])
    with pytest.raises(sg.InputError, match=message):
        sg.Instance(graph, device=device, num_blocks=2)


@st.composite
def unlike_questions(draw: DrawFn) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, list[float]], bool]:
    """A small graph, the device of each stage, measured work, and whether inputs and outputs are paid."""
    data = draw(graphs(max_nodes=4))
    kinds, rows = draw(unlike.kinds(len(data["nodes"]["op"])))
    return data, draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=3)), rows, draw(st.booleans())


@settings(max_examples=MANY)
@given(unlike_questions())
def test_unlike_stages_cost_what_the_definition_says(
    question: tuple[dict[str, Any], list[dict[str, Any]], dict[str, list[float]], bool],
) -> None:
    """Every partition, to the tick: latency, overlap, measured work, memory and limit of each stage's own device.

    What no device can run in the order of data flow is refused, and only that.
    """
    data, devices, rows, boundary_io = question
    partitions = list(oracle.partitions(data, len(devices)))
    allowed = [block_of for block_of in partitions if unlike.can_be(devices, rows, block_of)]
    try:
        instance = unlike.to_unlike(data, devices, rows, boundary_io=boundary_io)
    except sg.InputError:
        assert not allowed
        return
    assert allowed
    optimum = math.inf
    for block_of in allowed:
        expected = unlike.block_costs(data, devices, rows, block_of, boundary_io=boundary_io)
        assert [block.cost for block in instance.block_costs(block_of)] == expected
        optimum = min(optimum, max(expected))
    assert sg.lower_bound(instance, method="combinatorial").lower_bound <= optimum


@given(graphs(), devices(), st.integers(1, 4), st.booleans())
def test_equal_devices_are_the_problem_of_one_device(
    data: dict[str, Any], device: dict[str, Any], num_blocks: int, boundary_io: bool
) -> None:
    """Whatever they are called, and whatever constraints restrict nothing: digest, costs, and what they look like."""
    one = to_instance(data, device, num_blocks, boundary_io=boundary_io)
    listed = [sg.Device(**device, name=f"number {stage}") for stage in range(num_blocks)]
    constraints = sg.Constraints(pin={0: range(num_blocks)}, together=[[0]])
    same = sg.Instance(one.graph, devices=listed, constraints=constraints, boundary_io=boundary_io)
    assert same.digest == one.digest
    assert same.is_plain
    assert (same.device, same.devices, one.devices) == (one.device, one.devices, (one.device,) * num_blocks)


def test_the_digest_tells_what_tells_problems_apart() -> None:
    """Order, kinds, latency, overlap, work, allowed stages and groups; not names, nor how constraints were typed."""
    fast, slow = sg.Device(bandwidth=64.0), sg.Device(bandwidth=16.0)
    graph = to_graph(CHAIN, node_name=["a", "b", "c"], work_on={"gpu": [1.0, 1.0, 1.0]})

    def digest(devices: Any, **constraints: Any) -> str:
        return sg.Instance(graph, devices=devices, constraints=sg.Constraints(**constraints)).digest

    different = [
        digest([fast, slow]),
        digest([slow, fast]),
        digest([fast, fast]),
        digest([fast, slow, slow]),
        digest([sg.Device(bandwidth=64.0, latency=1e-3), slow]),
        digest([sg.Device(bandwidth=64.0, overlap=True), slow]),
        digest([sg.Device(bandwidth=64.0, overlap=True)] * 2),
        digest([sg.Device(bandwidth=64.0, work="gpu"), slow]),
        digest([fast, slow], pin={"a": 0}),
        digest([fast, slow], pin={"a": 1}),
        digest([fast, fast], pin={"a": 0}),
        digest([fast, slow], together=[["a", "b"]]),
        digest([fast, fast], together=[["a", "b"]]),
    ]
    assert len(set(different)) == len(different)
    named = sg.Device(bandwidth=64.0, name="fast")
    assert digest([named, slow], pin={0: 0}) == digest([fast, slow], forbid={"a": 1})
    assert digest([fast, slow], together=["[ab]"]) == digest([fast, slow], together=[["b", 0], [1, "a"]])


def test_any_order_is_a_question_about_every_order() -> None:
    fast, slow = sg.Device(bandwidth=64.0, name="fast"), sg.Device(bandwidth=16.0, name="slow")
    instance = sg.Instance(to_graph(CHAIN), devices={fast: 2, slow: 1}, order="any")
    assert (instance.order, instance.num_blocks, instance.num_arrangements) == ("any", 3, 3)
    orders = [[device.name for device in each.devices] for each in instance.arrangements()]
    assert orders == [["fast", "fast", "slow"], ["fast", "slow", "fast"], ["slow", "fast", "fast"]]
    assert all(each.order == "given" for each in instance.arrangements())
    twin = pickle.loads(pickle.dumps(instance))  # noqa: S301 - our own
    assert (twin.order, twin.devices) == ("any", instance.devices)
    given_one = sg.Instance(to_graph(CHAIN), devices=[fast, slow])
    assert [each.digest for each in given_one.arrangements()] == [given_one.digest]


def test_orders_that_leave_no_partition_are_left_out() -> None:
    """The first node runs on a CPU alone, and data flows one way."""
    table = {"cpu": [1.0, 1.0, 1.0], "npu": [math.nan, 0.5, 0.5]}
    cpu, npu = (sg.Device(bandwidth=64.0, work=name) for name in table)
    graph = to_graph(CHAIN, work_on=table)
    question = sg.Instance(graph, devices={npu: 1, cpu: 1}, order="any", constraints=sg.Constraints(together=[[0, 1]]))
    assert [each.devices for each in question.arrangements()] == [(npu, cpu), (cpu, npu)]
    parted = sg.Instance(to_graph(CHAIN, work_on=table | {"npu": [0.5, math.nan, 0.5]}), devices=[npu, cpu])
    assert parted.resolved.stages == {1: (1,)}
    lone = {"cpu": [1.0, math.nan, 1.0], "npu": [math.nan, 0.5, 0.5]}
    question = sg.Instance(to_graph(CHAIN, work_on=lone), devices={npu: 1, cpu: 1}, order="any")
    assert [each.devices for each in question.arrangements()] == [(cpu, npu)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"devices": [], "device": sg.Device(bandwidth=1.0)},
            "devices: a device is given, too, but only one of them may be",
        ),
        ({"devices": [sg.Device(bandwidth=1.0)], "num_blocks": 2}, "num_blocks = 2, but there are 1 devices, one per"),
        ({"device": sg.Device(bandwidth=1.0)}, "num_blocks = None, but it is a whole number"),
        (
            {"device": sg.Device(bandwidth=1.0), "num_blocks": 2, "order": "best"},
            "order = 'best', but it is 'given' or",
        ),
        (
            {
                "devices": {sg.Device(bandwidth=1.0): 1, sg.Device(bandwidth=2.0): 1},
                "order": "any",
                "constraints": sg.Constraints(forbid={0: 1}),
            },
            "forbid: with order='any' no stage has a device that is known, so none can be named",
        ),
        (
            {"devices": [sg.Device(bandwidth=1.0)] * 2, "constraints": sg.Constraints(pin={"x": 1})},
            "pin: 'x' is the name of no node",
        ),
        (
            {
                "devices": {sg.Device(bandwidth=1.0): 1, sg.Device(bandwidth=2.0): 1},
                "order": "any",
                "constraints": sg.Constraints(together=["x"]),
            },
            "together: 'x' is the name of no node",
        ),
        (
            {"devices": [sg.Device(bandwidth=1.0, work="gpu")]},
            "device: work 'gpu': the graph's work_on has no such row",
        ),
    ],
)
def test_a_question_that_is_none_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(sg.InputError, match=message):
        sg.Instance(to_graph(CHAIN), **arguments)


def test_what_takes_one_order_says_so() -> None:
    """No method takes the order in which devices are listed for the one that was asked for."""
    fast, slow = sg.Device(bandwidth=64.0), sg.Device(bandwidth=16.0)
    anyhow = sg.Instance(to_graph(CHAIN), devices={fast: 1, slow: 1}, order="any")
    calls: dict[str, Callable[[sg.Instance], object]] = {
        "method 'hybrid'": sg.search,
        "slice_order": lambda instance: sg.slice_order(instance, [0, 1, 2]),
        "audit": lambda instance: sg.audit(instance, [0, 0, 1]),
        "lower_bound": lambda instance: sg.lower_bound(instance, method="exact"),
        "compare": lambda instance: sg.compare(instance, [0, 0, 1], [0, 1, 1]),
    }
    for name, call in calls.items():
        with pytest.raises(sg.InputError, match=f"{name}: it takes devices in a given order"):
            call(anyhow)
    with pytest.raises(sg.InputError, match="instance: its devices stand in any order"):
        anyhow.block_costs([0, 0, 1])


def test_what_one_kind_of_device_has_is_not_told_of_several() -> None:
    """Not that of the first, as if there were no other."""
    unlike_stages = sg.Instance(to_graph(CHAIN), devices=[sg.Device(bandwidth=64.0), sg.Device(bandwidth=16.0)])
    for name in ("device", "work", "transfer", "params", "memory", "memory_limit"):
        with pytest.raises(sg.InputError, match="stages are unlike here"):
            getattr(unlike_stages, name)
