"""Operators that make a changed copy of their first operand: what they change of it."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any, Final

import torch
from torch.fx import Node

from slicegraph.formats.torch.nodes import argument, dims, name_of, operands
from slicegraph.formats.torch.vals import nbytes, numel

_PIECES: Final = frozenset({"as_strided_scatter", "diagonal_scatter", "select_scatter", "slice_scatter"})
_PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "as_strided": ("size", "stride", "storage_offset"),
    "diagonal": ("offset", "dim1", "dim2"),
    "select": ("dim", "index"),
    "slice": ("dim", "start", "end", "step"),
}
_BY_INDEX: Final = frozenset({"_unsafe_index_put", "index_put"})
_BY_POSITION: Final = frozenset({"scatter", "scatter_add", "scatter_reduce"})
_BY_ROW: Final = frozenset({"index_add", "index_copy", "index_fill", "index_reduce"})
_COMBINING: Final = frozenset({"index_add", "index_reduce", "scatter_add", "scatter_reduce"})


def changed_bytes(node: Node) -> int | None:
    """Give the bytes that a node changes of its first operand; None: it is no such operator."""
    op = name_of(node)
    if op not in _PIECES | _BY_INDEX | _BY_POSITION | _BY_ROW:
        return None
    base = operands(node)[0].meta["val"]
    if op in _PIECES:
        return nbytes(argument(node, "src").meta["val"], node.name)
    if op in _BY_INDEX:
        count = _indexed(base, argument(node, "indices"))
    else:
        count = numel(argument(node, "index").meta["val"])
        if op in _BY_ROW:
            dim = argument(node, "dim")
            count *= math.prod(dims(base)) // max(1, dims(base)[dim]) if dims(base) else 1
    return min(count, numel(base)) * int(base.dtype.itemsize)


def region(node: Node) -> Hashable:
    """Say which part of its first operand a node shows or changes, in terms that both have; None: in none."""
    op = name_of(node).removesuffix("_scatter")
    if op not in _PARTS:
        return None
    shape = dims(operands(node)[0].meta["val"])
    given = [argument(node, name) for name in _PARTS[op]]
    if op == "slice":
        dim, start, end, step = given
        length = shape[dim]
        return op, dim % len(shape), *slice(start, end, step).indices(length)
    return op, *(tuple(each) if isinstance(each, list | tuple) else each for each in given)


def is_combining(node: Node) -> bool:
    """Say whether a node combines what it changes with what stands in its place."""
    return name_of(node) in _COMBINING or bool(argument(node, "accumulate")) or argument(node, "reduce") is not None


def _indexed(base: Any, indices: Any) -> int:  # noqa: ANN401 - a tensor, and nodes in a list
    """Count the elements that lists of positions pick; a mask may pick all."""
    given = [part.meta["val"] for part in indices if isinstance(part, Node)]
    if any(part.dtype in {torch.bool, torch.uint8} for part in given):
        return numel(base)
    picked = math.prod(torch.broadcast_shapes(*map(dims, given)))
    rest = [length for axis, length in enumerate(dims(base)) if axis >= len(indices) or indices[axis] is None]
    return int(picked) * math.prod(rest)
