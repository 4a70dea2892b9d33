"""The encoding of ONNX models, read and written by compiled code (rust/onnx)."""

from slicegraph._core import (
    onnx_excerpt,
    onnx_fields,
    onnx_inputs,
    onnx_nodes,
    onnx_skeleton,
    onnx_stored,
    onnx_types,
)

__all__ = ["onnx_excerpt", "onnx_fields", "onnx_inputs", "onnx_nodes", "onnx_skeleton", "onnx_stored", "onnx_types"]
