"""Bytes that a node reads and writes: of a table the rows, of a cache what is new, of a changed copy the change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from slicegraph.formats.in_place import Placement
from slicegraph.formats.onnx.constants import attribute_bytes
from slicegraph.formats.onnx.nodes import Node
from slicegraph.formats.onnx.values import UNKNOWN, Value

# What they read of their first input is what they make.
_PICKING: Final = frozenset(
    {"DynamicSlice", "Gather", "GatherElements", "GatherND", "Slice", "Split", "com.microsoft.GatherND"}
)
# Where the tables stand of which rows are picked, and the indices of these.
_TABLES: Final[Mapping[str, tuple[tuple[int, ...], int]]] = {
    "com.microsoft.EmbedLayerNormalization": ((2, 3, 4), 0),
    "com.microsoft.GatherBlockQuantized": ((0, 2, 3), 1),
    "com.microsoft.QEmbedLayerNormalization": ((2, 3, 4), 0),
    "com.microsoft.TorchEmbedding": ((0,), 1),
}
# Each token is sent to ``k`` experts of as many as the second input scores; what is as long has a row for each expert.
_EXPERTS: Final = frozenset({"com.microsoft.MoE", "com.microsoft.MoEPacked", "com.microsoft.QMoE"})
# Where the changes stand that are made to a copy of the first input.
_UPDATES: Final[Mapping[str, int]] = {"Scatter": 2, "ScatterElements": 2, "ScatterND": 2, "TensorScatter": 1}
# Caches that go in and come out with new tokens, by position, and the axis of the tokens.
_CACHES: Final[Mapping[str, tuple[tuple[tuple[int, int], ...], int]]] = {
    "com.microsoft.Attention": (((4, 1),), 3),
    "com.microsoft.DecoderMaskedMultiHeadAttention": (((5, 1), (6, 2)), 2),
    "com.microsoft.DecoderMaskedSelfAttention": (((4, 1),), 3),
    "com.microsoft.DynamicSparseAttention": (((3, 1), (4, 2)), 2),
    "com.microsoft.GroupQueryAttention": (((3, 1), (4, 2)), 2),
    "com.microsoft.MultiHeadAttention": (((6, 1), (7, 2)), 2),
    "com.microsoft.PagedAttention": (((3, 1), (4, 2)), 1),
    "com.microsoft.SparseAttention": (((3, 1), (4, 2)), 2),
    "com.microsoft.SparsePagedAttention": (((3, 1), (4, 2)), 1),
}


CHANGING: Final = frozenset(_UPDATES)
"""The operators that make a changed copy of an input."""
# All others read and write whole values.
_PARTLY: Final = _PICKING | _TABLES.keys() | _EXPERTS | _UPDATES.keys() | _CACHES.keys()


def base(node: Node) -> str | None:
    """Name the input of which a node makes a changed copy; None: it makes none."""
    return node.stated.inputs[0] if node.op in _UPDATES else None


def moved(node: Node, used: AbstractSet[str], place: Placement | None) -> tuple[int, int]:
    """Give the bytes that a node reads and writes.

    Parameters
    ----------
    node
        A node whose values are known.
    used
        Names of the values that are read.
    place
        Where it puts a changed copy; None: it copies.
    """
    if node.op not in _PARTLY:
        write_bytes = 0
        for name, value in zip(node.stated.outputs, node.outputs, strict=True):
            if name in used and value is not None:
                own = value.nbytes
                write_bytes += value.counted_bytes() if own is None or value.stores else own
        return _read_all(node), write_bytes
    if place is Placement.WRITTEN_BACK:
        return 0, 0
    if place is Placement.IN_PLACE:
        changed = (node.input(_UPDATES[node.op]) or UNKNOWN).counted_bytes()
        is_combining = node.text("reduction", "none") != "none"
        rest = sum(value.counted_bytes() for name, value in node.reads.items() if name != base(node))
        return rest + changed * is_combining, changed
    written = {
        name: value.counted_bytes()
        for name, value in zip(node.stated.outputs, node.outputs, strict=True)
        if value is not None and name in used
    }
    if node.op in _CACHES:
        written |= {name: nbytes for name, nbytes in _caches(node).items() if name in written}
    write_bytes = sum(written.values())
    return _read(node, write_bytes), write_bytes


def _caches(node: Node) -> Mapping[str, int]:
    """Give the bytes that are written of each cache that comes out as long as it went in: those of the new tokens."""
    pairs, axis = _CACHES[node.op]
    found: dict[str, int] = {}
    for before, after in pairs:
        past, present = node.input(before), node.outputs[after] if after < len(node.outputs) else None
        if past is None or present is None or past.shape is None or past.shape != present.shape:
            continue
        query = node.input(0) or UNKNOWN
        is_paged = axis == 1
        new = query.dim(0) if is_paged else query.dim(1)
        length = past.dim(0) * past.dim(1) if is_paged else past.dim(axis)
        found[node.stated.outputs[after]] = present.counted_bytes() * min(new, length) // max(1, length)
    return found


def _read(node: Node, write_bytes: int) -> int:
    if node.op in _PICKING:
        table = node.input(0) or UNKNOWN
        others = {name: node.reads[name] for name in node.stated.inputs[1:] if name}
        # Of what is unpacked from a parameter, its part of what is stored.
        own = write_bytes * table.counted_bytes() // max(1, table.nbytes or table.counted_bytes())
        return own + sum(value.counted_bytes() for value in others.values())
    if node.op in _TABLES:
        return _read_rows(node, *_TABLES[node.op])
    if node.op in _EXPERTS:
        return _read_experts(node)
    return _read_all(node)


def _read_all(node: Node) -> int:
    read_bytes = attribute_bytes(node) if "." in node.op else 0
    for value in node.read:
        # What is computed is as big as it is; this is the most common case.
        own = value.nbytes
        read_bytes += value.counted_bytes() if own is None or value.stores else own
    return read_bytes


def _read_experts(node: Node) -> int:
    """Count no more experts than there are choices, and all of the other inputs."""
    scores = node.input(1) or UNKNOWN
    experts = max(1, scores.dim(-1))
    picked = min(experts, scores.numel // experts * max(1, node.integer("k", 1)))
    rows = {id(value) for value in node.inputs[2:] if value is not None and value.dim(0) == experts}
    sizes = {id(value): value.counted_bytes() for value in node.read}
    return sum(size * picked // experts if key in rows else size for key, size in sizes.items())


def _read_rows(node: Node, positions: Sequence[int], indices: int) -> int:
    """Count a row of each table for each index, but no row twice, and all of the other inputs."""
    names = [node.stated.inputs[at] for at in positions if node.input(at) is not None]
    tables: dict[str, Value] = {name: node.reads[name] for name in names}
    picked, axis = (node.input(indices) or UNKNOWN).numel, node.integer("gather_axis", 0)
    rest = sum(value.counted_bytes() for name, value in node.reads.items() if name not in tables)
    lengths = {key: max(1, table.dim(axis)) for key, table in tables.items()}
    return rest + sum(
        table.counted_bytes() * min(picked, lengths[key]) // lengths[key] for key, table in tables.items()
    )
