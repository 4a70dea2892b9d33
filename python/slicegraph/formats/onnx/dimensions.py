"""Named dimensions: what the caller says they are, and what nobody said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import numpy as np
from onnx import GraphProto, TensorShapeProto, TypeProto, ValueInfoProto

from slicegraph.errors import InputError
from slicegraph.formats.onnx import values
from slicegraph.formats.onnx.nodes import Node, Walked, described
from slicegraph.formats.onnx.values import Shape, Value

_NAMES_SHOWN = 8
_TOO_LONG = 1 << 63


def named(graph: GraphProto, dims: Mapping[str, int]) -> dict[str, int]:
    """Check the sizes that the caller gives to dimensions of the model's inputs.

    A dimension without a name, or named "?", is called after its input and axis: ``INPUT.AXIS``.

    Raises
    ------
    InputError
        A name in ``dims`` is no open dimension of an input, or its value is no size.
    """
    names = _names(_inputs(graph))
    for name, size in dims.items():
        if name not in names:
            known = f"those of its inputs are {_listed(names)}" if names else "its inputs have none"
            raise InputError(f"the model has no dimension named {name!r}: {known}")
        if not _is_size(size):
            raise InputError(f"dimension {name!r} must be an integer of at least 1, not {size!r}")
    return {name: int(size) for name, size in dims.items()}


def inputs(graph: GraphProto, dims: Mapping[str, int]) -> dict[str, Value]:
    """Give each model input its shape; an input that is also stored in the model is a parameter, and left out.

    Raises
    ------
    InputError
        Two inputs have one name.
    """
    found: dict[str, Value] = {}
    for info in _inputs(graph):
        if info.name in found:
            raise InputError(f"two inputs are named {info.name!r}")
        found[info.name] = values.of_type(_bound(info, dims))
    return found


def recorded(graph: GraphProto, dims: Mapping[str, int]) -> dict[str, Value]:
    """Read the shapes that the file itself records for values inside a graph, with ``dims`` put in."""
    return {info.name: values.of_type(_bound(info, dims)) for info in (*graph.value_info, *graph.output)}


def completed(inferred: Value, record: Value | None) -> Value:
    """Fill what inference left open with what the file records; where both speak, inference is right.

    Records go stale when an input's shape is changed; operators that ONNX does not know have nothing else.
    """
    if record is None or inferred.nbytes is not None:
        return inferred
    if inferred.type.WhichOneof("value") is None or inferred.shape is None:
        return replace(record, items=inferred.items, reason=inferred.reason)
    if record.shape is None or len(record.shape) != len(inferred.shape):
        return inferred
    pairs = zip(inferred.shape, record.shape, strict=True)
    shape: Shape = tuple(known if known is not None else other for known, other in pairs)
    elem_type = inferred.type.tensor_type.elem_type or record.type.tensor_type.elem_type
    return replace(values.of_shape(elem_type, shape), reason=inferred.reason)


def check_known(walked: Walked, graph: GraphProto, dims: Mapping[str, int]) -> None:
    """Require a size for every value that a node reads or the model returns.

    Raises
    ------
    InputError
        Some have none: the message lists them, and says what would help.
    """
    used = walked.used
    unknown = {name: value for name, value in walked.values.items() if name in used and value.nbytes is None}
    if not unknown:
        return
    subject = (
        "the size of 1 tensor is unknown" if len(unknown) == 1 else f"the sizes of {len(unknown)} tensors are unknown"
    )
    open_names = [name for name in _names(info for info in _inputs(graph) if info.name in used) if name not in dims]
    if open_names:
        rest = len(open_names) - _NAMES_SHOWN
        cure = "give " + " ".join(f"--dim {_quoted(name)}=VALUE" for name in open_names[:_NAMES_SHOWN])
        cure += f" and {rest} more" if rest > 0 else ""
    else:
        cure = f"record their shapes in the file's value_info{_origin(walked, unknown)}"
    raise InputError(f"{subject}: {_listed(unknown)}; {cure}")


def _origin(walked: Walked, unknown: Mapping[str, Value]) -> str:
    """Say which node the unknown sizes begin with, and why, where inference said so."""
    for node in walked.nodes:
        if not unknown.keys().isdisjoint(node.proto.output):
            reason = next(_reasons(node), "")
            return f"; first is {described(node.proto)}" + (f": {reason}" if reason else "")
    return ""


def _reasons(node: Node) -> Iterator[str]:
    yield from (value.reason for value in node.outputs if value is not None and value.reason)
    for body in node.bodies:
        for inner in body.walked.nodes:
            yield from (f"in it, {described(inner.proto)}: {reason}" for reason in _reasons(inner))


def _is_size(size: object) -> bool:
    return isinstance(size, int | np.integer) and not isinstance(size, bool) and 1 <= int(size) < _TOO_LONG


def _inputs(graph: GraphProto) -> list[ValueInfoProto]:
    stored = {tensor.name for tensor in graph.initializer} | {sparse.values.name for sparse in graph.sparse_initializer}
    return [info for info in graph.input if info.name not in stored]


def _names(infos: Iterable[ValueInfoProto]) -> dict[str, None]:
    """Name the open dimensions, once each."""
    return {name: None for info in infos for _, name in _open(info.name, info.type)}


def _bound(info: ValueInfoProto, dims: Mapping[str, int]) -> TypeProto:
    bound = TypeProto()
    bound.CopyFrom(info.type)
    for dim, name in _open(info.name, bound):
        if name in dims:
            dim.dim_value = dims[name]
    return bound


def _open(value: str, type_: TypeProto) -> Iterator[tuple[TensorShapeProto.Dimension, str]]:
    """Run over the open dimensions of a value; one without a name, or named "?", is called after value and axis."""
    for axis, dim in enumerate(values.dimensions(type_)):
        if dim.dim_value < 0 or not dim.HasField("dim_value"):
            yield dim, dim.dim_param if dim.dim_param.strip("?") else f"{value}.{axis}"


def _listed(names: Iterable[str]) -> str:
    quoted = [repr(name) for name in names]
    rest = len(quoted) - _NAMES_SHOWN
    return ", ".join(quoted[:_NAMES_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _quoted(name: str) -> str:
    return name if name.isascii() and name.replace("_", "").replace(".", "").replace("-", "").isalnum() else repr(name)
