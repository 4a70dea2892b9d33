"""One pass over the operators of a model in their order: each becomes a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import tflite

from slicegraph.errors import InputError
from slicegraph.formats.counting import Count, Formulas, Trips
from slicegraph.formats.dtypes import bits, computed_in
from slicegraph.formats.tflite.model import Operator, Subgraph, Tensor
from slicegraph.formats.tflite.rules import Operation, count, numel
from slicegraph.formats.tflite.variables import Variables
from slicegraph.formats.traced import Body, Program, Step, Value

_VIEWS: Final = frozenset({"EXPAND_DIMS", "RESHAPE", "SQUEEZE"})
_TABLES: Final[Mapping[str, int]] = {"EMBEDDING_LOOKUP": 1, "GATHER": 0, "GATHER_ND": 0, "SLICE": 0, "STRIDED_SLICE": 0}
"""Where the input stands of which only what is taken is read."""
_FRESH: Final = frozenset({"MULTINOMIAL", "RANDOM_STANDARD_NORMAL", "RANDOM_UNIFORM", "VAR_HANDLE"})
_MOST_CALLS: Final = 50
_BITS_OF_BOOL: Final = 8
_HANDLES: Final = frozenset({"resource", "variant"})
_MOST_QUANTIZED: Final = 16


def program_of(subgraphs: Sequence[Subgraph], name: str, formulas: Formulas, trips: Trips) -> Program:
    """Walk the first subgraph.

    Raises
    ------
    InputError
        A tensor is read that nothing has made, or subgraphs call each other in a circle.
    """
    walk = _Walk(subgraphs, formulas, trips)
    main = subgraphs[0]
    inputs = [walk.input(main.tensors[index]) for index in main.inputs]
    steps, outputs = walk.subgraph(main, inputs)
    walk.parameters += walk.variables.constants()
    return Program(name=name, steps=steps, inputs=inputs, parameters=walk.parameters, outputs=outputs, state=walk.state)


class _Walk:
    """The walk over one model.

    Attributes
    ----------
    parameters
        Buffers, as they are found.
    variables
        Variables that operators read and assign by handles.
    state
        The value of each variable tensor before and after a run, and of each variable.
    """

    def __init__(self, subgraphs: Sequence[Subgraph], formulas: Formulas, trips: Trips) -> None:
        self._subgraphs = subgraphs
        self._formulas = formulas
        self._trips = trips
        self.parameters: list[Value] = []
        self.state: dict[Value, Value] = {}
        self.variables = Variables(self.state)
        self._buffers: dict[int, Value] = {}
        self._depth = 0

    def input(self, tensor: Tensor) -> Value:
        """Give a value that is given anew each time."""
        return Value(nbytes=_nbytes(tensor), name=tensor.name)

    def subgraph(self, graph: Subgraph, inputs: Sequence[Value]) -> tuple[list[Step], list[Value]]:
        """Walk a subgraph; give its steps, and what it returns."""
        if self._depth > _MOST_CALLS:
            raise InputError("subgraphs call each other in a circle, or too deeply")
        self._depth += 1
        values = dict(zip(graph.inputs, inputs, strict=False))
        steps = [self._step(graph, index, operator, values) for index, operator in enumerate(graph.operators)]
        self._depth -= 1
        return steps, [self._value(graph, index, values, "the model's output") for index in graph.outputs]

    def _step(self, graph: Subgraph, index: int, operator: Operator, values: dict[int, Value]) -> Step:
        given = [None if each < 0 else graph.tensors[each] for each in operator.inputs]
        made = [graph.tensors[each] for each in operator.outputs if each >= 0]
        operation = Operation(operator=operator, inputs=given, outputs=made)
        name = made[0].name if made and made[0].name else f"{operator.op}.{index}"
        at = [self._value(graph, each, values, name) if each >= 0 else None for each in operator.inputs]
        inputs = [value for value in at if value is not None]
        outputs = [Value(nbytes=_nbytes(tensor), name=tensor.name) for tensor in made]
        values.update(zip((each for each in operator.outputs if each >= 0), outputs, strict=True))
        kept = [each for each, tensor in zip(operator.inputs, given, strict=True) if tensor and tensor.is_variable]
        for each in kept:
            before = values[each]
            values[each] = Value(nbytes=before.nbytes, name=before.name)
            self.state[before] = values[each]
            outputs.append(values[each])
        inputs, outputs = self.variables.step(operator, inputs, outputs)
        bodies = self._bodies(operator, name, inputs, [values.get(each) for each in operator.outputs])
        found, left = self.variables.after_subgraphs()
        inputs, outputs = [*inputs, *found], [*outputs, *left]
        counted = Count(flops=0) if bodies or operator.op in _VIEWS else count(operation, self._formulas)
        table = _TABLES.get(operator.op)
        return Step(
            op=operator.op,
            name=name,
            inputs=inputs,
            outputs=outputs,
            flops=counted.flops,
            dtype=_computed_in([each.dtype for each in given if each], made[0].dtype if made else ""),
            is_guess=counted.is_guess,
            is_view=operator.op in _VIEWS,
            is_arranging=len(inputs) > 0 and operator.op in {*_VIEWS, "TRANSPOSE"},
            is_fresh=operator.op in _FRESH,
            table=at[table] if table is not None and table < len(at) else None,
            table_bytes=_picked(given, made, table),
            bodies=bodies,
        )

    def _value(self, graph: Subgraph, index: int, values: dict[int, Value], reader: str) -> Value:
        """Find a tensor: what was made or given, else a parameter, or a variable as it is when a run begins."""
        if index in values:
            return values[index]
        if index < 0:
            raise InputError(f"{reader!r:.80} is no tensor")
        tensor = graph.tensors[index]
        if tensor.stored:
            if tensor.buffer not in self._buffers:
                self._buffers[tensor.buffer] = Value(nbytes=tensor.stored, name=tensor.name)
                self.parameters.append(self._buffers[tensor.buffer])
            return self._buffers[tensor.buffer]
        if not tensor.is_variable and numel(tensor):
            raise InputError(f"{reader!r:.80} reads tensor {index}, {tensor.name!r:.80}, which nothing has made")
        values[index] = Value(nbytes=_nbytes(tensor), name=tensor.name)
        if not tensor.is_variable:  # it has no elements
            self.parameters.append(values[index])
        return values[index]

    def _bodies(
        self, operator: Operator, name: str, inputs: Sequence[Value], made: Sequence[Value | None]
    ) -> Sequence[Body]:
        """Walk the subgraphs that an operator runs, on values of their own."""
        if operator.op == "IF":
            options = operator.options(tflite.IfOptions)
            branches = options.ThenSubgraphIndex(), options.ElseSubgraphIndex()
            return [self._body(each, inputs[1:], made) for each in branches]
        if operator.op == "CALL":
            return [self._body(operator.options(tflite.CallOptions).Subgraph(), inputs, made)]
        if operator.op != "WHILE":
            return []
        options = operator.options(tflite.WhileOptions)
        test = self._body(options.CondSubgraphIndex(), inputs, ())
        once = self._body(options.BodySubgraphIndex(), inputs, made)
        trips = self._trips.of(name, operator.op, None)
        body = Body(steps=[*test.steps, *once.steps], outputs=[*test.outputs, *once.outputs])
        return [replace(body, trips=1 if trips is None else trips, is_guess=trips is None)]

    def _body(self, index: int, inputs: Sequence[Value], made: Sequence[Value | None]) -> Body:
        if not 0 <= index < len(self._subgraphs):
            raise InputError(f"subgraph {index} is asked for, but there are {len(self._subgraphs)}")
        own = [Value(nbytes=each.nbytes, name=each.name) for each in inputs]
        self.variables.pass_on(inputs, own)
        around = self.variables.enter()
        steps, outputs = self.subgraph(self._subgraphs[index], own)
        self.variables.pass_on(outputs, made)
        return Body(steps=steps, outputs=[*outputs, *self.variables.leave(around)])


def _computed_in(operands: Sequence[str], made: str) -> str:
    """Say in which type an operator computes; a quantized one in that of its factors, whatever its bias and indices."""
    types = [each for each in operands if each not in _HANDLES]
    quantized = [each for each in types if "int" in each and bits(each) <= _MOST_QUANTIZED]
    is_quantized = quantized and all("int" in each for each in types)
    return computed_in(quantized if is_quantized else types, made)


def _picked(given: Sequence[Tensor | None], made: Sequence[Tensor], table: int | None) -> int:
    """Give the bytes of what is taken of a table, which may be of a narrower type than what is made of it."""
    rows = given[table] if table is not None and table < len(given) else None
    return 0 if rows is None or not made else _nbytes(made[0]._replace(dtype=rows.dtype))


def _nbytes(tensor: Tensor) -> int:
    """Give the bytes of a tensor; 0 of what has no size, as text and handles.

    Raises
    ------
    InputError
        Its type is newer than the ``tflite`` package.
    """
    if not tensor.dtype:
        raise InputError(f"tensor {tensor.name!r:.80} has elements of a type that the tflite package does not know")
    width = _BITS_OF_BOOL if tensor.dtype == "bool" else bits(tensor.dtype)
    return (numel(tensor) * width + 7) // 8
