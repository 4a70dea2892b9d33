"""Primitives that read a part of a table: what they gather, or the experts that a token is routed to."""

from __future__ import annotations

from typing import Final

from jax.extend.core import JaxprEqn

from slicegraph.formats.jax.avals import nbytes, shape

_GATHERING: Final = frozenset({"dynamic_slice", "gather", "slice"})


def gathered(eqn: JaxprEqn) -> tuple[int, int] | None:
    """Give which operand is a table, and how many bytes are read of it; None: all operands are read whole."""
    op = eqn.primitive.name
    if op in _GATHERING:
        return 0, nbytes(eqn.outvars[0].aval, op)
    if op != "ragged_dot_general":
        return None
    numbers = eqn.params["ragged_dot_dimension_numbers"]
    ragged, grouped = numbers.lhs_ragged_dimensions, numbers.rhs_group_dimensions
    if len(ragged) != 1 or len(grouped) != 1:
        return None
    # Of the matrices of all groups no more than there are rows to multiply.
    rows, groups = shape(eqn.invars[0].aval)[ragged[0]], shape(eqn.invars[1].aval)[grouped[0]]
    return 1, nbytes(eqn.invars[1].aval, op) * min(rows, groups) // max(1, groups)
