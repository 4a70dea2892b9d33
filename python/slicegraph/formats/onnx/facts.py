"""What a node computes and moves: the facts from which a device's roofline makes its work."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

from slicegraph.formats.counting import Count, Formulas
from slicegraph.formats.dtypes import bits, computed_in
from slicegraph.formats.facts import Facts, priced, repeated, with_bodies
from slicegraph.formats.onnx.constants import attribute_bytes, is_inference_dropout
from slicegraph.formats.onnx.flops import count
from slicegraph.formats.onnx.nodes import Body, Node
from slicegraph.formats.onnx.values import UNKNOWN, Value

_VIEWS: Final = frozenset({"Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"})
_GATHERING: Final = frozenset({"Gather", "GatherElements", "GatherND"})
# Products and the like of whole numbers, whatever their scales are.
_QUANTIZED: Final = ("ConvInteger", "DynamicQuantize", "MatMulInteger", "QAttention", "QEmbed", "QGemm", "QLinear")
_MOST_QUANTIZED: Final = 16
# Where the tables stand of which rows are picked, and the indices of these.
_TABLES: Final[Mapping[str, tuple[tuple[int, ...], int]]] = {
    "com.microsoft.EmbedLayerNormalization": ((2, 3, 4), 0),
    "com.microsoft.GatherBlockQuantized": ((0, 2, 3), 1),
    "com.microsoft.QEmbedLayerNormalization": ((2, 3, 4), 0),
    "com.microsoft.TorchEmbedding": ((0,), 1),
}


def facts(node: Node, used: AbstractSet[str], formulas: Formulas) -> Facts:
    """Say what a node takes.

    A node with bodies takes what its most expensive body takes, as often as it runs, and moves at least its own inputs
    and outputs.  A Loop runs its body as often as its constant trip count says, even if its condition could stop it
    earlier, and once if there is none; a Scan or SequenceMap once for each element.

    Parameters
    ----------
    node
        A node whose values are known.
    used
        Names of the values that some node of its graph reads, or the graph returns.
    formulas
        What the user says that operators compute.
    """
    written = {name for name in node.proto.output if name in used}
    outputs = dict(zip(node.proto.output, node.outputs, strict=True))
    write_bytes = sum(value.counted_bytes() for name in written if (value := outputs[name]) is not None)
    is_view = _is_view(node, written)
    counted = Count(flops=0) if is_view or node.bodies else count(node, formulas)
    own = Facts(
        flops=counted.flops,
        read_bytes=_read_bytes(node, write_bytes),
        write_bytes=write_bytes,
        parameters=_parameters(node),
        dtype=_dtype(node),
        is_view=is_view,
        is_guess=counted.is_guess,
    )
    return with_bodies(priced(own), [_body_facts(body, formulas) for body in node.bodies])


def _body_facts(body: Body, formulas: Formulas) -> Facts:
    used = body.walked.used
    inner = [facts(node, used, formulas) for node in body.walked.nodes]
    returned = [body.walked.values[name] for name in body.walked.outputs]
    return repeated(inner, body.trips, _stored(returned, None))


def _parameters(node: Node) -> dict[Any, int]:
    parameters = _stored(node.reads.values(), id(node.proto))
    stored = attribute_bytes(node.proto)
    return parameters | {id(node.proto): stored} if stored else parameters


def _stored(values: Iterable[Value], owner: object) -> dict[Any, int]:
    """Give the bytes of what the model stores for those values that are parameters."""
    parts = [part for value in values if value.is_constant for part in value.stores]
    return {(owner, part) if part.is_list else part: part.nbytes for part in parts}


def _dtype(node: Node) -> str:
    """Say in which type a node computes: that of its operands; a quantized product in whole numbers."""
    operands = [value.dtype for value in node.inputs if value is not None]
    if node.proto.op_type.startswith(_QUANTIZED):
        widths = [bits(each) for each in operands if "int" in each and bits(each) <= _MOST_QUANTIZED]
        return f"int{max(widths)}" if widths else computed_in(operands)
    return computed_in(operands, next((value.dtype for value in node.outputs if value is not None), ""))


def _read_bytes(node: Node, write_bytes: int) -> int:
    indices = node.input(1)
    if node.op in _GATHERING and indices is not None:
        return write_bytes + indices.counted_bytes()
    if node.op in _TABLES:
        return _read_rows(node, *_TABLES[node.op])
    return sum(value.counted_bytes() for value in node.reads.values()) + attribute_bytes(node.proto)


def _read_rows(node: Node, positions: Sequence[int], indices: int) -> int:
    """Count a row of each table for each index, but no row twice, and all of the other inputs."""
    tables = {id(table): table for at in positions if (table := node.input(at)) is not None}
    picked, axis = (node.input(indices) or UNKNOWN).numel, node.integer("gather_axis", 0)
    rest = sum(value.counted_bytes() for value in node.reads.values() if id(value) not in tables)
    lengths = {key: max(1, table.dim(axis)) for key, table in tables.items()}
    return rest + sum(
        table.counted_bytes() * min(picked, lengths[key]) // lengths[key] for key, table in tables.items()
    )


def _is_view(node: Node, written: AbstractSet[str]) -> bool:
    if node.op == "Dropout":
        # The mask, if anybody wants it, is made.
        return is_inference_dropout(node.proto, node.reads) and written <= set(node.proto.output[:1])
    return node.op in _VIEWS
