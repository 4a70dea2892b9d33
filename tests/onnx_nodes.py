"""One node of ONNX as a model, for tests of what readers say of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ValueInfoProto, helper, numpy_helper

Arrays = Mapping[str, NDArray[Any]]


def write_node(
    path: Path,
    op: str,
    feeds: Arrays,
    *,
    stored: Arrays | None = None,
    inputs: Sequence[str] | None = None,
    outputs: Sequence[str] = ("y",),
    opset: int = 17,
    **attributes: Any,
) -> Path:
    """Write a model of one node, ``DOMAIN:OP``, whose outputs have no declared shape.

    ``inputs`` names its operands in order, by default all that are fed and then all that are stored.
    """
    domain, _, name = op.rpartition(":")
    stored = stored or {}
    node = helper.make_node(name, inputs or [*feeds, *stored], outputs, domain=domain, **attributes)
    graph = helper.make_graph(
        [node],
        "node",
        [
            helper.make_tensor_value_info(key, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
            for key, value in feeds.items()
        ],
        [ValueInfoProto(name=output) for output in outputs if output],
        [numpy_helper.from_array(np.asarray(value), key) for key, value in stored.items()],
    )
    domains = (("", opset), ("com.microsoft", 1), ("ai.onnx.ml", 3))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid(*each) for each in domains], ir_version=10)
    path.write_bytes(model.SerializeToString())
    return path
