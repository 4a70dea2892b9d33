"""What locations say: the names of arguments, and the scopes of operations."""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

_NAME: Final = re.compile(r'loc\("((?:[^"\\]|\\.)*)"[()]')  # behind a file's name stands its line
_CALLED: Final = re.compile(r"(?:jit|pjit|jvp|transpose|vmap|remat|custom_\w+)\(.*\)|closed_call|checkpoint|core_call")
_MOST_CHARACTERS: Final = 512

Parts = tuple[str, ...]


def name_of(location: Any) -> str:  # noqa: ANN401 - MLIR's bindings have types of their own
    """Give the name that a location begins with; "": it has none."""
    found = _NAME.match(str(location))
    return "" if found is None else found[1]


class Scope(NamedTuple):
    """Where operations stand, by the names that JAX gives: ``jit(f)/encoder/dot_general``.

    Attributes
    ----------
    base
        What stands before a name that is relative to who calls the function: it ends with a colon.
    real, shown
        What names in an iteration of a loop begin with, and what is shown instead of it.
    """

    base: Parts = ()
    real: Parts = ()
    shown: Parts = ()

    def of(self, op: Any) -> str:  # noqa: ANN401 - see above
        """Give the scope of an operation, the names of transformations left out."""
        return "/".join(self._shown(self._full(op)[:-1]))

    def called(self, op: Any) -> Scope:  # noqa: ANN401 - see above
        """Give the scope of what a call runs."""
        return self._replace(base=self._full(op))

    def opened(self, op: Any, path: str) -> Scope:  # noqa: ANN401 - see above
        """Give the scope of an iteration of a loop that is shown by a path."""
        return Scope(base=self.base, real=(*self._full(op), "body"), shown=tuple(path.split("/")))

    def _full(self, op: Any) -> Parts:  # noqa: ANN401 - see above
        name = name_of(op.location)[:_MOST_CHARACTERS]
        parts = tuple(part for part in name.rstrip(":").split("/") if part and not _CALLED.fullmatch(part))
        return self.base + parts if name.endswith(":") or not name else parts

    def _shown(self, parts: Parts) -> Parts:
        begins = parts[: len(self.real)] == self.real
        return self.shown + (parts[len(self.real) :] if begins else parts)
