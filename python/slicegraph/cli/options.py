"""What the verbs share: options, what is read from them, and how an answer ends."""

from __future__ import annotations

import argparse
import contextlib
import functools
import logging
import math
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

import slicegraph as sg
from slicegraph.cli import machines, output, units
from slicegraph.cli.complaint import say
from slicegraph.formats import FORMATS
from slicegraph.formats.counting.expression import Expression
from slicegraph.formats.files import read_arrays
from slicegraph.formats.plan import Plan
from slicegraph.formats.plan import read_plan as read_plan_file
from slicegraph.plan import Plan as Document
from slicegraph.requirements import plain

_PER_READ, _PER_NODE = 3e-7, 1e-5
"""Seconds that an answer takes to write at most, by what grows with a graph: estimated, in no record."""


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add what `read_graph` reads: MODEL and how to read it."""
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="an .onnx or .tflite model, StableHLO (.mlir, .mlirbc, .stablehlo), a native graph (.json, .json.gz), a"
        " profile of PipeDream (.txt), a CostGraphDef (.pbtxt), Graphviz (.dot), or with --format another's input",
    )
    parser.add_argument("--format", choices=FORMATS, help="the format of MODEL, where its suffix does not state it")
    add_dim(parser)
    add_measured(parser)
    parser.add_argument(
        "--flops-of",
        action="append",
        default=[],
        type=_formula,
        metavar="OP=EXPR",
        help="what each node of an operator computes, before the reader's own rules; EXPR is made of numbers, in0"
        " and out0 (elements of an input or output), in0.shape[-1], names of integer attributes, + - * / // %% **, and"
        " ceil, floor, log2, max, min, sqrt: my.Attention='2 * out0 * in1.shape[1]'",
    )
    parser.add_argument(
        "--trips",
        action="append",
        default=[],
        type=_trips,
        metavar="NAME=N",
        help="iterations of a loop, where the model does not state them; NAME is its node, its operator or a pattern"
        " of nodes",
    )
    add_params(parser)


def add_params(parser: argparse.ArgumentParser) -> None:
    """Add which arguments are parameters."""
    parser.add_argument(
        "--params",
        action="append",
        metavar="GLOB",
        help="arguments of StableHLO that are parameters, by name or pattern (default: a guess by names)",
    )


def add_measured(parser: argparse.ArgumentParser) -> None:
    """Add measured work from a file."""
    parser.add_argument(
        "--measured",
        metavar="FILE",
        help="work that was measured elsewhere: CSV of name,seconds, where a glob is a segment; JSON of segments;"
        " a profile of onnxruntime; a trace of PyTorch's profiler or Chrome",
    )


def add_dim(parser: argparse.ArgumentParser) -> None:
    """Add the sizes of named dimensions."""
    parser.add_argument(
        "--dim", action="append", default=[], type=_dimension, metavar="NAME=SIZE", help="size of a named dimension"
    )


def add_provider(parser: argparse.ArgumentParser, *, per_stage: bool) -> None:
    """Add the option that names onnxruntime's execution providers."""
    each = ", one for all stages or one for each, with commas" if per_stage else ""
    named = f"of onnxruntime, as CUDAExecutionProvider, or CUDAExecutionProvider:1 for a device{each}"
    parser.add_argument("--provider", metavar="NAME", help=f"{named} (default: the processor)")


def add_inputs(parser: argparse.ArgumentParser) -> None:
    """Add what `read_inputs` reads: values of the model's inputs."""
    parser.add_argument("--inputs", metavar="FILE.npz", help="values of inputs by name; others are made up")
    parser.add_argument(
        "--input",
        action="append",
        default=[],
        type=_input,
        metavar="NAME=VALUE",
        help="value of one input: a number, a list in JSON or text, repeated to fill its shape",
    )


def read_inputs(options: argparse.Namespace) -> dict[str, ArrayLike]:
    """Read the values of inputs; those that were typed come before those of the file."""
    values = {} if options.inputs is None else read_arrays(Path(options.inputs))
    return {**values, **dict(options.input)}


def add_instance(parser: argparse.ArgumentParser) -> None:
    """Add what `read_instance` needs besides the model."""
    parser.add_argument(
        "-k", "--num-blocks", type=int, metavar="N", help="pipeline stages, at most; --devices gives their number, too"
    )
    machines.add_machine(parser)
    parser.add_argument("--boundary-io", action="store_true", help="stages pay for model inputs and outputs too")


def add_run(parser: argparse.ArgumentParser) -> None:
    """Add when to stop, with what to run, and what to print."""
    parser.add_argument(
        "--max-gap",
        type=units.gap,
        default=0.0,
        metavar="G",
        help="stop when proven within it, such as 5%% (default: 0, the optimum)",
    )
    parser.add_argument("--require-gap", type=units.gap, metavar="G", help="exit with 1 unless proven within it")
    parser.add_argument(
        "--time-limit",
        type=units.seconds,
        metavar="S",
        help="seconds from before MODEL is read until the answer is written (default: 60, or any with --work-limit)",
    )
    parser.add_argument(
        "--work-limit",
        type=int,
        metavar="N",
        help="steps of search and proof, some 10^7 to 10^8 a second: the same answer each time, on any machine",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the search (default: 0)")
    parser.add_argument("--threads", type=int, metavar="N", help="default: all processors")
    parser.add_argument("--certificate", metavar="OUT.json", help="write what `slicegraph check` verifies")
    parser.add_argument(
        "--plan", dest="plan_output", metavar="OUT.json", help="write the plan, the object that --json prints"
    )
    parser.add_argument(
        "--why",
        action="store_true",
        help="explain why it is not better: what binds, what the bound rests on, what changes would give (10 s more)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    volume = parser.add_mutually_exclusive_group()
    volume.add_argument("-q", "--quiet", action="store_true", help="no progress line")
    volume.add_argument(
        "-v", "--verbose", action="store_true", help="list all cut tensors; log improvements to standard error"
    )


def read_graph(options: argparse.Namespace) -> sg.Graph:
    """Read MODEL, with the work that was measured elsewhere; say what that covers."""
    graph = sg.read(
        options.model,
        format=options.format,
        dims=dict(options.dim),
        flops=dict(options.flops_of) or None,
        trips=dict(options.trips) or None,
        params=options.params,
    )
    if options.measured is None:
        return graph
    from slicegraph.report.coverage import coverage_to_line  # noqa: PLC0415 - of measured work alone

    # A sweep may have several devices, and estimates what is open on none of them.
    is_one = isinstance(options.device, str)
    coverage = sg.with_measured(
        graph, options.measured, device=machines.make_device(options, graph) if is_one else None
    )
    say(f"--measured {options.measured}: {coverage_to_line(coverage)}")
    return coverage.graph


def read_instance(options: argparse.Namespace) -> sg.Instance:
    """Read MODEL and put it on the devices that were chosen."""
    graph = read_graph(options)
    has_machine = graph.arrays.machine is not None and not machines.names_device(options)
    if options.num_blocks is None and options.devices is None and not has_machine:
        asked = "the following arguments are required: -k/--num-blocks, or --devices"
        raise sg.InputError(f"{asked} (see slicegraph {options.verb} --help)")
    instance = machines.make_instance(options, graph, num_blocks=options.num_blocks, boundary_io=options.boundary_io)
    if getattr(options, "why", False):
        # Before it is solved: an answer that took its time is not to end in an error.
        plain(instance.contracted() if instance.order == "given" else instance, "--why")
    return instance


def add_plan(parser: argparse.ArgumentParser) -> None:
    """Add what `read_plan` reads: PLAN, and whether it may be another graph's."""
    parser.add_argument(
        "plan",
        metavar="PLAN",
        help="what solve --json prints, a certificate, JSON (a list, nodes to stages), or a number per node",
    )
    add_force(parser)


def add_force(parser: argparse.ArgumentParser) -> None:
    """Add whether PLAN may be another graph's."""
    parser.add_argument("--force", action="store_true", help="take a plan that says it is of another graph")


def read_plan(options: argparse.Namespace, graph: sg.Graph, *others: sg.Graph, name: str = "plan") -> Plan:
    """Read PLAN, the option of this name, for a graph; one of another graph is refused, unless `--force` is given.

    A certificate is about a graph with its work, so ``others`` may be the same graph with other work.
    """
    digest = None if options.force else graph.structure_digest
    path = Path(getattr(options, name))
    plan = read_plan_file(path, num_nodes=graph.num_nodes, node_names=graph.arrays.node_name, digest=digest)
    if plan.instance is None or options.force:
        return plan
    device = machines.plan_device(path, plan)
    for each in (graph, *others):
        with contextlib.suppress(sg.InputError):
            instance = sg.Instance(
                each, device=device, num_blocks=plan.num_blocks or 0, boundary_io=bool(plan.boundary_io)
            )
            if instance.digest == plan.instance:
                return plan
    raise sg.InputError(
        f"{path}: a certificate about another graph, or other work, or for other --dim; --force takes it"
    )


def make_stop(options: argparse.Namespace, graph: sg.Graph, *, share: float = 1.0) -> sg.Stop:
    """Give the stop of `--work-limit`, `--max-gap`, and a share of what reading and writing leave of `--time-limit`."""
    seconds, steps = options.time_limit, options.work_limit
    stop: sg.Stop = sg.TargetGap(options.max_gap)
    if steps is not None:
        stop |= sg.MaxWork(steps)
    if seconds is not None or steps is None:
        writing = _PER_READ * len(graph.arrays.consumers) + _PER_NODE * graph.num_nodes
        spent = time.monotonic() - options.begun + writing
        stop |= sg.MaxRuntime(share * max(0.0, (60 if seconds is None else seconds) - spent))
    return stop


def check_limits(options: argparse.Namespace) -> None:
    """Refuse a `--time-limit` or a `--work-limit` that is none."""
    seconds = options.time_limit
    if seconds is not None and (math.isnan(seconds) or seconds < 0):
        raise sg.InputError(f"--time-limit {seconds:g}: seconds are not negative")
    steps = getattr(options, "work_limit", None)
    if steps is not None and steps < 0:
        raise sg.InputError(f"--work-limit {steps}: a count is not negative")


def check_places(options: argparse.Namespace) -> None:
    """Refuse places where a certificate or a plan cannot be written, before anything is computed."""
    certificate, plan = options.certificate, options.plan_output
    if certificate is not None:
        output.check_place("--certificate", certificate)
    if plan is not None:
        output.check_place("--plan", plan)
    if None not in (certificate, plan) and os.path.realpath(certificate) == os.path.realpath(plan):
        raise sg.InputError(f"--plan {plan}: --certificate is to be written there, too")


def start_log(options: argparse.Namespace) -> None:
    """Send the log to standard error when `-v` asks for it."""
    if options.verbose:
        logging.basicConfig(level=logging.INFO, format="slicegraph: %(message)s", stream=sys.stderr)


def wants_progress(options: argparse.Namespace) -> bool:
    """Whether a progress line may be shown; the log would run through it."""
    return not (options.quiet or options.verbose)


def print_result(
    options: argparse.Namespace, result: sg.Result, *, keys: Mapping[str, Any] | None = None, lines: str = ""
) -> None:
    """Write a result's certificate and plan, if they are asked for; then print the result, as JSON or as a table.

    Parameters
    ----------
    options
        What was typed.
    result
        The answer.
    keys, lines
        What a verb adds to the document and to the table.
    """
    certificate, plan = options.certificate, options.plan_output
    # Plan and JSON are one document, which is made once and where no signal comes between.
    why = sg.explain(result, threads=options.threads) if options.why and result.block_of.size else None
    more = dict(keys or {})
    if why is not None:
        from slicegraph.report.why import why_to_document, why_to_text  # noqa: PLC0415 - few ask

        more["why"] = why_to_document(why)
    document = functools.cache(lambda: Document({**result.plan.document, **more}))

    def text() -> str:
        if options.json:
            return document().text
        from slicegraph.report.terminal import result_to_text  # noqa: PLC0415 - tables are for people

        table = result_to_text(result, lists_cuts=options.verbose) + lines
        return table if why is None else table + why_to_text(result, why)

    writes = [] if certificate is None else [lambda: result.certificate.write(certificate)]
    if plan is not None:
        writes.append(lambda: document().write(plan))
    output.deliver(text, *writes)
    if result.shortage:
        say(f"infeasible: {result.shortage}")
    elif not result.block_of.size:
        limit = result.instance.memory_limit
        say(f"no partition was found that fits the memory limit of {limit} B; that there is none is not proven")


def exit_status(result: sg.Result, required: float | None) -> int:
    """Give 130 after Ctrl-C, 1 when no partition fits memory or the gap that is required is not proven, else 0."""
    if result.status is sg.Status.INTERRUPTED:
        return 130
    return int(math.isinf(result.bottleneck) or (required is not None and result.gap > required))


def _formula(text: str) -> tuple[str, str]:
    op, equals, formula = text.partition("=")
    if not (op and equals and formula):
        raise argparse.ArgumentTypeError(f"{text!r} is not OP=EXPR")
    try:
        Expression(formula)
    except sg.InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return op, formula


def _input(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _dimension(text: str) -> tuple[str, int]:
    return _sized(text, "SIZE")


def _trips(text: str) -> tuple[str, int]:
    return _sized(text, "N")


def _sized(text: str, kind: str) -> tuple[str, int]:
    name, equals, size = text.rpartition("=")
    if not (name and equals and size.isascii() and size.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME={kind}")
    return name, int(size)
