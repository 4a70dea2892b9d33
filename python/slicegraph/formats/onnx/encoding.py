"""The encoding of ONNX models, read and written by compiled code (rust/onnx)."""

from slicegraph._core import onnx_fields, onnx_inputs, onnx_nodes, onnx_skeleton, onnx_types

__all__ = ["onnx_fields", "onnx_inputs", "onnx_nodes", "onnx_skeleton", "onnx_types"]
