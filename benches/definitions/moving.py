"""Bytes that ONNX's operators read and write by definition, from the arrays that go in and come out."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import numpy as np
from onnx import NodeProto, numpy_helper

from definitions.run import Run

_VIEWS = frozenset({"Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"})
_PICKING = frozenset({"Gather", "GatherElements", "GatherND", "Slice", "Split"})
# Which input holds what a changed copy of the first one gets.
_CHANGING = {"Scatter": 2, "ScatterElements": 2, "ScatterND": 2, "TensorScatter": 1}
_BITS = {"int4": 4, "uint4": 4, "float4_e2m1fn": 4, "int2": 2, "uint2": 2}
_TEXT_BITS = 64  # a reference


def moved(run: Run, used: Collection[str], returned: Collection[str]) -> int:
    """Count the bytes that a node reads and writes, of all distinct inputs and the outputs in use."""
    op = run.node.op_type if not run.node.domain else ""
    if op in _VIEWS or (op == "Dropout" and _is_idle(run, used)):
        return 0
    names = [name for name in run.node.output if name]
    outputs = [array for name, array in zip(run.node.output, run.outputs, strict=True) if name and name in used]
    written = _bytes(outputs)
    read = dict(zip(run.node.input, run.inputs, strict=True))
    if op in _PICKING:
        rest = {name: array for name, array in read.items() if name != run.node.input[0]}
        return 2 * written + _bytes(rest.values())
    if op in _CHANGING and set(names) & set(returned):
        changed = _bytes([run.inputs[_CHANGING[op]]])
        rest = {name: array for name, array in read.items() if name != run.node.input[0]}
        is_combining = run.attributes.get("reduction", b"none") != b"none"
        return int(_bytes(rest.values()) + changed * (1 + is_combining))
    return written + _bytes(array for name, array in read.items() if name) + _stored(run.node)


def _is_idle(run: Run, used: Collection[str]) -> bool:
    """Say whether a Dropout gives what it takes, and its mask is not used."""
    training = 2
    has_mask = any(name in used for name in run.node.output[1:] if name)
    return not has_mask and not (len(run.inputs) > training and bool(np.all(run.inputs[training])))


def _bytes(values: Iterable[Any]) -> int:
    return sum(_size(value) for value in values)


def _size(value: Any) -> int:  # noqa: ANN401 - arrays, lists of them, nothing
    if value is None:
        return 0
    if isinstance(value, list):
        return _bytes(value)
    array = np.asarray(value)
    kind = array.dtype.name
    is_text = array.dtype.kind in "OSUT"
    bits = _TEXT_BITS if is_text else _BITS.get(kind, 8 * array.dtype.itemsize)
    return -(-array.size * bits // 8)


def _stored(node: NodeProto) -> int:
    """Count what a node of classical machine learning holds in its attributes."""
    if node.domain != "ai.onnx.ml":
        return 0
    total = 0
    for found in node.attribute:
        total += 4 * len(found.floats) + 8 * len(found.ints)
        total += numpy_helper.to_array(found.t).nbytes if found.HasField("t") else 0
    return total
