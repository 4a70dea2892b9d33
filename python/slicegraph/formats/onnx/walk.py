"""One pass over a graph in order: constants fold away, and every other node learns its values."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace

from onnx import GraphProto, NodeProto

from slicegraph.errors import InputError
from slicegraph.formats.onnx import constants, dimensions, folding, inference, shapes, values
from slicegraph.formats.onnx.bodies import enter, taken
from slicegraph.formats.onnx.fitting import is_misfit
from slicegraph.formats.onnx.inference import Context
from slicegraph.formats.onnx.nodes import Body, Node, Walked, described, is_standard, read_names
from slicegraph.formats.onnx.sequences import sized
from slicegraph.formats.onnx.values import UNKNOWN, Stored, Value, varying

Scope = ChainMap[str, Value]
"""The values that a graph sees: its own, then those of the graphs around it."""


def walk(graph: GraphProto, inputs: Mapping[str, Value], context: Context, outer: Scope | None = None) -> Walked:
    """Visit the nodes of a graph, or of a body within ``outer``.

    Parameters
    ----------
    graph
        A graph that is prepared: its nodes are in topological order.
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
        Two values have one name, or a node reads a value that nothing makes.
    """
    scope = Scope(dict(inputs)) if outer is None else outer.new_child(dict(inputs))
    _define(scope, ((name, value) for name, value in constants.initializers(graph) if name not in inputs))
    records = dimensions.recorded(graph, context.dims)
    reads_of = [read_names(proto) for proto in graph.node]
    kept: list[Node | None] = []
    reduced: dict[int, NodeProto] = {}
    for proto, wanted in zip(graph.node, reads_of, strict=True):
        _check_made(proto, wanted, scope)
        reads = {name: scope[name] for name in wanted}
        results, bodies = _results(proto, reads, scope, context)
        is_constant = _is_constant(proto, reads, results)
        known = _computed(proto, reads, results, context)
        # Elements overrule a record, but never what was inferred.
        results = {
            name: known.get(name) or dimensions.completed(value, records.get(name)) for name, value in results.items()
        }
        results = _folded(proto, reads, results, context.pieces) if is_constant else _kept(results, known)
        _define(scope, _blamed(proto, reads, results, bodies).items())
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
    if (shaped := shapes.outputs(proto, inputs)) is not None:
        return shaped, ()
    found = inference.infer(proto, reads, context)
    inferred = {name: values.of_type(found.types[name]) if name in found.types else UNKNOWN for name in made}
    is_contradiction = found.is_contradiction or is_misfit(proto, inputs, inferred)
    return {
        name: sized(proto, inputs, replace(value, reason=found.reason, is_contradiction=is_contradiction))
        for name, value in inferred.items()
    }, ()


def _is_constant(proto: NodeProto, reads: Mapping[str, Value], results: Mapping[str, Value]) -> bool:
    """Say whether a node is constant: by its results, or because all that it reads is.

    An operator that ONNX does not know and that reads nothing may well be a source of data.
    """
    if results and all(value.is_constant for value in results.values()):
        return True
    if not reads and not is_standard(proto):
        return False
    return all(value.is_constant for value in reads.values()) and not constants.is_random(proto, reads)


def _computed(
    proto: NodeProto, reads: Mapping[str, Value], results: Mapping[str, Value], context: Context
) -> Mapping[str, Value]:
    """Find the elements of a node's outputs, where they are few and those that it reads are known."""
    if results and all(value.tensor is not None for value in results.values()):
        return results
    return inference.evaluate(proto, reads, results, context)


def _folded(
    proto: NodeProto, reads: Mapping[str, Value], results: Mapping[str, Value], pieces: dict[Hashable, Stored]
) -> dict[str, Value]:
    """Make a constant node's outputs parameters."""
    return {
        name: replace(value, is_constant=True, stores=constants.stores(proto, reads, name, value, pieces))
        for name, value in results.items()
    }


def _kept(results: Mapping[str, Value], known: Mapping[str, Value]) -> dict[str, Value]:
    """Make a node's outputs values of each run; those that hang on the length of a sequence may have known elements."""
    return {
        name: replace(varying(value), tensor=known[name].tensor if name in known else None)
        for name, value in results.items()
    }


def _blamed(
    proto: NodeProto, reads: Mapping[str, Value], results: Mapping[str, Value], bodies: Sequence[Body]
) -> dict[str, Value]:
    """Say of every output of unknown size where that begins: here, or with something that the node reads."""
    read = next((value.reason for value in reads.values() if value.reason), "")
    is_read = any(value.is_contradiction for value in reads.values())
    is_inner = proto.op_type == "If" and bool(bodies) and all(body.walked.is_contradiction for body in bodies)
    return {
        name: replace(
            value,
            reason=""
            if value.nbytes is not None
            else read
            if read and not value.is_contradiction
            else _blame(proto, value, bodies),
            is_contradiction=value.is_contradiction or is_read or is_inner,
        )
        for name, value in results.items()
    }


def _blame(proto: NodeProto, value: Value, bodies: Sequence[Body]) -> str:
    returned = (body.walked.values[name].reason for body in bodies for name in body.walked.outputs)
    # What changes from one iteration to the next begins with no node of the body; a cause within it does.
    inner = next((reason for reason in returned if reason and (proto.op_type == "If" or "): " in reason)), "")
    return described(proto) + (f": in it, {inner}" if inner else f": {value.reason}" if value.reason else "")


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


def _check_made(proto: NodeProto, wanted: Iterable[str], scope: Scope) -> None:
    for name in wanted:
        if name not in scope:
            raise InputError(f"{described(proto)} reads {name!r}, which nothing makes")


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
