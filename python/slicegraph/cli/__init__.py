"""The command line: one file per verb; arguments in, a report out, no logic."""

from __future__ import annotations

from collections.abc import Sequence

from slicegraph.cli.complaint import say
from slicegraph.cli.output import drop_output, open_streams, show
from slicegraph.cli.parser import in_words_of_options, parse
from slicegraph.errors import InputError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit status: 0 done, 1 the check failed, 2 wrong usage or input, 130 interrupted."""
    open_streams()
    try:
        status = _run(arguments)
        show()
    except InputError as error:
        say(str(error))
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of the output has closed the pipe.
        drop_output()
        return 0
    except OSError as error:
        drop_output()
        say(_told(error))
        return 2
    return status


def _run(arguments: Sequence[str] | None) -> int:
    try:
        options = parse(arguments)
    except SystemExit as ended:
        # The help, or the version, has been printed.
        return int(ended.code or 0)
    try:
        status: int = options.run(options)
    except InputError as error:
        raise InputError(in_words_of_options(str(error), options)) from None
    return status


def _told(error: OSError) -> str:
    what = "the answer cannot be written" if error.filename is None else str(error.filename)
    return f"{what}: {error.strerror or error}"
