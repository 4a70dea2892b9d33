"""One pass over the operations in order: calls are inlined, and every operation that is left becomes a step."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from slicegraph.errors import InputError
from slicegraph.formats.counting import Count, Formulas, Trips
from slicegraph.formats.dtypes import computed_in
from slicegraph.formats.jax.modules import Modules, Path
from slicegraph.formats.jax.tracing import MOST_OPENED
from slicegraph.formats.stablehlo.attributes import text
from slicegraph.formats.stablehlo.captures import captured, seen
from slicegraph.formats.stablehlo.flops import Operation, combines, count, operator_of, rule_of
from slicegraph.formats.stablehlo.locations import Scope
from slicegraph.formats.stablehlo.numbers import Numbers, begins, numbers_of
from slicegraph.formats.stablehlo.numbers import rule_of as number_rule_of
from slicegraph.formats.stablehlo.trips import Loop
from slicegraph.formats.stablehlo.values import Array, array_of
from slicegraph.formats.traced import Body, Step, Value

Walked = tuple[list[Step], list[Value]]
"""The steps of a block, and what it returns."""
_Values = MutableMapping[Any, Value]

_VIEWS: Final = frozenset(
    {
        *("reshape", "sdy.sharding_constraint", "sdy.reshard"),
        *("Sharding", "SPMDFullToShardShape", "SPMDShardToFullShape", "annotate_device_placement", "LayoutConstraint"),
    }
)
_ARRANGING: Final = frozenset({"broadcast", "broadcast_in_dim", "transpose"})
_SLICING: Final = frozenset({"dynamic_slice", "slice"})
_BRANCHES: Final = frozenset({"case", "if"})
_RUNNING: Final = frozenset({"case", "if", "while"})
_MOST_CALLS: Final = 100
_MOST_STEPS: Final = 2_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class _Site:
    """An operation where the walk reaches it.

    Attributes
    ----------
    op, operator
        Of MLIR's bindings, and what it is called.
    inputs, numbers
        What it reads, and the numbers that are known of each.
    types, made
        Of its results, and the numbers that it makes, if they are known.
    trips
        How often it runs, if it is a loop and the program tells.
    values, scope
        All that it sees, and what it is in.
    """

    op: Any
    operator: str
    inputs: Sequence[Value]
    numbers: Sequence[Numbers | None]
    types: tuple[Array, ...]
    made: Numbers | None
    trips: int | None
    values: _Values
    scope: Scope


class Walk:
    """The walk over one module: what it finds to be stored, and names that occur once.

    Parameters
    ----------
    functions
        Of the module, by name.
    formulas
        What operators compute, by the user.
    trips
        How often loops run, by the user; such a loop is not opened, for another run may differ.
    modules
        The module of each argument that is a parameter.

    Attributes
    ----------
    parameters
        Constants and numbers, as they are found.
    """

    def __init__(
        self, functions: Mapping[str, Any], formulas: Formulas, trips: Trips, modules: Mapping[Value, Path]
    ) -> None:
        self._functions = functions
        self._formulas = formulas
        self._trips = trips
        # Operations that may stand in one iteration at hand: each loop that is opened divides them by its trips.
        self._room = float(MOST_OPENED)
        self.parameters: list[Value] = []
        self._modules = Modules(modules)
        self._stored = set(modules)
        self._constants: dict[Any, Value] = {}
        self._numbers: dict[Value, Numbers] = {}
        self._loops: dict[Any, Loop] = {}
        self._sizes: dict[Any, int] = {}
        # Of a buffer, what was put where: size and place of each part.
        self._filled: dict[Value, dict[tuple[tuple[int, ...], tuple[int, ...]], Value]] = {}
        self._count = 0
        self._depth = 0

    def block(self, block: Any, arguments: Sequence[Value], scope: Scope, around: _Values | None = None) -> Walked:  # noqa: ANN401
        """Walk a block; ``around`` are the values that it sees from outside."""
        values: _Values = {} if around is None else ChainMap({}, *_maps(around))
        values.update(zip(block.arguments, arguments, strict=True))
        *operations, end = block.operations
        steps: list[Step] = []
        for view in operations:
            op = view.operation
            inner, outputs = self._operation(op, values, scope)
            steps += inner
            values.update(zip(op.results, outputs, strict=True))
        return steps, [values[operand] for operand in end.operands]

    def _operation(self, op: Any, values: _Values, scope: Scope) -> Walked:  # noqa: ANN401 - MLIR's bindings
        inputs = [values[operand] for operand in op.operands]
        operator = operator_of(op)
        if operator == "optimization_barrier":
            return [], inputs
        if operator == "constant":
            return self._constant(op)
        if (callee := self._callee(op, operator)) is not None:
            return self._called(callee, inputs, scope.called(op))
        numbers = [self._numbers.get(value) for value in inputs]
        types = tuple(array_of(result.type, op.name) for result in op.results)
        made = numbers_of(number_rule_of(op, types[0]), numbers) if len(types) == 1 else None
        if made is not None and not made.shape:
            return [], [self._number(made)]
        if (part := self._part(operator, inputs, numbers, types)) is not None:
            return [], [part]
        site = _Site(
            op=op,
            operator=operator,
            inputs=inputs,
            numbers=numbers,
            types=types,
            made=made,
            trips=self._trips_of(op, numbers, values) if operator == "while" else None,
            values=values,
            scope=scope,
        )
        return self._opened(site) or self._left(site)

    def _left(self, site: _Site) -> Walked:
        """Make an operation a step."""
        op, inputs = site.op, site.inputs
        self._count += 1
        if self._count > _MOST_STEPS:
            raise InputError(f"it has more than {_MOST_STEPS:,} operations once its calls are inlined")
        if len(op.regions) and not op.name.startswith("stablehlo."):
            raise InputError(f"{op.name} runs regions of its own, but only those of StableHLO are read")
        name = f"{self._modules.scope(site.scope.of(op), inputs)}/{site.operator}.{self._count}".removeprefix("/")
        outputs = _fresh(name, site.types)
        bodies, reads = self._bodies(site, name)
        if self._stored.issuperset(reads):
            self._modules.follow(reads, outputs)
            self._stored.update(outputs)
        if site.made is not None:
            self._numbers[outputs[0]] = site.made
        taken = tuple(array_of(operand.type, op.name) for operand in op.operands)
        operation = Operation(raw=op, op=site.operator, inputs=taken, outputs=site.types)
        self._fill(inputs, site.numbers, operation, outputs)
        return [self._step(operation, name, reads, outputs, bodies, site.numbers)], outputs

    def _constant(self, op: Any) -> Walked:  # noqa: ANN401 - see above
        """Give a number, an array of one number, or an array that is stored; the same array is one parameter."""
        made = array_of(op.results[0].type, "a constant")
        value = op.attributes["value"]
        if not getattr(value, "is_splat", False):
            stored = self._array(value, made)
            if (numbers := numbers_of(number_rule_of(op, made), [])) is not None:
                self._numbers[stored] = numbers
            return [], [stored]
        numbers = numbers_of(number_rule_of(op, made), [])
        if not made.shape:
            return [], [self._number(str(value.get_splat_value()) if numbers is None else numbers)]
        self._count += 1
        whole = Value(nbytes=made.nbytes, name=f"constant.{self._count}")
        self._stored.add(whole)
        if numbers is not None:
            self._numbers[whole] = numbers
        number = self._number(str(value.get_splat_value()))
        return [
            Step(op="constant", name=whole.name, inputs=[number], outputs=[whole], dtype=made.dtype, is_arranging=True)
        ], [whole]

    def _array(self, value: Any, made: Array) -> Value:  # noqa: ANN401 - see above
        if value not in self._constants:
            self._constants[value] = Value(nbytes=made.nbytes, name="constant")
            self.parameters.append(self._constants[value])
            self._stored.add(self._constants[value])
        return self._constants[value]

    def _number(self, number: Numbers | str) -> Value:
        """Give a value for a number that is written into the program, or worked out."""
        value = Value(nbytes=0, name=str(number))
        self.parameters.append(value)
        self._stored.add(value)
        if not isinstance(number, str):
            self._numbers[value] = number
        return value

    def _callee(self, op: Any, operator: str) -> Any:  # noqa: ANN401 - see above
        """Find the function that an operation only calls; None: it is another operation, or has a rule."""
        if op.name == "func.call":
            return self._functions[text(op, "callee")]
        if op.name == "stablehlo.composite" and rule_of(operator) is None and operator not in self._formulas.ops:
            return self._functions.get(text(op, "decomposition"))
        return None

    def _called(self, callee: Any, inputs: Sequence[Value], scope: Scope) -> Walked:  # noqa: ANN401 - see above
        if self._depth > _MOST_CALLS:
            raise InputError(f"function {text(callee, 'sym_name')!r:.80} calls itself, or calls are too deep")
        self._depth += 1
        walked = self.block(callee.regions[0].blocks[0], inputs, scope)
        self._depth -= 1
        return walked

    def _trips_of(self, op: Any, numbers: Sequence[Numbers | None], values: _Values) -> int | None:  # noqa: ANN401
        """Count how often a loop runs; None: the program does not tell."""
        if op not in self._loops:
            self._loops[op] = Loop(op, self._functions)
        loop = self._loops[op]
        return loop.trips(numbers, [self._numbers.get(values[value]) for value in loop.captured])

    def _opened(self, site: _Site) -> Walked | None:
        """Walk a loop as its iterations, and of branches the one that is known to run; None: it stays one step."""
        op, numbers, trips = site.op, site.numbers, site.trips
        if site.operator in _BRANCHES and numbers[0] is not None:
            index, last = int(numbers[0]), len(op.regions) - 1
            taken = int(not index) if site.operator == "if" else index if 0 <= index <= last else last
            return self.block(op.regions[taken].blocks[0], [], site.scope, site.values)
        if trips is None or not self._room:
            return None
        body = op.regions[1].blocks[0] if trips else None
        if body is not None and trips * self._size(body) > self._room:
            return None
        self._count += 1
        path = "/".join(filter(None, (site.scope.of(op), f"while.{self._count}")))
        around, self._room = self._room, self._room / max(1, trips)
        steps: list[Step] = []
        carried = list(site.inputs)
        for index in range(trips):
            inner, carried = self.block(body, carried, site.scope.opened(op, f"{path}/{index}"), site.values)
            steps += inner
        self._room = around
        return steps, carried

    def _size(self, block: Any) -> int:  # noqa: ANN401 - see above
        """Count the operations of a block, calls inlined, numbers left out and loops as one."""
        if block.owner not in self._sizes:
            self._sizes[block.owner] = 0  # of a function that calls itself
            self._sizes[block.owner] = sum(self._operations(view.operation) for view in block.operations)
        return self._sizes[block.owner]

    def _operations(self, op: Any) -> int:  # noqa: ANN401 - see above
        callee = self._callee(op, operator_of(op))
        if callee is not None:
            return self._size(callee.regions[0].blocks[0])
        return int(bool(op.operands) and not op.name.endswith(".return"))

    def _part(
        self, operator: str, inputs: Sequence[Value], numbers: Sequence[Numbers | None], types: Sequence[Array]
    ) -> Value | None:
        """Give the value that an earlier loop wrote to this place of a buffer; None: not known."""
        starts = _known(numbers[1:]) if operator == "dynamic_slice" and inputs[0] in self._filled else None
        return None if starts is None else self._filled[inputs[0]].get((types[0].shape, starts))

    def _fill(
        self, inputs: Sequence[Value], numbers: Sequence[Numbers | None], operation: Operation, outputs: Sequence[Value]
    ) -> None:
        """Say what a buffer holds once a part of it is written; where parts overlap, the last alone is known."""
        if operation.op != "dynamic_update_slice" or (starts := _known(numbers[2:])) is None:
            return
        whole, part = operation.inputs[0].shape, operation.inputs[1].shape
        if starts != begins([each for each in numbers[2:] if each is not None], whole, part):
            return
        kept = {
            key: value for key, value in self._filled.get(inputs[0], {}).items() if not _overlap(key, (part, starts))
        }
        self._filled[outputs[0]] = {**kept, (part, starts): inputs[1]}

    def _step(
        self,
        operation: Operation,
        name: str,
        inputs: Sequence[Value],
        outputs: Sequence[Value],
        bodies: Sequence[Body],
        numbers: Sequence[Numbers | None],
    ) -> Step:
        op, raw = operation.op, operation.raw
        is_view = _is_view(operation)
        is_update = op == "dynamic_update_slice" or (op == "scatter" and len(outputs) == 1)
        changed = {"dynamic_update_slice": 1, "scatter": 2}.get(op, 0)
        counted = Count(flops=0) if is_view or bodies else count(operation, self._formulas)
        takes = op in {"dynamic_slice", "gather", "slice"}
        return Step(
            op=op,
            name=name,
            inputs=inputs,
            outputs=outputs,
            flops=counted.flops,
            dtype=computed_in([each.dtype for each in operation.inputs], operation.outputs[0].dtype if outputs else ""),
            is_guess=counted.is_guess,
            is_view=is_view,
            is_arranging=len(inputs) == 1 and (is_view or op in _ARRANGING),
            piece=_piece(operation, numbers),
            recipe=None if len(raw.regions) else lambda: _words(raw),
            is_fresh=op == "rng" or str(raw.attributes.get("has_side_effect", "false")) == "true",
            table=inputs[0] if takes else None,
            table_bytes=operation.outputs[0].nbytes if takes else 0,
            base=inputs[0] if is_update else None,
            changed_bytes=inputs[changed].nbytes if is_update else 0,
            is_combining=op == "scatter" and combines(operation),
            bodies=bodies,
        )

    def _bodies(self, site: _Site, name: str) -> tuple[Sequence[Body], Sequence[Value]]:
        """Walk what an operation runs; give it, and what the operation reads, by its bodies too."""
        op, inputs, values = site.op, site.inputs, site.values
        if site.operator not in _RUNNING:
            return [], [*inputs, *(value for value in seen(op, values) if value not in inputs)]
        scope = site.scope.opened(op, name)
        around, self._room = self._room, 0.0  # what stays one step is not opened inside either
        if site.operator == "while":
            blocks = [region.blocks[0] for region in op.regions]
            passed = list(list(blocks[1].operations)[-1].operands)
            arguments = [
                value
                if passed[index] == blocks[1].arguments[index]
                else Value(nbytes=value.nbytes or array_of(operand.type, name).nbytes, name=f"{name}:{index}")
                for index, (value, operand) in enumerate(zip(inputs, op.operands, strict=True))
            ]
            test, once = (self.block(block, arguments, scope, values) for block in blocks)
            trips = self._trips.of(name, "while", site.trips)
            body = Body(steps=test[0] + once[0], outputs=test[1] + once[1])
            bodies = [replace(body, trips=1 if trips is None else trips, is_guess=trips is None)]
        else:
            arguments = []
            bodies = [
                Body(steps=steps, outputs=outputs)
                for steps, outputs in (self.block(region.blocks[0], [], scope, values) for region in op.regions)
            ]
        self._room = around
        own = set(arguments) - set(inputs)
        return bodies, list(dict.fromkeys([*inputs, *captured(bodies, own)]))


def _maps(values: _Values) -> list[MutableMapping[Any, Value]]:
    return values.maps if isinstance(values, ChainMap) else [values]


def _fresh(name: str, types: Sequence[Array]) -> list[Value]:
    single = len(types) == 1
    return [Value(nbytes=each.nbytes, name=name if single else f"{name}:{index}") for index, each in enumerate(types)]


def _is_view(operation: Operation) -> bool:
    op = operation.op
    if op in {"bitcast_convert", "broadcast", "broadcast_in_dim"}:
        return operation.inputs[0].numel == operation.outputs[0].numel
    if op == "convert":
        return operation.inputs[0].dtype == operation.outputs[0].dtype
    return op in _VIEWS and len(operation.inputs) == 1


def _piece(operation: Operation, numbers: Sequence[Numbers | None]) -> str | None:
    """Say which part of its first input an operation takes; None: it takes all, or it is not known."""
    if operation.op == "gather" and numbers[1] is not None:
        return f"{_words(operation.raw)} {numbers[1].tolist()}"
    return _words(operation.raw) if operation.op in _SLICING else None


def _words(op: Any) -> str:  # noqa: ANN401 - see above
    """Write the attributes of an operation down, and the types that it makes."""
    attributes = sorted((name, str(op.attributes[name])) for name in op.attributes)
    return f"{attributes} {[str(result.type) for result in op.results]}"


def _known(numbers: Sequence[Numbers | None]) -> tuple[int, ...] | None:
    known = [int(each) for each in numbers if each is not None]
    return tuple(known) if len(known) == len(numbers) else None


def _overlap(one: tuple[tuple[int, ...], tuple[int, ...]], other: tuple[tuple[int, ...], tuple[int, ...]]) -> bool:
    pairs = zip(*one, *other, strict=True)
    return all(begin < start + length and start < begin + size for size, begin, length, start in pairs)
