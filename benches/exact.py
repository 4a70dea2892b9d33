"""Solve the graphs of a folder, one case after the other, and tell for how many the optimum is proven, and how fast.

    python benches/exact.py FOLDER OUT.csv [--glob '*'] [--sample N --seed S] [-k 2 4 8 16 32 64] [--time-limit 10]
                            [--threads 2] [--device testbed | --bandwidth 1e9] [--optima TABLE.md] [--open ROWS.csv]
                            [--summary]

A row per graph and number of blocks is added to ``OUT.csv`` as soon as it is known, and rows that are there are not
done again, so a run that was killed goes on where it was. ``--sample`` takes some of the graphs; with ``--open``, the
cases are those of another table without a proven optimum, and ``--sample`` takes some of these. ``--optima`` names a
Markdown table of known optima in milliseconds. The summary on standard error is of all rows of ``OUT.csv``;
``--summary`` gives it without solving anything. Exit status 1 when a row is wrong.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import random
import re
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lower_bounds import ROUNDING, known_optima

import slicegraph as sg

COLUMNS = (
    *("graph", "k", "nodes", "reduced_nodes", "downsets", "transitions", "bottleneck", "bound", "combinatorial"),
    *("seconds", "status", "optimum", "threads", "time_limit"),
)
_UPPER = "≤"
"""Marks an optimum of which only an upper bound is known."""

Case = tuple[str, int]
Row = dict[str, str]


def main(arguments: Sequence[str] | None = None) -> int:
    """Solve what is missing, then summarise."""
    options = _parser().parse_args(arguments)
    if not options.summary:
        _solve_all(options)
    rows = read_rows(options.out)
    if not rows:
        sys.exit(f"{options.out}: no cases")
    wrong = [row for row in rows if is_wrong(row)]
    sys.stderr.write("\n".join([*summary(rows), f"{len(wrong)} wrong{_listed(wrong)}", ""]))
    return int(bool(wrong))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--glob", default="*")
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-k", "--num-blocks", type=int, nargs="+", default=[2, 4, 8, 16, 32, 64])
    parser.add_argument("--time-limit", type=float, default=10.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="testbed")
    parser.add_argument("--bandwidth", type=float)
    parser.add_argument("--optima", type=Path)
    parser.add_argument("--open", type=Path)
    parser.add_argument("--summary", action="store_true")
    return parser


def _solve_all(options: argparse.Namespace) -> None:
    optima = _optima(options.optima) if options.optima else {}
    options.out.touch()
    os.truncate(options.out, len(_whole_lines(options.out)))
    done = {_case(row) for row in read_rows(options.out)}
    cases = [case for case in _cases(options) if case not in done]
    begin = time.perf_counter()
    with options.out.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if file.tell() == 0:
            writer.writeheader()
        for number, (graph, num_blocks) in enumerate(cases, 1):
            row = _row(graph, num_blocks, options)
            row["optimum"] = next((known.get(num_blocks) for name, known in optima.items() if graph.endswith(name)), "")
            writer.writerow(row)
            file.flush()
            minutes = (time.perf_counter() - begin) / number * (len(cases) - number) / 60
            what = f"{graph} k = {num_blocks}: {row['status']} in {row['seconds']} s"
            sys.stderr.write(f"{number}/{len(cases)} {what}, {minutes:.0f} min left\n")


def _cases(options: argparse.Namespace) -> list[Case]:
    pick = random.Random(options.seed).sample  # noqa: S311 - a sample of graphs
    if options.open:
        cases = sorted(_case(row) for row in read_rows(options.open) if row["status"] != "optimal")
        return sorted(pick(cases, min(options.sample, len(cases)))) if options.sample else cases
    graphs = sorted(path.name.removesuffix(".json.gz") for path in options.folder.glob(f"{options.glob}.json.gz"))
    if options.sample:
        graphs = sorted(pick(graphs, min(options.sample, len(graphs))))
    return [(graph, num_blocks) for graph in graphs for num_blocks in sorted(set(options.num_blocks))]


def _row(graph: str, num_blocks: int, options: argparse.Namespace) -> dict[str, Any]:
    device = sg.Device(bandwidth=options.bandwidth) if options.bandwidth else sg.Device.preset(options.device)
    instance = sg.Instance(sg.read(options.folder / f"{graph}.json.gz"), device=device, num_blocks=num_blocks)
    result = sg.solve(instance, stop=sg.MaxRuntime(options.time_limit), threads=options.threads)
    bounds = {bound.method: bound for bound in result.bounds}
    exact = bounds.get("downsets")
    found = exact and exact.downsets
    return {
        "graph": graph,
        "k": num_blocks,
        "nodes": instance.graph.num_nodes,
        "reduced_nodes": exact and exact.num_groups,
        "downsets": found and found.downsets,
        "transitions": found and found.transitions,
        "bottleneck": result.bottleneck,
        "bound": result.lower_bound,
        "combinatorial": bounds["combinatorial"].lower_bound,
        "seconds": round(result.seconds, 3),
        "status": str(result.status),
        "threads": options.threads,
        "time_limit": options.time_limit,
    }


def _optima(path: Path) -> dict[str, dict[int, str]]:
    """Known optima as cells of a row; one that the table marks as an upper bound stays marked."""
    upper = {float(number) / 1000 for number in re.findall(rf"{_UPPER}\s*([\d.]+)", path.read_text(encoding="utf-8"))}
    return {
        name: {number: f"{_UPPER * (value in upper)}{value}" for number, value in known.items()}
        for name, known in known_optima(path).items()
    }


def _whole_lines(path: Path) -> bytes:
    data = path.read_bytes()
    return data[: data.rfind(b"\n") + 1]


def read_rows(path: Path) -> list[Row]:
    """Read the rows that were written to their end."""
    rows = csv.DictReader(_whole_lines(path).decode().splitlines())
    if rows.fieldnames and tuple(rows.fieldnames) != COLUMNS:
        sys.exit(f"{path}: its columns are not {', '.join(COLUMNS)}")
    return list(rows)


def _case(row: Row) -> Case:
    return row["graph"], int(row["k"])


def is_wrong(row: Row) -> bool:
    """Whether a bound is above a partition or the known optimum, or a partition is better than a proven optimum."""
    bottleneck, bound = float(row["bottleneck"]), float(row["bound"])
    if bound > bottleneck or (row["status"] == "optimal" and bound < bottleneck):
        return True
    if not row["optimum"]:
        return False
    optimum, is_proven = float(row["optimum"].lstrip(_UPPER)), not row["optimum"].startswith(_UPPER)
    return bound > optimum * (1 + ROUNDING) or (is_proven and bottleneck < optimum * (1 - ROUNDING))


def summary(rows: list[Row]) -> list[str]:
    """Tell in lines how many optima are proven, how fast, and what is left."""
    by_blocks, by_family = defaultdict(list), defaultdict(list)
    for row in sorted(rows, key=_case):
        by_blocks[int(row["k"])].append(row)
        if row["status"] != "optimal":
            by_family["_".join(re.findall(r"[A-Za-z]+", row["graph"])[:2])].append(row)
    seconds = [float(row["seconds"]) for row in rows]
    stuck = [row for row in rows if float(row["bound"]) <= float(row["combinatorial"]) < float(row["bottleneck"])]
    return [
        f"{_optimal(rows)}, seconds: median {statistics.median(seconds):.3f}, max {max(seconds):.3f}",
        *(
            f"k = {num_blocks:2}  {_optimal(some)}, geometric mean of bound / bottleneck {_mean(some):.6f}"
            for num_blocks, some in sorted(by_blocks.items())
        ),
        f"{len(stuck)} bounds not above the combinatorial one, though the bottleneck is{_listed(stuck)}",
        *(f"open: {len(some)} of {family}{_listed(some)}" for family, some in sorted(by_family.items())),
    ]


def _optimal(rows: list[Row]) -> str:
    count = sum(row["status"] == "optimal" for row in rows)
    return f"{count} of {len(rows)} cases optimal ({count / len(rows):.2%})"


def _ratio(row: Row) -> float:
    return 1.0 if row["bound"] == row["bottleneck"] else float(row["bound"]) / float(row["bottleneck"])


def _mean(rows: list[Row]) -> float:
    ratios = [_ratio(row) for row in rows]
    return math.exp(statistics.fmean(map(math.log, ratios))) if min(ratios) > 0 else 0.0


def _listed(rows: list[Row]) -> str:
    return "".join(f"{', ' if index else ': '}{row['graph']} k = {row['k']}" for index, row in enumerate(rows))


if __name__ == "__main__":
    sys.exit(main())
