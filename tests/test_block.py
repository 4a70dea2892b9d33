"""What a block stores, and what that costs."""

from __future__ import annotations

import math

import slicegraph as sg
from strategies import CHAIN, shared, to_graph


def test_what_is_stored_counts_against_the_limit() -> None:
    """A parameter that two nodes read once per block, state as bytes, live tensors as the most of a block."""
    graph = to_graph(
        CHAIN,
        param_bytes=[1, 1, 1],
        state_bytes=[0, 2, 0],
        live_bytes=[4, 3, 0],
        param_size=[10],
        param_readers=[0, 1],
        param_offsets=[0, 2],
    )
    whole = sg.Instance(graph, device=sg.Device(bandwidth=64.0), num_blocks=2)
    (block,) = whole.block_costs([0, 0, 0])
    assert (block.param_bytes, block.state_bytes, block.live_bytes) == (13, 2, 4)
    fits, short = (sg.Device(bandwidth=64.0, memory_limit=limit) for limit in (19, 18))
    assert sg.Instance(graph, device=fits, num_blocks=1).block_costs([0, 0, 0])[0].cost == 6.0
    assert math.isinf(sg.Instance(graph, device=short, num_blocks=1).block_costs([0, 0, 0])[0].cost)
    parts = sg.Instance(graph, device=short, num_blocks=2).block_costs([0, 1, 1])
    assert [(part.param_bytes, part.state_bytes, part.live_bytes) for part in parts] == [(11, 0, 4), (12, 2, 3)]


def test_a_shared_parameter_that_streams_is_not_plain() -> None:
    """Though no node has a parameter of its own."""
    device = sg.Device(bandwidth=64.0, memory=2)
    graph = to_graph(CHAIN, **shared([8], [[0, 2]]))
    instance = sg.Instance(graph, device=device, num_blocks=2)
    assert not instance.is_plain
    assert instance.block_costs([0, 0, 1])[0].overflow == 6 / 64


def test_an_unread_parameter_is_in_what_a_certificate_is_about() -> None:
    """The first of two has no reader; the checker finds the same problem."""
    graph = to_graph(CHAIN, **shared([8, 4], [[], [0, 2]]))
    instance = sg.Instance(graph, device=sg.Device(bandwidth=64.0, memory=2), num_blocks=2)
    assert not instance.is_plain
    assert sg.check(graph, sg.solve(instance).certificate).gap == 0
