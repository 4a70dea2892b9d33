"""One pass over a graph in order: constants fold away, and every other node learns its values."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache, partial
from typing import Final

from onnx import GraphProto, NodeProto

from slicegraph.errors import InputError
from slicegraph.formats.onnx import constants, dimensions, folding, inference, shapes
from slicegraph.formats.onnx.ahead import Known, foreseen
from slicegraph.formats.onnx.bodies import RUNNING, enter, taken
from slicegraph.formats.onnx.elements import Elements
from slicegraph.formats.onnx.evaluation import COMPUTED, evaluated
from slicegraph.formats.onnx.inference import Context
from slicegraph.formats.onnx.nodes import Body, Node, Stated, Walked, described
from slicegraph.formats.onnx.values import Value, of_array, varying

# A named tuple's own way takes twice as long.
_NEW: Final = tuple.__new__
Scope = MutableMapping[str, Value]
"""The values that a graph sees: its own, then those of the graphs around it."""


def walk(
    graph: GraphProto,
    nodes: Sequence[Stated],
    inputs: Mapping[str, Value],
    context: Context,
    outer: Scope | None = None,
    *,
    encoded: bytes | None = None,
) -> Walked:
    """Visit the nodes of a graph, or of a body within ``outer``.

    Parameters
    ----------
    graph
        A graph that is prepared: its nodes are in topological order.
    nodes
        Its nodes.
    inputs
        What is known about the graph's inputs.
    context
        What all nodes of the model share.
    outer
        The values around a body.
    encoded
        The model in its encoding, if this is its graph and all names are text.

    Returns
    -------
        The nodes that are not constant, and every value.

    Raises
    ------
    InputError
        Two values have one name, or a node reads a value that nothing makes.
    """
    own, given = _given(graph, nodes, inputs, encoded)
    scope: Scope = own if outer is None else ChainMap(own, outer)
    records = dimensions.recorded(graph, context.dims)
    ahead = {} if encoded is None else foreseen(nodes, Known(own, given, encoded), context)
    kept: list[Node | None] = []
    find = scope.__getitem__
    reduced: dict[int, NodeProto] = {}
    for position, node in enumerate(nodes):
        if node.op == "Constant":
            kept.append(None)
            continue
        try:
            read = [*map(find, node.reads)]
        except KeyError as missing:
            raise InputError(f"{described(node.proto)} reads {missing}, which nothing makes") from None
        if (made := _foreseen(node, read, ahead)) is not None:
            for name, value in zip(node.outputs, made, strict=True):
                _define(own, name, value)
            inputs_of = read if node.reads is node.inputs else _inputs(node, read)
            kept.append(_NEW(Node, (node, node.op, position, inputs_of, made, read, ())))
            continue
        reads = dict(zip(node.reads, read, strict=True))
        results, bodies, is_constant = _learnt(node, reads, ahead, records, scope, context)
        for name, value in results.items():
            _define(own, name, value)
        if bodies and (less := _reduced(node, reads, bodies)) is not None:
            reduced[position] = less
            node = Stated.of(less)  # noqa: PLW2901 - it reads less than the file says
            read = [reads[name] for name in node.reads]
        if is_constant:
            kept.append(None)
            continue
        outputs = [results.get(name) for name in node.outputs]
        kept.append(Node(node, node.op, position, _inputs(node, read), outputs, read, bodies))
    returned = _returned(graph, scope)
    left, used = _needed(kept, nodes, returned)
    return Walked(nodes=left, values=scope, outputs=returned, used=used, reduced=reduced)


def _reduced(node: Stated, reads: Mapping[str, Value], bodies: Sequence[Body]) -> NodeProto | None:
    """Give a node without the branches that are known not to run; None: it has none."""
    if branch := taken(node.proto, [reads.get(name) for name in node.inputs]):
        return folding.reduced(node.proto, branch, bodies[0].walked)
    return folding.with_reduced(node.proto, bodies)


def _returned(graph: GraphProto, scope: Scope) -> list[str]:
    names = [info.name for info in graph.output]
    for name in names:
        if name not in scope:
            raise InputError(f"the graph returns {name!r}, which nothing makes")
    return names


def _foreseen(node: Stated, read: Sequence[Value], ahead: Mapping[str, Value]) -> list[Value] | None:
    """Give what a node makes if that was foreseen and is no constant; None: there is more to find out."""
    outputs = node.outputs
    for value in read:
        if not value.is_constant and value.elements is None:
            break
    else:
        return None
    if len(outputs) == 1:
        return None if (only := ahead.get(outputs[0])) is None or only.nbytes is None else [only]
    made = [ahead[name] for name in outputs if name in ahead]
    is_all = len(made) == len({*outputs}) == len(outputs) and all(value.nbytes is not None for value in made)
    return made if is_all else None


def _given(
    graph: GraphProto, nodes: Sequence[Stated], inputs: Mapping[str, Value], encoded: bytes | None
) -> tuple[dict[str, Value], dict[str, Value]]:
    """Give the values that no node makes: inputs, stored tensors and Constant nodes; and all but the dense tensors."""
    own: dict[str, Value] = dict(inputs)
    for name, value in constants.initializers(graph, encoded):
        if name not in inputs:
            _define(own, name, value)
    given = dict(inputs)
    for name, value in constants.sparse(graph):
        if name not in inputs:
            _define(own, name, value)
            given[name] = value
    for node in nodes:
        if node.op == "Constant":
            for name in filter(None, node.outputs[:1]):
                given[name] = constants.stored(node.proto)
                _define(own, name, given[name])
    return own, given


def _learnt(
    node: Stated,
    reads: Mapping[str, Value],
    ahead: Mapping[str, Value],
    records: Mapping[str, Value],
    scope: Scope,
    context: Context,
) -> tuple[dict[str, Value], Sequence[Body], bool]:
    """Find what a node makes, the bodies that it runs, and whether it is constant."""
    bodies: Sequence[Body] = ()
    results = {name: ahead[name] for name in node.outputs if name in ahead}
    is_told = len(results) == len(node.outputs)
    is_known = is_told and all(value.nbytes is not None for value in results.values())
    # What elements tell, inference of a whole graph does not know.
    if not is_told or not (is_known or all(varying(value) is value for value in reads.values())):
        made = [name for name in node.outputs if name]
        if len(made) > len(set(made)):
            raise InputError(f"{described(node.proto)} makes two values of one name")
        results, bodies, is_known = _results(node, reads, records, scope, context)
    is_constant = _reads_constants(node, reads) or (not is_known and _are_constant(results))
    if is_known and not is_constant and node.op not in COMPUTED:
        return results, bodies, False
    known = _elements(node, reads, results, context)
    if not is_known:
        results = _blamed(node, reads, _completed(results, known, records), bodies)
    if is_constant:
        return _parameters(node, reads, results, known, context), bodies, True
    if known or not is_known:
        # What hangs on the length of a sequence has known elements, and may be another one each time.
        results = {name: varying(value)._replace(elements=known.get(name)) for name, value in results.items()}
    return results, bodies, False


def _results(
    node: Stated, reads: Mapping[str, Value], records: Mapping[str, Value], scope: Scope, context: Context
) -> tuple[dict[str, Value], Sequence[Body], bool]:
    """Find what a node makes, its bodies, and whether inference knows all about it and about what it reads."""
    if (told := constants.told(node, reads)) is not None:
        return dict.fromkeys([name for name in node.outputs if name][:1], told), (), False
    inputs = [reads[name] if name else None for name in node.inputs]
    if node.op in RUNNING:
        run = partial(_body, context=context, scope=scope)
        if (entered := enter(node.proto, inputs, run, context.trips)) is not None:
            outputs, bodies = entered
            return {name: value for name, value in zip(node.outputs, outputs, strict=False) if name}, bodies, False
    if node.proto.domain and (shaped := shapes.outputs(node, inputs, records)) is not None:
        return shaped, (), False
    results, is_known = inference.infer(node, inputs, reads, context)
    return results, (), is_known


def _body(graph: GraphProto, formal: Mapping[str, Value], *, context: Context, scope: Scope) -> Walked:
    return walk(graph, [Stated.of(proto) for proto in graph.node], formal, context, scope)


def _reads_constants(node: Stated, reads: Mapping[str, Value]) -> bool:
    """Say whether a node is constant because all that it reads is.

    An operator that ONNX does not know and that reads nothing may well be a source of data.
    """
    for value in reads.values():
        if not value.is_constant:
            return False
    return (bool(reads) or not node.proto.domain) and not constants.is_random(node, reads)


def _are_constant(results: Mapping[str, Value]) -> bool:
    return bool(results) and all(value.is_constant for value in results.values())


def _elements(
    node: Stated, reads: Mapping[str, Value], results: Mapping[str, Value], context: Context
) -> Mapping[str, Elements]:
    """Find the elements of a node's outputs, where they are few and those that it reads are known."""
    if node.op in COMPUTED:
        return evaluated(node, reads, results, context)
    known = {name: value.elements for name, value in results.items() if value.elements is not None}
    return known if len(known) == len(results) else {}


def _completed(
    results: Mapping[str, Value], known: Mapping[str, Elements], records: Mapping[str, Value]
) -> dict[str, Value]:
    """Fill in what inference left open: by elements, which overrule a record, but never what was inferred."""
    completed: dict[str, Value] = {}
    for name, value in results.items():
        array = known[name].array if name in known and value.nbytes is None else None
        completed[name] = dimensions.completed(value, records.get(name)) if array is None else of_array(array)
    return completed


def _parameters(
    node: Stated,
    reads: Mapping[str, Value],
    results: Mapping[str, Value],
    known: Mapping[str, Elements],
    context: Context,
) -> dict[str, Value]:
    return {
        name: value.parameter(constants.stores(node, reads, name, value, context.pieces), known.get(name))
        for name, value in results.items()
    }


def _blamed(
    node: Stated, reads: Mapping[str, Value], results: Mapping[str, Value], bodies: Sequence[Body]
) -> dict[str, Value]:
    """Say of every output of unknown size where that begins: here, or with something that the node reads."""
    read = next((value.reason for value in reads.values() if value.reason), "")
    is_read = any(value.is_contradiction for value in reads.values())
    is_inner = bool(bodies) and all(body.trips > 0 and body.walked.is_contradiction for body in bodies)
    return {
        name: value._replace(
            reason=""
            if value.nbytes is not None
            else read
            if read and not value.is_contradiction
            else _blame(node.proto, value, bodies),
            is_contradiction=value.is_contradiction or is_read or is_inner,
        )
        for name, value in results.items()
    }


def _blame(proto: NodeProto, value: Value, bodies: Sequence[Body]) -> str:
    returned = (body.walked.values[name].reason for body in bodies for name in body.walked.outputs)
    # What changes from one iteration to the next begins with no node of the body; a cause within it does.
    inner = next((reason for reason in returned if reason and (proto.op_type == "If" or "): " in reason)), "")
    return described(proto) + (f": in it, {inner}" if inner else f": {value.reason}" if value.reason else "")


def _inputs(node: Stated, read: Sequence[Value]) -> Sequence[Value | None]:
    # Names by position are mostly the same as names once each.
    if node.reads is node.inputs:
        return read
    by_name = dict(zip(node.reads, read, strict=True))
    return [by_name[name] if name else None for name in node.inputs]


def _define(own: dict[str, Value], name: str, value: Value) -> None:
    if name in own:
        raise InputError(f"two values are named {name!r}: each name must be made once")
    own[name] = value


def _needed(
    kept: Sequence[Node | None], nodes: Sequence[Stated], returned: Iterable[str]
) -> tuple[Sequence[Node], AbstractSet[str]]:
    """Drop the nodes whose every reader folded away; a node that never had a reader stays, as the file has it.

    Returns
    -------
        The nodes that are left, and the names of what they read or the graph returns.
    """

    @cache
    def was_read() -> frozenset[str]:
        return frozenset[str]().union(*(node.reads for node in nodes))

    needed = set(returned)
    left: list[Node] = []
    for node in reversed(kept):
        if node is None:
            continue
        outputs = node.stated.outputs
        if not needed.isdisjoint(outputs) or was_read().isdisjoint(outputs):
            left.append(node)
            needed.update(node.stated.reads)
    return left[::-1], needed
