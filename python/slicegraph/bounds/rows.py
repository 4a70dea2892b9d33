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
    parts: list[Integers] = field(default_factory=list)
    num_rows: int = 0

    def add(
        self,
        kind: str,
        arguments: Sequence[Integers | int],
        entries: Sequence[tuple[Integers, Integers, Integers]],
        bound: Integers,
        *,
        parts: int = 1,
    ) -> None:
        """Add rows; an entry is (row, column, value), with known variables moved to the right-hand side here.

        Rows of costs can have a unit of a tick over ``parts``.
        """
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
        self.parts.append(np.full(len(bound), parts, np.int64))
        self.num_rows += len(bound)

    def merge(self) -> None:
        """Add up the entries of a row that are of one column, which can stand for several nodes and superblocks."""
        row, column, value = (np.concatenate(each) for each in (self.row, self.column, self.value))
        order = np.lexsort((column, row))
        row, column, value = row[order], column[order], value[order]
        is_first = np.ones(len(row), np.bool_)
        is_first[1:] = (row[1:] != row[:-1]) | (column[1:] != column[:-1])
        value = np.add.reduceat(value, np.flatnonzero(is_first)) if len(value) else value
        kept = value != 0
        self.row, self.column, self.value = [row[is_first][kept]], [column[is_first][kept]], [value[kept]]
