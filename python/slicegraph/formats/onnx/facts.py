"""What a node computes and moves: the facts from which a device's roofline makes its work."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Collection, Iterable, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Any, Final

from slicegraph.formats.counting import Formulas
from slicegraph.formats.dtypes import bits, computed_in
from slicegraph.formats.facts import Facts, priced, repeated, with_bodies
from slicegraph.formats.in_place import Placement, Use, in_place
from slicegraph.formats.onnx.constants import attribute_bytes, is_inference_dropout
from slicegraph.formats.onnx.flops import count
from slicegraph.formats.onnx.moving import CHANGING, base, moved
from slicegraph.formats.onnx.nodes import Body, Node, Walked
from slicegraph.formats.onnx.values import DTYPES, UNKNOWN, Value

_VIEWS: Final = frozenset({"Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"})
# Products and the like of whole numbers, whatever their scales are.
_QUANTIZED: Final = ("ConvInteger", "DynamicQuantize", "MatMulInteger", "QAttention", "QEmbed", "QGemm", "QLinear")
_MOST_QUANTIZED: Final = 16


def facts_of(walked: Walked, formulas: Formulas, lent: Collection[str]) -> Sequence[Facts]:
    """Say what each node of a graph takes.

    A node with bodies takes what its most expensive body takes, as often as it runs, and moves at least its own inputs
    and outputs.  What bodies capture is read as they read it.  A Loop runs its body as often as its
    constant trip count says, a Scan or SequenceMap once for each element.  If that is not known, or a condition could
    stop a Loop earlier, it is as often as the user says; else it is a guess, of that count, or of one run.

    Parameters
    ----------
    walked
        The graph, whose values are known.
    formulas
        What the user says that operators compute.
    lent
        Names of the values that it is given anew each time.
    """
    used = walked.used
    views = [node.op in _VIEWS or (node.op == "Dropout" and _passes_on(node, used)) for node in walked.nodes]
    places = {} if CHANGING.isdisjoint([node.op for node in walked.nodes]) else _places(walked, views, lent)
    return [
        _facts(node, used, formulas, places.get(index), is_view=is_view)
        for index, (node, is_view) in enumerate(zip(walked.nodes, views, strict=True))
    ]


def _places(walked: Walked, views: Sequence[bool], lent: Collection[str]) -> dict[int, Placement]:
    uses = [
        Use(reads=list(node.reads), makes=list(filter(None, node.stated.outputs)), base=base(node), is_view=is_view)
        for node, is_view in zip(walked.nodes, views, strict=True)
    ]
    return in_place(uses, walked.outputs, state=(), lent=lent)


def _facts(node: Node, used: AbstractSet[str], formulas: Formulas, place: Placement | None, *, is_view: bool) -> Facts:
    flops, read_bytes, write_bytes, is_guess = 0, 0, 0, False
    if not is_view:
        if node.bodies:
            read_bytes, write_bytes = moved(_without_captured(node), used, place)
        else:
            read_bytes, write_bytes = moved(node, used, place)
            flops, is_guess = count(node, formulas)
    fields = (flops, read_bytes, write_bytes, _parameters(node), _dtype(node), is_view, is_guess, 0)
    # A named tuple's own way takes twice as long.
    own = tuple.__new__(Facts, fields)
    if is_guess:
        own = priced(own)
    besides = read_bytes if node.op == "If" else None
    return with_bodies(own, [_body_facts(body, formulas, besides) for body in node.bodies]) if node.bodies else own


def _body_facts(body: Body, formulas: Formulas, besides: int | None) -> Facts:
    """Say what a body takes; of a branch, ``besides`` are the bytes of the condition."""
    walked = body.walked
    own = walked.values.maps[0] if isinstance(walked.values, ChainMap) else walked.values
    inner = facts_of(walked, formulas, [name for name, value in own.items() if not value.is_constant])
    results = {name: walked.values[name] for name in walked.outputs}
    passed = sum(value.counted_bytes() for name, value in results.items() if name not in own or value.is_constant)
    stored = _stored(results.values(), None)
    # Of unknown dimensions, which only bodies can have, each counts as 1.
    is_open = body.trips > 0 and any(value.nbytes is None for name, value in own.items() if name in walked.used)
    return repeated(
        inner, body.trips, stored, passed=0 if besides is None else besides + passed, is_guess=body.is_guess or is_open
    )


def _without_captured(node: Node) -> Node:
    """Let a node read its own inputs alone."""
    given = set(node.stated.inputs)
    return node._replace(read=[value for name, value in node.reads.items() if name in given])


def _parameters(node: Node) -> dict[Any, int]:
    parameters = _stored(node.read, id(node.stated))
    if "." in node.op and (stored := attribute_bytes(node)):
        parameters[id(node.stated)] = stored
    return parameters


def _stored(values: Iterable[Value], owner: object) -> dict[Any, int]:
    """Give the bytes of what the model stores for those values that are parameters."""
    stored: dict[Any, int] = {}
    for value in values:
        if (parts := value.stores) and value.is_constant:
            for part in parts:
                stored[(owner, part) if part.is_list else part] = part.nbytes
    return stored


def _dtype(node: Node) -> str:
    """Say in which type a node computes: that of its operands; a quantized product in whole numbers."""
    operands = [value.elem_type for value in node.inputs if value]
    made = next(filter(None, node.outputs), UNKNOWN)
    return _computed_in(node.op, tuple(operands), made.elem_type)


@lru_cache(maxsize=1 << 12)
def _computed_in(op: str, operands: tuple[int, ...], made: int) -> str:
    types = [DTYPES.get(each, "") for each in operands]
    if op.rpartition(".")[2].startswith(_QUANTIZED):
        widths = [bits(each) for each in types if "int" in each and bits(each) <= _MOST_QUANTIZED]
        return f"int{max(widths)}" if widths else computed_in(types)
    return computed_in(types, DTYPES.get(made, ""))


def _passes_on(node: Node, used: AbstractSet[str]) -> bool:
    """Say whether a Dropout only passes its input on: it does unless its mask is used."""
    return is_inference_dropout(node.proto, node.reads) and used.isdisjoint(node.stated.outputs[1:])
