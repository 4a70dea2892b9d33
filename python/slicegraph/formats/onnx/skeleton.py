"""The model without its weights: a file is scanned, and what its big tensors hold is skipped.

A reader of graphs needs shapes, not weights.  Scanning the file's own encoding and copying all but the weights keeps
memory far below the file's size, never touches external data, and has no 2 GB limit.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from onnx import ModelProto

from slicegraph.errors import InputError
from slicegraph.formats.onnx import encoding

KEPT_BYTES: Final = 1 << 16
"""Tensors up to this size keep their elements: they may be shapes, axes, indices that other shapes depend on."""


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
    return parsed(copied(path))


def copied(path: Path) -> bytes:
    """Copy a model as `load` does; give it in its encoding.

    Raises
    ------
    InputError
        The file cannot be read, or is no message.
    """
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                raise InputError("the file is empty, not an ONNX model")
            # As the first byte of a field each would begin a group, of which ONNX has none.
            if file.read(1) in (b"{", b"["):
                raise InputError("not an ONNX model: it is JSON")
        return encoding.onnx_skeleton(path, KEPT_BYTES)
    except OSError as error:
        raise InputError(error.strerror or str(error)) from error


def parsed(encoded: bytes) -> ModelProto:
    """Read a model's encoding.

    Raises
    ------
    InputError
        It is no model, or one without nodes.
    """
    model = ModelProto()
    try:
        model.ParseFromString(encoded)
    except Exception as error:  # protobuf's DecodeError, which onnx does not export
        raise InputError("not an ONNX model: its encoding is damaged") from error
    if not model.HasField("graph"):
        raise InputError("not an ONNX model: it holds no graph")
    if not model.graph.node:
        raise InputError("the model's graph holds no nodes")
    return model
