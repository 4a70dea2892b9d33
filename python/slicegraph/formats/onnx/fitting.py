"""Whether what a node reads fits together: as ONNX's inference says, and where it gives a size without asking.

A model is refused for a node that does not fit, also one in a body, whatever sizes the file records. But of two
branches one with such a node is none that runs with the sizes that are given, and nothing is refused for it where the
other fits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from slicegraph.errors import InputError
from slicegraph.formats.onnx.nodes import Node, Stated, described
from slicegraph.formats.onnx.values import Value

LOOKED_AT: Final = frozenset({"Conv", "ConvTranspose", "GRU", "LSTM", "RNN", "Reshape"})
"""The operators that may be misfits; the first three inputs say whether they are."""

_Inputs = Sequence[Value | None]


def check_fit(nodes: Sequence[Node]) -> None:
    """Require that each node can be computed from what it reads, as far as rules here know.

    Raises
    ------
    InputError
        One cannot: the message names it and the rule.
    """
    if wrong := misfit(nodes):
        raise InputError(wrong)


def misfit(nodes: Sequence[Node]) -> str:
    """Name the first node that no run can compute, and the rule; empty: there is none, as far as rules here know."""
    for node in nodes:
        if told := _told(node):
            return told
        if wrong := _reshape(node) if node.op == "Reshape" else _wrong(node.stated, node.inputs):
            return f"{described(node.proto)}: {wrong}"
        for body in node.bodies:
            if body.trips and (wrong := misfit(body.walked.nodes)):
                return wrong
    return ""


def is_misfit(node: Stated, inputs: _Inputs, outputs: Mapping[str, Value]) -> bool:
    """Say whether no run can compute a node: channels or elements are not as many as it takes."""
    if node.op not in LOOKED_AT:
        return False
    if node.op == "Reshape":
        made = next(iter(outputs.values()), None)
        return bool(inputs) and made is not None and _differ(_elements(inputs[0]), _elements(made))
    return bool(_wrong(node, inputs))


def _wrong(node: Stated, inputs: _Inputs) -> str:
    rule = _RULES.get(node.op)
    return "" if rule is None else rule(node, inputs)


def _told(node: Node) -> str:
    """Give what inference says of a node where a contradiction begins, which is not in another one that is left."""
    for value in () if node.bodies else node.outputs:
        if value is not None and value.is_contradiction and value.reason:
            is_first = all(read.is_constant or not read.is_contradiction for read in node.read)
            return value.reason if is_first else ""
    return ""


def _reshape(node: Node) -> str:
    before, after = _elements(node.input(0)), _elements(node.outputs[0] if node.outputs else None)
    return f"its input has {before} elements, and its output {after}" if _differ(before, after) else ""


def _convolution(node: Stated, inputs: _Inputs) -> str:
    groups, channels, taken = _integer(node, "group", 1), _length(inputs, 0, 1), _length(inputs, 1, 1)
    made, added = _length(inputs, 1, 0), _length(inputs, 2, 0)
    if taken is not None and _differ(channels, taken * groups):
        return f"its input has {channels} channels, and its weights take {taken} in each of {groups} groups"
    if made is not None and (groups < 1 or made % groups):
        return f"{made} channels are no multiple of group = {groups}"
    return f"it makes {made} channels, and its bias has {added} elements" if _differ(made, added) else ""


def _transposed_convolution(node: Stated, inputs: _Inputs) -> str:
    del node
    return _unlike(_length(inputs, 0, 1), _length(inputs, 1, 0), "channels")


def _recurrence(node: Stated, inputs: _Inputs) -> str:
    del node
    return _unlike(_length(inputs, 0, 2), _length(inputs, 1, 2), "elements a step")


def _unlike(length: int | None, taken: int | None, what: str) -> str:
    return f"its input has {length} {what}, and its weights take {taken}" if _differ(length, taken) else ""


def _einsum(node: Stated, inputs: _Inputs) -> str:
    """Require of each index one length, or 1; that terms have the ranks of inputs, inference has seen to."""
    found = node.attribute("equation")
    terms = (
        (b"" if found is None else found.s).decode("ascii", "replace").replace(" ", "").partition("->")[0].split(",")
    )
    lengths: dict[str, int] = {}
    for term, value in zip(terms, inputs, strict=False):
        shape = None if value is None else value.shape
        if shape is None:
            continue
        before, _, after = term.partition("...")
        for index, length in [*zip(before, shape, strict=False), *zip(after[::-1], shape[::-1], strict=False)]:
            if length is None or length == 1:
                continue
            if lengths.setdefault(index, length) != length:
                return f"the index {index!r} has the lengths {lengths[index]} and {length}"
    return ""


def _packed_product(node: Stated, inputs: _Inputs) -> str:
    is_plain = node.op.endswith("Bnb4") and not _integer(node, "transB", 1)
    width, side = _length(inputs, 0, -1), "N" if is_plain else "K"
    if _differ(width, taken := _integer(node, side, 0)):
        return f"its input has rows of {width} elements, and {side} = {taken}"
    columns, rows = _integer(node, "N", 0), _integer(node, "K", 0)
    weights = inputs[1] if len(inputs) > 1 else None
    stored = None if weights is None else weights.nbytes
    # Blocks of a column are packed each by itself; of four bits by bitsandbytes all elements in a row.
    block, bits = max(1, _integer(node, "block_size", 1)), _integer(node, "bits", 4)
    packed = columns * -(-rows // block) * -(-block * bits // 8)
    if node.op.endswith("Bnb4"):
        packed = -(-columns * rows // 2)
    elif not stored:
        return ""  # a product that is left out
    return f"its weights hold {stored} bytes, and N = {columns} takes {packed}" if _differ(stored, packed) else ""


def _experts(node: Stated, inputs: _Inputs) -> str:
    chosen, experts = _integer(node, "k", 1), _length(inputs, 2, 0)
    return f"k = {chosen} of {experts} experts" if experts is not None and chosen > experts else ""


_RULES: Final[Mapping[str, Callable[[Stated, _Inputs], str]]] = {
    "Conv": _convolution,
    "ConvTranspose": _transposed_convolution,
    "Einsum": _einsum,
    **dict.fromkeys(("GRU", "LSTM", "RNN"), _recurrence),
    **dict.fromkeys(("com.microsoft.MatMulBnb4", "com.microsoft.MatMulNBits"), _packed_product),
    **dict.fromkeys(("com.microsoft.MoE", "com.microsoft.QMoE"), _experts),
}
"""What is wrong with a node of each operator; empty: nothing, or too little is known."""


def _integer(node: Stated, name: str, default: int) -> int:
    found = node.attribute(name)
    return default if found is None else found.i


def _differ(first: int | None, second: int | None) -> bool:
    return first is not None and second is not None and first != second


def _length(inputs: _Inputs, position: int, axis: int) -> int | None:
    value = inputs[position] if position < len(inputs) else None
    shape = None if value is None else value.shape
    return shape[axis] if shape is not None and -len(shape) <= axis < len(shape) else None


def _elements(value: Value | None) -> int | None:
    shape = None if value is None else value.shape
    known = [dim for dim in shape or () if dim is not None]
    return math.prod(known) if shape is not None and len(known) == len(shape) else None
