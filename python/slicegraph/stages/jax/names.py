"""What a stage's parameters are called: arguments by their paths, parts of them as Python writes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slicegraph.formats.jax.tracing import TracedProgram
from slicegraph.formats.traced import Step, Value


def part_name(value: Value, traced: TracedProgram, maker: Callable[[Value], Step | None]) -> str:
    """Name a parameter, or a part of one: ``args[0]['layers']['kernel'][3]``.

    Parameters
    ----------
    value
        It, or what is made of it.
    traced
        The program.
    maker
        Gives the step that makes a value of parameters; None: it is one.
    """
    step = maker(value)
    if step is None:
        return value.name
    if step.op == "squeeze":
        inner = maker(step.inputs[0])
        if inner is not None and inner.piece is not None:
            return _cut(inner, traced, maker, set(traced.equations[step].params["dimensions"]))
    if step.piece is not None:
        return _cut(step, traced, maker, set())
    return _behind(step, traced, maker)


def _cut(step: Step, traced: TracedProgram, maker: Callable[[Value], Step | None], dropped: set[int]) -> str:
    """Name what a step cuts out of its first input; axes of length 1 may be ``dropped``."""
    whole = part_name(step.inputs[0], traced, maker)
    shape = traced.avals[step.inputs[0]].shape
    starts, ends = _bounds(step, traced)
    if not starts:
        return f"{whole}[...]"
    axes = [
        str(start) if axis in dropped else ":" if (start, end) == (0, size) else f"{start}:{end}"
        for axis, (start, end, size) in enumerate(zip(starts, ends, shape, strict=False))
    ]
    while axes and axes[-1] == ":":
        axes.pop()
    return f"{whole}[{', '.join(axes)}]"


def _bounds(step: Step, traced: TracedProgram) -> tuple[list[Any], list[Any]]:
    """Give where a piece begins and ends along each axis; of one that is not a block, nothing."""
    params = traced.equations[step].params
    if step.op == "slice":
        return list(params["start_indices"]), list(params["limit_indices"])
    starts = [traced.literals.get(value) for value in step.inputs[1:]]
    if step.op == "dynamic_slice" and None not in starts:
        limits = zip(traced.avals[step.inputs[0]].shape, params["slice_sizes"], starts, strict=True)
        begins = [min(max(0, int(start.val)), size - length) for size, length, start in limits if start is not None]
        return begins, [begin + length for begin, length in zip(begins, params["slice_sizes"], strict=True)]
    return [], []


def _behind(step: Step, traced: TracedProgram, maker: Callable[[Value], Step | None]) -> str:
    """Name what a step makes after the first parameter that it is made of."""
    inner = next((value for value in step.inputs if value not in traced.literals), None)
    return "" if inner is None else part_name(inner, traced, maker)
