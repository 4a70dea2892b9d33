"""``slicegraph check``: verify a certificate without any of the solving code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

import slicegraph as sg
from slicegraph.certificate.check import check
from slicegraph.certificate.model import Certificate
from slicegraph.cli import options as shared
from slicegraph.cli.complaint import say
from slicegraph.device import PRESETS
from slicegraph.errors import CertificateError
from slicegraph.report.verdict import refusal_to_json, verdict_to_json, verdict_to_text

_BUDGET = 20_000_000
"""Steps of a replay: half a minute to a minute."""


def add_to(add_parser: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the verb and its options."""
    parser = add_parser("check", help="verify a certificate, with nothing that solves")
    parser.set_defaults(run=run)
    shared.add_model(parser)
    parser.add_argument("certificate", metavar="CERTIFICATE", help="what is claimed of MODEL (.json)")
    parser.add_argument("-k", "--num-blocks", type=int, metavar="N", help="refuse any other number of stages")
    parser.add_argument("--device", choices=tuple(PRESETS), help="refuse any other device")
    parser.add_argument(
        "--replay", action="store_true", help="go through reductions and searches of downsets again, not only duals"
    )
    parser.add_argument(
        "--budget",
        type=_steps,
        metavar="N",
        help=f"of --replay: sets of nodes that are tried, at most ({_BUDGET:,}, less than a minute)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    """Check, print, and give the exit status: 1 when the certificate does not hold."""
    if options.budget is not None and not options.replay:
        raise sg.InputError("--budget is what --replay may take, which is not asked for")
    certificate = Certificate.read(options.certificate)
    graph = shared.read_graph(options)
    device = None if options.device is None else sg.Device.preset(options.device)
    replay = _BUDGET if options.budget is None else options.budget
    try:
        verdict = check(
            graph, certificate, device=device, num_blocks=options.num_blocks, replay=replay if options.replay else None
        )
    except CertificateError as error:
        say(f"{options.certificate}: {error}")
        if options.json:
            sys.stdout.write(refusal_to_json(str(error)) + "\n")
        return 1
    sys.stdout.write(
        verdict_to_json(certificate, verdict) + "\n" if options.json else verdict_to_text(certificate, verdict)
    )
    sys.stdout.flush()
    return 0


def _steps(text: str) -> int:
    steps = int(text)
    if steps < 0:
        raise argparse.ArgumentTypeError(f"{text} is below 0")
    return steps
