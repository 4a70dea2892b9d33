"""How long a sequence is, what it holds, and how big it is: ONNX types say none of it.

A sequence of unknown length counts as its element once.  Its elements may differ in shape, so sizes are added up from
what goes in where the operator allows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from onnx import NodeProto

from slicegraph.formats.onnx.elements import Elements
from slicegraph.formats.onnx.nodes import attribute, is_standard
from slicegraph.formats.onnx.values import Shape, Value, of_shape, varying

_MOST_PARTS: Final = 1 << 16

_Parts = tuple[Value, ...]


def sized(node: NodeProto, inputs: Sequence[Value | None], output: Value) -> Value:
    """Give a node's output what its operator implies beyond its type, if sequences or maps are in it."""
    kind = output.kind
    sizes = [value.nbytes for value in inputs if value is not None]
    if kind == "map_type" or (kind == "sequence_type" and output.type.sequence_type.elem_type.HasField("map_type")):
        # A map names what it is made from: its own size is nowhere stated.
        return output._replace(nbytes=sizes[0] if sizes else None)
    if not is_standard(node):
        return output
    first = inputs[0] if inputs else None
    if kind != "sequence_type":
        return output if first is None or first.parts is None else _taken(node, inputs, first.parts, output)
    output = output._replace(parts=_parts(node, inputs))
    if node.op_type == "SequenceConstruct":
        return output._replace(items=len(sizes), nbytes=_total(sizes))
    if first is None:
        return output._replace(items=0, nbytes=0) if node.op_type == "SequenceEmpty" else output
    return _derived(node, inputs, first, output)


def repeated(sequence: Value, items: int | None, parts: _Parts | None) -> Value:
    """Give a sequence that counts as one element a length, and what it holds."""
    nbytes = None if sequence.nbytes is None else sequence.nbytes * (1 if items is None else items)
    return sequence._replace(items=items, nbytes=nbytes, parts=parts)


def _derived(node: NodeProto, inputs: Sequence[Value | None], first: Value, output: Value) -> Value:
    items = first.items
    if node.op_type == "SequenceInsert":
        nbytes = _total([value.nbytes for value in inputs[:2] if value is not None])
        return output._replace(items=None if items is None else items + 1, nbytes=nbytes)
    if node.op_type == "SequenceErase" and items and first.nbytes is not None:
        return output._replace(items=items - 1, nbytes=first.nbytes - first.nbytes // items)
    if node.op_type == "SplitToSequence":
        return output._replace(items=_pieces(node, first, inputs[1] if len(inputs) > 1 else None), nbytes=first.nbytes)
    return output._replace(items=items, nbytes=first.nbytes) if node.op_type == "Identity" else output


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


def _taken(node: NodeProto, inputs: Sequence[Value | None], parts: _Parts, output: Value) -> Value:
    """Derive a tensor from a sequence of known parts."""
    if node.op_type == "SequenceLength":
        return output._replace(elements=Elements.of_array(np.array(len(parts), np.int64)))
    if output.nbytes is not None:
        return output
    if node.op_type == "SequenceAt":
        position = inputs[1].scalar if len(inputs) > 1 and inputs[1] else None
        if position is not None and -len(parts) <= position < len(parts):
            return parts[position]
    if node.op_type == "ConcatFromSequence" and (shape := _joined(node, parts)) is not None:
        return of_shape(parts[0].type.tensor_type.elem_type, shape)
    return output


def _joined(node: NodeProto, parts: _Parts) -> Shape | None:
    """Say what shape parts have when they are joined along an axis, a new one or their own; None: they do not fit."""
    found, new = attribute(node, "axis"), attribute(node, "new_axis")
    shapes = [part.shape for part in parts if part.shape is not None]
    if found is None or not parts or len(shapes) < len(parts):
        return None
    is_new = new is not None and bool(new.i)
    rank = len(shapes[0]) + is_new
    if not -rank <= found.i < rank:
        return None
    axis = found.i % rank
    if is_new:
        shapes = [(*shape[:axis], 1, *shape[axis:]) for shape in shapes]
    if any(len(shape) != rank for shape in shapes):
        return None
    if len({(shape[:axis], shape[axis + 1 :]) for shape in shapes}) > 1:
        return None
    lengths = [shape[axis] for shape in shapes]
    length = None if None in lengths else sum(each or 0 for each in lengths)
    return (*shapes[0][:axis], length, *shapes[0][axis + 1 :])


def _parts(node: NodeProto, inputs: Sequence[Value | None]) -> _Parts | None:
    """Say what the sequence that a node makes holds; None: that is not known."""
    first, second, third = (*inputs, None, None, None)[:3]
    if node.op_type == "SequenceConstruct":
        return tuple(varying(value) for value in inputs if value is not None)
    if node.op_type == "SequenceEmpty":
        return ()
    if node.op_type == "SplitToSequence":
        return None if first is None else _split(node, first, second)
    parts = None if first is None else first.parts
    if parts is not None and node.op_type == "SequenceInsert" and second is not None and len(parts) < _MOST_PARTS:
        return _inserted(parts, varying(second), third)
    if parts is not None and node.op_type == "SequenceErase":
        return _erased(parts, second)
    return parts if node.op_type == "Identity" else None


def _inserted(parts: _Parts, new: Value, position: Value | None) -> _Parts | None:
    if position is None:
        return (*parts, new)
    at = position.scalar
    if at is None:
        return (*parts, new) if all(part == new for part in parts) else None
    if not -len(parts) <= at <= len(parts):
        return None
    at = at + len(parts) if at < 0 else at
    return (*parts[:at], new, *parts[at:])


def _erased(parts: _Parts, position: Value | None) -> _Parts | None:
    at = -1 if position is None else position.scalar
    if not parts:
        return None
    if at is None:
        return parts[1:] if all(part == parts[0] for part in parts) else None
    if not -len(parts) <= at < len(parts):
        return None
    at %= len(parts)
    return parts[:at] + parts[at + 1 :]


def _split(node: NodeProto, whole: Value, split: Value | None) -> _Parts | None:
    """Cut a tensor along an axis: into pieces of 1, into equal ones with a rest, or as ``split`` says."""
    found, keep = attribute(node, "axis"), attribute(node, "keepdims")
    axis = found.i if found else 0
    if whole.shape is None or not -len(whole.shape) <= axis < len(whole.shape):
        return None
    axis %= len(whole.shape)
    length, before, after = whole.shape[axis], whole.shape[:axis], whole.shape[axis + 1 :]
    lengths = None if length is None else _lengths(length, split)
    if lengths is None:
        return None
    is_dropped = split is None and keep is not None and not keep.i
    elem_type = whole.type.tensor_type.elem_type
    pieces = {
        size: of_shape(elem_type, (*before, *after) if is_dropped else (*before, size, *after)) for size in {*lengths}
    }
    return tuple(pieces[size] for size in lengths)


def _lengths(length: int, split: Value | None) -> Sequence[int] | None:
    if split is None:
        return [1] * length if length <= _MOST_PARTS else None
    array = split.array
    if array is None or array.dtype.kind not in "iu":
        return None
    if array.ndim:
        sizes = [int(size) for size in array.ravel()]
        return sizes if min(sizes, default=0) >= 0 and sum(sizes) == length else None
    size = int(array)
    if size < 1 or length > size * _MOST_PARTS:
        return None
    return [size] * (length // size) + [length % size] * (length % size > 0)


def _total(sizes: Sequence[int | None]) -> int | None:
    known = [size for size in sizes if size is not None]
    return sum(known) if len(known) == len(sizes) else None
