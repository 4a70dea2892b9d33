"""Rules that many operators share: so much for each element of an output or an input, and windows and sorts."""

from __future__ import annotations

import math
from collections.abc import Callable

from slicegraph.formats.counting import formulas
from slicegraph.formats.onnx.nodes import Node
from slicegraph.formats.onnx.values import UNKNOWN, Value

Rule = Callable[[Node], int]
"""Counts what a node computes, sub-graphs apart.  An unknown dimension, which only bodies can have, counts as 1."""


def given(node: Node, position: int = 0) -> Value:
    """Give an input, or a value of which nothing is known."""
    return node.input(position) or UNKNOWN


def made(node: Node, position: int = 0) -> Value:
    """Give an output, or a value of which nothing is known."""
    return (node.outputs[position] if position < len(node.outputs) else None) or UNKNOWN


def has(node: Node, position: int) -> int:
    """Give 1 if there is such an input, else 0."""
    return int(node.input(position) is not None)


def per_output(factor: int, *optional: int) -> Rule:
    """Count so much for each element of the first output, and 1 more for each optional input that is there."""
    if not optional:
        return lambda node: factor * made(node).numel
    return lambda node: (factor + sum(has(node, position) for position in optional)) * made(node).numel


def per_input(factor: int, position: int = 0) -> Rule:
    """Count so much for each element of an input."""
    return lambda node: factor * given(node, position).numel


def variadic(node: Node) -> int:
    """Combine all inputs, pair by pair."""
    return (len(node.inputs) - 1) * made(node).numel


def pool(node: Node) -> int:
    """Look at each element of the window."""
    return math.prod(node.integers("kernel_shape")) * made(node).numel


def sort(node: Node) -> int:
    """Compare as a sort does."""
    kept = made(node).dim(node.integer("axis", -1)) if node.op == "TopK" else given(node).numel
    return formulas.comparisons(given(node).numel, kept)


def grid_sample(node: Node) -> int:
    """Resample along all axes but the batch and the channels."""
    axes = max(0, len(given(node).shape or ()) - 2)
    return formulas.interpolation(made(node).numel, neighbours(node.text("mode", "linear")), axes)


def neighbours(mode: str) -> int:
    """Say how many neighbours an interpolation takes along an axis; 0: it takes the nearest."""
    return {"linear": 2, "bilinear": 2, "cubic": 4, "bicubic": 4}.get(mode, 0)


def rotation(node: Node) -> int:
    """Rotate each head, or the first ``rotary_embedding_dim`` of its elements."""
    value, part, heads = given(node), node.integer("rotary_embedding_dim", 0), node.integer("num_heads", 0)
    four_axes = 4
    width = value.dim(-1) if len(value.shape or ()) == four_axes or not heads else value.dim(-1) // heads
    rotated = value.numel // max(1, width) * min(part, width) if part > 0 else value.numel
    return formulas.ROTATING * rotated
