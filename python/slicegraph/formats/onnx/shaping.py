"""What shape rules are made of: types, broadcasts, products, windows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest

from onnx import TensorProto

from slicegraph.formats.onnx.elementary import given
from slicegraph.formats.onnx.nodes import Node
from slicegraph.formats.onnx.values import Shape, Value, of_shape

ShapeRule = Callable[[Node], Sequence[Value]]
"""Gives what a node makes, by position, from its inputs and attributes; unknown dimensions stay unknown."""

FLOAT, STRING, INT64, INT32 = TensorProto.FLOAT, TensorProto.STRING, TensorProto.INT64, TensorProto.INT32


def kind(value: Value) -> int:
    """Give the type of a tensor's elements; 0: unknown."""
    return value.type.tensor_type.elem_type


def tensor(elem_type: int, shape: Sequence[int | None] | None) -> Value:
    """Make a tensor's value."""
    return of_shape(elem_type, None if shape is None else tuple(shape))


def size(value: Value, axis: int) -> int | None:
    """Give one dimension, or None where it is unknown or not there."""
    shape = value.shape or ()
    return shape[axis] if -len(shape) <= axis < len(shape) else None


def rank(value: Value) -> int | None:
    """Give the number of dimensions; None: unknown."""
    return None if value.shape is None else len(value.shape)


def like(position: int, *elem_types: int | None) -> ShapeRule:
    """Make as many outputs as there are types, all in the shape of one input; None: with its type, too."""

    def rule(node: Node) -> Sequence[Value]:
        value = given(node, position)
        return [tensor(kind(value) if each is None else each, value.shape) for each in elem_types or (None,)]

    return rule


def broadcast(*values: Value) -> Shape | None:
    """Broadcast shapes as ONNX does; None: one is unknown, or they do not fit."""
    result: list[int | None] = []
    for value in values:
        if value.shape is None:
            return None
        joint = []
        for old, new in zip_longest(reversed(result), reversed(value.shape), fillvalue=1):
            if old != new and 1 not in {old, new} and None not in {old, new}:
                return None
            joint.append(_joint(old, new))
        result = joint[::-1]
    return tuple(result)


def _joint(old: int | None, new: int | None) -> int | None:
    if old == 1:
        return new
    return new if old is None and new != 1 else old


def product(left: Shape | None, right: Shape | None) -> Shape | None:
    """Multiply matrices as MatMul does; None: one is unknown, or they do not fit."""
    if not left or not right:
        return None
    rows, columns = left[-2:-1], right[-1:] if len(right) > 1 else ()
    inner = right[-2] if len(right) > 1 else right[0]
    if None not in {left[-1], inner} and left[-1] != inner:
        return None
    batch = broadcast(tensor(FLOAT, left[:-2]), tensor(FLOAT, right[:-2]))
    return None if batch is None else (*batch, *rows, *columns)


def replaced(value: Value, axis: int, length: int | None) -> Shape | None:
    """Give a shape with one dimension replaced."""
    shape = value.shape
    if shape is None or not -len(shape) <= axis < len(shape):
        return None
    axis %= len(shape)
    return (*shape[:axis], length, *shape[axis + 1 :])


def windows(node: Node, lengths: Sequence[int | None], kernel: Sequence[int | None]) -> list[int | None]:
    """Count the places of a window along each spatial axis, by the attributes of Conv and of pools."""
    count = len(lengths)
    strides = node.integers("strides") or (1,) * count
    dilations = node.integers("dilations") or (1,) * count
    pads = node.integers("pads") or (0,) * (2 * count)
    mode, rounds_up = node.text("auto_pad", "NOTSET"), bool(node.integer("ceil_mode", 0))
    if len(strides) != count or len(dilations) != count or len(pads) != 2 * count or len(kernel) != count:
        return [None] * count
    places: list[int | None] = []
    for axis, (length, wide) in enumerate(zip(lengths, kernel, strict=True)):
        if length is None or wide is None or strides[axis] < 1:
            places.append(None)
            continue
        reach, stride = (wide - 1) * dilations[axis] + 1, strides[axis]
        if mode.startswith("SAME"):
            places.append(-(-length // stride))
            continue
        before, after = (0, 0) if mode == "VALID" else (pads[axis], pads[count + axis])
        room = length + before + after - reach
        number = (-(-room // stride) if rounds_up else room // stride) + 1
        # A window that begins in the padding at the end is none.
        places.append(number - 1 if rounds_up and (number - 1) * stride >= length + before else number)
    return places
