"""Graphs of random families, and the random numbers below: what the laws in their docstrings say."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import slicegraph as sg
from generated import MODELS, SEEDS, arcs_of, readers
from slicegraph.generate import models
from slicegraph.generate.stream import Stream


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
