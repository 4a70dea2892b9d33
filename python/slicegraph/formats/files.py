"""Writing a file whole or not at all."""

from __future__ import annotations

import contextlib
import secrets
from pathlib import Path

from slicegraph.errors import InputError


def write_whole(path: Path, content: bytes) -> None:
    """Write a file through a temporary one beside it, so that no half of a file is ever there.

    Raises
    ------
    InputError
        When it cannot be written.
    """
    temporary = path.parent / f".{secrets.token_hex(8)}.tmp"
    try:
        try:
            with temporary.open("xb") as file:
                file.write(content)
            temporary.replace(path)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
