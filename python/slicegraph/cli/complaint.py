"""How every verb says on standard error what is wrong."""

from __future__ import annotations

import sys


def say(complaint: str) -> None:
    """Write one line; a path may hold any character, and the line stays one line."""
    sys.stderr.write(f"slicegraph: {' '.join(complaint.splitlines())}\n")
