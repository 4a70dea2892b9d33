"""What the reader finds in a graph: nodes that compute, the values around them, the bodies inside them."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, defs

from slicegraph.formats.onnx import encoding
from slicegraph.formats.onnx.values import Value


class Stated(NamedTuple):
    """A node as the file states it, taken out of its message once.

    Attributes
    ----------
    op
        Its operator, with the domain before it unless that is ONNX's own.
    inputs, outputs
        Names by position; "": left out.
    reads
        Names of what it reads, once each: the inputs, then what its bodies capture from outside.
    name
        What its author calls it.
    attributes
        Its attributes in the file's encoding; None: not taken out yet.
    form
        A number that nodes of a model share which have one operator, the same attributes, and leave out the same inputs
        and outputs; None: not known.
    bodies
        Its sub-graphs.
    protos, at
        Where its message is: most are never looked at.
    """

    op: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    reads: Sequence[str]
    name: str
    attributes: bytes | None
    form: int | None
    bodies: Sequence[GraphProto]
    protos: Sequence[NodeProto]
    at: int

    @property
    def proto(self) -> NodeProto:
        """Its message."""
        return self.protos[self.at]

    def attribute(self, name: str) -> AttributeProto | None:
        """Find one of its attributes."""
        # Most that are asked for are not there, and messages are slow.
        if self.attributes is not None and name.encode() not in self.attributes:
            return None
        return attribute(self.proto, name)

    @classmethod
    def of(cls, proto: NodeProto) -> Stated:
        """Take a node out of its message."""
        inputs, op = list(proto.input), operator(proto)
        reads = dict.fromkeys(inputs)
        if "" in reads:
            del reads[""]
        bodies = list(body_graphs(proto)) if _may_hold_bodies(op) else []
        for graph in bodies:
            reads |= _captured(graph)
        return cls(op, inputs, list(proto.output), tuple(reads), proto.name, None, None, bodies, (proto,), 0)

    @classmethod
    def all_of(cls, model: ModelProto, encoded: bytes) -> tuple[list[Stated], bool] | None:
        """Take the nodes of a model out of its encoding; None: a name in its graph is no text.

        Returns
        -------
            What `of` gives for each, in a fraction of the time; and whether they are known to be in topological order.
        """
        if (taken := encoding.onnx_nodes(encoded)) is None:
            return None
        rows, is_sorted = taken
        protos = model.graph.node
        # A named tuple's own way takes twice as long.
        new = tuple.__new__
        found = [new(cls, (*row, (), protos, at)) for at, row in enumerate(rows)]
        if any(map(_may_hold_bodies, {node.op for node in found})):
            found = [cls.of(node.proto) if _may_hold_bodies(node.op) else node for node in found]
            is_sorted = is_sorted and not any(node.bodies for node in found)
        return found, is_sorted


class Node(NamedTuple):
    """A node that is left once constants are gone.

    Attributes
    ----------
    stated
        The node as the file states it.
    op
        Its operator, with the domain before it unless that is ONNX's own.
    position
        Where it stands among all nodes of its graph, constants included.
    inputs, outputs
        Its values by position; None: left out.
    read
        Every value that it reads, once: the inputs, then what its bodies capture from outside.
    bodies
        The sub-graphs that it runs: one, or the branches of which it runs one.  Empty for an ordinary node.
    """

    stated: Stated
    op: str
    position: int
    inputs: Sequence[Value | None]
    outputs: Sequence[Value | None]
    read: Sequence[Value]
    bodies: Sequence[Body] = ()

    @property
    def proto(self) -> NodeProto:
        """Its message."""
        return self.stated.proto

    @property
    def reads(self) -> Mapping[str, Value]:
        """What it reads, by name."""
        return dict(zip(self.stated.reads, self.read, strict=True))

    def input(self, position: int) -> Value | None:
        """Get one input; None: left out."""
        return self.inputs[position] if position < len(self.inputs) else None

    def integer(self, name: str, default: int) -> int:
        """Get an integer attribute."""
        found = self.stated.attribute(name)
        return default if found is None else found.i

    def integers(self, name: str) -> tuple[int, ...]:
        """Get an attribute that is a list of integers: empty where there is none."""
        found = self.stated.attribute(name)
        return () if found is None else tuple(found.ints)

    def texts(self, name: str) -> tuple[str, ...]:
        """Get an attribute that is a list of texts: empty where there is none."""
        found = self.stated.attribute(name)
        return () if found is None else tuple(text.decode("utf-8", "replace") for text in found.strings)

    def count(self, name: str) -> int:
        """Count the elements of an attribute that is a list of numbers."""
        found = self.stated.attribute(name)
        return 0 if found is None else len(found.floats) + len(found.ints)

    def text(self, name: str, default: str) -> str:
        """Get a text attribute."""
        found = self.stated.attribute(name)
        return default if found is None else found.s.decode("utf-8", "replace")


@dataclass(frozen=True, kw_only=True, slots=True)
class Walked:
    """A graph after its constants are gone.

    Attributes
    ----------
    nodes
        What is left, in file order.
    values
        Every value that the graph can see, by name.
    outputs
        Names of the graph's outputs, in order.
    used
        Names of the values that some node reads or the graph returns.
    reduced
        Nodes that read less than the file says, by position: what stands in their place.
    """

    nodes: Sequence[Node]
    values: Mapping[str, Value]
    outputs: Sequence[str]
    used: AbstractSet[str]
    reduced: Mapping[int, NodeProto] = field(default_factory=dict)

    @property
    def is_contradiction(self) -> bool:
        """Say whether no run can make what the graph returns: the sizes that are given do not fit a node."""
        return any(self.values[name].is_contradiction for name in self.outputs)


@dataclass(frozen=True, kw_only=True, slots=True)
class Body:
    """A sub-graph of a node, how often one run of the node runs it, and whether that is a guess."""

    walked: Walked
    trips: int = 1
    is_guess: bool = False


def is_standard(node: NodeProto) -> bool:
    """Say whether a node's operator is one of ONNX's own domain."""
    return not node.domain


def operator(node: NodeProto) -> str:
    """Name a node's operator, with the domain before it unless that is ONNX's own."""
    return f"{domain}.{node.op_type}" if (domain := node.domain) else node.op_type


def label(node: NodeProto) -> str:
    """Name a node, if need be after the first value that it makes."""
    return node.name or next(filter(None, node.output), "")


def described(node: NodeProto) -> str:
    """Name a node and its operator, for a message."""
    return f"node {label(node)!r} ({operator(node)})"


def attribute(node: NodeProto, name: str) -> AttributeProto | None:
    """Find an attribute of a node."""
    return next((found for found in node.attribute if found.name == name), None)


def body_graphs(node: NodeProto) -> Iterator[GraphProto]:
    """Run over the sub-graphs in a node's attributes."""
    for found in node.attribute if _may_hold_bodies(operator(node)) else ():
        if found.HasField("g"):
            yield found.g
        yield from found.graphs


@lru_cache(maxsize=1 << 12)
def _may_hold_bodies(op: str) -> bool:
    """Say whether an operator can take graphs as attributes; an unknown operator can."""
    # A damaged file's name may be no text.
    is_known = isinstance(op, str) and defs.has(op)
    return not is_known or op in {"If", "Loop", "Scan", "SequenceMap"}


def spelling(node: Stated) -> Hashable:
    """Tell a node's operator and attributes from those of other nodes."""
    if node.attributes is not None:
        return node.op, node.attributes
    return node.op, *[each.SerializeToString() for each in node.proto.attribute]


def all_nodes(graph: GraphProto) -> Iterator[NodeProto]:
    """Run over the nodes of a graph and of all sub-graphs within."""
    for node in graph.node:
        yield node
        for body in body_graphs(node):
            yield from all_nodes(body)


def read_names(node: NodeProto) -> Sequence[str]:
    """Name what a node reads, once each: its inputs, then what its bodies capture from outside."""
    return Stated.of(node).reads


def _captured(graph: GraphProto) -> dict[str, None]:
    own = {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}
    own |= {sparse.values.name for sparse in graph.sparse_initializer}
    names: dict[str, None] = {}
    for node in graph.node:
        names |= dict.fromkeys(name for name in read_names(node) if name not in own)
        own.update(node.output)
    return names | dict.fromkeys(value.name for value in graph.output if value.name and value.name not in own)
