"""Where nodes are drawn."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slicegraph.report.layout import Layout, edges, lay_out
from strategies import graphs, to_graph


def draw(data: dict[str, Any], block_of: list[int]) -> tuple[Layout, list[list[int]]]:
    arrays = to_graph(data).arrays
    pairs = edges(arrays.producer, arrays.consumers, arrays.consumer_offsets)
    return lay_out(np.asarray(block_of, np.int32), pairs), pairs.tolist()


@given(graphs(), st.randoms(use_true_random=False))
def test_no_two_nodes_share_a_place_and_each_is_in_the_band_of_its_stage(data: dict[str, Any], source: Any) -> None:
    """A node is one unit wide; bands do not touch."""
    count = len(data["nodes"]["op"])
    block_of = sorted(source.randrange(3) for _ in range(count))
    layout, _ = draw(data, block_of)
    bands = {stage: (start, width) for stage, start, width in layout.bands}
    assert sorted(bands) == sorted(set(block_of))
    for node, stage in enumerate(block_of):
        start, width = bands[stage]
        assert start <= layout.x[node] <= start + width - 1
        assert 0 <= layout.y[node] < layout.height
        for other in range(node):
            assert layout.y[node] != layout.y[other] or abs(layout.x[node] - layout.x[other]) >= 1
    ends = [(start, start + width) for _, start, width in layout.bands]
    assert all(end < start for (_, end), (start, _) in pairwise(ends))


@given(graphs())
def test_in_one_column_data_runs_downwards(data: dict[str, Any]) -> None:
    """A stage that is not folded has every node below what it reads."""
    count = len(data["nodes"]["op"])
    layout, pairs = draw(data, [0] * count)
    columns = {round(layout.x[node]) for node in range(count)}
    for source, target in pairs:
        assert layout.y[source] < layout.y[target] or len(columns) > 1


@given(graphs())
def test_edges_are_the_pairs_of_the_definition(data: dict[str, Any]) -> None:
    tensors = data["tensors"]
    _, pairs = draw(data, [0] * len(data["nodes"]["op"]))
    expected = {
        (source, target)
        for source, readers in zip(tensors["producer"], tensors["consumers"], strict=True)
        for target in readers
        if source >= 0
    }
    assert [tuple(pair) for pair in pairs] == sorted(expected)


@pytest.mark.parametrize("num_blocks", [1, 4])
def test_a_long_chain_is_folded_to_the_shape_of_a_screen(num_blocks: int) -> None:
    """5,000 rows of one node become about 90 rows of 55 columns, whatever the number of stages."""
    count = 5000
    pairs = np.stack([np.arange(count - 1), np.arange(1, count)], axis=1)
    block_of = np.arange(count, dtype=np.int32) * num_blocks // count
    layout = lay_out(block_of.astype(np.int32), pairs)
    assert 80 <= layout.height <= 100
    assert 50 <= layout.bands[-1][1] + layout.bands[-1][2] <= 65
