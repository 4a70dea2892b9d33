"""Names in messages: listed for a reader, quoted for a shell."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from typing import Final

_NAMES_SHOWN: Final = 8


def listed(names: Iterable[str]) -> str:
    """List names; a long list is cut."""
    quoted = [repr(name) for name in names]
    rest = len(quoted) - _NAMES_SHOWN
    return ", ".join(quoted[:_NAMES_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def dim_options(names: Sequence[str]) -> str:
    """Write what gives dimensions their sizes on the command line; a long list is cut."""
    rest = len(names) - _NAMES_SHOWN
    options = " ".join(_option(name) for name in names[:_NAMES_SHOWN])
    return options + (f" and {rest} more" if rest > 0 else "")


def _option(name: str) -> str:
    if not name.isprintable():
        # The shell's own notation for any character.
        escaped = "".join(
            f"\\{char}" if char in "\\'" else char if char.isprintable() else repr(char)[1:-1] for char in name
        )
        return f"--dim=$'{escaped}'=VALUE"
    # What begins with a dash would be taken for an option itself.
    return f"--dim={shlex.quote(name)}=VALUE" if name.startswith("-") else f"--dim {shlex.quote(name)}=VALUE"
