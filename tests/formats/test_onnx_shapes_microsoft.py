"""Shapes of com.microsoft: what onnxruntime makes is what the reader says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, parser

from onnx_nodes import RNG, NodeCase, assert_made_as_read, floats
from slicegraph.errors import InputError
from slicegraph.formats.onnx import read


def _bytes(*shape: int) -> NDArray[np.uint8]:
    return RNG.integers(0, 255, shape).astype(np.uint8)


_QUANTIZED: dict[str, Any] = {"s": np.array(0.1, np.float32), "z": np.array(3, np.uint8)}
_MS = "com.microsoft:"
_BYTES = {"x": _bytes(1, 3, 6, 5)}
_QKV = {"q": floats(2, 5, 8), "k": floats(2, 7, 8), "v": floats(2, 7, 12)}
_GROUPS = {"num_heads": 4, "kv_num_heads": 2}
_PAST = {"pk": floats(2, 2, 6, 8), "pv": floats(2, 2, 6, 8)}
_SEEN = {"n": np.array([6, 6], np.int32), "t": np.array(7, np.int32)}
CASES: list[NodeCase] = [
    (_MS + "FusedMatMul", {"a": floats(2, 4, 3), "b": floats(2, 5, 4)}, {"transA": 1, "transB": 1}),
    (_MS + "FusedMatMul", {"a": floats(2, 3, 4), "b": floats(3, 2, 5)}, {"transBatchA": 1, "transA": 1}),
    (_MS + "FusedMatMul", {"a": floats(4), "b": floats(3, 4, 5)}, {}),
    (
        _MS + "FusedGemm",
        {"a": floats(4, 3), "b": floats(5, 4), "c": floats(5)},
        {"transA": 1, "transB": 1, "activation": "Relu"},
    ),
    (
        _MS + "FusedConv",
        {"x": floats(1, 3, 9, 8), "w": floats(4, 3, 3, 2)},
        {"auto_pad": "SAME_UPPER", "strides": [2, 2], "activation": "Relu"},
    ),
    (_MS + "BiasGelu", {"x": floats(2, 3, 4), "b": floats(4)}, {}),
    (
        _MS + "SkipLayerNormalization",
        {"x": floats(2, 3, 8), "k": floats(2, 3, 8), "g": floats(8)},
        {"outputs": ["y", "", "", "sum"]},
    ),
    (":SimplifiedLayerNormalization", {"x": floats(2, 3, 8), "g": floats(8)}, {}),
    (
        _MS + "EmbedLayerNormalization",
        {"i": np.zeros((2, 3), np.int32)},
        {
            "stored": {"w": floats(10, 8), "p": floats(10, 8), "g": floats(8), "b": floats(8)},
            "inputs": ["i", "", "w", "p", "", "g", "b"],
            "outputs": ["y", "mask"],
        },
    ),
    (
        _MS + "Attention",
        {"x": floats(2, 5, 8), "w": floats(8, 20), "b": floats(20)},
        {"num_heads": 2, "qkv_hidden_sizes": [8, 8, 4]},
    ),
    (
        _MS + "Attention",
        {"x": floats(2, 5, 8), "w": floats(8, 24), "b": floats(24), "p": floats(2, 2, 2, 3, 4)},
        {"num_heads": 2, "inputs": ["x", "w", "b", "", "p"], "outputs": ["y", "present"]},
    ),
    (_MS + "MultiHeadAttention", _QKV, {"num_heads": 2, "outputs": ["y", "k2", "v2"]}),
    (
        _MS + "MultiHeadAttention",
        {"q": floats(2, 5, 8), "k": floats(2, 2, 7, 4), "v": floats(2, 2, 7, 4)},
        {"num_heads": 2},
    ),
    (
        _MS + "GroupQueryAttention",
        {"q": floats(2, 1, 32), "k": floats(2, 1, 16), "v": floats(2, 1, 16), **_PAST, **_SEEN},
        {**_GROUPS, "outputs": ["y", "k2", "v2"]},
    ),
    (
        _MS + "GroupQueryAttention",
        {"q": floats(2, 1, 64), **_PAST, "n": _SEEN["n"]},
        {
            **_GROUPS,
            "stored": {"t": _SEEN["t"]},
            "inputs": ["q", "", "", "pk", "pv", "n", "t"],
            "outputs": ["y", "k2", "v2"],
        },
    ),
    (
        _MS + "MatMulNBits",
        {"x": floats(3, 64)},
        {"stored": {"w": _bytes(16, 2, 16), "scale": floats(16, 2)}, "K": 64, "N": 16, "bits": 4, "block_size": 32},
    ),
    (_MS + "DynamicQuantizeMatMul", {"x": floats(3, 8)}, {"stored": {"w": _bytes(8, 5), "s": _QUANTIZED["s"]}}),
    (
        _MS + "QLinearAdd",
        {"x": _bytes(3, 1, 4), "w": _bytes(2, 4)},
        {"stored": _QUANTIZED, "inputs": ["x", "s", "z", "w", "s", "z", "s", "z"]},
    ),
    (
        _MS + "QLinearAveragePool",
        _BYTES,
        {
            "stored": _QUANTIZED,
            "inputs": ["x", "s", "z", "s", "z"],
            "kernel_shape": [3, 2],
            "strides": [2, 2],
            "ceil_mode": 1,
            "pads": [1, 1, 1, 0],
        },
    ),
    (
        _MS + "QLinearConcat",
        {"x": _bytes(3, 4), "w": _bytes(2, 4)},
        {"stored": _QUANTIZED, "inputs": ["s", "z", "x", "s", "z", "w", "s", "z"], "axis": 0},
    ),
    (
        _MS + "QLinearConv",
        {"x": _bytes(1, 5, 5, 3)},
        {
            "stored": {**_QUANTIZED, "w": _bytes(4, 3, 3, 3)},
            "inputs": ["x", "s", "z", "w", "s", "z", "s", "z"],
            "channels_last": 1,
            "kernel_shape": [3, 3],
        },
    ),
    (
        _MS + "QGemm",
        {"x": _bytes(3, 4)},
        {"stored": {**_QUANTIZED, "w": _bytes(5, 4)}, "inputs": ["x", "s", "z", "w", "s", "z"], "transB": 1},
    ),
    (
        _MS + "QAttention",
        {"x": _bytes(2, 5, 8), "w": _bytes(8, 24), "b": floats(24)},
        {"stored": {"s": _QUANTIZED["s"]}, "inputs": ["x", "w", "b", "s", "s"], "num_heads": 2},
    ),
    (_MS + "CDist", {"a": floats(3, 4), "b": floats(5, 4)}, {"metric": "euclidean"}),
    (
        _MS + "CropAndResize",
        {"x": floats(1, 3, 8, 8), "r": np.full((4, 4), 0.5, np.float32), "b": np.zeros(4, np.int32)},
        {"stored": {"size": np.array([2, 3], np.int32)}},
    ),
    (_MS + "ExpandDims", {"x": floats(2, 3)}, {"stored": {"axis": np.array(-1, np.int32)}}),
    (
        _MS + "GatherBlockQuantized",
        {"i": np.array([[0, 2, 1]])},
        {
            "stored": {"d": _bytes(8, 16), "scale": floats(8, 2)},
            "inputs": ["d", "i", "scale"],
            "bits": 4,
            "block_size": 16,
            "gather_axis": 0,
            "quantize_axis": 1,
        },
    ),
    (
        _MS + "MoE",
        {"x": floats(5, 8), "r": floats(5, 4)},
        {"stored": {"w1": floats(4, 16, 8), "w2": floats(4, 8, 16)}, "inputs": ["x", "r", "w1", "", "w2"], "k": 2},
    ),
    (
        _MS + "DynamicQuantizeLSTM",
        {"x": floats(4, 2, 3)},
        {
            "stored": {
                "w": _bytes(1, 3, 20),
                "r": _bytes(1, 5, 20),
                "s": np.full(1, 0.1, np.float32),
                "z": np.full(1, 3, np.uint8),
            },
            "inputs": ["x", "w", "r", "", "", "", "", "", "s", "z", "s", "z"],
            "outputs": ["y", "h", "c"],
            "hidden_size": 5,
        },
    ),
    (_MS + "UnfoldTensor", {"x": floats(2, 10)}, {"dim": -1, "size": 4, "step": 3}),
    (_MS + "CausalConvWithState", {"x": floats(2, 3, 7), "w": floats(3, 1, 4)}, {"outputs": ["y", "state"]}),
    (
        _MS + "LinearAttention",
        {"q": floats(2, 3, 8), "k": floats(2, 3, 8), "v": floats(2, 3, 12)},
        {"q_num_heads": 2, "kv_num_heads": 2, "update_rule": "linear", "outputs": ["y", "state"]},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[f"{index}-{case[0]}" for index, case in enumerate(CASES)])
def test_shapes_are_those_that_the_runtime_makes(case: NodeCase, tmp_path: Path) -> None:
    """Each output has the dimensions and the type that come out of onnxruntime, and its operator is no guess."""
    assert_made_as_read(case, tmp_path)


def test_a_size_that_elements_decide_is_refused_unless_recorded(tmp_path: Path) -> None:
    """CropAndResize makes what its last input says: computed, it is not known, and the node is named."""
    text = """<ir_version: 9, opset_import: ["": 17, "com.microsoft": 1]>
        g (float[1,3,8,8] x, float[4,4] r, int32[4] b, int32[2] s) => ({} y)
        {{ c = com.microsoft.CropAndResize(x, r, b, s) y = Relu(c) }}"""
    path = tmp_path / "m.onnx"
    path.write_bytes(parser.parse_model(text.format("float[4,3,h,w]")).SerializeToString())
    with pytest.raises(InputError, match=r"com\.microsoft\.CropAndResize"):
        read(path)
    model = parser.parse_model(text.format("float[4,3,2,2]"))
    model.graph.value_info.append(helper.make_tensor_value_info("c", TensorProto.FLOAT, (4, 3, 2, 2)))
    path.write_bytes(model.SerializeToString())
    assert read(path).size[-2:].tolist() == [4 * 3 * 4 * 4] * 2
