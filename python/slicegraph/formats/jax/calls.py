"""Which jaxprs an equation holds, and which of them is only called."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn

from slicegraph.formats.jax.avals import dtype, shape
from slicegraph.formats.jax.flops import RULES

LOOPS: Final = frozenset({"cond", "scan", "while"})
"""Equations that run what they hold more than once, or not at all."""
OPAQUE: Final = frozenset({"pallas_call"})
"""Kernels in a language of their own; what they run is not what a jaxpr says."""


def called(eqn: JaxprEqn) -> ClosedJaxpr | None:
    """Find the one jaxpr that an equation calls: it takes what the equation reads, and returns what it makes."""
    if eqn.primitive.name in LOOPS | OPAQUE | RULES.keys():
        return None
    found = list(jaxprs(eqn.params.values()))
    if len(found) != 1:
        return None
    jaxpr = found[0].jaxpr
    fits = _shapes(jaxpr.invars) == _shapes(eqn.invars) and _shapes(jaxpr.outvars) == _shapes(eqn.outvars)
    return found[0] if fits else None


def jaxprs(params: Any) -> Iterator[ClosedJaxpr]:  # noqa: ANN401 - parameters are of any type
    """Give all jaxprs among an equation's parameters."""
    for param in params:
        if isinstance(param, ClosedJaxpr):
            yield param
        elif isinstance(param, Jaxpr) and not param.constvars:
            yield ClosedJaxpr(param, [])
        elif isinstance(param, list | tuple):
            yield from jaxprs(param)


def num_equations(closed: ClosedJaxpr) -> int:
    """Count the equations of a jaxpr, calls inlined and loops as one."""
    return sum(1 if (inner := called(eqn)) is None else num_equations(inner) for eqn in closed.jaxpr.eqns)


def _shapes(atoms: Sequence[Any]) -> list[tuple[Any, Any]]:
    return [(shape(atom.aval), dtype(atom.aval)) for atom in atoms]
