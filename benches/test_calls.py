"""What one call from Python costs, on a graph of the size of a real network (pytest-benchmark)."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import slicegraph as sg

GRAPH = sg.generate.layered(num_layers=84, width=6, seed=1)


@pytest.fixture
def instance() -> sg.Instance:
    """A layered graph of 504 nodes, 16 blocks."""
    return sg.Instance(GRAPH, num_blocks=16)


def test_building_a_graph(benchmark: BenchmarkFixture) -> None:
    arrays = dataclasses.asdict(GRAPH.arrays)
    benchmark(lambda: sg.Graph(**arrays))


def test_building_an_instance(benchmark: BenchmarkFixture, instance: sg.Instance) -> None:
    benchmark(lambda: sg.Instance(instance.graph, device=instance.device, num_blocks=16))


def test_slicing_an_order(benchmark: BenchmarkFixture, instance: sg.Instance) -> None:
    order = np.arange(GRAPH.num_nodes)
    benchmark(lambda: sg.slice_order(instance, order))


def test_costing_a_partition(benchmark: BenchmarkFixture, instance: sg.Instance) -> None:
    block_of = sg.slice_order(instance, np.arange(GRAPH.num_nodes)).block_of
    benchmark(lambda: instance.block_costs(block_of))


def test_a_thousand_evaluations(benchmark: BenchmarkFixture, instance: sg.Instance) -> None:
    benchmark(lambda: sg.search(instance, stop=sg.MaxEvaluations(1000)))
