"""Language models in ONNX, a step at a time: operations and bytes by formula."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx import parser

from slicegraph.formats.arrays import GraphArrays
from slicegraph.formats.onnx import read
from traced import stored

BATCH, HEADS, KEY_HEADS, LENGTH, SIZE = 2, 4, 2, 32, 8
WIDTH, KEYS = HEADS * SIZE, KEY_HEADS * SIZE
FLOAT, LONG = 4, 8


def _read(folder: Path, text: str, opset: int = 24) -> GraphArrays:
    path = folder / "model.onnx"
    header = f'<ir_version: 10, opset_import: ["": {opset}, "com.microsoft": 1]>'
    path.write_bytes(parser.parse_model(f"{header} {text}").SerializeToString())
    return read(path)


def _of(graph: GraphArrays, op: str) -> list[tuple[int, int, int]]:
    """What each node of an operator computes, reads and writes."""
    assert graph.flops is not None
    assert graph.read_bytes is not None
    assert graph.write_bytes is not None
    columns = zip(graph.op, graph.flops, graph.read_bytes, graph.write_bytes, strict=True)
    return [(int(flops), int(read_), int(written)) for each, flops, read_, written in columns if each == op]


@pytest.mark.parametrize("length", [1, 5])
@pytest.mark.parametrize("write", ["ScatterND", "TensorScatter", "Attention"])
def test_a_step_writes_its_rows_and_reads_its_caches(write: str, length: int, tmp_path: Path) -> None:
    """Products, scores with the whole cache; a cache that is written in place gets the new rows, one that grows all."""
    caches = f"float[{BATCH},{KEY_HEADS},{LENGTH},{SIZE}] ck, float[{BATCH},{KEY_HEADS},{LENGTH},{SIZE}] cv"
    at = f"int64[{BATCH},{KEY_HEADS},{length},3] i" if write == "ScatterND" else f"int64[{BATCH}] i"
    put = {
        "ScatterND": "nk = ScatterND(ck, i, k) nv = ScatterND(cv, i, v) y = Attention(q, nk, nv)",
        "TensorScatter": "nk = TensorScatter(ck, k, i) nv = TensorScatter(cv, v, i) y = Attention(q, nk, nv)",
        "Attention": 'y, nk, nv = Attention(q, k, v, "", ck, cv)',
    }[write]
    text = f"""g (float[{BATCH},{length},{WIDTH}] x, {caches}, {at}) => (o, nk, nv)
        <float[{WIDTH},{WIDTH}] wq = ["location": "absent"], float[{WIDTH},{KEYS}] wk = ["location": "absent"],
         float[{WIDTH},{KEYS}] wv = ["location": "absent"], float[{WIDTH},{WIDTH}] wo = ["location": "absent"],
         int64[4] h = {{0, 0, {HEADS}, {SIZE}}}, int64[4] g = {{0, 0, {KEY_HEADS}, {SIZE}}}, int64[3] f = {{0, 0, -1}}>
        {{ q0 = MatMul(x, wq) k0 = MatMul(x, wk) v0 = MatMul(x, wv)
           q1 = Reshape(q0, h) k1 = Reshape(k0, g) v1 = Reshape(v0, g)
           q = Transpose<perm=[0,2,1,3]>(q1) k = Transpose<perm=[0,2,1,3]>(k1) v = Transpose<perm=[0,2,1,3]>(v1)
           {put} y1 = Transpose<perm=[0,2,1,3]>(y) y2 = Reshape(y1, f) o = MatMul(y2, wo) }}"""
    graph = _read(tmp_path, text)
    tokens, keys = BATCH * length, LENGTH + length * (write == "Attention")
    products = 2 * tokens * WIDTH * (WIDTH + 2 * KEYS + WIDTH)
    attention = tokens * HEADS * keys * (2 * SIZE + 5 + 2 * SIZE)
    assert graph.flops is not None
    assert int(graph.flops.sum()) == products + attention
    rows, cache, queries = tokens * KEYS * FLOAT, BATCH * LENGTH * KEYS * FLOAT, tokens * WIDTH * FLOAT
    if write == "Attention":
        assert _of(graph, write) == [(attention, queries + 2 * rows + 2 * cache, queries + 2 * (cache + rows))]
    else:
        places = tokens * KEY_HEADS * 3 * LONG if write == "ScatterND" else BATCH * LONG
        assert _of(graph, write) == [(0, rows + places, rows)] * 2
        assert _of(graph, "Attention") == [(attention, queries + 2 * cache, queries)]
    assert _of(graph, "Reshape") == [(0, 0, 0)] * 4
    assert stored(graph) == 2 * WIDTH * (WIDTH + KEYS) * FLOAT + (4 + 4 + 4 + 3) * LONG


@pytest.mark.parametrize("tokens", [1, 12])
@pytest.mark.parametrize("op", ["MoE", "QMoE"])
def test_a_token_pays_for_the_experts_that_are_chosen(op: str, tokens: int, tmp_path: Path) -> None:
    """Two of eight, however many there are: their products, and the bytes of no more than were chosen."""
    is_packed = op == "QMoE"
    up, down = ("uint8[8,32,8]", "uint8[8,16,16]") if is_packed else ("float[8,32,16]", "float[8,16,32]")
    scales = ', float[8,32] a = ["location": "absent"], float[8,16] b = ["location": "absent"]' if is_packed else ""
    inputs = 'x, r, u, a, "", d, b' if is_packed else 'x, r, u, "", d'
    text = f"""g (float[{tokens},16] x, float[{tokens},8] r) => (y)
        <{up} u = ["location": "absent"], {down} d = ["location": "absent"]{scales}>
        {{ y = com.microsoft.{op}<k=2, activation_type="relu">({inputs}) }}"""
    graph = _read(tmp_path, text)
    one = 2 * 16 * 32 // 2 + (32 + 16) * FLOAT if is_packed else 2 * 16 * 32 * FLOAT
    ((flops, taken, written),) = _of(graph, f"com.microsoft.{op}")
    products = tokens * 2 * 2 * 2 * 16 * 32
    assert products < flops <= products + tokens * (5 * 8 + 2 * (32 + 2 * 16))
    assert (taken, written) == (tokens * (16 + 8) * FLOAT + min(2 * tokens, 8) * one, tokens * 16 * FLOAT)
    assert stored(graph) == 8 * one


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("form", ["MatMulNBits", "DequantizeLinear", "Cast"])
def test_packed_weights_are_read_as_they_are_packed(form: str, bits: int, tmp_path: Path) -> None:
    """A decoding step reads half a byte or a byte for each weight, whether an operator or the type packs them."""
    packed = 32 * 32 * bits // 8 + 32 * FLOAT
    absent = '["location": "absent"]'
    if form == "MatMulNBits":
        stores = f"uint8[32,1,{32 * bits // 8}] w = {absent}, float[32] s = {absent}"
        nodes = f"y = com.microsoft.MatMulNBits<K=32, N=32, bits={bits}, block_size=32>(x, w, s)"
    else:
        stores = f"int{bits}[32,32] w = {absent}, float[32] s = {absent}"
        unpack = (
            "f = DequantizeLinear<axis=1>(w, s)" if form == "DequantizeLinear" else "c = Cast<to=1>(w) f = Mul(c, s)"
        )
        nodes = f"{unpack} y = MatMul(x, f)"
    graph = _read(tmp_path, f"g (float[3,32] x) => (y) <{stores}> {{ {nodes} }}", 21)
    op = "com.microsoft.MatMulNBits" if form == "MatMulNBits" else "MatMul"
    assert _of(graph, op) == [(2 * 3 * 32 * 32, 3 * 32 * FLOAT + packed, 3 * 32 * FLOAT)]
    assert stored(graph) == packed
