"""What `solve` claims and says, beside what a plain `check` of its certificate proves again.

python benches/reproved.py GRAPH... [-k N...] [--time-limit S] [--budget N] [--slow] [--sample N] [--csv FILE]
    [--most N]

A row per graph and number of stages, on the device of the testbed; of a folder, its graphs. Then a table: for each rule
that closes a proof how many cases there are, the seconds of solving and of checking (of all threads), and the bytes of
certificates, packed; and how many of the claimed optima, and of the other bounds that the combinatorial one does not
give, are proved again.

With `--csv`, rows are appended to a file as they are measured, what stands in it is not measured again, and the table
is of all that it holds: `--most 200` measures 200 cases more each time.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import random
import statistics
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import slicegraph as sg
from slicegraph.certificate import codec
from slicegraph.certificate.budget import DEFAULT_STEPS


@dataclass(frozen=True, kw_only=True)
class Row:
    """One case: what is claimed and what is proved again, the seconds of both and the bytes that it takes."""

    graph: str
    num_nodes: int
    num_blocks: int
    status: str
    gap: float
    verified_gap: float
    verdict: str
    proved_by: str
    is_trivial: bool
    is_reproved: bool
    solving: float
    checking: float
    num_bytes: int


_READ: dict[str, Callable[[str], Any]] = {"int": int, "float": float, "bool": "True".__eq__, "str": str}


def measure(path: Path, graph: sg.Graph, num_blocks: int, options: argparse.Namespace) -> Row:
    """Solve and check."""
    instance = sg.Instance(graph, device=sg.Device.preset("testbed"), num_blocks=num_blocks)
    begin = time.process_time()
    result = sg.solve(instance, stop=sg.MaxRuntime(options.time_limit))
    solving = time.process_time() - begin
    certificate = result.certificate
    begin = time.process_time()
    verdict = sg.check(graph, certificate, budget=options.budget, slow=options.slow)
    checking = time.process_time() - begin
    combinatorial = sg.lower_bound(instance, method="combinatorial").lower_bound
    is_reproved = verdict.lower_bound >= result.lower_bound
    return Row(
        graph=name_of(path),
        num_nodes=graph.num_nodes,
        num_blocks=num_blocks,
        status=str(result.status),
        gap=result.gap,
        verified_gap=verdict.gap,
        verdict=verdict.verdict,
        proved_by=verdict.proved_by if is_reproved else "(open)",
        is_trivial=result.lower_bound == combinatorial,
        is_reproved=is_reproved,
        solving=solving,
        checking=checking,
        num_bytes=len(zlib.compress(codec.dumps(certificate.document))),
    )


def name_of(path: Path) -> str:
    """Give the name of a graph."""
    return path.name.partition(".")[0].removeprefix("light_")


def show(row: Row) -> None:
    """Print a case."""
    print(
        f"{row.graph:40} {row.num_nodes:6} {row.num_blocks:4} | solve {row.solving:6.2f} s {row.status:10} "
        f"gap {row.gap:.4f} | check {row.checking:6.2f} s {row.verdict:10} gap {row.verified_gap:.4f} {row.proved_by}",
        flush=True,
    )


def read_rows(path: Path | None) -> list[Row]:
    """Read what was measured before."""
    if path is None or not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        types = {field.name: _READ[str(field.type)] for field in dataclasses.fields(Row)}
        return [Row(**{name: types[name](text) for name, text in row.items()}) for row in csv.DictReader(file)]


def append(path: Path | None, row: Row) -> None:
    """Write a row to the end of a file, if there is one."""
    if path is None:
        return
    is_new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in dataclasses.fields(Row)])
        if is_new:
            writer.writeheader()
        writer.writerow(dataclasses.asdict(row))


def cases(options: argparse.Namespace) -> Iterator[tuple[Path, int]]:
    """Give graphs and numbers of stages: all, or a sample of so many with one number each."""
    folders = [sorted(path.iterdir()) if path.is_dir() else [path] for path in options.graphs]
    paths = [path for folder in folders for path in folder if path.suffix in {".gz", ".json", ".onnx"}]
    if not options.sample:
        yield from ((path, num_blocks) for path in paths for num_blocks in options.num_blocks)
        return
    source = random.Random(options.seed)  # noqa: S311 - a sample keeps no secret
    for path in source.sample(paths, min(options.sample, len(paths))):
        yield path, source.choice(options.num_blocks)


def print_table(rows: list[Row]) -> None:
    """Print a row for each rule, and for all."""
    print(f"\n{'rule':14} cases  solve s  check s  check s, most  bytes, median  bytes, most")
    for rule in [*sorted({row.proved_by for row in rows}), "all"]:
        kept = [row for row in rows if rule in (row.proved_by, "all")]
        seconds = [row.checking for row in kept]
        sizes = [row.num_bytes for row in kept]
        print(
            f"{rule:14} {len(kept):5} {sum(row.solving for row in kept):8.2f} {sum(seconds):8.2f} {max(seconds):14.2f}"
            f" {statistics.median(sizes):14.0f} {max(sizes):12}"
        )
    optima = [row for row in rows if row.status == "optimal"]
    others = [row for row in rows if row.status != "optimal"]
    for what, kept in (
        ("claimed optima", optima),
        ("claimed optima beyond the combinatorial bound", [row for row in optima if not row.is_trivial]),
        ("other bounds beyond the combinatorial one", [row for row in others if not row.is_trivial]),
    ):
        again = sum(row.is_reproved for row in kept)
        print(f"{what}: {again} of {len(kept)} proved again{f' ({again / len(kept):.1%})' if kept else ''}")


def main() -> None:
    """Read arguments and measure each graph with each number of stages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graphs", nargs="+", type=Path, metavar="GRAPH")
    parser.add_argument("-k", dest="num_blocks", nargs="+", type=int, default=[2, 4, 8, 16, 32, 64], metavar="N")
    parser.add_argument("--time-limit", type=float, default=10.0, metavar="S")
    parser.add_argument("--budget", type=int, default=DEFAULT_STEPS, metavar="N", help="steps of a check")
    parser.add_argument("--slow", action="store_true", help="plain Python checks")
    parser.add_argument("--sample", type=int, metavar="N", help="so many graphs, with one number of stages each")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the sample")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="append rows to it, and skip what stands in it")
    parser.add_argument("--most", type=int, metavar="N", help="measure so many cases, at most")
    options = parser.parse_args()
    rows = read_rows(options.csv)
    known = {(row.graph, row.num_blocks) for row in rows}
    left = [case for case in cases(options) if (name_of(case[0]), case[1]) not in known]
    for path, num_blocks in left[: options.most]:
        row = measure(path, sg.read(path), num_blocks, options)
        show(row)
        append(options.csv, row)
        rows.append(row)
    if rows:
        print_table(rows)


if __name__ == "__main__":
    main()
