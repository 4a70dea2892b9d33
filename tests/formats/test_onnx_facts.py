"""Bytes, parameters and views: what a node moves, worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx import parser

from slicegraph.formats.arrays import GraphArrays
from slicegraph.formats.onnx import read
from traced import shared


def _read(tmp_path: Path, text: str, opsets: str = '"": 17') -> GraphArrays:
    path = tmp_path / "model.onnx"
    path.write_bytes(parser.parse_model(f"<ir_version: 9, opset_import: [{opsets}]> {text}").SerializeToString())
    return read(path)


def _facts(graph: GraphArrays, name: str) -> tuple[int, int, int, bool]:
    """Look up what the node that makes a tensor reads, writes, stores, and whether it is a view."""
    assert graph.tensor_name is not None
    assert graph.read_bytes is not None
    assert graph.write_bytes is not None
    assert graph.param_bytes is not None
    assert graph.is_view is not None
    node = graph.producer[list(graph.tensor_name).index(name)]
    return (
        int(graph.read_bytes[node]),
        int(graph.write_bytes[node]),
        int(graph.param_bytes[node]),
        bool(graph.is_view[node]),
    )


def test_a_node_reads_inputs_and_parameters_and_writes_outputs(tmp_path: Path) -> None:
    """Conv: 1x3x8x8 floats, 4x3x3x3 and 4 floats of parameters, 1x4x6x6 floats out."""
    text = """g (float[1,3,8,8] x) => (float[1,4,6,6] y)
        <float[4,3,3,3] w = ["location": "absent"], float[4] b = {1,2,3,4}> { y = Conv(x, w, b) }"""
    parameters = 4 * 27 * 4 + 16
    assert _facts(_read(tmp_path, text), "y") == (192 * 4 + parameters, 144 * 4, parameters, False)


def test_a_value_read_twice_by_one_node_counts_once(tmp_path: Path) -> None:
    """Tensors and parameters alike are distinct within a node."""
    text = """g (float[5] x) => (float[5] y) <float[5] w = ["location": "absent"]>
        { a = Mul(x, x) b = Sum(a, w, w) y = Identity(b) }"""
    graph = _read(tmp_path, text)
    assert _facts(graph, "a") == (20, 20, 0, False)
    assert _facts(graph, "b") == (40, 20, 20, False)


def test_a_parameter_that_two_nodes_read_is_shared(tmp_path: Path) -> None:
    """An initializer that two nodes read is resident once wherever either of them runs."""
    text = """g (float[2,4] x) => (float[2,4] y) <float[4,4] w = ["location": "absent"]>
        { a = MatMul(x, w) y = MatMul(a, w) }"""
    graph = _read(tmp_path, text)
    assert graph.param_bytes is not None
    assert graph.param_bytes.tolist() == [0, 0]
    assert shared(graph) == [(64, [0, 1])]


def test_gathering_reads_only_what_it_gathers(tmp_path: Path) -> None:
    """Of a table of 1000 rows, three rows and three indices are read; all of it is a parameter."""
    text = (
        """g (int64[3] i) => (float[3,8] y) <float[1000,8] table = ["location": "absent"]> { y = Gather(table, i) }"""
    )
    assert _facts(_read(tmp_path, text), "y") == (3 * 8 * 4 + 24, 96, 32000, False)


def test_fused_embeddings_read_the_rows_that_are_asked_for(tmp_path: Path) -> None:
    """Two tokens read 2 of 50 words' rows, 2 of 3 positions', all else whole; packed rows bring their scales."""
    text = """g (int32[1,2] i) => (float[1,2,8] y)
        <float[50,8] w = ["location": "absent"], float[3,8] p = ["location": "absent"],
         float[8] s = ["location": "absent"], float[8] b = ["location": "absent"]>
        { y = com.microsoft.EmbedLayerNormalization(i, "", w, p, "", s, b) }"""
    opsets = '"": 17, "com.microsoft": 1'
    assert _facts(_read(tmp_path, text, opsets), "y") == (8 + 2 * 32 + 2 * 32 + 64, 64, 50 * 32 + 3 * 32 + 64, False)
    text = """g (int64[3] i) => (float[3,32] y)
        <uint8[100,16] d = ["location": "absent"], float[100,2] s = ["location": "absent"]>
        { y = com.microsoft.GatherBlockQuantized<bits=4, block_size=16, gather_axis=0, quantize_axis=1>(d, i, s) }"""
    assert _facts(_read(tmp_path, text, opsets), "y") == (24 + 3 * (16 + 8), 384, 1600 + 800, False)


def test_only_used_outputs_are_written(tmp_path: Path) -> None:
    """Of three pieces, one is read, one is returned, one is dropped; an unnamed one is no tensor at all."""
    text = """g (float[6] x) => (float[2] b) { a, b, c = Split(x) y = Relu(a) d, "", e = Split(x) }"""
    graph = _read(tmp_path, text, '"": 13')
    assert graph.tensor_name == ["x", "a", "b", "c", "y", "d", "e"]
    assert graph.size.tolist() == [24, 8, 8, 8, 8, 8, 8]
    assert _facts(graph, "a") == (16, 16, 0, False)
    assert _facts(graph, "d") == (0, 0, 0, False)


def test_a_row_of_a_cache_is_written_in_place(tmp_path: Path) -> None:
    """A new row of what a node made, or of an input that is returned, costs that row and its place; else a copy."""
    text = """g (float[64,8] c, float[1,8] r, int64[1,1] i, float[64,8] k) => (n, {})
        {{ m = Relu(c) n = ScatterND(m, i, r) s = ScatterND<reduction="add">(k, i, r) t = ReduceSum(s) }}"""
    graph = _read(tmp_path, text.format("s"), '"": 18')
    assert _facts(graph, "n") == (8 + 32, 32, 0, False)
    # What is added to is read.
    assert _facts(graph, "s") == (8 + 32 + 32, 32, 0, False)
    assert _facts(_read(tmp_path, text.format("t"), '"": 18'), "s") == (2048 + 8 + 32, 2048, 0, False)


def test_a_cache_that_is_shared_takes_the_new_tokens_alone(tmp_path: Path) -> None:
    """One that comes out as long as it went in is read and gets one row; one that grows is written again."""
    for total, written in ((16, 1), (17, 17)):
        text = f"""g (float[1,1,8] q, float[1,1,4] k, float[1,1,4] v, float[1,1,16,4] p, int32[1] n) => (y, a, b)
            <int32 t = {{{total}}}> {{ y, a, b = com.microsoft.GroupQueryAttention<num_heads=2, kv_num_heads=1>
                (q, k, v, p, p, n, t) }}"""
        graph = _read(tmp_path, text, '"": 17, "com.microsoft": 1')
        assert _facts(graph, "y")[1] == 32 + 2 * written * 16


@pytest.mark.parametrize(("total", "cache", "written"), [("n", "[1,1,16,4]", 1), ("n", "", 17), ("16", "", 1)])
def test_the_file_says_whether_new_tokens_lie_behind_a_cache(
    total: str, cache: str, written: int, tmp_path: Path
) -> None:
    """Where the total is not known before a run, a cache that is recorded as long as before takes them in."""
    known = "<int32 t = {16}>" if total == "16" else ""
    given = "" if known else ", int32 t"
    text = f"""g (float[1,1,8] q, float[1,1,4] k, float[1,1,4] v, float[1,1,16,4] p, int32[1] n{given})
        => (y, float{cache} a, float{cache} b) {known} {{ y, a, b =
            com.microsoft.GroupQueryAttention<num_heads=2, kv_num_heads=1> (q, k, v, p, p, n, t) }}"""
    graph = _read(tmp_path, text, '"": 17, "com.microsoft": 1')
    assert _facts(graph, "y")[1] == 32 + 2 * written * 16
    assert graph.flops is not None
    assert graph.flops.tolist() == [2 * (17 if written > 1 else 16) * (4 * 4 + 5)]


VIEWS = {
    "y = Reshape(x, six)": True,
    "y = Flatten(x)": True,
    "y = Squeeze(x)": True,
    "y = Unsqueeze(x, s)": True,
    "y = Identity(x)": True,
    "y = Dropout(x)": True,
    'y = Dropout(x, "", no)': True,
    'y = Dropout(x, "", yes)': False,
    'y = Dropout(x, "", maybe)': False,
    "y, mask = Dropout(x) z = Not(mask)": False,
    "y = Transpose(x)": False,
    "y = Slice(x, zero, s)": False,
    "y = Concat<axis=0>(x, x)": False,
    "y = Expand(x, s)": False,
    "y = Cast<to=1>(x)": False,
}


@pytest.mark.parametrize("node", VIEWS)
def test_a_view_computes_and_moves_nothing(node: str, tmp_path: Path) -> None:
    """Only what keeps its input in place is a view: it reads, writes and computes nothing."""
    text = f"""g (float[1,6] x, bool maybe) => (y)
        <int64[1] s = {{1}}, int64[1] six = {{6}}, int64[1] zero = {{0}}, bool no = {{0}}, bool yes = {{1}}>
        {{ {node} }}"""
    graph = _read(tmp_path, text)
    assert graph.flops is not None
    read_bytes, write_bytes, _, is_view = _facts(graph, "y")
    assert is_view == VIEWS[node]
    assert (read_bytes >= (4 if "Slice" in node else 24), write_bytes > 0) == (not is_view, not is_view)
    assert not is_view or graph.flops[0] == 0


def test_early_dropouts_say_for_themselves_whether_they_train(tmp_path: Path) -> None:
    """Before operator set 7 an attribute says so."""
    text = "g (float[6] x) => (y, z) { y = Dropout<is_test=1>(x) z = Dropout<is_test=0>(x) }"
    graph = _read(tmp_path, text, '"": 6')
    assert graph.is_view is not None
    assert graph.is_view.tolist() == [True, False]


def test_a_quantised_weight_counts_as_it_is_stored(tmp_path: Path) -> None:
    """DequantizeLinear of a stored int8 weight folds away; a byte per element and the scale are read, not floats."""
    text = """g (float[2,4] x) => (float[2,5] y)
        <int8[5,4] w = ["location": "absent"], float s = {0.1}, int8 z = {0}>
        { f = DequantizeLinear(w, s, z) t = Transpose(f) y = MatMul(x, t) }"""
    graph = _read(tmp_path, text)
    assert graph.op == ["MatMul"]
    assert _facts(graph, "y") == (32 + 25, 40, 25, False)


def test_quantising_activations_is_work(tmp_path: Path) -> None:
    """QuantizeLinear and DequantizeLinear of an activation stay nodes, with a byte per element between them."""
    text = """g (float[8] x) => (float[8] y) <float s = {0.1}, uint8 z = {0}>
        { q = QuantizeLinear(x, s, z) y = DequantizeLinear(q, s, z) }"""
    graph = _read(tmp_path, text)
    assert graph.op == ["QuantizeLinear", "DequantizeLinear"]
    assert graph.size.tolist() == [32, 8, 32]
    assert _facts(graph, "q") == (32 + 5, 8, 5, False)


def test_what_trees_store_in_attributes_is_a_parameter(tmp_path: Path) -> None:
    """Classical models keep weights in attributes: four floats and two integers here."""
    text = """g (float[3,4] x) => (float[3,1] y)
        { y = ai.onnx.ml.LinearRegressor<coefficients=[1.0,2.0,3.0,4.0], targets=1>(x) }"""
    assert _facts(_read(tmp_path, text, '"": 17, "ai.onnx.ml": 1'), "y")[2] == 16


SIZES = {"float": 28, "float16": 14, "bfloat16": 14, "double": 56, "int64": 56, "bool": 7, "uint8": 7}
SIZES |= {"int4": 4, "uint4": 4, "float8e4m3fn": 7, "complex64": 56, "complex128": 112, "string": 56, "int16": 14}


@pytest.mark.parametrize("kind", SIZES)
def test_a_size_is_elements_by_width_rounded_up_to_a_byte(kind: str, tmp_path: Path) -> None:
    """Seven elements of each type; half-byte types are packed in pairs, a string counts as a reference of 8 bytes."""
    graph = _read(tmp_path, f"g ({kind}[7] x) => ({kind}[7] y) {{ y = Identity(x) }}", '"": 21')
    assert graph.size.tolist() == [SIZES[kind]] * 2
