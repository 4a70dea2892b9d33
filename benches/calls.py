"""What one call costs: by part, by number of nodes, threads and calling threads; and whether calls leak memory.

    python benches/calls.py [--nodes 10 100 1000] [--calls 200] [--leak 5000] [--against OLD/bin/python] > rows.csv

A row is the median over the calls of one part (`Graph`, `Instance`, `solve`, `certificate`) on graphs of so many nodes,
in milliseconds: wall-clock time of a call, and processor time of the process per call. With several calling threads
the wall-clock time is that of all calls over their number. With ``--against`` the same rows are of another build, too,
in turns with this one. The last row is the growth of resident memory, in kB, over the second half of so many calls.
"""

from __future__ import annotations

import argparse
import csv
import functools
import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import slicegraph as sg

COLUMNS = ("build", "family", "nodes", "part", "threads", "callers", "wall_ms", "cpu_ms")
FAMILIES = ("chain", "layered")


def arrays(family: str, num_nodes: int) -> dict[str, Any]:
    """A chain, or layers three wide, with work and sizes as the generators draw them."""
    width = 1 if family == "chain" else 3
    made = sg.generate.layered(num_layers=-(-num_nodes // width), width=width, seed=1).arrays
    names = ("work", "producer", "size", "consumers", "consumer_offsets")
    return {name: getattr(made, name) for name in names}


def timed(call: Callable[[], object], calls: int, callers: int) -> tuple[float, float]:
    """Milliseconds of wall-clock and processor time per call."""
    call()
    if callers == 1:
        walls, begin = [], time.process_time()
        for _ in range(calls):
            start = time.perf_counter()
            call()
            walls.append(time.perf_counter() - start)
        return statistics.median(walls) * 1e3, (time.process_time() - begin) / calls * 1e3
    each = max(1, calls // callers)

    def run() -> None:
        for _ in range(each):
            call()

    workers = [threading.Thread(target=run) for _ in range(callers)]
    start, begin = time.perf_counter(), time.process_time()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    done = each * callers
    return (time.perf_counter() - start) / done * 1e3, (time.process_time() - begin) / done * 1e3


def rows(nodes: list[int], calls: int) -> Iterator[tuple[Any, ...]]:
    """Family, nodes, part, threads, calling threads, and both times."""
    device = sg.Device(bandwidth=64e9)
    for family in FAMILIES:
        for num_nodes in nodes:
            columns, count = arrays(family, num_nodes), max(20, calls * 10 // max(num_nodes, 10))
            graph = sg.Graph(**columns)
            instance = sg.Instance(graph, device=device, num_blocks=4)
            result = sg.solve(instance, threads=1)
            parts: dict[str, Callable[[], object]] = {
                "Graph": functools.partial(sg.Graph, **columns),
                "Instance": functools.partial(sg.Instance, graph, device=device, num_blocks=4),
                "certificate": functools.partial(getattr, result, "certificate"),
            }
            for part, call in parts.items():
                yield family, num_nodes, part, 1, 1, *timed(call, count, 1)
            for threads in (1, 2):
                for callers in (1, 2, 8):
                    solve = functools.partial(sg.solve, instance, threads=threads)
                    yield family, num_nodes, "solve", threads, callers, *timed(solve, count, callers)


def growth(calls: int) -> int:
    """Kilobytes of resident memory that the second half of so many calls adds."""
    columns, device = arrays("layered", 30), sg.Device(bandwidth=64e9)
    resident = [0, 0]
    for half in range(2):
        for _ in range(calls // 2):
            _ = sg.solve(sg.Instance(sg.Graph(**columns), device=device, num_blocks=4)).certificate
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        resident[half] = pages * 4
    return resident[1] - resident[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--leak", type=int, default=5000)
    parser.add_argument("--against", type=Path, help="the interpreter of another build")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        for row in rows(options.nodes, options.calls):
            print(json.dumps(row), flush=True)
        print(json.dumps(["growth", growth(options.leak)]), flush=True)
        return
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    given = ["--nodes", *map(str, options.nodes), "--calls", str(options.calls), "--leak", str(options.leak)]
    builds = {"new": Path(sys.executable)} | ({} if options.against is None else {"old": options.against})
    children = {
        name: subprocess.Popen([python, "-P", __file__, "--child", *given], stdout=subprocess.PIPE, text=True)  # noqa: S603 - interpreters that the caller names
        for name, python in builds.items()
    }
    # The pipe of each holds some rows, so both run side by side and share what the machine does besides.
    for name, child in children.items():
        for line in child.stdout or ():
            row = json.loads(line)
            writer.writerow([name, *(f"{cell:.4g}" if isinstance(cell, float) else cell for cell in row)])
            sys.stdout.flush()


if __name__ == "__main__":
    main()
