"""``slicegraph compare``: what differs between two partitions."""

from __future__ import annotations

import argparse

import slicegraph as sg
from slicegraph.cli import machines, output
from slicegraph.cli import options as shared
from slicegraph.cli.complaint import say
from slicegraph.formats.plan import Plan
from slicegraph.report.compare import comparison_to_json, comparison_to_text


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options of the verb."""
    parser.set_defaults(run=run)
    shared.add_model(parser)
    parser.add_argument("plan", metavar="PLAN_A", help="a partition, in any form that audit takes")
    parser.add_argument("plan_b", metavar="PLAN_B", help="another one, of the same graph")
    shared.add_force(parser)
    machines.add_machine(parser, default="that of the plans, or the one in MODEL, or testbed")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    """Read both plans, compare, print."""
    graph = shared.read_graph(options)
    a, b = shared.read_plan(options, graph), shared.read_plan(options, graph, name="plan_b")
    leading = b if a.device is None and a.machine is None else a
    is_typed = machines.names_device(options)
    for what, is_told in (("device", is_typed), ("machine", is_typed), ("boundary_io", False)):
        _warn(options, what, a, b, is_typed=is_told)
    instance = machines.make_instance(
        options,
        graph,
        plan=leading,
        num_blocks=max(*a.block_of, *b.block_of) + 1,
        boundary_io=bool(leading.boundary_io),
    )
    try:
        found = sg.compare(instance, a.block_of, b.block_of)
    except sg.InputError as error:
        name, _, rule = str(error).partition(": ")
        raise sg.InputError(f"{options.plan if name == 'a' else options.plan_b}: {rule}") from None
    output.deliver(lambda: comparison_to_json(found) if options.json else comparison_to_text(found))
    return 0


def _warn(options: argparse.Namespace, what: str, a: Plan, b: Plan, *, is_typed: bool) -> None:
    """Say which plan's figures both are costed with, where the plans differ."""
    first, second = getattr(a, what), getattr(b, what)
    if not is_typed and first is not None and second is not None and first != second:
        say(f"{options.plan} and {options.plan_b} differ in {what}; both are costed with that of {options.plan}")
