"""One pass over a jaxpr in order: calls are inlined, and every equation that is left becomes a step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var

from slicegraph.formats.counting import Count, Formulas
from slicegraph.formats.dtypes import computed_in
from slicegraph.formats.jax.avals import dtype, nbytes, numel, shape
from slicegraph.formats.jax.flops import RULES, count, name_of
from slicegraph.formats.traced import Body, Step, Value

Walked = tuple[list[Step], list[Value]]
"""The steps of a jaxpr, and what it returns."""

_VIEWS: Final = frozenset(
    {
        "device_put",
        "layout_constraint",
        "name",
        "pvary",
        "random_clone",
        "random_unwrap",
        "random_wrap",
        "reshape",
        "reshard",
        "sharding_constraint",
        "squeeze",
        "stop_gradient",
    }
)
_ARRANGING: Final = frozenset({"broadcast_in_dim", "broadcast_to", "transpose"})
_SLICING: Final = frozenset({"dynamic_slice", "slice", "split"})
_GATHERING: Final = frozenset({"dynamic_slice", "gather", "slice"})
# Where the operand stands of which they make a changed copy, and what it is changed to.
_UPDATES: Final[Mapping[str, int]] = {
    "dynamic_update_slice": 1,
    **dict.fromkeys(("scatter", "scatter-add", "scatter-max", "scatter-min", "scatter-mul", "scatter-sub"), 2),
}
_LOOPS: Final = frozenset({"cond", "scan", "while"})
# Kernels in a language of their own; what they run is not what a jaxpr says.
_OPAQUE: Final = frozenset({"pallas_call"})
_IMPURE: Final = frozenset({"rng_uniform"})


class Walk:
    """The walk over one program: what it finds to be stored, and names that occur once.

    Attributes
    ----------
    parameters
        Constants and literals, as they are found.
    """

    def __init__(self, formulas: Formulas) -> None:
        self._formulas = formulas
        self.parameters: list[Value] = []
        self._constants: dict[int, tuple[object, Value]] = {}
        self._count = 0

    def closed(self, closed: ClosedJaxpr, arguments: Sequence[Value], scope: str = "") -> Walked:
        """Walk a jaxpr with the arrays that it closes over."""
        constants = map(self._constant, closed.consts, closed.jaxpr.constvars)
        return self._jaxpr(closed.jaxpr, dict(zip(closed.jaxpr.constvars, constants, strict=True)), arguments, scope)

    def _jaxpr(self, jaxpr: Jaxpr, constants: Mapping[Var, Value], arguments: Sequence[Value], scope: str) -> Walked:
        values = {**constants, **dict(zip(jaxpr.invars, arguments, strict=True))}
        steps: list[Step] = []
        for eqn in jaxpr.eqns:
            inputs = [self._read(atom, values) for atom in eqn.invars]
            inner, outputs = self._equation(eqn, inputs, scope)
            steps += inner
            values.update(zip(eqn.outvars, outputs, strict=True))
        return steps, [self._read(atom, values) for atom in jaxpr.outvars]

    def _equation(self, eqn: JaxprEqn, inputs: list[Value], scope: str) -> Walked:
        if eqn.primitive.name == "optimization_barrier":
            return [], inputs
        path = "/".join(filter(None, (scope, str(eqn.source_info.name_stack))))
        if (called := _called(eqn)) is not None:
            return self.closed(called, inputs, path)
        self._count += 1
        name = f"{path}/{eqn.primitive.name}.{self._count}" if path else f"{eqn.primitive.name}.{self._count}"
        outputs = self._fresh(name, eqn.outvars)
        return [self._step(eqn, name, path, inputs, outputs)], outputs

    def _step(self, eqn: JaxprEqn, name: str, path: str, inputs: list[Value], outputs: list[Value]) -> Step:
        op = eqn.primitive.name
        is_view = _is_view(eqn)
        bodies = self._bodies(eqn, name, path, inputs)
        is_gather = op in _GATHERING
        counted = Count(flops=0) if is_view or bodies else count(eqn, self._formulas)
        return Step(
            op=name_of(eqn),
            name=name,
            inputs=inputs,
            outputs=outputs,
            flops=counted.flops,
            dtype=computed_in(map(_type, eqn.invars), _type(eqn.outvars[0]) if eqn.outvars else ""),
            is_guess=counted.is_guess,
            is_view=is_view,
            is_arranging=len(inputs) == 1 and (is_view or op in _ARRANGING),
            piece=str(eqn.params) if op in _SLICING else None,
            is_fresh=bool(eqn.effects) or op in _IMPURE,
            table=inputs[0] if is_gather else None,
            table_bytes=outputs[0].nbytes if is_gather else 0,
            base=inputs[0] if op in _UPDATES else None,
            changed_bytes=inputs[_UPDATES[op]].nbytes if op in _UPDATES else 0,
            is_combining=op.startswith("scatter-"),
            bodies=bodies,
        )

    def _bodies(self, eqn: JaxprEqn, name: str, path: str, inputs: list[Value]) -> Sequence[Body]:
        """Walk what an equation runs: operands that do not change go in as they are, the others as new values."""
        op, params = eqn.primitive.name, eqn.params
        if op == "scan":
            jaxpr, fixed = params["jaxpr"], params["num_consts"]
            varying = self._fresh(name, jaxpr.jaxpr.invars[fixed:])
            return [_body(self.closed(jaxpr, [*inputs[:fixed], *varying], path), params["length"])]
        if op == "while":
            tested, run = params["cond_jaxpr"], params["body_jaxpr"]
            first, fixed = params["cond_nconsts"], params["cond_nconsts"] + params["body_nconsts"]
            varying = self._fresh(name, run.jaxpr.invars[params["body_nconsts"] :])
            test = self.closed(tested, [*inputs[:first], *varying], path)
            once = self.closed(run, [*inputs[first:fixed], *varying], path)
            return [_body((test[0] + once[0], test[1] + once[1]))]
        if op == "cond":
            return [_body(self.closed(branch, inputs[1:], path)) for branch in params["branches"]]
        if op in _OPAQUE or op in RULES:  # scatter and reduce hold how they combine two elements
            return []
        return [
            _body(self.closed(inner, self._fresh(name, inner.jaxpr.invars), path)) for inner in _jaxprs(params.values())
        ]

    def _read(self, atom: Any, values: Mapping[Var, Value]) -> Value:  # noqa: ANN401 - JAX has no name for both kinds
        if not isinstance(atom, Literal):
            return values[atom]
        if shape(atom.aval):
            return self._constant(atom.val, atom)
        value = Value(nbytes=0, name=str(atom.val))
        self.parameters.append(value)
        return value

    def _constant(self, array: object, atom: Any) -> Value:  # noqa: ANN401 - likewise
        # One array is one parameter, wherever it is closed over; it is kept, so that its identity stays its own.
        if id(array) not in self._constants:
            value = Value(nbytes=nbytes(atom.aval, "an array that the function closes over"), name="constant")
            self._constants[id(array)] = array, value
            self.parameters.append(value)
        return self._constants[id(array)][1]

    def _fresh(self, name: str, variables: Sequence[Var]) -> list[Value]:
        single = len(variables) == 1
        return [
            Value(nbytes=nbytes(var.aval, name), name=name if single else f"{name}:{index}")
            for index, var in enumerate(variables)
        ]


def _body(walked: Walked, trips: int = 1) -> Body:
    steps, outputs = walked
    return Body(steps=steps, outputs=outputs, trips=trips)


def _called(eqn: JaxprEqn) -> ClosedJaxpr | None:
    """Find the one jaxpr that an equation calls: it takes what the equation reads, and returns what it makes."""
    if eqn.primitive.name in _LOOPS | _OPAQUE | RULES.keys():
        return None
    found = list(_jaxprs(eqn.params.values()))
    if len(found) != 1:
        return None
    jaxpr = found[0].jaxpr
    fits = _shapes(jaxpr.invars) == _shapes(eqn.invars) and _shapes(jaxpr.outvars) == _shapes(eqn.outvars)
    return found[0] if fits else None


def _jaxprs(params: Any) -> Iterator[ClosedJaxpr]:  # noqa: ANN401 - parameters are of any type
    for param in params:
        if isinstance(param, ClosedJaxpr):
            yield param
        elif isinstance(param, Jaxpr) and not param.constvars:
            yield ClosedJaxpr(param, [])
        elif isinstance(param, list | tuple):
            yield from _jaxprs(param)


def _shapes(atoms: Sequence[Any]) -> list[tuple[Any, Any]]:
    return [(shape(atom.aval), dtype(atom.aval)) for atom in atoms]


def _type(atom: Any) -> str:  # noqa: ANN401 - JAX has no name for variables and literals
    return str(dtype(atom.aval) or "")


def _is_view(eqn: JaxprEqn) -> bool:
    op = eqn.primitive.name
    if op in {"bitcast_convert_type", "broadcast_in_dim", "broadcast_to"}:
        return numel(eqn.invars[0].aval) == numel(eqn.outvars[0].aval)
    if op == "convert_element_type":
        return bool(dtype(eqn.invars[0].aval) == dtype(eqn.outvars[0].aval))
    return op in _VIEWS
