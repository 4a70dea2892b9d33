"""Known optima, from a Markdown table of graphs by numbers of blocks."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from testbed.case import Row

ROUNDING = 1e-5
"""Of the published sizes, to whole bytes."""
_UPPER = "≤"
"""Marks an optimum of which only an upper bound is known."""


@dataclass(frozen=True, slots=True)
class Optimum:
    """Seconds of the least bottleneck, and whether it is proven or just the best that is known."""

    seconds: float
    is_proven: bool


Optima = Mapping[tuple[str, int], Optimum]


def read_optima(path: Path) -> Optima:
    """Read the first table whose head begins with ``graph``, in milliseconds; a head ``32, 64`` is for both numbers."""
    lines = iter(path.read_text(encoding="utf-8").splitlines())
    head = next((line for line in lines if _cells(line)[0] == "graph"), "|")
    rows = map(_cells, itertools.takewhile(lambda line: line.startswith("|"), lines))
    columns = [[int(number) for number in re.findall(r"\d+", cell)] for cell in _cells(head)[1:]]
    return {
        (f"{name}_inference", number): Optimum(float(cell.lstrip(_UPPER)) / 1000, not cell.startswith(_UPPER))
        for name, *cells in rows
        if set(name) - set("-: ")
        for numbers, cell in zip(columns, cells, strict=True)
        for number in numbers
    }


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def optimum_of(row: Row, optima: Optima) -> Optimum | None:
    """Find the row's optimum; the table's names are the ends of the graphs'."""
    known = (
        optimum for (name, blocks), optimum in optima.items() if row["graph"].endswith(name) and blocks == int(row["k"])
    )
    return next(known, None)
