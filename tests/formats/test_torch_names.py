"""Nodes of a traced graph are nodes of the user's own export, by name and by what they make."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import slicegraph as sg

torch = pytest.importorskip("torch", reason="PyTorch is optional, and large")
nn = torch.nn
_Module: Any = torch.nn.Module


class _Calling(_Module):  # type: ignore[misc] # its type is not known where it is not installed
    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function, self.layer = function, nn.Linear(4, 4)
        self.register_buffer("state", torch.zeros(4, 4))

    def forward(self, x: Any) -> Any:
        return self.function(self, x)


def _in_place(module: Any, x: Any) -> Any:
    x = x.clone()
    first, second = x.chunk(2, dim=1)
    x[:, 1] = x[:, 0] * 2
    module.state.add_(x)
    return first @ second.t() + module.layer(module.state)


def _halves(module: Any, x: Any) -> Any:
    halves = [part.contiguous().relu() for part in module.layer(x).split(2, dim=1)]
    return torch.cat(halves, 1).t().reshape(-1).to(torch.float64).flatten()


def _apart(module: Any, x: Any) -> Any:
    with torch.no_grad():
        y = torch.relu(module.layer(x))
        z = y * 2
    return module.layer(z) + y


MODELS: dict[str, tuple[Any, Any]] = {
    "in place": (_Calling(_in_place), (4, 4)),
    "views and copies": (_Calling(_halves), (4, 4)),
    "without gradients": (_Calling(_apart), (4, 4)),
    "encoder": (nn.Sequential(nn.Linear(8, 8), nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)), (2, 3, 8)),
    "convolutions": (nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Hardswish(), nn.Flatten()), (1, 3, 8, 8)),
    "recurrence": (nn.LSTM(4, 4, 2, batch_first=True), (1, 3, 4)),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("strict", [False, True])
def test_nodes_are_called_as_in_the_users_own_export(name: str, *, strict: bool) -> None:
    """The path is that of a module, the last part that of a node which makes a value of the same size."""
    module, shape = MODELS[name]
    graph = sg.from_torch(module.eval(), (torch.ones(shape),), strict=strict)
    arrays = graph.arrays
    own = {node.name: node for node in graph.program.graph.nodes}
    paths = {path for path, _ in module.named_modules()}
    assert arrays.node_name is not None
    assert len(set(arrays.node_name)) == graph.num_nodes
    for index, called in enumerate(arrays.node_name):
        *path, last = called.split("/")
        assert last in own
        assert "/".join(path) in paths or name == "without gradients"
        val = own[last].meta["val"]
        made = arrays.size[np.flatnonzero(arrays.producer == index)].tolist()
        # What a change in place makes is the whole, of which the user's node shows a part.
        if isinstance(val, torch.Tensor) and made and last != "copy_":
            assert made == [val.numel() * val.element_size()]


def test_what_is_kept_apart_is_several_nodes() -> None:
    """Each of those under ``torch.no_grad`` can be cut, and has the name of the one that runs them all."""
    names = sg.from_torch(MODELS["without gradients"][0].eval(), (torch.ones(4, 4),)).arrays.node_name
    assert names is not None
    assert [name.split("/")[-1] for name in names] == [*["wrap_with_set_grad_enabled"] * 3, "linear_1", "add"]
    assert names[1] == "relu/wrap_with_set_grad_enabled"


def test_the_traced_program_can_be_had() -> None:
    """It is the one that was given, or a new one; a graph that was not traced has none, and a pickle neither."""
    module, x = MODELS["convolutions"][0].eval(), torch.ones(1, 3, 8, 8)
    program = torch.export.export(module, (x,))
    assert sg.from_torch(program).program is program
    graph = sg.from_torch(module, (x,))
    assert torch.equal(graph.program.module()(x), module(x))
    assert sg.Graph(work=[1], producer=[], size=[], consumers=[], consumer_offsets=[0]).program is None
