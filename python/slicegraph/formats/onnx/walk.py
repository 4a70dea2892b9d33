"""One pass over a graph in file order: constants fold away, and every other node learns its values."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from onnx import GraphProto, NodeProto

from slicegraph.errors import InputError
from slicegraph.formats.onnx import constants, dimensions, folding, inference, values
from slicegraph.formats.onnx.bodies import enter, taken
from slicegraph.formats.onnx.inference import Context
from slicegraph.formats.onnx.nodes import Body, Node, Walked, described, is_standard, read_names
from slicegraph.formats.onnx.sequences import sized
from slicegraph.formats.onnx.values import UNKNOWN, Value, varying

Scope = ChainMap[str, Value]
"""The values that a graph sees: its own, then those of the graphs around it."""


def walk(graph: GraphProto, inputs: Mapping[str, Value], context: Context, outer: Scope | None = None) -> Walked:
    """Visit the nodes of a graph, or of a body within ``outer``.

    Parameters
    ----------
    graph
        A graph whose nodes are in topological order, as ONNX requires.
    inputs
        What is known about the graph's inputs.
    context
        What all nodes of the model share.
    outer
        The values around a body.

    Returns
    -------
        The nodes that are not constant, and every value.

    Raises
    ------
    InputError
        Two values have one name, or a node reads a value that nothing before it makes.
    """
    scope = Scope(dict(inputs)) if outer is None else outer.new_child(dict(inputs))
    _define(scope, ((name, value) for name, value in constants.initializers(graph) if name not in inputs))
    records = dimensions.recorded(graph, context.dims)
    reads_of = [read_names(proto) for proto in graph.node]
    kept: list[Node | None] = []
    reduced: dict[int, NodeProto] = {}
    for proto, wanted in zip(graph.node, reads_of, strict=True):
        _check_made(proto, wanted, scope, graph)
        reads = {name: scope[name] for name in wanted}
        results, bodies = _results(proto, reads, scope, context)
        results = {name: dimensions.completed(value, records.get(name)) for name, value in results.items()}
        is_constant = _is_constant(proto, reads, results)
        results = _folded(proto, reads, results, context) if is_constant else _kept(results)
        _define(scope, results.items())
        if is_constant and (branch := taken(proto, [reads.get(name) for name in proto.input])):
            reduced[len(kept)] = folding.reduced(proto, branch, bodies[0].walked)
        kept.append(None if is_constant else _node(proto, len(kept), reads, results, bodies))
    returned = [info.name for info in graph.output]
    for name in returned:
        if name not in scope:
            raise InputError(f"the graph returns {name!r}, which nothing makes")
    return Walked(nodes=_needed(kept, reads_of, returned), values=scope, outputs=returned, reduced=reduced)


def _results(
    proto: NodeProto, reads: Mapping[str, Value], scope: Scope, context: Context
) -> tuple[dict[str, Value], Sequence[Body]]:
    """Find what a node makes, and the bodies that it runs."""
    made = list(filter(None, proto.output))
    if len(made) > len(set(made)):
        raise InputError(f"{described(proto)} makes two values of one name")
    if (known := constants.known(proto, reads)) is not None:
        return dict.fromkeys(made[:1], known), ()
    inputs = [reads[name] if name else None for name in proto.input]
    entered = enter(proto, inputs, lambda body, formal: walk(body, formal, context, scope))
    if entered is not None:
        outputs, bodies = entered
        return {name: value for name, value in zip(proto.output, outputs, strict=False) if name}, bodies
    types, reason = inference.infer(proto, reads, context)
    inferred = {name: values.of_type(types[name]) if name in types else UNKNOWN for name in made}
    return {name: sized(proto, inputs, replace(value, reason=reason)) for name, value in inferred.items()}, ()


def _is_constant(proto: NodeProto, reads: Mapping[str, Value], results: Mapping[str, Value]) -> bool:
    """Say whether a node is constant: by its results, or because all that it reads is.

    An operator that ONNX does not know and that reads nothing may well be a source of data.
    """
    if results and all(value.is_constant for value in results.values()):
        return True
    if not reads and not is_standard(proto):
        return False
    return all(value.is_constant for value in reads.values()) and not constants.is_random(proto, reads)


def _folded(
    proto: NodeProto, reads: Mapping[str, Value], results: Mapping[str, Value], context: Context
) -> dict[str, Value]:
    """Make a constant node's outputs parameters, with their elements where they are few."""
    is_done = all(value.tensor is not None for value in results.values())
    known = {} if is_done else inference.evaluate(proto, reads, results, context)
    stored = constants.stored_bytes(proto, reads)
    return {
        name: replace(
            known.get(name, value),
            is_constant=True,
            stored_bytes=value.stored_bytes if stored is None else stored,
            reason=value.reason,
        )
        for name, value in results.items()
    }


def _kept(results: Mapping[str, Value]) -> dict[str, Value]:
    return {name: varying(value) for name, value in results.items()}


def _node(
    proto: NodeProto,
    position: int,
    reads: Mapping[str, Value],
    results: Mapping[str, Value],
    bodies: Sequence[Body],
) -> Node:
    return Node(
        proto=proto,
        position=position,
        inputs=[reads[name] if name else None for name in proto.input],
        outputs=[results.get(name) for name in proto.output],
        reads=reads,
        bodies=bodies,
    )


def _check_made(proto: NodeProto, wanted: Iterable[str], scope: Scope, graph: GraphProto) -> None:
    for name in wanted:
        if name not in scope:
            is_late = any(name in later.output for later in graph.node)
            fault = "is made only later: nodes must be in topological order" if is_late else "nothing makes"
            raise InputError(f"{described(proto)} reads {name!r}, which {fault}")


def _define(scope: Scope, named: Iterable[tuple[str, Value]]) -> None:
    own = scope.maps[0]
    for name, value in named:
        if name in own:
            raise InputError(f"two values are named {name!r}: each name must be made once")
        own[name] = value


def _needed(
    kept: Sequence[Node | None], reads_of: Sequence[Mapping[str, None]], returned: Iterable[str]
) -> Sequence[Node]:
    """Drop the nodes whose every reader folded away; what nobody ever read stays, as the file has it."""
    was_read = frozenset[str]().union(*reads_of)
    needed = set(returned)
    nodes: list[Node] = []
    for node in reversed(kept):
        if node is None:
            continue
        outputs = set(node.proto.output)
        if outputs & needed or not outputs & was_read:
            nodes.append(node)
            needed.update(node.reads)
    return nodes[::-1]
