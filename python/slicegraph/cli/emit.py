"""``slicegraph emit``: a plan in a runtime's own form."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import slicegraph as sg
from slicegraph.cli import options as shared
from slicegraph.cli import output
from slicegraph.cli.complaint import say
from slicegraph.emission import FORMS, CannotSayError, NamedPlan, named_plan
from slicegraph.formats.files import read_json
from slicegraph.formats.writing import write_file
from slicegraph.report.numbers import percent, time

_BY_MODULE = ("accelerate", "deepspeed", "torchtitan")


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    parser.set_defaults(run=run)
    parser.add_argument("plan", metavar="PLAN", help="what solve --json or --plan wrote, with names of nodes")
    parser.add_argument("--to", required=True, choices=tuple(FORMS), help="the runtime")
    parser.add_argument(
        "--model",
        metavar="MODEL",
        help="the graph of the plan: it costs the nearest plan where a form cannot say it; genai and openvino need it",
    )
    shared.add_dim(parser)
    shared.add_params(parser)
    parser.add_argument(
        "--nearest", metavar="OUT.json", help="write the nearest plan that the form can say, where it cannot say PLAN"
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="write there, not to standard output")


def run(options: argparse.Namespace) -> int:
    """Write the plan down, or say what the form cannot say, and give the exit status."""
    if options.output is not None:
        output.check_place("-o", options.output)
    document = read_json(Path(options.plan))
    if not isinstance(document, dict):
        raise sg.InputError(f"{options.plan}: a plan is a JSON object, as solve --plan writes it")
    graph = None if options.model is None else sg.read(options.model, dims=dict(options.dim), params=options.params)
    try:
        plan = named_plan(document, graph)
    except sg.InputError as error:
        raise sg.InputError(f"{options.plan}: {error}") from None
    try:
        text = FORMS[options.to](plan)
    except CannotSayError as error:
        told = _told(options, document, graph, plan, error.nearest)
        raise sg.InputError(f"{options.plan}: --to {options.to} cannot say it: {error}{told}") from None
    if options.to in _BY_MODULE:
        say(f"--to {options.to}: a module without a node, whose result is a constant, is in no entry")
    if options.output is None:
        output.deliver(lambda: text)
    else:
        write_file(Path(options.output), text.encode())
    return 0


def _told(
    options: argparse.Namespace,
    document: dict[str, object],
    graph: sg.Graph | None,
    plan: NamedPlan,
    nearest: Sequence[int] | None,
) -> str:
    """Say which plan is the nearest that can be said, and what it costs."""
    if nearest is None:
        return ""
    moved = sum(before != after for before, after in zip(plan.stages, nearest, strict=True))
    told = f"; the nearest that it can moves {moved} of {len(nearest)} nodes"
    if options.nearest is not None:
        written = {"node_names": list(plan.names), "block_of": list(nearest)}
        write_file(Path(options.nearest), (json.dumps(written) + "\n").encode())
        told += f" and is in {options.nearest}"
    if graph is None:
        return f"{told} (--model gives its cost)"
    if not isinstance(document.get("device"), dict):
        return f"{told}; its cost is not known: the plan is for unlike devices"
    asked = document.get("constraints")
    instance = sg.Instance(
        graph,
        device=sg.Device.from_mapping(document["device"]),  # type: ignore[arg-type] # checked above
        num_blocks=max(*plan.stages, *nearest) + 1,
        constraints=sg.Constraints(adjacent=isinstance(asked, dict) and asked.get("adjacent") is True),
        boundary_io=bool(document.get("boundary_io")),
    )
    costs = [max(block.cost for block in instance.block_costs(list(each))) for each in (plan.stages, nearest)]
    slower = costs[1] / costs[0] - 1 if costs[0] else 0.0
    return (
        f"{told}, and costs {time(costs[1])}, {percent(abs(slower))} {'less' if slower < 0 else 'more'} than the plan"
    )
