"""Graphs of network families: operators, parameters and operations are those of the formulas."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import slicegraph as sg
from generated import COUNTS, SEEDS, arcs_of, total


def test_random_wired_is_as_large_as_the_paper_says() -> None:
    """5.6 million parameters, and 583 million multiplications with additions in convolutions and the last layer."""
    drawn = [sg.generate.random_wired(seed=seed).arrays for seed in range(20)]
    assert np.mean([total(arrays.param_bytes) / 2 for arrays in drawn]) == pytest.approx(5.6e6, rel=0.02)
    multiplications = 0.0
    for arrays in drawn:
        assert arrays.flops is not None
        multiplications += arrays.flops[np.isin(arrays.op, ["conv", "linear"])].sum() / 2
    assert multiplications / len(drawn) == pytest.approx(583e6, rel=0.01)


@given(st.integers(1, 3), st.integers(5, 12), SEEDS)
def test_random_wired_has_the_operators_of_its_wiring(num_stages: int, nodes_per_stage: int, seed: int) -> None:
    graph = sg.generate.random_wired(num_stages=num_stages, nodes_per_stage=nodes_per_stage, seed=seed)
    wired = num_stages * nodes_per_stage
    ops = Counter(graph.arrays.op)
    # Each wired node, the two convolutions of the stem and the one of the head.
    assert ops["conv"] == 2 * wired + 3
    assert ops["batch_norm"] == wired + 3
    assert ops["relu"] == wired + 3
    assert ops["weighted_sum"] < wired
    assert ops["average"] <= num_stages
    assert ops["mean"] == ops["linear"] == 1
    assert len(set(graph.arrays.node_name or ())) == graph.num_nodes


@given(num_layers=st.integers(1, 5), num_steps=st.integers(1, 5), hidden=st.integers(1, 100), batch=st.integers(1, 4))
def test_lstm_grids_have_what_the_formula_says(num_layers: int, num_steps: int, hidden: int, batch: int) -> None:
    """Two tensors for each cell, and parameters of a layer that are counted once and read at every step."""
    graph = sg.generate.lstm_grid(num_layers=num_layers, num_steps=num_steps, hidden=hidden, batch=batch)
    cells = num_layers * num_steps
    state, parameters = 2 * batch * hidden, 2 * (8 * hidden**2 + 4 * hidden)
    assert graph.num_nodes == cells
    assert graph.num_tensors == 2 * cells + num_steps + 2 * num_layers
    assert (graph.arrays.size == state).all()
    assert total(graph.arrays.param_bytes) == num_layers * parameters
    assert total(graph.arrays.read_bytes) == cells * (parameters + 3 * state)
    assert total(graph.arrays.flops) == cells * batch * (16 * hidden**2 + 13 * hidden)
    assert total(graph.arrays.is_output) == num_steps + 2 * num_layers - 1
    below_and_before = {(cell, cell + 1) for cell in range(cells) if (cell + 1) % num_layers}
    below_and_before |= {(cell, cell + num_layers) for cell in range(cells - num_layers)}
    assert arcs_of(graph) == below_and_before


@given(
    num_layers=COUNTS,
    num_heads=COUNTS,
    of_head=COUNTS,
    sequence=st.integers(1, 20),
    expansion=COUNTS,
    batch=COUNTS,
)
def test_transformers_have_what_the_formula_says(
    num_layers: int, num_heads: int, of_head: int, sequence: int, expansion: int, batch: int
) -> None:
    hidden, tokens = num_heads * of_head, batch * sequence
    graph = sg.generate.transformer_tower(
        num_layers=num_layers,
        hidden=hidden,
        sequence=sequence,
        num_heads=num_heads,
        expansion=expansion,
        batch=batch,
    )
    assert graph.num_nodes == 19 * num_layers + 1
    matrices = (4 + 2 * expansion) * hidden**2
    biases = (5 + expansion) * hidden
    assert total(graph.arrays.param_bytes) == 2 * (num_layers * (matrices + biases + 4 * hidden) + 2 * hidden)
    attention = 4 * hidden * sequence + 6 * num_heads * sequence
    elementwise = 10 * hidden + 2 * hidden + expansion * hidden
    layer = tokens * (2 * matrices + biases + attention + elementwise)
    assert total(graph.arrays.flops) == num_layers * layer + 5 * tokens * hidden
    assert len(set(graph.arrays.node_name or ())) == graph.num_nodes


def test_the_default_transformer_is_as_large_as_gpt_2() -> None:
    """124,439,808 parameters, of which (50,257 + 1,024) * 768 are embeddings."""
    parameters = total(sg.generate.transformer_tower().arrays.param_bytes) // 2
    assert parameters == 124_439_808 - (50_257 + 1_024) * 768


@given(num_experts=st.integers(2, 6), experts_per_token=st.integers(1, 2), sequence=st.integers(1, 12))
def test_experts_share_the_tokens(num_experts: int, experts_per_token: int, sequence: int) -> None:
    """A chain for each, with as many tokens as any other's, which are enough together."""
    graph = sg.generate.transformer_tower(
        num_layers=2,
        hidden=8,
        num_heads=2,
        sequence=sequence,
        num_experts=num_experts,
        experts_per_token=experts_per_token,
    )
    assert graph.num_nodes == 2 * (19 + 4 * num_experts) + 1
    ops = Counter(graph.arrays.op)
    assert ops["gather"] == ops["gelu"] == 2 * num_experts
    assert ops["combine"] == 2
    gathered = [node for node, op in enumerate(graph.arrays.op) if op == "gather"]
    write_bytes, read_bytes = graph.arrays.write_bytes, graph.arrays.read_bytes
    assert write_bytes is not None
    assert read_bytes is not None
    (written,) = set(write_bytes[gathered].tolist())
    share, rest = divmod(written, 2 * 8)
    assert rest == 0
    assert (share - 1) * num_experts < sequence * experts_per_token <= share * num_experts
    assert (read_bytes[gathered] == written + 2 * share).all()
