"""``slicegraph solve``: partition a model, prove, print."""

from __future__ import annotations

import argparse
import functools
import shlex
from collections.abc import Sequence

from numpy.typing import ArrayLike

import slicegraph as sg
from slicegraph.cli import machines, units
from slicegraph.cli import options as shared
from slicegraph.cli.complaint import say
from slicegraph.grain import grained
from slicegraph.guesses import LOOPS, Guessed, guessed
from slicegraph.report.grain import grain_to_document, grain_to_text
from slicegraph.report.guesses import listed
from slicegraph.solve.given import METHODS
from slicegraph.solve.solve import DEFAULT_SLACK

_OF_GRAIN = 0.5
"""Of the time that is left, for the solve that keeps modules whole, before the one without. Not measured."""


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options of the verb."""
    parser.set_defaults(run=run)
    shared.add_model(parser)
    shared.add_instance(parser)
    shared.add_run(parser)
    parser.add_argument(
        "--method", choices=tuple(METHODS), default="auto", help="search and the bounds that pay, or one by name"
    )
    parser.add_argument(
        "--warm-start",
        metavar="PLAN",
        help="a partition that is known, in any form that audit takes: the search begins with it, the answer is never"
        " worse; of a certificate for this question, the bounds that the checker proves again count, too",
    )
    parser.add_argument(
        "--stay-near",
        metavar="PLAN",
        help="of the partitions within --slack of the best, one that moves few bytes of parameters from this plan",
    )
    parser.add_argument(
        "--slack",
        type=units.gap,
        metavar="G",
        help=f"of --stay-near: how much slower than the best it may be (default: {DEFAULT_SLACK:.0%})".replace(
            "%", "%%"
        ),
    )
    shared.add_force(parser)
    parser.add_argument(
        "--grain",
        metavar="MODULES",
        help="keep what belongs to one module in one stage, and say what that costs: layer (the repeated blocks), or"
        " paths of modules and globs over them, such as encoder.*,decoder.*; it is solved a second time without",
    )
    parser.add_argument(
        "--fail-on-guess",
        action="store_true",
        help="exit with 1 before solving if the work of any node is a guess; --flops-of says what an operator"
        " computes, --trips how often a loop runs",
    )
    parser.add_argument("--population", type=int, metavar="N", help="individuals per generation of --method brkga")
    parser.add_argument("--generations", type=int, metavar="N", help="generations of --method brkga (default: any)")


def run(options: argparse.Namespace) -> int:
    """Solve, print, and give the exit status."""
    shared.start_log(options)
    shared.check_places(options)
    shared.check_limits(options)
    required = options.require_gap
    params = None
    given = next((name for name in ("population", "generations") if getattr(options, name) is not None), None)
    if given is not None:
        if options.method != "brkga":
            raise sg.InputError(f"{machines.flag(given)}: it is of --method brkga, not {options.method}")
        params = sg.BrkgaParams(population=options.population, generations=options.generations)
    instance = shared.read_instance(options)
    if options.fail_on_guess and (rows := guessed(instance)):
        say(_fault(rows, instance))
        return 1
    warm_start = None if options.warm_start is None else _warm_start(options, instance.graph)
    stay_near, slack = None, DEFAULT_SLACK if options.slack is None else options.slack
    if options.stay_near is not None:
        stay_near = shared.read_plan(options, instance.graph, name="stay_near").block_of
    elif options.slack is not None:
        raise sg.InputError("--slack: it is of --stay-near PLAN")
    solve = functools.partial(
        sg.solve,
        seed=options.seed,
        threads=options.threads,
        params=params,
        method=options.method,
        display=shared.wants_progress(options),
    )
    try:
        groups = () if options.grain is None else sg.grain(instance.graph, options.grain)
        asked = grained(instance, groups) if groups else instance
        stop = shared.make_stop(options, instance.graph, share=_OF_GRAIN if groups else 1.0)
        result = solve(asked, stop=stop, warm_start=warm_start, stay_near=stay_near, slack=slack)
    except sg.InputError as error:
        raise sg.InputError(_in_words_of_files(str(error), options)) from None
    if not groups:
        shared.print_result(options, result)
        return shared.exit_status(result, required)
    known = result.block_of if result.block_of.size and result.instance.order == "given" else None
    free = solve(instance, stop=shared.make_stop(options, instance.graph), warm_start=known)
    told = (options.grain, len(groups), result, free)
    shared.print_result(options, result, keys={"grain": grain_to_document(*told)}, lines=grain_to_text(*told))
    return shared.exit_status(result, required)


def _warm_start(options: argparse.Namespace, graph: sg.Graph) -> ArrayLike | sg.Certificate:
    """Read what to begin with: a certificate whole, of any other file the partition."""
    plan = shared.read_plan(options, graph, name="warm_start")
    return plan.block_of if plan.instance is None else sg.Certificate.read(options.warm_start)


def _fault(rows: Sequence[Guessed], instance: sg.Instance) -> str:
    """Name what is guessed, and what to type."""
    op = rows[0].op
    is_loop = op in LOOPS
    typed = shlex.join(["--trips", f"{op}=N"] if is_loop else ["--flops-of", f"{op}=EXPR"])
    says = "how often it runs, or what it holds computes," if is_loop else "what it computes"
    return f"--fail-on-guess: guessed is {listed(rows, instance.graph.num_nodes)}; say {says} with {typed}"


def _in_words_of_files(message: str, options: argparse.Namespace) -> str:
    """Name the option and its file in a complaint about a partition."""
    message = message.replace("grain:", "--grain:", 1) if message.startswith("grain:") else message
    for name in ("warm_start", "stay_near"):
        message = message.replace(f"{name}:", f"{machines.flag(name)} {getattr(options, name)}:", 1)
    return message.replace("method '", "--method '", 1)
