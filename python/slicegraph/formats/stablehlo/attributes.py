"""Reading attributes of operations."""

from __future__ import annotations

from typing import Any

from jaxlib.mlir import ir

from slicegraph.errors import InputError


def integer(op: Any, key: str, default: int | None = None) -> int:  # noqa: ANN401 - MLIR's bindings have types of their own
    """Give a whole number."""
    if key not in op.attributes:
        return _missing(op, key) if default is None else default
    attribute = op.attributes[key]
    return int(attribute.value) if isinstance(attribute, ir.IntegerAttr) else _missing(op, key)


def integers(op: Any, key: str, default: list[int] | None = None) -> list[int]:  # noqa: ANN401 - see above
    """Give a list of whole numbers."""
    if key not in op.attributes:
        return _missing(op, key) if default is None else default
    attribute = op.attributes[key]
    if isinstance(attribute, ir.DenseIntElementsAttr):
        return [int(attribute[index]) for index in range(len(attribute))]
    return [int(each) for each in attribute] if isinstance(attribute, ir.DenseI64ArrayAttr) else _missing(op, key)


def word(op: Any, key: str) -> str:  # noqa: ANN401 - see above
    """Give the last word of an attribute such as ``#stablehlo<comparison_direction LT>``; "": there is none."""
    return str(op.attributes[key]).rstrip(">").split()[-1] if key in op.attributes else ""


def text(op: Any, key: str) -> str:  # noqa: ANN401 - see above
    """Give a text, or the name of a symbol; "": there is none."""
    attribute = op.attributes.get(key)
    return str(attribute.value) if isinstance(attribute, ir.StringAttr | ir.FlatSymbolRefAttr) else ""


def _missing(op: Any, key: str) -> Any:  # noqa: ANN401 - gives nothing
    raise InputError(f"{op.name} has no {key} that can be read")
