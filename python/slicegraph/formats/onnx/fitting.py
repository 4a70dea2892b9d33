"""Whether what a node reads fits together, where ONNX's inference gives a size without asking.

Nothing is refused for it; but a branch with such a node is none that runs with the sizes that are given.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from slicegraph.formats.onnx.nodes import Stated
from slicegraph.formats.onnx.values import Value

LOOKED_AT: Final = frozenset({"Conv", "ConvTranspose", "GRU", "LSTM", "RNN", "Reshape"})
"""The operators that may be misfits."""


def is_misfit(node: Stated, inputs: Sequence[Value | None], outputs: Mapping[str, Value]) -> bool:
    """Say whether no run can compute a node: channels or elements are not as many as it takes."""
    first, second = (*inputs, None, None)[:2]
    if node.op not in LOOKED_AT or first is None:
        return False
    if node.op == "Reshape":
        made = next(iter(outputs.values()), None)
        return made is not None and _differ(_elements(first), _elements(made))
    if second is None:
        return False
    if node.op == "Conv":
        groups = found.i if (found := node.attribute("group")) else 1
        channels = _length(second, 1)
        return _differ(_length(first, 1), None if channels is None else channels * groups)
    if node.op == "ConvTranspose":
        return _differ(_length(first, 1), _length(second, 0))
    return node.op in {"GRU", "LSTM", "RNN"} and _differ(_length(first, 2), _length(second, 2))


def _differ(first: int | None, second: int | None) -> bool:
    return first is not None and second is not None and first != second


def _length(value: Value, axis: int) -> int | None:
    return value.shape[axis] if value.shape is not None and axis < len(value.shape) else None


def _elements(value: Value) -> int | None:
    known = [dim for dim in value.shape or () if dim is not None]
    return math.prod(known) if value.shape is not None and len(known) == len(value.shape) else None
