"""The facts of an operator in a traced graph, whatever it was traced from."""

from __future__ import annotations

import numpy as np

from slicegraph.formats.arrays import GraphArrays


def shared(graph: GraphArrays) -> list[tuple[int, list[int]]]:
    """List the parameters that several nodes read: bytes, and who reads them."""
    if graph.param_size is None or graph.param_readers is None or graph.param_offsets is None:
        return []
    readers = np.split(graph.param_readers, graph.param_offsets[1:-1])
    return [(size, nodes.tolist()) for size, nodes in zip(graph.param_size.tolist(), readers, strict=True)]


def stored(graph: GraphArrays) -> int:
    """Add up all bytes of parameters, each once."""
    assert graph.param_bytes is not None
    return int(graph.param_bytes.sum()) + sum(size for size, _ in shared(graph))


def facts(graph: GraphArrays, op: str) -> tuple[int, int, int, int]:
    """Look up flops and the bytes read, written and stored of the one node of an operator."""
    assert graph.flops is not None
    assert graph.read_bytes is not None
    assert graph.write_bytes is not None
    assert graph.param_bytes is not None
    assert list(graph.op).count(op) == 1
    node = list(graph.op).index(op)
    found = graph.flops[node], graph.read_bytes[node], graph.write_bytes[node], graph.param_bytes[node]
    return int(found[0]), int(found[1]), int(found[2]), int(found[3])
