"""``slicegraph solve``: partition a model, prove, print."""

from __future__ import annotations

import argparse
import dataclasses
import logging
import math
import sys
from collections.abc import Callable

import slicegraph as sg
from slicegraph.device import PRESETS
from slicegraph.report.json import result_to_json

_DEFAULT_DEVICE = "testbed"
_FIGURES = {
    "flops": "operations per second",
    "memory_bandwidth": "bytes per second between a device and its memory",
    "bandwidth": "bytes per second between a stage and the memory that stages share",
    "memory": "bytes of parameters that stay resident",
    "overflow_bandwidth": "bytes per second at which parameters beyond that stream in",
    "memory_limit": "bytes of parameters that a stage may hold",
}


def add_to(add_parser: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the verb and its options."""
    parser = add_parser("solve", help="partition a model and bound what any partition costs")
    parser.set_defaults(run=run)
    parser.add_argument("model", metavar="MODEL", help="an .onnx model or a native graph (.json, .json.gz)")
    parser.add_argument("-k", "--num-blocks", type=int, required=True, metavar="N", help="pipeline stages, at most")
    parser.add_argument("--format", choices=("onnx", "native"), help="of MODEL, when its suffix does not tell")
    parser.add_argument(
        "--dim", action="append", default=[], type=_dimension, metavar="NAME=SIZE", help="size of a named dimension"
    )
    parser.add_argument(
        "--device",
        choices=tuple(PRESETS),
        help=f"preset for the figures below (default: the one in MODEL, or {_DEFAULT_DEVICE})",
    )
    for name, meaning in _FIGURES.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, metavar="X", help=meaning)
    parser.add_argument("--boundary-io", action="store_true", help="stages pay for model inputs and outputs too")
    parser.add_argument(
        "--max-gap", type=float, default=0.0, metavar="G", help="stop when proven within it (default: 0, the optimum)"
    )
    parser.add_argument("--require-gap", type=float, metavar="G", help="exit with 1 unless proven within it")
    parser.add_argument("--time-limit", type=float, default=60.0, metavar="S", help="seconds (default: 60)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the search (default: 0)")
    parser.add_argument("--threads", type=int, metavar="N", help="default: all processors")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    volume = parser.add_mutually_exclusive_group()
    volume.add_argument("-q", "--quiet", action="store_true", help="no progress line")
    volume.add_argument("-v", "--verbose", action="store_true", help="log improvements to standard error")


def run(options: argparse.Namespace) -> int:
    """Solve, print, and give the exit status."""
    if options.verbose:
        logging.basicConfig(level=logging.INFO, format="slicegraph: %(message)s", stream=sys.stderr)
    stop = sg.MaxRuntime(_not_nan("--time-limit", options.time_limit)) | sg.TargetGap(options.max_gap)
    required = None if options.require_gap is None else sg.TargetGap(options.require_gap)
    graph = sg.read(options.model, format=options.format, dims=dict(options.dim))
    instance = sg.Instance(
        graph, device=_device(options, graph), num_blocks=options.num_blocks, boundary_io=options.boundary_io
    )
    display = not (options.quiet or options.verbose)
    result = sg.solve(instance, stop=stop, seed=options.seed, threads=options.threads, display=display)
    if options.json:
        text = result_to_json(result) + "\n"
    else:
        # Imported when used: rich takes longer to load than the rest of the package.
        from slicegraph.report.terminal import result_to_text  # noqa: PLC0415 - see above

        text = result_to_text(result)
    sys.stdout.write(text)
    sys.stdout.flush()
    if result.status is sg.Status.INTERRUPTED:
        return 130
    has_failed = math.isinf(result.bottleneck) or (required is not None and result.gap > required.max_gap)
    return int(has_failed)


def _device(options: argparse.Namespace, graph: sg.Graph) -> sg.Device:
    if options.device is None and graph.arrays.device is not None:
        device = sg.Device.from_mapping(graph.arrays.device)
    else:
        device = sg.Device.preset(options.device or _DEFAULT_DEVICE)
    given = {name: getattr(options, name) for name in _FIGURES if getattr(options, name) is not None}
    return dataclasses.replace(device, **given)


def _dimension(text: str) -> tuple[str, int]:
    name, equals, size = text.rpartition("=")
    if not (name and equals and size.isascii() and size.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=SIZE")
    return name, int(size)


def _not_nan(option: str, value: float) -> float:
    if math.isnan(value) or value < 0:
        raise sg.InputError(f"{option} {value}: seconds are not negative")
    return value
