"""What can be typed, and how usage errors read."""

from __future__ import annotations

import argparse
from typing import NoReturn

from slicegraph.cli import audit, check, profile, run, solve, split, verify_split
from slicegraph.errors import InputError


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, like all others."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message} (see {self.prog} --help)")


def make_parser() -> argparse.ArgumentParser:
    """Give the parser of all verbs; each sets ``run`` to what it does."""
    parser = _Parser(
        prog="slicegraph",
        description="Cut a neural network into pipeline stages, and prove how close to the best possible the cut is.",
    )
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    solve.add_to(verbs.add_parser)
    check.add_to(verbs.add_parser)
    audit.add_to(verbs.add_parser)
    profile.add_to(verbs.add_parser)
    run.add_to(verbs.add_parser)
    split.add_to(verbs.add_parser)
    verify_split.add_to(verbs.add_parser)
    return parser
