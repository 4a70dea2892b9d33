"""Work by the type of number, and measured work."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracle
import slicegraph as sg
from slicegraph.presets import PRESETS
from slicegraph.roofline import work_seconds
from strategies import CHAIN, graphs, to_graph, to_instance

TYPES = ("float32", "bfloat16", "float16", "int8", "", "unheard")
_RATES = st.dictionaries(
    st.sampled_from(["fp32", "bf16", "fp16", "int8"]), st.sampled_from([1.0, 3.0, 7.0, 1e12]), min_size=1
)


def product(dtype: str, size: int = 8192) -> sg.Graph:
    """A square matrix product in a type of 4, 2 or 1 bytes."""
    item = {"float32": 4, "tf32": 4, "bfloat16": 2, "int8": 1}[dtype]
    return sg.Graph(
        flops=[2.0 * size**3],
        read_bytes=[2 * item * size**2],
        write_bytes=[item * size**2],
        dtype=[dtype],
        producer=[],
        size=[],
        consumers=[],
        consumer_offsets=[0],
    )


def seconds(graph: sg.Graph, device: sg.Device) -> float:
    return sg.Instance(graph, device=device, num_blocks=1).block_costs([0])[0].work


def test_float32_takes_sixteen_times_as_long_as_bfloat16_on_an_a100() -> None:
    """A product of 8192 x 8192 is bound by arithmetic in both; TF32 counts where the user says so."""
    a100 = sg.Device.preset("a100")
    single, half = seconds(product("float32"), a100), seconds(product("bfloat16"), a100)
    assert single / half == pytest.approx(16, rel=1e-3)
    assert single / seconds(product("tf32"), a100) == pytest.approx(8, rel=1e-3)
    testbed = sg.Device.preset("testbed")
    assert seconds(product("float32"), testbed) == seconds(product("bfloat16"), testbed)


@given(graphs(), _RATES, st.data())
def test_the_roofline_is_the_definition_with_the_rate_of_each_node(
    data: dict[str, Any], rates: dict[str, float], draw: st.DataObject
) -> None:
    """To the bit; and where all nodes have one type it is what one rate gives, costs and all."""
    device = sg.Device(bandwidth=3.0, flops=rates, memory_bandwidth=3.0)
    dtype = draw.draw(st.lists(st.sampled_from(TYPES), min_size=(n := len(data["nodes"]["op"])), max_size=n))
    found = work_seconds(to_graph(data, dtype=dtype).arrays, device)
    if "work" in data["nodes"]:
        assert found is None
        return
    rate = [sg.Device(bandwidth=1.0, flops=rates).flops.of(each) for each in dtype]  # type: ignore[union-attr]
    nodes = data["nodes"]
    alone = [
        oracle.roofline(
            {key: [nodes[key][node]] for key in ("flops", "read_bytes", "is_view")},
            {"flops": rate[node], "memory_bandwidth": 3.0},
        )
        for node in range(n)
    ]
    assert found is not None
    assert found.tolist() == [each for (each,) in alone]
    uniform = sg.Instance(to_graph(data, dtype=["float32"] * n), device=device, num_blocks=2)
    plain = to_instance(data, {"bandwidth": 3.0, "flops": device.flops.of("float32"), "memory_bandwidth": 3.0}, 2)  # type: ignore[union-attr]
    assert uniform.tick == plain.tick
    assert uniform.work.tolist() == plain.work.tolist()


@given(graphs(), st.sampled_from(sorted(PRESETS)))
def test_a_graph_without_types_is_what_it_was(data: dict[str, Any], name: str) -> None:
    """One rate, that of bf16 or what comes for it: digests of certificates do not change."""
    device = sg.Device.preset(name)
    plain = device.for_types(None)
    assert isinstance(plain.flops, float)
    one, other = (sg.Instance(to_graph(data), device=each, num_blocks=2) for each in (device, plain))
    assert one.digest == other.digest
    assert one.figures == plain.to_mapping()


def test_measured_work_goes_before_everything() -> None:
    graph = to_graph(CHAIN, work_on={"gpu": [5.0, 0.0, 1.0], "npu": [1.0, 2.0, math.nan]})
    instance = sg.Instance(graph, device=sg.Device(bandwidth=64.0, work="gpu"), num_blocks=1)
    assert (instance.work * instance.tick).tolist() == [5.0, 0.0, 1.0]
    with pytest.raises(sg.InputError, match="node 2: no device of the pipeline can run it"):
        sg.Instance(graph, device=sg.Device(bandwidth=64.0, work="npu"), num_blocks=2)
    with pytest.raises(
        sg.InputError, match="device: work 'cpu': the graph's work_on has no such row, but 'gpu', 'npu'"
    ):
        sg.Instance(graph, device=sg.Device(bandwidth=64.0, work="cpu"), num_blocks=2)


def test_what_a_table_lacks_is_named() -> None:
    device = sg.Device(bandwidth=1.0, flops={"fp32": 1.0})
    with pytest.raises(
        sg.InputError, match="device: memory_bandwidth is not given, but the graph gives no work in sec"
    ):
        sg.Instance(product("float32"), device=device, num_blocks=1)
    slow = sg.Device(bandwidth=1.0, flops={"fp32": 1e-308}, memory_bandwidth=1.0)
    with pytest.raises(sg.InputError, match=r"node 0: work .* no time between 0 and 1e15 s"):
        sg.Instance(product("float32"), device=slow, num_blocks=1)


def test_a_latency_is_paid_for_each_transfer_that_moves_something() -> None:
    graph = to_graph(CHAIN, size=[8, 0])
    instance = sg.Instance(graph, device=sg.Device(bandwidth=64.0, latency=0.5), num_blocks=3)
    assert [(block.io_in, block.io_out) for block in instance.block_costs([0, 1, 2])] == [
        (0, 0.625),
        (0.625, 0),
        (0, 0),
    ]


def test_certificates_hold_by_type_with_latency_and_measured_work() -> None:
    """What is solved with them is checked with them, by code of its own."""
    facts: dict[str, Any] = {
        "work": None,
        "flops": [1e9, 2e9, 3e9],
        "read_bytes": [8, 8, 8],
        "dtype": ["float32", "bfloat16", ""],
        "work_on": {"gpu": [1.0, 2.0, 3.0]},
    }
    graph = to_graph(CHAIN, **facts)
    rates = {"fp32": 1e9, "bf16": 4e9}
    for more in ({}, {"latency": 0.25}, {"work": "gpu"}):
        device = sg.Device(bandwidth=64.0, memory_bandwidth=1e9, flops=rates, **more)
        result = sg.solve(sg.Instance(graph, device=device, num_blocks=2), threads=1)
        assert result.status is sg.Status.OPTIMAL
        verdict = sg.check(graph, result.certificate, device=device)
        assert (verdict.bottleneck, verdict.gap) == (result.bottleneck, 0.0)
        other = sg.Device(bandwidth=64.0, memory_bandwidth=1e9, flops={**rates, "bf16": 5e9}, **more)
        with pytest.raises(sg.CertificateError, match="device: the certificate is about"):
            sg.check(graph, result.certificate, device=other)
        untyped = to_graph(CHAIN, **{**facts, "dtype": None, "work_on": {"gpu": [1.0, 2.0, 4.0]}})
        with pytest.raises(sg.CertificateError, match=r"tick|instance"):
            sg.check(untyped, result.certificate)


def test_numbers_of_numpy_are_no_surprise() -> None:
    figures: dict[str, Any] = {"bandwidth": np.float64(64), "flops": {"fp32": np.int64(5)}, "latency": np.float32(0.5)}
    device = sg.Device(**figures)
    assert device.to_mapping() == {"bandwidth": 64.0, "flops": {"fp32": 5.0}, "latency": 0.5}
