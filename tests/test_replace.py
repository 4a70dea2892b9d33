"""Instances of one graph that differ in something: the same as if they were built anew, and the graph is shared."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import slicegraph as sg
from slicegraph.graph import fields
from strategies import CHAIN, devices, graphs, to_graph, to_instance


@given(graphs(), devices(), st.lists(st.floats(0, 1e6), min_size=10, max_size=10), st.integers(1, 4))
@settings(max_examples=30)
def test_other_work_is_that_of_a_graph_that_has_it(
    data: dict[str, Any], device: dict[str, Any], seconds: list[float], num_blocks: int
) -> None:
    """To the digest; also of what is pickled, and of work that is replaced again."""
    instance = to_instance(data, device, 2)
    graph = instance.graph
    work = (seconds * 10)[: graph.num_nodes]
    variant = instance.replace(work=np.zeros(graph.num_nodes)).replace(work=work, num_blocks=num_blocks)
    anew = sg.Instance(sg.Graph(**fields(graph.arrays) | {"work": work}), device=instance.device, num_blocks=num_blocks)
    assert (variant.digest, variant.graph.digest) == (anew.digest, anew.graph.digest)
    assert pickle.loads(pickle.dumps(variant)).digest == anew.digest  # noqa: S301 - our own
    assert variant.graph.arrays.producer is graph.arrays.producer
    assert variant.graph.core is graph.core
    assert to_instance(data, device, 2).digest == instance.digest


def test_other_arguments_are_those_of_the_constructor() -> None:
    """What is not given stays; unlike stages are replaced whole."""
    graph, slow, fast = to_graph(CHAIN), sg.Device(bandwidth=16.0), sg.Device(bandwidth=64.0)
    instance = sg.Instance(graph, device=slow, num_blocks=2, constraints=sg.Constraints(together=[[0, 1]]))
    changed: tuple[dict[str, Any], ...] = (
        {"num_blocks": 3},
        {"device": fast},
        {"device": fast, "num_blocks": 1, "boundary_io": True},
        {"constraints": sg.Constraints()},
    )
    for changes in changed:
        asked: dict[str, Any] = {
            "device": slow,
            "num_blocks": 2,
            "constraints": instance.constraints,
            "boundary_io": False,
        } | changes
        assert instance.replace(**changes).digest == sg.Instance(graph, **asked).digest
    unlike = instance.replace(devices=[slow, fast])
    assert unlike.digest == sg.Instance(graph, devices=[slow, fast], constraints=instance.constraints).digest
    assert unlike.replace(boundary_io=True).devices == (slow, fast)
    assert unlike.replace(device=fast).digest == instance.replace(device=fast).digest


def test_what_cannot_be_replaced_is_refused() -> None:
    graph = to_graph(CHAIN)
    instance = sg.Instance(graph, device=sg.Device(bandwidth=16.0), num_blocks=2)
    for work, message in (
        ([1, 2], "work: length 2, but there are 3 nodes"),
        ([1, -1, 2], "node 1: work -1.0 is negative"),
        ([1, np.nan, 2], "node 1: work NaN is not a number"),
        ([1, 2, 1e16], r"node 2: work 1e\+16 is above 1e15 s"),
        ([[1, 2, 3]], r"work: shape \(1, 3\)"),
    ):
        with pytest.raises(sg.InputError, match=message):
            instance.replace(work=work)
    with pytest.raises(sg.InputError, match="num_blocks = 0"):
        instance.replace(num_blocks=0)
    with pytest.raises(sg.InputError, match="num_blocks: stages are unlike here"):
        instance.replace(devices=[sg.Device(bandwidth=16.0), sg.Device(bandwidth=1.0)]).replace(num_blocks=3)
    measured = sg.Graph(**fields(graph.arrays) | {"work_on": {"lab": [1, 1, 1]}})
    device = sg.Device(bandwidth=16.0, work="lab")
    with pytest.raises(sg.InputError, match="work: the device's row 'lab' of work_on counts"):
        sg.Instance(measured, device=device, num_blocks=2).replace(work=[1, 2, 3])
