"""``slicegraph completion``: what a shell needs to complete this command's verbs, options and files."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator

import shtab

from slicegraph.cli import output

_SHELLS = ("bash", "zsh", "fish")
_FILES = re.compile(r"MODEL|PLAN|CERTIFICATE|OUT|FILE|GRAPH|SWEEP|RUN|PRESET")
"""How the metavar of a file begins; a device is a preset or a file."""


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    parser.set_defaults(run=run)
    parser.add_argument(
        "shell",
        choices=_SHELLS,
        help='for .bashrc: eval "$(slicegraph completion bash)"; zsh likewise; for fish: slicegraph completion fish |'
        " source",
    )


def run(options: argparse.Namespace) -> int:
    """Print the script of a shell, and give the exit status."""
    from slicegraph.cli.parser import make_parser  # noqa: PLC0415 - which loads this module

    parser = make_parser()
    for action in _actions(parser):
        if isinstance(action.metavar, str) and _FILES.match(action.metavar):
            action.complete = shtab.FILE  # type: ignore[attr-defined] # shtab's way to say it
        elif action.metavar == "DIR":
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined] # likewise
    output.deliver(lambda: shtab.complete(parser, options.shell) + "\n")
    return 0


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Give what can be typed, of all verbs."""
    for action in parser._actions:  # noqa: SLF001 - the only way to what can be typed
        yield action
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - likewise
            for of_verb in action.choices.values():
                yield from _actions(of_verb)
