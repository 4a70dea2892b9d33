"""Tune networks of several kinds, and measure their plans again.

    python benches/tuning.py [-k 2 3 4] [--networks resnet50 ...] [--runs 20] > table.md

A row per network and number of stages. ``before`` is the first plan as the profile of kernels predicted it, ``after``
the tuned plan as the corrected costs predict it, each against a measurement that neither has seen: both plans are split
and measured again, in turns. Errors are predicted / measured - 1: of the bottleneck, and the largest of any stage.
Seconds are of the processor; ``took`` is that of the whole call.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

import slicegraph as sg
from networks import NETWORKS
from slicegraph.stages.pipeline.alone import measure_alone

_HEADS = (
    *(
        "network",
        "nodes",
        "kernels",
        "k",
        "first ms",
        "tuned ms",
        "tuned/first",
        "bottleneck before",
        "bottleneck after",
    ),
    *("worst stage before", "worst stage after", "rounds", "took s"),
)


def main() -> None:
    """Print a Markdown table, and medians below it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-k", type=int, nargs="+", default=[2, 3, 4])
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--runs", type=int, default=20)
    options = parser.parse_args()
    print(f"| {' | '.join(_HEADS)} |\n|{'---|' * len(_HEADS)}")
    errors: dict[str, list[float]] = {"before": [], "after": [], "ratio": []}
    with tempfile.TemporaryDirectory() as folder:
        for name in options.networks:
            path = Path(folder) / f"{name}.onnx"
            onnx.save(NETWORKS[name](), path)
            for k in options.k:
                print(f"| {' | '.join(_row(name, path, k, options.runs, errors))} |", flush=True)
            path.unlink()
    for what in ("before", "after"):
        sizes = [abs(error) for error in errors[what]]
        print(f"\nBottleneck {what}: median error {statistics.median(sizes):.1%}, largest {max(sizes):.1%}.")
    print(f"\nTuned over first, measured: {min(errors['ratio']):.3f} to {max(errors['ratio']):.3f}.")


def _row(name: str, path: Path, k: int, runs: int, errors: dict[str, list[float]]) -> list[str]:
    begin = time.process_time()
    tuning = sg.tune(path, num_blocks=k, runs=runs)
    took = time.process_time() - begin
    result = tuning.result
    first = tuning.first
    costs = ([block.cost for block in first.block_costs], [block.cost for block in result.block_costs])
    times = _measured(path, (first.block_of, result.block_of), runs)
    before, after = (
        [predicted / seconds - 1 for predicted, seconds in zip(each, measured, strict=True)]
        for each, measured in zip(costs, times, strict=True)
    )
    bottleneck = [max(each) / max(measured) - 1 for each, measured in zip(costs, times, strict=True)]
    errors["before"].append(bottleneck[0])
    errors["after"].append(bottleneck[1])
    errors["ratio"].append(max(times[1]) / max(times[0]))
    kernel = first.instance.graph.arrays.kernel
    return [
        name,
        str(tuning.graph.num_nodes),
        "-" if kernel is None else str(len(set(kernel.tolist()))),
        str(k),
        *(f"{1e3 * max(each):.3f}" for each in times),
        f"{errors['ratio'][-1]:.3f}",
        *(f"{error:+.1%}" for error in bottleneck),
        *(f"{max(each, key=abs):+.1%}" for each in (before, after)),
        str(len(tuning.rounds)),
        f"{took:.1f}",
    ]


def _measured(path: Path, plans: Sequence[NDArray[np.int32]], runs: int) -> list[list[float]]:
    """Measure the stages of plans in turns, twice; of each stage the lower time counts. Equal plans are one."""
    if np.array_equal(plans[0], plans[1]):
        return 2 * [_least(path, plans[0], runs, [])]
    found: list[list[float]] = [[], []]
    for _ in range(2):
        found = [_least(path, block_of, runs, known) for block_of, known in zip(plans, found, strict=True)]
    return found


def _least(path: Path, block_of: NDArray[np.int32], runs: int, known: list[float]) -> list[float]:
    with tempfile.TemporaryDirectory() as folder:
        sg.split(path, block_of, folder)
        clocks = measure_alone(
            Path(folder), inputs={}, seed=0, runs=runs, boundary_io=False, on_run=lambda _stage, _run: None
        )
    return [min(one.cpu, *known[stage : stage + 1]) if known else one.cpu for stage, one in enumerate(clocks)]


if __name__ == "__main__":
    main()
