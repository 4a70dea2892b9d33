"""The stages of a model as models of their own, and the whole with each node's stage written on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from onnx import GraphProto, ModelProto, NodeProto, ValueInfoProto

from slicegraph.errors import InputError
from slicegraph.formats.onnx.opening import Opened
from slicegraph.formats.onnx.values import Value
from slicegraph.stages.onnx.division import Part

CONFIGURATION: Final = "slicegraph"
"""What ONNX's device configuration of a split is called."""
_PROPERTY: Final = "pipeline_stage"
_LEAST_IR: Final = 4  # from it on, initializers need not be inputs
_CONFIGURING_IR: Final = 11  # from it on, nodes have device configurations


def stage_model(model: Opened, part: Part, stage: int) -> ModelProto:
    """Make the model of one stage: its nodes and constants, with types and sizes at its borders.

    Operator sets, local functions that are left and metadata are those of the whole. Elements of big tensors are not in
    it.

    Raises
    ------
    InputError
        The type of a value at its border is not known.
    """
    whole = model.model.graph
    made = _frame(model.model, _LEAST_IR)
    graph = made.graph
    graph.name = f"{whole.name or 'graph'}_stage{stage}"
    graph.doc_string = whole.doc_string
    graph.metadata_props.extend(whole.metadata_props)
    for position in sorted(part.positions):
        _unmark(graph.node.add(), whole.node[position])
    graph.initializer.extend(tensor for tensor in whole.initializer if tensor.name in part.stored)
    graph.sparse_initializer.extend(each for each in whole.sparse_initializer if each.values.name in part.stored)
    values = model.walked.values
    for name in sorted(part.known):
        graph.initializer.add().CopyFrom(values[name].tensor)
        graph.initializer[-1].name = name
    graph.input.extend(_typed(name, values[name]) for name in part.inputs)
    graph.output.extend(_typed(name, values[name]) for name in part.outputs)
    _record(graph, model, part)
    return made


def annotated_model(model: Opened, parts: Sequence[Part]) -> ModelProto:
    """Make the whole model with the stage of each node: in its metadata, and in ONNX's own device configuration.

    A node whose copies are in several stages has the first. A node that no stage needs has none.
    """
    made = _frame(model.model, _CONFIGURING_IR)
    made.configuration.add(name=CONFIGURATION, num_devices=len(parts))
    made.graph.CopyFrom(model.model.graph)
    for node, original in zip(made.graph.node, model.model.graph.node, strict=True):
        _unmark(node, original)
    for stage, part in reversed(list(enumerate(parts))):
        for position in part.positions:
            node = made.graph.node[position]
            _unmark(node, model.model.graph.node[position])
            node.metadata_props.add(key=_PROPERTY, value=str(stage))
            node.device_configurations.add(configuration_id=CONFIGURATION, pipeline_stage=stage)
    return made


def _frame(model: ModelProto, least_ir: int) -> ModelProto:
    """Copy all of a model but its graph, and what an earlier split wrote on it."""
    frame = ModelProto()
    frame.CopyFrom(model)
    frame.ClearField("graph")
    frame.ClearField("training_info")
    frame.ir_version = max(model.ir_version, least_ir)
    if not frame.opset_import:
        frame.opset_import.add(domain="", version=1)
    for index, configuration in reversed(list(enumerate(frame.configuration))):
        if configuration.name == CONFIGURATION:
            del frame.configuration[index]
    return frame


def _unmark(node: NodeProto, original: NodeProto) -> None:
    """Copy a node without the stage that an earlier split wrote on it."""
    node.CopyFrom(original)
    del node.metadata_props[:], node.device_configurations[:]
    node.metadata_props.extend(each for each in original.metadata_props if each.key != _PROPERTY)
    configurations = original.device_configurations
    node.device_configurations.extend(each for each in configurations if each.configuration_id != CONFIGURATION)


def _typed(name: str, value: Value) -> ValueInfoProto:
    if value.type.WhichOneof("value") is None:
        raise InputError(f"{name!r} crosses a border of stages, but its type is not known; record it in value_info")
    return ValueInfoProto(name=name, type=value.type)


def _record(graph: GraphProto, model: Opened, part: Part) -> None:
    """Keep what is known about values within a stage, and how they are quantised."""
    used, values = model.walked.used, model.walked.values
    made = [name for node in graph.node for name in node.output if name in used and name not in part.outputs]
    graph.value_info.extend(
        ValueInfoProto(name=name, type=value.type)
        for name in made
        if not (value := values[name]).is_constant and value.nbytes is not None
    )
    here = {*made, *part.outputs, *part.inputs, *part.stored, *part.known}
    annotations = model.model.graph.quantization_annotation
    graph.quantization_annotation.extend(each for each in annotations if each.tensor_name in here)
