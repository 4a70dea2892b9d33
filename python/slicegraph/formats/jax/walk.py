"""One pass over a jaxpr in order: calls are inlined, and every equation that is left becomes a step."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var

from slicegraph.formats.counting import Count, Formulas, Trips
from slicegraph.formats.dtypes import computed_in
from slicegraph.formats.jax import stacks
from slicegraph.formats.jax.avals import dtype, nbytes, numel, shape
from slicegraph.formats.jax.calls import OPAQUE, called, jaxprs, num_equations
from slicegraph.formats.jax.flops import RULES, count, name_of
from slicegraph.formats.jax.gathers import gathered
from slicegraph.formats.jax.modules import Modules, Path
from slicegraph.formats.jax.numbers import Number, Rows, number, numbers_of, rows_of, trips_of
from slicegraph.formats.jax.origins import named_scope
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
# Where the operand stands of which they make a changed copy, and what it is changed to.
_UPDATES: Final[Mapping[str, int]] = {
    "dynamic_update_slice": 1,
    **dict.fromkeys(("scatter", "scatter-add", "scatter-max", "scatter-min", "scatter-mul", "scatter-sub"), 2),
}
_IMPURE: Final = frozenset({"rng_uniform"})


class Walk:
    """The walk over one program: what it finds to be stored, and names that occur once.

    Parameters
    ----------
    formulas
        What primitives compute, by the user.
    trips
        How often loops run, by the user; such a loop is not opened, for another run may differ.
    modules
        The module of each parameter that the function is given.
    is_training
        Names say what is of the backward pass, without transformations in scopes.
    open_loops
        A loop becomes its iterations if all of them together have no more equations, loops in them counted as one.

    Attributes
    ----------
    parameters
        Constants and literals, as they are found.
    equations
        What each step computes.
    scopes
        The scopes around each step, with transformations and loops.
    literals
        Numbers that are written into the program, or worked out.
    constants
        Arrays that it closes over.
    """

    def __init__(
        self,
        formulas: Formulas,
        trips: Trips,
        open_loops: int,
        modules: Mapping[Value, Path],
        *,
        is_training: bool = False,
    ) -> None:
        self._formulas = formulas
        self._trips = trips
        # Equations that may stand in one iteration at hand: each loop that is opened divides them by its trips.
        self._room = float(open_loops)
        self.parameters: list[Value] = []
        self.equations: dict[Step, JaxprEqn] = {}
        self.scopes: dict[Step, str] = {}
        self.literals: dict[Value, Literal] = {}
        self.constants: dict[Value, Any] = {}
        self._constants: dict[int, Value] = {}
        self._numbers: dict[Value, Number] = {}
        self._counted: dict[tuple[int, Hashable], tuple[JaxprEqn, int | None]] = {}
        self._rows: dict[Value, Rows] = {}
        self._parts: dict[Value, list[Value]] = {}
        self._modules = Modules(modules)
        self._is_training = is_training
        self._stored = set(modules)
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
        if (inner := called(eqn)) is not None:
            return self.closed(inner, inputs, path)
        numbers = [self._numbers.get(value) for value in inputs]
        trips = self._trips_of(eqn, numbers)
        if (computed := numbers_of(eqn, numbers)) is not None:
            (made,), (var,) = computed, eqn.outvars
            return [], [self._number(_literal(made, var.aval), made)]
        if (restacked := self._restacked(eqn, inputs, numbers, path)) is not None:
            return restacked
        if (opened := self._opened(eqn, inputs, numbers[:1], trips, path)) is not None:
            return opened
        self._count += 1
        named, way = named_scope(path) if self._is_training else (path, "")
        name = "/".join(filter(None, (self._modules.scope(named, inputs), way, f"{eqn.primitive.name}.{self._count}")))
        outputs = self._fresh(name, eqn.outvars)
        if self._stored.issuperset(inputs):
            self._modules.follow(inputs, outputs)
            self._stored.update(outputs)
        step = self._step(eqn, name, inputs, outputs, self._bodies(eqn, name, path, inputs, trips))
        self.equations[step], self.scopes[step] = eqn, path
        if (rows := rows_of(eqn, [self._numbers.get(value, self._rows.get(value)) for value in inputs])) is not None:
            self._rows[outputs[0]] = rows
        return [step], outputs

    def _trips_of(self, eqn: JaxprEqn, numbers: Sequence[Number | None]) -> int | None:
        """Count how often a loop runs; None: the program does not tell, or it is no loop."""
        if eqn.primitive.name == "scan":
            return int(eqn.params["length"])
        if eqn.primitive.name != "while":
            return None
        # A loop in an iteration is the same loop in the next, and begins with the same numbers.
        key = id(eqn), tuple(None if number is None else (number.dtype.str, int(number)) for number in numbers)
        if key not in self._counted:
            self._counted[key] = eqn, trips_of(eqn, numbers)
        return self._counted[key][1]

    def _opened(
        self, eqn: JaxprEqn, inputs: list[Value], which: Sequence[Number | None], trips: int | None, path: str
    ) -> Walked | None:
        """Walk a loop as its iterations, and of branches the one that is known to run; None: it stays one step."""
        op, params = eqn.primitive.name, eqn.params
        if op == "cond" and which[0] is not None:
            branches = params["branches"]
            return self.closed(branches[min(max(0, int(which[0])), len(branches) - 1)], inputs[1:], path)
        if not trips or not self._room:
            return None
        if trips * num_equations(params["jaxpr" if op == "scan" else "body_jaxpr"]) > self._room:
            return None
        self._count += 1
        scopes = [f"{path}/{op}.{self._count}/{index}".removeprefix("/") for index in range(trips)]
        around, self._room = self._room, self._room / trips
        walked = self._scan(eqn, inputs, scopes, path) if op == "scan" else self._while(eqn, inputs, scopes)
        self._room = around
        return walked

    def _scan(self, eqn: JaxprEqn, inputs: list[Value], scopes: Sequence[str], path: str) -> Walked:
        """Walk a scan's iterations: each takes its part of every stack."""
        params = eqn.params
        fixed, first = params["num_consts"], params["num_consts"] + params["num_carry"]
        carried, steps = inputs[fixed:first], []
        made: list[Sequence[Value]] = [()] * len(scopes)
        order = range(len(scopes))
        for index in reversed(order) if params["reverse"] else order:
            parts: list[Value] = []
            for atom, value in zip(eqn.invars[first:], inputs[first:], strict=True):
                taken, part = self._part(atom, value, index, scopes[index])
                steps += taken
                parts += part
            inner, outputs = self.closed(params["jaxpr"], [*inputs[:fixed], *carried, *parts], scopes[index])
            steps += inner
            carried, made[index] = outputs[: params["num_carry"]], outputs[params["num_carry"] :]
        results = list(carried)
        for var, each in zip(eqn.outvars[len(carried) :], zip(*made, strict=True), strict=True):
            inner, outputs = self._stack(each, var, path)
            steps += inner
            results += outputs
        return steps, results

    def _stack(self, parts: Sequence[Value], var: Var, scope: str) -> Walked:
        """Stack parts, of which each is at hand for who takes the stack apart."""
        steps, (value,) = self.closed(stacks.stack(shape(var.aval)[1:], dtype(var.aval), len(parts)), parts, scope)
        self._parts[value] = list(parts)
        return steps, [value]

    def taken_apart(self, value: Value) -> list[Value]:
        """Give what was stacked, in place of the stack of it that a loop made; else the value itself."""
        return (
            [each for part in self._parts[value] for each in self.taken_apart(part)]
            if value in self._parts
            else [value]
        )

    def _restacked(
        self, eqn: JaxprEqn, inputs: list[Value], numbers: Sequence[Number | None], scope: str
    ) -> Walked | None:
        """Walk what takes some parts of a stack, or turns it around: it is another stack of these; None: it is not."""
        parts = self._parts.get(inputs[0]) if inputs else None
        if parts is None:
            return None
        chosen = stacks.chosen(eqn, [None if each is None else int(each) for each in numbers[1:]])
        return self._stack([parts[index] for index in chosen], eqn.outvars[0], scope) if chosen else None

    def _part(self, atom: Any, value: Value, index: int, scope: str) -> Walked:  # noqa: ANN401 - as in `_read`
        """Take one part of a stack; of one that another loop made, what was stacked."""
        if value in self._parts:
            return [], [self._parts[value][index]]
        if value in self._rows:
            made = self._rows[value][index]
            return [], [self._number(_literal(made, jax.core.ShapedArray((), made.dtype)), made)]
        return self.closed(stacks.part(shape(atom.aval), dtype(atom.aval), index), [value], scope)

    def _while(self, eqn: JaxprEqn, inputs: list[Value], scopes: Sequence[str]) -> Walked:
        first = eqn.params["cond_nconsts"]
        fixed = first + eqn.params["body_nconsts"]
        carried, steps = inputs[fixed:], []
        for scope in scopes:
            inner, carried = self.closed(eqn.params["body_jaxpr"], [*inputs[first:fixed], *carried], scope)
            steps += inner
        return steps, carried

    def _step(
        self, eqn: JaxprEqn, name: str, inputs: list[Value], outputs: list[Value], bodies: Sequence[Body]
    ) -> Step:
        op = eqn.primitive.name
        is_view = _is_view(eqn)
        table, table_bytes = gathered(eqn) or (None, 0)
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
            piece=self._piece(eqn, inputs),
            recipe=None if bodies or op in OPAQUE else lambda: str(eqn.params),
            is_fresh=bool(eqn.effects) or op in _IMPURE,
            table=None if table is None else inputs[table],
            table_bytes=table_bytes,
            base=inputs[0] if op in _UPDATES else None,
            changed_bytes=inputs[_UPDATES[op]].nbytes if op in _UPDATES else 0,
            is_combining=op.startswith("scatter-"),
            bodies=bodies,
        )

    def _piece(self, eqn: JaxprEqn, inputs: Sequence[Value]) -> str | None:
        """Say which part of its first input an equation takes; None: it takes all, or it is not known."""
        if eqn.primitive.name == "gather" and inputs[1] in self._rows:
            return f"{eqn.params} {self._rows[inputs[1]].tolist()}"
        return str(eqn.params) if eqn.primitive.name in _SLICING else None

    def _bodies(self, eqn: JaxprEqn, name: str, path: str, inputs: list[Value], known: int | None) -> Sequence[Body]:
        """Walk what an equation runs: operands that do not change go in as they are, the others as new values."""
        around, self._room = self._room, 0.0  # what stays one step is not opened inside either
        bodies = self._inner(eqn, name, path, inputs)
        self._room = around
        if eqn.primitive.name not in {"scan", "while"}:
            return bodies
        trips = self._trips.of(name, eqn.primitive.name, known)
        return [replace(body, trips=1 if trips is None else trips, is_guess=trips is None) for body in bodies]

    def _inner(self, eqn: JaxprEqn, name: str, path: str, inputs: list[Value]) -> Sequence[Body]:
        op, params = eqn.primitive.name, eqn.params
        if op == "scan":
            jaxpr, fixed = params["jaxpr"], params["num_consts"]
            varying = self._fresh(name, jaxpr.jaxpr.invars[fixed:])
            return [_body(self.closed(jaxpr, [*inputs[:fixed], *varying], path))]
        if op == "while":
            tested, run = params["cond_jaxpr"], params["body_jaxpr"]
            first, fixed = params["cond_nconsts"], params["cond_nconsts"] + params["body_nconsts"]
            varying = self._fresh(name, run.jaxpr.invars[params["body_nconsts"] :])
            test = self.closed(tested, [*inputs[:first], *varying], path)
            once = self.closed(run, [*inputs[first:fixed], *varying], path)
            return [_body((test[0] + once[0], test[1] + once[1]))]
        if op == "cond":
            return [_body(self.closed(branch, inputs[1:], path)) for branch in params["branches"]]
        if op in OPAQUE or op in RULES:  # scatter and reduce hold how they combine two elements
            return []
        return [
            _body(self.closed(inner, self._fresh(name, inner.jaxpr.invars), path)) for inner in jaxprs(params.values())
        ]

    def _read(self, atom: Any, values: Mapping[Var, Value]) -> Value:  # noqa: ANN401 - JAX has no name for both kinds
        if not isinstance(atom, Literal):
            return values[atom]
        if shape(atom.aval):
            return self._constant(atom.val, atom)
        return self._number(atom, number(atom))

    def _number(self, literal: Literal, known: Number | None) -> Value:
        """Give a value for a number that is written into the program, or worked out."""
        value = Value(nbytes=0, name=str(literal.val))
        self.parameters.append(value)
        self._stored.add(value)
        self.literals[value] = literal
        if known is not None:
            self._numbers[value] = known
        return value

    def _constant(self, array: object, atom: Any) -> Value:  # noqa: ANN401 - likewise
        # One array is one parameter, wherever it is closed over; it is kept, so that its identity stays its own.
        if id(array) not in self._constants:
            value = Value(nbytes=nbytes(atom.aval, "an array that the function closes over"), name="constant")
            self._constants[id(array)] = value
            self.constants[value] = array
            self._stored.add(value)
            self.parameters.append(value)
        return self._constants[id(array)]

    def _fresh(self, name: str, variables: Sequence[Var]) -> list[Value]:
        single = len(variables) == 1
        return [
            Value(nbytes=nbytes(var.aval, name), name=name if single else f"{name}:{index}")
            for index, var in enumerate(variables)
        ]


def _body(walked: Walked) -> Body:
    steps, outputs = walked
    return Body(steps=steps, outputs=outputs)


def _literal(number: Number, aval: Any) -> Literal:  # noqa: ANN401 - JAX keeps the types of abstract values to itself
    return Literal(number, aval)  # type: ignore[no-untyped-call] # JAX leaves its types open


def _type(atom: Any) -> str:  # noqa: ANN401 - JAX has no name for variables and literals
    return str(dtype(atom.aval) or "")


def _is_view(eqn: JaxprEqn) -> bool:
    op = eqn.primitive.name
    if op in {"bitcast_convert_type", "broadcast_in_dim", "broadcast_to"}:
        return numel(eqn.invars[0].aval) == numel(eqn.outvars[0].aval)
    if op == "convert_element_type":
        return bool(dtype(eqn.invars[0].aval) == dtype(eqn.outvars[0].aval))
    return op in _VIEWS
