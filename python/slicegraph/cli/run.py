"""``slicegraph run``: run a split model as a pipeline, and measure what the plan promised."""

from __future__ import annotations

import argparse

import slicegraph as sg
from slicegraph.cli import options as shared
from slicegraph.cli import output, units
from slicegraph.cli.complaint import say


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options of the verb."""
    parser.set_defaults(run=run)
    parser.epilog = (
        "A stage that gives no sign of life for 15 seconds is given up: exit status 2, as for one that fails."
    )
    parser.add_argument("directory", metavar="DIR", help="what slicegraph split wrote")
    parser.add_argument("--requests", type=int, metavar="N", help="to be measured, up to 5000 (default: 100)")
    parser.add_argument("--seconds", type=units.seconds, metavar="S", help="to measure, instead of so many requests")
    parser.add_argument("--warmup", type=int, default=10, metavar="N", help="requests before that (default: 10)")
    parser.add_argument(
        "--depth", type=int, default=2, metavar="N", help="requests that may wait between two stages (default: 2)"
    )
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="of each stage (default: 1)")
    shared.add_inputs(parser)
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the inputs (default: 0)")
    parser.add_argument("--compare", metavar="MODEL.onnx", help="run the whole model in one process, too")
    shared.add_provider(parser, per_stage=True)
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    """Run, print, and give the exit status: 2 when a stage failed, 130 after Ctrl-C."""
    try:
        result = sg.run_pipeline(
            options.directory,
            requests=options.requests,
            seconds=options.seconds,
            warmup=options.warmup,
            depth=options.depth,
            threads=options.threads,
            seed=options.seed,
            inputs=shared.read_inputs(options),
            compare=options.compare,
            provider=options.provider,
        )
    except sg.StageError as error:
        say(str(error))
        return 2
    # Imported when used: rich takes longer to load than the rest of the package.
    from slicegraph.report.pipeline import run_to_json, run_to_text  # noqa: PLC0415 - see above

    output.deliver(lambda: run_to_json(result) + "\n" if options.json else run_to_text(result))
    return 130 if result.is_interrupted else 0
