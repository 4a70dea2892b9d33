"""One case: a graph, a number of blocks and a method; and the row that it gives."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import slicegraph as sg
from slicegraph.bounds.combinatorial import combinatorial
from slicegraph.lower_bound import METHODS as BOUNDS
from slicegraph.machine import make_machine
from testbed import ceiling, rival
from testbed.sources import Source

SEARCHES: Mapping[str, tuple[str, sg.BrkgaParams | None]] = {
    "hybrid": ("hybrid", None),
    "anneal": ("anneal", None),
    "brkga": ("brkga", None),
    "brkga_seeded": ("brkga", sg.BrkgaParams(seeded=True)),
    "brkga_memetic": ("brkga", sg.BrkgaParams(seeded=True, memetic=True)),
    "brkga_100": ("brkga", sg.BrkgaParams(population=10, generations=9)),
    "brkga_10000": ("brkga", sg.BrkgaParams(population=100, generations=99)),
    "orders_100": ("brkga", sg.BrkgaParams(population=100, generations=0)),
    "orders_10000": ("brkga", sg.BrkgaParams(population=10_000, generations=0)),
}
"""The searches and the variants of the paper's: method and parameters. The numbers are evaluations as the paper counts
them: individuals times generations, the first among them. ``orders`` slices so many random orders."""
METHODS = ("solve", *SEARCHES, *BOUNDS, rival.NAME)
"""What can be run: everything together, a search alone, a lower bound alone, and a solver that is not ours."""
MARKS = tuple(digit * 10.0**power for power in range(-3, 4) for digit in (1, 2, 5))
"""Seconds at which the gap of a run is noted."""
KEY = ("graph", "k", "method")
"""The columns that tell one row from another."""
ANSWER = (
    *("nodes", "tensors", "reduced_nodes", "downsets", "transitions"),
    *("bottleneck", "lower_bound", "verified", "ceiling", "combinatorial", "status"),
)
"""What does not depend on the clock when a method ends before its time."""
CLOCK = ("seconds", "best_seconds", "gaps")
"""What depends on the machine."""
MANNER = ("threads", "time_limit", "seed", "device")
"""How the method was run: the same in all rows of a table."""
COLUMNS = (*KEY, *ANSWER, *CLOCK, *MANNER)
_CHECK_STEPS = 200_000
"""Less than a second for each answer."""

Row = dict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """What to run, where any process finds it.

    Attributes
    ----------
    source
        The graph's file, or how it is made.
    num_blocks, device
        The instance, where its stages are alike. None: the device is the graph's own.
    devices
        The device of each stage, in pipeline order, in place of the device; none: there is one kind.
    is_any_order
        Whether these may stand in whichever order is best.
    method
        One of `METHODS`.
    time_limit
        Seconds.
    threads, seed
        Of the search.
    """

    source: Source
    num_blocks: int
    device: sg.Device | None
    method: str
    time_limit: float
    threads: int
    seed: int
    devices: tuple[sg.Device, ...] = ()
    is_any_order: bool = False

    @property
    def key(self) -> tuple[str, str, str]:
        """The values of `KEY` in this case's row."""
        return self.source.name, str(self.num_blocks), self.method

    @property
    def manner(self) -> tuple[str, ...]:
        """The values of `MANNER` in this case's row."""
        figures = self.device.to_mapping() if self.device else {}
        device = " ".join(f"{name}={value:g}" for name, value in figures.items()) or "of the graph"
        if self.devices:
            names = make_machine(self.devices).names()
            runs = ((name, sum(1 for _ in run)) for name, run in itertools.groupby(names))
            device = ",".join(f"{name}:{count}" for name, count in runs) + " in any order" * self.is_any_order
        return str(self.threads), str(self.time_limit), str(self.seed), device


def instance_of(case: Case) -> sg.Instance:
    """Give the problem of a case."""
    graph = case.source.read()
    if case.devices:
        return sg.Instance(graph, devices=case.devices, order="any" if case.is_any_order else "given")
    return sg.Instance(graph, device=case.device, num_blocks=case.num_blocks)


def run(case: Case) -> Row:
    """Run a case, and check the certificate of what it claims."""
    instance = instance_of(case)
    cells: dict[str, object] = dict(zip(KEY, case.key, strict=True))
    cells |= {"nodes": instance.graph.num_nodes, "tensors": instance.graph.num_tensors}
    cells |= zip(MANNER, case.manner, strict=True)
    cells["combinatorial"] = combinatorial(instance).lower_bound
    if case.method == "solve":
        cells |= _solve(instance, case)
    elif case.method in SEARCHES:
        cells |= _search(instance, case)
    elif case.method == rival.NAME:
        cells |= rival.cp_sat(instance, case.time_limit, case.threads).cells()
    else:
        bound = sg.lower_bound(instance, method=case.method, time_limit=case.time_limit)
        cells |= {**_of_bound(bound), "lower_bound": bound.lower_bound, "verified": bound.verified_lower_bound}
        cells |= {"status": bound.status, "seconds": round(bound.seconds, 4)}
        cells["ceiling"] = ceiling.CEILINGS[case.method](instance) if case.method in ceiling.CEILINGS else None
    return {column: str("" if (cell := cells.get(column)) is None else cell) for column in COLUMNS}


def _solve(instance: sg.Instance, case: Case) -> dict[str, object]:
    clock = _Clock()
    stop = clock | sg.MaxRuntime(case.time_limit)
    result = sg.solve(instance, stop=stop, seed=case.seed, threads=case.threads)
    verdict = sg.check(instance.graph, result.certificate, budget=_CHECK_STEPS)
    cells = next((_of_bound(bound) for bound in result.bounds if bound.downsets), {})
    reduced = (bound.num_groups for bound in result.bounds if bound.num_groups is not None)
    return {
        **cells,
        "reduced_nodes": next(reduced, None),
        "bottleneck": verdict.bottleneck,
        "lower_bound": verdict.claimed_lower_bound,
        "verified": verdict.lower_bound,
        "status": result.status,
        **clock.cells(result),
    }


def _search(instance: sg.Instance, case: Case) -> dict[str, object]:
    clock = _Clock()
    stop = clock | sg.MaxRuntime(case.time_limit)
    method, params = SEARCHES[case.method]
    result = sg.search(instance, method=method, params=params, stop=stop, seed=case.seed, threads=case.threads)
    return {"bottleneck": result.bottleneck, "status": result.status, **clock.cells(result)}


def _of_bound(bound: sg.Bound) -> dict[str, object]:
    found = bound.downsets
    return {
        "reduced_nodes": bound.num_groups,
        "downsets": found and found.downsets,
        "transitions": found and found.transitions,
    }


@final
class _Clock(sg.Stop):
    """Never stops a run, but notes when its gap and its partition were how good."""

    __slots__ = ("_best", "_best_seconds", "_gap", "_gaps")

    def __init__(self) -> None:
        self._gaps: list[float] = []
        self._gap, self._best, self._best_seconds = 1.0, math.inf, 0.0

    def __call__(self, progress: sg.Progress) -> bool:
        """Note the progress."""
        self._pass_marks(progress.seconds)
        self._gap = progress.gap
        if progress.bottleneck < self._best:
            self._best, self._best_seconds = progress.bottleneck, progress.seconds
        return False

    def cells(self, result: sg.Result) -> dict[str, object]:
        """Give the columns that depend on the clock."""
        self._pass_marks(result.seconds)
        if result.bottleneck < self._best:
            self._best_seconds = result.seconds
        return {
            "seconds": round(result.seconds, 4),
            "best_seconds": round(self._best_seconds, 4),
            "gaps": " ".join(f"{gap:.4g}" for gap in self._gaps),
        }

    def _pass_marks(self, seconds: float) -> None:
        while len(self._gaps) < len(MARKS) and MARKS[len(self._gaps)] < seconds:
            self._gaps.append(self._gap)
