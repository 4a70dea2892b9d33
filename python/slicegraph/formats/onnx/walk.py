"""One pass over a graph in order: constants fold away, and every other node learns its values."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from onnx import GraphProto, NodeProto

from slicegraph.errors import InputError
from slicegraph.formats.onnx import constants, dimensions, folding, inference, shapes
from slicegraph.formats.onnx.ahead import foreseen
from slicegraph.formats.onnx.bodies import enter, taken
from slicegraph.formats.onnx.elements import Elements
from slicegraph.formats.onnx.evaluation import evaluated
from slicegraph.formats.onnx.inference import Context
from slicegraph.formats.onnx.nodes import Body, Node, Walked, described, is_standard, read_names
from slicegraph.formats.onnx.values import Value, of_array, varying

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
    for proto in graph.node:
        if constants.is_stored(proto):
            _define(scope, ((name, constants.stored(proto)) for name in proto.output[:1] if name))
    records = dimensions.recorded(graph, context.dims)
    reads_of = [read_names(proto) for proto in graph.node]
    ahead = foreseen(graph, reads_of, scope.maps[0], context) if outer is None else {}
    kept: list[Node | None] = []
    reduced: dict[int, NodeProto] = {}
    for proto, wanted in zip(graph.node, reads_of, strict=True):
        if constants.is_stored(proto):
            kept.append(None)
            continue
        reads = _read(proto, wanted, scope)
        results, bodies = _results(proto, reads, ahead, scope, context)
        is_constant = _is_constant(proto, reads, results)
        results = _completed(proto, reads, results, records, context, is_constant=is_constant)
        _define(scope, _blamed(proto, reads, results, bodies).items())
        if is_constant and (branch := taken(proto, [reads.get(name) for name in proto.input])):
            reduced[len(kept)] = folding.reduced(proto, branch, bodies[0].walked)
        kept.append(None if is_constant else _node(proto, len(kept), reads, results, bodies))
    returned = [info.name for info in graph.output]
    for name in returned:
        if name not in scope:
            raise InputError(f"the graph returns {name!r}, which nothing makes")
    return Walked(nodes=_needed(kept, reads_of, returned), values=scope, outputs=returned, reduced=reduced)


def _read(proto: NodeProto, wanted: Iterable[str], scope: Scope) -> dict[str, Value]:
    try:
        return {name: scope[name] for name in wanted}
    except KeyError:
        missing = next(name for name in wanted if name not in scope)
        raise InputError(f"{described(proto)} reads {missing!r}, which nothing makes") from None


def _results(
    proto: NodeProto, reads: Mapping[str, Value], ahead: Mapping[str, Value], scope: Scope, context: Context
) -> tuple[dict[str, Value], Sequence[Body]]:
    """Find what a node makes, and the bodies that it runs."""
    made = [name for name in proto.output if name]
    if len(made) > len(set(made)):
        raise InputError(f"{described(proto)} makes two values of one name")
    if all(name in ahead for name in made):
        return {name: ahead[name] for name in made}, ()
    if (known := constants.told(proto, reads)) is not None:
        return dict.fromkeys(made[:1], known), ()
    inputs = [reads[name] if name else None for name in proto.input]
    entered = enter(proto, inputs, lambda body, formal: walk(body, formal, context, scope), context.trips)
    if entered is not None:
        outputs, bodies = entered
        return {name: value for name, value in zip(proto.output, outputs, strict=False) if name}, bodies
    if (shaped := shapes.outputs(proto, inputs)) is not None:
        return shaped, ()
    return inference.infer(proto, inputs, reads, context), ()


def _is_constant(proto: NodeProto, reads: Mapping[str, Value], results: Mapping[str, Value]) -> bool:
    """Say whether a node is constant: by its results, or because all that it reads is.

    An operator that ONNX does not know and that reads nothing may well be a source of data.
    """
    if results and all(value.is_constant for value in results.values()):
        return True
    if not reads and not is_standard(proto):
        return False
    return all(value.is_constant for value in reads.values()) and not constants.is_random(proto, reads)


def _completed(
    proto: NodeProto,
    reads: Mapping[str, Value],
    results: Mapping[str, Value],
    records: Mapping[str, Value],
    context: Context,
    *,
    is_constant: bool,
) -> dict[str, Value]:
    """Fill in what inference left open, and make a constant node's outputs parameters, with their elements.

    Elements overrule a record, but never what was inferred.  Outputs that vary have known elements if they hang on the
    length of a sequence.
    """
    known = _elements(proto, reads, results, context)
    completed: dict[str, Value] = {}
    for name, value in results.items():
        elements = known.get(name)
        if value.nbytes is not None:
            whole = value
        elif elements is not None and elements.array is not None:
            whole = of_array(elements.array)
        else:
            whole = dimensions.completed(value, records.get(name))
        if is_constant:
            completed[name] = whole.parameter(constants.stores(proto, reads, name, whole, context.pieces), elements)
        else:
            whole = varying(whole)
            completed[name] = whole if elements is None else replace(whole, elements=elements)
    return completed


def _elements(
    proto: NodeProto, reads: Mapping[str, Value], results: Mapping[str, Value], context: Context
) -> Mapping[str, Elements]:
    """Find the elements of a node's outputs, where they are few and those that it reads are known."""
    known = {name: value.elements for name, value in results.items() if value.elements is not None}
    return known if known and len(known) == len(results) else evaluated(proto, reads, results, context)


def _blamed(
    proto: NodeProto, reads: Mapping[str, Value], results: Mapping[str, Value], bodies: Sequence[Body]
) -> dict[str, Value]:
    """Say of every output of unknown size where that begins: here, or with something that the node reads."""
    is_known = all(value.nbytes is not None and not value.reason for value in results.values())
    if is_known and not bodies and not any(value.is_contradiction for value in reads.values()):
        return dict(results)
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
