"""Floating-point operations of ONNX's own attentions: no discount for what a mask hides."""

from __future__ import annotations

from slicegraph.formats.counting import formulas
from slicegraph.formats.onnx.elementary import given, has
from slicegraph.formats.onnx.nodes import Node, body_graphs


def attention(node: Node) -> int:
    """Attention: scores, their softmax at 5 per score, and the mean of the values; of a window only what it shows."""
    scores, width, value_width = _sizes(node)
    left, right = node.integer("left_window_size", -1), node.integer("right_window_size", -1)
    if left < 0 and right < 0:
        return formulas.attention(scores, width, value_width)
    queries, keys, past = _lengths(node)
    ahead = 0 if node.integer("is_causal", 0) else right
    # Without a past, keys that are counted by an input lie in a cache of their own: the queries are its last ones.
    shown = formulas.shown(queries, keys, before=keys - queries if has(node, 6) else past, left=left, right=ahead)
    return formulas.attention(scores // max(1, queries * keys) * shown, width, value_width)


def flex_attention(node: Node) -> int:
    """FlexAttention: the same, and each operator that modifies scores once for each score."""
    scores, width, value_width = _sizes(node)
    modifiers = sum(len(graph.node) for graph in body_graphs(node.proto))
    return formulas.attention(scores, width, value_width) + scores * modifiers


def recurrent_states(rule: str, heads: int, key_heads: int, state: int) -> int:
    """Update the states of all heads of keys for one token, and read one for each head of queries.

    An outer product is added to each state and one product read from it for each query head; "gated" rules decay the
    state first, "delta" rules read it for the key.
    """
    update = 2 + ("gated" in rule) + 2 * ("delta" in rule)
    return state * (2 * heads + update * key_heads)


def linear_attention(node: Node) -> int:
    """LinearAttention: each token updates its heads' states and reads them, by the recurrence of ``update_rule``."""
    query, key, value = (given(node, position) for position in range(3))
    heads, key_heads = max(1, node.integer("q_num_heads", 1)), max(1, node.integer("kv_num_heads", 1))
    tokens, state = query.dim(0) * query.dim(1), (key.dim(2) // key_heads) * (value.dim(2) // key_heads)
    rule = node.text("update_rule", "gated_delta")
    return tokens * recurrent_states(rule, max(heads, key_heads), key_heads, state)


def _lengths(node: Node) -> tuple[int, int, int]:
    """Give how many queries, keys and keys of a cache there are."""
    axis = len(given(node).shape or ()) - 2
    past = given(node, 4).dim(2) * has(node, 4)
    return given(node).dim(axis), given(node, 1).dim(axis) + past, past


def _sizes(node: Node) -> tuple[int, int, int]:
    """Give the number of scores, and the width of a head's keys and values."""
    query, key, value = (given(node, position) for position in range(3))
    if len(query.shape or ()) == 3:  # noqa: PLR2004 heads and their width in one axis
        heads, length = node.integer("q_num_heads", 1), query.dim(1)
        width, value_width = query.dim(2) // max(1, heads), value.dim(2) // max(1, node.integer("kv_num_heads", 1))
        keys = key.dim(1)
    else:
        heads, length, width, value_width = query.dim(1), query.dim(2), query.dim(3), value.dim(3)
        keys = key.dim(2)
    if has(node, 4):
        keys += given(node, 4).dim(2)
    return query.dim(0) * heads * length * keys, width, value_width
