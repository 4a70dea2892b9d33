"""One line on a terminal that says what is being measured."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def status(*, is_wanted: bool = True) -> Iterator[Callable[[str], object] | None]:
    """Give a function that replaces the status line; None if standard error is no terminal, or it is not wanted."""
    if not (is_wanted and sys.stderr.isatty()):
        yield None
        return
    from rich.console import Console  # noqa: PLC0415 - rich takes longer to load than the rest of the package

    with Console(stderr=True, highlight=False).status("reading") as line:
        yield line.update
