"""What can be typed, and how usage errors read."""

from __future__ import annotations

import argparse
import importlib
import re
import sys
import time
from collections.abc import Collection, Sequence
from typing import NoReturn

from slicegraph.errors import InputError
from slicegraph.version import __version__

_VERBS = {
    "solve": "partition a model and bound what any partition costs",
    "check": "verify a certificate, with no code of the solver",
    "audit": "grade a given partition: its bottleneck, and how far from optimal it can be",
    "compare": "what differs between two partitions: costs, stages, cut tensors, moved nodes",
    "sweep": "partition a model into every number of stages: how many devices are needed?",
    "profile": "measure the work of each node of an ONNX model, with onnxruntime",
    "device": "measure this machine as a device: rates, memory, transfers between stages",
    "report": "explain a partition: a page, a drawing, a timeline, a graph",
    "run": "run a split model as a pipeline of processes, and measure its stages",
    "split": "write a partition's stages as runnable ONNX models",
    "emit": "write a plan in the form of a runtime: torch, torchtitan, megatron, vllm, and others",
    "tune": "find a plan of an ONNX model whose stages take the predicted time: solve, measure, correct, repeat",
    "verify-split": "run a split's stages and the whole model, and compare",
    "completion": "print the completion script for a shell: bash, zsh, fish",
}
"""What each does; its options are in the module of its name, which is loaded for the verb that is typed."""
_PARAMETER = re.compile(r"(\w+) = (.{1,80}?), but (.*)", re.ASCII | re.DOTALL)
"""How the library complains about a parameter."""


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, like all others."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message} (see {self.prog} --help)")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read what was typed, and since when a limit of time counts; None means the arguments of the process.

    Raises
    ------
    InputError
        Naming what is wrong and where help is.
    """
    words = sys.argv[1:] if arguments is None else arguments
    typed = [word for word in words if not word.startswith("-")][:1]
    options, unknown = make_parser(typed).parse_known_args(words)
    if unknown:
        raise InputError(f"unknown arguments: {' '.join(unknown)} (see slicegraph {options.verb} --help)")
    options.begun = time.monotonic()
    return options


def in_words_of_options(message: str, options: argparse.Namespace) -> str:
    """Name the option in a complaint about a parameter: ``--seed -1: ...`` where the library says ``seed = -1``."""
    match = _PARAMETER.fullmatch(message)
    if match is None or getattr(options, match[1], None) is None:
        return message
    return f"--{match[1].replace('_', '-')} {match[2]}: {match[3]}"


def make_parser(whole: Collection[str] = tuple(_VERBS)) -> argparse.ArgumentParser:
    """Give the parser of all verbs; those of ``whole`` have their options, and set ``run`` to what they do."""
    parser = _Parser(
        prog="slicegraph",
        description="Cut a neural network into pipeline stages, and prove how close to the best possible the cut is.",
    )
    parser.add_argument("--version", action="version", version=f"slicegraph {__version__}")
    verbs = parser.add_subparsers(required=True, metavar="VERB", dest="verb")
    for verb, meaning in _VERBS.items():
        of_verb = verbs.add_parser(verb, help=meaning)
        if verb in whole:
            importlib.import_module(f"slicegraph.cli.{verb.replace('-', '_')}").add_to(of_verb)
    return parser
