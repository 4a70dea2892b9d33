"""A million nodes: load from numpy, slice one order into 64 blocks. Prints seconds and peak memory.

python benches/large.py [NUM_NODES [NUM_BLOCKS]]
"""

from __future__ import annotations

import resource
import sys
import time
from typing import Any

import numpy as np

import slicegraph as sg

SKIPS = 0.1


def layered(num_nodes: int, width: int, seed: int) -> dict[str, Any]:
    """Give the arrays of a layered graph.

    Every node but the first layer reads one to three nodes of the layer before, and one in ten a node up to eight back.
    """
    random = np.random.default_rng(seed)
    node = np.arange(num_nodes)
    layer = node // width
    previous = np.maximum(layer - 1, 0) * width
    reads = []
    for share in (1.0, 0.67, 0.33):
        reader = node[(layer > 0) & (random.random(num_nodes) < share)]
        reads.append((previous[reader] + random.integers(0, width, reader.size), reader))
    reader = node[(layer > 0) & (random.random(num_nodes) < SKIPS)]
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


def main() -> None:
    """Load, slice, print."""
    num_nodes, num_blocks = (int(text) for text in (sys.argv[1:] + ["1000000", "64"][len(sys.argv) - 1 :]))
    arrays = layered(num_nodes, 6, 1)
    begin = time.perf_counter()
    graph = sg.Graph(**arrays)
    loaded = time.perf_counter()
    instance = sg.Instance(graph, device=sg.Device(bandwidth=64e9), num_blocks=num_blocks)
    prepared = time.perf_counter()
    slicing = sg.slice_order(instance, np.arange(num_nodes))
    sliced = time.perf_counter()
    mean = sum(arrays["work"]) / num_blocks
    print(
        f"n = {num_nodes}, k = {num_blocks}: load {loaded - begin:.2f} s, instance {prepared - loaded:.2f} s, "
        f"slice {sliced - prepared:.2f} s, bottleneck / (W / k) = {slicing.bottleneck / mean:.4f}, "
        f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB"
    )


if __name__ == "__main__":
    main()
