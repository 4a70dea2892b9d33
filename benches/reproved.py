"""What `solve` claims and says, beside what a plain `check` of its certificate proves again.

python benches/reproved.py GRAPH... [-k N...] [--time-limit S] [--budget N]

A row per graph and number of stages, on the device of the testbed; then the share of claimed optima, and of claims that
the combinatorial bound does not give, that are proved again.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import slicegraph as sg
from slicegraph.certificate.budget import DEFAULT_STEPS
from slicegraph.report.terminal import result_to_text


@dataclass(frozen=True, kw_only=True)
class Row:
    """One case: what is claimed and what is proved again."""

    is_optimal: bool
    is_trivial: bool
    is_reproved: bool


def measure(path: Path, graph: sg.Graph, num_blocks: int, options: argparse.Namespace) -> Row:
    """Solve, check, print."""
    instance = sg.Instance(graph, device=sg.Device.preset("testbed"), num_blocks=num_blocks)
    result = sg.solve(instance, stop=sg.MaxRuntime(options.time_limit))
    certificate = result.certificate
    begin = time.perf_counter()
    verdict = sg.check(graph, certificate, budget=options.budget)
    seconds = time.perf_counter() - begin
    combinatorial = sg.lower_bound(instance, method="combinatorial").lower_bound
    name = path.name.partition(".")[0].removeprefix("light_")
    print(
        f"{name:40} {graph.num_nodes:6} {num_blocks:4} | solve {result.seconds:6.2f} s {result.status:10} "
        f"gap {result.gap:.4f} | check {seconds:5.2f} s {verdict.status:10} gap {verdict.gap:.4f}"
        f"{' cut short' if verdict.is_cut_short else ''}"
    )
    print("    " + "\n    ".join(result_to_text(result).splitlines()[-3:]), flush=True)
    return Row(
        is_optimal=result.status is sg.Status.OPTIMAL,
        is_trivial=result.lower_bound == combinatorial,
        is_reproved=verdict.lower_bound == result.lower_bound,
    )


def main() -> None:
    """Read arguments and measure each graph with each number of stages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graphs", nargs="+", type=Path, metavar="GRAPH")
    parser.add_argument("-k", dest="num_blocks", nargs="+", type=int, default=[2, 4, 8], metavar="N")
    parser.add_argument("--time-limit", type=float, default=10.0, metavar="S")
    parser.add_argument("--budget", type=int, default=DEFAULT_STEPS, metavar="N", help="steps of a check")
    options = parser.parse_args()
    rows = []
    for path in options.graphs:
        graph = sg.read(path)
        rows += [measure(path, graph, num_blocks, options) for num_blocks in options.num_blocks]
    optima = [row for row in rows if row.is_optimal]
    for what, kept in (
        ("claimed optima", optima),
        ("claimed optima beyond the combinatorial bound", [row for row in optima if not row.is_trivial]),
    ):
        print(f"{what}: {sum(row.is_reproved for row in kept)} of {len(kept)} proved again")


if __name__ == "__main__":
    main()
