"""The table of rows: read, added to, and taken up again after a kill."""

from __future__ import annotations

import csv
import gzip
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from testbed.case import COLUMNS, KEY, Row


def read(path: Path, *, needs: Sequence[str] | None = None) -> list[Row]:
    """Give the rows that were written to their end, also of a table that gzip compressed; none without such a file.

    Its columns are `COLUMNS`, or with ``needs`` these among others, as in tables of the record that are older.
    """
    rows = csv.DictReader(lines(path))
    names = tuple(rows.fieldnames or ())
    if names and not (names == COLUMNS if needs is None else set(needs) <= set(names)):
        sys.exit(f"{path}: its columns are not {', '.join(needs or COLUMNS)}")
    return list(rows)


def key(row: Row) -> tuple[str, ...]:
    """Tell a row from the others."""
    return tuple(row[name] for name in KEY)


@contextmanager
def appending(path: Path) -> Iterator[csv.DictWriter[str]]:
    """Open a table at the end of its last whole row; every row is on disk when the next one is written."""
    path.touch()
    os.truncate(path, len(_whole_lines(path)))
    with path.open("a", encoding="utf-8", newline="", buffering=1) as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if file.tell() == 0:
            writer.writeheader()
        yield writer


def lines(path: Path) -> list[str]:
    """Give the whole lines of a table, decompressed where its name ends with ``.gz``; none without such a file."""
    return _whole_lines(path).decode().splitlines() if path.exists() else []


def _whole_lines(path: Path) -> bytes:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return data[: data.rfind(b"\n") + 1]
