"""The facts of an operator in a traced graph, whatever it was traced from."""

from __future__ import annotations

from slicegraph.formats.arrays import GraphArrays


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
