"""Run methods over the graphs of a folder, and write the tables and figures of all that is known.

    python -m testbed FOLDER OUT [--glob '*'] [--sample N --seed S] [-k 2 4 8 16 32 64] [--methods solve hybrid ...]
                      [--time-limit 5] [--threads 2] [--workers 1 | --dask ADDRESS] [--most CASES]
                      [--device testbed | --bandwidth 1e9 | --devices a100:2,t4:2 [--any-order]]
                      [--open ROWS.csv] [--optima TABLE.md] [--summary]

``FOLDER`` is one of graphs, or ``regal``: the 1,000 seeded graphs after REGAL's four models, on their own device. A row
per graph, number of blocks and method is added to ``OUT/rows.csv`` as soon as it is known, and what is there is not run
again: a run that was killed goes on where it was, and other methods or graphs can be added to it. Then
``OUT/tables.md`` and the figures are written from all rows, which is all that ``--summary`` does. ``--most`` ends a run
after so many cases, for a table in pieces.

``--sample`` takes some of the graphs; with ``--open``, the cases are those of another table without a proven optimum,
and ``--sample`` takes some of these. ``--optima`` names a Markdown table of known optima in milliseconds. ``--workers``
is the number of processes, each with so many ``--threads``; ``--dask`` the scheduler of a cluster instead.
``--devices`` gives the device of each stage, as ``slicegraph solve`` takes them, and with them the number of blocks.
Exit status 1 when a case failed or a row is wrong: a bound above a partition, or a partition below a proven optimum.
"""

from __future__ import annotations

import argparse
import fnmatch
import random
import sys
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor
from pathlib import Path

import slicegraph as sg
from slicegraph.cli.machines import devices_of_list
from testbed import rival, runner, table
from testbed.case import METHODS, Case
from testbed.figures import write_figures
from testbed.optima import read_optima
from testbed.sources import REGAL, sources
from testbed.tables import OPENED, is_open, tables, wrong_rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is missing, then summarise."""
    options = _parser().parse_args(arguments)
    path, num_failed = options.out / "rows.csv", 0
    if not options.summary:
        options.out.mkdir(parents=True, exist_ok=True)
        cases = _cases(options)
        try:
            with runner.dask(options.dask) if options.dask else runner.local(options.workers) as executor:
                num_failed = runner.run_all(cases, path, executor, most=options.most)
        except BrokenExecutor:
            sys.exit(f"a worker died; what it had finished is in {path}")
        except KeyboardInterrupt:
            sys.stderr.write(f"interrupted; what was finished is in {path}\n")
            return 130
    rows = table.read(path)
    if not rows:
        sys.exit(f"{path}: no cases")
    optima = read_optima(options.optima) if options.optima else {}
    text = tables(rows, optima)
    (options.out / "tables.md").write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    write_figures(rows, options.out)
    return int(num_failed > 0 or bool(wrong_rows(rows, optima)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="testbed", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", metavar="FOLDER")
    parser.add_argument("out", type=Path)
    parser.add_argument("--glob", default="*")
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-k", "--num-blocks", type=int, nargs="+", default=[2, 4, 8, 16, 32, 64])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=["solve"])
    parser.add_argument("--time-limit", type=float, default=5.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--dask", metavar="ADDRESS")
    parser.add_argument("--most", type=int, metavar="CASES")
    parser.add_argument("--device")
    parser.add_argument("--bandwidth", type=float)
    parser.add_argument("--devices", metavar="LIST")
    parser.add_argument("--any-order", action="store_true")
    parser.add_argument("--open", type=Path)
    parser.add_argument("--optima", type=Path)
    parser.add_argument("--summary", action="store_true")
    return parser


def _cases(options: argparse.Namespace) -> list[Case]:
    if options.any_order and not options.devices:
        sys.exit("--any-order: it is of --devices")
    if rival.NAME in options.methods and not rival.is_installed():
        sys.exit(f"--methods {rival.NAME}: pip install ortools")
    devices = tuple(devices_of_list(options.devices)) if options.devices else ()
    num_stages = [len(devices)] if devices else options.num_blocks
    found = sources(options.folder)
    names = sorted(fnmatch.filter(found, options.glob))
    pick = random.Random(options.seed).sample  # noqa: S311 - a sample of graphs
    if options.open:
        blocks = {str(num_blocks) for num_blocks in num_stages}
        rows = [row for row in table.read(options.open, needs=OPENED) if is_open(row) and row["k"] in blocks]
        where = [(row["graph"], int(row["k"])) for row in rows if row["graph"] in names]
        where = sorted(pick(where, min(options.sample, len(where)))) if options.sample else sorted(where)
    else:
        names = sorted(pick(names, min(options.sample, len(names)))) if options.sample else names
        where = [(name, num_blocks) for name in names for num_blocks in sorted(set(num_stages))]
    if not where:
        sys.exit(f"{options.folder}: no graph named {options.glob}")
    # In no order, so that the time that is left can be told; all methods of a case one after the other.
    return [
        Case(
            source=found[name],
            num_blocks=num_blocks,
            device=_device(options),
            method=method,
            time_limit=options.time_limit,
            threads=options.threads,
            seed=options.seed,
            devices=devices,
            is_any_order=options.any_order,
        )
        for name, num_blocks in pick(where, len(where))
        for method in dict.fromkeys(options.methods)
    ]


def _device(options: argparse.Namespace) -> sg.Device | None:
    """Give the device that is asked for; None: the graphs bring their own."""
    if options.bandwidth:
        return sg.Device(bandwidth=options.bandwidth)
    if options.device is None and options.folder == REGAL:
        return None
    return sg.Device.preset(options.device or "testbed")


if __name__ == "__main__":
    sys.exit(main())
