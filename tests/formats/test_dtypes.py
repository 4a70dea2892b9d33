"""The type that a node computes in."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx import parser

from slicegraph.formats.dtypes import bits, computed_in
from slicegraph.formats.onnx import read


@pytest.mark.parametrize(
    ("operands", "made", "expected"),
    [
        (["bfloat16", "float32"], "", "float32"),
        (["int64", "float16"], "float16", "float16"),
        (["bool", "", "int64", "int32"], "bool", "int64"),
        (["uint8", "int8"], "int32", "uint8"),
        (["float32", "complex64"], "", "complex64"),
        (["float8_e5m2", "float8_e4m3fn"], "bfloat16", "float8_e5m2"),
        (["int64", "float4_e2m1fn"], "", "float4_e2m1fn"),
        ([], "float32", "float32"),
        (["", ""], "float32", "float32"),
    ],
)
def test_the_widest_floating_type_is_computed_in(operands: list[str], made: str, expected: str) -> None:
    """Without one, the widest of the others, and without operands what is made; of equals the first."""
    assert computed_in(operands, made) == expected


def test_a_type_says_how_wide_it_is() -> None:
    widths = {"float8_e4m3fn": 8, "bfloat16": 16, "int4": 4, "complex128": 128, "bool": 0, "": 0}
    assert {name: bits(name) for name in widths} == widths


NODES = {
    "y = MatMul(x, h)": "float16",
    "c = Cast<to=1>(x) y = Softmax(c)": "float32",
    "y = Cast<to=1>(x)": "float16",
    "y = Gather(table, i)": "float64",
    "y = Add(i, i)": "int64",
    "y = Not(b)": "bool",
    "y = Where(b, x, h)": "float16",
    "y = MatMulInteger(q, q)": "int8",
    "y = QLinearMatMul(q, s, z, q, s, z, s, z)": "int8",
    "y = DequantizeLinear(q, s, z)": "float32",
    "y = RandomNormal<shape=[2], dtype=11>()": "float64",
    "y = If(flag)<then_branch = t () => (a) { a = MatMul(h, x) }, else_branch = e () => (c) { c = Abs(x) }>": "float16",
}


@pytest.mark.parametrize("nodes", NODES)
def test_nodes_of_onnx_models_have_types(nodes: str, tmp_path: Path) -> None:
    """A product of quantized numbers is one of whole numbers, whatever its scales are; a branch has its body's type."""
    text = f"""<ir_version: 9, opset_import: ["": 17]>
        g (float16[2,2] x, float16[2,2] h, int64[2] i, bool[2,2] b, bool flag, uint8[2,2] q) => (y)
        <double[4,2] table = {{1,2,3,4,5,6,7,8}}, float s = {{1}}, uint8 z = {{0}}> {{ {nodes} }}"""
    path = tmp_path / "model.onnx"
    path.write_bytes(parser.parse_model(text).SerializeToString())
    graph = read(path)
    assert graph.dtype is not None
    assert graph.dtype[-1] == NODES[nodes]
