"""What one inference over a whole graph says of it: of all nodes that hang on nothing which inference cannot know.

ONNX's inference of a graph knows no elements but those that are stored.  So what reads the shapes of values, and what
hangs on it, is inferred node by node; of a static network that is nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from onnx import IR_VERSION, GraphProto, ModelProto, NodeProto, checker
from onnx.onnx_cpp2py_export.checker import CheckerContext
from onnx.shape_inference import infer_shapes

from slicegraph.formats.onnx.fitting import is_misfit
from slicegraph.formats.onnx.inference import SHOWN, Context, is_trusting
from slicegraph.formats.onnx.known_operators import is_as_written
from slicegraph.formats.onnx.nodes import may_hold_bodies
from slicegraph.formats.onnx.values import Value, of_type

_TOLD: Final = frozenset({"Constant", "Shape", "Size"})
# Fewer are not worth a pass of their own.
_FEWEST: Final = 4


def foreseen(
    graph: GraphProto, reads_of: Sequence[Mapping[str, None]], known: Mapping[str, Value], context: Context
) -> dict[str, Value]:
    """Infer a graph as a whole.

    Parameters
    ----------
    graph
        A graph that is prepared.
    reads_of
        What each node reads.
    known
        The values of its inputs, its stored tensors and its Constant nodes.
    context
        What all nodes of the model share.

    Returns
    -------
        What is known all about, by name; nothing where the checker or inference refuses any node.
    """
    plain = list(_plain(graph, reads_of, known, context))
    if len(plain) < _FEWEST:
        return {}
    model = _model([graph.node[position] for position in plain], known, context)
    rules = CheckerContext()
    rules.ir_version, rules.opset_imports = IR_VERSION, dict(context.opsets)
    try:
        # Inference trusts its input: a malformed node can crash the process.
        for node in model.graph.node:
            checker.check_node(node, rules)
        inferred = infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    except Exception:  # noqa: BLE001 the extension raises whatever its C++ happened to throw; node by node has culprits
        return {}
    of: dict[bytes, Value] = {}
    types: dict[str, Value] = {}
    for info in inferred.graph.value_info:
        spelt = info.type.SerializeToString()
        if (value := of.get(spelt)) is None:
            value = of[spelt] = of_type(info.type)
        types[info.name] = value
    return _accepted(model.graph.node, known, types)


def _plain(
    graph: GraphProto, reads_of: Sequence[Mapping[str, None]], known: Mapping[str, Value], context: Context
) -> Iterator[int]:
    """Run over the nodes of which inference can know all, as far as their operators and what they read tell."""
    version, open_names = context.opsets.get("", 1), set[str]()
    for position, (node, wanted) in enumerate(zip(graph.node, reads_of, strict=True)):
        if node.op_type == "Constant" and not node.domain:
            continue
        is_plain = (
            not may_hold_bodies(node)
            and node.op_type not in _TOLD
            and is_as_written(node, version)
            and not is_trusting(node)
            and open_names.isdisjoint(wanted)
            and all(name not in known or known[name].kind == "tensor_type" for name in wanted)
        )
        if is_plain:
            yield position
        else:
            open_names.update(node.output)


def _model(nodes: Sequence[NodeProto], known: Mapping[str, Value], context: Context) -> ModelProto:
    model = ModelProto(ir_version=IR_VERSION)
    for domain, version in context.opsets.items():
        model.opset_import.add(domain=domain, version=version)
    graph = model.graph
    graph.name = "graph"
    graph.node.extend(nodes)
    stored, given = set[str](), set[str]()
    for node in nodes:
        shown = SHOWN.get(node.op_type, ())
        for position, name in enumerate(node.input):
            if (value := known.get(name)) is None:
                continue
            if position in shown and name not in stored and value.elements is not None:
                stored.add(name)
                graph.initializer.add().CopyFrom(value.elements.tensor)
                graph.initializer[-1].name = name
            elif name not in given:
                given.add(name)
                graph.input.add(name=name, type=value.type)
    return model


def _accepted(nodes: Sequence[NodeProto], known: Mapping[str, Value], types: Mapping[str, Value]) -> dict[str, Value]:
    """Take the values that are known all about, of nodes of whose inputs all is known."""
    accepted: dict[str, Value] = {}
    for node in nodes:
        if not all(name in accepted or name in known for name in node.input if name):
            continue
        made = {name: types[name] for name in node.output if name in types}
        inputs = [accepted.get(name) or known.get(name) if name else None for name in node.input]
        if not is_misfit(node, inputs, made):
            accepted |= {
                name: value for name, value in made.items() if value.nbytes is not None and value.kind == "tensor_type"
            }
    return accepted
