"""Operators that run sub-graphs: If, Loop, Scan and SequenceMap (https://onnx.ai/onnx/operators/).

Each stays one node.  Its bodies are walked like the model itself, with what is known about the values that go in,
so that their nodes can be counted and the node's own outputs have shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from onnx import GraphProto, NodeProto, TensorProto

from slicegraph.errors import InputError
from slicegraph.formats.counting import Trips
from slicegraph.formats.onnx.fitting import misfit
from slicegraph.formats.onnx.nodes import Body, Walked, attribute, described, is_standard, label, operator
from slicegraph.formats.onnx.sequences import repeated
from slicegraph.formats.onnx.values import UNKNOWN, Shape, Value, element, merged, of_shape, sequence_of, varying

Run = Callable[[GraphProto, Mapping[str, Value]], Walked]
"""Walks a body, given the values of its formal inputs."""

Entered = tuple[Sequence[Value], Sequence[Body]]
"""The node's outputs, and its bodies."""

RUNNING: Final = frozenset({"If", "Loop", "Scan", "SequenceMap"})
"""The operators with bodies."""
_ENDLESS: Final = 2**31 - 1  # exporters write a huge trip count where they mean: until the condition fails
_ATTEMPTS: Final = 4


def enter(node: NodeProto, inputs: Sequence[Value | None], run: Run, trips: Trips) -> Entered | None:
    """Walk the bodies of a node; None: the operator has no bodies, or is not in the standard."""
    if not is_standard(node):
        return None
    if node.op_type == "If":
        return _if(node, inputs, run)
    if node.op_type == "Loop":
        return _loop(node, inputs, run, trips)
    if node.op_type == "Scan":
        return _scan(node, inputs, run, trips)
    return _sequence_map(node, inputs, run, trips) if node.op_type == "SequenceMap" else None


def taken(node: NodeProto, inputs: Sequence[Value | None]) -> str | None:
    """Name the branch that an If takes; None: its condition is not known, or it is no If."""
    if node.op_type != "If" or not is_standard(node) or not inputs or inputs[0] is None:
        return None
    condition = inputs[0].scalar
    return None if condition is None else "then_branch" if condition else "else_branch"


def _if(node: NodeProto, inputs: Sequence[Value | None], run: Run) -> Entered:
    known = taken(node, inputs)
    names = ["then_branch", "else_branch"] if known is None else [known]
    branches = [run(_body(node, name), {}) for name in names]
    # Models hold one branch per size: only a branch that fits the sizes given can run.
    fitting = [branch for branch in branches if not branch.is_contradiction and not misfit(branch.nodes)]
    branches = fitting or branches
    results = [_results(node, branch, 0, len(node.output)) for branch in branches]
    outputs = results[0] if len(results) == 1 else [merged(*pair) for pair in zip(*results, strict=True)]
    return outputs, [Body(walked=branch) for branch in branches]


def _loop(node: NodeProto, inputs: Sequence[Value | None], run: Run, given: Trips) -> Entered:
    graph = _body(node, "body")
    limit = inputs[0].scalar if inputs and inputs[0] else None
    trips = None if limit is None or limit >= _ENDLESS else max(0, limit)
    # A sequence may grow from one iteration to the next.
    carried = [varying(value or UNKNOWN)._replace(parts=None) for value in inputs[2:]]
    counters = [of_shape(TensorProto.INT64, ()), of_shape(TensorProto.BOOL, ())]
    # A carried value has one shape in all iterations if the body returns the shape that it was given.
    for attempt in range(1, _ATTEMPTS + 1):
        walked = run(graph, _formal(node, graph, [*counters, *carried]))
        returned = _results(node, walked, 1, len(carried))
        before, carried = carried, [merged(old, new) for old, new in zip(carried, returned, strict=True)]
        # The first iteration has these very shapes, and all have what is left of them later.
        if walked.is_contradiction or [value.type for value in before] == [value.type for value in carried]:
            break
        if attempt + 1 >= _ATTEMPTS:
            carried = [UNKNOWN for _ in carried]
    stacked = _results(node, walked, 1 + len(carried), len(node.output) - len(carried))
    body = _repeated(node, walked, None if _may_stop(graph, inputs, walked) else trips, given)
    return [*carried, *(_stacked(value, 0, trips) for value in stacked)], [
        replace(body, trips=trips) if body.is_guess and trips is not None else body
    ]


def _scan(node: NodeProto, inputs: Sequence[Value | None], run: Run, given: Trips) -> Entered | None:
    graph = _body(node, "body")
    if len(graph.input) != len(inputs):
        return None  # operator set 8: a batch around the scan, and sequence lengths before the states
    count = found.i if (found := attribute(node, "num_scan_inputs")) else 0
    num_states = len(inputs) - count
    if not 0 < count <= len(inputs) or num_states > len(node.output):
        raise InputError(f"{described(node)} does not fit its num_scan_inputs = {count}")
    states, scanned = (
        [varying(value or UNKNOWN)._replace(parts=None) for value in inputs[:num_states]],
        [varying(value or UNKNOWN) for value in inputs[num_states:]],
    )
    axes = _axes(node, "scan_input_axes", count)
    slices = [_slice(value, axis) for value, axis in zip(scanned, axes, strict=True)]
    known = scanned[0].shape
    trips = known[axes[0]] if known and -len(known) <= axes[0] < len(known) else None
    walked = run(graph, _formal(node, graph, [*states, *slices]))
    finals = [merged(old, new) for old, new in zip(states, _results(node, walked, 0, num_states), strict=True)]
    elements = _results(node, walked, num_states, len(node.output) - num_states)
    axes = _axes(node, "scan_output_axes", len(elements))
    stacked = [_stacked(value, axis, trips) for value, axis in zip(elements, axes, strict=True)]
    return [*finals, *stacked], [_repeated(node, walked, trips, given)]


def _sequence_map(node: NodeProto, inputs: Sequence[Value | None], run: Run, given: Trips) -> Entered:
    graph = _body(node, "body")
    trips = inputs[0].items if inputs and inputs[0] else None
    actual = [varying(value or UNKNOWN) for value in inputs]
    actual = [element(value) if value.kind == "sequence_type" else value for value in actual]
    walked = run(graph, _formal(node, graph, actual))
    elements = _results(node, walked, 0, len(node.output))
    known = inputs[0].parts if inputs and inputs[0] else None
    alike = known is not None and all(part == known[0] for part in known)
    return [
        repeated(sequence_of(value), trips, (varying(value),) * len(known or ()) if alike else None)
        for value in elements
    ], [_repeated(node, walked, trips, given)]


def _body(node: NodeProto, name: str) -> GraphProto:
    found = attribute(node, name)
    if found is None or not found.HasField("g"):
        raise InputError(f"{described(node)} has no {name}")
    return found.g


def _formal(node: NodeProto, graph: GraphProto, actual: Sequence[Value]) -> dict[str, Value]:
    if len(graph.input) != len(actual):
        raise InputError(f"{described(node)} gives {len(actual)} values to a body with {len(graph.input)} inputs")
    return {info.name: value for info, value in zip(graph.input, actual, strict=True)}


def _results(node: NodeProto, walked: Walked, first: int, count: int) -> list[Value]:
    names = walked.outputs[first : first + count]
    if count < 0 or len(names) < count:
        raise InputError(
            f"{described(node)} has {len(node.output)} outputs, its body returns {len(walked.outputs)} values"
        )
    return [walked.values[name] for name in names]


def _repeated(node: NodeProto, walked: Walked, known: int | None, given: Trips) -> Body:
    trips = given.of(label(node), operator(node), known)
    return Body(walked=walked, trips=1 if trips is None else trips, is_guess=trips is None)


def _may_stop(graph: GraphProto, inputs: Sequence[Value | None], walked: Walked) -> bool:
    """Say whether the condition of a Loop may end it before its trip count does."""
    given = inputs[1] if len(inputs) > 1 else None
    if given is not None and not given.scalar:
        return True
    makers = {name: proto for proto in graph.node for name in proto.output}
    name = walked.outputs[0] if walked.outputs else ""
    while name in makers and makers[name].op_type == "Identity" and is_standard(makers[name]):
        name = makers[name].input[0]
    is_passed_on = len(graph.input) > 1 and name == graph.input[1].name
    return not (is_passed_on or (name in walked.values and walked.values[name].scalar))


def _axes(node: NodeProto, name: str, count: int) -> Sequence[int]:
    found = attribute(node, name)
    axes = [0] * count if found is None else list(found.ints)
    if len(axes) != count:
        raise InputError(f"{described(node)} has {len(axes)} {name} for {count} values")
    return axes


def _slice(value: Value, axis: int) -> Value:
    """Take one step of a scanned value."""
    if value.shape is None or not -len(value.shape) <= axis < len(value.shape):
        return UNKNOWN
    axis %= len(value.shape)
    return of_shape(value.type.tensor_type.elem_type, value.shape[:axis] + value.shape[axis + 1 :])


def _stacked(value: Value, axis: int, trips: int | None) -> Value:
    """Stack one value per iteration."""
    if value.shape is None or not -len(value.shape) <= axis + (axis < 0) <= len(value.shape):
        return UNKNOWN
    axis = axis if axis >= 0 else len(value.shape) + 1 + axis
    shape: Shape = (*value.shape[:axis], trips, *value.shape[axis:])
    return of_shape(value.type.tensor_type.elem_type, shape)
