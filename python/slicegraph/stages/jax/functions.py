"""Steps of a traced program as a function of arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from jax.extend.core import ClosedJaxpr, DebugInfo, Jaxpr, JaxprEqn, Var, jaxpr_as_fun

from slicegraph.formats.jax.tracing import TracedProgram
from slicegraph.formats.traced import Step, Value


class Functions:
    """Makes functions of steps of one program.

    Parameters
    ----------
    traced
        The program.
    """

    def __init__(self, traced: TracedProgram) -> None:
        self._traced = traced
        self._variables: dict[Value, Var] = {}

    def of(self, steps: Iterable[Step], inputs: Sequence[Value], outputs: Sequence[Value]) -> Callable[..., list[Any]]:
        """Give the function that runs steps in order: it takes the arrays of some values, and gives those of others."""
        equations = [self._equation(step) for step in steps]
        effects = frozenset().union(*(eqn.effects for eqn in equations))
        info = DebugInfo("stage", self._traced.program.name, _names(inputs), _names(outputs))
        read, made = list(map(self._variable, inputs)), list(map(self._atom, outputs))
        jaxpr = Jaxpr((), read, made, equations, effects, info)
        function: Callable[..., list[Any]] = jaxpr_as_fun(ClosedJaxpr(jaxpr, ()))
        return function

    def _equation(self, step: Step) -> JaxprEqn:
        inputs, outputs = list(map(self._atom, step.inputs)), list(map(self._variable, step.outputs))
        equation: JaxprEqn = self._traced.equations[step].replace(invars=inputs, outvars=outputs)
        return equation

    def _atom(self, value: Value) -> Any:  # noqa: ANN401 - JAX has no name for variables and literals
        literal = self._traced.literals.get(value)
        return self._variable(value) if literal is None else literal

    def _variable(self, value: Value) -> Var:
        if value not in self._variables:
            self._variables[value] = Var(self._traced.avals[value])
        return self._variables[value]


def _names(values: Iterable[Value]) -> tuple[str, ...]:
    return tuple(value.name for value in values)
