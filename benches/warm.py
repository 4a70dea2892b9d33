"""Solving again from one's own answer: open cases, beside a run of the same time that begins with nothing.

    python benches/warm.py ROWS.csv FOLDER [--sample 20] [--time-limit 10] [--certificates] > rows.csv

Cases are drawn from those that a table of the testbed left open; all graphs are in the folder, the device is the
testbed's. Of each case one process solves for so many seconds; then it solves again from its own answer, or from the
certificate of it, as another process would, while another begins with nothing, so that both have the same load. Rows go
to standard output, a summary to standard error. Exit status 1 when an answer is worse than the one that it began with,
or has a lower bound that is lower.
"""

from __future__ import annotations

import argparse
import csv
import gzip
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
graph, name, known = None, None, None
for line in sys.stdin:
    path, blocks, seconds, threads, is_warm, of_certificate = json.loads(line)
    if path != name:
        graph, name = sg.read(path), path
    instance = sg.Instance(graph, device=sg.Device.preset("testbed"), num_blocks=blocks)
    begin = time.process_time()
    known = known.certificate if is_warm and of_certificate else known
    result = sg.solve(
        instance, stop=sg.MaxRuntime(seconds), threads=threads, warm_start=known if is_warm else None
    )
    known = result
    cpu = time.process_time() - begin
    print(json.dumps([str(result.status), result.bottleneck, result.lower_bound, result.seconds, cpu]), flush=True)
"""
COLUMNS = ("graph", "k", "run", "status", "bottleneck", "lower_bound", "seconds", "cpu")


class Child:
    """A process that solves."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - this interpreter
            [sys.executable, "-P", "-c", _CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, *task: object, is_warm: bool, of_certificate: bool = False) -> None:
        """Begin to solve: path, blocks, seconds, threads; whether from the answer before, else from nothing."""
        if self._process.stdin is None:
            raise RuntimeError("the child has no pipe")
        self._process.stdin.write(json.dumps([*task, is_warm, of_certificate]) + "\n")
        self._process.stdin.flush()

    def hear(self) -> list[Any]:
        """Give status, bottleneck, lower bound, seconds and processor seconds."""
        if self._process.stdout is None:
            raise RuntimeError("the child has no pipe")
        answer: list[Any] = json.loads(self._process.stdout.readline())
        return answer


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all cases and sum up."""
    options = _parser().parse_args(arguments)
    draw = random.Random(options.seed)  # noqa: S311 - a sample, not a secret
    cases = list(_open_cases(options.rows))
    cases = sorted(draw.sample(cases, min(options.sample, len(cases))))
    mine, other = Child(), Child()
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    runs: list[dict[str, list[Any]]] = []
    for name, blocks in cases:
        task = str(options.folder / f"{name}.json.gz"), blocks, options.time_limit, options.threads
        mine.ask(*task, is_warm=False)
        first = mine.hear()
        mine.ask(*task, is_warm=True, of_certificate=options.certificates)
        other.ask(*task, is_warm=False)
        runs.append({"first": first, "again": mine.hear(), "cold": other.hear()})
        for run, answer in runs[-1].items():
            writer.writerow([name, blocks, run, *answer])
        sys.stdout.flush()
    sys.stderr.write("\n".join([*_summary(runs), ""]))
    return any(run["again"][1] > run["first"][1] or run["again"][2] < run["first"][2] for run in runs)


def _open_cases(path: Path) -> Iterator[tuple[str, int]]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        for row in csv.DictReader(file):
            if row["method"] == "solve" and row["status"] == "time_limit":
                yield row["graph"], int(row["k"])


def _summary(runs: Sequence[dict[str, list[Any]]]) -> Iterator[str]:
    worse = sum(run["again"][1] > run["first"][1] for run in runs)
    yield f"{len(runs)} cases; {worse} answers worse than the one that they began with"
    for other in ("first", "cold"):
        bounds = [run["again"][2] / run[other][2] for run in runs]
        answers = [run["again"][1] / run[other][1] for run in runs]
        yield (
            f"again / {other}: bound geometric mean {statistics.geometric_mean(bounds):.4f}, least {min(bounds):.4f}, "
            f"most {max(bounds):.4f}; bottleneck mean {statistics.geometric_mean(answers):.5f}, most {max(answers):.5f}"
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=Path, help="rows.csv or rows.csv.gz of the testbed")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sample", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--time-limit", type=float, default=10.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--certificates", action="store_true", help="begin with certificates of the earlier answers")
    return parser


if __name__ == "__main__":
    sys.exit(main())
