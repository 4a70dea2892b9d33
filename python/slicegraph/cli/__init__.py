"""The command line: one file per verb; arguments in, a report out, no logic."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from slicegraph.cli.parser import make_parser
from slicegraph.errors import InputError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit status: 0 done, 1 the check failed, 2 wrong usage or input, 130 Ctrl-C."""
    try:
        options = make_parser().parse_args(arguments)
        status: int = options.run(options)
    except InputError as error:
        # A path may hold any character: the line stays one line.
        sys.stderr.write(f"slicegraph: {' '.join(str(error).splitlines())}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone; what Python flushes at exit must not complain about it.
        sys.stdout = None  # tells the interpreter that there is nothing to flush
        return 0
    return status
