"""ONNX networks with random weights, to be profiled, split and measured: six kinds that runtimes fuse differently."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import onnx.backend.test
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

_LIGHT: Final = Path(onnx.backend.test.__file__).parent / "data" / "light"
_VARIANCE: Final = 4  # where a BatchNormalization reads it


class Maker:
    """Makes a model node by node; weights are normal, scaled by how many numbers one output sums up."""

    def __init__(self) -> None:
        self._nodes: list[NodeProto] = []
        self._stored: list[TensorProto] = []
        self._random = np.random.default_rng(0)

    def node(self, op: str, *inputs: str, **attributes: Any) -> str:  # noqa: ANN401 - as ONNX has them
        """Add a node with one output; give its name."""
        name = f"{op.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

    def store(self, values: NDArray[np.float32] | NDArray[np.int64]) -> str:
        """Store a constant; give its name."""
        name = f"stored_{len(self._stored)}"
        self._stored.append(numpy_helper.from_array(values, name))
        return name

    def weight(self, *shape: int) -> str:
        """Store random weights."""
        return self.store(_scaled(self._random, shape))

    def ints(self, *values: int) -> str:
        """Store a shape or the like."""
        return self.store(np.array(values, dtype=np.int64))

    def conv(self, x: str, ends: tuple[int, int], kernel: int = 3, stride: int = 1, *, group: int = 1) -> str:
        """Add a convolution that keeps the size but for the stride."""
        weight = self.weight(ends[1], ends[0] // group, kernel, kernel)
        pads, strides = [kernel // 2] * 4, [stride] * 2
        return self.node("Conv", x, weight, pads=pads, strides=strides, kernel_shape=[kernel] * 2, group=group)

    def norm(self, x: str, channels: int) -> str:
        """Add a batch normalisation."""
        columns = [np.ones(channels), np.zeros(channels), np.zeros(channels), np.ones(channels)]
        return self.node("BatchNormalization", x, *(self.store(each.astype(np.float32)) for each in columns))

    def model(self, name: str, shape: Sequence[int], output: str) -> ModelProto:
        """Give the model whose one input is ``x``."""
        graph = helper.make_graph(
            self._nodes,
            name,
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
            self._stored,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def mobilenet(size: int = 224) -> ModelProto:
    """Give MobileNet v2: inverted residuals of a 1 x 1, a depthwise 3 x 3 and a 1 x 1 convolution."""
    m = Maker()
    x, width = m.node("Clip", m.norm(m.conv("x", (3, 32), stride=2), 32), *_bounds(m)), 32
    for expansion, out, count, first in (
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    ):
        for index in range(count):
            inner, y = width * expansion, x
            if expansion > 1:
                y = m.node("Clip", m.norm(m.conv(y, (width, inner), 1), inner), *_bounds(m))
            stride = first if index == 0 else 1
            y = m.conv(y, (inner, inner), 3, stride, group=inner)
            y = m.node("Clip", m.norm(y, inner), *_bounds(m))
            y = m.norm(m.conv(y, (inner, out), 1), out)
            x = m.node("Add", x, y) if stride == 1 and width == out else y
            width = out
    x = m.node("Clip", m.norm(m.conv(x, (width, 1280), 1), 1280), *_bounds(m))
    x = m.node("Flatten", m.node("GlobalAveragePool", x))
    return m.model("mobilenet", (1, 3, size, size), m.node("Gemm", x, m.weight(1280, 1000), m.weight(1000)))


def _bounds(m: Maker) -> tuple[str, str]:
    return m.store(np.array(0, np.float32)), m.store(np.array(6, np.float32))


def transformer(layers: int = 8, width: int = 256, length: int = 128) -> ModelProto:
    """Give an encoder: attention of heads of 64, and two layers with Gelu between, all from small operators."""
    m, x, heads = Maker(), "x", width // 64
    for _ in range(layers):
        q, k, v = (
            m.node("Transpose", m.node("Reshape", _dense(m, x, width, width), m.ints(1, length, heads, 64)), perm=perm)
            for perm in ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3])
        )
        scores = m.node("Div", m.node("MatMul", q, k), m.store(np.array(8, np.float32)))
        mixed = m.node("MatMul", m.node("Softmax", scores, axis=-1), v)
        mixed = m.node("Reshape", m.node("Transpose", mixed, perm=[0, 2, 1, 3]), m.ints(1, length, width))
        x = _layer_norm(m, m.node("Add", x, _dense(m, mixed, width, width)), width)
        y = _dense(m, x, width, 4 * width)
        half = m.node("Mul", y, m.store(np.array(0.5, np.float32)))
        erf = m.node("Erf", m.node("Div", y, m.store(np.array(2**0.5, np.float32))))
        y = m.node("Mul", half, m.node("Add", erf, m.store(np.array(1, np.float32))))
        x = _layer_norm(m, m.node("Add", x, _dense(m, y, 4 * width, width)), width)
    return m.model("transformer", (1, length, width), x)


def _dense(m: Maker, x: str, before: int, after: int) -> str:
    return m.node("Add", m.node("MatMul", x, m.weight(before, after)), m.weight(after))


def _layer_norm(m: Maker, x: str, width: int) -> str:
    scale, bias = (m.store(np.full(width, value, np.float32)) for value in (1, 0))
    return m.node("LayerNormalization", x, scale, bias, axis=-1)


def unet(size: int = 128, width: int = 24, depth: int = 4) -> ModelProto:
    """Give a U-Net: convolutions on the way down and up, with the way down read again on the way up."""
    m, x, before = Maker(), "x", 3
    kept: list[tuple[str, int]] = []
    for level in range(depth):
        after = width << level
        x = _two(m, x, before, after)
        kept.append((x, after))
        x, before = m.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2]), after
    x = _two(m, x, before, 2 * before)
    before *= 2
    for skip, after in reversed(kept):
        weight = m.weight(before, after, 2, 2)
        up = m.node("ConvTranspose", x, weight, strides=[2, 2], kernel_shape=[2, 2])
        x, before = _two(m, m.node("Concat", skip, up, axis=1), 2 * after, after), after
    return m.model("unet", (1, 3, size, size), m.conv(x, (before, 1), 1))


def _two(m: Maker, x: str, before: int, after: int) -> str:
    for width in (before, after):
        x = m.node("Relu", m.norm(m.conv(x, (width, after)), after))
    return x


def lstm(layers: int = 6, width: int = 256, length: int = 48) -> ModelProto:
    """Give recurrent layers, one on the other, with a dense one behind."""
    m, x = Maker(), "x"
    for _ in range(layers):
        weights = (m.weight(1, 4 * width, width), m.weight(1, 4 * width, width), m.weight(1, 8 * width))
        x = m.node("LSTM", x, *weights, hidden_size=width)
        x = m.node("Squeeze", x, m.ints(1))
    return m.model("lstm", (length, 1, width), m.node("Softmax", _dense(m, x, width, 1000), axis=-1))


def light(name: str) -> ModelProto:
    """Give a network of the onnx package, whose constant weights are replaced by random ones."""
    model = onnx.load(_LIGHT / f"light_{name}.onnx")
    random, graph = np.random.default_rng(0), model.graph
    shapes = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    variances = {node.input[_VARIANCE] for node in graph.node if node.op_type == "BatchNormalization"}
    kept, sizes = [], {node.input[0] for node in graph.node if node.op_type == "ConstantOfShape"}
    for node in graph.node:
        if node.op_type != "ConstantOfShape":
            kept.append(node)
            continue
        values = _scaled(random, tuple(map(int, shapes[node.input[0]])))
        if node.output[0] in variances:
            values = np.ones_like(values)
        graph.initializer.append(numpy_helper.from_array(values, node.output[0]))
    del graph.node[:]
    graph.node.extend(kept)
    stored = [tensor for tensor in graph.initializer if tensor.name not in sizes]
    del graph.initializer[:]
    graph.initializer.extend(stored)
    inputs = [info for info in graph.input if info.name not in sizes]
    del graph.input[:]
    graph.input.extend(inputs)
    return model


def _scaled(random: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float32]:
    fan_in = max(1, int(np.prod(shape[1:])) if len(shape) != 2 else shape[0])  # noqa: PLR2004 - a matrix
    values: NDArray[np.float32] = (random.normal(size=shape) / np.sqrt(fan_in)).astype(np.float32)
    return values


NETWORKS: Final[dict[str, Callable[[], ModelProto]]] = {
    "resnet50": lambda: light("resnet50"),
    "densenet121": lambda: light("densenet121"),
    "mobilenet": mobilenet,
    "transformer": transformer,
    "unet": unet,
    "lstm": lstm,
}
"""The networks by name."""
