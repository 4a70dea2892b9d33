"""Operators of com.microsoft: each counts what the operators of ONNX count that it is made of, or its definition."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import parser

from onnx_nodes import write_node
from slicegraph.formats.onnx import read

_MS = "com.microsoft:"
_small = st.integers(1, 6)
# Each example writes and reads two models.
_few = settings(max_examples=20)


def _zeros(*shape: int, dtype: type[Any] = np.float32) -> NDArray[Any]:
    return np.zeros(shape, dtype)


def _count(op: str, feeds: dict[str, NDArray[Any]], **options: Any) -> int:
    """Count one operator of com.microsoft, which must be no guess."""
    with TemporaryDirectory() as folder:
        graph = read(write_node(Path(folder) / "m.onnx", _MS + op, feeds, **options))
    assert graph.flops is not None
    assert graph.is_guess is not None
    assert not graph.is_guess.any()
    return int(graph.flops.sum())


def _apart(inputs: str, nodes: str) -> int:
    """Count what operators of ONNX take that do the same."""
    text = f'<ir_version: 9, opset_import: ["": 20]> g ({inputs}) => (y) {{ {nodes} }}'
    with TemporaryDirectory() as folder:
        path = Path(folder) / "m.onnx"
        path.write_bytes(parser.parse_model(text).SerializeToString())
        graph = read(path)
    assert graph.flops is not None
    return int(graph.flops.sum())


@_few
@given(_small, _small, _small, _small, st.booleans(), st.booleans())
def test_a_fused_product_counts_as_the_transposed_one(
    batch: int, rows: int, inner: int, columns: int, left: bool, right: bool
) -> None:
    """Whatever is transposed, the product is the same, so is its count."""
    a = (batch, inner, rows) if left else (batch, rows, inner)
    b = (columns, inner) if right else (inner, columns)
    fused = _count("FusedMatMul", {"a": _zeros(*a), "b": _zeros(*b)}, transA=int(left), transB=int(right))
    assert fused == _apart(f"float[{batch},{rows},{inner}] a, float[{inner},{columns}] b", "y = MatMul(a, b)")


@_few
@given(_small, st.integers(1, 4), st.integers(1, 5), st.booleans(), st.sampled_from([2, 4, 8]))
def test_packed_weights_count_as_plain_ones(rows: int, blocks: int, columns: int, has_bias: bool, bits: int) -> None:
    """2 K for each output, however few bits a weight has, and 1 for a bias."""
    inner = 32 * blocks
    stored = {
        "w": _zeros(columns, blocks, 4 * bits, dtype=np.uint8),
        "s": _zeros(columns, blocks),
        "b": _zeros(columns),
    }
    inputs = ["x", "w", "s", "", "", "b"] if has_bias else ["x", "w", "s"]
    options = {"K": inner, "N": columns, "bits": bits, "block_size": 32}
    counted = _count("MatMulNBits", {"x": _zeros(rows, inner)}, stored=stored, inputs=inputs, **options)
    third = f", float[{columns}] b" if has_bias else ""
    operands = "x, w, b" if has_bias else "x, w"
    assert counted == _apart(f"float[{rows},{inner}] x, float[{inner},{columns}] w{third}", f"y = Gemm({operands})")


@_few
@given(_small, st.integers(1, 9), st.integers(1, 9), st.booleans())
def test_packed_weights_may_be_multiplied_from_either_side(rows: int, inner: int, columns: int, is_plain: bool) -> None:
    """The weights are ``N`` by ``K``; one without elements is a product that is left out."""
    options = {"K": inner, "N": columns, "block_size": 32, "quant_type": 1, "transB": int(not is_plain)}
    stored = {"w": _zeros(-(-inner * columns // 2), dtype=np.uint8), "s": _zeros(3)}
    feeds = {"x": _zeros(rows, columns if is_plain else inner)}
    assert _count("MatMulBnb4", feeds, stored=stored, inputs=["x", "w", "s"], **options) == 2 * rows * inner * columns
    stored = {"w": _zeros(columns, 0, 16, dtype=np.uint8), "s": _zeros(0)}
    options = {"K": inner, "N": columns, "bits": 4, "block_size": 32}
    assert _count("MatMulNBits", {"x": _zeros(rows, inner)}, stored=stored, inputs=["x", "w", "s"], **options) == 0


@_few
@given(_small, _small, _small, _small, st.booleans())
def test_a_fused_gemm_counts_bias_and_activation(m: int, k: int, n: int, c: int, has_bias: bool) -> None:
    """What is fused to a product costs what it costs apart."""
    feeds = {"a": _zeros(m, k), "b": _zeros(k, n), **({"c": _zeros(n)} if has_bias else {})}
    third = f", float[{n}] c" if has_bias else ""
    operands = ", ".join(feeds)
    apart = _apart(f"float[{m},{k}] a, float[{k},{n}] b{third}", f"z = Gemm({operands}) y = Relu(z)")
    assert _count("FusedGemm", feeds, activation="Relu") == apart
    image, kernel = {"x": _zeros(1, k, 8, 8)}, {"w": _zeros(n, k, c, c)}
    apart = _apart(f"float[1,{k},8,8] x, float[{n},{k},{c},{c}] w", "z = Conv(x, w) y = Relu(z)")
    assert _count("FusedConv", {**image, **kernel}, activation="Relu") == apart


@_few
@given(_small, _small, _small, st.integers(1, 4), st.integers(1, 5), st.integers(0, 4))
def test_attention_counts_projections_scores_softmax_and_values(
    batch: int, length: int, wide: int, heads: int, width: int, past: int
) -> None:
    """Attention is one product with a bias, then for each head two products with the old and new keys and a softmax."""
    hidden, total = heads * width, length + past
    feeds = {"x": _zeros(batch, length, wide), "w": _zeros(wide, 3 * hidden), "b": _zeros(3 * hidden)}
    inputs, outputs = ["x", "w", "b"], ["y"]
    if past:
        feeds["p"] = _zeros(2, batch, heads, past, width)
        inputs, outputs = [*inputs, "", "p"], ["y", "present"]
    projection = _apart(
        f"float[{batch * length},{wide}] x, float[{wide},{3 * hidden}] w, float[{3 * hidden}] b", "y = Gemm(x, w, b)"
    )
    query, keys = f"float[{batch},{heads},{length},{width}]", f"float[{batch},{heads},{width},{total}]"
    values = f"float[{batch},{heads},{total},{width}]"
    core = _apart(f"{query} q, {keys} k, {values} v", "s = MatMul(q, k) t = Softmax(s) y = MatMul(t, v)")
    assert _count("Attention", feeds, inputs=inputs, outputs=outputs, num_heads=heads) == projection + core


@_few
@given(_small, _small, _small, st.integers(1, 4), st.integers(1, 5), st.integers(1, 5))
def test_every_layout_of_many_heads_counts_the_same(
    batch: int, length: int, keys: int, heads: int, width: int, values: int
) -> None:
    """Keys and values apart, packed in pairs, or as a cache: scores, softmax and values of all heads."""
    query = f"float[{batch},{heads},{length},{width}]"

    def core(length_of_keys: int, wide: int) -> int:
        key, value = (
            f"float[{batch},{heads},{width},{length_of_keys}]",
            f"float[{batch},{heads},{length_of_keys},{wide}]",
        )
        return _apart(f"{query} q, {key} k, {value} v", "s = MatMul(q, k) t = Softmax(s) y = MatMul(t, v)")

    q = {"q": _zeros(batch, length, heads * width)}
    apart = {"k": _zeros(batch, keys, heads * width), "v": _zeros(batch, keys, heads * values)}
    assert _count("MultiHeadAttention", {**q, **apart}, num_heads=heads) == core(keys, values)
    cache = {"k": _zeros(batch, heads, keys, width), "v": _zeros(batch, heads, keys, values)}
    assert _count("MultiHeadAttention", {**q, **cache}, num_heads=heads) == core(keys, values)
    pairs = {"k": _zeros(batch, keys, heads, 2, width)}
    assert _count("MultiHeadAttention", {**q, **pairs}, num_heads=heads) == core(keys, width)
    packed = {"q": _zeros(batch, length, heads, 3, width)}
    assert _count("MultiHeadAttention", packed, num_heads=heads) == core(length, width)
    past = {"pk": _zeros(batch, heads, 3, width), "pv": _zeros(batch, heads, 3, values)}
    inputs = ["q", "k", "v", "", "", "", "pk", "pv"]
    assert _count("MultiHeadAttention", {**q, **apart, **past}, inputs=inputs, num_heads=heads) == core(
        keys + 3, values
    )


@_few
@given(_small, _small, st.integers(1, 3), st.integers(1, 3), st.integers(1, 4), st.integers(0, 6), st.integers(0, 9))
def test_grouped_queries_attend_to_all_keys_or_a_window(
    batch: int, length: int, groups: int, key_heads: int, half: int, past: int, window: int
) -> None:
    """Scores are of all query heads; a window bounds their keys; rotation takes 3 for each element of both."""
    heads, width, total = groups * key_heads, 2 * half, length + past
    feeds = {
        "q": _zeros(batch, length, heads * width),
        "k": _zeros(batch, length, key_heads * width),
        "v": _zeros(batch, length, key_heads * width),
        "n": _zeros(batch, dtype=np.int32),
        "t": _zeros(dtype=np.int32),
    }
    inputs = ["q", "k", "v", "", "", "n", "t"]
    if past:
        feeds |= {"pk": _zeros(batch, key_heads, past, width), "pv": _zeros(batch, key_heads, past, width)}
        inputs[3:5] = ["pk", "pv"]
    options = {"num_heads": heads, "kv_num_heads": key_heads, "inputs": inputs}
    seen = min(total, window) if window else total
    core = batch * heads * length * seen * (4 * width + 5)
    assert _count("GroupQueryAttention", feeds, **options, local_window_size=window or -1) == core
    turned = 3 * batch * length * (heads + key_heads) * width
    rotating = _count("GroupQueryAttention", feeds, **options, local_window_size=window or -1, do_rotary=1)
    assert rotating == core + turned


@_few
@given(_small, st.integers(1, 4), _small, _small, st.integers(1, 4), st.booleans())
def test_a_mixture_of_experts_counts_those_that_are_chosen(
    tokens: int, experts: int, width: int, inner: int, chosen: int, gated: bool
) -> None:
    """Each token goes through k experts, however many are stored; one with a gate has a third matrix."""
    chosen = min(chosen, experts)
    feeds = {"x": _zeros(tokens, width), "r": _zeros(tokens, experts)}
    stored = {
        "a": _zeros(experts, inner, width),
        "b": _zeros(experts, width, inner),
        "c": _zeros(experts, inner, width),
    }
    inputs = ["x", "r", "a", "", "b", "", "c"] if gated else ["x", "r", "a", "", "b"]
    kind = "silu"
    one = 2 * width * inner * (3 if gated else 2) + inner * (2 if gated else 1) + 2 * width
    counted = _count("MoE", feeds, stored=stored, inputs=inputs, k=chosen, activation_type=kind)
    assert counted == tokens * chosen * one + 5 * tokens * experts
    packed = {"a": _zeros(experts, 2 * inner, width), "b": stored["b"]}
    one = 2 * width * inner * 3 + inner * 2 + 2 * width
    options = {"inputs": inputs[:5], "k": chosen, "activation_type": "swiglu", "swiglu_fusion": 1}
    assert _count("MoE", feeds, stored=packed, **options) == tokens * chosen * one + 5 * tokens * experts


@_few
@given(_small, _small, _small, st.booleans())
def test_fused_normalisations_count_their_sums(batch: int, length: int, width: int, has_bias: bool) -> None:
    """Add, perhaps add a bias, then normalise: as apart."""
    shape = f"float[{batch},{length},{width}]"
    feeds = {
        "x": _zeros(batch, length, width),
        "k": _zeros(batch, length, width),
        "g": _zeros(width),
        "b": _zeros(width),
    }
    inputs = ["x", "k", "g", "", "b"] if has_bias else ["x", "k", "g"]
    if not has_bias:
        del feeds["b"]
    nodes = (
        "s = Add(x, k) t = Add(s, b) y = LayerNormalization(t, g)"
        if has_bias
        else "s = Add(x, k) y = LayerNormalization(s, g)"
    )
    apart = _apart(f"{shape} x, {shape} k, float[{width}] g, float[{width}] b", nodes)
    assert _count("SkipLayerNormalization", feeds, inputs=inputs) == apart
    gelu = _apart(f"{shape} x, float[{width}] b", "s = Add(x, b) y = Gelu(s)")
    assert _count("BiasGelu", {"x": feeds["x"], "b": _zeros(width)}) == gelu
    assert _count("FastGelu", {"x": feeds["x"], "b": _zeros(width)}) == gelu


@_few
@given(_small, _small, st.integers(1, 3), st.integers(1, 4), st.integers(1, 4))
def test_only_the_part_that_turns_is_counted(batch: int, length: int, heads: int, half: int, rest: int) -> None:
    """Two products and a sum for each element within rotary_embedding_dim."""
    width = 2 * half + rest
    caches = {"c": _zeros(length, half), "s": _zeros(length, half)}
    feeds = {"x": _zeros(batch, length, heads * width), "p": _zeros(batch, length, dtype=np.int64), **caches}
    counted = _count("RotaryEmbedding", feeds, num_heads=heads, rotary_embedding_dim=2 * half)
    assert counted == 3 * batch * length * heads * 2 * half


@_few
@given(_small, _small, st.integers(1, 3), st.integers(1, 4), st.integers(1, 3), st.booleans())
def test_a_decoder_attends_to_what_it_keeps(
    batch: int, length: int, heads: int, width: int, kept: int, is_static: bool
) -> None:
    """Keys and values are projected and added to the cache, or are there already; scores are with all of them."""
    hidden = heads * width
    feeds = {"q": _zeros(length, batch, hidden), "k": _zeros(length, batch, hidden)}
    cache = {"ck": _zeros(batch, heads, kept, width), "cv": _zeros(batch, heads, kept, width)}
    flags = {name: np.array(flag) for name, flag in (("s", is_static), ("p", True), ("l", True), ("m", False))}
    stored = {"wq": _zeros(hidden, hidden), "wk": _zeros(hidden, 2 * hidden), "b": _zeros(3 * hidden), **flags}
    inputs = ["q", "k", "wq", "wk", "b", "", "ck", "cv", "s", "p", "l", "m"]
    counted = _count("DecoderAttention", {**feeds, **cache}, stored=stored, inputs=inputs, num_heads=heads)
    total = kept if is_static else kept + length
    into = batch * length * (2 * hidden + 1) * hidden * (1 if is_static else 3)
    core = sum(4 * width + 5 for _ in range(batch) for _ in range(heads) for _ in range(length) for _ in range(total))
    assert counted == into + core


@_few
@given(_small, _small, st.integers(1, 3), st.integers(1, 4), st.integers(1, 4))
def test_a_long_former_attends_to_its_window(batch: int, length: int, heads: int, width: int, window: int) -> None:
    """Each token sees so many on both sides and itself; local and global projections are of all tokens."""
    hidden = heads * width
    feeds = {"x": _zeros(batch, length, hidden), "m": _zeros(batch, length), "g": _zeros(batch, length, dtype=np.int32)}
    stored = {"w": _zeros(hidden, 3 * hidden), "b": _zeros(3 * hidden), "v": _zeros(hidden, 3 * hidden)}
    inputs = ["x", "w", "b", "m", "v", "b", "g"]
    counted = _count("LongformerAttention", feeds, stored=stored, inputs=inputs, num_heads=heads, window=window)
    into = 2 * batch * length * 3 * hidden * (2 * hidden + 1)
    assert counted == into + batch * heads * length * min(length, 2 * window + 1) * (4 * width + 5)


@_few
@given(st.integers(1, 4), st.integers(1, 2), st.integers(1, 3), st.integers(1, 4), st.data())
def test_a_sparse_attention_counts_the_blocks_of_its_mask(
    blocks: int, key_heads: int, groups: int, width: int, data: st.DataObject
) -> None:
    """A loop over the blocks that the mask names, and the pairs of tokens in each."""
    side, heads, batch = 16, key_heads * groups, 2
    mask = data.draw(st.lists(st.booleans(), min_size=blocks**2, max_size=blocks**2).filter(any))
    rows, columns, length = [0], [], blocks * side
    for row in range(blocks):
        columns += [column for column in range(blocks) if mask[row * blocks + column]]
        rows.append(len(columns))
    feeds = {
        "q": _zeros(batch, length, heads * width),
        "k": _zeros(batch, length, key_heads * width),
        "v": _zeros(batch, length, key_heads * width),
        "pk": _zeros(batch, key_heads, length, width),
        "pv": _zeros(batch, key_heads, length, width),
        "n": np.full(batch, length, np.int32),
    }
    stored = {"r": np.array([rows], np.int32), "c": np.array([columns], np.int32), "t": np.array([length], np.int32)}
    inputs = ["q", "k", "v", "pk", "pv", "r", "c", "t", "n"]
    options = {"num_heads": heads, "kv_num_heads": key_heads, "sparse_block_size": side}
    counted = _count("SparseAttention", feeds, stored=stored, inputs=inputs, **options)
    scores = sum(side * side for _ in range(batch) for _ in range(heads) for _ in columns)
    assert counted == scores * (4 * width + 5)


@_few
@given(_small, st.integers(1, 2), st.integers(1, 3), st.integers(1, 4), st.integers(1, 4), st.integers(-1, 9))
def test_pages_hold_as_many_keys_as_a_table_names(
    tokens: int, key_heads: int, groups: int, width: int, pages: int, window: int
) -> None:
    """Each token of a sequence may see all keys that its table has room for, or a window of them."""
    heads, side = key_heads * groups, 8
    feeds = {
        "q": _zeros(tokens, heads * width),
        "k": _zeros(tokens, key_heads * width),
        "v": _zeros(tokens, key_heads * width),
        "ck": _zeros(9, side, key_heads, width),
        "cv": _zeros(9, side, key_heads, width),
        "l": _zeros(2, dtype=np.int32),
        "p": _zeros(1, dtype=np.int32),
        "t": _zeros(1, pages, dtype=np.int32),
    }
    options = {"num_heads": heads, "kv_num_heads": key_heads, "local_window_size": window}
    keys = min(window, side * pages) if window > 0 else side * pages
    assert _count("PagedAttention", feeds, **options) == tokens * heads * keys * (4 * width + 5)
