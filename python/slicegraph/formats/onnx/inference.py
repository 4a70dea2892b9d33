"""The types of one node's outputs, by ONNX's own shape inference, and its elements by ONNX's own reference.

Nodes are taken one by one, in file order, each as a model of its own.  So what is known of a value, folded constants
included, is known to every later node after a single pass, no weights are passed around, and a failure has a culprit.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from onnx import IR_VERSION, FunctionProto, ModelProto, NodeProto, TensorProto, TypeProto, checker, defs
from onnx.onnx_cpp2py_export.checker import CheckerContext
from onnx.reference import ReferenceEvaluator
from onnx.shape_inference import infer_shapes

from slicegraph.formats.onnx.known_operators import LIKE_INPUT, is_misjudged, known_form
from slicegraph.formats.onnx.nodes import attribute, is_standard
from slicegraph.formats.onnx.skeleton import KEPT_BYTES
from slicegraph.formats.onnx.values import UNKNOWN, Stored, Value, dimensions, of_array

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
_TERM: Final = rb"[A-Za-z]*(?:\.\.\.)?[A-Za-z]*"
_EQUATION: Final = re.compile(rb"%b(?:,%b)*(?:->%b)?" % (_TERM, _TERM, _TERM))
_AXIS_TRUSTED: Final = frozenset({"LayerNormalization", "RMSNormalization"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What every node of a model shares.

    Attributes
    ----------
    opsets
        Version of the operator set of each domain.
    dims
        Sizes of named dimensions.
    functions
        Local functions that could not be inlined.
    pieces
        What is stored of the pieces of parameters that were found so far, by whatever tells pieces apart.
    """

    opsets: Mapping[str, int]
    dims: Mapping[str, int] = field(default_factory=dict)
    functions: tuple[FunctionProto, ...] = ()
    pieces: dict[Hashable, Stored] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Inferred:
    """What inference says of a node.

    Attributes
    ----------
    types
        Those of its outputs that could be inferred, by name.
    reason
        In words why there are none, if inference said so.
    is_contradiction
        That is because what it reads does not fit.
    """

    types: Mapping[str, TypeProto] = field(default_factory=dict)
    reason: str = ""
    is_contradiction: bool = False


def infer(node: NodeProto, reads: Mapping[str, Value], context: Context) -> Inferred:
    """Infer the types of a node's outputs."""
    node, version = known_form(node, reads, context.opsets.get("", 1))
    if node.op_type in LIKE_INPUT and is_standard(node) and reads and any(node.output):
        return Inferred(types={node.output[0]: next(iter(reads.values())).type})
    if any(value.type.WhichOneof("value") is None for value in reads.values()):
        return Inferred()
    if is_standard(node) and (fault := _fault(node, reads)):
        return Inferred(reason=fault, is_contradiction=True)
    context = replace(context, opsets={**context.opsets, "": version})
    return _inferred(node, reads, context)


def _inferred(node: NodeProto, reads: Mapping[str, Value], context: Context) -> Inferred:
    model = _one_node_model(node, reads, context)
    try:
        rules = CheckerContext()
        rules.ir_version, rules.opset_imports = IR_VERSION, dict(context.opsets)
        # Inference trusts its input: a malformed node can crash the process.
        checker.check_node(model.graph.node[0], rules)
    except Exception as error:  # noqa: BLE001 the extension raises whatever its C++ happened to throw
        return Inferred(reason=_reason(error))
    try:
        inferred = infer_shapes(model, check_type=True, strict_mode=True)
    except Exception as error:  # noqa: BLE001 as above
        return Inferred(reason=_reason(error), is_contradiction=True)
    types = {info.name: info.type for info in inferred.graph.value_info}
    if any(dim.dim_value < 0 for type_ in types.values() for dim in dimensions(type_)):
        return Inferred(types=types, reason="an output would have a negative size", is_contradiction=True)
    is_known = defs.has(node.op_type, node.domain)
    return Inferred(types=types, reason="" if types or is_known else "ONNX has no such operator")


def evaluate(
    node: NodeProto, reads: Mapping[str, Value], outputs: Mapping[str, Value], context: Context
) -> dict[str, Value]:
    """Compute a node that shapes may depend on, if its inputs are all known and its outputs small.

    Parameters
    ----------
    outputs
        What inference says of them.

    Returns
    -------
        The outputs with their elements, where type and shape are those that were inferred; empty for any other node.
    """
    version = context.opsets.get("", 1)
    if node.op_type not in _COMPUTED or not is_standard(node) or is_misjudged(node, reads, version):
        return {}
    sizes = [value.nbytes for value in outputs.values()]
    is_small = node.op_type in _BOUNDED or all(size is not None and size <= KEPT_BYTES for size in sizes)
    if not is_small or any(value.tensor is None for value in reads.values()):
        return {}
    node, version = known_form(node, reads, version)
    model = _one_node_model(node, reads, replace(context, opsets={**context.opsets, "": version}))
    for name, value in outputs.items():
        model.graph.output.add(name=name, type=value.type)
    try:
        with np.errstate(all="ignore"):
            arrays = ReferenceEvaluator(model).run(None, {})
            computed = {name: of_array(np.asarray(array)) for name, array in zip(outputs, arrays, strict=True)}
    except Exception:  # noqa: BLE001 the reference raises anything; an unknown constant is still a constant
        return {}
    # Where the two differ, inference is right.
    return {name: value for name, value in computed.items() if _fits(value, outputs[name])}


def _fits(computed: Value, inferred: Value) -> bool:
    if computed.type.tensor_type.elem_type != inferred.type.tensor_type.elem_type:
        return False
    if inferred.shape is None or computed.shape is None:
        return inferred.shape is None
    if len(computed.shape) != len(inferred.shape):
        return False
    return all(dim in {None, known} for dim, known in zip(inferred.shape, computed.shape, strict=True))


def _reason(error: Exception) -> str:
    """Take what ONNX says about a node, without the context that the node itself is."""
    line = " ".join(str(error).split())
    return re.split(r"\[\w+Error\] ", line)[-1].partition(" ==> Context")[0]


def _fault(node: NodeProto, reads: Mapping[str, Value]) -> str:
    """Say what is wrong with a node on which inference, as of ONNX 1.23, hangs or aborts; empty: nothing."""
    if node.op_type == "Einsum":
        found = attribute(node, "equation")
        is_fine = found is not None and _EQUATION.fullmatch(found.s.replace(b" ", b""))
        return "" if is_fine else "its equation is malformed"
    if node.op_type == "Split" and (found := attribute(node, "num_outputs")) is not None:
        return "" if found.i == len(node.output) else f"it has {len(node.output)} outputs, not num_outputs = {found.i}"
    if node.op_type in _AXIS_TRUSTED and (found := attribute(node, "axis")) is not None:
        shape = next(iter(reads.values()), UNKNOWN).shape
        is_within = shape is None or -len(shape) <= found.i < len(shape)
        return "" if is_within else f"axis = {found.i} is out of range"
    return ""


def _one_node_model(node: NodeProto, reads: Mapping[str, Value], context: Context) -> ModelProto:
    model = ModelProto(ir_version=IR_VERSION)
    for domain, version in context.opsets.items():
        model.opset_import.add(domain=domain, version=version)
    model.functions.extend(context.functions)
    model.graph.name = "node"
    model.graph.node.append(node)
    for found in model.graph.node[0].attribute:
        if found.t.data_location == TensorProto.EXTERNAL:
            # The checker would look for the elements.
            found.t.CopyFrom(TensorProto(name=found.t.name, data_type=found.t.data_type, dims=[0]))
    for name, value in reads.items():
        if value.tensor is not None:
            tensor = model.graph.initializer.add()
            tensor.CopyFrom(value.tensor)
            tensor.name = name
        elif value.type.WhichOneof("value") is not None:
            model.graph.input.add(name=name, type=value.type)
    return model
