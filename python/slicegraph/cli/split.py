"""``slicegraph split``: runnable stage models."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

import slicegraph as sg
from slicegraph.cli import options as shared
from slicegraph.formats.plan import read_plan
from slicegraph.report.split import manifest_to_text


def add_to(add_parser: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the verb and its options."""
    parser = add_parser("split", help="write a partition's stages as runnable ONNX models")
    parser.set_defaults(run=run)
    parser.add_argument("model", metavar="MODEL.onnx", help="the model that the plan is for")
    parser.add_argument("plan", metavar="PLAN", help="an answer of solve --json, a certificate, a number per node, ...")
    parser.add_argument("-o", "--output", required=True, metavar="DIR", help="a new or empty folder, or a former split")
    shared.add_dim(parser)
    parser.add_argument(
        "--graph", metavar="GRAPH", help="predict stages from this graph, as slicegraph profile writes it"
    )
    shared.add_device(parser)
    shared.add_figures(parser)
    parser.add_argument("--json", action="store_true", help="print the manifest")


def run(options: argparse.Namespace) -> int:
    """Split, print, and give the exit status."""
    dims = dict(options.dim)
    graph = sg.read(options.model, format="onnx", dims=dims)
    plan = read_plan(Path(options.plan), num_nodes=graph.num_nodes, node_names=graph.arrays.node_name)
    predicting = graph if options.graph is None else sg.read(options.graph)
    device = shared.make_device(options, predicting)
    instance = sg.Instance(predicting, device=device, num_blocks=max(*plan, graph.num_nodes, 0) + 1)
    manifest = sg.split(options.model, plan, options.output, dims=dims, instance=instance)
    sys.stdout.write(json.dumps(manifest) + "\n" if options.json else manifest_to_text(manifest, options.output))
    sys.stdout.flush()
    return 0
