"""Two builds in turn on the same cases: the same answers, and how much time each takes.

    python benches/paired.py OLD/bin/python NEW/bin/python FOLDER [--sample 40] [-k 2 4 8 16 32 64] [--time-limit 2]
                             [--repeat 3] > rows.csv

Each build is an interpreter in which that build is installed. For each case the builds answer one after the other,
the first of them in turn, and the least of so many times counts; the time is that of `solve`, from the call to the
result. Rows go to standard output, a summary to standard error. Exit status 1 when the two differ: in the status or
the value of a case that both prove, or in which of them prove it.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

_CHILD = """
import json, sys, time
import slicegraph as sg
graphs = {}
for line in sys.stdin:
    path, blocks, seconds = json.loads(line)
    if path not in graphs:
        graphs.clear()
        graphs[path] = sg.read(path)
    instance = sg.Instance(graphs[path], device=sg.Device.preset("testbed"), num_blocks=blocks)
    begin, cpu = time.perf_counter(), time.process_time()
    result = sg.solve(instance, stop=sg.MaxRuntime(seconds), seed=0, threads=2)
    times = time.perf_counter() - begin, time.process_time() - cpu
    print(json.dumps([str(result.status), result.bottleneck, result.lower_bound, *times]), flush=True)
"""
COLUMNS = ("graph", "k", "build", "status", "bottleneck", "lower_bound", "seconds", "cpu")


class Build:
    """An interpreter that solves cases."""

    def __init__(self, name: str, python: Path) -> None:
        self.name = name
        self._child = subprocess.Popen(  # noqa: S603 - an interpreter that the caller names
            [python, "-P", "-c", _CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def solve(self, path: Path, blocks: int, seconds: float) -> list[Any]:
        """Solve a case; give status, bottleneck, lower bound, seconds and processor seconds."""
        stdin, stdout = self._child.stdin, self._child.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("the child has no pipes")
        stdin.write(json.dumps([str(path), blocks, seconds]) + "\n")
        stdin.flush()
        answer: list[Any] = json.loads(stdout.readline())
        return answer


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all cases and sum up."""
    options = _parser().parse_args(arguments)
    paths = sorted(options.folder.glob("*.json.gz"))
    draw = random.Random(options.seed)  # noqa: S311 - a sample, not a secret
    sample = sorted(draw.sample(paths, min(options.sample, len(paths))))
    builds = [Build("old", options.old), Build("new", options.new)]
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    pairs = []
    for case, (path, blocks) in enumerate((path, blocks) for path in sample for blocks in options.num_blocks):
        pair = _pair(builds if case % 2 else builds[::-1], path, blocks, options)
        pairs.append((f"{path.name.removesuffix('.json.gz')} k={blocks}", pair))
        for build in builds:
            writer.writerow([path.name.removesuffix(".json.gz"), blocks, build.name, *pair[build.name]])
        sys.stdout.flush()
    differences = list(_differences(pairs))
    sys.stderr.write("\n".join([*_summary(pairs), *differences, ""]))
    return bool(differences)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sample", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("-k", "--num-blocks", type=int, nargs="+", default=[2, 4, 8, 16, 32, 64])
    parser.add_argument("--time-limit", type=float, default=2.0)
    parser.add_argument("--repeat", type=int, default=3, help="of each case that both prove; the least time counts")
    return parser


def _pair(builds: Sequence[Build], path: Path, blocks: int, options: argparse.Namespace) -> dict[str, list[Any]]:
    """Give the answer of each build to a case, with its least times."""
    best: dict[str, list[Any]] = {}
    for _ in range(options.repeat):
        for build in builds:
            answer = build.solve(path, blocks, options.time_limit)
            known = best.get(build.name)
            if known is None or (answer[0] == "optimal", -answer[3]) > (known[0] == "optimal", -known[3]):
                best[build.name] = answer
        if all(answer[0] != "optimal" for answer in best.values()):
            # Nothing is compared of what neither proves.
            break
    return best


def _differences(pairs: Sequence[tuple[str, dict[str, list[Any]]]]) -> Iterator[str]:
    for name, pair in pairs:
        old, new = pair["old"], pair["new"]
        proven = [answer[0] == "optimal" for answer in (old, new)]
        if proven[0] != proven[1] or (all(proven) and old[1] != new[1]):
            yield f"{name}: old {old[0]} {old[1]:.9g}, new {new[0]} {new[1]:.9g}"


def _summary(pairs: Sequence[tuple[str, dict[str, list[Any]]]]) -> Iterator[str]:
    both = [pair for _, pair in pairs if all(answer[0] == "optimal" for answer in pair.values())]
    yield f"{len(pairs)} cases, both prove {len(both)}"
    for column, name in ((3, "seconds"), (4, "processor seconds")):
        ratios = [pair["new"][column] / pair["old"][column] for pair in both]
        if ratios:
            total = sum(pair["new"][column] for pair in both) / sum(pair["old"][column] for pair in both)
            yield f"new / old, {name}: median {statistics.median(ratios):.3f}, of the sums {total:.3f}"


if __name__ == "__main__":
    sys.exit(main())
