"""One node of a model, and the arrays that went in and came out when it ran."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, helper

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Run:
    """One node, and what went in and came out when it ran; None: left out."""

    node: NodeProto
    inputs: Sequence[Any]
    outputs: Sequence[Any]
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def x(self) -> Array:
        return np.asarray(self.inputs[0])

    @property
    def y(self) -> Array:
        return np.asarray(next((output for output in self.outputs if output is not None), 0))

    def get(self, position: int) -> Array | None:
        found = self.inputs[position] if position < len(self.inputs) else None
        return None if found is None else np.asarray(found)

    def need(self, position: int) -> Array:
        """Give an input that the schema asks for."""
        return np.asarray(self.inputs[position])

    def has(self, position: int) -> int:
        return int(self.get(position) is not None)


def run_of(node: NodeProto, inputs: Sequence[Any], outputs: Sequence[Any]) -> Run:
    attributes = {found.name: helper.get_attribute_value(found) for found in node.attribute}
    return Run(node=node, inputs=inputs, outputs=outputs, attributes=attributes)
