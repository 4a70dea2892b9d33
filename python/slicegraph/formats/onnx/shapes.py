"""Shapes of operators that ONNX's own inference does not know: those of ai.onnx.ml and of com.microsoft."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from slicegraph.formats.onnx import shapes_microsoft, shapes_ml, shapes_windows
from slicegraph.formats.onnx.nodes import Node, Stated
from slicegraph.formats.onnx.sequences import sized
from slicegraph.formats.onnx.shaping import ShapeRule
from slicegraph.formats.onnx.values import UNKNOWN, Value

RULES: Final[Mapping[str, ShapeRule]] = {
    **{f"ai.onnx.ml.{op}": rule for op, rule in shapes_ml.RULES.items()},
    **{f"com.microsoft.nchwc.{op}": rule for op, rule in shapes_windows.BLOCKED.items()},
    **{f"com.microsoft.{op}": rule for op, rule in shapes_microsoft.RULES.items()},
}
"""What each operator makes, by position."""
_UNTOLD: Final = "its output's size is not told by the shapes of its inputs"


def outputs(stated: Stated, inputs: Sequence[Value | None], records: Mapping[str, Value]) -> dict[str, Value] | None:
    """Say what a node makes, by name; None: no rule here is about its operator.

    Of a value whose shape depends on what is not known, type and shape stay open. A rule sees what the file records of
    the outputs, for shapes of which runs may have more than one.
    """
    if (rule := RULES.get(stated.op)) is None:
        return None
    made = [records.get(name) for name in stated.outputs]
    node = Node(stated=stated, op=stated.op, position=0, inputs=inputs, outputs=made, read=())
    values = [*rule(node)]
    values += [UNKNOWN] * (len(stated.outputs) - len(values))
    # What is open because an input is, is the fault of another node.
    reason = _UNTOLD if all(value is None or value.nbytes is not None for value in inputs) else ""
    return {
        name: sized(stated.proto, inputs, value if value.nbytes is not None else value._replace(reason=reason))
        for name, value in zip(stated.outputs, values, strict=False)
        if name
    }
