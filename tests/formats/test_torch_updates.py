"""What PyTorch's operators change of their first operand, against the elements that differ after running them."""

from __future__ import annotations

from typing import Any

import pytest

import slicegraph as sg

torch = pytest.importorskip("torch", reason="PyTorch is optional, and large")
tensor = torch.zeros


class _Step(torch.nn.Module):  # type: ignore[misc, name-defined] # its type is not known where it is not installed
    """A decoding step that writes to a cache by one of several means."""

    def __init__(self, means: str) -> None:
        super().__init__()
        self.means = means
        self.register_buffer("cache", tensor(8, 512, 16))

    def forward(self, row: Any, at: Any) -> Any:
        cache = self.cache
        if self.means == "index_copy":
            cache.index_copy_(1, at, row[:, None])
        elif self.means == "select":
            cache[:, 5] = row
        elif self.means == "index_put":
            cache[:, at] = row[:, None]
        elif self.means == "scatter":
            cache.scatter_(1, at.view(1, 1, 1).expand(8, 1, 16), row[:, None])
        elif self.means == "part of a part":
            cache[:, 3:7][:, 1] = row
        elif self.means == "reshaped":
            cache.view(8 * 512, 16)[:8] = row
        elif self.means == "twice":
            cache[:, 5] = row
            cache[:, 6] = row
        elif self.means == "old value wanted":
            before = cache.sum(1)
            cache[:, 5] = row
            return before
        return cache[:, :1].sum(1) + row


def _moved(module: Any) -> int:
    with torch.no_grad():
        arrays = sg.from_torch(module.eval(), (tensor(8, 16), tensor(1, dtype=torch.int64))).arrays
    assert arrays.read_bytes is not None
    assert arrays.write_bytes is not None
    return sum(
        int(read + written)
        for op, read, written in zip(arrays.op, arrays.read_bytes, arrays.write_bytes, strict=True)
        if op != "sum"
    )


@pytest.mark.parametrize(
    "means", ["index_copy", "select", "index_put", "scatter", "part of a part", "reshaped", "twice", "old value wanted"]
)
def test_a_row_is_written_and_no_cache_is_copied(means: str) -> None:
    """However a row gets into a cache, it moves some rows: the cache has 512."""
    assert _moved(_Step(means)) < 12 * 8 * 16 * 4


def test_a_changed_copy_is_one_where_the_old_value_is_needed() -> None:
    """A function that changes a copy and needs both, or that changes what its caller keeps, moves all of it."""
    size = 8 * 512 * 16 * 4

    class Both(torch.nn.Module):  # type: ignore[misc, name-defined] # see above
        def forward(self, x: Any, at: Any) -> Any:
            cache = x.repeat(512, 1, 1)
            return cache.index_fill(0, at, 1.0) + cache

    class Lent(torch.nn.Module):  # type: ignore[misc, name-defined] # see above
        def __init__(self) -> None:
            super().__init__()
            self.table = torch.nn.Parameter(tensor(8, 512, 16))

        def forward(self, x: Any, at: Any) -> Any:
            return self.table.index_copy(1, at, x[:, None])

    assert _moved(Both()) > 4 * size
    assert _moved(Lent()) >= 2 * size


CHANGES: dict[str, tuple[Any, Any]] = {
    "rows": (torch.ops.aten.index_copy.default, lambda x: (x, 0, torch.tensor([2, 4]), torch.ones(2, 5))),
    "filled rows": (torch.ops.aten.index_fill.int_Scalar, lambda x: (x, 1, torch.tensor([3]), 1.0)),
    "added rows": (torch.ops.aten.index_add.default, lambda x: (x, 0, torch.tensor([2, 4]), torch.ones(2, 5))),
    "places": (torch.ops.aten.scatter.src, lambda x: (x, 0, torch.tensor([[1, 2], [3, 0]]), torch.ones(2, 2))),
    "a piece": (torch.ops.aten.slice_scatter.default, lambda x: (x, torch.ones(2, 5), 0, 1, 3)),
    "a row": (torch.ops.aten.select_scatter.default, lambda x: (x, torch.ones(5), 0, -1)),
    "a diagonal": (torch.ops.aten.diagonal_scatter.default, lambda x: (x, torch.ones(5))),
    "by indices": (
        torch.ops.aten.index_put.default,
        lambda x: (x, [torch.tensor([[0], [1]]), torch.tensor([2, 3])], torch.tensor(1.0)),
    ),
    "by one index": (torch.ops.aten.index_put.default, lambda x: (x, [None, torch.tensor([2, 3])], torch.tensor(1.0))),
}


@pytest.mark.parametrize("name", CHANGES)
def test_the_change_is_what_differs_afterwards(name: str) -> None:
    """Ones are written to zeros: the bytes that change are those of the ones."""
    from slicegraph.formats.torch.updates import changed_bytes  # noqa: PLC0415 - where PyTorch is installed

    target, arguments = CHANGES[name]
    args = arguments(torch.zeros(6, 5))
    graph = torch.fx.Graph()

    def enter(value: Any) -> Any:
        if not isinstance(value, torch.Tensor):
            return [enter(each) for each in value] if isinstance(value, list) else value
        node = graph.placeholder("x")
        node.meta["val"] = value
        return node

    node = graph.call_function(target, tuple(enter(value) for value in args))
    assert changed_bytes(node) == 4 * int(target(*args).count_nonzero())
