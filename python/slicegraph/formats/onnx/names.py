"""Names must be text: protobuf hands over what is no UTF-8 as raw bytes, and does not say so."""

from __future__ import annotations

from collections.abc import Iterable

from onnx import GraphProto, TypeProto

from slicegraph.errors import InputError
from slicegraph.formats.onnx.nodes import Stated
from slicegraph.formats.onnx.values import dimensions


def check_graph(graph: GraphProto, nodes: Iterable[Stated]) -> None:
    """Require that all names in a graph of these nodes, and in its bodies, are text.

    Raises
    ------
    InputError
        One is not.
    """
    check(_names(graph, nodes))


def check(names: Iterable[str]) -> None:
    """Require that names are text.

    Raises
    ------
    InputError
        One is not.
    """
    listed = list(names)
    try:
        "".join(listed)
    except TypeError:
        name = next(name for name in listed if not isinstance(name, str))
        raise InputError(f"not an ONNX model: the name {name!r} is no UTF-8 text") from None


def _names(graph: GraphProto, nodes: Iterable[Stated]) -> list[str]:
    names = [graph.name]
    types: dict[bytes, TypeProto] = {}
    for info in (*graph.input, *graph.output, *graph.value_info):
        names.append(info.name)
        type_ = info.type
        types.setdefault(type_.SerializeToString(), type_)
    names += [dim.dim_param for type_ in types.values() for dim in dimensions(type_)]
    names += [tensor.name for tensor in graph.initializer]
    names += [sparse.values.name for sparse in graph.sparse_initializer]
    for node in nodes:
        proto = node.proto
        names += (proto.name, proto.op_type, proto.domain)
        names += node.inputs
        names += node.outputs
        if proto.domain or node.bodies:
            # Others have no attributes but those of their operators, or ONNX's checker refuses them.
            names += [attribute.name for attribute in proto.attribute]
        for body in node.bodies:
            names += _names(body, map(Stated.of, body.node))
    return names
