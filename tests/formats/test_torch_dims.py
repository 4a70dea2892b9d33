"""Symbolic dimensions get sizes: the graph is then that of a program which was exported with them."""

from __future__ import annotations

from typing import Any

import pytest

import slicegraph as sg

torch = pytest.importorskip("torch", reason="PyTorch is optional, and large")
_Module: Any = torch.nn.Module


class _Mixing(_Module):  # type: ignore[misc] # its type is not known where it is not installed
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(6, 4)

    def forward(self, x: Any, y: Any) -> Any:
        z = torch.cat([self.layer(x), y]).t().reshape(-1)
        return z + x.shape[0], z.expand(3, -1) * 2


def _program() -> Any:
    batch, other = torch.export.Dim("batch", min=2, max=64), torch.export.Dim("other", max=64)
    args = torch.ones(4, 6), torch.ones(5, 4)
    return torch.export.export(_Mixing(), args, dynamic_shapes=({0: batch}, {0: other}))


@pytest.mark.parametrize(("batch", "other"), [(7, 3), (64, 2)])
def test_a_dynamic_program_is_traced_as_one_of_its_sizes(batch: int, other: int) -> None:
    """By the names of the dimensions."""
    fixed = sg.from_torch(_Mixing(), (torch.ones(batch, 6), torch.ones(other, 4)))
    graph = sg.from_torch(_program(), dims={"batch": batch, "other": other})
    assert graph.arrays.node_name == fixed.arrays.node_name
    assert graph.arrays.size.tolist() == fixed.arrays.size.tolist()
    for name in ("flops", "read_bytes", "write_bytes", "param_bytes"):
        assert getattr(graph.arrays, name).tolist() == getattr(fixed.arrays, name).tolist()


def test_symbols_are_dimensions_too() -> None:
    """Also one that depends on the values of a tensor."""

    class Model(_Module):  # type: ignore[misc] # see above
        def forward(self, x: Any) -> Any:
            return x.nonzero() + 1

    with pytest.raises(sg.InputError, match=r"has the symbolic dimension u0: .*dims=\{'u0': SIZE\}$"):
        sg.from_torch(Model(), (torch.ones(5),))
    graph = sg.from_torch(Model(), (torch.ones(5),), dims={"u0": 3})
    assert graph.arrays.size.tolist() == [20, 24, 24]


def test_sizes_that_do_not_fit_are_refused() -> None:
    """With the names and ranges that there are."""
    program = _program()
    with pytest.raises(
        sg.InputError, match=r"^ExportedProgram: dims: 's' is no dimension of the program, but b.*other"
    ):
        sg.from_torch(program, dims={"s": 4})
    with pytest.raises(sg.InputError, match=r"dims: s\d+ = 65, but the program was exported for 2\.\.64$"):
        sg.from_torch(program, dims={"batch": 65, "other": 2})
    with pytest.raises(sg.InputError, match=r"has the symbolic dimension .*, or given: dims="):
        sg.from_torch(program, dims={"batch": 4})
    with pytest.raises(sg.InputError, match=r"dims: 'batch' is no dimension of the program, but none is symbolic$"):
        sg.from_torch(_Mixing(), (torch.ones(4, 6), torch.ones(5, 4)), dims={"batch": 4})
