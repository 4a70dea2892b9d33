"""What goes between stages: tensors of a fixed type and shape."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

# ONNX's TensorProto.DataType, and bytes per element.
TYPES: Mapping[str, tuple[int, int]] = {
    "float32": (1, 4),
    "uint8": (2, 1),
    "int8": (3, 1),
    "uint16": (4, 2),
    "int16": (5, 2),
    "int32": (6, 4),
    "int64": (7, 8),
    "bool": (9, 1),
    "float16": (10, 2),
    "float64": (11, 8),
    "uint32": (12, 4),
    "uint64": (13, 8),
    "complex64": (14, 8),
    "complex128": (15, 16),
    "bfloat16": (16, 2),
    "float8_e4m3fn": (17, 1),
    "float8_e4m3fnuz": (18, 1),
    "float8_e5m2": (19, 1),
    "float8_e5m2fnuz": (20, 1),
    "object": (8, 0),
}
"""Types whose elements are whole bytes, by their names in numpy and ml_dtypes; and strings, which no memory holds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tensor:
    """A value that leaves or enters a stage.

    Attributes
    ----------
    name
        In the stage's model.
    dtype
        One of `TYPES`.
    shape
        Its dimensions, all known.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def element_type(self) -> int:
        """ONNX's number of the type."""
        return TYPES[self.dtype][0]

    @property
    def is_text(self) -> bool:
        """Whether its elements are strings: such a tensor only enters or leaves the model."""
        return self.dtype == "object"

    @property
    def num_bytes(self) -> int:
        """The size."""
        return math.prod(self.shape) * TYPES[self.dtype][1]
