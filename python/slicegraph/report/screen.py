"""Lines and tables for standard output: with a terminal's width and bold rows where it is one, else plain."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

from rich.cells import cell_len

if TYPE_CHECKING:
    from rich.console import Console

GAP = 2
"""Columns of a terminal between two of a table."""
_NO_WIDTH = 200
"""Of what is no terminal."""


@dataclass(kw_only=True, slots=True, eq=False)
class Table:
    """Rows of cells under heads, each column as wide as its widest cell.

    Attributes
    ----------
    heads
        Of the columns.
    left
        Heads of the columns whose cells stand at the left; the others stand at the right.
    rows
        The cells of each row, and whether it is bold on a terminal.
    """

    heads: Sequence[str]
    left: Sequence[str] = ()
    rows: list[tuple[Sequence[str], bool]] = field(default_factory=list)

    def add(self, cells: Sequence[str], *, is_bold: bool = False) -> None:
        """Add a row."""
        self.rows.append((cells, is_bold))

    @property
    def text(self) -> str:
        """The table without colours: a line for the heads and one for each row."""
        lines = [self.heads, *(cells for cells, _ in self.rows)]
        widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
        is_left = [head in self.left for head in self.heads]
        return "".join((" " * GAP).join(map(_padded, cells, widths, is_left)).rstrip() + "\n" for cells in lines)


def _padded(cell: str, width: int, is_left: bool) -> str:  # noqa: FBT001 - of a map
    room = " " * (width - cell_len(cell))
    return cell + room if is_left else room + cell


@final
class Screen:
    """What is printed, line by line; only a terminal needs rich, which takes longer to load than most answers."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._console: Console | None = None
        if sys.stdout.isatty():
            from rich.console import Console  # noqa: PLC0415 - see above

            self._console = Console(highlight=False)

    @property
    def is_terminal(self) -> bool:
        """Whether standard output is a terminal."""
        return self._console is not None

    @property
    def width(self) -> int:
        """Columns of the terminal; a pipe has no width: nothing is cut or wrapped there."""
        return _NO_WIDTH if self._console is None else self._console.width

    def say(self, text: str) -> None:
        """Add lines."""
        if self._console is None:
            self._parts.append(text + "\n")
            return
        from rich.text import Text  # noqa: PLC0415 - see above

        # Names may hold what rich takes for markup.
        self._capture(Text(text))

    def show(self, table: Table) -> None:
        """Add a table."""
        if self._console is None:
            self._parts.append(table.text)
            return
        from rich.table import Table as RichTable  # noqa: PLC0415 - see above
        from rich.text import Text  # noqa: PLC0415 - see above

        drawn = RichTable(box=None, pad_edge=False)
        for head in table.heads:
            drawn.add_column(head, justify="left" if head in table.left else "right", no_wrap=True)
        for cells, is_bold in table.rows:
            drawn.add_row(*map(Text, cells), style="bold" if is_bold else None)
        self._capture(drawn)

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self._parts)

    def _capture(self, what: object) -> None:
        if self._console is not None:
            with self._console.capture() as capture:
                self._console.print(what)
            self._parts.append(capture.get())
