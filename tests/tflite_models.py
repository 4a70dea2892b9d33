"""Small TFLite models, built as flatbuffers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import flatbuffers
import numpy as np
import tflite

Options = tuple[int, Callable[[Any], int]]
"""The type of an operator's options, and what writes them."""


class Tensor(NamedTuple):
    """A tensor of a model that is built; ``data`` makes it a constant, ``buffer`` names the one that it shares."""

    shape: Sequence[int]
    dtype: str = "FLOAT32"
    data: Any = None
    buffer: str = ""
    is_variable: bool = False


class Operator(NamedTuple):
    """An operator; tensors go by name, "": one that is not there."""

    op: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    options: Options | None = None


def options(kind: str, **values: int | str) -> Options:
    """Options of a kind, such as ``Conv2D`` with ``FusedActivationFunction=1``."""

    def build(builder: Any) -> int:
        written = {name: builder.CreateString(each) if isinstance(each, str) else each for name, each in values.items()}
        getattr(tflite, f"{kind}OptionsStart")(builder)
        for name, value in written.items():
            getattr(tflite, f"{kind}OptionsAdd{name}")(builder, value)
        return int(getattr(tflite, f"{kind}OptionsEnd")(builder))

    return getattr(tflite.BuiltinOptions, f"{kind}Options"), build


def write(
    path: Path,
    tensors: Mapping[str, Tensor],
    operators: Sequence[Operator],
    *,
    inputs: Sequence[str],
    outputs: Sequence[str],
    others: Sequence[tuple[Mapping[str, Tensor], Sequence[Operator], Sequence[str], Sequence[str]]] = (),
    signatures: Sequence[str] = (),
) -> Path:
    """Write a model of one subgraph, and of others that it runs; signatures are of its subgraphs in their order."""
    builder = flatbuffers.Builder(1024)
    graphs = [(tensors, operators, inputs, outputs), *others]
    ops = list(dict.fromkeys(each.op for graph in graphs for each in graph[1]))
    buffers: dict[str, int] = {"": 0}
    built = [_buffer(builder, None)]
    for graph in graphs:
        for name, tensor in graph[0].items():
            key = tensor.buffer or name
            if tensor.data is not None and key not in buffers:
                buffers[key] = len(built)
                built.append(_buffer(builder, np.asarray(tensor.data)))
    codes = [_code(builder, op) for op in ops]
    subgraphs = [_subgraph(builder, ops, buffers, *graph) for graph in graphs]
    entries = [_signature(builder, key, index) for index, key in enumerate(signatures)]
    vectors = [_offsets(builder, each) for each in (codes, subgraphs, built, entries)]
    tflite.ModelStart(builder)
    tflite.ModelAddVersion(builder, 3)
    tflite.ModelAddOperatorCodes(builder, vectors[0])
    tflite.ModelAddSubgraphs(builder, vectors[1])
    tflite.ModelAddBuffers(builder, vectors[2])
    tflite.ModelAddSignatureDefs(builder, vectors[3])
    builder.Finish(tflite.ModelEnd(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    return path


def _signature(builder: Any, key: str, index: int) -> int:
    called = builder.CreateString(key)
    tflite.SignatureDefStart(builder)
    tflite.SignatureDefAddSignatureKey(builder, called)
    tflite.SignatureDefAddSubgraphIndex(builder, index)
    return int(tflite.SignatureDefEnd(builder))


def _offsets(builder: Any, offsets: Sequence[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _buffer(builder: Any, data: Any) -> int:
    vector = None if data is None else builder.CreateByteVector(data.tobytes())
    tflite.BufferStart(builder)
    if vector is not None:
        tflite.BufferAddData(builder, vector)
    return int(tflite.BufferEnd(builder))


def _code(builder: Any, op: str) -> int:
    number = getattr(tflite.BuiltinOperator, op, None)
    custom = builder.CreateString(op) if number is None else None
    number = tflite.BuiltinOperator.CUSTOM if number is None else number
    tflite.OperatorCodeStart(builder)
    tflite.OperatorCodeAddDeprecatedBuiltinCode(builder, min(number, 127))
    tflite.OperatorCodeAddBuiltinCode(builder, number)
    tflite.OperatorCodeAddVersion(builder, 1)
    if custom is not None:
        tflite.OperatorCodeAddCustomCode(builder, custom)
    return int(tflite.OperatorCodeEnd(builder))


def _subgraph(
    builder: Any,
    ops: Sequence[str],
    buffers: Mapping[str, int],
    tensors: Mapping[str, Tensor],
    operators: Sequence[Operator],
    inputs: Sequence[str],
    outputs: Sequence[str],
) -> int:
    index_of = {name: index for index, name in enumerate(tensors)} | {"": -1}
    built = [_tensor(builder, name, tensor, buffers) for name, tensor in tensors.items()]
    run = [_operator(builder, operator, ops.index(operator.op), index_of) for operator in operators]
    vectors = [_offsets(builder, built), _offsets(builder, run)]
    ends = [
        builder.CreateNumpyVector(np.array([index_of[each] for each in end], np.int32)) for end in (inputs, outputs)
    ]
    tflite.SubGraphStart(builder)
    tflite.SubGraphAddTensors(builder, vectors[0])
    tflite.SubGraphAddOperators(builder, vectors[1])
    tflite.SubGraphAddInputs(builder, ends[0])
    tflite.SubGraphAddOutputs(builder, ends[1])
    return int(tflite.SubGraphEnd(builder))


def _tensor(builder: Any, name: str, tensor: Tensor, buffers: Mapping[str, int]) -> int:
    called = builder.CreateString(name)
    shape = builder.CreateNumpyVector(np.array(tensor.shape, np.int32))
    tflite.TensorStart(builder)
    tflite.TensorAddShape(builder, shape)
    tflite.TensorAddType(builder, getattr(tflite.TensorType, tensor.dtype))
    tflite.TensorAddBuffer(builder, 0 if tensor.data is None else buffers[tensor.buffer or name])
    tflite.TensorAddName(builder, called)
    tflite.TensorAddIsVariable(builder, tensor.is_variable)
    return int(tflite.TensorEnd(builder))


def _operator(builder: Any, operator: Operator, code: int, index_of: Mapping[str, int]) -> int:
    made = None if operator.options is None else operator.options[1](builder)
    ends = [
        builder.CreateNumpyVector(np.array([index_of[each] for each in end], np.int32))
        for end in (operator.inputs, operator.outputs)
    ]
    tflite.OperatorStart(builder)
    tflite.OperatorAddOpcodeIndex(builder, code)
    tflite.OperatorAddInputs(builder, ends[0])
    tflite.OperatorAddOutputs(builder, ends[1])
    if operator.options is not None and made is not None:
        tflite.OperatorAddBuiltinOptionsType(builder, operator.options[0])
        tflite.OperatorAddBuiltinOptions(builder, made)
    return int(tflite.OperatorEnd(builder))


def _zeros(*shape: int, kind: str = "float32") -> Any:
    return np.zeros(shape, kind)


def network(path: Path) -> Path:
    """A quantised network as the Edge TPU has it: convolutions, a pool, a dense layer, softmax."""
    tensors = {
        "image": Tensor((1, 8, 8, 3), "INT8"),
        "k1": Tensor((4, 3, 3, 3), "INT8", _zeros(4, 3, 3, 3, kind="int8")),
        "b1": Tensor((4,), "INT32", _zeros(4, kind="int32")),
        "conv/Relu": Tensor((1, 8, 8, 4), "INT8"),
        "k2": Tensor((1, 3, 3, 4), "INT8", _zeros(1, 3, 3, 4, kind="int8")),
        "b2": Tensor((4,), "INT32", _zeros(4, kind="int32")),
        "depthwise": Tensor((1, 8, 8, 4), "INT8"),
        "add": Tensor((1, 8, 8, 4), "INT8"),
        "pool": Tensor((1, 4, 4, 4), "INT8"),
        "shape": Tensor((2,), "INT32", np.array([1, 64], np.int32)),
        "flat": Tensor((1, 64), "INT8"),
        "k3": Tensor((10, 64), "INT8", _zeros(10, 64, kind="int8")),
        "dense": Tensor((1, 10), "INT8"),
        "softmax": Tensor((1, 10), "INT8"),
    }
    relu = 1
    strides = {"StrideH": 1, "StrideW": 1, "Padding": 0}
    window = {"FilterHeight": 2, "FilterWidth": 2, "StrideH": 2, "StrideW": 2}
    operators = [
        Operator(
            "CONV_2D",
            ["image", "k1", "b1"],
            ["conv/Relu"],
            options("Conv2D", FusedActivationFunction=relu, DilationHFactor=1, DilationWFactor=1, **strides),
        ),
        Operator(
            "DEPTHWISE_CONV_2D",
            ["conv/Relu", "k2", "b2"],
            ["depthwise"],
            options("DepthwiseConv2D", DepthMultiplier=1, DilationHFactor=1, DilationWFactor=1, **strides),
        ),
        Operator("ADD", ["conv/Relu", "depthwise"], ["add"], options("Add")),
        Operator("MAX_POOL_2D", ["add"], ["pool"], options("Pool2D", **window)),
        Operator("RESHAPE", ["pool", "shape"], ["flat"], options("Reshape")),
        Operator("FULLY_CONNECTED", ["flat", "k3", ""], ["dense"], options("FullyConnected")),
        Operator("SOFTMAX", ["dense"], ["softmax"], options("Softmax")),
    ]
    return write(path, tensors, operators, inputs=["image"], outputs=["softmax"])
