"""Split models to run: small chains with a tensor that skips stages, cut by hand."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, helper, numpy_helper

_OPSETS = [helper.make_opsetid("", 18)]
Values = Mapping[str, tuple[str, Sequence[int]]]
"""Type and shape of every tensor, by name."""


def cut(
    directory: Path,
    stages: Sequence[Sequence[NodeProto]],
    values: Values,
    *,
    inputs: Sequence[str],
    outputs: Sequence[str],
    weights: Mapping[str, NDArray[Any]] | None = None,
) -> Path:
    """Write the stages and their manifest into a folder, and the whole model beside it; give its path."""
    directory.mkdir(exist_ok=True)
    weights = weights or {}
    model = directory.parent / f"{directory.name}.onnx"
    _write(model, [node for stage in stages for node in stage], inputs, outputs, values, weights)
    producer = {name: index for index, nodes in enumerate(stages) for node in nodes for name in node.output}
    reads = [sorted({name for node in nodes for name in node.input} - set(weights)) for nodes in stages]
    reads = [[name for name in names if producer.get(name) != index] for index, names in enumerate(reads)]
    documents = []
    for index, nodes in enumerate(stages):
        to: dict[str, list[int | str]] = {
            name: [*(reader for reader, names in enumerate(reads) if name in names), *["model"] * (name in outputs)]
            for node in nodes
            for name in node.output
        }
        made = [name for name, targets in to.items() if targets]
        file = directory / f"stage{index}.onnx"
        _write(file, nodes, reads[index], made, values, weights)
        documents.append(
            {
                "stage": index,
                "block": index + 1,
                "device": None,
                "file": file.name,
                "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
                "nodes": len(nodes),
                "inputs": [_about(name, values) | {"from": producer.get(name, "model")} for name in reads[index]],
                "outputs": [_about(name, values) | {"to": to[name]} for name in made],
                "predicted": {"work": 1e-4, "io_in": 0.0, "io_out": 0.0, "overflow": 0.0, "cost": 1e-4},
            }
        )
    sha256 = hashlib.sha256(model.read_bytes()).hexdigest()
    manifest = {
        "format": "slicegraph-split-1",
        "model": {"name": "chain", "sha256": sha256, "graph_digest": "", "dims": {}},
        "inputs": [_about(name, values) for name in inputs],
        "outputs": [_about(name, values) for name in outputs],
        "stages": documents,
        "predicted": {"bottleneck": 1e-4, "device": {"bandwidth": 1e9}},
    }
    (directory / "manifest.json").write_text(json.dumps(manifest))
    return model


def chain(directory: Path, work: Sequence[int] = (1, 1, 1), *, width: int = 48) -> Path:
    """Cut a chain with a stage for each number of multiplications; what the first one makes also goes to the last.

    The last two stages each make an output of the model.
    """
    random = np.random.default_rng(0)
    weights = {"weight": (random.standard_normal((width, width)) / width**0.5).astype(np.float32)}
    stages, last = [], "x"
    for index, times in enumerate(work):
        nodes = []
        for step in range(times):
            made = f"y{index}" if step == times - 1 else f"y{index}.{step}"
            nodes.append(helper.make_node("MatMul", [last, "weight"], [made]))
            last = made
        if index == len(work) - 1:
            nodes.append(helper.make_node("Add", [last, "y0"], ["sum"]))
        stages.append(nodes)
    names = ["x", "sum", *(name for nodes in stages for node in nodes for name in node.output)]
    values: Values = {name: ("float32", [width, width]) for name in names}
    outputs = ["sum", f"y{max(0, len(work) - 2)}"]
    return cut(directory, stages, values, inputs=["x"], outputs=outputs, weights=weights)


def change(directory: Path, **changes: Any) -> None:
    """Put other values into the manifest, by path: ``stages__1__file="other"``. None removes."""
    path = directory / "manifest.json"
    document = json.loads(path.read_text())
    for where, value in changes.items():
        *keys, last = [int(key) if key.isdigit() else key.rstrip("_") for key in where.split("__")]
        place: Any = document
        for key in keys:
            place = place[key]
        if value is None:
            del place[last]
        else:
            place[last] = value
    path.write_text(json.dumps(document))


def _write(
    path: Path,
    nodes: Sequence[NodeProto],
    inputs: Sequence[str],
    outputs: Sequence[str],
    values: Values,
    weights: Mapping[str, NDArray[Any]],
) -> None:
    read = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        path.stem,
        [_value(name, values) for name in inputs],
        [_value(name, values) for name in outputs],
        initializer=[numpy_helper.from_array(array, name) for name, array in weights.items() if name in read],
    )
    path.write_bytes(helper.make_model(graph, opset_imports=_OPSETS, ir_version=10).SerializeToString())


def _value(name: str, values: Values) -> onnx.ValueInfoProto:
    dtype, shape = values[name]
    number = helper.np_dtype_to_tensor_dtype(np.dtype(dtype)) if dtype != "bfloat16" else onnx.TensorProto.BFLOAT16
    return helper.make_tensor_value_info(name, number, shape)


def _about(name: str, values: Values) -> dict[str, Any]:
    dtype, shape = values[name]
    return {"name": name, "dtype": dtype, "shape": list(shape), "bytes": None}
