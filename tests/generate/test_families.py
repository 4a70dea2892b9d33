"""All families: graphs are the same from a seed everywhere, well formed, and solved."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import slicegraph as sg
from generated import COUNTS, MODELS, SEEDS, arcs_of, readers

SMALL = st.one_of(
    st.builds(sg.generate.regal, num_nodes=st.integers(5, 40), model=st.sampled_from(MODELS), seed=SEEDS),
    st.builds(
        sg.generate.layered,
        num_layers=st.integers(1, 12),
        width=COUNTS,
        num_reads=COUNTS,
        skip_probability=st.sampled_from([0.0, 0.5, 1.0]),
        seed=SEEDS,
    ),
    st.builds(
        sg.generate.series_parallel,
        num_nodes=st.integers(2, 40),
        parallel_probability=st.sampled_from([0.0, 0.5, 1.0]),
        seed=SEEDS,
    ),
    st.builds(
        sg.generate.random_wired,
        num_stages=COUNTS,
        nodes_per_stage=st.integers(5, 9),
        degree=st.sampled_from([2, 4]),
        rewiring=st.sampled_from([0.0, 0.75, 1.0]),
        channels=st.sampled_from([2, 6]),
        resolution=st.integers(1, 40),
        batch=COUNTS,
        seed=SEEDS,
    ),
    st.builds(sg.generate.lstm_grid, num_layers=COUNTS, num_steps=COUNTS, hidden=COUNTS, batch=COUNTS),
    st.builds(
        sg.generate.transformer_tower,
        num_layers=COUNTS,
        hidden=st.sampled_from([2, 6]),
        sequence=COUNTS,
        num_heads=st.sampled_from([1, 2]),
        expansion=COUNTS,
        batch=COUNTS,
        num_experts=st.integers(2, 4),
        experts_per_token=st.integers(1, 2),
    ),
)
"""A small graph of any family."""
RANDOM: dict[str, Callable[..., sg.Graph]] = {
    "regal": sg.generate.regal,
    "layered": sg.generate.layered,
    "series_parallel": sg.generate.series_parallel,
    "random_wired": sg.generate.random_wired,
}
"""The families with a seed."""


@given(SMALL)
def test_every_node_is_connected_and_listed_after_what_it_reads(graph: sg.Graph) -> None:
    """Every node reads and makes a tensor; a tensor without a reader is a model output."""
    producer, is_output = graph.arrays.producer, graph.arrays.is_output
    assert is_output is not None
    assert -1 in producer
    assert is_output.any()
    assert set(range(graph.num_nodes)) <= set(producer.tolist())
    assert set().union(*readers(graph)) == set(range(graph.num_nodes))
    assert all(one < other for one, other in arcs_of(graph))
    for tensor, nodes in enumerate(readers(graph)):
        assert nodes or is_output[tensor]
        assert producer[tensor] >= 0 or nodes


@given(SMALL)
def test_facts_agree_with_tensors(graph: sg.Graph) -> None:
    """A node writes what it makes; it reads its tensors and parameters, or a part of them if it gathers."""
    arrays = graph.arrays
    if arrays.work is not None:
        assert (arrays.work > 0).all()
        return
    assert arrays.write_bytes is not None
    assert arrays.read_bytes is not None
    assert arrays.param_bytes is not None
    assert arrays.flops is not None
    assert arrays.is_view is not None
    made = np.bincount(arrays.producer + 1, weights=arrays.size, minlength=graph.num_nodes + 1)[1:]
    np.testing.assert_array_equal(arrays.write_bytes, made)
    read = arrays.param_bytes.copy()
    for size, nodes in zip(arrays.size.tolist(), readers(graph), strict=True):
        for node in nodes:
            read[node] += size
    for node, op in enumerate(arrays.op):
        # Cells share a layer's parameters, which are counted at its first.
        assert op in {"gather", "lstm_cell"} or arrays.read_bytes[node] == read[node]
        assert (op == "view") == arrays.is_view[node]
        assert (arrays.flops[node] == 0) == (op in {"view", "copy", "gather"})


@given(SMALL)
def test_a_graph_survives_its_file(graph: sg.Graph) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.json"
        sg.write(graph, path)
        twin = sg.read(path)
    assert twin.digest == graph.digest
    assert twin.name == graph.name
    assert twin.arrays.device == graph.arrays.device


@pytest.mark.parametrize(
    ("name", "parameters", "digest"),
    [
        ("regal", {"model": "erdos_renyi"}, "9448a46152dfeb1c"),
        ("regal", {"model": "barabasi_albert"}, "7298624f57638443"),
        ("regal", {"model": "watts_strogatz"}, "0621eb686fb40a35"),
        ("regal", {"model": "stochastic_block"}, "ce907cbd8f66f9a3"),
        ("layered", {}, "749d74aca79dac5e"),
        ("series_parallel", {}, "12d9ad9cb7ef2804"),
        ("random_wired", {}, "63932878184e77f8"),
        ("lstm_grid", {}, "25c1e2d8273e4b66"),
        ("transformer_tower", {}, "d8bc227157cedbd6"),
        ("transformer_tower", {"num_experts": 8, "experts_per_token": 2}, "d723653276f06494"),
    ],
)
def test_a_graph_is_the_same_everywhere_and_for_good(name: str, parameters: dict[str, Any], digest: str) -> None:
    """The graph of a published result follows from its family and seed."""
    assert getattr(sg.generate, name)(**parameters).digest[:16] == digest


@pytest.mark.parametrize("name", RANDOM)
def test_seeds_tell_graphs_apart(name: str) -> None:
    seeds = [0, 1, 2, 2**64 - 1]
    assert len({RANDOM[name](seed=seed).digest for seed in seeds}) == len(seeds)
    assert RANDOM[name](seed=7).digest == RANDOM[name](seed=np.uint64(7)).digest
    assert RANDOM[name](seed=7).name.endswith("-s7")


@pytest.mark.parametrize("name", sg.generate.__all__)
def test_every_family_has_an_example(name: str) -> None:
    assert ">>> " in (getattr(sg.generate, name).__doc__ or "")


@pytest.mark.parametrize(
    "graph",
    [
        *(sg.generate.regal(num_nodes=12, model=model) for model in MODELS),
        sg.generate.layered(num_layers=4, width=3),
        sg.generate.series_parallel(num_nodes=12),
        sg.generate.random_wired(num_stages=1, nodes_per_stage=5),
        sg.generate.lstm_grid(num_layers=2, num_steps=4),
        sg.generate.transformer_tower(num_layers=1, num_experts=2),
    ],
    ids=lambda graph: graph.name,
)
@pytest.mark.parametrize("num_blocks", [2, 3])
def test_every_family_is_solved_and_checked(graph: sg.Graph, num_blocks: int) -> None:
    device = None if graph.arrays.device else sg.Device.preset("testbed")
    instance = sg.Instance(graph, device=device, num_blocks=num_blocks)
    result = sg.solve(instance, stop=sg.MaxRuntime(20), threads=1)
    assert result.status == "optimal"
    assert sg.check(graph, result.certificate).gap == 0


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("regal", {"num_nodes": 4}, "num_nodes = 4, but it is a whole number of at least 5"),
        ("regal", {"num_nodes": 50.0}, "num_nodes = 50.0, but it is a whole number of at least 5"),
        ("regal", {"model": "tree"}, "model = 'tree', but it is one of erdos_renyi, barabasi_albert, "),
        ("regal", {"transfer_ratio": 0}, "transfer_ratio = 0, but it is a positive finite number"),
        ("regal", {"seed": 2**64}, r"seed = 18446744073709551616, but it is a whole number from 0 to 2\^64 - 1"),
        ("layered", {"num_layers": 0}, "num_layers = 0, but it is a whole number of at least 1"),
        ("layered", {"width": True}, "width = True, but it is a whole number of at least 1"),
        ("layered", {"num_reads": -1}, "num_reads = -1, but it is a whole number of at least 1"),
        ("layered", {"skip_probability": 1.5}, "skip_probability = 1.5, but it is a probability, from 0 to 1"),
        ("layered", {"skip_probability": float("nan")}, "skip_probability = nan, but it is a probability"),
        ("layered", {"transfer_ratio": float("inf")}, "transfer_ratio = inf, but it is a positive finite number"),
        ("layered", {"transfer_ratio": "1"}, "transfer_ratio = '1', but it is a positive finite number"),
        ("layered", {"seed": -1}, "seed = -1, but it is a whole number from 0"),
        ("series_parallel", {"num_nodes": 1}, "num_nodes = 1, but it is a whole number of at least 2"),
        ("series_parallel", {"parallel_probability": -0.1}, "parallel_probability = -0.1, but it is a probability"),
        ("random_wired", {"degree": 3}, "degree = 3, but it is even"),
        ("random_wired", {"degree": 0}, "degree = 0, but it is a whole number of at least 2"),
        ("random_wired", {"channels": 77}, "channels = 77, but it is even"),
        ("random_wired", {"nodes_per_stage": 4}, "nodes_per_stage = 4, but it is a whole number of at least 5"),
        ("random_wired", {"rewiring": 2}, "rewiring = 2, but it is a probability, from 0 to 1"),
        ("random_wired", {"seed": 0.5}, "seed = 0.5, but it is a whole number from 0"),
        ("lstm_grid", {"num_steps": 0}, "num_steps = 0, but it is a whole number of at least 1"),
        ("transformer_tower", {"num_heads": 7}, "num_heads = 7, but it divides hidden = 768"),
        ("transformer_tower", {"num_experts": 0}, "num_experts = 0, but it is a whole number of at least 1"),
        ("transformer_tower", {"experts_per_token": 2}, "experts_per_token = 2, but it is at most num_experts = 1"),
    ],
)
def test_a_wrong_parameter_is_refused_in_one_line(name: str, parameters: dict[str, Any], message: str) -> None:
    """The line names the parameter and the rule."""
    with pytest.raises(sg.InputError, match=f"^{message}") as error:
        getattr(sg.generate, name)(**parameters)
    assert "\n" not in str(error.value)
