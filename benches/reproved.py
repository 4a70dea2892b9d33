"""What `solve` claims and says, beside what a plain `check` of its certificate proves again.

python benches/reproved.py GRAPH... [-k N...] [--time-limit S] [--budget N] [--sample N] [--seed N]

A row per graph and number of stages, on the device of the testbed; of a folder, its graphs. Then a table: for each rule
that closes a proof how many cases there are, the seconds of solving and of checking (of all threads), and the bytes of
certificates, packed; and how many of the claimed optima, and of the claims that the combinatorial bound does not give,
are proved again.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import slicegraph as sg
from slicegraph.certificate import codec
from slicegraph.certificate.budget import DEFAULT_STEPS


@dataclass(frozen=True, kw_only=True)
class Row:
    """One case: what is claimed and what is proved again, the seconds of both and the bytes that it takes."""

    is_optimal: bool
    is_trivial: bool
    is_reproved: bool
    proved_by: str
    solving: float
    checking: float
    num_bytes: int


def measure(path: Path, graph: sg.Graph, num_blocks: int, options: argparse.Namespace) -> Row:
    """Solve, check, print."""
    instance = sg.Instance(graph, device=sg.Device.preset("testbed"), num_blocks=num_blocks)
    begin = time.process_time()
    result = sg.solve(instance, stop=sg.MaxRuntime(options.time_limit))
    solving = time.process_time() - begin
    certificate = result.certificate
    begin = time.process_time()
    verdict = sg.check(graph, certificate, budget=options.budget)
    checking = time.process_time() - begin
    combinatorial = sg.lower_bound(instance, method="combinatorial").lower_bound
    name = path.name.partition(".")[0].removeprefix("light_")
    print(
        f"{name:40} {graph.num_nodes:6} {num_blocks:4} | solve {solving:6.2f} s {result.status:10} "
        f"gap {result.gap:.4f} | check {checking:6.2f} s {verdict.status:10} gap {verdict.gap:.4f} {verdict.proved_by}"
        f"{' cut short' if verdict.is_cut_short else ''}",
        flush=True,
    )
    return Row(
        is_optimal=result.status is sg.Status.OPTIMAL,
        is_trivial=result.lower_bound == combinatorial,
        is_reproved=verdict.lower_bound == result.lower_bound,
        proved_by=verdict.proved_by if verdict.lower_bound == result.lower_bound else "(open)",
        solving=solving,
        checking=checking,
        num_bytes=len(zlib.compress(codec.dumps(certificate.document))),
    )


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
    optima = [row for row in rows if row.is_optimal]
    for what, kept in (
        ("claimed optima", optima),
        ("claimed optima beyond the combinatorial bound", [row for row in optima if not row.is_trivial]),
        ("claimed bounds beyond the combinatorial one", [row for row in rows if not row.is_trivial]),
    ):
        print(f"{what}: {sum(row.is_reproved for row in kept)} of {len(kept)} proved again")


def main() -> None:
    """Read arguments and measure each graph with each number of stages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graphs", nargs="+", type=Path, metavar="GRAPH")
    parser.add_argument("-k", dest="num_blocks", nargs="+", type=int, default=[2, 4, 8], metavar="N")
    parser.add_argument("--time-limit", type=float, default=10.0, metavar="S")
    parser.add_argument("--budget", type=int, default=DEFAULT_STEPS, metavar="N", help="steps of a check")
    parser.add_argument("--sample", type=int, metavar="N", help="so many graphs, with one number of stages each")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the sample")
    options = parser.parse_args()
    print_table([measure(path, sg.read(path), num_blocks, options) for path, num_blocks in cases(options)])


if __name__ == "__main__":
    main()
