"""Synthetic graphs: the same from a seed everywhere, of the shape and the costs that their docstrings say."""

from __future__ import annotations

import itertools
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import slicegraph as sg
from slicegraph.generate import models
from slicegraph.generate.stream import Stream

MODELS = ["erdos_renyi", "barabasi_albert", "watts_strogatz", "stochastic_block"]
SEEDS = st.integers(0, 2**64 - 1)
COUNTS = st.integers(1, 4)
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


@given(SMALL)
def test_every_node_is_connected_and_listed_after_what_it_reads(graph: sg.Graph) -> None:
    """Every node reads and makes a tensor; what nobody reads is a model output."""
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
    """Of a published result that names a family and a seed, anybody can make the graph again."""
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


@pytest.mark.parametrize("model", MODELS)
def test_regal_follows_its_description(model: str) -> None:
    """Sizes of mean 50 and deviation 10, times that go with them, and 50 to 200 nodes."""
    drawn = [sg.generate.regal(model=model, seed=seed) for seed in range(100)]
    nodes = [graph.num_nodes for graph in drawn]
    assert 50 <= min(nodes) < 60
    assert 190 < max(nodes) <= 200
    sizes = np.concatenate([graph.arrays.size for graph in drawn])
    # Some 12,500 of them: the errors are about 0.09 and 0.06.
    assert sizes.mean() == pytest.approx(50, abs=0.4)
    assert sizes.std() == pytest.approx(10, abs=0.3)
    work = np.concatenate([graph.arrays.work for graph in drawn if graph.arrays.work is not None])
    microseconds = np.rint(work * 1e6)
    np.testing.assert_allclose(work, microseconds * 1e-6, rtol=1e-12)
    assert microseconds.mean() == pytest.approx(50, abs=0.6)
    assert 10 < microseconds.std() < 14
    own = np.concatenate([graph.arrays.size[:-1] for graph in drawn])
    assert np.corrcoef(microseconds, own)[0, 1] > 0.1


@given(st.integers(5, 60), SEEDS)
def test_random_models_have_their_edges(num_nodes: int, seed: int) -> None:
    """No loops, no edge twice, and as many as the parameters say."""
    stream = Stream(seed)
    many = models.erdos_renyi(stream, num_nodes, probability=1.0)
    assert many.shape == (2, num_nodes * (num_nodes - 1) // 2)
    scale_free = models.barabasi_albert(stream, num_nodes, num_edges=2)
    assert scale_free.shape == (2, 2 * (num_nodes - 2))
    assert min(Counter(scale_free.ravel().tolist()).values()) >= 1
    small_world = models.watts_strogatz(stream, num_nodes, degree=4, rewiring=0.5)
    assert small_world.shape == (2, 2 * num_nodes)
    groups = models.stochastic_block(stream, num_nodes, num_groups=4, inside=1.0, across=0.0)
    sizes = Counter(node * 4 // num_nodes for node in range(num_nodes)).values()
    assert groups.shape == (2, sum(size * (size - 1) // 2 for size in sizes))
    for edges in (many, scale_free, small_world, groups):
        directed = models.directed(edges, stream.permutation(num_nodes))
        assert (directed[0] < directed[1]).all()
        assert np.unique(directed, axis=1).shape == edges.shape
        assert edges.size == 0 or (edges.min() >= 0 and edges.max() < num_nodes)


def test_no_rewiring_leaves_the_ring() -> None:
    ring = models.watts_strogatz(Stream(0), 10, degree=4, rewiring=0.0)
    assert {(other - node) % 10 for node, other in ring.T.tolist()} == {1, 2}


def test_random_numbers_follow_their_laws() -> None:
    """Means and variances are near what they should be; whole numbers are below their limits, each as often."""
    stream, count = Stream(1), 100_000
    uniform = stream.uniforms(count)
    assert 0 <= uniform.min() <= uniform.max() < 1
    assert uniform.mean() == pytest.approx(0.5, abs=0.005)
    normal = stream.normals(count)
    assert normal.mean() == pytest.approx(0, abs=0.02)
    assert normal.std() == pytest.approx(1, abs=0.01)
    heavy = stream.heavy(count)
    assert heavy.min() >= 0.5
    # P(heavy > x) = 1 / (4 x^2).
    assert (heavy > 5).mean() == pytest.approx(0.01, abs=0.002)
    times = Counter(stream.below(3, count).tolist())
    assert sorted(times) == [0, 1, 2]
    assert min(times.values()) > 0.32 * count
    times = Counter(stream.one_below(3) for _ in range(3000))
    assert sorted(times) == [0, 1, 2]
    assert min(times.values()) > 900
    assert sorted(stream.permutation(1000).tolist()) == list(range(1000))
    assert 2600 < sum(stream.happens(0.9) for _ in range(3000)) < 2800


@given(num_layers=st.integers(1, 12), width=st.integers(1, 5), num_reads=st.integers(1, 3), seed=SEEDS)
def test_layered_graphs_read_the_layer_before(num_layers: int, width: int, num_reads: int, seed: int) -> None:
    """So many nodes of it at most, and one from 2 to 8 layers before; all but the last layer are read."""
    graph = sg.generate.layered(
        num_layers=num_layers, width=width, num_reads=num_reads, skip_probability=1.0, seed=seed
    )
    assert graph.num_nodes == num_layers * width
    assert graph.num_tensors == graph.num_nodes + 1
    near, far = Counter[int](), Counter[int]()
    for node, reader in arcs_of(graph):
        distance = reader // width - node // width
        assert 1 <= distance <= 8
        (near if distance == 1 else far)[reader] += 1
    is_output = graph.arrays.is_output
    assert is_output is not None
    assert np.flatnonzero(is_output).tolist() == list(range((num_layers - 1) * width, num_layers * width))
    for node in range(graph.num_nodes):
        assert (1 <= near[node] <= num_reads) if node >= width else node not in near
        assert far[node] == (node >= 2 * width)
    assert readers(graph)[-1] == set(range(width))


def test_layered_work_has_a_heavy_tail() -> None:
    """The most expensive of many nodes outweighs what a law without a tail would ever give."""
    work = sg.generate.layered(num_layers=500, width=20).arrays.work
    assert work is not None
    assert work.min() >= 5e-6
    assert np.median(work) == pytest.approx(5e-6 * 2**0.5, rel=0.05)
    assert work.max() > 30 * work.mean()


@given(num_nodes=st.integers(2, 40), probability=st.sampled_from([0.0, 0.3, 0.7, 1.0]), seed=SEEDS)
def test_series_parallel_graphs_reduce_to_one_arc(num_nodes: int, probability: float, seed: int) -> None:
    """By taking out nodes with one way in and one way out (Valdes, Tarjan and Lawler)."""
    graph = sg.generate.series_parallel(num_nodes=num_nodes, parallel_probability=probability, seed=seed)
    assert graph.num_nodes == num_nodes
    arcs = arcs_of(graph)
    if probability == 0:
        assert arcs == set(itertools.pairwise(range(num_nodes)))
    inner = set(range(1, num_nodes - 1))
    while inner:
        into = {node: {arc for arc in arcs if arc[1] == node} for node in inner}
        out = {node: {arc for arc in arcs if arc[0] == node} for node in inner}
        node = next(node for node in inner if len(into[node]) == len(out[node]) == 1)
        ((before, _),), ((_, after),) = into[node], out[node]
        arcs = (arcs - into[node] - out[node]) | {(before, after)}
        inner.remove(node)
    assert arcs == {(0, num_nodes - 1)}


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
