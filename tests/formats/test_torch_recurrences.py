"""Recurrent modules of several layers: a node for each layer, and the results of the whole."""

from __future__ import annotations

from typing import Any

import pytest

import slicegraph as sg
from traced import stored

torch = pytest.importorskip("torch", reason="PyTorch is optional, and large")

MODULES: dict[str, dict[str, Any]] = {
    "LSTM": {},
    "GRU both ways": {"bidirectional": True},
    "LSTM both ways": {"bidirectional": True, "proj_size": 3},
    "RNN without biases": {"bias": False, "batch_first": True},
    "GRU with dropout that is off": {"dropout": 0.5},
}


def _graph(module: Any) -> sg.Graph:
    return sg.from_torch(module, (torch.ones(5, 2, 6),))


@pytest.mark.filterwarnings("ignore:The tensor attributes", "ignore:LSTM with projections")
@pytest.mark.parametrize("name", MODULES)
def test_each_layer_is_a_node_with_its_own_parameters(name: str) -> None:
    """Work and parameters add up to those of the one node that PyTorch's own export has."""
    module = getattr(torch.nn, name.partition(" ")[0])(6, 8, num_layers=3, **MODULES[name]).eval()
    graph = _graph(module)
    whole = sg.from_torch(torch.export.export(module, (torch.ones(5, 2, 6),)))
    assert [op for op in graph.arrays.op if op != "cat"] == [whole.arrays.op[0]] * 3
    assert graph.arrays.flops is not None
    assert whole.arrays.flops is not None
    assert graph.arrays.flops.sum() == whole.arrays.flops.sum()
    assert stored(graph.arrays) == stored(whole.arrays)
    x = torch.randn(5, 2, 6)
    with torch.no_grad():
        for one, other in zip(_leaves(graph.program.module()(x)), _leaves(module(x)), strict=True):
            assert torch.equal(one, other)


def _leaves(value: Any) -> list[Any]:
    return [leaf for part in value for leaf in _leaves(part)] if isinstance(value, tuple) else [value]


def test_layers_can_be_cut() -> None:
    """Three layers that take as long, in three stages; last states without a reader are not stacked."""

    class Last(torch.nn.Module):  # type: ignore[misc,name-defined] # its type is not known where it is not installed
        def __init__(self) -> None:
            super().__init__()
            self.layers = torch.nn.LSTM(64, 64, num_layers=3)

        def forward(self, x: Any) -> Any:
            return self.layers(x)[0]

    graph = sg.from_torch(Last().eval(), (torch.ones(5, 2, 64),))
    assert list(graph.arrays.op) == ["lstm"] * 3
    result = sg.solve(sg.Instance(graph, device=sg.Device.preset("testbed"), num_blocks=3), stop=sg.MaxRuntime(5))
    assert result.block_of.tolist() == [0, 1, 2]


def test_dropout_at_work_and_packed_sequences_stay_whole() -> None:
    module = torch.nn.LSTM(6, 8, num_layers=2, dropout=0.5).train()
    assert list(_graph(module).arrays.op).count("lstm") == 1
    before = torch._VF.lstm  # noqa: SLF001 - what is set anew while a module is exported
    _graph(torch.nn.LSTM(6, 8, num_layers=2).eval())
    assert torch._VF.lstm is before  # noqa: SLF001 - likewise
