"""Named dimensions: what the caller says they are, and the shapes that follow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from onnx import GraphProto, TensorShapeProto, TypeProto, ValueInfoProto

from slicegraph.errors import InputError
from slicegraph.formats.onnx import values
from slicegraph.formats.onnx.expressions import parsed
from slicegraph.formats.onnx.nodes import Stated, Walked, body_graphs
from slicegraph.formats.onnx.quoting import listed
from slicegraph.formats.onnx.values import Shape, Value

_TOO_LONG = 1 << 63


def named(
    graph: GraphProto, nodes: Iterable[Stated], entering: Sequence[ValueInfoProto], dims: Mapping[str, int]
) -> dict[str, int]:
    """Check the sizes that the caller gives to dimensions of the model, a graph of these nodes and `model_inputs`.

    A dimension without a name, or named "?", is called after its value and axis: ``INPUT.AXIS``.  The names in an
    expression are names as well.

    Raises
    ------
    InputError
        A name in ``dims`` is no open dimension that the model names, its value is no size, or an expression of an
        input makes no size.
    """
    names = open_names((*entering, *_records(graph)))
    for each in (inner for node in nodes for body in node.bodies for inner in _graphs(body)):
        names |= open_names(_all(each))
    names |= dict.fromkeys(sorted({part for name in names for part in _parts(name)}))
    for name, size in dims.items():
        if name not in names:
            known = f"its dimensions are {listed(names)}" if names else "it names none"
            raise InputError(f"the model has no dimension named {name!r}: {known}")
        if not _is_size(size):
            raise InputError(f"dimension {name!r} must be an integer of at least 0, not {size!r}")
    sizes = {name: int(size) for name, size in dims.items()}
    _check_expressions(entering, sizes)
    return sizes


def inputs(entering: Iterable[ValueInfoProto], dims: Mapping[str, int]) -> dict[str, Value]:
    """Give each of the `model_inputs` its shape.

    Raises
    ------
    InputError
        Two inputs have one name.
    """
    found: dict[str, Value] = {}
    for info in entering:
        if info.name in found:
            raise InputError(f"two inputs are named {info.name!r}")
        value = values.of_type(_bound(info, dims))
        found[info.name] = value if value.nbytes is not None else value._replace(reason=f"input {info.name!r}")
    return found


def recorded(graph: GraphProto, dims: Mapping[str, int]) -> dict[str, Value]:
    """Read the shapes that the file itself records for values inside a graph, with ``dims`` put in."""
    return {info.name: values.of_type(_bound(info, dims)) for info in _records(graph)}


def completed(inferred: Value, record: Value | None) -> Value:
    """Fill what inference left open with what the file records; where both speak, inference is right.

    Records go stale when an input's shape is changed; operators that ONNX does not know have nothing else.  What no run
    can make has no size.
    """
    if record is None or inferred.nbytes is not None or inferred.is_contradiction:
        return inferred
    if not inferred.kind or inferred.shape is None:
        return _explained(record._replace(items=inferred.items, parts=inferred.parts), inferred)
    if record.shape is None or len(record.shape) != len(inferred.shape):
        return inferred
    pairs = zip(inferred.shape, record.shape, strict=True)
    shape: Shape = tuple(known if known is not None else other for known, other in pairs)
    elem_type = inferred.type.tensor_type.elem_type or record.type.tensor_type.elem_type
    return _explained(values.of_shape(elem_type, shape), inferred)


def _explained(value: Value, inferred: Value) -> Value:
    return value._replace(reason=inferred.reason)


def check_agreement(
    walked: Walked, graph: GraphProto, entering: Iterable[ValueInfoProto], dims: Mapping[str, int]
) -> None:
    """Require that the sizes given to dimensions that no input names are those that follow from the inputs.

    Raises
    ------
    InputError
        One is not.
    """
    if not dims:
        return
    at_inputs = {part for name in open_names(entering) for part in (name, *_parts(name))}
    for info in _records(graph):
        shape = walked.values[info.name].shape if info.name in walked.values else None
        for axis, _, name in _open(info.name, info.type):
            if name not in dims or name in at_inputs or shape is None or axis >= len(shape):
                continue
            if shape[axis] is not None and shape[axis] != dims[name]:
                raise InputError(
                    f"dimension {name!r} is {dims[name]}, but at {info.name!r} it follows to be {shape[axis]}"
                )


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Names of open dimensions whose sizes would help.

    Attributes
    ----------
    inputs, records
        Those of inputs in use, and of what the file records for values of unknown size.
    """

    inputs: list[str]
    records: list[str]


def wanted(graph: GraphProto, walked: Walked, unknown: Iterable[str], dims: Mapping[str, int]) -> Wanted:
    """Say which dimensions to ask for; an expression by its names, if each stands alone somewhere in the file."""
    used, missing = walked.used, {*unknown}
    plain = {name for name in open_names(_all(graph)) if (found := parsed(name)) is None or found.is_name}

    def asked(infos: Iterable[ValueInfoProto]) -> list[str]:
        names: dict[str, None] = {}
        for name in open_names(infos):
            parts = _parts(name)
            if _size(name, dims) is None:
                names |= (
                    dict.fromkeys(part for part in parts if part not in dims)
                    if parts <= plain and parts
                    else {name: None}
                )
        return [*names]

    return Wanted(
        inputs=asked(info for info in model_inputs(graph) if info.name in used),
        records=asked(info for info in _records(graph) if info.name in missing),
    )


def model_inputs(graph: GraphProto) -> list[ValueInfoProto]:
    """List the inputs of a graph without those that it stores, which are parameters."""
    stored = {tensor.name for tensor in graph.initializer} | {sparse.values.name for sparse in graph.sparse_initializer}
    return [info for info in graph.input if info.name not in stored]


def open_names(infos: Iterable[ValueInfoProto]) -> dict[str, None]:
    """Name the open dimensions, once each."""
    return {name: None for info in infos for _, _, name in _open(info.name, info.type)}


def _check_expressions(entering: Iterable[ValueInfoProto], dims: Mapping[str, int]) -> None:
    """Require that expressions make sizes at inputs, and the size that is given where one is given for the whole."""
    for name in open_names(entering):
        expression = parsed(name)
        if expression is None or expression.is_name or not expression.names <= dims.keys():
            continue
        size, given = expression.value(dims), ", ".join(f"{part} = {dims[part]}" for part in sorted(expression.names))
        given = f" for {given}" if given else ""
        if size is None:
            raise InputError(f"dimension {name!r} is no size of at least 0{given}")
        if dims.get(name, size) != size:
            raise InputError(f"dimension {name!r} must be {size}{given}, not {dims[name]}")


def _is_size(size: object) -> bool:
    return isinstance(size, int | np.integer) and not isinstance(size, bool) and 0 <= int(size) < _TOO_LONG


def _size(name: str, dims: Mapping[str, int]) -> int | None:
    """Say what is known of an open dimension: what is given for it, or what its expression makes."""
    if name in dims:
        return dims[name]
    expression = parsed(name)
    return None if expression is None else expression.value(dims)


def _parts(name: str) -> frozenset[str]:
    """List the names in an expression; a plain name has none."""
    expression = parsed(name)
    return frozenset() if expression is None or expression.is_name else expression.names


def _records(graph: GraphProto) -> Iterator[ValueInfoProto]:
    yield from graph.value_info
    yield from graph.output


def _all(graph: GraphProto) -> Iterator[ValueInfoProto]:
    yield from model_inputs(graph)
    yield from _records(graph)


def _graphs(graph: GraphProto) -> Iterator[GraphProto]:
    yield graph
    for node in graph.node:
        for body in body_graphs(node):
            yield from _graphs(body)


def _bound(info: ValueInfoProto, dims: Mapping[str, int]) -> TypeProto:
    bound = TypeProto()
    bound.CopyFrom(info.type)
    for _, dim, name in _open(info.name, bound):
        if (size := _size(name, dims)) is not None:
            dim.dim_value = size
    return bound


def _open(value: str, type_: TypeProto) -> Iterator[tuple[int, TensorShapeProto.Dimension, str]]:
    """Run over the open dimensions of a value; one without a name, or named "?", is called after value and axis."""
    for axis, dim in enumerate(values.dimensions(type_)):
        if dim.dim_value < 0 or not dim.HasField("dim_value"):
            yield axis, dim, dim.dim_param if dim.dim_param.strip("?") else f"{value}.{axis}"
