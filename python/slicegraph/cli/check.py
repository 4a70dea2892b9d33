"""``slicegraph check``: verify a certificate without any of the solving code."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import slicegraph as sg
from slicegraph.certificate.budget import DEFAULT_STEPS, LARGE_STEPS
from slicegraph.certificate.check import check
from slicegraph.certificate.model import Certificate
from slicegraph.cli import machines, output, units
from slicegraph.cli import options as shared
from slicegraph.cli.complaint import say
from slicegraph.errors import CertificateError
from slicegraph.guesses import Guessed, guessed
from slicegraph.report import numbers
from slicegraph.report.verdict import Report, refusal_to_json


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options of the verb."""
    parser.set_defaults(run=run)
    shared.add_model(parser)
    parser.add_argument("certificate", metavar="CERTIFICATE", help="what is claimed of MODEL (.json)")
    parser.add_argument("-k", "--num-blocks", type=int, metavar="N", help="refuse any other number of stages")
    machines.add_machine(parser)
    parser.add_argument(
        "--boundary-io",
        action=argparse.BooleanOptionalAction,
        help="refuse a certificate where model inputs and outputs are free, or paid",
    )
    parser.add_argument(
        "--require-gap", type=units.fraction, metavar="G", help="exit with 1 unless proved again within it, such as 5%%"
    )
    parser.add_argument(
        "--budget",
        type=_steps,
        metavar="N",
        help=f"steps that proving again may take (default: {DEFAULT_STEPS:,}, about a minute)",
    )
    parser.add_argument("--replay", action="store_true", help=f"a budget of {LARGE_STEPS:,} steps")
    parser.add_argument("--slow", action="store_true", help="prove it all in plain Python, a second implementation")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    """Check, print, and give the exit status: 1 when the certificate does not hold, or not within the gap."""
    required = shared.required_gap(options)
    budget = options.budget
    if budget is None:
        budget = LARGE_STEPS if options.replay else DEFAULT_STEPS
    certificate = Certificate.read(options.certificate)
    graph = shared.read_graph(options)
    devices = machines.listed_devices(options)
    device = machines.make_device(options, graph) if devices is None and machines.names_device(options) else None
    constraints = machines.typed_constraints(options)
    num_blocks = options.num_blocks if devices is None else None
    try:
        verdict = check(
            graph,
            certificate,
            device=device,
            num_blocks=num_blocks,
            devices=devices,
            order="any" if options.any_order else "given",
            constraints=constraints,
            boundary_io=options.boundary_io,
            budget=budget,
            slow=options.slow,
        )
    except CertificateError as error:
        say(f"{options.certificate}: {error}")
        if options.json:
            refusal = refusal_to_json(str(error)) + "\n"
            output.deliver(lambda: refusal)
        return 1
    named = {
        "num_blocks": options.num_blocks if devices is None else len(devices),
        "device": device if devices is None else devices,
        "boundary_io": options.boundary_io,
        # With devices, no constraints are asked for where none are typed.
        "constraints": constraints if device is None and devices is None else (),
    }
    pinned = tuple(name for name, value in named.items() if value is not None)
    report = Report(
        graph=graph.arrays,
        certificate=certificate,
        verdict=verdict,
        pinned=pinned,
        guesses=_guesses(graph, certificate),
    )
    output.deliver(lambda: report.to_json() + "\n" if options.json else report.to_text())
    if required is not None and verdict.gap > required:
        gap = f"a gap of {numbers.percent(verdict.gap)} is proved again"
        say(f"{options.certificate}: {gap}, but --require-gap asks for {numbers.percent(required)}")
        return 1
    return 0


def _guesses(graph: sg.Graph, certificate: Certificate) -> Sequence[Guessed]:
    """Name what is guessed, on the devices of a certificate that holds."""
    if graph.arrays.is_guess is None or not graph.arrays.is_guess.any():
        return ()
    document = certificate.document
    devices = [sg.Device.from_mapping(figures) for figures in document.get("devices") or [document["device"]]]
    if len(devices) == 1:
        return guessed(sg.Instance(graph, device=devices[0], num_blocks=1))
    return guessed(sg.Instance(graph, devices=devices))


def _steps(text: str) -> int:
    steps = int(text)
    if steps < 0:
        raise argparse.ArgumentTypeError(f"{text} is below 0")
    return steps
