"""The networks that the onnx package carries, beside the sum of their operators' definitions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, helper, numpy_helper

from definitions.moving import moved
from definitions.operations import operations
from definitions.run import run_of
from slicegraph.formats.onnx import read
from totals.row import Reference, Row

_LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"
_FOLDED = {"Constant", "ConstantOfShape", "Shape"}


def rows(only: str = "") -> list[Row]:
    """Read all of them, or those whose name begins so."""
    return [
        Row(model=path.stem, graph=read(path), reference=_reference(onnx.load(path)))
        for path in sorted(_LIGHT.glob("light_*.onnx"))
        if path.stem.startswith(only)
    ]


def _reference(model: ModelProto) -> Reference:
    """Add up what the definitions say of arrays of the inferred shapes, which hold nothing."""
    graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    arrays: dict[str, Any] = {
        value.name: _hollow(value.type) for value in (*graph.input, *graph.value_info, *graph.output)
    }
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    arrays |= stored
    constants = set(stored)
    used = {name for node in graph.node for name in node.input} | {value.name for value in graph.output}
    returned = [value.name for value in graph.output]
    flops, total, weights = 0, 0, dict[str, int]()
    for node in graph.node:
        if node.op_type in _FOLDED or all(name in constants for name in node.input):
            constants.update(node.output)
            continue
        weights |= {name: arrays[name].nbytes for name in node.input if name in constants}
        run = run_of(node, *([arrays.get(name) for name in names] for names in (node.input, node.output)))
        is_idle = node.op_type == "Dropout"
        flops += 0 if is_idle else operations(run) or 0
        total += moved(run, used, returned)
    return Reference(name="definitions", flops=flops, beside=0, moved=total, stored=sum(weights.values()))


def _hollow(kind: onnx.TypeProto) -> Any:  # noqa: ANN401 - an array of any type
    tensor = kind.tensor_type
    shape = [dim.dim_value for dim in tensor.shape.dim]
    return np.broadcast_to(np.zeros((), helper.tensor_dtype_to_np_dtype(tensor.elem_type)), shape)
