"""ONNX models for the tests of splitting: written as text or drawn at random, and their stages run by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper, parser

import slicegraph as sg
from slicegraph.stages.manifest import Manifest

Arrays = dict[str, NDArray[Any]]
HEADER = '<ir_version: 10, opset_import: ["": 17]>'
FEEDS: Arrays = {
    "x": np.linspace(-2, 2, 8, dtype=np.float32).reshape(2, 4),
    "y": np.linspace(1, -3, 8, dtype=np.float32).reshape(2, 4),
}
_WEIGHTS = 3


def write(path: Path, model: str | ModelProto) -> Path:
    """Write a model, or the text of one in ONNX's own syntax, with or without its header."""
    if isinstance(model, str):
        model = parser.parse_model(model if model.startswith("<") else f"{HEADER} {model}")
    path.write_bytes(model.SerializeToString())
    return path


def run(path: Path, feeds: Arrays) -> Arrays:
    """Run a model with nothing optimised away."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, feeds), strict=True))


def run_stages(directory: Path, manifest: Manifest, feeds: Arrays) -> Arrays:
    """Run stages as the manifest says: each gets what it lists from whom it names, and nothing else."""
    made: list[Arrays] = []
    results: Arrays = {}
    for stage in manifest["stages"]:
        read: Arrays = {}
        for tensor in stage["inputs"]:
            name, source = tensor["name"], tensor["from"]
            read[name] = feeds[name] if source == "model" else made[source][name]
            assert [*read[name].shape] == tensor["shape"]
            assert (str(read[name].dtype), read[name].nbytes) == (tensor["dtype"], tensor["bytes"])
        outputs = run(directory / stage["file"], read)
        assert [*outputs] == [tensor["name"] for tensor in stage["outputs"]]
        made.append({tensor["name"]: outputs[tensor["name"]] for tensor in stage["outputs"]})
        results |= {each["name"]: outputs[each["name"]] for each in stage["outputs"] if "model" in each["to"]}
    return results


def check_files(directory: Path, manifest: Manifest) -> None:
    """Every stage is valid by ONNX's own strictest check, and the whole is."""
    for name in [stage["file"] for stage in manifest["stages"]] + ["annotated.onnx"]:
        onnx.checker.check_model(directory / name, full_check=True)


def check(path: Path, plan: list[int], *, dims: dict[str, int] | None = None, feeds: Arrays = FEEDS) -> Manifest:
    """Split; require valid files and the whole's own outputs; give the manifest."""
    directory = path.parent / "stages"
    manifest = sg.split(path, plan, directory, dims=dims)
    assert json.loads((directory / "manifest.json").read_text()) == manifest
    check_files(directory, manifest)
    asked = {tensor["name"]: feeds[tensor["name"]] for tensor in manifest["inputs"]}
    whole, chained = run(path, asked), run_stages(directory, manifest, asked)
    assert whole.keys() == chained.keys()
    for name, value in whole.items():
        np.testing.assert_array_equal(chained[name], value)
    return manifest


@st.composite
def models(draw: st.DrawFn) -> ModelProto:
    """Draw a model of (2, 4) floats: shared weights, constants of every kind, branches, halves, and any outputs."""
    drawer = _Drawer(draw)
    for _ in range(draw(st.integers(1, 16))):
        drawer.add()
    # Something must be left to run when all constants are folded.
    outputs = [*dict.fromkeys(["v0", *draw(st.lists(st.sampled_from(drawer.values), max_size=4))])]
    outputs += draw(st.lists(st.sampled_from(drawer.sizes), max_size=1)) if drawer.sizes else []
    graph = helper.make_graph(
        drawer.nodes,
        "drawn",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 4]) for name in ("x", "y")],
        [drawer.info(name) for name in outputs],
        drawer.weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


class _Drawer:
    """Adds nodes, each of which reads what there is."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self.nodes: list[NodeProto] = []
        self.values = ["x", "y", *(f"w{index}" for index in range(_WEIGHTS))]
        self.halves: list[str] = []
        self.sizes: list[str] = []
        self.weights = [
            numpy_helper.from_array(np.linspace(-1, index, 8, dtype=np.float32).reshape(2, 4), f"w{index}")
            for index in range(_WEIGHTS)
        ]
        self._made = 0
        self._node("Relu", ["x"], self.values)

    def info(self, name: str) -> Any:
        if name in self.sizes:
            return helper.make_tensor_value_info(name, TensorProto.INT64, [2])
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n" if name in "xy" else 2, 4])

    def add(self) -> None:
        kinds = ["unary", "binary", "binary", "split", "join", "constant", "size", "if", "known if"]
        kind = self._draw(st.sampled_from(kinds))
        if kind == "unary":
            self._node(self._draw(st.sampled_from(["Tanh", "Neg", "Identity"])), [self._pick()], self.values)
        elif kind == "binary":
            self._node(self._draw(st.sampled_from(["Add", "Mul", "Max"])), [self._pick(), self._pick()], self.values)
        elif kind == "split":
            self._node("Split", [self._pick()], self.halves, outputs=2, axis=1)
        elif kind == "join" and self.halves:
            halves = [self._draw(st.sampled_from(self.halves)) for _ in range(2)]
            self._node("Concat", halves, self.values, axis=1)
        elif kind == "constant":
            array = np.full((2, 4), 0.5, dtype=np.float32)
            self._node("Constant", [], self.values, value=numpy_helper.from_array(array))
        elif kind == "size":
            size = self._node("Shape", [self._pick()], self.sizes)
            square = self._node("Mul", [size, self._draw(st.sampled_from(self.sizes))], [])
            self._node("Reshape", [self._pick(), self._node("Div", [square, size], self.sizes)], self.values)
        elif kind == "if":
            total = self._node("ReduceSum", [self._pick()], [], keepdims=0)
            self._node("If", [self._node("Cast", [total], [], to=TensorProto.BOOL)], self.values, **self._branches())
        elif kind == "known if":
            condition = numpy_helper.from_array(np.array(self._draw(st.booleans())))
            self._node("If", [self._node("Constant", [], [], value=condition)], self.values, **self._branches())

    def _branches(self) -> dict[str, Any]:
        """Two branches that capture what is outside, or its shape alone."""
        branches = {}
        for name in ("then_branch", "else_branch"):
            made = f"{name}{self._made}"
            if self._draw(st.booleans()):
                nodes = [helper.make_node("Sub", [self._pick(), self._pick()], [made])]
            else:
                nodes = [
                    helper.make_node("Shape", [self._pick()], [f"{made}s"]),
                    helper.make_node("Expand", ["w0", f"{made}s"], [f"{made}e"]),
                    helper.make_node("Tanh", [f"{made}e"], [made]),
                ]
            info = helper.make_tensor_value_info(made, TensorProto.FLOAT, [2, 4])
            branches[name] = helper.make_graph(nodes, name, [], [info])
        return branches

    def _pick(self) -> str:
        return self._draw(st.sampled_from(self.values))

    def _node(self, op: str, inputs: list[str], made: list[str], *, outputs: int = 1, **attributes: Any) -> str:
        names = [f"v{self._made + index}" for index in range(outputs)]
        self._made += outputs
        self.nodes.append(helper.make_node(op, inputs, names, **attributes))
        made.extend(names)
        return names[0]


@st.composite
def plans(draw: st.DrawFn, graph: sg.Graph) -> list[int]:
    """Draw the block of each node, none below that of what it reads, with gaps."""
    arrays = graph.arrays
    least = [0] * graph.num_nodes
    reads: list[list[int]] = [[] for _ in range(graph.num_nodes)]
    for tensor, producer in enumerate(arrays.producer.tolist()):
        for reader in arrays.consumers[arrays.consumer_offsets[tensor] : arrays.consumer_offsets[tensor + 1]].tolist():
            reads[reader].extend([producer] if producer >= 0 else [])
    for node in range(graph.num_nodes):
        step = draw(st.sampled_from([0, 0, 0, 1, 2]))
        least[node] = max((least[producer] for producer in reads[node]), default=0) + step
    return least
