"""``slicegraph sweep``: how many stages? One row and one certified band for each number of them."""

from __future__ import annotations

import argparse
import itertools
import math
import time
from collections.abc import Sequence
from pathlib import Path

import slicegraph as sg
from slicegraph.cli import machines, output, units
from slicegraph.cli import options as shared
from slicegraph.presets import PRESETS
from slicegraph.resume import known_of, read_records, write_records

_INTERRUPTED = 130
_SAVED_EVERY = 2.0
"""Seconds between two writes of FILE."""
_OTHER_FORMS = (".html", ".csv", ".svg", ".dot")
"""Suffixes that promise what is not written."""


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options of the verb."""
    parser.set_defaults(run=run)
    shared.add_model(parser)
    parser.add_argument(
        "-k",
        "--num-blocks",
        type=units.whole_numbers,
        required=True,
        metavar="LIST",
        help="numbers of pipeline stages, such as 1..64 or 2,4,8 or 1..16,32,64",
    )
    parser.add_argument(
        "--device",
        type=_presets,
        metavar="PRESET,...",
        help=f"presets for a device's figures, a table for each: {', '.join(PRESETS)} (default: as of solve)",
    )
    machines.add_figures(parser, several="bandwidth")
    parser.add_argument("--boundary-io", action="store_true", help="stages pay for model inputs and outputs too")
    parser.add_argument(
        "--target",
        type=units.target,
        metavar="T",
        help="name the fewest stages whose slowest takes so long, such as 5ms, or that have so high a throughput, such"
        " as 200/s, and prove that fewer cannot; exit with 1 when none is known to",
    )
    parser.add_argument(
        "--time-limit", type=units.seconds, default=60.0, metavar="S", help="seconds of all together (default: 60)"
    )
    parser.add_argument(
        "--max-gap",
        type=units.gap,
        default=0.0,
        metavar="G",
        help="a row is done when proven within it, such as 5%% (default: 0, the optimum)",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the search (default: 0)")
    parser.add_argument("--threads", type=int, metavar="N", help="default: all processors")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="keep what is found in FILE (.json), and go on from what it holds: nothing in it is computed again",
    )
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="print one JSON object")
    shape.add_argument("--csv", action="store_true", help="print a line per row, with commas between values")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress line")


def run(options: argparse.Namespace) -> int:
    """Sweep, save, print, and give the exit status: 130 after Ctrl-C, with the rows so far."""
    if options.output is not None:
        output.check_place("--output", options.output)
        if Path(options.output).suffix in _OTHER_FORMS:
            raise sg.InputError(f"--output {options.output}: a sweep is kept as JSON, so FILE should end in .json")
    shared.check_limits(options)
    graph = shared.read_graph(options)
    names, devices = _devices(options, graph)
    sweeps = _sweep_all(options, graph, devices)
    # Imported when used: rich takes longer to load than the rest of the package.
    from slicegraph.report.sweep import sweeps_to_csv, sweeps_to_json, sweeps_to_text  # noqa: PLC0415 - see above

    if options.json:
        text = sweeps_to_json(sweeps, options.target, is_list=len(devices) > 1) + "\n"
    elif options.csv:
        text = sweeps_to_csv(names, sweeps)
    else:
        text = sweeps_to_text(names, sweeps, options.target)
    output.deliver(lambda: text)
    if any(sweep.is_interrupted for sweep in sweeps):
        return _INTERRUPTED
    is_missed = options.target is not None and any(sweep.fewest(options.target).fewest is None for sweep in sweeps)
    return int(is_missed or any(math.isinf(sweep.rows[-1].bottleneck) for sweep in sweeps))


def _devices(options: argparse.Namespace, graph: sg.Graph) -> tuple[list[dict[str, str | float]], list[sg.Device]]:
    """Give every device that was asked for, and what tells it from the others."""
    presets, bandwidths = options.device or [None], options.bandwidth or [None]
    names, devices = [], []
    for preset, bandwidth in itertools.product(presets, bandwidths):
        single = argparse.Namespace(**{**vars(options), "device": preset, "bandwidth": bandwidth})
        devices.append(machines.make_device(single, graph))
        name: dict[str, str | float] = {} if len(presets) == 1 else {"device": preset}
        names.append(name if len(bandwidths) == 1 else {**name, "bandwidth": bandwidth})
    return names, devices


def _sweep_all(options: argparse.Namespace, graph: sg.Graph, devices: Sequence[sg.Device]) -> list[sg.Sweep]:
    """Sweep each device with an equal share of the time that is left; after Ctrl-C no other."""
    path = None if options.output is None else Path(options.output)
    records = [] if path is None else read_records(path, graph.digest)
    end, done, saved = time.monotonic() + options.time_limit, list[sg.Sweep](), -math.inf

    def save(sweep: sg.Sweep, *, is_last: bool = False) -> None:
        nonlocal saved
        if path is not None and (is_last or time.monotonic() - saved >= _SAVED_EVERY):
            write_records(path, [*done, sweep], records)
            saved = time.monotonic()

    for place, device in enumerate(devices):
        left = max(0.0, end - time.monotonic())
        single = sg.Instance(graph, device=device, num_blocks=1, boundary_io=options.boundary_io)
        sweep = sg.sweep(
            graph,
            device=device,
            num_blocks=options.num_blocks,
            boundary_io=options.boundary_io,
            target=options.target,
            time_limit=left / (len(devices) - place),
            max_gap=options.max_gap,
            seed=options.seed,
            threads=options.threads,
            known=None if path is None else known_of(path, records, single),
            callback=save,
            display=not options.quiet,
        )
        save(sweep, is_last=True)
        done.append(sweep)
        if sweep.is_interrupted:
            break
    return done


def _presets(text: str) -> list[str]:
    presets = list(dict.fromkeys(text.split(",")))
    for preset in presets:
        if preset not in PRESETS and not preset.lower().endswith((".json", ".json.gz")):
            raise argparse.ArgumentTypeError(f"no preset {preset!r}, but {', '.join(PRESETS)}, or a .json file")
    return presets
