"""Graphs of many nodes: load from numpy, slice one order, search; per shape. Prints seconds and peak memory.

python benches/large.py [NUM_NODES [NUM_BLOCKS [SECONDS]]]

Costs are given over W / k, the mean work of a block, which no partition beats. The search has 3 s for each 100,000
nodes, but 15 s at most, unless it is told otherwise.
"""

from __future__ import annotations

import resource
import sys
import time
from typing import Any

import numpy as np

import slicegraph as sg

SKIPS = 0.1
SHAPES = {"deep": (6, SKIPS), "wide": (64, SKIPS), "very wide": (1000, SKIPS), "many skips": (6, 1.0)}
"""Nodes of a layer, and the share of nodes that skip layers."""


def layered(num_nodes: int, width: int, seed: int, skips: float = SKIPS) -> dict[str, Any]:
    """Give the arrays of a layered graph.

    Every node but the first layer reads one to three nodes of the layer before, and some one up to eight back.
    """
    random = np.random.default_rng(seed)
    node = np.arange(num_nodes)
    layer = node // width
    previous = np.maximum(layer - 1, 0) * width
    reads = []
    for share in (1.0, 0.67, 0.33):
        reader = node[(layer > 0) & (random.random(num_nodes) < share)]
        reads.append((previous[reader] + random.integers(0, width, reader.size), reader))
    reader = node[(layer > 0) & (random.random(num_nodes) < skips)]
    back = np.minimum(layer[reader], random.integers(1, 9, reader.size))
    reads.append(((layer[reader] - back) * width + random.integers(0, width, reader.size), reader))
    source, reader = (np.concatenate(part) for part in zip(*reads, strict=True))
    # One tensor a node; a set of consumers each.
    pairs = np.unique(source * num_nodes + reader)
    source, reader = pairs // num_nodes, pairs % num_nodes
    return {
        "work": 1e-5 * 10 ** random.random(num_nodes),
        "producer": node.astype(np.int32),
        "size": (1e5 * 10 ** random.random(num_nodes)).astype(np.int64),
        "consumers": reader.astype(np.int32),
        "consumer_offsets": np.concatenate(([0], np.cumsum(np.bincount(source, minlength=num_nodes)))),
    }


def measure(name: str, arrays: dict[str, Any], num_blocks: int, seconds: float) -> None:
    """Load, slice, search, print."""
    num_nodes = len(arrays["work"])
    begin = time.perf_counter()
    graph = sg.Graph(**arrays)
    loaded = time.perf_counter()
    instance = sg.Instance(graph, device=sg.Device(bandwidth=64e9), num_blocks=num_blocks)
    prepared = time.perf_counter()
    slicing = sg.slice_order(instance, np.arange(num_nodes))
    sliced = time.perf_counter()
    found = sg.search(instance, stop=sg.MaxRuntime(seconds))
    mean = sum(arrays["work"]) / num_blocks
    print(
        f"{name}: n = {num_nodes}, k = {num_blocks}: load {loaded - begin:.2f} s, instance {prepared - loaded:.2f} s, "
        f"slice {sliced - prepared:.2f} s: {slicing.bottleneck / mean:.4f} W / k, "
        f"search {found.seconds:.2f} s: {found.bottleneck / mean:.4f} W / k, "
        f"peak so far {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB",
        flush=True,
    )


def main() -> None:
    """Measure every shape."""
    num_nodes, num_blocks = (int(text) for text in (sys.argv[1:3] + ["1000000", "64"][len(sys.argv[1:3]) :]))
    seconds = float(sys.argv[3]) if sys.argv[3:] else min(15.0, 3.0 * num_nodes / 1e5)
    for name, (width, skips) in SHAPES.items():
        measure(name, layered(num_nodes, width, 1, skips), num_blocks, seconds)


if __name__ == "__main__":
    main()
