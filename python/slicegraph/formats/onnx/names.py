"""Names must be text: protobuf hands over what is no UTF-8 as raw bytes, and does not say so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from onnx import GraphProto

from slicegraph.errors import InputError
from slicegraph.formats.onnx.nodes import body_graphs
from slicegraph.formats.onnx.values import dimensions


def check_graph(graph: GraphProto) -> None:
    """Require that all names in a graph and its bodies are text.

    Raises
    ------
    InputError
        One is not.
    """
    check(_names(graph))


def check(names: Iterable[object]) -> None:
    """Require that names are text.

    Raises
    ------
    InputError
        One is not.
    """
    for name in names:
        if not isinstance(name, str):
            raise InputError(f"not an ONNX model: the name {name!r} is no UTF-8 text")


def _names(graph: GraphProto) -> Iterator[str]:
    yield graph.name
    for info in (*graph.input, *graph.output, *graph.value_info):
        yield info.name
        yield from (dim.dim_param for dim in dimensions(info.type))
    yield from (tensor.name for tensor in graph.initializer)
    yield from (sparse.values.name for sparse in graph.sparse_initializer)
    for node in graph.node:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        yield from (attribute.name for attribute in node.attribute)
        for body in body_graphs(node):
            yield from _names(body)
