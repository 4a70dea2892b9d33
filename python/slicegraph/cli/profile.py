"""``slicegraph profile``: measure what each node of a model takes."""

from __future__ import annotations

import argparse

import slicegraph as sg
from slicegraph.cli import options as shared
from slicegraph.cli import output
from slicegraph.cli.complaint import say
from slicegraph.cli.status import status
from slicegraph.stages.profile import RUNS, THREADS, WARMUP, measure

_INTERRUPTED = 130


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options of the verb."""
    parser.set_defaults(run=run)
    parser.add_argument("model", metavar="MODEL", help="an .onnx model")
    parser.add_argument("-o", "--output", required=True, metavar="GRAPH", help="the graph to write (.json, .json.gz)")
    shared.add_dim(parser)
    shared.add_inputs(parser)
    for name, default, meaning in (
        ("runs", RUNS, "of the model; work is the lower quartile of a kernel, the median of a node"),
        ("warmup", WARMUP, "runs before, which do not count"),
        ("threads", THREADS, "of a node"),
        ("seed", 0, "of the inputs that are made up"),
    ):
        parser.add_argument(f"--{name}", type=int, default=default, metavar="N", help=f"{meaning} (default: {default})")
    parser.add_argument(
        "--unfused",
        action="store_true",
        help="measure each node by itself, without the optimizations that stages run with",
    )
    shared.add_provider(parser, per_stage=False)
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    """Measure, write, print, and give the exit status: 130 after Ctrl-C, with what was measured until then."""
    _check_output(options.output)
    with status() as show:
        graph, timing = measure(
            options.model,
            dims=dict(options.dim),
            inputs=shared.read_inputs(options),
            runs=options.runs,
            warmup=options.warmup,
            threads=options.threads,
            seed=options.seed,
            fused=not options.unfused,
            provider=options.provider,
            on_run=None if show is None else lambda what, over, total: show(f"{what}: run {over + 1} of {total}"),
        )
    # Imported when used: rich takes longer to load than the rest of the package.
    from slicegraph.report.profile import notes, profile_to_json, profile_to_text  # noqa: PLC0415 - see above

    for note in notes(graph, timing):
        say(note)
    text = profile_to_json(graph, timing) + "\n" if options.json else profile_to_text(graph, timing)
    output.deliver(lambda: text, lambda: sg.write(graph, options.output))
    return _INTERRUPTED if timing.is_interrupted else 0


def _check_output(path: str) -> None:
    """Refuse a place where no graph can be written, before anything is measured."""
    if not path.lower().endswith((".json", ".json.gz")):
        raise sg.InputError(f"--output {path}: graphs are written as .json or .json.gz")
    output.check_place("--output", path)
