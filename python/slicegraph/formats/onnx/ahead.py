"""What one inference over a whole graph says of it: of all nodes that hang on nothing which inference cannot know.

ONNX's inference of a graph knows no elements but those that are stored.  So what reads the shapes of values, and what
hangs on it, is inferred node by node; of a static network that is nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from onnx import IR_VERSION, GraphProto, ModelProto, TensorProto, TypeProto
from onnx.checker import LEXICAL_SCOPE_CONTEXT
from onnx.onnx_cpp2py_export.checker import CheckerContext, check_node
from onnx.onnx_cpp2py_export.shape_inference import infer_shapes

from slicegraph.formats.onnx import encoding
from slicegraph.formats.onnx.fitting import LOOKED_AT, is_misfit
from slicegraph.formats.onnx.inference import AXIS_TRUSTED, SHOWN, Context, fault, is_trusted
from slicegraph.formats.onnx.known_operators import is_as_written
from slicegraph.formats.onnx.nodes import Stated
from slicegraph.formats.onnx.values import Value, of_type

_TOLD: Final = frozenset({"Constant", "Shape", "Size"})
_JUDGED: Final = LOOKED_AT | AXIS_TRUSTED
# Fewer are not worth a pass of their own.
_FEWEST: Final = 4


class Known(NamedTuple):
    """What a graph holds before any of its nodes runs.

    Attributes
    ----------
    values
        The values of its inputs, its stored tensors and its Constant nodes.
    given
        Those of them that are not stored dense tensors.
    encoded
        The model in its encoding.
    """

    values: Mapping[str, Value]
    given: Mapping[str, Value]
    encoded: bytes


def foreseen(nodes: Sequence[Stated], known: Known, context: Context) -> Mapping[str, Value]:
    """Infer a graph as a whole.

    Parameters
    ----------
    nodes
        The nodes of a graph that is prepared.
    known
        What else it holds.
    context
        What all nodes of the model share.

    Returns
    -------
        The values whose type and shape are known, by name, and tensors without a shape; nothing where the checker or
        inference refuses any node.
    """
    positions = _plain(nodes, known.values, context)
    if len(positions) < _FEWEST:
        return {}
    plain = [nodes[position] for position in positions]
    rules = CheckerContext()
    try:
        # A file may state any number as a version, and the checker takes no large ones.
        rules.ir_version, rules.opset_imports = IR_VERSION, dict(context.opsets)
        for node in {node.form: node for node in plain}.values():
            # Inference trusts its input: a malformed node can crash the process.  Names do not matter to it.
            check_node(node.proto.SerializeToString(), rules, LEXICAL_SCOPE_CONTEXT)
        model = _model(plain, positions, known, context)
        # Data propagation makes a dimension of each element of a vector.  Computed shapes are found node by node.
        inferred = infer_shapes(model, check_type=True, strict_mode=True, data_prop=False)
    except Exception:  # noqa: BLE001 the extension raises whatever its C++ happened to throw; node by node has culprits
        return {}
    return _accepted(plain, known.values, *_types(inferred))


def _types(inferred: bytes) -> tuple[dict[str, Value], dict[str, Value]]:
    """Take the values of which inference knows all out of an encoded model, and the tensors without a shape."""
    types, names, kinds = encoding.onnx_types(inferred)
    found = [_of_encoded(type_) for type_ in types]
    # Many have one type.
    is_known = [value.is_known for value in found]
    known = {name: found[kind] for name, kind in zip(names, kinds, strict=True) if is_known[kind]}
    if len(known) == len(names):
        return known, {}
    is_shapeless = [value.shape is None and value.kind == "tensor_type" for value in found]
    return known, {name: found[kind] for name, kind in zip(names, kinds, strict=True) if is_shapeless[kind]}


@lru_cache(maxsize=1 << 12)
def _of_encoded(type_: bytes) -> Value:
    return of_type(TypeProto.FromString(type_))


def _plain(nodes: Sequence[Stated], known: Mapping[str, Value], context: Context) -> list[int]:
    """List the nodes of which inference can know all, as far as their operators and what they read tell."""
    version, unknown = context.opsets.get("", 1), {name for name, value in known.items() if not value.is_known}
    told: dict[int | None, bool] = {None: False}
    plain = []
    for position, node in enumerate(nodes):
        if (is_plain := told.get(node.form)) is None:
            is_plain = node.op not in _TOLD and is_as_written(node, version) and not is_trusted(node)
            told[node.form] = is_plain
        if is_plain and unknown.isdisjoint(node.reads):
            plain.append(position)
        elif node.op != "Constant":
            unknown.update(node.outputs)
    return plain


def _model(nodes: Sequence[Stated], positions: Sequence[int], known: Known, context: Context) -> bytes:
    """Encode a model of some nodes, with what is known of what they read."""
    model = ModelProto(ir_version=IR_VERSION)
    for domain, version in context.opsets.items():
        model.opset_import.add(domain=domain, version=version)
    model.graph.name = "graph"
    values, given = known.values, known.given
    showing = [(node.inputs, SHOWN[node.op]) for node in nodes if node.op in SHOWN]
    names = {inputs[at] for inputs, places in showing for at in places if at < len(inputs)}
    shown = {name: values[name].elements for name in names if name in values}
    used = given.keys() & frozenset[str]().union(*[node.reads for node in nodes])
    infos = [(name, given[name].type.SerializeToString()) for name in used]
    tensors = [
        _named(each.tensor, name)
        for name, each in shown.items()
        if name in used and each is not None and each.tensor is not None
    ]
    stored = [name for name, each in shown.items() if name not in given and each is not None]
    # Of a message that stands twice in an encoding, the parts are put together.
    body = (
        encoding.onnx_excerpt(known.encoded, positions, stored)
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


def _accepted(
    nodes: Sequence[Stated], known: Mapping[str, Value], types: Mapping[str, Value], shapeless: Mapping[str, Value]
) -> Mapping[str, Value]:
    """Take the values that are known all about, of nodes of whose inputs all is known.

    Tensors without a shape, as some masks are, are taken as such where no elements count.
    """
    unknown: set[str] = set()
    others: dict[str, Value] = {}
    for node in nodes:
        if (unknown and not unknown.isdisjoint(node.reads)) or (node.op in _JUDGED and _is_wrong(node, types, known)):
            unknown.update(node.outputs)
            continue
        for name in node.outputs:
            if name not in types:
                unknown.add(name)
                if name in shapeless and node.op not in SHOWN:
                    others[name] = shapeless[name]
    return {name: value for name, value in types.items() if name not in unknown} | others if unknown else types


def _is_wrong(node: Stated, types: Mapping[str, Value], known: Mapping[str, Value]) -> bool:
    """Say whether inference gave types without asking whether what the node reads fits."""
    inputs = [known.get(name) or types.get(name) for name in node.inputs[:3]]
    if node.op in AXIS_TRUSTED:
        return bool(fault(node.proto, {"": inputs[0]} if inputs and inputs[0] is not None else {}))
    return is_misfit(node, inputs, {name: types[name] for name in node.outputs[:1] if name in types})
