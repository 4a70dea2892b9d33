"""``slicegraph tune``: a plan whose stages take what is predicted, on this machine."""

from __future__ import annotations

import argparse
import json
import math

import slicegraph as sg
from slicegraph.cli import options as shared
from slicegraph.cli import output, units
from slicegraph.cli.complaint import say
from slicegraph.cli.status import status

_INTERRUPTED = 130


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options of the verb."""
    parser.set_defaults(run=run)
    parser.add_argument("model", metavar="MODEL.onnx", help="the model to cut")
    parser.add_argument("-k", "--num-blocks", type=int, required=True, metavar="N", help="pipeline stages, at most")
    parser.add_argument("-o", "--output", required=True, metavar="PLAN", help="the plan to write (.json)")
    parser.add_argument(
        "--graph", metavar="GRAPH", help="write the graph with the corrected work, too (.json, .json.gz)"
    )
    shared.add_dim(parser)
    shared.add_inputs(parser)
    for name, default, meaning in (
        ("runs", 20, "of the model for each profile, and of each stage"),
        ("rounds", 8, "at most"),
        ("seed", 0, "of the search, and of the inputs that are made up"),
    ):
        parser.add_argument(f"--{name}", type=int, default=default, metavar="N", help=f"{meaning} (default: {default})")
    parser.add_argument(
        "--tolerance",
        type=units.gap,
        default=0.05,
        metavar="G",
        help="end when the bottleneck of corrected costs was predicted within it (default: 5%%)",
    )
    parser.add_argument(
        "--time-limit", type=units.seconds, default=300.0, metavar="S", help="seconds of all rounds (default: 300)"
    )
    parser.add_argument("--boundary-io", action="store_true", help="stages pay for model inputs and outputs too")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress line")


def run(options: argparse.Namespace) -> int:
    """Tune, write, print, and give the exit status: 130 after Ctrl-C, with what is known by then."""
    output.check_place("--output", options.output)
    if options.graph is not None:
        if not options.graph.lower().endswith((".json", ".json.gz")):
            raise sg.InputError(f"--graph {options.graph}: graphs are written as .json or .json.gz")
        output.check_place("--graph", options.graph)
    if math.isnan(options.time_limit) or options.time_limit < 0:
        raise sg.InputError(f"--time-limit {options.time_limit:g}: seconds are not negative")
    with status(is_wanted=not options.quiet) as show:
        tuning = sg.tune(
            options.model,
            num_blocks=options.num_blocks,
            dims=dict(options.dim),
            inputs=shared.read_inputs(options),
            runs=options.runs,
            rounds=options.rounds,
            tolerance=options.tolerance,
            time_limit=options.time_limit,
            boundary_io=options.boundary_io,
            seed=options.seed,
            show=show,
        )
    # Imported when used: a report is for answers.
    from slicegraph.report.tune import notes, tuning_to_text  # noqa: PLC0415 - see above

    for note in notes(tuning):
        say(note)
    writes = [lambda: tuning.plan.write(options.output)]
    if options.graph is not None:
        writes.append(lambda: sg.write(tuning.graph, options.graph))
    output.deliver(lambda: json.dumps(tuning.document) + "\n" if options.json else tuning_to_text(tuning), *writes)
    return _INTERRUPTED if tuning.is_interrupted else 0
