"""``slicegraph check``: verify a certificate without any of the solving code."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import slicegraph as sg
from slicegraph.certificate.budget import DEFAULT_STEPS, LARGE_STEPS, MOST_STEPS, Budget
from slicegraph.certificate.check import Verdict, check_within
from slicegraph.certificate.model import Certificate
from slicegraph.certificate.tally import Proof
from slicegraph.certificate.wanted import Wanted
from slicegraph.cli import machines, output, units
from slicegraph.cli import options as shared
from slicegraph.cli.complaint import say
from slicegraph.errors import CertificateError, InputError
from slicegraph.formats.writing import write_file
from slicegraph.guesses import Guessed, guessed
from slicegraph.report.verdict import Report, refusal_to_json


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options of the verb."""
    parser.set_defaults(run=run)
    shared.add_model(parser)
    parser.add_argument("certificate", metavar="CERTIFICATE", help="what is claimed of MODEL (.json)")
    parser.add_argument("-k", "--num-blocks", type=int, metavar="N", help="refuse any other number of stages")
    machines.add_machine(parser, default="that of CERTIFICATE; with --require-gap, the one in MODEL first")
    parser.add_argument(
        "--boundary-io",
        action=argparse.BooleanOptionalAction,
        help="refuse a certificate where model inputs and outputs are free, or paid",
    )
    parser.add_argument(
        "--require-gap",
        type=units.gap,
        metavar="G",
        help="exit with 1 unless a gap within it, such as 5%%, is proved again;"
        " a device or -k that is not given is the certificate's",
    )
    parser.add_argument(
        "--budget",
        type=_steps,
        metavar="N",
        help=f"steps that proving again may take (default: {DEFAULT_STEPS:,}, about a minute)",
    )
    parser.add_argument("--replay", action="store_true", help=f"a budget of {LARGE_STEPS:,} steps")
    parser.add_argument(
        "--export",
        metavar="DIR",
        help="write DIR/problem and DIR/log, which the program slicegraph-checker reads to prove the lower bound",
    )
    parser.add_argument(
        "--slow",
        action="store_true",
        help="plain Python, a second implementation, proves all of it",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    """Check, print, and give the exit status: 0 only where all that is claimed, and required, is proved again."""
    required = options.require_gap
    budget = options.budget
    if budget is None:
        budget = LARGE_STEPS if options.replay else DEFAULT_STEPS
    certificate = Certificate.read(options.certificate)
    graph = shared.read_graph(options)
    pins = machines.pins(options, graph, is_required=required is not None)
    begin = time.perf_counter()
    try:
        verdict, proof = check_within(
            graph, certificate, Budget(budget), wanted=Wanted.of(**pins), is_slow=options.slow
        )
    except CertificateError as error:
        say(f"{options.certificate}: {_refusal(error, options)}")
        if options.json:
            refusal = refusal_to_json(error) + "\n"
            output.deliver(lambda: refusal)
        return 1
    report = Report(
        graph=graph.arrays,
        certificate=certificate,
        verdict=verdict,
        pinned=_pinned(pins),
        guesses=_guesses(graph, certificate),
        required_gap=required,
        seconds=time.perf_counter() - begin,
    )
    writes = [] if options.export is None else [lambda: _export(options.export, verdict, proof)]
    output.deliver(lambda: report.to_json() + "\n" if options.json else report.to_text(), *writes)
    if report.verdict_word != "verified":
        say(f"{options.certificate}: {report.reason}")
        return 1
    return 0


def _export(folder: str, verdict: Verdict, proof: Proof | None) -> None:
    """Write the problem and the log of the proof of the lower bound."""
    if proof is None:
        rule = f"the lower bound is proved by {verdict.proved_by}, not by the compiled checker"
        raise InputError(f"--export {folder}: {rule}: there is no log of it")
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--export {folder}: {error.strerror or error}") from None
    for name, content in (("problem", proof.problem), ("log", proof.log)):
        write_file(Path(folder) / name, content)


def _refusal(error: CertificateError, options: argparse.Namespace) -> str:
    """Say what does not hold; of another question, by the option that asked for it."""
    if not error.part:
        return str(error)
    device = "--devices" if options.devices else "--device"
    words = {
        "boundary_io": "--no-boundary-io" if options.boundary_io is False else "--boundary-io",
        "device": device if machines.names_device(options) else f"the device in {options.model}",
        "devices": "--devices" if options.devices else f"the devices in {options.model}",
        "order": "--any-order" if options.any_order else "--devices",
        "stages": "--pin, --forbid",
    }
    return f"{words.get(error.part) or machines.flag(error.part)}: {str(error).removeprefix(error.part + ': ')}"


def _pinned(pins: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the parts of the question that were asked for."""
    devices = pins.get("devices")
    device = pins.get("device") if devices is None else devices
    named = {
        "num_blocks": pins.get("num_blocks") if devices is None else len(devices),
        "device": device,
        "boundary_io": pins["boundary_io"],
        # With devices, no constraints are asked for where none are typed.
        "constraints": pins["constraints"] if device is None else (),
    }
    return tuple(name for name, value in named.items() if value is not None)


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
    try:
        steps = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r:.80} is no number of steps, such as 1000000") from None
    if not 0 <= steps < MOST_STEPS:
        raise argparse.ArgumentTypeError(f"{text} is below 0" if steps < 0 else "it is 2^53 or more")
    return steps
