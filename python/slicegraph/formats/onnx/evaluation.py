"""The elements that nodes make of known ones, by ONNX's own reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
from onnx import IR_VERSION, ModelProto, NodeProto
from onnx.reference import ReferenceEvaluator

from slicegraph.formats.onnx.elements import Array, Elements
from slicegraph.formats.onnx.inference import Context
from slicegraph.formats.onnx.known_operators import is_misjudged, known_form
from slicegraph.formats.onnx.nodes import spelling
from slicegraph.formats.onnx.skeleton import KEPT_BYTES
from slicegraph.formats.onnx.values import Value, of_array

# What shapes, axes, pads and ranges are computed with; other constants need no elements, and some take long to compute.
_ARITHMETIC: Final = """
    Abs Add And ArgMax ArgMin BitShift Cast CastLike Ceil Clip Compress Concat ConstantOfShape CumSum Div Equal Exp
    Expand EyeLike Flatten Floor Gather GatherND Greater GreaterOrEqual Identity Less LessOrEqual Log Max Mean Min
    Mod Mul Neg NonZero Not OneHot Or Pad Pow Range Reciprocal ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum
    Reshape Round ScatterND Sign Slice Split Sqrt Squeeze Sub Sum Tile TopK Transpose Trilu Unique Unsqueeze Where
    Xor
"""
_COMPUTED: Final = frozenset(_ARITHMETIC.split())
# Their output's size depends on elements, so inference never knows it; it is at most a few times their input's.
_BOUNDED: Final = frozenset({"Compress", "NonZero", "Unique"})


def evaluated(
    node: NodeProto, reads: Mapping[str, Value], outputs: Mapping[str, Value], context: Context
) -> dict[str, Elements]:
    """Give the elements of a node's outputs, if shapes may depend on them, its inputs are all known and they are small.

    Where inference knows the shapes, elements are computed once something asks for them.

    Parameters
    ----------
    outputs
        What inference says of them.

    Returns
    -------
        Elements of the type and shape that were inferred, by name; empty for any other node.
    """
    if node.op_type not in _COMPUTED or node.domain:
        return {}
    sizes = [value.nbytes for value in outputs.values()]
    is_small = node.op_type in _BOUNDED or all(size is not None and size <= KEPT_BYTES for size in sizes)
    if not is_small:
        return {}
    sources = {name: value.elements for name, value in reads.items() if value.elements is not None}
    if len(sources) < len(reads) or is_misjudged(node, reads, context.opsets.get("", 1)):
        return {}
    run = _Run(node, reads, sources, outputs, context)
    entered = list(sources.values())
    elements = {name: Elements(partial(run.made, name), entered) for name in outputs}
    if None not in sizes:
        return elements
    return {name: each for name, each in elements.items() if each.array is not None}


class _Run:
    """One run of a node, made when the first of its outputs is asked for."""

    __slots__ = ("_arrays", "_context", "_node", "_outputs", "_reads", "_sources")

    def __init__(
        self,
        node: NodeProto,
        reads: Mapping[str, Value],
        sources: Mapping[str, Elements],
        outputs: Mapping[str, Value],
        context: Context,
    ) -> None:
        self._node, self._reads, self._sources = node, reads, sources
        self._outputs, self._context = outputs, context
        self._arrays: Mapping[str, Array] | None = None

    def made(self, name: str) -> Array | None:
        """Give the elements of an output; None: they cannot be computed, or are not of the type that was inferred."""
        if self._arrays is None:
            self._arrays = self._computed()
            self._reads, self._sources = {}, {}
        return self._arrays.get(name)

    def _computed(self) -> dict[str, Array]:
        try:
            arrays = {name: source.array for name, source in self._sources.items()}
            if any(array is None for array in arrays.values()):
                return {}
            run = _implementation(self._node, self._reads, self._context)
            with np.errstate(all="ignore"):
                results = run(*(arrays[name] if name else None for name in self._node.input))
            named = zip(self._node.output, results, strict=True)
            computed = {name: np.asarray(result) for name, result in named if name}
        except Exception:  # noqa: BLE001 the reference raises anything; an unknown constant is still a constant
            return {}
        # Where the two differ, inference is right.
        return {name: array for name, array in computed.items() if _fits(array, self._outputs[name])}


def _implementation(node: NodeProto, reads: Mapping[str, Value], context: Context) -> Callable[..., Sequence[Any]]:
    """Find what computes an operator with its attributes."""
    node, version = known_form(node, reads, context.opsets.get("", 1))
    key = spelling(node), version, len(node.output)
    run = context.implementations.get(key)
    if run is None:
        model = ModelProto(ir_version=IR_VERSION)
        for domain, number in {**context.opsets, "": version}.items():
            model.opset_import.add(domain=domain, version=number)
        model.graph.name = "node"
        model.graph.node.append(node)
        run = ReferenceEvaluator(model).rt_nodes_[0].run
        context.implementations[key] = run
    return run


def _fits(computed: Array, inferred: Value) -> bool:
    value = of_array(computed)
    if value.elem_type != inferred.elem_type:
        return False
    if inferred.shape is None or value.shape is None:
        return inferred.shape is None
    if len(value.shape) != len(inferred.shape):
        return False
    return all(dim in {None, known} for dim, known in zip(inferred.shape, value.shape, strict=True))
