"""Functions with a backward pass of JAX: each equation of it is in the layer of the one that it comes from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import slicegraph as sg

jax = pytest.importorskip("jax")
jnp = jax.numpy

WIDTH = 8
DEVICE = sg.Device(flops=1e9, memory_bandwidth=1e9, bandwidth=4e9)
LAYERS = 4


def block(weights: Any, x: Any) -> Any:
    up, bias, down = weights
    return x + jnp.tanh(x @ up + bias) @ down


def shape(*dims: int) -> Any:
    return jax.ShapeDtypeStruct(dims, "float32")


WEIGHTS = (shape(WIDTH, WIDTH), shape(WIDTH), shape(WIDTH, WIDTH))
STACKED = jax.tree.map(lambda leaf: shape(LAYERS, *leaf.shape), WEIGHTS)
X = shape(2, WIDTH)


def mean_square(x: Any) -> Any:
    return jnp.mean(x**2)


def unrolled(apply: Callable[..., Any]) -> Callable[..., Any]:
    def loss(layers: Any, x: Any) -> Any:
        for index, weights in enumerate(layers):
            with jax.named_scope(f"h.{index}"):
                x = apply(weights, x)
        return mean_square(x)

    return loss


def in_a_loop(layers: Any, x: Any) -> Any:
    return mean_square(jax.lax.scan(lambda x, weights: (block(weights, x), None), x, layers)[0])


def traced(loss: Callable[..., Any], layers: Any, **options: Any) -> sg.Graph:
    return sg.from_jax(jax.value_and_grad(loss), (layers, X), training=True, **options)


def layers_by_name(graph: sg.Graph) -> list[tuple[str, str]]:
    """Give, for each backward node, its name and that of the forward node of its layer."""
    arrays = graph.arrays
    assert arrays.is_backward is not None
    assert arrays.kernel is not None
    assert arrays.node_name is not None
    nodes = [node for node in range(graph.num_nodes) if arrays.is_backward[node]]
    assert all(arrays.kernel[node] >= 0 for node in nodes)
    return [(arrays.node_name[node], arrays.node_name[arrays.kernel[node]]) for node in nodes]


@pytest.mark.parametrize("apply", [block, jax.checkpoint(block)], ids=["kept", "recomputed"])
def test_what_a_layer_becomes_in_the_backward_pass_is_in_that_layer(apply: Callable[..., Any]) -> None:
    """Scopes, by which this is told here, are passed over for layers that stand in none; see the next test."""
    pairs = layers_by_name(traced(unrolled(apply), [WEIGHTS] * LAYERS))
    scoped = [pair for pair in pairs if pair[0].startswith("h.")]
    assert len(scoped) > 10 * LAYERS
    assert [pair for pair in scoped if pair[0].partition("/")[0] != pair[1].partition("/")[0]] == []
    assert all("/backward/" in name for name, _ in scoped)


def test_layers_that_share_their_lines_are_told_apart_by_data_flow() -> None:
    """Of each layer in a loop; its products have the forward product of the same iteration."""
    graph = traced(in_a_loop, STACKED)
    for name, layer in layers_by_name(graph):
        if name.startswith("scan."):
            assert name.split("/")[1] == layer.split("/")[1], (name, layer)
        if "dot_general" in name:
            assert "dot_general" in layer


def test_gradients_of_stacked_layers_are_not_stacked() -> None:
    """So a loop is the graph of the layers one by one."""
    graph, flat = traced(in_a_loop, STACKED), traced(unrolled(block), [WEIGHTS] * LAYERS)
    assert "concatenate" not in graph.arrays.op
    assert sorted(graph.arrays.op) == sorted(flat.arrays.op)
    for num_blocks in (2, 3):
        solved = [sg.solve(sg.Instance(each, device=DEVICE, num_blocks=num_blocks)) for each in (graph, flat)]
        assert solved[0].status is sg.Status.OPTIMAL
        assert solved[0].bottleneck == solved[1].bottleneck


def test_a_layer_is_in_one_stage_and_its_certificate_holds() -> None:
    graph = traced(unrolled(block), [WEIGHTS] * LAYERS)
    result = sg.solve(sg.Instance(graph, device=DEVICE, num_blocks=3))
    kernel = graph.arrays.kernel
    assert kernel is not None
    stage_of: dict[int, int] = {}
    for node, layer in enumerate(kernel.tolist()):
        if layer >= 0:
            assert stage_of.setdefault(layer, int(result.block_of[node])) == result.block_of[node]
    assert len(set(stage_of.values())) == 3
    assert sg.check(graph, result.certificate).gap == 0
    grained = sg.grain(graph)
    assert [group.name for group in grained] == [f"h.{index}" for index in range(LAYERS)]


def test_what_steps_an_optimizer_is_with_the_parameter_that_it_changes() -> None:
    def step(layers: Any, x: Any) -> Any:
        gradients = jax.grad(unrolled(block))(layers, x)
        return jax.tree.map(lambda weight, gradient: weight - 0.1 * gradient, layers, gradients)

    graph = sg.from_jax(step, ([WEIGHTS] * LAYERS, X), training=True)
    changed = [
        pair
        for pair in layers_by_name(graph)
        if pair[0].rpartition("/")[2].startswith("sub.") and not pair[0].startswith("h.")
    ]
    updated = [layer.partition("/")[0] for name, layer in changed if name.count("/") == 1]
    assert updated
    for name, layer in changed:
        if name[0].isdigit():
            assert layer.startswith(f"h.{name[0]}/"), (name, layer)


def test_a_function_without_a_backward_pass_is_refused() -> None:
    with pytest.raises(sg.InputError, match=r"training: no node is of a backward pass, as jax\.grad"):
        sg.from_jax(unrolled(block), ([WEIGHTS], X), training=True)
    with pytest.raises(sg.InputError, match="training = 1, but it is"):
        sg.from_jax(unrolled(block), ([WEIGHTS], X), training=1)  # type: ignore[arg-type] # what is tested
