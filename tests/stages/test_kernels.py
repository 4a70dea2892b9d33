"""Which nodes an optimized model's kernels cover: of small models whose fusions are known."""

from __future__ import annotations

import contextlib
import graphlib
import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser

import slicegraph as sg
from slicegraph.report.terminal import result_to_text

HEADER = '<ir_version: 8, opset_import: ["": 17]> '
CONV = "Conv<kernel_shape = [3, 3], pads = [1, 1, 1, 1]>"
NORM = "BatchNormalization"
MORE = f"f = {CONV}(e, w) g = Add(f, e) h = {CONV}(g, w) y = Add(h, g)"
ENDS: dict[str, Any] = {"producer": [0], "size": [8], "consumers": [1], "consumer_offsets": [0, 1]}
BLOCKS = {
    "a convolution with its normalization and activation": (
        f"a = {CONV}(x, w) b = {NORM}(a, s, o, o, s) c = Relu(b) y = MaxPool<kernel_shape = [2, 2]>(c)",
        [[0, 1, 2], [3]],
    ),
    "a convolution that adds another value": (
        f"a = {CONV}(x, w) b = {CONV}(a, w) c = {NORM}(b, s, o, o, s) d = Add(c, a) e = Relu(d) {MORE}",
        [[0], [1, 2, 3, 4], [5, 6], [7, 8]],
    ),
    "two readers of one activation": (
        f"a = {CONV}(x, w) b = Relu(a) c = {CONV}(b, w) y = Mul(c, b)",
        [[0, 1], [2], [3]],
    ),
    "a node that is not computed": (
        f"a = {CONV}(x, w) b = Identity(a) c = {CONV}(b, w) y = Mul(c, b)",
        [[0, 1], [2], [3]],
    ),
}
GELU = """g (float[1,8,32] x) => (float[1,8,32] y) {
    a = MatMul(x, m) b = Add(a, v) h = Div(b, r) e = Erf(h) p = Add(e, i) q = Mul(b, p) z = Mul(q, half)
    t = Transpose<perm = [0, 2, 1]>(z) u = MatMul(z, t) k = Softmax(u) l = MatMul(k, z) n = Add(l, x)
    y = LayerNormalization(n, v, v) }"""
STORED = {
    "w": (16, 16, 3, 3),
    **dict.fromkeys("so", (16,)),
    "m": (32, 32),
    "v": (32,),
}
SCALARS = {"r": 2**0.5, "i": 1.0, "half": 0.5}


def save(folder: Path, text: str) -> Path:
    model = parser.parse_model(HEADER + text)
    random = np.random.default_rng(0)
    read = {name for node in model.graph.node for name in node.input}
    for name in sorted(read & {*STORED, *SCALARS}):
        value = np.array(SCALARS[name]) if name in SCALARS else random.uniform(0.5, 1.5, STORED[name]) / 16
        model.graph.initializer.append(numpy_helper.from_array(value.astype(np.float32), name))
    path = folder / "model.onnx"
    onnx.save(model, path)
    return path


def groups(graph: sg.Graph) -> list[list[int]]:
    kernel = graph.arrays.kernel
    assert kernel is not None
    return [np.flatnonzero(kernel == number).tolist() for number in range(kernel.max() + 1)]


@pytest.mark.parametrize("name", BLOCKS)
def test_kernels_cover_what_onnxruntime_fuses(name: str, tmp_path: Path) -> None:
    """Its blocked layout is there on every processor that has vectors of 16 or 32 bytes."""
    text, expected = BLOCKS[name]
    path = save(tmp_path, f"g (float[1,16,8,8] x) => (float[N,C,H,W] y) {{ {text} }}")
    graph = sg.profile(path, runs=1, warmup=0)
    assert groups(graph) == expected


def test_products_and_activations_are_one_kernel_each(tmp_path: Path) -> None:
    graph = sg.profile(save(tmp_path, GELU), runs=1, warmup=0)
    assert groups(graph)[:2] == [[0, 1], [2, 3, 4, 5, 6]]
    assert [11, 12] in groups(graph)


def test_kernels_can_run_one_after_the_other(tmp_path: Path) -> None:
    """Contracting each to one node leaves no cycle, and each node has a part of its kernel's time."""
    for text in (GELU, *(f"g (float[1,16,8,8] x) => (float[1,C,H,W] y) {{ {text} }}" for text, _ in BLOCKS.values())):
        graph = sg.profile(save(tmp_path, text), runs=1, warmup=0)
        arrays, kernel = graph.arrays, graph.arrays.kernel
        assert kernel is not None
        assert arrays.work is not None
        before: dict[int, set[int]] = {number: set() for number in kernel.tolist()}
        for tensor, producer in enumerate(arrays.producer.tolist()):
            readers = arrays.consumers[arrays.consumer_offsets[tensor] : arrays.consumer_offsets[tensor + 1]]
            for reader in readers.tolist() if producer >= 0 else ():
                before[int(kernel[reader])] |= {int(kernel[producer])} - {int(kernel[reader])}
        assert len([*graphlib.TopologicalSorter(before).static_order()]) == len(before)


def test_the_answer_keeps_kernels_whole(tmp_path: Path) -> None:
    """Bounds and certificate are of such partitions alone; a plan that cuts a kernel is compared with all."""
    ends: dict[str, Any] = {
        "producer": [0, 1, 2],
        "size": [8, 0, 8],
        "consumers": [1, 2, 3],
        "consumer_offsets": [0, 1, 2, 3],
    }
    graph = sg.Graph(work=[1, 2, 2, 1], kernel=[0, 1, 1, 2], **ends)
    sg.write(graph, tmp_path / "graph.json")
    read = sg.read(tmp_path / "graph.json")
    assert read.digest == graph.digest
    instance = sg.Instance(read, device=sg.Device(bandwidth=8e9), num_blocks=2)
    result = sg.solve(instance)
    assert (str(result.status), result.bottleneck) == ("optimal", 5.000000001)
    assert result.plan.document["by_kernel"] is True
    assert sg.check(read, result.certificate, device=instance.device, num_blocks=2).gap == 0
    assert result.certificate.document["together"] == [[1, 2]]
    assert "2 nodes run as 1 kernel, in one stage: bounds and certificate are of such" in result_to_text(result)
    cut = sg.audit(instance, [0, 0, 1, 1])
    assert (str(cut.status), cut.bottleneck) == ("optimal", 3.0)
    assert str(sg.audit(instance, result.block_of).status) == "optimal"
    assert [row.bottleneck for row in sg.sweep(read, device=instance.device, num_blocks=[2]).rows] == [5.000000001]
    with pytest.raises(sg.InputError, match="stay_near: it takes no kernels"):
        sg.solve(instance, stay_near=[0, 0, 1, 1])
    assert [each.change for each in sg.explain(result).what_ifs] == ["link twice as fast", "one more stage"]


def test_kernels_are_checked() -> None:
    for kernel, message in (
        ([0], "kernel: length 1"),
        ([0, -2], r"kernel\[1\] = -2, but numbers are from 0 on, or -1"),
    ):
        with pytest.raises(sg.InputError, match=message):
            sg.Graph(work=[1, 2], kernel=kernel, **ENDS)


def brute(graph: sg.Graph, instance: sg.Instance, kernel: list[int]) -> float:
    """Find the least bottleneck of all partitions that keep kernels whole."""
    best = math.inf
    for blocks in itertools.product(range(instance.num_blocks), repeat=graph.num_nodes):
        ends = itertools.combinations(range(len(kernel)), 2)
        if all(blocks[u] == blocks[v] for u, v in ends if kernel[u] == kernel[v] >= 0):
            with contextlib.suppress(sg.InputError):
                best = min(best, max(block.cost for block in instance.block_costs(blocks)))
    return best


@pytest.mark.parametrize("seed", range(25))
def test_the_optimum_is_that_of_all_partitions_that_keep_kernels_whole(seed: int) -> None:
    """Also where a kernel has other nodes between its own; and the certificate proves it."""
    random = np.random.default_rng(seed)
    num_nodes = int(random.integers(2, 6))
    pairs = [(u, v) for u, v in itertools.combinations(range(num_nodes), 2) if random.random() < 0.5]
    kernel = random.integers(-1, 3, num_nodes).tolist()
    graph = sg.Graph(
        work=random.integers(1, 9, num_nodes),
        kernel=kernel,
        producer=[u for u, _ in pairs],
        size=random.integers(0, 5, len(pairs)),
        consumers=[v for _, v in pairs],
        consumer_offsets=range(len(pairs) + 1),
    )
    instance = sg.Instance(graph, device=sg.Device(bandwidth=1), num_blocks=int(random.integers(1, 4)))
    result = sg.solve(instance, threads=1)
    assert str(result.status) == "optimal"
    assert result.bottleneck == brute(graph, instance, kernel)
    verdict = sg.check(graph, result.certificate, device=instance.device, num_blocks=instance.num_blocks)
    assert verdict.lower_bound <= result.bottleneck == verdict.bottleneck
    assert sg.audit(instance, result.block_of, threads=1).lower_bound == result.bottleneck
