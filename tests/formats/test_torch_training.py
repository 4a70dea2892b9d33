"""Models of PyTorch with their backward pass: each node of it is in the layer of the operator that it comes from."""

from __future__ import annotations

import pytest

import slicegraph as sg
from torch_models import Calling, Gpt

torch = pytest.importorskip("torch", reason="PyTorch is optional, and large")
nn = torch.nn
WIDTH = 8


def layers_by_name(graph: sg.Graph) -> list[tuple[str, str | None]]:
    """Give, for each backward node, its name and that of the forward node of its layer."""
    arrays = graph.arrays
    assert arrays.is_backward is not None
    assert arrays.kernel is not None
    assert arrays.node_name is not None
    names = arrays.node_name
    layers = arrays.kernel.tolist()
    backward = [node for node in range(graph.num_nodes) if arrays.is_backward[node]]
    return [(names[node], names[layers[node]] if layers[node] >= 0 else None) for node in backward]


def test_what_a_module_becomes_in_the_backward_pass_is_with_it() -> None:
    """Three products for each in the forward pass, but for the first, whose input takes no gradient."""
    layers = [nn.Linear(WIDTH, WIDTH), nn.GELU(), nn.BatchNorm1d(WIDTH), nn.Linear(WIDTH, WIDTH)]
    graph = sg.from_torch(nn.Sequential(*layers), (torch.ones(2, WIDTH),), training=True)
    pairs = layers_by_name(graph)
    for name, layer in pairs:
        assert layer is not None
        assert name.split("/")[:2] == [layer.split("/")[0], "backward"]
    ops = list(graph.arrays.op)
    assert ops.count("addmm") == 2
    assert ops.count("mm") == 3
    assert ops.count("native_batch_norm_backward") == 1
    assert graph.arrays.flops is not None
    assert (
        sum(graph.arrays.flops[node] for node, op in enumerate(ops) if "mm" in op) == 5 * 2 * 2 * WIDTH**2 + 4 * WIDTH
    )


def test_a_residual_stream_takes_its_gradients_along() -> None:
    """Layers of a transformer: all of a layer's backward is in its forward's layer, and a layer's grain has both."""
    graph = sg.from_torch(Gpt(tied=False, layers=3), (torch.zeros(1, 6, dtype=torch.int64),), training=True)
    for name, layer in layers_by_name(graph):
        assert layer is not None
        if name.startswith("h."):
            assert layer.split("/")[0].split(".")[:2] == name.split("/")[0].split(".")[:2]
    result = sg.solve(sg.Instance(graph, device=sg.Device.preset("a100"), num_blocks=3), stop=sg.MaxRuntime(20))
    assert result.status is sg.Status.OPTIMAL
    assert sg.check(graph, result.certificate).gap == 0


def test_parameters_that_are_frozen_have_no_backward() -> None:
    model = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH))
    for weight in model[0].parameters():
        weight.requires_grad_(requires_grad=False)
    names = [name for name, _ in layers_by_name(sg.from_torch(model, (torch.ones(2, WIDTH),), training=True))]
    assert names
    assert all(name.startswith("1/") for name in names)
    for weight in model.parameters():
        weight.requires_grad_(requires_grad=False)
    with pytest.raises(sg.InputError, match="Sequential: training: no parameter requires a gradient"):
        sg.from_torch(model, (torch.ones(2, WIDTH),), training=True)


def test_inputs_that_are_returned_are_passed_over() -> None:
    layer = nn.Linear(WIDTH, WIDTH)
    model = Calling(lambda x: (layer(x), x, x.view(-1)))
    model.layer = layer
    graph = sg.from_torch(model, (torch.ones(2, WIDTH),), training=True)
    assert list(graph.arrays.op).count("mm") == 1


def test_sizes_of_symbolic_dimensions_are_given() -> None:
    batch = torch.export.Dim("batch")
    model, x = nn.Linear(WIDTH, WIDTH), torch.ones(3, WIDTH)
    program = torch.export.export(model, (x,), dynamic_shapes=({0: batch},))
    graph = sg.from_torch(program, dims={"batch": 5}, training=True)
    assert graph.digest == sg.from_torch(model, (torch.ones(5, WIDTH),), name="ExportedProgram", training=True).digest
