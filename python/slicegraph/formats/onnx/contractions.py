"""Floating-point operations of everything that multiplies and adds: two for each multiply-accumulate.

A bias adds one for each element that it is added to.  Operators are those of https://onnx.ai/onnx/operators/.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

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


def deformable(node: Node) -> int:
    """DeformConv: each element of each window is interpolated before it is multiplied."""
    weight, places = given(node, 1), made(node).numel // max(1, made(node).dim(1))
    window = math.prod(_dims(weight)[2:])
    sampled = given(node).dim(1) * window * places
    # A mask scales what is sampled.
    masks = sampled * has(node, 4)
    kernel = math.prod(_dims(weight)[1:])
    return formulas.deformable(made(node).numel, sampled, kernel, added=has(node, 3)) + masks


def affine_grid(node: Node) -> int:
    """AffineGrid: each coordinate is a row of the matrix by a point, which has a 1 after its coordinates."""
    return formulas.products(made(node).numel, given(node).dim(-1))


def gemm(node: Node, bias: int = 2, added: int = 0) -> int:
    """Gemm and its kin: the same with the left factor transposed at will, a bias, and what is fused to it."""
    inner = given(node).dim(0 if node.integer("transA", 0) else 1)
    return formulas.products(made(node).numel, inner, added=added + has(node, bias))


def recurrence(node: Node) -> int:
    """RNN, GRU and LSTM: all weights and gates of both directions once per step and sample.

    Where the lengths of samples are known, there are as many steps; else each sample has all of them.
    """
    sequence, recurrent, lengths = given(node, 0), given(node, 2), given(node, 4).array
    longest, steps = sequence.dim(node.integer("layout", 0)), sequence.dim(0) * sequence.dim(1)
    if lengths is not None and lengths.dtype.kind in "iu":
        steps = min(steps, int(np.clip(lengths, 0, longest).sum()))
    kind = next((each for each in ("lstm", "gru") if each.upper() in node.proto.op_type.upper()), "rnn")
    return formulas.recurrence(
        steps,
        given(node, 1).numel + recurrent.numel + (given(node, 7).numel if has(node, 7) else 0),
        biases=given(node, 3).numel if has(node, 3) else 0,
        hidden=recurrent.dim(0) * min(recurrent.dim(1), recurrent.dim(2)),
        kind=kind,
    )


def einsum(node: Node) -> int:
    """Einsum: operands are contracted from left to right."""
    operands = [value or UNKNOWN for value in node.inputs]
    left, _, right = node.text("equation", "").replace(" ", "").partition("->")
    terms = [_indices(term, value) for term, value in zip(left.split(","), operands, strict=False)]
    lengths: dict[str, int] = {}
    for term, value in zip(terms, operands, strict=False):
        for axis, index in enumerate(term):
            lengths[index] = max(lengths.get(index, 1), value.dim(axis))
    implied = {index for term in terms for index in term if len(index) > 1 or left.count(index) == 1}
    explicit = set(right.replace("...", "")) | {index for index in lengths if len(index) > 1}
    return formulas.einsum(terms, lengths, explicit if "->" in node.text("equation", "") else implied)


def _indices(term: str, value: Value) -> Sequence[str]:
    """Name each axis of an operand; those under an ellipsis count from its right, as they broadcast."""
    before, dots, after = term.partition("...")
    hidden = max(0, len(value.shape or ()) - len(before) - len(after)) if dots else 0
    return [*before, *(f"...{hidden - axis}" for axis in range(hidden)), *after]


def _dims(value: Value) -> Sequence[int]:
    return [1 if dim is None else dim for dim in value.shape or ()]
