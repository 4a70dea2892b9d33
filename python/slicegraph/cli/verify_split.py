"""``slicegraph verify-split``: whether the stages of a split compute what the whole model does."""

from __future__ import annotations

import argparse

import slicegraph as sg
from slicegraph.cli import options as shared
from slicegraph.cli import output, units
from slicegraph.cli.complaint import say
from slicegraph.report.split import differences_to_json, differences_to_text, notes
from slicegraph.stages.verify_split import holds


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options of the verb."""
    parser.set_defaults(run=run)
    parser.add_argument("directory", metavar="DIR", help="what `slicegraph split` wrote")
    parser.add_argument("model", metavar="MODEL.onnx", help="the model that was split")
    shared.add_dim(parser)
    shared.add_inputs(parser)
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the inputs (default: 0)")
    parser.add_argument(
        "--tolerance",
        type=units.fraction,
        metavar="T",
        help="of an output's largest magnitude (default: what rounding explains, 1e-4 for 32-bit floats)",
    )
    shared.add_provider(parser, per_stage=True)
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    """Verify, print, and give the exit status: 1 when an output is off by more than its tolerance or all are random."""
    if options.tolerance is not None and not options.tolerance >= 0:
        raise sg.InputError(f"--tolerance {options.tolerance:g}: a tolerance is not negative")
    if options.seed < 0:
        raise sg.InputError(f"--seed {options.seed}: a seed is not negative")
    found = sg.verify_split(
        options.directory,
        options.model,
        seed=options.seed,
        dims=dict(options.dim),
        inputs=shared.read_inputs(options),
        tolerance=options.tolerance,
        provider=options.provider,
    )
    for note in notes(found):
        say(note)
    output.deliver(lambda: differences_to_json(found) + "\n" if options.json else differences_to_text(found))
    return int(not holds(found))
