"""Floating-point operations of onnxruntime's mixers of tokens and streams (domain com.microsoft), by definition.

Recurrent states, streams between layers, routers, and attentions to what another operator selected.  Operators are
those of https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md.
"""

from __future__ import annotations

from slicegraph.formats.counting import formulas
from slicegraph.formats.onnx import contractions
from slicegraph.formats.onnx.attentions import recurrent_states
from slicegraph.formats.onnx.elementary import given, has, made
from slicegraph.formats.onnx.nodes import Node

_N = formulas.NORMALISING


def selected(node: Node) -> int:
    """DynamicSparseAttention and SparsePagedAttention: each query sees as many keys as may be selected for it.

    In the mode "local_plus_selected" it sees those of a window beside them.
    """
    query, heads, key_heads = given(node), max(1, node.integer("num_heads", 1)), max(1, node.integer("kv_num_heads", 1))
    is_paged = node.op.endswith("SparsePagedAttention")
    positions, norm = (9, 17) if is_paged else (7, 14)
    width = query.dim(-1) // (heads if has(node, 1) else heads + 2 * key_heads)
    tokens = query.numel // max(1, query.dim(-1))
    window = node.integer("local_window_size", 0) if node.text("attention_mode", "") == "local_plus_selected" else 0
    keys = given(node, positions).dim(1) + max(0, window)
    turned = formulas.ROTATING * bool(node.integer("do_rotary", 0)) + _N * has(node, norm)
    return formulas.attention(tokens * heads * keys, width, width) + turned * tokens * width * (heads + key_heads)


def gated_delta(node: Node) -> int:
    """GatedDeltaNet: the recurrence of LinearAttention, with a state for each head of values."""
    query, state = given(node), given(node, 6)
    if has(node, 1):
        key, value = given(node, 1), given(node, 2)
        width, heads, value_width, key_heads = key.dim(-1), value.dim(-2), value.dim(-1), key.dim(-2)
        tokens = key.numel // max(1, width * key_heads)
    else:
        heads, value_width, width = state.dim(1), state.dim(2), state.dim(3)
        tokens = query.numel // max(1, query.dim(-1))
        key_heads = (query.dim(-1) - heads * value_width) // max(1, 2 * width)
    each = recurrent_states(node.text("update_rule", "gated_delta"), heads, heads, width * value_width)
    lengths = 3 * 2 * key_heads * width * bool(node.integer("qk_l2_norm", 0))
    return tokens * (each + lengths)


def state_space(node: Node) -> int:
    """Mamba2Verify: convolve four taps, decay, feed and read each head's state, gate and normalise."""
    rows, channels = given(node).dim(0), given(node, 1).dim(1)
    inner = node.integer("heads", 1) * node.integer("head_dim", 64)
    convolved = formulas.products(channels, 4, added=2)
    # Feed, skip, gate, normalise.
    return rows * (convolved + 5 * inner * node.integer("d_state", 128) + inner * (1 + 2 + 2 + _N))


def attending_recurrence(node: Node) -> int:
    """AttnLSTM: an LSTM that looks at a memory in each step, and takes what it finds into the next."""
    steps = given(node).dim(0) * given(node).dim(1)
    query, weight, memory, layer = given(node, 8), given(node, 9), given(node, 11), given(node, 13)
    directions, width, length, depth = query.dim(0), query.dim(2), memory.dim(1), memory.dim(2)
    hidden = directions * given(node, 2).dim(2)
    # Add, activate, weigh and add; normalise; mean.
    looked = directions * length * (4 * width + _N + 2 * depth)
    attended = 2 * query.numel + looked + 2 * layer.numel * has(node, 13)
    prepared = 2 * memory.dim(0) * length * weight.numel
    return contractions.recurrence(node) + steps * attended * bool(hidden) + prepared


def low_rank_mix(node: Node) -> int:
    """HyperConnectionLowRankMix: normalise all streams, gate them by a product of two thin factors, and add them up."""
    streams, rank, branches = given(node), given(node, 2).dim(1), max(1, node.integer("num_branches", 1))
    rows = streams.numel // max(1, streams.dim(-1))
    products = streams.numel * (2 * rank + 2 * rank + 2 * branches)
    # A sigmoid, and the weighted sum; two for each of the rank, three for each gate.
    return products + streams.numel * (2 * has(node, 5) + _N + 1 + 2) + rows * (2 * rank + 3 * branches)


def stream_mix(node: Node) -> int:
    """HyperConnectionPostMix: mix the streams with each other, if asked to, and add the weighted output of a block."""
    streams = given(node)
    branches = node.integer("num_branches", 0) or streams.dim(-2)
    return streams.numel * (2 + 2 * branches * has(node, 3))


def engram(node: Node) -> int:
    """EngramGate: normalise keys and queries, multiply them, and scale the value by the gate of each stream."""
    keys = given(node)
    rows = keys.numel // max(1, keys.dim(-1))
    return keys.numel * (2 * _N + 2 + 1 + _N * has(node, 5)) + 5 * rows


def normalised_rotation(node: Node) -> int:
    """RMSNormRotary: normalise each head, and rotate some of its elements."""
    rows, width = given(node).numel // max(1, given(node).dim(-1)), given(node, 1).dim(-1)
    return rows * (_N * width + formulas.ROTATING * min(width, node.integer("rotary_embedding_dim", 0)))


def router(node: Node) -> int:
    """MoEGroupRouter: project if asked to, then activate, shift, and choose groups and experts for each token."""
    experts = given(node, 1).dim(-1)
    width = given(node).dim(-1)
    tokens = given(node).numel // max(1, width)
    chosen = formulas.comparisons(tokens * experts, node.integer("top_k", 1))
    return tokens * experts * (2 * width * has(node, 2) + 3) + (0 if has(node, 2) else chosen)


def word_convolution(node: Node) -> int:
    """WordConvEmbedding: convolve the characters of each word, activate, and keep the greatest."""
    letters, filters = given(node), given(node, 1)
    length, window = letters.dim(-1), node.integer("conv_window_size", 0) or filters.dim(-2)
    places = letters.numel // max(1, length) * max(1, length - window + 1)
    inner = window * (node.integer("char_embedding_size", 0) or given(node, 3).dim(-1))
    return formulas.products(places * made(node).dim(-1), inner, added=3)
