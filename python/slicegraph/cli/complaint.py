"""How every verb says on standard error what is wrong."""

from __future__ import annotations

import contextlib
import sys

from slicegraph.errors import printable


def say(complaint: str) -> None:
    """Write one line of printable characters, whatever a path or a file holds; where it cannot be read, it is lost."""
    with contextlib.suppress(OSError):
        sys.stderr.write(f"slicegraph: {printable(complaint)}\n")
        sys.stderr.flush()
