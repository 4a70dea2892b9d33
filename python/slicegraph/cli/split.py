"""``slicegraph split``: runnable stage models."""

from __future__ import annotations

import argparse
import json

import slicegraph as sg
from slicegraph.cli import machines, output
from slicegraph.cli import options as shared
from slicegraph.report.split import manifest_to_text


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options of the verb."""
    parser.set_defaults(run=run)
    parser.add_argument("model", metavar="MODEL.onnx", help="the model that the plan is for")
    shared.add_plan(parser)
    parser.add_argument("-o", "--output", required=True, metavar="DIR", help="a new or empty folder, or a former split")
    shared.add_dim(parser)
    parser.add_argument(
        "--graph", metavar="GRAPH", help="predict stages from this graph, as slicegraph profile writes it"
    )
    machines.add_machine(parser, default="that of PLAN, or the one in MODEL, or testbed")
    parser.add_argument("--json", action="store_true", help="print the manifest")


def run(options: argparse.Namespace) -> int:
    """Split, print, and give the exit status."""
    dims = dict(options.dim)
    graph = sg.read(options.model, format="onnx", dims=dims)
    predicting = graph if options.graph is None else sg.read(options.graph)
    plan = shared.read_plan(options, graph, predicting)
    instance = machines.make_instance(
        options,
        predicting,
        plan=plan,
        num_blocks=max(*plan.block_of, graph.num_nodes, 0) + 1,
        boundary_io=bool(plan.boundary_io),
    )
    manifest = sg.split(options.model, plan.block_of, options.output, dims=dims, instance=instance)
    output.deliver(lambda: json.dumps(manifest) + "\n" if options.json else manifest_to_text(manifest, options.output))
    return 0
