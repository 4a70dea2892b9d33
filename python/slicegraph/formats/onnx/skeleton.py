"""The model without its weights: a file is scanned, and what its big tensors hold is skipped.

A reader of graphs needs shapes, not weights.  Scanning the file's own encoding and copying all but the weights keeps
memory far below the file's size, never touches external data, and has no 2 GB limit.  The encoding is that of
https://protobuf.dev/programming-guides/encoding/; which field is what comes from onnx's own descriptors.
"""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Any, Final

from onnx import ModelProto, TensorProto

from slicegraph.errors import InputError

KEPT_BYTES: Final = 1 << 16
"""Tensors up to this size keep their elements: they may be shapes, axes, indices that other shapes depend on."""

_ELEMENTS: Final = ("float_data", "int32_data", "string_data", "int64_data", "raw_data", "double_data", "uint64_data")
_PLAIN: Final = frozenset({"raw_data", "float_data", "double_data"})  # packed, the same bytes as raw_data
_DEEPEST: Final = 100  # messages within messages: protobuf's own limit
_VARINT, _FIXED64, _DELIMITED, _FIXED32 = 0, 1, 2, 5
_MOST_BITS: Final = 70  # ten bytes of seven bits


def load(path: Path) -> ModelProto:
    """Read a model without the elements of its big tensors.

    A tensor that loses its elements is marked as stored elsewhere, as one with external data is: both have
    name, type, dimensions, and where the elements are.  One without a location has them in this very file: either as
    raw bytes or, where an entry ``message`` says so, in the encoding of the whole tensor.

    Parameters
    ----------
    path
        An ``.onnx`` file.  Files that hold external data are not opened.

    Returns
    -------
        The model.  It has a graph with at least one node, and is otherwise unchecked.

    Raises
    ------
    InputError
        The file cannot be read, or is not a model.
    """
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                raise InputError("the file is empty, not an ONNX model")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as buffer:
                skeleton = _without_elements(buffer, 0, len(buffer), ModelProto.DESCRIPTOR, 0)
    except OSError as error:
        raise InputError(error.strerror or str(error)) from error
    model = ModelProto()
    try:
        model.ParseFromString(skeleton)
    except Exception as error:  # protobuf's DecodeError, which onnx does not export
        raise InputError("not an ONNX model: its encoding is damaged") from error
    if not model.HasField("graph"):
        raise InputError("not an ONNX model: it holds no graph")
    if not model.graph.node:
        raise InputError("the model's graph holds no nodes")
    return model


def _without_elements(buffer: mmap.mmap, start: int, end: int, message: Any, depth: int) -> bytes:  # noqa: ANN401
    """Copy one message; ``message`` is its descriptor, a type that protobuf gives no stubs for."""
    if depth > _DEEPEST:
        raise InputError(f"not an ONNX model: messages are nested deeper than {_DEEPEST}")
    is_tensor = message.full_name == TensorProto.DESCRIPTOR.full_name
    copy = bytearray()
    elements: list[tuple[str, int, int, int]] = []
    position = copied = start
    while position < end:
        tag, body = _varint(buffer, position, end)
        field_end, body = _field_end(buffer, tag & 7, body, end)
        if is_tensor or field_end - body > KEPT_BYTES:
            field = message.fields_by_number.get(tag >> 3)
            is_elements = is_tensor and field is not None and field.name in _ELEMENTS
            is_large = field is not None and field.message_type is not None and field_end - body > KEPT_BYTES
            if is_elements:
                elements.append((field.name, tag & 7, body, field_end))
            elif is_large:
                inner = _without_elements(buffer, body, field_end, field.message_type, depth + 1)
            if is_elements or is_large:
                copy += buffer[copied:position]
                copied = field_end
            if is_large and not is_elements:
                copy += delimited(tag >> 3, inner)
        position = field_end
    copy += buffer[copied:end]
    if elements:
        copy += _pointer(elements, start, end).SerializeToString()
    return bytes(copy)


def _pointer(elements: list[tuple[str, int, int, int]], start: int, end: int) -> TensorProto:
    """Say where in the file a tensor's elements are, as ONNX says it of external data."""
    name, wire_type, body, field_end = elements[0]
    is_plain = len(elements) == 1 and name in _PLAIN and wire_type == _DELIMITED
    entries = {"offset": body, "length": field_end - body} if is_plain else {"offset": start, "length": end - start}
    pointer = TensorProto(data_location=TensorProto.EXTERNAL)
    for key, value in (entries if is_plain else entries | {"message": 1}).items():
        pointer.external_data.add(key=key, value=str(value))
    return pointer


def _field_end(buffer: mmap.mmap, wire_type: int, body: int, end: int) -> tuple[int, int]:
    """Say where a field ends and where its content, after any length, begins."""
    if wire_type == _DELIMITED:
        length, body = _varint(buffer, body, end)
        stop = body + length
    elif wire_type == _VARINT:
        stop = _varint(buffer, body, end)[1]
    elif wire_type == _FIXED64:
        stop = body + 8
    elif wire_type == _FIXED32:
        stop = body + 4
    else:
        raise InputError("not an ONNX model: its encoding is damaged")
    if stop > end:
        raise InputError("not an ONNX model: it is cut short or damaged")
    return stop, body


def delimited(number: int, content: bytes) -> bytes:
    """Encode a field of a message that holds text, bytes or another message."""
    return _encoded(number << 3 | _DELIMITED) + _encoded(len(content)) + content


def _varint(buffer: mmap.mmap, position: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while position < end and shift < _MOST_BITS:
        byte = buffer[position]
        position += 1
        if byte < 0x80:  # noqa: PLR2004 the continuation bit of the encoding
            return value | byte << shift, position
        value |= (byte & 0x7F) << shift
        shift += 7
    raise InputError("not an ONNX model: it is cut short or damaged")


def _encoded(value: int) -> bytes:
    if value <= 0x7F:  # noqa: PLR2004 seven bits a byte
        return bytes((value,))
    digits = bytearray()
    while value > 0x7F:  # noqa: PLR2004 seven bits a byte
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    digits.append(value)
    return bytes(digits)
