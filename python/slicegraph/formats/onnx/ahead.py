"""What one inference over a whole graph says of it: of all nodes that hang on nothing which inference cannot know.

ONNX's inference of a graph knows no elements but those that are stored.  So what reads the shapes of values, and what
hangs on it, is inferred node by node; of a static network that is nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from onnx import IR_VERSION, GraphProto, ModelProto, ValueInfoProto
from onnx.checker import LEXICAL_SCOPE_CONTEXT
from onnx.onnx_cpp2py_export.checker import CheckerContext, check_node
from onnx.shape_inference import infer_shapes

from slicegraph.formats.onnx.fitting import LOOKED_AT, is_misfit
from slicegraph.formats.onnx.inference import SHOWN, Context, is_trusted
from slicegraph.formats.onnx.known_operators import is_as_written
from slicegraph.formats.onnx.nodes import Stated
from slicegraph.formats.onnx.skeleton import delimited
from slicegraph.formats.onnx.values import Value, of_type

_TOLD: Final = frozenset({"Constant", "Shape", "Size"})
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
    rules.ir_version, rules.opset_imports = IR_VERSION, dict(context.opsets)
    try:
        spelt = [node.proto.SerializeToString() for node in plain]
        for each in spelt:
            # Inference trusts its input: a malformed node can crash the process.
            check_node(each, rules, LEXICAL_SCOPE_CONTEXT)
        inferred = infer_shapes(_model(plain, spelt, known, context), check_type=True, strict_mode=True, data_prop=True)
    except Exception:  # noqa: BLE001 the extension raises whatever its C++ happened to throw; node by node has culprits
        return {}
    return _accepted(plain, known, _types(inferred.graph))


def _types(graph: GraphProto) -> dict[str, Value]:
    """Take the values of which inference knows all; many have one type."""
    known: dict[bytes, Value | None] = {}
    types: dict[str, Value] = {}
    for info in graph.value_info:
        type_ = info.type
        key = type_.SerializeToString()
        if key not in known:
            value = of_type(type_)
            known[key] = value if value.is_known else None
        if (found := known[key]) is not None:
            types[info.name] = found
    return types


def _plain(nodes: Sequence[Stated], known: Mapping[str, Value], context: Context) -> Iterator[Stated]:
    """Run over the nodes of which inference can know all, as far as their operators and what they read tell."""
    version, unknown = context.opsets.get("", 1), {name for name, value in known.items() if not value.is_known}
    for node in nodes:
        is_plain = (
            unknown.isdisjoint(node.reads)
            and not node.bodies
            and node.op not in _TOLD
            and is_as_written(node, version)
            and not is_trusted(node)
        )
        if is_plain:
            yield node
        elif node.op != "Constant":
            unknown.update(node.outputs)


def _model(nodes: Sequence[Stated], spelt: Sequence[bytes], known: Mapping[str, Value], context: Context) -> bytes:
    """Encode a model of nodes that are encoded."""
    model = ModelProto(ir_version=IR_VERSION)
    for domain, version in context.opsets.items():
        model.opset_import.add(domain=domain, version=version)
    graph = model.graph
    graph.name = "graph"
    given, shown = set[str](), set[str]()
    for node in nodes:
        given.update(node.reads)
        if node.op in SHOWN:
            shown.update([node.inputs[at] for at in SHOWN[node.op] if at < len(node.inputs)])
    values = {name: value for name, value in known.items() if name in given}
    graph.input.extend([ValueInfoProto(name=name, type=value.type) for name, value in values.items()])
    for name, value in values.items():
        if name in shown and value.elements is not None:
            tensor = graph.initializer.add()
            tensor.CopyFrom(value.elements.tensor)
            tensor.name = name
    # Of a message that stands twice in an encoding, the parts are put together.
    body = b"".join([delimited(GraphProto.NODE_FIELD_NUMBER, each) for each in spelt])
    return bytes(model.SerializeToString()) + delimited(ModelProto.GRAPH_FIELD_NUMBER, body)


def _accepted(nodes: Sequence[Stated], known: Mapping[str, Value], types: Mapping[str, Value]) -> dict[str, Value]:
    """Take the values that are known all about, of nodes of whose inputs all is known."""
    accepted: dict[str, Value] = {}
    unknown: set[str] = set()
    for node in nodes:
        if unknown.isdisjoint(node.reads) and not (node.op in LOOKED_AT and _is_misfit(node, types, known)):
            for name in node.outputs:
                if name in types:
                    accepted[name] = types[name]
                else:
                    unknown.add(name)
        else:
            unknown.update(node.outputs)
    return accepted


def _is_misfit(node: Stated, types: Mapping[str, Value], known: Mapping[str, Value]) -> bool:
    inputs = [known.get(name) or types.get(name) for name in node.inputs]
    return is_misfit(node, inputs, {name: types[name] for name in node.outputs if name in types})
