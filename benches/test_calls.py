"""What one call from Python costs, on a graph of the size of a real network (pytest-benchmark)."""

from __future__ import annotations

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import slicegraph as sg
from large import layered

NUM_NODES = 500


@pytest.fixture
def instance() -> sg.Instance:
    """A layered graph of 500 nodes, 16 blocks."""
    graph = sg.Graph(**layered(NUM_NODES, 6, 1))
    return sg.Instance(graph, device=sg.Device(bandwidth=64e9), num_blocks=16)


def test_building_a_graph(benchmark: BenchmarkFixture) -> None:
    arrays = layered(NUM_NODES, 6, 1)
    benchmark(lambda: sg.Graph(**arrays))


def test_building_an_instance(benchmark: BenchmarkFixture, instance: sg.Instance) -> None:
    benchmark(lambda: sg.Instance(instance.graph, device=instance.device, num_blocks=16))


def test_slicing_an_order(benchmark: BenchmarkFixture, instance: sg.Instance) -> None:
    order = np.arange(NUM_NODES)
    benchmark(lambda: sg.slice_order(instance, order))


def test_costing_a_partition(benchmark: BenchmarkFixture, instance: sg.Instance) -> None:
    block_of = sg.slice_order(instance, np.arange(NUM_NODES)).block_of
    benchmark(lambda: instance.block_costs(block_of))


def test_a_thousand_evaluations(benchmark: BenchmarkFixture, instance: sg.Instance) -> None:
    benchmark(lambda: sg.search(instance, stop=sg.MaxEvaluations(1000)))
