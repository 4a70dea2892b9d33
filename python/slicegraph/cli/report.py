"""``slicegraph report``: explain a partition, as a page, a drawing, a timeline or a graph."""

from __future__ import annotations

import argparse
import dataclasses
import os
import shlex
from pathlib import Path

import slicegraph as sg
from slicegraph.cli import machines, output
from slicegraph.cli import options as shared
from slicegraph.formats.answers import read_claims, read_run, read_sweep
from slicegraph.formats.plan import Plan
from slicegraph.formats.writing import write_file
from slicegraph.machine import devices_of
from slicegraph.report.answer import Answer, make_answer
from slicegraph.report.graphs import to_dot, to_node_data
from slicegraph.report.html import to_html
from slicegraph.report.svg import stage_bars, standalone
from slicegraph.report.timeline import to_trace

_NODE_DATA = ".nodes.json"
_KINDS = (".html", _NODE_DATA, ".json", ".dot", ".svg")


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options of the verb."""
    parser.set_defaults(run=run)
    shared.add_model(parser)
    shared.add_plan(parser)
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="FILE",
        help="by its suffix: .html, a page that needs nothing else; .svg, the stages as bars; .json, a timeline for"
        f" Perfetto or chrome://tracing; .dot, for Graphviz; {_NODE_DATA}, node data for Model Explorer",
    )
    parser.add_argument("--run", dest="pipeline_run", metavar="RUN.json", help="what slicegraph run --json printed")
    parser.add_argument("--sweep", metavar="SWEEP.json", help="what slicegraph sweep --json printed")
    machines.add_machine(parser, default="that of PLAN, or the one in MODEL, or testbed")


def run(options: argparse.Namespace) -> int:
    """Read, write the file, and give the exit status."""
    kind = _kind(options.output)
    _check_output(options)
    answer = _answer(options)
    text = {
        ".html": lambda: to_html(answer, commands=_commands(options, answer)),
        ".svg": lambda: standalone(stage_bars(answer)),
        ".json": lambda: to_trace(answer),
        ".dot": lambda: to_dot(answer),
        _NODE_DATA: lambda: to_node_data(answer),
    }[kind]()
    output.deliver(str, lambda: write_file(Path(options.output), text.encode()))
    return 0


def _kind(path: str) -> str:
    kind = next((each for each in _KINDS if path.lower().endswith(each)), None)
    if kind is None:
        raise sg.InputError(f"--output {path}: reports are written as {', '.join(_KINDS)}")
    return kind


def _check_output(options: argparse.Namespace) -> None:
    """Refuse a place where nothing can be written, or that of a file that is read."""
    output.check_place("--output", options.output)
    place = os.path.realpath(options.output)
    for path in (options.model, options.plan, options.sweep, options.pipeline_run, options.measured):
        if path is not None and os.path.realpath(path) == place:
            raise sg.InputError(f"--output {options.output}: this file is read")


def _answer(options: argparse.Namespace) -> Answer:
    graph = shared.read_graph(options)
    plan = shared.read_plan(options, graph)
    claims = read_claims(Path(options.plan))
    num_blocks = max(plan.block_of, default=0) + 1
    if claims is not None:
        num_blocks = claims.num_blocks
    instance = machines.make_instance(
        options, graph, plan=plan, num_blocks=num_blocks, boundary_io=bool(plan.boundary_io)
    )
    # What a plan says is said of its own graph and devices.
    is_same = not options.force and _is_of_plan(instance, plan)
    try:
        answer = make_answer(instance, plan.block_of, claims=claims if is_same else None)
    except sg.InputError as error:
        raise sg.InputError(f"{options.plan}: {error}") from None
    if options.sweep is not None:
        digest = None if options.force else graph.structure_digest
        answer = dataclasses.replace(answer, sweep=read_sweep(Path(options.sweep), digest=digest))
    if options.pipeline_run is not None:
        path = Path(options.pipeline_run)
        stages = read_run(path)
        if [stage.block for stage in stages] != answer.used:
            raise sg.InputError(f"{path}: a run of another partition: its stages are not those of the plan")
        answer = dataclasses.replace(answer, measured=stages)
    return answer


def _is_of_plan(instance: sg.Instance, plan: Plan) -> bool:
    """Whether the devices and constraints are those that the plan was made for."""
    if plan.constraints is not None and sg.Constraints.from_mapping(plan.constraints) != instance.constraints:
        return False
    if plan.machine is not None:
        return instance.devices == tuple(devices_of(plan.machine))
    is_one = plan.device is not None and len(instance.machine.kinds) == 1
    return is_one and sg.Device.from_mapping(plan.device or {}) == instance.device


def _commands(options: argparse.Namespace, answer: Answer) -> list[str]:
    """Give the command lines that make a certificate of this problem, unless PLAN is one, and check it."""
    reading = ["--format", options.format] if options.format else []
    for option, pairs in (("--dim", options.dim), ("--flops-of", options.flops_of), ("--trips", options.trips)):
        reading += [word for name, value in pairs for word in (option, f"{name}={value}")]
    question = machines.question_words(answer.instance)
    question += ["--boundary-io"] * answer.instance.boundary_io
    if answer.claims is not None and answer.claims.is_certificate:
        return [shlex.join(["slicegraph", "check", options.model, options.plan, *reading, *question])]
    certificate = f"{Path(options.model).name.split('.')[0] or 'model'}.cert.json"
    return [
        shlex.join(["slicegraph", "solve", options.model, *reading, *question, "--certificate", certificate]),
        shlex.join(["slicegraph", "check", options.model, certificate, *reading, *question]),
    ]
