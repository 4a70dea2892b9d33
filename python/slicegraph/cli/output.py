"""How an answer ends: the files that were asked for, then what is printed, and only then what went wrong."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path

from slicegraph.errors import InputError
from slicegraph.interrupts import put_off


def deliver(text: Callable[[], str], *writes: Callable[[], None]) -> None:
    """Write files, then print; what cannot be done keeps nothing else from being done.

    Parameters
    ----------
    text
        Gives what is printed on standard output.
    writes
        Each writes one file.

    Raises
    ------
    InputError
        The first thing that could not be done. A reader of standard output that has gone is none.
    """
    failures = []
    with put_off():
        for write in writes:
            try:
                write()
            except InputError as error:
                failures.append(error)
        try:
            show(text())
        except InputError as error:
            failures.append(error)
    if failures:
        raise failures[0]


def show(text: str = "") -> None:
    """Print to standard output, and see that it has gone out.

    Raises
    ------
    InputError
        When it has not, for another reason than that it is not read.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        drop_output()
    except OSError as error:
        drop_output()
        raise InputError(f"the answer cannot be written: {error.strerror or error}") from None


def check_place(option: str, path: str) -> None:
    """Refuse the place of a file that is asked for, before anything is computed.

    Raises
    ------
    InputError
        Naming the option.
    """
    from slicegraph.formats.writing import check_file  # noqa: PLC0415 - readers and writers are for verbs with files

    try:
        check_file(Path(path))
    except InputError as error:
        raise InputError(f"{option} {error}") from None


def open_streams() -> None:
    """Make both streams writable, whatever is connected to them: a closed one swallows, an odd character is escaped."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - as long as the process
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def drop_output() -> None:
    """Keep the interpreter from flushing at exit what could not be written."""
    sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as long as the process
