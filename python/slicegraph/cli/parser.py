"""What can be typed, and how usage errors read."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import NoReturn

import slicegraph as sg
from slicegraph.cli import audit, check, compare, machines, profile, report, run, solve, split, sweep, verify_split
from slicegraph.errors import InputError

_PARAMETER = re.compile(r"(\w+) = (.{1,80}?), but (.*)", re.ASCII | re.DOTALL)
"""How the library complains about a parameter."""


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, like all others."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message} (see {self.prog} --help)")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read what was typed; None means the arguments of the process.

    Raises
    ------
    InputError
        Naming what is wrong and where help is.
    """
    options, unknown = make_parser().parse_known_args(arguments)
    if unknown:
        raise InputError(f"unknown arguments: {' '.join(unknown)} (see slicegraph {options.verb} --help)")
    return options


def in_words_of_options(message: str, options: argparse.Namespace) -> str:
    """Name the option in a complaint about a parameter: ``--seed -1: ...`` where the library says ``seed = -1``."""
    match = _PARAMETER.fullmatch(message)
    if match is None or getattr(options, match[1], None) is None:
        return message
    return f"{machines.flag(match[1])} {match[2]}: {match[3]}"


def make_parser() -> argparse.ArgumentParser:
    """Give the parser of all verbs; each sets ``run`` to what it does."""
    parser = _Parser(
        prog="slicegraph",
        description="Cut a neural network into pipeline stages, and prove how close to the best possible the cut is.",
    )
    parser.add_argument("--version", action="version", version=f"slicegraph {sg.__version__}")
    verbs = parser.add_subparsers(required=True, metavar="VERB", dest="verb")
    solve.add_to(verbs.add_parser)
    check.add_to(verbs.add_parser)
    audit.add_to(verbs.add_parser)
    compare.add_to(verbs.add_parser)
    sweep.add_to(verbs.add_parser)
    profile.add_to(verbs.add_parser)
    report.add_to(verbs.add_parser)
    run.add_to(verbs.add_parser)
    split.add_to(verbs.add_parser)
    verify_split.add_to(verbs.add_parser)
    return parser
