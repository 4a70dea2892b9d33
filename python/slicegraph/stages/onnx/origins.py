"""What an output of a model depends on: how precise its numbers can be, and whether they are random."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from onnx import NodeProto, TensorProto

from slicegraph.errors import InputError
from slicegraph.formats.onnx.constants import is_random
from slicegraph.formats.onnx.nodes import Node, Stated, Walked, attribute, body_graphs, label, operator
from slicegraph.formats.onnx.values import Value

# Of an output's largest magnitude: about the precision of halves, and more than that of longer floats, whose sums a
# runtime orders as it likes. Narrower floats and integers are only stored in: what is computed of them is of one of
# these types.
_TOLERANCE: Final[Mapping[int, float]] = {
    TensorProto.DOUBLE: 1e-9,
    TensorProto.FLOAT: 1e-4,
    TensorProto.FLOAT16: 1e-3,
    TensorProto.BFLOAT16: 8e-3,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Where one output comes from.

    Attributes
    ----------
    tolerance
        A difference, over the output's largest magnitude, that rounding explains: that of the coarsest type of float
        among all values that the output depends on; 0 where there is none.
    random
        The nodes that draw random numbers for it, without a seed, each with its operator.
    """

    tolerance: float
    random: tuple[str, ...]


def origins(walked: Walked, outputs: Iterable[str]) -> list[Origin]:
    """Look back from each output of a model.

    Raises
    ------
    InputError
        An output is none of its values.

    Notes
    -----
    O(outputs x nodes).
    """
    return [_origin(walked, name) for name in outputs]


def _origin(walked: Walked, output: str) -> Origin:
    if output not in walked.values:
        raise InputError(f"does not return {output!r}")
    needed, nodes = {output}, []
    for node in reversed(walked.nodes):
        if not needed.isdisjoint(node.proto.output):
            nodes.append(node)
            needed.update(node.stated.reads)
    types = {walked.values[output].type.tensor_type.elem_type, *_types(nodes)}
    return Origin(
        tolerance=max((_TOLERANCE[each] for each in types if each in _TOLERANCE), default=0.0),
        random=tuple(name for node in reversed(nodes) for name in _random(node.proto, node.reads)),
    )


def _types(nodes: Sequence[Node]) -> Iterator[int]:
    for node in nodes:
        for value in (*node.read, *node.outputs):
            if value is not None:
                yield value.type.tensor_type.elem_type
        for body in node.bodies:
            yield from _types(body.walked.nodes)


def _random(node: NodeProto, reads: Mapping[str, Value]) -> Iterator[str]:
    """Name a node that draws numbers which differ from run to run, or those in its bodies: with a seed they do not."""
    if attribute(node, "seed") is None and is_random(Stated.of(node), reads):
        inner = [name for graph in body_graphs(node) for each in graph.node for name in _random(each, reads)]
        yield from (f"{name} in {label(node)!r} ({operator(node)})" for name in inner)
        if not any(True for _ in body_graphs(node)):
            yield f"{label(node)!r} ({operator(node)})"
