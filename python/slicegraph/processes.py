"""Starts interpreters that run a module of ours: they import nothing of the current folder and hear no signals."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from slicegraph.interrupts import SIGNALS


def start(module: str, *, pass_fds: Sequence[int] = ()) -> subprocess.Popen[bytes]:
    """Start ``main()`` of a module, with pipes to its standard input and output.

    It is in a session of its own, and Ctrl-C and SIGTERM, which are for its parent, are blocked in it. It has
    to end when its input does: then it ends with its parent, whatever ends that.

    Parameters
    ----------
    module
        Of this package.
    pass_fds
        Open files that it inherits, by the same numbers.

    Raises
    ------
    OSError
        When there is no interpreter, or no room for a process.
    """
    path = import_path()
    code = f"import sys; sys.path[:] = {path!r}; from {module} import main; main()"
    # What is imported before the code runs: by `site`, which ignores -P in what PYTHONPATH names.
    environment = {**os.environ, "PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(_named())}
    with _blocked():
        return subprocess.Popen(  # noqa: S603 - our own interpreter and code
            [sys.executable, "-P", "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,
            pass_fds=pass_fds,
        )


def import_path() -> list[str]:
    """Give where modules come from: not the current folder, unless PYTHONPATH names it or this package is there."""
    own = str(Path(__file__).resolve().parents[1])
    here = _here()
    kept = {os.path.realpath(entry) for entry in _named()} | {own}
    path = [
        os.path.abspath(entry)  # noqa: PTH100 - a link stays a link
        for entry in sys.path
        if entry and (os.path.realpath(entry) != here or here in kept)
    ]
    return path if own in map(os.path.realpath, path) else [*path, own]


def _named() -> list[str]:
    """Give the folders that PYTHONPATH names; an empty entry, which means the current folder, names none."""
    if sys.flags.ignore_environment:
        return []
    return [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]


def _here() -> str | None:
    try:
        return os.path.realpath(Path.cwd())
    except OSError:
        # It has been removed.
        return None


@contextlib.contextmanager
def _blocked() -> Iterator[None]:
    """Block signals in this thread, so that what it starts inherits that."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
