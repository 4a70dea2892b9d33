"""Operators that read a part of a table: what they gather, or the experts that a token is routed to."""

from __future__ import annotations

from typing import Any, Final

from torch.fx import Node

from slicegraph.formats.torch.nodes import argument, dims, name_of, operands
from slicegraph.formats.torch.vals import numel

_GATHERING: Final = frozenset({"embedding", "gather", "index", "index_select", "take", "take_along_dim"})
_BAGS: Final = frozenset({"_embedding_bag", "_embedding_bag_forward_only", "embedding_bag"})
_GROUPED: Final = frozenset({"_grouped_mm", "_scaled_grouped_mm", "_scaled_grouped_mm_v2"})
_MATRIX, _STACK = 2, 3


def gathered(node: Node) -> tuple[int, int] | None:
    """Give which operand is a table, and how many bytes are read of it; None: all operands are read whole."""
    op = name_of(node)
    if op in _GATHERING:
        table = _val(node, 0)
        return 0, numel(node.meta["val"]) * int(table.dtype.itemsize)
    if op in _BAGS:
        # Rows are added up: one for each index.
        table = _val(node, 0)
        return 0, numel(argument(node, "indices").meta["val"]) * int(table.shape[-1]) * int(table.dtype.itemsize)
    if op not in _GROUPED:
        return None
    rows, matrices = dims(_val(node, 0)), dims(_val(node, 1))
    if (len(rows), len(matrices)) != (_MATRIX, _STACK) or operands(node)[0] is operands(node)[1]:
        return None
    # Of the matrices of all groups no more than there are rows to multiply.
    one = numel(_val(node, 1)) // max(1, matrices[0]) * int(_val(node, 1).dtype.itemsize)
    return 1, one * min(rows[0], matrices[0])


def _val(node: Node, position: int) -> Any:  # noqa: ANN401 - a tensor
    return operands(node)[position].meta["val"]
