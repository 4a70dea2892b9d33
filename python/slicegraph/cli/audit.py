"""``slicegraph audit``: grade somebody else's partition."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import slicegraph as sg
from slicegraph.audit import complaints
from slicegraph.cli import options as shared
from slicegraph.cli.complaint import say
from slicegraph.formats.plan import read_plan


def add_to(add_parser: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the verb and its options."""
    parser = add_parser("audit", help="grade a given partition: its bottleneck, and how far from optimal it can be")
    parser.set_defaults(run=run)
    shared.add_model(parser)
    parser.add_argument(
        "plan", metavar="PLAN", help="JSON (list, nodes to stages, an answer, a certificate), or a number per node"
    )
    shared.add_instance(parser)
    shared.add_run(parser)


def run(options: argparse.Namespace) -> int:
    """Audit, complain, print, and give the exit status."""
    shared.start_log(options)
    shared.check_certificate_path(options)
    stop, required = shared.make_stop(options), shared.required_gap(options)
    instance = shared.read_instance(options)
    graph = instance.graph
    block_of = read_plan(Path(options.plan), num_nodes=graph.num_nodes, node_names=graph.arrays.node_name)
    try:
        found = complaints(instance, block_of)
    except sg.InputError as error:
        raise sg.InputError(f"{options.plan}: {error}") from None
    for complaint in found:
        say(f"{options.plan}: {complaint}")
    result = sg.audit(
        instance,
        block_of,
        stop=stop,
        seed=options.seed,
        threads=options.threads,
        display=shared.wants_progress(options),
    )
    shared.print_result(options, result)
    return shared.exit_status(result, required)
