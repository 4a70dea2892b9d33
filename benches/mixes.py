"""Networks on mixes of unlike devices: how many are proven optimal, and how near the others come.

    python benches/mixes.py FOLDER [--sample 40] [--time-limit 10] [--any-order] > rows.csv

Each graph of the sample is cut for each mix of `MIXES`, its devices in the order in which they stand there, or in any.
Rows go to standard output, a summary to standard error.
"""

from __future__ import annotations

import argparse
import collections
import csv
import dataclasses
import random
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import slicegraph as sg

MIXES: Mapping[str, Sequence[str]] = {
    "a100:2,t4:2,cpu:1": ["a100", "a100", "t4", "t4", "epyc-9654"],
    "h100:1,a100:1,l4:1,t4:1": ["h100", "a100", "l4", "t4"],
    "t4:4,a100:4": ["t4"] * 4 + ["a100"] * 4,
}
"""Presets in pipeline order; the CPU is a server's."""
COLUMNS = ("graph", "nodes", "mix", "status", "bottleneck", "lower_bound", "seconds")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all cases and sum up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sample", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--time-limit", type=float, default=10.0)
    parser.add_argument("--any-order", action="store_true", help="the devices may stand in whichever order is best")
    options = parser.parse_args(arguments)
    paths = sorted(options.folder.glob("*.json.gz"))
    draw = random.Random(options.seed)  # noqa: S311 - a sample, not a secret
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    ratios: dict[str, list[float]] = {mix: [] for mix in MIXES}
    for path in sorted(draw.sample(paths, min(options.sample, len(paths)))):
        graph = sg.read(path)
        for mix in MIXES:
            begin = time.perf_counter()
            result = sg.solve(problem(graph, mix, options.any_order), stop=sg.MaxRuntime(options.time_limit))
            seconds = time.perf_counter() - begin
            ratios[mix].append(result.ratio)
            name = path.name.removesuffix(".json.gz")
            figures = result.bottleneck, result.lower_bound, round(seconds, 4)
            writer.writerow([name, graph.num_nodes, mix, result.status, *figures])
            sys.stdout.flush()
    for mix, found in ratios.items():
        optimal = sum(ratio == 1 for ratio in found) / len(found)
        sys.stderr.write(f"{mix}: {optimal:.1%} optimal, bound / bottleneck mean {statistics.mean(found):.4f},")
        sys.stderr.write(f" least {min(found):.4f}\n")
    return 0


def problem(graph: sg.Graph, mix: str, any_order: bool) -> sg.Instance:  # noqa: FBT001 - as it is typed
    """Give the problem on a mix, whose devices hold whatever a stage needs."""
    presets = {name: dataclasses.replace(sg.Device.preset(name), memory_limit=None, name=name) for name in MIXES[mix]}
    devices = [presets[name] for name in MIXES[mix]]
    if any_order:
        return sg.Instance(graph, devices=collections.Counter(devices), order="any")
    return sg.Instance(graph, devices=devices)


if __name__ == "__main__":
    sys.exit(main())
