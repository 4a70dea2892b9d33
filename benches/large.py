"""Graphs of many nodes: load from numpy, slice one order, search; per shape. Prints seconds and peak memory.

python benches/large.py [NUM_NODES [NUM_BLOCKS [SECONDS]]]

Costs are given over W / k, the mean work of a block, which no partition beats. The search has 3 s for each 100,000
nodes, but 15 s at most, unless it is told otherwise.
"""

from __future__ import annotations

import dataclasses
import resource
import sys
import time

import numpy as np

import slicegraph as sg

SKIPS = 0.1
SHAPES = {"deep": (6, SKIPS), "wide": (64, SKIPS), "very wide": (1000, SKIPS), "many skips": (6, 1.0)}
"""Nodes of a layer, and the share of nodes that skip layers."""


def measure(name: str, generated: sg.Graph, num_blocks: int, seconds: float) -> None:
    """Load, slice, search, print."""
    arrays, num_nodes = dataclasses.asdict(generated.arrays), generated.num_nodes
    begin = time.perf_counter()
    graph = sg.Graph(**arrays)
    loaded = time.perf_counter()
    instance = sg.Instance(graph, num_blocks=num_blocks)
    prepared = time.perf_counter()
    slicing = sg.slice_order(instance, np.arange(num_nodes))
    sliced = time.perf_counter()
    found = sg.search(instance, stop=sg.MaxRuntime(seconds))
    mean = arrays["work"].sum() / num_blocks
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
        num_layers = -(-num_nodes // width)
        graph = sg.generate.layered(num_layers=num_layers, width=width, skip_probability=skips, seed=1)
        measure(name, graph, num_blocks, seconds)


if __name__ == "__main__":
    main()
