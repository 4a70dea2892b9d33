"""What tests say of synthetic graphs: their arcs, and the values that parameters take."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import strategies as st

import slicegraph as sg

MODELS = ["erdos_renyi", "barabasi_albert", "watts_strogatz", "stochastic_block"]
SEEDS = st.integers(0, 2**64 - 1)
COUNTS = st.integers(1, 4)


def readers(graph: sg.Graph) -> list[set[int]]:
    """The nodes that read each tensor."""
    offsets = itertools.pairwise(graph.arrays.consumer_offsets)
    return [set(graph.arrays.consumers[begin:end].tolist()) for begin, end in offsets]


def arcs_of(graph: sg.Graph) -> set[tuple[int, int]]:
    """The producer-consumer pairs."""
    producers = graph.arrays.producer.tolist()
    pairs = zip(producers, readers(graph), strict=True)
    return {(producer, reader) for producer, nodes in pairs for reader in nodes if producer >= 0}


def total(values: Any) -> int:
    """The sum of facts, which are there."""
    assert values is not None
    return int(values.sum())
