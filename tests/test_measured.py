"""Work measured elsewhere: names, operators in order, segments, and what is left open."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import parser

import slicegraph as sg
from slicegraph.cli import main

ENDS: dict[str, Any] = {"producer": [0, 1, 2], "size": [8] * 3, "consumers": [1, 2, 3], "consumer_offsets": range(4)}
OPS = ["aten.conv2d.default", "aten.relu.default", "aten.conv2d.default", "aten.linear.default"]


def chain(**columns: Any) -> sg.Graph:
    names = ["0/conv2d", "1/relu", "2/conv2d_1", "3/linear"]
    op = [op.rpartition(".")[0] for op in OPS]
    return sg.Graph(**ENDS | {"node_name": names, "tensor_name": ["x", "y", "z"], "op": op} | columns)


def work(found: sg.Coverage) -> list[float]:
    assert found.graph.arrays.work is not None
    return [float(seconds) for seconds in found.graph.arrays.work]


def event(name: str, begin: float, length: float, category: str = "cpu_op", external: int = 0) -> dict[str, Any]:
    where = {"pid": 1, "tid": 1, "args": {"External id": external}}
    return {"ph": "X", "name": name, "cat": category, "ts": begin, "dur": length, **where}


def test_csv_names_nodes_globs_and_indices(tmp_path: Path) -> None:
    path = tmp_path / "times.csv"
    path.write_text("name,seconds\n0/conv2d,3\n*/relu,0.5\nnobody,7\n3,2\n")
    found = sg.with_measured(chain(work=[1, 1, 4, 1]), path)
    assert work(found) == [3.0, 0.5, 4.0, 2.0]
    assert (found.covered.tolist(), found.open.tolist(), found.unused) == ([0, 1, 3], [2], (("nobody", 7.0),))
    assert (found.seconds, found.share) == (5.5, 5.5 / 9.5)


def test_segments_are_shared_out_in_proportion(tmp_path: Path) -> None:
    """What single nodes take is left out of their segment."""
    path = tmp_path / "segments.json"
    segments = [
        {"nodes": ["*conv2d*"], "seconds": 10},
        {"nodes": [1, "3/linear"], "seconds": 4},
        {"nodes": [1], "seconds": 1},
    ]
    path.write_text(json.dumps({"segments": segments}))
    found = sg.with_measured(chain(work=[1, 1, 4, 1]), path)
    assert work(found) == pytest.approx([2.0, 1.0, 8.0, 3.0], rel=0.02)
    assert found.open.size == 0


def test_open_nodes_have_a_scaled_roofline() -> None:
    """Without work, the figures of a device say how nodes compare, and what was measured how long they take."""
    graph = chain(flops=[4e9, 1e9, 4e9, 2e9])
    found = sg.with_measured(graph, {"0/conv2d": 8.0}, device=sg.Device(bandwidth=1, flops=1e12, memory_bandwidth=1e12))
    assert work(found) == pytest.approx([8.0, 2.0, 8.0, 4.0])
    assert found.open.tolist() == [1, 2, 3]
    assert work(sg.with_measured(graph, [(["0/conv2d", "1/relu"], 10.0)])) == pytest.approx([8, 2, 8, 4], rel=0.01)


def test_operators_of_a_trace_are_matched_in_order(tmp_path: Path) -> None:
    """Where a run has as many as the graph; medians are over runs, and what lies outside of them is passed over."""
    events = [event("aten::conv2d", 0, 99)]
    for run, scale in enumerate((1, 2, 9)):
        at = 1000 * (run + 1)
        events += [
            event(f"ProfilerStep#{run}", at, 900, "user_annotation"),
            event("aten::conv2d", at + 1, 100 * scale),
            event("aten::convolution", at + 2, 50),
            event("1/relu", at + 300, 10 * scale),
            event("aten::conv2d", at + 400, 200 * scale),
        ]
    path = tmp_path / "trace.json"
    path.write_text(json.dumps({"traceEvents": [*events, {"ph": "M", "name": "meta"}]}))
    found = sg.with_measured(chain(work=[1, 1, 1, 1]), path)
    assert work(found) == pytest.approx([200e-6, 20e-6, 400e-6, 1.0])
    assert (found.open.tolist(), [name for name, _ in found.unused]) == ([3], ["aten::convolution"])


def test_operators_have_the_seconds_of_their_kernels(tmp_path: Path) -> None:
    """A GPU works later than it is told; each event without marks of runs is a run."""
    events = [
        event("aten::linear", 0, 10, external=1),
        event("aten::addmm", 2, 6, external=2),
        event("gemm", 50, 300, "kernel", 2),
        event("aten::linear", 100, 10, external=3),
        event("gemm", 500, 100, "kernel", 3),
    ]
    path = tmp_path / "trace.json"
    path.write_text(json.dumps(events))
    assert work(sg.with_measured(chain(work=[1, 1, 1, 1]), path)) == pytest.approx([1, 1, 1, 200e-6])


def test_a_profile_of_onnxruntime_is_read(tmp_path: Path) -> None:
    """The nodes of a model that ran without optimizations are all covered."""
    text = """<ir_version: 9, opset_import: ["": 18]> mlp (float[64,64] x) => (float[64,64] y) {
        [first] a = MatMul(x, x) [second] b = Tanh(a) [third] y = MatMul(b, b) }"""
    path = tmp_path / "mlp.onnx"
    onnx.save(parser.parse_model(text), path)
    options = onnxruntime.SessionOptions()
    options.enable_profiling, options.profile_file_prefix = True, str(tmp_path / "profile")
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    for _ in range(3):
        session.run(None, {"x": np.ones((64, 64), np.float32)})
    found = sg.with_measured(sg.read(path), session.end_profiling())
    assert (found.covered.tolist(), found.open.tolist(), found.unused) == ([0, 1, 2], [], ())


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "0/conv2d,1\n0/conv2d,2\n", "line 2: '0/conv2d' has its seconds already"),
        ("a.csv", "name,seconds\n0/conv2d,x\n", "line 2: '0/conv2d,x' is not name,seconds"),
        ("a.csv", "0/conv2d,-1\n", "line 1: -1.0 are no seconds"),
        ("a.csv", "0/conv2d,1\n" + "x" * 200_000 + ",1\n", "line 2: field larger than field limit"),
        ("a.csv", "nobody,1\n", "nothing in it is the name of a node, such as 'nobody'"),
        ("a.json", "{}", 'neither a list of events, nor an object with "traceEvents" or "segments"'),
        ("a.json", '{"segments": [{"nodes": 1, "seconds": 2}]}', r'segments\[0\]: "nodes" is not a list'),
        (
            "a.json",
            '{"segments": [{"nodes": [1], "seconds": 1' + "0" * 400 + "}]}",
            r"segments\[0\]: 10+ are no seconds",
        ),
        ("a.json", '{"segments": [{"nodes": [1]}]}', r"segments\[0\]: None are no seconds"),
    ],
)
def test_a_file_that_is_none_is_refused_by_name(name: str, text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(sg.InputError, match=message) as caught:
        sg.with_measured(chain(work=[1, 1, 1, 1]), path)
    assert str(caught.value).startswith(str(path))


def test_the_command_says_what_is_covered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    graph, times = tmp_path / "graph.json", tmp_path / "times.csv"
    sg.write(chain(work=[1, 1, 1, 1]), graph)
    times.write_text("0/conv2d,3\nnobody,1\n")
    assert main(["solve", str(graph), "-k", "2", "--measured", str(times), "--json"]) == 0
    captured = capsys.readouterr()
    assert max(block["work"] for block in json.loads(captured.out)["block_costs"]) == 3.0
    assert captured.err == (
        f"slicegraph: --measured {times}: 1 of 4 nodes are measured, 50.00% of the work; the work of 3 is an estimate"
        " (1 aten.relu, 1 aten.conv2d, 1 aten.linear); 1 name is of no node ('nobody')\n"
    )
