"""Search methods beside each other at equal time, on the graphs that the exact method leaves open.

    python benches/search.py FOLDER OUT.csv --open ROWS.csv [--sample 20] [-k 8 32] [--threads 2] [--known ROWS.csv ...]
                             [--methods hybrid brkga anneal orders cp_sat] [--summary]

The cases are the graphs with the widest gaps in ``ROWS.csv``, a table of the testbed, over the given numbers of blocks.
Each of ``hybrid`` (the default search), ``brkga`` (as in the paper) and ``anneal`` has one run of 10 s and two of 1 s,
with seeds of their own, and tells what it had after 0.1, 1 and 10 s. ``orders`` slices 10,000 random orders; ``cp_sat``
gives OR-tools 10 s, in a process of its own, on the exact model of the reduced graph, with the natural order
cut where the work is even as a hint (``pip install ortools``). All have as many threads.

A row per answer is added to ``OUT.csv`` when its run ends, and runs that are there are not done again. The summary on
standard error is the geometric mean of bottleneck / best known, per method and time; best known is the least in all
the tables that are named.
"""

from __future__ import annotations

import argparse
import csv
import math
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import slicegraph as sg
from testbed.rival import cp_sat
from testbed.table import lines

COLUMNS = ("graph", "k", "method", "seed", "limit", "seconds", "bottleneck", "threads")
MARKS = (0.1, 1.0, 10.0)
RUNS = ((0, 10.0), (1, 1.0), (2, 1.0))
"""Seeds and seconds of the anytime methods."""
NUM_ORDERS = 10_000
METHODS = ("hybrid", "brkga", "anneal", "orders", "cp_sat")

Row = dict[str, str]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is missing, then summarise."""
    options = _parser().parse_args(arguments)
    known = [row for path in options.known for row in _read_known(path)]
    if not options.summary:
        _run_all(options)
    sys.stderr.write("\n".join([*summary(read_rows(options.out), known), ""]))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--open", type=Path)
    parser.add_argument("--sample", type=int, default=20)
    parser.add_argument("-k", "--num-blocks", type=int, nargs="+", default=[8, 32])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--known", type=Path, nargs="*", default=[])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--summary", action="store_true")
    return parser


def read_rows(path: Path) -> list[Row]:
    """Give the rows of a table but those of cases that failed; none when there is no such file."""
    return [row for row in csv.DictReader(lines(path)) if row.get("bottleneck") != ""]


def _read_known(path: Path) -> list[Row]:
    """Give the rows of a table of bottlenecks, or end here, before hours of runs."""
    rows = read_rows(path)
    if rows and not {"graph", "k", "bottleneck"} <= rows[0].keys():
        sys.exit(f"{path}: a table of what is known has columns graph, k and bottleneck")
    return rows


def hardest(rows: Sequence[Row], num_blocks: Sequence[int], sample: int) -> list[str]:
    """Give the graphs whose gaps are the widest together."""
    gaps: dict[str, float] = defaultdict(float)
    for row in rows:
        if row["method"] == "solve" and int(row["k"]) in num_blocks and float(row["bottleneck"]) > 0:
            gaps[row["graph"]] -= math.log(float(row["lower_bound"]) / float(row["bottleneck"]))
    return sorted(gaps, key=lambda graph: -gaps[graph])[:sample]


def _run_all(options: argparse.Namespace) -> None:
    graphs = hardest(read_rows(options.open), options.num_blocks, options.sample)
    done = {tuple(row[name] for name in COLUMNS[:4]) for row in read_rows(options.out)}
    runs = [
        (graph, k, method, seed, seconds)
        for graph in graphs
        for k in options.num_blocks
        for method in options.methods
        for seed, seconds in (RUNS if method in METHODS[:3] else RUNS[:1])
        if (graph, str(k), method, str(seed)) not in done
    ]
    with options.out.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if file.tell() == 0:
            writer.writeheader()
        for number, (graph, k, method, seed, seconds) in enumerate(runs, 1):
            device = sg.Device.preset("testbed")
            instance = sg.Instance(sg.read(options.folder / f"{graph}.json.gz"), device=device, num_blocks=k)
            for limit, taken, bottleneck in _run(instance, method, seed, seconds, options.threads):
                cells = (graph, k, method, seed, limit, round(taken, 3), bottleneck, options.threads)
                writer.writerow(dict(zip(COLUMNS, cells, strict=True)))
            file.flush()
            sys.stderr.write(f"{number}/{len(runs)} {graph} k = {k}: {method}, seed {seed}\n")


def _run(
    instance: sg.Instance, method: str, seed: int, seconds: float, threads: int
) -> Iterator[tuple[float, float, float]]:
    """Give time limits, seconds and bottlenecks."""
    if method == "cp_sat":
        answer = cp_sat(instance, seconds, threads)
        yield seconds, answer.seconds, answer.bottleneck
        return
    if method == "orders":
        params = sg.BrkgaParams(population=NUM_ORDERS, generations=0)
        result = sg.search(instance, method="brkga", params=params, seed=seed, threads=threads)
        yield 0.0, result.seconds, result.bottleneck
        return
    marks = [mark for mark in MARKS if mark <= seconds]
    at: dict[float, float] = {}
    last = math.inf

    def hear(progress: sg.Progress) -> None:
        nonlocal last
        for mark in marks:
            if progress.seconds > mark:
                at.setdefault(mark, last)
        last = progress.bottleneck

    stop = sg.MaxRuntime(seconds)
    result = sg.search(instance, method=method, stop=stop, seed=seed, threads=threads, callback=hear)
    for mark in marks:
        # The last answer is at most a poll late, and counts for the whole run.
        yield (
            mark,
            min(mark, result.seconds),
            result.bottleneck if mark == marks[-1] else at.get(mark, result.bottleneck),
        )


def summary(rows: Sequence[Row], known: Sequence[Row]) -> list[str]:
    """Give a line per method and time limit."""
    best: dict[tuple[str, str], float] = defaultdict(lambda: math.inf)
    for row in [*rows, *known]:
        best[row["graph"], row["k"]] = min(best[row["graph"], row["k"]], float(row["bottleneck"]))
    ratios: dict[tuple[str, float], list[float]] = defaultdict(list)
    for row in rows:
        ratio = float(row["bottleneck"]) / best[row["graph"], row["k"]]
        ratios[row["method"], float(row["limit"])].append(ratio)
    lines = [f"{'method':8} {'limit':>6} {'answers':>7} {'mean':>8} {'worst':>8}  (bottleneck / best known)"]
    for (method, limit), values in sorted(ratios.items(), key=lambda item: (METHODS.index(item[0][0]), item[0][1])):
        found = [value for value in values if math.isfinite(value)]
        mean = statistics.geometric_mean(found) if found else math.inf
        without = f", {len(values) - len(found)} without a partition" if len(found) < len(values) else ""
        lines.append(f"{method:8} {limit or 'all':>6} {len(values):7} {mean:8.4f} {max(values):8.4f}{without}")
    return lines


if __name__ == "__main__":
    main()
