"""Shapes of onnxruntime's attentions (domain com.microsoft), whatever layout queries, keys and values come in."""

from __future__ import annotations

from collections.abc import Sequence

from slicegraph.formats.onnx.elementary import given, has, made
from slicegraph.formats.onnx.nodes import Node
from slicegraph.formats.onnx.shaping import ShapeRule, kind, rank, replaced, size, tensor
from slicegraph.formats.onnx.values import Value

_CACHE, _PACKED_KEYS = 4, 5  # axes of (batch, heads, length, width), and of (batch, length, heads, 2 or 3, width)


def projected(*, past: int, typed: int = 0) -> ShapeRule:
    """Give (batch, length, width of values), and the cache with the new tokens in it."""

    def rule(node: Node) -> Sequence[Value]:
        value, merged = given(node), size(given(node, 1), 1)
        sizes, heads = node.integers("qkv_hidden_sizes"), node.integer("num_heads", 1)
        third = None if merged is None else merged // 3
        width = sizes[-1] if sizes else third
        first = sizes[0] if sizes else third
        made, length = kind(given(node, typed)), size(value, 1)
        cache = given(node, past)
        total = length if not has(node, past) else _sum(size(cache, 3), length)
        present = (2, size(value, 0), heads or None, total, None if first is None else first // max(1, heads))
        if has(node, past) and node.integer("past_present_share_buffer", 0):
            present = cache.shape if cache.shape is not None else present  # type: ignore[assignment] # five axes
        return [tensor(made, (size(value, 0), length, width)), tensor(made, present)]

    return rule


def ordered(node: Node) -> Sequence[Value]:
    """Give (batch, length, width of values)."""
    value = given(node)
    return [tensor(kind(value), (size(value, 0), size(value, 1), size(given(node, 7), 1)))]


def packed(node: Node) -> Sequence[Value]:
    """Give (tokens, width of values)."""
    value, merged, sizes = given(node), size(given(node, 1), 1), node.integers("qkv_hidden_sizes")
    width = sizes[-1] if sizes else None if merged is None else merged // 3
    return [tensor(kind(value), (size(value, 0), width))]


def packed_heads(node: Node) -> Sequence[Value]:
    """Give (tokens, width of values), which one tensor may hold beside queries and keys."""
    query = given(node)
    width = size(given(node, 2), 1) if has(node, 2) else _times(size(query, 1), size(query, 3))
    return [tensor(kind(query), (size(query, 0), width))]


def multi_head(*, past: int, past_length: int) -> ShapeRule:
    """Give (batch, length, width of values), both caches with the new tokens in them, and the scores."""

    def rule(node: Node) -> Sequence[Value]:
        query, key, value = (given(node, position) for position in range(3))
        heads, made, batch, length = node.integer("num_heads", 1), kind(query), size(query, 0), size(query, 1)
        if rank(query) == _PACKED_KEYS:
            keys, width, values = length, size(query, 4), size(query, 4)
        elif not has(node, 1):
            # Queries, keys and values side by side.
            keys, width = length, _over(size(query, 2), 3 * heads)
            values = width
        elif rank(key) == _PACKED_KEYS:
            keys, width, values = size(key, 1), size(key, 4), size(key, 4)
        elif rank(key) == _CACHE:
            keys, width, values = size(key, 2), size(key, 3), size(value, 3)
        else:
            keys, width, values = size(key, 1), _over(size(query, 2), heads), _over(size(value, 2), heads)
        cache = given(node, past)
        total = keys
        if has(node, past):
            total = size(cache, 2) if has(node, past_length) else _sum(size(cache, 2), keys)
        caches = [tensor(made, (batch, heads, total, each)) for each in (width, values)]
        scores = tensor(made, (batch, heads, length, total))
        return [tensor(made, (batch, length, _times(heads, values))), *caches, scores]

    return rule


def grouped(node: Node) -> Sequence[Value]:
    """Give (batch, length, width), and both caches.

    They are as long as the total that is known, and at least as before. If it is not known, new tokens are in the place
    of old ones where the file records caches as long as before, and else behind them.
    """
    query, cache = given(node), given(node, 3)
    heads, key_heads = node.integer("num_heads", 1), node.integer("kv_num_heads", 1)
    is_packed = not has(node, 1)
    width = _over(size(query, 2), heads + 2 * key_heads if is_packed else heads)
    new = size(query, 1) if is_packed else size(given(node, 1), 1)
    output = tensor(kind(query), (size(query, 0), size(query, 1), _times(heads, width)))
    if not has(node, 3):
        present = tensor(kind(query), (size(query, 0), key_heads, new, width))
        return [output, present, present]
    total, old = given(node, 6).scalar, size(cache, 2)
    both = [given(node, at) for at in (3, 4)]
    if total is None and all(made(node, at).shape == value.shape for at, value in enumerate(both, start=1)):
        total = old
    longest = _sum(old, new) if total is None or old is None else max(total, old)
    return [output, *(tensor(kind(value), replaced(value, 2, longest)) for value in both)]


def sparse(node: Node) -> Sequence[Value]:
    """Give (batch, length, width), and both caches as long as they may get."""
    query, heads, key_heads = given(node), node.integer("num_heads", 1), node.integer("kv_num_heads", 1)
    width = _over(size(query, 2), heads if has(node, 1) else heads + 2 * key_heads)
    output = tensor(kind(query), (size(query, 0), size(query, 1), _times(heads, width)))
    return [output, *(tensor(kind(given(node, at)), given(node, at).shape) for at in (3, 4))]


def paged(node: Node) -> Sequence[Value]:
    """Give (tokens, width of values), and both caches of blocks as they are."""
    query, heads, key_heads = given(node), node.integer("num_heads", 1), node.integer("kv_num_heads", 1)
    width = _over(size(query, 1), heads if has(node, 1) else heads + 2 * key_heads)
    output = tensor(kind(query), (size(query, 0), _times(heads, node.integer("v_head_size", 0) or width)))
    return [output, *(tensor(kind(given(node, at)), given(node, at).shape) for at in (3, 4))]


def decoder(node: Node) -> Sequence[Value]:
    """Give (length, batch, width), and both caches with the keys that are added to them."""
    query, key, cache, heads = given(node), given(node, 1), given(node, 6), node.integer("num_heads", 1)
    is_static = given(node, 8).scalar == 1
    total = size(key, 0) if not has(node, 6) else size(cache, 2) if is_static else _sum(size(cache, 2), size(key, 0))
    present = tensor(kind(query), (size(query, 1), heads, total, _over(size(query, 2), heads)))
    return [tensor(kind(query), query.shape), present, present]


def linear(node: Node) -> Sequence[Value]:
    """Give (batch, length, width of values of all heads), and the state of each head."""
    query, key, value, state = (given(node, position) for position in range(4))
    heads, key_heads = node.integer("q_num_heads", 1), node.integer("kv_num_heads", 1)
    width, values = _over(size(key, 2), key_heads), _over(size(value, 2), key_heads)
    output = tensor(kind(query), (size(query, 0), size(query, 1), _times(max(heads, key_heads), values)))
    if has(node, 3):
        return [output, tensor(kind(state), state.shape)]
    return [output, tensor(kind(query), (size(query, 0), key_heads, width, values))]


def _sum(first: int | None, second: int | None) -> int | None:
    return None if first is None or second is None else first + second


def _times(first: int | None, second: int | None) -> int | None:
    return None if first is None or second is None else first * second


def _over(whole: int | None, parts: int) -> int | None:
    return None if whole is None or parts < 1 else whole // parts
