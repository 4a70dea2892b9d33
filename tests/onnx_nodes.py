"""One node of ONNX as a model, for tests of what readers say of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, ValueInfoProto, helper, numpy_helper

from slicegraph.formats.onnx.opening import opened

Arrays = Mapping[str, NDArray[Any]]
NodeCase = tuple[str, dict[str, Any], dict[str, Any]]
"""An operator, what it is fed, and its attributes with the options of `write_node`."""

RNG = np.random.default_rng(0)


def floats(*shape: int) -> NDArray[np.float32]:
    """Normal numbers of 32 bits."""
    return RNG.standard_normal(shape).astype(np.float32)


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


def assert_made_as_read(case: NodeCase, folder: Path) -> None:
    """Assert that each output has the dimensions and type that come out of onnxruntime, and is no guess."""
    onnxruntime = pytest.importorskip("onnxruntime")
    op, feeds, options = case
    options = {"outputs": ["y", "scores"] if op.endswith("Classifier") else ["y"], **options}
    path = write_node(folder / "m.onnx", op, feeds, **options)
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 4
    session = onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
    wanted = [name for name in options["outputs"] if name]
    real = dict(zip(wanted, session.run(wanted, feeds), strict=True))
    found = opened(path, {})
    for name, value in real.items():
        elem_type = TensorProto.STRING if value.dtype == object else helper.np_dtype_to_tensor_dtype(value.dtype)
        known = found.walked.values[name]
        assert (known.shape, known.type.tensor_type.elem_type) == (value.shape, elem_type), name
    assert found.arrays.is_guess is not None
    assert not found.arrays.is_guess.any()
