"""`--work-limit`: whether ten runs of a case give the same bytes, on one thread and on two.

    python benches/repeat.py FOLDER [--sample 20] [--runs 10] [--work-limit 3e7] [--workers 4] > rows.csv

What is compared of each run is the certificate, which has the partition, all bounds and their evidence, and of the
plan all but times and the history, whose rows are as often as the clock lets them be. Runs are in processes, several at
once, so that each has another load. A row per case goes to standard output, a summary to standard error. Exit status 1
when any two runs of a case differ.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import random
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import slicegraph as sg
from slicegraph.certificate import codec

COLUMNS = ("graph", "k", "status", "bottleneck", "lower_bound", "runs", "answers")
_TIMES = ("seconds", "history", "bounds")


def answer(path: Path, blocks: int, work: int, threads: int) -> tuple[str, list[Any]]:
    """Solve; give a digest of all that must be the same, and what the row says."""
    instance = sg.Instance(sg.read(path), device=sg.Device.preset("testbed"), num_blocks=blocks)
    result = sg.solve(instance, stop=sg.MaxWork(work), seed=1, threads=threads)
    plan = {key: value for key, value in result.plan.document.items() if key not in _TIMES}
    told = codec.dumps(result.certificate.document) + json.dumps(plan).encode()
    return hashlib.sha256(told).hexdigest(), [str(result.status), result.bottleneck, result.lower_bound]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all cases and sum up."""
    options = _parser().parse_args(arguments)
    paths = sorted(options.folder.glob("*.json.gz"))
    draw = random.Random(options.seed)  # noqa: S311 - a sample, not a secret
    sample = sorted(draw.sample(paths, min(options.sample, len(paths))))
    cases = [(path, draw.choice(options.num_blocks)) for path in sample]
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    num_different = num_runs = 0
    with ProcessPoolExecutor(options.workers, mp_context=get_context("spawn")) as pool:
        runs = [
            [pool.submit(answer, path, blocks, int(options.work_limit), 1 + run % 2) for run in range(options.runs)]
            for path, blocks in cases
        ]
        for (path, blocks), each in zip(cases, runs, strict=True):
            answers = [future.result() for future in each]
            different = {digest for digest, _ in answers}
            num_different += len(different) > 1
            num_runs += len(answers)
            name = path.name.removesuffix(".json.gz")
            writer.writerow([name, blocks, *answers[0][1], len(answers), len(different)])
            sys.stdout.flush()
    sys.stderr.write(f"{len(cases)} cases, {num_runs} runs; {num_different} cases with different answers\n")
    return int(num_different > 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sample", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("-k", "--num-blocks", type=int, nargs="+", default=[2, 4, 8, 16, 32, 64])
    parser.add_argument("--runs", type=int, default=10, help="of each case, every other one on two threads")
    parser.add_argument("--work-limit", type=float, default=3e7)
    parser.add_argument("--workers", type=int, default=4, help="runs at once")
    return parser


if __name__ == "__main__":
    sys.exit(main())
