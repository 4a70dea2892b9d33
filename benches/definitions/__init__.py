"""Operations and bytes of ONNX's operators, counted from their definitions on real arrays, apart from the reader.

What is counted is what docs/guide/costs.md says is counted; nothing of slicegraph is imported here.
"""
