"""How every verb says on standard error what is wrong."""

from __future__ import annotations

import contextlib
import sys


def say(complaint: str) -> None:
    """Write one line of printable characters, whatever a path or a file holds; where nobody can read it, it is lost."""
    line = " ".join(complaint.splitlines())
    line = "".join(char if char.isprintable() else repr(char)[1:-1] for char in line)
    with contextlib.suppress(OSError):
        sys.stderr.write(f"slicegraph: {line}\n")
        sys.stderr.flush()
