"""``python -m fuzz``: so many inputs, or as long, on some processes; or one input again, by its name."""

from __future__ import annotations

import argparse
import faulthandler
import itertools
import multiprocessing
import os
import tempfile
import time
import traceback
from multiprocessing.connection import Connection
from pathlib import Path

from fuzz.targets import TARGETS, Corpus, attempt

_HANG = 60
"""Seconds after which an input has hung: its process ends with its traceback."""


def main() -> int:
    """Fuzz, print the count, and give 1 if anything came out that must not."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000, help="how many, over all targets (default: 100000)")
    parser.add_argument("--seconds", type=float, default=600.0, help="how long at most (default: 600)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--target", nargs="+", default=list(TARGETS), choices=tuple(TARGETS), help="only these")
    parser.add_argument("--number", type=int, help="only this input of the first target, with its traceback")
    options = parser.parse_args()
    names = options.target
    if options.number is not None:
        with tempfile.TemporaryDirectory() as folder:
            error = attempt(Corpus(Path(folder)), names[0], options.seed, options.number)
            if error is not None:
                traceback.print_exception(error)
        return int(error is not None)
    return _fuzz(names, options.inputs, options.seconds, options.seed, options.jobs)


def _fuzz(names: list[str], inputs: int, seconds: float, seed: int, jobs: int) -> int:
    begin = time.monotonic()
    context = multiprocessing.get_context("spawn")
    counts, failures = dict.fromkeys(names, 0), []
    with tempfile.TemporaryDirectory() as folder:
        pipes, jobs_of = [], {}
        for job in range(jobs):
            ours, theirs = context.Pipe(duplex=False)
            arguments = (
                theirs,
                names,
                range(job, -(-inputs // len(names)), jobs),
                seed,
                begin + seconds,
                f"{folder}/{job}",
            )
            process = context.Process(target=_work, args=arguments)
            process.start()
            jobs_of[process.pid] = job
            theirs.close()
            pipes.append((process, ours))
        for process, ours in pipes:
            is_over = False
            while True:
                try:
                    kind, name, number, text = ours.recv()
                except EOFError:
                    break
                if kind == "count":
                    counts[name] += number
                    is_over = text == "over"
                elif kind == "failure":
                    failures.append(f"--target {name} --seed {seed} --number {number}: {text}")
            process.join()
            if not is_over:
                last = Path(f"{folder}/{jobs_of[process.pid]}.last").read_text().split()
                failures.append(f"a process ended with {process.exitcode} at --target {last[0]} --number {last[1]}")
    total = sum(counts.values())
    for failure in failures:
        print(failure)  # noqa: T201 - what was asked for
    each = ", ".join(f"{count} {name}" for name, count in counts.items())
    print(f"{total} inputs in {time.monotonic() - begin:.0f} s, {len(failures)} failures ({each})")  # noqa: T201 - likewise
    return int(bool(failures))


def _work(pipe: Connection, names: list[str], numbers: range, seed: int, end: float, folder: str) -> None:
    """Try inputs of all targets in turn; say before each which it is, in case this process is killed."""
    corpus, counts, seen = Corpus(Path(folder)), dict.fromkeys(names, 0), set()
    last = Path(f"{folder}.last").open("w")  # noqa: SIM115 - as long as the process
    for number, name in itertools.product(numbers, names):
        if time.monotonic() > end:
            break
        last.seek(0)
        last.write(f"{name} {number}\n")
        last.flush()
        faulthandler.dump_traceback_later(_HANG, exit=True)
        error = attempt(corpus, name, seed, number)
        faulthandler.cancel_dump_traceback_later()
        counts[name] += 1
        if error is not None:
            where = traceback.extract_tb(error.__traceback__)[-1]
            kind = (name, type(error).__name__, where.filename, where.lineno)
            if kind not in seen:
                seen.add(kind)
                text = f"{type(error).__name__}: {error!s:.200} ({where.filename}:{where.lineno})"
                pipe.send(("failure", name, number, " ".join(text.split())))
    for name in names:
        pipe.send(("count", name, counts[name], "over"))
