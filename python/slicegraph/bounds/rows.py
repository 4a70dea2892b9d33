"""Rows of a model under construction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from slicegraph.bounds.model import KINDS, Integers

ZERO, ONE = -1, -2
"""In place of a column: a variable whose value is known."""


@dataclass(slots=True)
class Rows:
    """Rows under construction, as parts of equal kind: entries (row, column, value) and right-hand sides."""

    kind: list[NDArray[np.int8]] = field(default_factory=list)
    arguments: list[NDArray[np.int32]] = field(default_factory=list)
    bound: list[Integers] = field(default_factory=list)
    row: list[Integers] = field(default_factory=list)
    column: list[Integers] = field(default_factory=list)
    value: list[Integers] = field(default_factory=list)
    num_rows: int = 0

    def add(
        self,
        kind: str,
        arguments: Sequence[Integers | int],
        entries: Sequence[tuple[Integers, Integers, Integers]],
        bound: Integers,
    ) -> None:
        """Add rows; an entry is (row, column, value), with known variables moved to the right-hand side here."""
        bound = bound.copy()
        for row, column, value in entries:
            one = column == ONE
            np.subtract.at(bound, row[one], value[one])
            free = column >= 0
            self.row.append(row[free] + self.num_rows)
            self.column.append(column[free])
            self.value.append(value[free])
        names = np.full((len(bound), 3), -1, np.int32)
        for place, argument in enumerate(arguments):
            names[:, place] = argument
        self.kind.append(np.full(len(bound), KINDS.index(kind), np.int8))
        self.arguments.append(names)
        self.bound.append(bound)
        self.num_rows += len(bound)
