"""What is fuzzed: each target makes a changed input from a stream of random numbers, and gives it to its reader."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import onnx
from onnx import parser

import slicegraph as sg
from fuzz import mutations
from pipelines import chain
from slicegraph.errors import CertificateError, InputError
from slicegraph.formats.plan import read_plan
from slicegraph.stages.manifest import check_entries, read_manifest
from slicegraph.stages.pipeline.folder import read_split
from tflite_models import network

GRAPH: dict[str, Any] = {
    "format": "slicegraph-graph-1",
    "name": "g",
    "nodes": {
        "op": ["a", "b", "c", "d"],
        "name": ["n0", "n1", "n2", "n3"],
        "work": [1.0, 2.0, 0.0, 4.5],
        "flops": [10, 20, 30, 40],
        "read_bytes": [1, 2, 3, 4],
        "write_bytes": [1, 2, 3, 4],
        "param_bytes": [100, 0, 7, 9],
        "is_view": [0, 0, 1, 0],
    },
    "tensors": {
        "producer": [-1, 0, 1, 0, 2],
        "size": [8, 16, 4, 32, 1],
        "consumers": [[0], [1, 2], [3], [3], []],
        "is_output": [False, False, False, False, True],
        "name": ["i", "x", "y", "z", "o"],
    },
    "device": {"bandwidth": 64.0, "flops": 5.0, "memory_bandwidth": 3.0, "memory": 10, "memory_limit": 500},
}
MSR: dict[str, Any] = {
    "maxSizePerFPGA": 900,
    "maxFPGAs": 2,
    "maxCPUs": 1,
    "nodes": [
        {"id": 3 + at, "name": f"n{at}", "supportedOnFpga": 1, "fpgaLatency": 1.5, "cpuLatency": 2, "size": 10}
        for at in range(3)
    ],
    "edges": [{"sourceId": 3, "destId": 4, "cost": 0.5}, {"sourceId": 4, "destId": 5, "cost": 0.25}],
}
PIPER: dict[str, Any] = {
    "maxMemoryPerDevice": 900.0,
    "maxDevices": 2,
    "bandwidth": 1e9,
    "mbsInBatch": 4,
    "nodes": [
        {"id": at, "name": f"n{at}", "TMPCs": {"1": [{"id": "vanilla", "timePerSample": 0.5, "parameterSize": 10}]}}
        for at in range(3)
    ],
    "edges": [
        {"sourceId": 0, "destId": 1, "communicationCost": 8},
        {"sourceId": 1, "destId": 2, "communicationCost": 4},
    ],
}
PIPEDREAM = """\
node1 -- Input0 -- forward_compute_time=0.0, backward_compute_time=0.0, activation_size=0.0, parameter_size=0
node2 -- LSTM(8) -- forward_compute_time=1.5, backward_compute_time=1, activation_size=[256.0; 128.0], parameter_size=9
node3 -- Add(inplace) -- forward_compute_time=2, backward_compute_time=9, activation_size=250.0, parameter_size=0
\tnode1 -- node2
\tnode2 -- node3
"""
COST_GRAPH = """
node { name: "_SOURCE" }
node { name: "a" id: 3 output_info { size: 100 alias_input_port: -1 dtype: DT_FLOAT shape { dim { size: 5 } } }
  compute_cost: 7 persistent_memory_size: 12 }
node { name: 'b' id: 4 input_info { preceding_node: 3 preceding_port: 0 } control_input: 0 is_final: true
  output_info < size: 8 > compute_cost: 0x10 }
"""
HYPERDAG = """\
% HyperDAG file format v1
2 3 4
1 16
0 8
0 5
2 0
1 3
0 0
0 1
1 2
0 2
"""
DOT = """
digraph g { a [work=1.5, op="MatMul", param_bytes=64]; node [shape=box]; a:out -> "b" -> c [size=4];
  subgraph cluster { b [work="2"]; c [work=0 size=3]; d [work=1] } c -> d; }
"""
STABLEHLO = """
module @m {
  func.func public @main(%p: tensor<3x4x4xf32> loc("p['w']"), %x: tensor<2x4xf32> loc("x")) -> tensor<2x4xf32> {
    %c = stablehlo.constant dense<0> : tensor<i32>
    %0:2 = stablehlo.while(%i = %c, %y = %x) : tensor<i32>, tensor<2x4xf32>
    cond {
      %n = stablehlo.constant dense<3> : tensor<i32>
      %1 = stablehlo.compare LT, %i, %n, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %1 : tensor<i1>
    } do {
      %one = stablehlo.constant dense<1> : tensor<i32>
      %1 = stablehlo.dynamic_slice %p, %i, %c, %c, sizes = [1, 4, 4]
        : (tensor<3x4x4xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x4x4xf32>
      %2 = stablehlo.reshape %1 : (tensor<1x4x4xf32>) -> tensor<4x4xf32>
      %3 = stablehlo.dot_general %y, %2, contracting_dims = [1] x [0]
        : (tensor<2x4xf32>, tensor<4x4xf32>) -> tensor<2x4xf32>
      %4 = func.call @act(%3) : (tensor<2x4xf32>) -> tensor<2x4xf32>
      %5 = stablehlo.add %i, %one : tensor<i32>
      stablehlo.return %5, %4 : tensor<i32>, tensor<2x4xf32>
    }
    return %0#1 : tensor<2x4xf32>
  }
  func.func private @act(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
    %0 = stablehlo.tanh %x : tensor<2x4xf32> loc("jit(f)/act/tanh")
    %1 = stablehlo.custom_call @other(%0) : (tensor<2x4xf32>) -> tensor<2x4xf32>
    return %1 : tensor<2x4xf32>
  }
}
"""
MODELS = (
    """g (float[n,4] x, int64[n] rows) => (float[n,4] c, float[2,4] b) <float[4] w = {1, 2, 3, 4}>
    { a = Mul(x, w) b = Gather(a, rows) c = Relu(a) }""",
    """g (float[1,3,8,8] x) => (float[1,6] y) <float[2,3,3,3] w, int64[2] s = {1, -1}>
    { a = Conv<pads = [1,1,1,1], strides = [2,2]>(x, w) b = MaxPool<kernel_shape = [2,2]>(a)
      c = Reshape(b, s) d = Softmax<axis = -1>(c) y = Identity(d) }""",
    """g (float[2,4] x) => (float[2,4] y) <float[4,4] w>
    { a = MatMul(x, w) s = Shape(a) k = Constant<value_ints = [0]>() e = Gather<axis = 0>(s, k)
      f = Concat<axis = 0>(e, e) r = Transpose<perm = [1,0]>(a) t = Transpose(r) y = Exp(t) }""",
)


class Corpus:
    """The valid inputs that are changed, and a folder for what comes of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.graph = sg.Graph(
            work=[1, 2, 3], producer=[0, 1], size=[8, 8], consumers=[1, 2], consumer_offsets=[0, 1, 2]
        )
        instance = sg.Instance(self.graph, device=sg.Device(bandwidth=2.0), num_blocks=2)
        methods = ("downsets", "exact", "brkga", "node", "bottleneck_guess")
        results = [sg.solve(instance, method=method, stop=sg.MaxRuntime(2), threads=1) for method in methods]
        self.certificates = [result.certificate.document for result in results]
        chain(folder / "stages")
        self.manifest = json.loads((folder / "stages/manifest.json").read_text())
        self.manifest["predicted"] = {"bottleneck": 1.0, "device": {"bandwidth": 1e9}}
        header = '<ir_version: 8, opset_import: ["": 17]>'
        self.models = [parser.parse_model(header + text).SerializeToString() for text in MODELS]


def _file(corpus: Corpus, name: str, raw: bytes) -> Path:
    path = corpus.folder / name
    path.write_bytes(raw)
    return path


def _json(random: Random, value: Any) -> bytes:
    raw = json.dumps(mutations.document(random, value)).encode()
    chance = random.random()
    return mutations.content(random, raw) if chance < 0.1 else mutations.packed(random, raw) if chance < 0.15 else raw


def use(random: Random, graph: sg.Graph) -> None:
    """Solve what could be read, for a moment, on some device."""

    def pick(*values: Any) -> Any:
        return random.choice(values)

    figures = {
        "bandwidth": pick(1.0, 1e-300, 1e300, 64e9),
        "flops": pick(1.0, 1e12, 1e300, None),
        "memory_bandwidth": pick(1.0, 1e12, None),
        "memory": pick(None, 0, 10, 2**53),
        "memory_limit": pick(None, 0, 100, 2**53),
        "overflow_bandwidth": pick(None, 1.0, 1e-300),
    }
    device = None if random.random() < 0.3 else sg.Device(**figures)
    instance = sg.Instance(
        graph, device=device, num_blocks=pick(1, 2, 3, 100, 2**20), boundary_io=random.random() < 0.5
    )
    if graph.num_nodes > 50:
        return
    instance.block_costs([0] * graph.num_nodes)
    result = sg.search(instance, stop=sg.MaxEvaluations(1), threads=1)
    if random.random() < 0.1:
        sg.lower_bound(
            instance, method=pick("node", "downsets", "combinatorial"), time_limit=0.2, upper_bound=result.bottleneck
        )


def _planner(format_: str, value: Any) -> Callable[[Corpus, Random], None]:
    def target(corpus: Corpus, random: Random) -> None:
        raw = mutations.content(random, value.encode()) if isinstance(value, str) else _json(random, value)
        use(random, sg.read(_file(corpus, "graph.json", raw), format=format_))

    return target


def plan(corpus: Corpus, random: Random) -> None:
    """Plans in every shape, as JSON and as text."""
    shapes = ([0, 0, 1], {"n0": 0, "n1": 1, "n2": 1}, [["n0"], [1, "2"]], {"block_of": [0, 1, 1], "num_blocks": 2})
    if random.random() < 0.3:
        raw = mutations.content(random, b"0 0, 1 # a plan\n")
    else:
        raw = _json(random, random.choice((*shapes, corpus.certificates[0])))
    path = _file(corpus, random.choice(("plan.json", "plan.txt")), raw)
    read_plan(path, num_nodes=3, node_names=random.choice((None, ["n0", "n1", "n2"])))


def certificate(corpus: Corpus, random: Random) -> None:
    """Certificates, mostly sealed anew, so that more than the seal is looked at."""
    changed = mutations.document(random, random.choice(corpus.certificates))
    if isinstance(changed, dict) and random.random() < 0.8:
        found = sg.Certificate.of(changed)
    else:
        found = sg.Certificate.read(_file(corpus, "certificate.json", _json(random, changed)))
    sg.check(corpus.graph, found, budget=10_000)


def manifest(corpus: Corpus, random: Random) -> None:
    """Manifests, as `run` and as `verify-split` read them, which now and then runs the stages."""
    folder = corpus.folder / "stages"
    (folder / "manifest.json").write_bytes(_json(random, corpus.manifest))
    chance = random.random()
    if chance < 0.45:
        read_split(folder)
    elif chance < 0.9:
        check_entries(read_manifest(folder))
    else:
        sg.verify_split(folder, corpus.folder / "stages.onnx")


def arrays(_corpus: Corpus, random: Random) -> None:
    """Arguments of `Graph`, and of what takes one."""
    nodes, tensors = GRAPH["nodes"], GRAPH["tensors"]
    flat = [node for row in tensors["consumers"] for node in row]
    given: dict[str, Any] = {
        **{key: nodes[key] for key in ("work", "param_bytes")},
        **{key: tensors[key] for key in ("producer", "size", "is_output")},
        "consumers": flat,
        "consumer_offsets": [0, 1, 3, 4, 5, 5],
    }
    if random.random() < 0.5:
        del given["work"]
        given |= {key: nodes[key] for key in ("flops", "read_bytes", "write_bytes", "is_view")}
    for key in random.sample(sorted(given), random.choice((0, 1, 1, 2))):
        given[key] = mutations.array(random, given[key])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy's own, of values that are refused behind it
        graph = sg.Graph(**given)
        use(random, graph)
        instance = sg.Instance(graph, device=sg.Device(bandwidth=8.0, flops=1.0, memory_bandwidth=1.0), num_blocks=3)
        instance.block_costs(mutations.array(random, [0, 0, 1, 2]))
        sg.slice_order(instance, mutations.array(random, [0, 1, 2, 3]))


def model(corpus: Corpus, random: Random) -> None:
    """ONNX models whose bytes, or whose fields, were changed."""
    raw = random.choice(corpus.models)
    if random.random() < 0.4:
        raw = mutations.content(random, raw)
    else:
        proto = onnx.ModelProto.FromString(raw)
        for _ in range(random.choice((1, 1, 2, 4))):
            _change_message(random, proto)
        raw = proto.SerializeToString()
    dims = random.choice((None, {"n": 2}, {"n": 0}, {"x": 2**62}))
    use(random, sg.read(_file(corpus, "model.onnx", raw), dims=dims))


def _change_message(random: Random, message: Any) -> None:
    """Change one field somewhere in a message, of its own type."""
    fields = message.ListFields()
    if not fields:
        return
    field, value = random.choice(fields)
    many = not isinstance(value, int | float | str | bytes) and hasattr(value, "append")
    if many and random.random() < 0.15:
        del value[random.randrange(len(value))]
        return
    if many and random.random() < 0.1 and hasattr(value, "add"):
        value.add().CopyFrom(random.choice(list(value)))
        return
    if field.message_type is not None:
        _change_message(random, random.choice(list(value)) if many else value)
        return
    old = random.choice(list(value)) if many else value
    new: Any = random.choice((-1, 0, 1, 2, 3, 7, 16, 2**31 - 1, 2**62))
    if isinstance(old, float):
        new = random.choice((0.0, -1.0, float("nan"), float("inf"), 1e30))
    elif isinstance(old, str):
        new = random.choice(("", "x", "a", "Relu", "If", "Loop", "Reshape", "ai.onnx", "a\0b", "\x1b[2J"))
    elif isinstance(old, bytes):
        new = random.choice((b"", b"x", random.randbytes(8)))
    try:
        if many:
            value[random.randrange(len(value))] = new
        else:
            setattr(message, field.name, new)
    except (ValueError, TypeError):
        message.ClearField(field.name)


def tflite(corpus: Corpus, random: Random) -> None:
    """TFLite models whose bytes were changed."""
    raw = network(corpus.folder / "whole.tflite").read_bytes()
    use(random, sg.read(_file(corpus, "model.tflite", mutations.content(random, raw))))


TARGETS: Mapping[str, Callable[[Corpus, Random], None]] = {
    "native": _planner("native", GRAPH),
    "msr": _planner("msr", MSR),
    "piper": _planner("piper", PIPER),
    "pipedream": _planner("pipedream", PIPEDREAM),
    "cost_graph": _planner("cost_graph", COST_GRAPH),
    "stablehlo": _planner("stablehlo", STABLEHLO),
    "hyperdag": _planner("hyperdag", HYPERDAG),
    "dot": _planner("dot", DOT),
    "plan": plan,
    "certificate": certificate,
    "manifest": manifest,
    "arrays": arrays,
    "model": model,
    "tflite": tflite,
}
ALLOWED = (InputError, CertificateError)


def attempt(corpus: Corpus, name: str, seed: int, number: int) -> BaseException | None:
    """Try one input, which is a function of target, seed and number; give what must not have come out."""
    try:
        TARGETS[name](corpus, Random(f"{name} {seed} {number}"))  # noqa: S311 - no secret
    except ALLOWED as error:
        return None if str(error).isprintable() else AssertionError(f"not one printable line: {error!r}")
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a panic is no Exception
        return error
    return None
