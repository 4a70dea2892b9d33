"""The command line: one file per verb; arguments in, a report out, no logic."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from slicegraph.cli.complaint import say
from slicegraph.cli.parser import in_words_of_options, parse
from slicegraph.errors import InputError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit status: 0 done, 1 the check failed, 2 wrong usage or input, 130 Ctrl-C."""
    _open_streams()
    try:
        options = parse(arguments)
        try:
            status: int = options.run(options)
        except InputError as error:
            raise InputError(in_words_of_options(str(error), options)) from None
    except InputError as error:
        say(str(error))
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone.
        _drop_output()
        return 0
    except OSError as error:
        _drop_output()
        sys.stderr.write(f"slicegraph: the answer cannot be written: {error.strerror or error}\n")
        return 2
    return status


def _open_streams() -> None:
    """Make both streams writable, whatever is connected to them: a closed one swallows, an odd character is escaped."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - as long as the process
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _drop_output() -> None:
    """Keep the interpreter from flushing at exit what could not be written."""
    sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as long as the process
