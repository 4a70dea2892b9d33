"""Floating-point operations of onnxruntime's own attentions (domain com.microsoft): no discount for causal masks.

Operators are those of https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md.  Projections and
biases that an operator includes are counted; what is added to scores is not.
"""

from __future__ import annotations

from slicegraph.formats.counting import formulas
from slicegraph.formats.onnx.elementary import given, has, made
from slicegraph.formats.onnx.nodes import Node
from slicegraph.formats.onnx.values import Value


def projected(node: Node, *, bias: int = 2, past: int = 4, past_length: int = 6) -> int:
    """Attention: an input of (batch, length, width) becomes queries, keys and values by one matrix."""
    entered, weight = given(node), given(node, 1)
    tokens, (width, _, value_width) = entered.dim(0) * entered.dim(1), hidden_sizes(node, weight.dim(1))
    keys = entered.dim(1) + _past(node, past, 3, past_length, new=entered.dim(1))
    into = tokens * (2 * weight.numel + weight.dim(1) * has(node, bias))
    turned = formulas.ROTATING * tokens * 2 * width * bool(node.integer("do_rotary", 0))
    return into + turned + _scores(node, tokens * keys, width, value_width)


def quantized(node: Node) -> int:
    """QAttention: the same with quantized factors."""
    return projected(node, past=8, past_length=len(node.inputs))


def ordered(node: Node) -> int:
    """QOrderedAttention: the same with a matrix for each of the three."""
    entered, weights = given(node), [given(node, position) for position in (5, 6, 7)]
    tokens = entered.dim(0) * entered.dim(1)
    keys = entered.dim(1) + given(node, 18).dim(3) * has(node, 18)
    into = tokens * sum(2 * weight.numel + weight.dim(1) for weight in weights)
    return into + _scores(node, tokens * keys, weights[0].dim(1), weights[2].dim(1))


def packed(node: Node) -> int:
    """PackedAttention: tokens of several sequences without padding, each as long as the longest may be."""
    entered, weight = given(node), given(node, 1)
    tokens, (width, _, value_width) = entered.dim(0), hidden_sizes(node, weight.dim(1))
    into = tokens * (2 * weight.numel + weight.dim(1))
    return into + _scores(node, tokens * given(node, 3).dim(1), width, value_width)


def packed_heads(node: Node) -> int:
    """PackedMultiHeadAttention: the same without projection, in three tensors or one."""
    query, value = given(node), given(node, 2)
    width = query.dim(1) if has(node, 1) else query.dim(1) * query.dim(3)
    value_width = value.dim(1) if has(node, 2) else width
    biases = query.dim(0) * (2 * width + value_width) * has(node, 3)
    return biases + _scores(node, query.dim(0) * given(node, 4).dim(1), width, value_width)


def multi_head(node: Node, *, bias: int = 3, past: int = 6, past_length: int = 8) -> int:
    """MultiHeadAttention: queries, keys and values in three tensors, in one, or with a cache of keys."""
    query, key, value = (given(node, position) for position in range(3))
    heads, batch = max(1, node.integer("num_heads", 1)), query.dim(0)
    width, value_width, keys = head_sizes(query, key, value, heads, is_packed=not has(node, 1))
    keys += _past(node, past, 2, past_length, new=keys)
    tokens = batch * query.dim(1)
    # A cache of keys came through no projection, so has no bias.
    is_cached = len(key.shape or ()) == 4  # noqa: PLR2004 (batch, heads, length, width)
    biases = tokens * width + (0 if is_cached else batch * _new_keys(query, key) * (width + value_width))
    return biases * has(node, bias) + _scores(node, tokens * keys, width, value_width)


def masked(node: Node) -> int:
    """DecoderMaskedMultiHeadAttention: the same for one new token."""
    return multi_head(node, bias=10, past=5, past_length=7)


def grouped(node: Node) -> int:
    """GroupQueryAttention: several heads of queries share one of keys; a window bounds how many keys each sees."""
    query, heads = given(node), max(1, node.integer("num_heads", 1))
    key_heads = max(1, node.integer("kv_num_heads", 1))
    is_packed = not has(node, 1)
    width = query.dim(2) // (heads + 2 * key_heads if is_packed else heads)
    new = query.dim(1) if is_packed else given(node, 1).dim(1)
    total = given(node, 6).scalar
    cached = made(node, 1).dim(2) if made(node, 1).shape else new + given(node, 3).dim(2) * has(node, 3)
    keys = total if total is not None and total > 0 else cached
    window = node.integer("local_window_size", -1)
    scores = query.dim(0) * heads * query.dim(1) * (min(keys, window) if window > 0 else keys)
    turned = query.dim(0) * width * (heads * query.dim(1) + key_heads * new)
    prepared = formulas.ROTATING * bool(node.integer("do_rotary", 0)) + formulas.NORMALISING * has(node, 14)
    return formulas.attention(scores, width, width) + prepared * turned


def sparse(node: Node) -> int:
    """SparseAttention: the same, of which only the blocks are computed that a mask's rows and columns name."""
    query, heads, key_heads = given(node), max(1, node.integer("num_heads", 1)), max(1, node.integer("kv_num_heads", 1))
    width = query.dim(2) // (heads if has(node, 1) else heads + 2 * key_heads)
    total, longest = given(node, 7).scalar, given(node, 3).dim(2)
    keys = total if total is not None and total > 0 else longest
    # The mask is square, as long as the cache may get; all of its blocks that are named are computed.
    blocks, named = max(1, given(node, 5).dim(1) - 1), given(node, 6).dim(1)
    scores = query.dim(0) * heads * query.dim(1) * keys * min(named, blocks**2) // blocks**2
    turned = formulas.ROTATING * bool(node.integer("do_rotary", 0))
    rotated = query.dim(0) * query.dim(1) * width * (heads + key_heads)
    return formulas.attention(scores, width, width) + turned * rotated


def paged(node: Node) -> int:
    """PagedAttention: tokens of several sequences, each with as many keys as its table has room for."""
    query, heads, key_heads = given(node), max(1, node.integer("num_heads", 1)), max(1, node.integer("kv_num_heads", 1))
    width = query.dim(1) // (heads if has(node, 1) else heads + 2 * key_heads)
    keys, window = given(node, 7).dim(1) * given(node, 3).dim(1), node.integer("local_window_size", -1)
    scores = query.dim(0) * heads * (min(keys, window) if window > 0 else keys)
    turned = formulas.ROTATING * bool(node.integer("do_rotary", 0)) + formulas.NORMALISING * has(node, 12)
    value_width = node.integer("v_head_size", 0) or width
    return formulas.attention(scores, width, value_width) + turned * query.dim(0) * width * (heads + key_heads)


def decoder(node: Node) -> int:
    """DecoderAttention: queries by one matrix, keys and values by another, beside a cache of both."""
    query, key = given(node), given(node, 1)
    tokens, new, width = query.dim(0) * query.dim(1), key.dim(0) * key.dim(1), query.dim(2)
    is_cached = has(node, 6) and given(node, 9).scalar != 0
    # Of a cross-attention with a cache the keys are there already; else they are added to it.
    is_static = is_cached and given(node, 8).scalar == 1
    kept = given(node, 6).dim(2) * is_cached
    keys = kept if is_static else key.dim(0) + kept
    into = tokens * (2 * given(node, 2).numel + width) + (
        0 if is_static else new * (2 * given(node, 3).numel + 2 * width)
    )
    return into + _scores(node, tokens * keys, width, width)


def local(node: Node, *, weights: tuple[int, int], window: int = 1) -> int:
    """LongformerAttention: all tokens are projected twice, and attend to a window on both sides.

    The few that are marked attend to all; how many is not known, and none are counted.
    """
    entered = given(node)
    tokens, width = entered.dim(0) * entered.dim(1), entered.dim(2)
    into = tokens * sum(2 * given(node, at).numel + given(node, at).dim(1) for at in weights)
    keys = min(entered.dim(1), 2 * node.integer("window", window) + 1)
    return into + _scores(node, tokens * keys, width, width)


def position_gates(node: Node) -> int:
    """GatedRelativePositionBias: project each head's queries, add both halves up, and gate a bias for each score."""
    query, weight = given(node), given(node, 3)
    heads = max(1, node.integer("num_heads", 1))
    rows = query.numel // max(1, query.dim(-1)) * heads
    gates = rows * (2 * weight.numel + 2 * weight.dim(1) + 6)
    return query.numel + gates + made(node).numel


def hidden_sizes(node: Node, merged: int) -> tuple[int, int, int]:
    """Give how wide queries, keys and values are that one matrix makes."""
    sizes = node.integers("qkv_hidden_sizes")
    third = merged // 3
    return (sizes[0], sizes[1], sizes[2]) if len(sizes) == 3 else (third, third, third)  # noqa: PLR2004 as above


def head_sizes(query: Value, key: Value, value: Value, heads: int, *, is_packed: bool) -> tuple[int, int, int]:
    """Give the width of all heads' keys and values together, and how many keys are new, in any of their layouts."""
    if is_packed:
        width = heads * query.dim(4)
        return width, width, query.dim(1)
    width = query.dim(2)
    axes = len(key.shape or ())
    if axes == 5:  # noqa: PLR2004 (batch, length, heads, 2, width)
        return width, heads * key.dim(4), key.dim(1)
    if axes == 4:  # noqa: PLR2004 (batch, heads, length, width)
        return width, heads * value.dim(3), key.dim(2)
    return width, value.dim(2), key.dim(1)


def _new_keys(query: Value, key: Value) -> int:
    return query.dim(1) if key.shape is None else key.dim(1)


def _past(node: Node, position: int, axis: int, length: int, *, new: int) -> int:
    """Give how many keys are there already: as an input says, or as the cache is long.

    A cache that takes the new keys in as well holds the new ones at its end.
    """
    if not has(node, position):
        return 0
    if has(node, length):
        known = given(node, length).scalar
        return max(0, given(node, position).dim(axis) - new) if known is None else max(0, known)
    return given(node, position).dim(axis)


def _scores(node: Node, pairs: int, width: int, value_width: int) -> int:
    """Attend, given the pairs of tokens, and widths of all heads together."""
    heads = max(1, node.integer("num_heads", 1))
    return formulas.attention(pairs * heads, 0, 0) + 2 * pairs * (width + value_width)
