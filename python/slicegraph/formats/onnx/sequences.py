"""How long a sequence is, and how big: ONNX types say neither.

A sequence of unknown length counts as its element once.  Its elements may differ in shape, so sizes are added up from
what goes in where the operator allows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from onnx import NodeProto

from slicegraph.formats.onnx.nodes import attribute
from slicegraph.formats.onnx.values import Value


def sized(node: NodeProto, inputs: Sequence[Value | None], output: Value) -> Value:
    """Give a node's output the length and size that its operator implies, if it is a sequence or a map."""
    kind = output.type.WhichOneof("value")
    sizes = [value.nbytes for value in inputs if value is not None]
    if kind == "map_type" or (kind == "sequence_type" and output.type.sequence_type.elem_type.HasField("map_type")):
        # A map names what it is made from: its own size is nowhere stated.
        return replace(output, nbytes=sizes[0] if sizes else None)
    if kind != "sequence_type":
        return output
    first = inputs[0] if inputs else None
    if node.op_type == "SequenceConstruct":
        return replace(output, items=len(sizes), nbytes=_total(sizes))
    if first is None:
        return replace(output, items=0, nbytes=0) if node.op_type == "SequenceEmpty" else output
    return _derived(node, inputs, first, output)


def _derived(node: NodeProto, inputs: Sequence[Value | None], first: Value, output: Value) -> Value:
    items = first.items
    if node.op_type == "SequenceInsert":
        nbytes = _total([value.nbytes for value in inputs[:2] if value is not None])
        return replace(output, items=None if items is None else items + 1, nbytes=nbytes)
    if node.op_type == "SequenceErase" and items and first.nbytes is not None:
        return replace(output, items=items - 1, nbytes=first.nbytes - first.nbytes // items)
    if node.op_type == "SplitToSequence":
        return replace(output, items=_pieces(node, first, inputs[1] if len(inputs) > 1 else None), nbytes=first.nbytes)
    return replace(output, items=items, nbytes=first.nbytes) if node.op_type == "Identity" else output


def repeated(sequence: Value, items: int | None) -> Value:
    """Give a sequence that counts as one element a length."""
    nbytes = None if sequence.nbytes is None else sequence.nbytes * (1 if items is None else items)
    return replace(sequence, items=items, nbytes=nbytes)


def _pieces(node: NodeProto, whole: Value, split: Value | None) -> int | None:
    if whole.shape is None:
        return None
    axis = attribute(node, "axis")
    length = whole.dim(axis.i if axis else 0)
    if split is None:
        return length
    if split.shape:
        return split.dim(0)
    return None if split.scalar is None else -(-length // max(1, split.scalar))


def _total(sizes: Sequence[int | None]) -> int | None:
    known = [size for size in sizes if size is not None]
    return sum(known) if len(known) == len(sizes) else None
