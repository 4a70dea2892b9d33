"""Every lower bound on the graphs of a folder, as a fraction of the best partition known.

    python benches/lower_bounds.py FOLDER [--glob '*'] [--sample 30] [-k 2 8 16 32] [--time-limit 10] [--search 1]
                             [--device testbed | --bandwidth 1e9] [--optima TABLE.md] [--workers 2] > rows.csv

A row per graph and number of blocks: seconds, status and fraction per method, and the fraction that needs no solver's
word. A summary of geometric means on standard error. ``--optima`` names a Markdown table of known optima in
milliseconds; exit status 1 when a bound is above one of them.
"""

from __future__ import annotations

import argparse
import csv
import math
import random
import re
import sys
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import slicegraph as sg

METHODS = ("combinatorial", "bottleneck", "bottleneck_guess", "exact")
ROUNDING = 1e-5
"""Of the published sizes, to whole bytes."""


def main() -> int:
    """Bound, print, compare."""
    options = _parser().parse_args()
    paths = sorted(options.folder.glob(f"{options.glob}.json.gz"))
    if options.sample:
        paths = sorted(random.Random(options.seed).sample(paths, options.sample))  # noqa: S311 - a sample of graphs
    optima = known_optima(options.optima) if options.optima else {}
    cases = [(path, num_blocks) for path in paths for num_blocks in options.num_blocks]
    writer, num_wrong = None, 0
    means: dict[tuple[int, str], list[float]] = defaultdict(list)
    with ThreadPoolExecutor(options.workers) as pool:
        for row in pool.map(lambda case: _row(case[0], case[1], options), cases):
            known = next((value for name, value in optima.items() if row["graph"].endswith(name)), {}).get(row["k"])
            row["optimum"] = known
            num_wrong += known is not None and any(
                row[method] * row["best"] > known * (1 + ROUNDING) for method in METHODS
            )
            writer = writer or csv.DictWriter(sys.stdout, list(row))
            if not means:
                writer.writeheader()
            writer.writerow(row)
            sys.stdout.flush()
            for method in METHODS:
                means[row["k"], method].append(row[method])
    for (num_blocks, method), ratios in sorted(means.items()):
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        sys.stderr.write(f"k = {num_blocks:2}  {method:16}  {mean:.4f}\n")
    sys.stderr.write(f"{num_wrong} rows with a bound above the optimum that is known\n")
    return int(num_wrong > 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--glob", default="*")
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-k", "--num-blocks", type=int, nargs="+", default=[2, 8, 16, 32])
    parser.add_argument("--time-limit", type=float, default=10.0)
    parser.add_argument("--search", type=float, default=1.0)
    parser.add_argument("--device", default="testbed")
    parser.add_argument("--bandwidth", type=float)
    parser.add_argument("--optima", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    return parser


def _row(path: Path, num_blocks: int, options: argparse.Namespace) -> dict[str, Any]:
    device = sg.Device(bandwidth=options.bandwidth) if options.bandwidth else sg.Device.preset(options.device)
    instance = sg.Instance(sg.read(path), device=device, num_blocks=num_blocks)
    best = sg.search(instance, stop=sg.MaxRuntime(options.search), threads=1).bottleneck
    row: dict[str, Any] = {
        "graph": path.name.removesuffix(".json.gz"),
        "num_nodes": instance.graph.num_nodes,
        "k": num_blocks,
        "best": best,
    }
    for method in METHODS:
        bound = sg.lower_bound(instance, method=method, time_limit=options.time_limit, upper_bound=best)
        row[method] = bound.lower_bound / best
        row[f"{method}_verified"] = bound.verified_lower_bound / best
        row[f"{method}_seconds"] = round(bound.seconds, 3)
        row[f"{method}_status"] = bound.status
    return row


def known_optima(path: Path) -> dict[str, dict[int, float]]:
    """Read a table of graphs by number of blocks; a head such as ``32, 64`` stands for both."""
    lines = [line for line in path.read_text().splitlines() if line.startswith("|")]
    heads, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    columns = [[int(number) for number in re.findall(r"\d+", head)] for head in heads[1:]]
    return {
        f"{name}_inference": {
            number: float(cell.lstrip("≤")) / 1000
            for numbers, cell in zip(columns, cells, strict=True)
            for number in numbers
        }
        for name, *cells in rows
        if set(name) - set("-: ")
    }


if __name__ == "__main__":
    sys.exit(main())
