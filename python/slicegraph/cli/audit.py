"""``slicegraph audit``: grade a partition that was made elsewhere."""

from __future__ import annotations

import argparse

import slicegraph as sg
from slicegraph.audit import complaints
from slicegraph.cli import options as shared
from slicegraph.cli.complaint import say


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options of the verb."""
    parser.set_defaults(run=run)
    shared.add_model(parser)
    shared.add_plan(parser)
    shared.add_instance(parser)
    shared.add_run(parser)


def run(options: argparse.Namespace) -> int:
    """Audit, complain, print, and give the exit status."""
    shared.start_log(options)
    shared.check_places(options)
    shared.check_limits(options)
    required = options.require_gap
    instance = shared.read_instance(options)
    block_of = shared.read_plan(options, instance.graph).block_of
    try:
        found = complaints(instance, block_of)
    except sg.InputError as error:
        raise sg.InputError(f"{options.plan}: {error}") from None
    for complaint in found:
        say(f"{options.plan}: {complaint}")
    result = sg.audit(
        instance,
        block_of,
        stop=shared.make_stop(options, instance.graph),
        seed=options.seed,
        threads=options.threads,
        display=shared.wants_progress(options),
    )
    shared.print_result(options, result)
    return shared.exit_status(result, required)
