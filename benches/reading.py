"""How long an ONNX model takes to be read: beside ONNX's own loading and inference, and per node as models grow.

    python benches/reading.py [--repeat 7] [--most 20000]

For each light network of the onnx package, `slicegraph.read` and ``onnx.load`` with ``infer_shapes`` in turn, each as
often as asked; the least processor time counts.  Then two families of models: transformers, and chains that compute
each shape anew from the shape before, as exporters write them; microseconds per node of the file, and the exponent of
their growth.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

import slicegraph as sg

_WIDTH = 16


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all, and print a table of each part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--most", type=int, default=20_000, help="nodes of the largest model of a family")
    options = parser.parse_args(arguments)
    sys.stdout.write("\n".join([*_light(options.repeat), "", *_families(options.repeat, options.most), ""]))
    return 0


def _light(repeat: int) -> Iterator[str]:
    yield f"{'network':<16} {'nodes':>6} {'load + infer, ms':>17} {'read, ms':>9} {'ratio':>6}"
    ratios = []
    for path in sorted((Path(onnx.__file__).parent / "backend/test/data/light").glob("light_*.onnx")):
        theirs, ours = _least(repeat, [partial(_inferred, path), partial(sg.read, path)])
        ratios.append(ours / theirs)
        nodes = len(onnx.load(path).graph.node)
        name = path.stem.removeprefix("light_")
        yield f"{name:<16} {nodes:>6} {1e3 * theirs:>17.2f} {1e3 * ours:>9.2f} {ours / theirs:>6.2f}"
    yield f"median {statistics.median(ratios):.2f}, worst {max(ratios):.2f}"


def _families(repeat: int, most: int) -> Iterator[str]:
    yield f"{'family':<16} {'nodes':>6} {'us a node':>10} {'load + infer':>13} {'ratio':>6}"
    with tempfile.TemporaryDirectory() as folder:
        for name, block in (("transformer", _layer), ("shape chain", _step)):
            points = []
            for nodes in (most // 32, most // 8, most // 2, most):
                path = Path(folder) / f"{name}.onnx"
                size = _write(path, block, nodes)
                calls: list[Callable[[], object]] = [
                    partial(_inferred, path),
                    partial(sg.read, path, dims={"batch": 2, "length": 24}),
                ]
                theirs, ours = _least(min(repeat, 3), calls)
                points.append((math.log(size), math.log(ours)))
                figures = f"{1e6 * ours / size:>10.1f} {1e6 * theirs / size:>13.1f} {ours / theirs:>6.2f}"
                yield f"{name:<16} {size:>6} {figures}"
            (low, first), (high, last) = points[0], points[-1]
            yield f"{name}: time grows with nodes to the power {(last - first) / (high - low):.2f}"


def _inferred(path: Path) -> object:
    return onnx.shape_inference.infer_shapes(onnx.load(path))


def _least(repeat: int, calls: Sequence[Callable[[], object]]) -> list[float]:
    """Call each in turn; give the least processor seconds of each."""
    best = [math.inf] * len(calls)
    for _ in range(repeat):
        for index, call in enumerate(calls):
            begin = time.process_time()
            call()
            best[index] = min(best[index], time.process_time() - begin)
    return best


class _Writer:
    """Collects nodes and weights."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.stored: list[TensorProto] = []
        self._names = count()

    def node(self, op: str, *inputs: str, **attributes: Any) -> str:  # noqa: ANN401 - as ONNX has it
        """Add a node with one output; give its name."""
        name = f"{op}_{next(self._names)}"
        self.nodes.append(helper.make_node(op, inputs, [name], name=f"node_{name}", **attributes))
        return name

    def weight(self, array: NDArray[Any]) -> str:
        """Store an array; give its name."""
        name = f"weight_{next(self._names)}"
        self.stored.append(numpy_helper.from_array(array, name))
        return name

    def floats(self, *shape: int) -> str:
        """Store weights of a shape."""
        return self.weight(np.zeros(shape, np.float32))

    def linear(self, entered: str, wide: int, out: int) -> str:
        """Multiply with weights and add a bias."""
        return self.node("Add", self.node("MatMul", entered, self.floats(wide, out)), self.floats(out))

    def view(self, entered: str, *shape: int) -> str:
        """Reshape to constants."""
        return self.node("Reshape", entered, self.weight(np.array(shape, np.int64)))


def _layer(to: _Writer, entered: str) -> str:
    """Add one layer of a transformer."""
    wide, heads = _WIDTH, 4
    scale, shift = to.floats(wide), to.floats(wide)
    normal = to.node("LayerNormalization", entered, scale, shift, axis=-1, epsilon=1e-5)
    split = [
        to.node("Transpose", to.view(to.linear(normal, wide, wide), 2, 24, heads, wide // heads), perm=perm)
        for perm in ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3])
    ]
    scores = to.node("Div", to.node("MatMul", split[0], split[1]), to.weight(np.array(2, np.float32)))
    mixed = to.node("MatMul", to.node("Softmax", scores, axis=-1), split[2])
    joined = to.view(to.node("Transpose", mixed, perm=[0, 2, 1, 3]), 2, 24, wide)
    attended = to.node("Add", entered, to.linear(joined, wide, wide))
    normal = to.node("LayerNormalization", attended, to.floats(wide), to.floats(wide), axis=-1, epsilon=1e-5)
    inner = to.linear(normal, wide, 4 * wide)
    halved = to.node("Div", inner, to.weight(np.array(1.41421, np.float32)))
    raised = to.node("Add", to.node("Erf", halved), to.weight(np.array(1, np.float32)))
    gelu = to.node("Mul", to.node("Mul", inner, raised), to.weight(np.array(0.5, np.float32)))
    return to.node("Add", attended, to.linear(gelu, 4 * wide, wide))


def _step(to: _Writer, entered: str) -> str:
    """Compute a shape from a value's own, as exporters write a view, and go back."""
    zero, one, axis = (to.node("Constant", value=numpy_helper.from_array(np.array(each))) for each in (0, 1, [0]))
    batch = to.node("Gather", to.node("Shape", entered), zero, axis=0)
    length = to.node("Gather", to.node("Shape", entered), one, axis=0)
    rows = to.node("Mul", batch, length)
    rest = to.node("Constant", value=numpy_helper.from_array(np.array([-1])))
    flat = to.node("Concat", to.node("Unsqueeze", rows, axis), rest, axis=0)
    active = to.node("Relu", to.node("Reshape", entered, flat))
    whole = to.node("Concat", to.node("Unsqueeze", batch, axis), to.node("Unsqueeze", length, axis), rest, axis=0)
    return to.node("Reshape", active, whole)


def _write(path: Path, block: Callable[[_Writer, str], str], nodes: int) -> int:
    """Write a model of about so many nodes; give how many it has."""
    to, name = _Writer(), "x"
    while len(to.nodes) < nodes:
        name = block(to, name)
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", "length", _WIDTH])
    returned = helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
    graph = helper.make_graph(to.nodes, path.stem, [value], [returned], to.stored)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return len(to.nodes)


if __name__ == "__main__":
    sys.exit(main())
