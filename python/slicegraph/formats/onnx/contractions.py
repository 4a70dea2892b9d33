"""Floating-point operations of everything that multiplies and adds: two for each multiply-accumulate.

A bias adds one for each element that it is added to.  Operators are those of https://onnx.ai/onnx/operators/.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from slicegraph.formats.counting import formulas
from slicegraph.formats.onnx.elementary import given, has, made
from slicegraph.formats.onnx.nodes import Node
from slicegraph.formats.onnx.values import UNKNOWN, Value


def convolution(node: Node, weight: int = 1, bias: int = 2) -> int:
    """Conv and its kin: each output element is a sum over one group's channels and the kernel."""
    kernel = math.prod(_dims(given(node, weight))[1:])
    return formulas.products(made(node).numel, kernel, added=has(node, bias))


def transposed_convolution(node: Node, weight: int = 1, bias: int = 2) -> int:
    """ConvTranspose: each input element is spread over one group's output channels and the kernel."""
    kernel = math.prod(_dims(given(node, weight))[1:])
    return 2 * given(node).numel * kernel + made(node).numel * has(node, bias)


def matrix_product(node: Node, left: int = 0) -> int:
    """MatMul and its kin: each output element is a sum over the last axis of the left factor."""
    return formulas.products(made(node).numel, given(node, left).dim(-1))


def affine_grid(node: Node) -> int:
    """AffineGrid: each coordinate is a row of the matrix by a point, which has a 1 after its coordinates."""
    return formulas.products(made(node).numel, given(node).dim(-1))


def gemm(node: Node, bias: int = 2, added: int = 0) -> int:
    """Gemm and its kin: the same with the left factor transposed at will, a bias, and what is fused to it."""
    inner = given(node).dim(0 if node.integer("transA", 0) else 1)
    return formulas.products(made(node).numel, inner, added=added + has(node, bias))


def recurrence(node: Node) -> int:
    """RNN, GRU and LSTM: all weights of both directions once per step and sample; gates' own arithmetic is left out."""
    sequence = given(node, 0)
    steps = sequence.dim(0) * sequence.dim(1)
    weights = given(node, 1).numel + given(node, 2).numel
    biases = given(node, 3).numel if has(node, 3) else 0
    return steps * (2 * weights + biases)


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
