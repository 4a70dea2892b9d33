"""What splits, runs and measures ONNX models."""
