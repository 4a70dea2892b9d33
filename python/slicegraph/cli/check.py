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


def add_to(add_parser: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the verb and its options."""
    parser = add_parser("check", help="verify a certificate, with nothing that solves")
    parser.set_defaults(run=run)
    shared.add_model(parser)
    parser.add_argument("certificate", metavar="CERTIFICATE", help="what is claimed of MODEL (.json)")
    parser.add_argument("-k", "--num-blocks", type=int, metavar="N", help="refuse any other number of stages")
    parser.add_argument("--device", choices=tuple(PRESETS), help="refuse any other device")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    """Check, print, and give the exit status: 1 when the certificate does not hold."""
    certificate = Certificate.read(options.certificate)
    graph = shared.read_graph(options)
    device = None if options.device is None else sg.Device.preset(options.device)
    try:
        verdict = check(graph, certificate, device=device, num_blocks=options.num_blocks)
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
