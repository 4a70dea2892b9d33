"""What one inference over a whole graph says of it: of all nodes that hang on nothing which inference cannot know.

ONNX's inference of a graph knows no elements but those that are stored.  So what reads the shapes of values, and what
hangs on it, is inferred node by node; of a static network that is nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

from onnx import IR_VERSION, GraphProto, ModelProto, TensorProto, TypeProto
from onnx.checker import LEXICAL_SCOPE_CONTEXT
from onnx.onnx_cpp2py_export.checker import CheckerContext, check_node
from onnx.onnx_cpp2py_export.shape_inference import infer_shapes

from slicegraph.formats.onnx import encoding
from slicegraph.formats.onnx.fitting import LOOKED_AT, is_misfit
from slicegraph.formats.onnx.inference import AXIS_TRUSTED, SHOWN, Context, fault, is_trusted
from slicegraph.formats.onnx.known_operators import is_as_written
from slicegraph.formats.onnx.nodes import Stated, encoded
from slicegraph.formats.onnx.values import Value, of_type

_TOLD: Final = frozenset({"Constant", "Shape", "Size"})
_JUDGED: Final = LOOKED_AT | AXIS_TRUSTED
# Of these, attributes decide whether inference can be asked.
_BY_ATTRIBUTES: Final = AXIS_TRUSTED | {"Einsum", "Split", "Squeeze", "Unsqueeze"}
# Fewer are not worth a pass of their own.
_FEWEST: Final = 4


def foreseen(nodes: Sequence[Stated], known: Mapping[str, Value], context: Context) -> dict[str, Value]:
    """Infer a graph as a whole.

    Parameters
    ----------
    nodes
        The nodes of a graph that is prepared.
    known
        The values of its inputs, its stored tensors and its Constant nodes.
    context
        What all nodes of the model share.

    Returns
    -------
        What is known all about, by name; nothing where the checker or inference refuses any node.
    """
    plain = list(_plain(nodes, known, context))
    if len(plain) < _FEWEST:
        return {}
    rules = CheckerContext()
    try:
        # A file may state any number as a version, and the checker takes no large ones.
        rules.ir_version, rules.opset_imports = IR_VERSION, dict(context.opsets)
        spelt = [encoded(node) for node in plain]
        for each in spelt:
            # Inference trusts its input: a malformed node can crash the process.
            check_node(each, rules, LEXICAL_SCOPE_CONTEXT)
        model = _model(plain, spelt, known, context)
        inferred = infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    except Exception:  # noqa: BLE001 the extension raises whatever its C++ happened to throw; node by node has culprits
        return {}
    return _accepted(plain, known, _types(inferred))


def _types(inferred: bytes) -> dict[str, Value]:
    """Take the values of which inference knows all out of an encoded model; many have one type."""
    rows = encoding.onnx_types(inferred)
    found = {type_: _of_encoded(type_) for type_ in {type_ for _, type_ in rows}}
    known = {type_: value for type_, value in found.items() if value.is_known}
    return {name: known[type_] for name, type_ in rows if type_ in known}


@lru_cache(maxsize=1 << 12)
def _of_encoded(type_: bytes) -> Value:
    return of_type(TypeProto.FromString(type_))


def _plain(nodes: Sequence[Stated], known: Mapping[str, Value], context: Context) -> Iterator[Stated]:
    """Run over the nodes of which inference can know all, as far as their operators and what they read tell."""
    version, unknown = context.opsets.get("", 1), {name for name, value in known.items() if not value.is_known}
    told: dict[str, bool] = {}
    for node in nodes:
        op = node.op
        if (is_plain := told.get(op)) is None:
            is_plain = op not in _TOLD and is_as_written(node, version) and not is_trusted(node)
            if op not in _BY_ATTRIBUTES:
                told[op] = is_plain
        if is_plain and not node.bodies and unknown.isdisjoint(node.reads):
            yield node
        elif op != "Constant":
            unknown.update(node.outputs)


def _model(nodes: Sequence[Stated], spelt: Sequence[bytes], known: Mapping[str, Value], context: Context) -> bytes:
    """Encode a model of nodes that are encoded."""
    model = ModelProto(ir_version=IR_VERSION)
    for domain, version in context.opsets.items():
        model.opset_import.add(domain=domain, version=version)
    model.graph.name = "graph"
    given = frozenset[str]().union(*[node.reads for node in nodes])
    showing = [(node.inputs, SHOWN[node.op]) for node in nodes if node.op in SHOWN]
    shown = {inputs[at] for inputs, positions in showing for at in positions if at < len(inputs)}
    values = [(name, value) for name, value in known.items() if name in given]
    # Many have one type.
    types = {id(value.type): value.type for _, value in values}
    encodings = {key: type_.SerializeToString() for key, type_ in types.items()}
    infos = [(name, encodings[id(value.type)]) for name, value in values]
    elements = [(name, value.elements) for name, value in values if name in shown and value.elements is not None]
    tensors = [_named(each.tensor, name) for name, each in elements if each.tensor is not None]
    # Of a message that stands twice in an encoding, the parts are put together.
    body = (
        encoding.onnx_fields(GraphProto.NODE_FIELD_NUMBER, spelt)
        + encoding.onnx_inputs(infos)
        + encoding.onnx_fields(GraphProto.INITIALIZER_FIELD_NUMBER, tensors)
    )
    return bytes(model.SerializeToString()) + encoding.onnx_fields(ModelProto.GRAPH_FIELD_NUMBER, [body])


def _named(tensor: TensorProto, name: str) -> bytes:
    spelt: bytes = tensor.SerializeToString()
    if tensor.name == name:
        return spelt
    # Of a field that stands twice in an encoding, the last one holds.
    return spelt + encoding.onnx_fields(TensorProto.NAME_FIELD_NUMBER, [name.encode()])


def _accepted(nodes: Sequence[Stated], known: Mapping[str, Value], types: Mapping[str, Value]) -> dict[str, Value]:
    """Take the values that are known all about, of nodes of whose inputs all is known."""
    unknown: set[str] = set()
    for node in nodes:
        if not unknown.isdisjoint(node.reads) or (node.op in _JUDGED and _is_wrong(node, types, known)):
            unknown.update(node.outputs)
        else:
            unknown.update([name for name in node.outputs if name not in types])
    return {name: value for name, value in types.items() if name not in unknown}


def _is_wrong(node: Stated, types: Mapping[str, Value], known: Mapping[str, Value]) -> bool:
    """Say whether inference gave types without asking whether what the node reads fits."""
    inputs = [known.get(name) or types.get(name) for name in node.inputs]
    if node.op in AXIS_TRUSTED:
        return bool(fault(node.proto, {"": inputs[0]} if inputs and inputs[0] is not None else {}))
    return is_misfit(node, inputs, {name: types[name] for name in node.outputs if name in types})
