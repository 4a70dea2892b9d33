"""Where the equations of a function with a backward pass come from: lines of the user's program, and scopes."""

from __future__ import annotations

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any, Final

import jax

from slicegraph.formats.traced import Origin

_OURS: Final = str(Path(jax.__file__).parent)
# Where JAX is called from outside.
_BOUNDARY: Final = "traceback_util.py"
_TRANSFORMED: Final = re.compile(r"(?:jvp|transpose)\(([^()]*)\)")
_BACKWARD: Final = re.compile(r"(?:^|/)transpose\(")
_RECOMPUTED: Final = "rematted_computation"
# What says how and when an equation runs, not where it comes from.
_HOW: Final = re.compile(rf"(?:scan|while)\.\d+/\d+|{_RECOMPUTED}|checkpoint|remat2?", re.ASCII)


def origin(scope: str, traceback: Any) -> Origin:  # noqa: ANN401 - JAX keeps the type to itself
    """Say where an equation comes from.

    Parameters
    ----------
    scope
        The scopes around it, with transformations as JAX writes them: ``transpose(jvp(mlp))/up``.
    traceback
        Of its ``source_info``.
    """
    # What is computed anew has the scopes of its layer twice.
    parts = dict.fromkeys(filter(None, _HOW.sub("", plain(scope)).split("/")))
    return Origin(
        key=(tuple(parts), _lines(traceback)),
        is_backward=_BACKWARD.search(scope) is not None,
        is_recomputed=_RECOMPUTED in scope,
    )


def named_scope(scope: str) -> tuple[str, str]:
    """Give scopes without the transformations around them, and whether they are of the backward pass, as a word.

    Examples
    --------
    >>> named_scope("transpose(jvp(mlp))/up"), named_scope("jvp(mlp)/up")
    (('mlp/up', 'backward'), ('mlp/up', ''))
    """
    return plain(scope), "backward" if _BACKWARD.search(scope) else ""


def plain(scope: str) -> str:
    """Give scopes without the transformations around them.

    Examples
    --------
    >>> plain("transpose(jvp(mlp))/up")
    'mlp/up'
    """
    while (inner := _TRANSFORMED.sub(r"\1", scope)) != scope:
        scope = inner
    return "/".join(filter(None, scope.split("/")))


def _lines(traceback: Any) -> Hashable:  # noqa: ANN401 - likewise
    """Give the user's lines that led to an equation, and what of JAX the innermost of them called."""
    frames = [] if traceback is None else traceback.frames
    is_ours = [frame.file_name.startswith(_OURS) for frame in frames]
    if all(is_ours):
        return ()
    innermost = is_ours.index(False)
    found: list[Hashable] = []
    for frame in reversed(frames[:innermost]):
        if frame.file_name.endswith(_BOUNDARY):
            break
        found.append(frame.function_name)
    return (
        *found,
        *((frame.file_name, frame.line_num) for frame, ours in zip(frames, is_ours, strict=True) if not ours),
    )
