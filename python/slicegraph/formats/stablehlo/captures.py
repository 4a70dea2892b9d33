"""What the regions of an operation read from around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from slicegraph.formats.traced import Body, Value


def seen(op: Any, values: Mapping[Any, Value]) -> dict[Value, None]:  # noqa: ANN401 - MLIR's bindings
    """Give the values around an operation that its regions read, as how a reduction combines two elements may."""
    found: dict[Value, None] = {}
    for region in op.regions:
        for block in region.blocks:
            for view in block.operations:
                found |= {values[operand]: None for operand in view.operation.operands if operand in values}
                found |= seen(view.operation, values)
    return found


def captured(bodies: Sequence[Body], own: set[Value]) -> dict[Value, None]:
    """Give what bodies read that neither they make nor is their own."""
    found: dict[Value, None] = {}
    for body in bodies:
        made = {*own, *(value for step in body.steps for value in step.outputs)}
        reads = [*(value for step in body.steps for value in step.inputs), *body.outputs]
        found |= {value: None for value in reads if value not in made}
    return found
