"""The types of one node's outputs, by ONNX's own shape inference.

Nodes are taken one by one, in file order, each as a model of its own.  So what is known of a value, folded constants
included, is known to every later node after a single pass, no weights are passed around, and a failure has a culprit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from onnx import IR_VERSION, FunctionProto, ModelProto, NodeProto, TensorProto, TypeProto, checker, defs
from onnx.onnx_cpp2py_export.checker import CheckerContext
from onnx.shape_inference import infer_shapes

from slicegraph.errors import InputError
from slicegraph.formats.counting import Trips
from slicegraph.formats.onnx.fitting import is_misfit
from slicegraph.formats.onnx.known_operators import LIKE_INPUT, known_form
from slicegraph.formats.onnx.nodes import Stated, attribute, is_standard, spelling
from slicegraph.formats.onnx.sequences import sized
from slicegraph.formats.onnx.values import UNKNOWN, Stored, Value, dimensions, of_type, varying

SHOWN: Final[Mapping[str, tuple[int, ...]]] = {
    **dict.fromkeys(("BlackmanWindow", "ConstantOfShape", "HammingWindow", "HannWindow"), (0,)),
    **dict.fromkeys(("CenterCropPad", "Expand", "Reshape", "Split", "SplitToSequence", "Squeeze", "Tile"), (1,)),
    **dict.fromkeys(("AffineGrid", "OneHot", "TopK", "Unsqueeze", "Upsample"), (1,)),
    **dict.fromkeys(("ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean"), (1,)),
    **dict.fromkeys(("ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare"), (1,)),
    **dict.fromkeys(("Col2Im", "DFT"), (1, 2)),
    **dict.fromkeys(("DynamicSlice", "Resize"), (1, 2, 3)),
    **dict.fromkeys(("Pad", "STFT"), (1, 3)),
    "MaxUnpool": (2,),
    "MelWeightMatrix": (0, 1, 2, 3, 4),
    "Range": (0, 1, 2),
    "Slice": (1, 2, 3, 4),
}
"""The inputs from whose elements inference makes shapes."""
_TERM: Final = rb"[A-Za-z]*(?:\.\.\.)?[A-Za-z]*"
_EQUATION: Final = re.compile(rb"%b(?:,%b)*(?:->%b)?" % (_TERM, _TERM, _TERM))
AXIS_TRUSTED: Final = frozenset({"LayerNormalization", "RMSNormalization"})
"""The operators whose axis inference trusts: where they have several outputs, one that is out of range crashes it."""


class Known(NamedTuple):
    """What a node makes, by position of what is made, and whether all is known of that."""

    values: Sequence[Value]
    is_all: bool


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
    inferred
        What inference says of nodes, by whatever tells their operators and inputs apart.
    evaluated
        The elements that nodes make, by operator, attributes and the elements of the inputs; None: they cannot be made.
    implementations
        What computes operators, by operator, attributes and the ranks of the inputs.
    trips
        What the user says of how often loops run.
    """

    opsets: Mapping[str, int]
    dims: Mapping[str, int] = field(default_factory=dict)
    functions: tuple[FunctionProto, ...] = ()
    pieces: dict[Hashable, Stored] = field(default_factory=dict)
    inferred: dict[Hashable, Known] = field(default_factory=dict)
    evaluated: dict[Hashable, NDArray[np.generic] | None] = field(default_factory=dict)
    implementations: dict[Hashable, Callable[..., Sequence[Any]]] = field(default_factory=dict)
    trips: Trips = field(default_factory=Trips)


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


def infer(
    node: Stated, inputs: Sequence[Value | None], reads: Mapping[str, Value], context: Context
) -> tuple[dict[str, Value], bool]:
    """Infer what a node makes, by name; and say whether all is known of that, and of what it reads.

    Nodes of one operator with the same attributes, on inputs of the same types, and with the same elements where shapes
    are made of them, make the same: that is inferred once.
    """
    signature = _signature(node, inputs)
    if signature is None:
        return _made(node, inputs, reads, context), False
    known = context.inferred.get(signature)
    if known is not None and known.is_all:
        return dict(zip(filter(None, node.outputs), known.values, strict=True)), True
    shown = {node.inputs[position] for position in SHOWN.get(node.op, ()) if position < len(inputs)}
    varied = {name: value if name in shown else varying(value) for name, value in reads.items()}
    if known is None:
        values = [*_made(node, inputs, varied, context).values()]
        known = Known(values, all(value.is_known for value in values))
        # A reason may name the node.
        if not any(value.reason or value.is_contradiction for value in values):
            context.inferred[signature] = known
    if known.is_all or all(varied[name] is value for name, value in reads.items()):
        return dict(zip(filter(None, node.outputs), known.values, strict=True)), known.is_all
    return _made(node, inputs, reads, context), False


def _signature(node: Stated, inputs: Sequence[Value | None]) -> Hashable | None:
    """Tell a node's operator and inputs from others; None: not all is known of them, or they are not tensors alone."""
    if node.bodies:
        return None
    parts: list[Hashable] = [spelling(node), len(node.outputs), "" in node.outputs and tuple(map(bool, node.outputs))]
    shown = SHOWN.get(node.op, ())
    for position, value in enumerate(inputs):
        if value is None:
            parts.append(None)
            continue
        if value.nbytes is None or value.kind != "tensor_type" or value.is_contradiction:
            return None
        parts += (value.elem_type, value.shape)
        if position in shown and value.elements is not None:
            try:
                parts.append(value.elements.key)
            except InputError:
                return None
    return tuple(parts)


def _made(
    node: Stated, inputs: Sequence[Value | None], reads: Mapping[str, Value], context: Context
) -> dict[str, Value]:
    found = _found(node.proto, reads, context)
    inferred = {name: of_type(found.types[name]) if name in found.types else UNKNOWN for name in node.outputs if name}
    is_contradiction = found.is_contradiction or is_misfit(node, inputs, inferred)
    return {
        name: sized(node.proto, inputs, value._replace(reason=found.reason, is_contradiction=is_contradiction))
        for name, value in inferred.items()
    }


def _found(node: NodeProto, reads: Mapping[str, Value], context: Context) -> Inferred:
    node, version = known_form(node, reads, context.opsets.get("", 1))
    if node.op_type in LIKE_INPUT and is_standard(node) and reads and any(node.output):
        return Inferred(types={node.output[0]: next(iter(reads.values())).type})
    if any(not value.kind for value in reads.values()):
        return Inferred()
    if is_standard(node) and (wrong := fault(node, reads)):
        return Inferred(reason=wrong, is_contradiction=True)
    if context.opsets.get("") != version:
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


def _reason(error: Exception) -> str:
    """Take what ONNX says about a node, without the context that the node itself is."""
    line = " ".join(str(error).split())
    return re.split(r"\[\w+Error\] ", line)[-1].partition(" ==> Context")[0]


def is_trusted(node: Stated) -> bool:
    """Say whether inference trusts what a node of ONNX's own domain says, so that it has to be looked at before."""
    if node.op in AXIS_TRUSTED:
        return len(node.outputs) > 1
    return node.op in {"Einsum", "Split"} and bool(fault(node.proto, {}))


def fault(node: NodeProto, reads: Mapping[str, Value]) -> str:
    """Say what is wrong with a node on which inference, as of ONNX 1.23, hangs or aborts; empty: nothing."""
    if node.op_type == "Einsum":
        found = attribute(node, "equation")
        is_fine = found is not None and _EQUATION.fullmatch(found.s.replace(b" ", b""))
        return "" if is_fine else "its equation is malformed"
    if node.op_type == "Split" and (found := attribute(node, "num_outputs")) is not None:
        return "" if found.i == len(node.output) else f"it has {len(node.output)} outputs, not num_outputs = {found.i}"
    if node.op_type in AXIS_TRUSTED and (found := attribute(node, "axis")) is not None:
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
        if (known := value.tensor) is not None:
            tensor = model.graph.initializer.add()
            tensor.CopyFrom(known)
            tensor.name = name
        elif value.kind:
            model.graph.input.add(name=name, type=value.type)
    return model
