"""The elements that nodes make of known ones, by ONNX's own reference."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
from onnx import IR_VERSION, ModelProto, NodeProto

from slicegraph.errors import InputError
from slicegraph.formats.onnx.elements import Array, Elements
from slicegraph.formats.onnx.inference import Context
from slicegraph.formats.onnx.known_operators import is_misjudged, known_form
from slicegraph.formats.onnx.nodes import Stated, spelling
from slicegraph.formats.onnx.skeleton import KEPT_BYTES
from slicegraph.formats.onnx.values import Value, elem_type

# What shapes, axes, pads and ranges are computed with; other constants need no elements, and some take long to compute.
_ARITHMETIC: Final = """
    Abs Add And ArgMax ArgMin BitShift Cast CastLike Ceil Clip Compress Concat ConstantOfShape CumSum Div Equal Exp
    Expand EyeLike Flatten Floor Gather GatherND Greater GreaterOrEqual Identity Less LessOrEqual Log Max Mean Min
    Mod Mul Neg NonZero Not OneHot Or Pad Pow Range Reciprocal ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum
    Reshape Round ScatterND Sign Slice Split Sqrt Squeeze Sub Sum Tile TopK Transpose Trilu Unique Unsqueeze Where
    Xor
"""
COMPUTED: Final = frozenset(_ARITHMETIC.split())
"""The operators whose results are computed."""
# Their output's size depends on elements, so inference never knows it; it is at most a few times their input's.
_BOUNDED: Final = frozenset({"Compress", "NonZero", "Unique"})


def evaluated(
    node: Stated, reads: Mapping[str, Value], outputs: Mapping[str, Value], context: Context
) -> dict[str, Elements]:
    """Give the elements that a node computes, if those of its inputs are known and its outputs are small.

    Where inference knows the shapes, elements are computed once something asks for them.

    Parameters
    ----------
    node
        One of the operators in `COMPUTED`.
    outputs
        What inference says of its outputs.

    Returns
    -------
        Elements of the type and shape that were inferred, by name; empty: they are not known.
    """
    is_bounded, is_sized = node.op in _BOUNDED, True
    for value in outputs.values():
        nbytes = value.nbytes
        if not is_bounded and (nbytes is None or nbytes > KEPT_BYTES):
            return {}
        is_sized = is_sized and nbytes is not None
    sources = []
    for value in reads.values():
        if value.elements is None:
            return {}
        sources.append(value.elements)
    if is_misjudged(node, reads, context.opsets.get("", 1)):
        return {}
    elements = {
        name: Elements(partial(_made, node, reads, name, value, context), sources) for name, value in outputs.items()
    }
    if is_sized:
        return elements
    return {name: each for name, each in elements.items() if each.array is not None}


def _made(node: Stated, reads: Mapping[str, Value], name: str, output: Value, context: Context) -> Array | None:
    """Compute an output of a node; None: that fails, or its type or shape is not what was inferred."""
    spelt = spelling(node)
    try:
        keys = {given: value.elements.key for given, value in reads.items() if value.elements is not None}
    except InputError:
        return None
    key = spelt, node.outputs.index(name), *[keys.get(given) for given in node.inputs]
    if key not in context.evaluated:
        is_open = None in keys.values()
        context.evaluated[key] = None if is_open else _computed(node, spelt, reads, name, context)
    array = context.evaluated[key]
    # Where the two differ, inference is right.
    return array if array is not None and _fits(array, output) else None


def _computed(node: Stated, spelt: Hashable, reads: Mapping[str, Value], name: str, context: Context) -> Array | None:
    # The same node may be understood in another way on an input of other rank.
    key = spelt, len(node.outputs), *[len(value.shape or ()) for value in reads.values()]
    try:
        if (run := context.implementations.get(key)) is None:
            run = context.implementations[key] = _implementation(node.proto, reads, context)
        with np.errstate(all="ignore"):
            results = run(*(reads[given].array if given else None for given in node.inputs))
        return np.asarray(dict(zip(node.outputs, results, strict=True))[name])
    except Exception:  # noqa: BLE001 the reference raises anything; an unknown constant is still a constant
        return None


def _implementation(node: NodeProto, reads: Mapping[str, Value], context: Context) -> Callable[..., Sequence[Any]]:
    """Find what computes an operator with its attributes."""
    from onnx.reference import ReferenceEvaluator  # noqa: PLC0415 - many models need no elements

    node, version = known_form(node, reads, context.opsets.get("", 1))
    model = ModelProto(ir_version=IR_VERSION)
    for domain, number in {**context.opsets, "": version}.items():
        model.opset_import.add(domain=domain, version=number)
    model.graph.name = "node"
    model.graph.node.append(node)
    run: Callable[..., Sequence[Any]] = ReferenceEvaluator(model).rt_nodes_[0].run
    return run


def _fits(computed: Array, inferred: Value) -> bool:
    if elem_type(computed) != inferred.elem_type:
        return False
    if inferred.shape is None or len(computed.shape) != len(inferred.shape):
        return inferred.shape is None
    return all(dim in {None, known} for dim, known in zip(inferred.shape, computed.shape, strict=True))
