"""Floating-point operations of everything that multiplies and adds: two for each multiply-accumulate.

A bias adds one for each element that it is added to.  Operators are those of https://onnx.ai/onnx/operators/.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from slicegraph.formats.onnx.nodes import Node
from slicegraph.formats.onnx.values import UNKNOWN, Value


def convolution(node: Node, weight: int = 1, bias: int = 2) -> int:
    """Conv and its kin: each output element is a sum over one group's channels and the kernel."""
    kernel = math.prod(_dims(_input(node, weight))[1:])
    return _output(node).numel * (2 * kernel + _has(node, bias))


def transposed_convolution(node: Node) -> int:
    """ConvTranspose: each input element is spread over one group's output channels and the kernel."""
    kernel = math.prod(_dims(_input(node, 1))[1:])
    return 2 * _input(node, 0).numel * kernel + _output(node).numel * _has(node, 2)


def matrix_product(node: Node, left: int = 0) -> int:
    """MatMul and its kin: each output element is a sum over the last axis of the left factor."""
    return 2 * _output(node).numel * _input(node, left).dim(-1)


def gemm(node: Node) -> int:
    """Gemm: the same with the left factor transposed at will, and a bias."""
    inner = _input(node, 0).dim(0 if node.integer("transA", 0) else 1)
    return _output(node).numel * (2 * inner + _has(node, 2))


def recurrence(node: Node) -> int:
    """RNN, GRU and LSTM: all weights of both directions once per step and sample; gates' own arithmetic is left out."""
    sequence = _input(node, 0)
    steps = sequence.dim(0) * sequence.dim(1)
    weights = _input(node, 1).numel + _input(node, 2).numel
    biases = _input(node, 3).numel if _has(node, 3) else 0
    return steps * (2 * weights + biases)


def attention(node: Node) -> int:
    """Attention: scores, their softmax at 5 per score, and the mean of the values; no discount for a causal mask."""
    query, key, value = (_input(node, position) for position in range(3))
    if len(_dims(query)) == 3:  # noqa: PLR2004 heads and their width in one axis
        heads, length = node.integer("q_num_heads", 1), query.dim(1)
        width, value_width = query.dim(2) // max(1, heads), value.dim(2) // max(1, node.integer("kv_num_heads", 1))
        key_length = key.dim(1)
    else:
        heads, length, width, value_width = query.dim(1), query.dim(2), query.dim(3), value.dim(3)
        key_length = key.dim(2)
    if _has(node, 4):
        key_length += _input(node, 4).dim(2)
    scores = query.dim(0) * heads * length * key_length
    return scores * (2 * width + 2 * value_width + 5)


def linear_attention(node: Node) -> int:
    """LinearAttention: each token updates its heads' states by an outer product and reads them by a product."""
    query, key, value = (_input(node, position) for position in range(3))
    heads, key_heads = max(1, node.integer("q_num_heads", 1)), max(1, node.integer("kv_num_heads", 1))
    tokens, state = query.dim(0) * query.dim(1), (key.dim(2) // key_heads) * (value.dim(2) // key_heads)
    return 2 * tokens * state * (heads + key_heads)


def einsum(node: Node) -> int:
    """Einsum: operands are contracted from left to right, each index summed as soon as no later operand has it.

    One operand costs an addition for each element that is summed away; two cost a multiplication for each
    combination of their indices, and as many additions when any is summed.
    """
    operands = [value or UNKNOWN for value in node.inputs]
    left, _, right = node.text("equation", "").replace(" ", "").partition("->")
    terms = [_indices(term, value) for term, value in zip(left.split(","), operands, strict=False)]
    lengths: dict[str, int] = {}
    for term, value in zip(terms, operands, strict=False):
        for axis, index in enumerate(term):
            lengths[index] = max(lengths.get(index, 1), value.dim(axis))
    implied = {index for term in terms for index in term if len(index) > 1 or left.count(index) == 1}
    explicit = set(right.replace("...", "")) | {index for index in lengths if len(index) > 1}
    result = explicit if "->" in node.text("equation", "") else implied
    if not terms:
        return 0
    if len(terms) == 1:
        return math.prod(lengths.values()) if set(terms[0]) - result else 0
    flops, done = 0, set(terms[0])
    for position, term in enumerate(terms[1:], start=2):
        joint = done | set(term)
        done = joint & result.union(*terms[position:])
        flops += math.prod(lengths[index] for index in joint) * (2 if joint - done else 1)
    return flops


def _indices(term: str, value: Value) -> Sequence[str]:
    """Name each axis of an operand; those under an ellipsis count from its right, as they broadcast."""
    before, dots, after = term.partition("...")
    hidden = max(0, len(value.shape or ()) - len(before) - len(after)) if dots else 0
    return [*before, *(f"...{hidden - axis}" for axis in range(hidden)), *after]


def _dims(value: Value) -> Sequence[int]:
    return [value.dim(axis) for axis in range(len(value.shape or ()))]


def _input(node: Node, position: int) -> Value:
    return node.input(position) or UNKNOWN


def _output(node: Node) -> Value:
    return (node.outputs[0] if node.outputs else None) or UNKNOWN


def _has(node: Node, position: int) -> bool:
    return node.input(position) is not None
