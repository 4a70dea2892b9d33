"""Devices and constraints, as they are typed."""

from __future__ import annotations

import argparse
import dataclasses
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import slicegraph as sg
from slicegraph.cli import units
from slicegraph.formats.plan import Plan
from slicegraph.machine import MAX_BLOCKS, arguments_of, devices_of, machine_of_file, read_device, read_machine
from slicegraph.presets import PRESETS

_DEFAULT_DEVICE = "testbed"
_FIGURES: Mapping[str, tuple[Callable[[str], Any], str]] = {
    "flops": (
        units.rates,
        "operations per second, such as 312TFLOPS; or those of some types of number: fp32=19.5TFLOPS,bf16=312TFLOPS",
    ),
    "memory_bandwidth": (units.bytes_per_second, "bytes per second between a device and its memory, such as 2TB/s"),
    "bandwidth": (units.bytes_per_second, "bytes per second between a stage and the memory that stages share"),
    "latency": (units.seconds, "seconds that each transfer takes before its first byte, such as 5us"),
    "memory": (units.num_bytes, "bytes of parameters that stay resident, such as 8MiB"),
    "overflow_bandwidth": (units.bytes_per_second, "bytes per second at which parameters beyond --memory stream in"),
    "memory_limit": (units.num_bytes, "bytes that a stage may hold, such as 80GB"),
}
_TYPED = (*_FIGURES, "overlap", "work")
_PRESET = re.compile(r"([^:]+)(?::([0-9]{1,7}))?")
_CONSTRAINTS = ("pin", "forbid", "together", "adjacent")


def add_device(parser: argparse.ArgumentParser, *, default: str) -> None:
    """Add the choice of a device, without its single figures; ``default`` says which one it is without."""
    parser.add_argument(
        "--device",
        type=device_word,
        metavar="PRESET",
        help=f"a device's figures: a preset, {', '.join(PRESETS)}, or a file, such as device measure writes (.json);"
        f" default: {default}",
    )


def device_word(text: str) -> str:
    """Read the name of a preset, or of a device file."""
    if text not in PRESETS and not text.lower().endswith((".json", ".json.gz")):
        raise argparse.ArgumentTypeError(f"invalid choice: {text!r}, but {', '.join(PRESETS)}, or a .json file")
    return text


def add_figures(parser: argparse.ArgumentParser, *, several: str = "") -> None:
    """Add a device's single figures; ``several`` is the name of one that may be a list."""
    for name, (unit, meaning) in _FIGURES.items():
        if name == several:
            help_of_list = f"{meaning}, such as 64GB/s; 16GB/s,64GB/s gives a table for each"
            parser.add_argument(flag(name), type=units.several(unit), metavar="X,...", help=help_of_list)
        else:
            parser.add_argument(flag(name), type=unit, metavar="X", help=meaning)
    parser.add_argument(
        "--overlap",
        action=argparse.BooleanOptionalAction,
        help="a device computes and transfers at the same time, or one after the other",
    )
    parser.add_argument("--work", metavar="NAME", help="the row of MODEL's measured work (work_on) that counts")


def add_machine(parser: argparse.ArgumentParser, *, default: str = f"the one in MODEL, or {_DEFAULT_DEVICE}") -> None:
    """Add what `make_instance` reads: one device with its figures, or all of a pipeline, and constraints."""
    add_device(parser, default=default)
    add_figures(parser)
    parser.add_argument(
        "--devices",
        metavar="LIST",
        help="the device of each stage, in pipeline order: presets with counts, a100:2,edgetpu:2, or a file"
        " machine.json, a list of objects of figures, each of which may have preset, count and name",
    )
    parser.add_argument("--any-order", action="store_true", help="the devices of --devices may be in any order")
    for name, meaning in (("pin", "stages that may hold them"), ("forbid", "stages that may not hold them")):
        parser.add_argument(
            f"--{name}",
            action="append",
            default=[],
            type=_stages_of_nodes,
            metavar="NODES=STAGE,...",
            help=f"nodes, by a name, a glob or an index, and the {meaning}; stages count from 0, as the table does",
        )
    parser.add_argument(
        "--together",
        action="append",
        default=[],
        metavar="GLOB",
        help="all nodes whose names match are in one stage",
    )
    parser.add_argument(
        "--adjacent",
        action="store_true",
        help="only neighbours are linked: each stage between a tensor's producer and last reader relays it and pays",
    )


def make_instance(
    options: argparse.Namespace,
    graph: sg.Graph,
    *,
    num_blocks: int | None,
    boundary_io: bool,
    plan: Plan | None = None,
) -> sg.Instance:
    """Give the problem on the devices that were typed, else on those of a plan or file, under constraints likewise.

    Parameters
    ----------
    options
        What was typed.
    graph
        What to cut.
    num_blocks
        The number of stages, where the devices are not listed; None: it was not typed.
    boundary_io
        Whether model inputs and outputs are paid.
    plan
        A plan that may say what it was made for.
    """
    known: dict[str, Any] = {"constraints": _constraints(options, plan), "boundary_io": boundary_io}
    devices = _devices(options, plan)
    if devices is not None:
        known |= {"devices": devices, "order": "any" if options.any_order else "given"}
    elif num_blocks is None and graph.arrays.machine is not None:
        constraints = sg.Instance(graph).constraints
        typed = {name: getattr(options, name) for name in _CONSTRAINTS}
        known["constraints"] = sg.Constraints(**typed | {"together": [*constraints.together, *options.together]})
    else:
        known |= {"device": make_device(options, graph, plan), "num_blocks": num_blocks}
    try:
        return sg.Instance(graph, **known)
    except sg.InputError as error:
        # An option for a word of the library.
        name = re.split(r"\W", str(error), maxsplit=1)[0]
        is_typed = name in _CONSTRAINTS and getattr(options, name)
        raise sg.InputError(f"--{error}" if is_typed else str(error)) from None


def make_device(options: argparse.Namespace, graph: sg.Graph, plan: Plan | None = None) -> sg.Device:
    """Give the device with the figures that were typed in place of its own.

    It is the preset that was typed, else the one that the plan was made for, else the one that the graph names.
    """
    if options.device is None and plan is not None and plan.device is not None:
        device = plan_device(Path(options.plan), plan)
    elif options.device is None and graph.arrays.device is not None:
        device = sg.Device.from_mapping(graph.arrays.device)
    else:
        name = options.device or _DEFAULT_DEVICE
        device = sg.Device.preset(name) if name in PRESETS else read_device(Path(name))
    given = _typed(options)
    if isinstance(given.get("flops"), dict) and isinstance(device.flops, Mapping):
        given["flops"] = {**device.flops, **given["flops"]}
    for name, value in given.items():
        try:
            dataclasses.replace(device, **{name: value})
        except sg.InputError as error:
            raise sg.InputError(str(error).replace(f"device: {name}", flag(name), 1)) from None
    return dataclasses.replace(device, **given)


def plan_device(path: Path, plan: Plan) -> sg.Device:
    """Give the device that a plan was made for."""
    try:
        return sg.Device.from_mapping(plan.device or {})
    except sg.InputError as error:
        raise sg.InputError(f"{path}: {error}") from None


def pins(options: argparse.Namespace, graph: sg.Graph, *, is_required: bool) -> dict[str, Any]:
    """Give what a certificate should be about, as arguments of `slicegraph.check`: what was typed.

    Parameters
    ----------
    options
        What was typed.
    graph
        Which may name a device, or a machine, in its file.
    is_required
        Whether a gap is required. Then what MODEL names counts, too, and model inputs and outputs are free unless it is
        typed that they are paid: the question is what `solve` with the same options would be asked. A device or a
        number of stages that neither says is the certificate's, and the report says so.
    """
    known: dict[str, Any] = {"constraints": typed_constraints(options), "boundary_io": options.boundary_io}
    if is_required:
        known["boundary_io"] = bool(options.boundary_io)
    devices, k = listed_devices(options), options.num_blocks
    if devices is not None:
        return known | {"devices": devices, "order": "any" if options.any_order else "given"}
    if names_device(options) or (is_required and graph.arrays.device is not None):
        known["device"] = make_device(options, graph)
    elif is_required and k is None and graph.arrays.machine is not None:
        machine, together = machine_of_file(graph.arrays.machine)
        typed = {name: getattr(options, name) for name in _CONSTRAINTS}
        known["constraints"] = sg.Constraints(**typed | {"together": [*together, *options.together]})
        return known | arguments_of(machine)
    return known | {"num_blocks": k}


def names_device(options: argparse.Namespace) -> bool:
    """Whether a device, or a figure of one, was typed, or the devices of a pipeline."""
    return any(getattr(options, name, None) is not None for name in ("device", "devices")) or bool(_typed(options))


def listed_devices(options: argparse.Namespace) -> list[sg.Device] | None:
    """Give the device of each stage, when they are listed."""
    return _devices(options, None)


def devices_of_list(text: str) -> list[sg.Device]:
    """Give the device of each stage: presets with counts, ``a100:2,edgetpu``, or the path of a file of them.

    Raises
    ------
    InputError
        Naming the part or the file that is none.
    """
    is_file = text.lower().endswith((".json", ".json.gz"))
    return read_machine(Path(text)) if is_file else _presets(text)


def typed_constraints(options: argparse.Namespace) -> sg.Constraints | None:
    """Give the constraints, when some were typed."""
    return _constraints(options, None) or None


def question_words(instance: sg.Instance) -> list[str]:
    """Give the words that name a problem's stages, devices and constraints; devices without presets go by a file."""
    words = []
    for name, pairs in (("--pin", instance.constraints.pin), ("--forbid", instance.constraints.forbid)):
        words += [word for key, stages in pairs for word in (name, f"{key}={','.join(map(str, stages))}")]
    for group in instance.constraints.together:
        words += ["--together", group if isinstance(group, str) else str(group)]
    words += ["--adjacent"] * instance.constraints.adjacent
    if len(instance.machine.kinds) == 1:
        return ["-k", str(instance.num_blocks), *_device_words(instance.device), *words]
    rows = [(_preset(sg.Device.from_mapping(row)), row["count"]) for row in instance.machine.document]
    listed = ",".join(f"{preset}:{count}" for preset, count in rows)
    return ["--devices", "machine.json" if any(preset is None for preset, _ in rows) else listed, *words]


def flag(name: str) -> str:
    """Give the long option of a name in the library."""
    return f"--{name.replace('_', '-')}"


def _typed(options: argparse.Namespace) -> dict[str, Any]:
    """Give the single figures that were typed; a verb may offer presets alone."""
    return {name: value for name in _TYPED if (value := getattr(options, name, None)) is not None}


def _preset(device: sg.Device) -> str | None:
    return next((name for name in PRESETS if sg.Device.preset(name) == device), None)


def _device_words(device: sg.Device) -> list[str]:
    """Give the words that name a device: a preset, else its figures."""
    preset = _preset(device)
    if preset is not None:
        return ["--device", preset]
    words = []
    for name, value in device.to_mapping().items():
        if isinstance(value, dict):
            words += [flag(name), ",".join(f"{key}={rate!r}" for key, rate in value.items())]
        else:
            words += [flag(name)] if value is True else [flag(name), value if isinstance(value, str) else repr(value)]
    return words


def _devices(options: argparse.Namespace, plan: Plan | None) -> list[sg.Device] | None:
    """Give the device of each stage, when they are listed."""
    text, k = options.devices, getattr(options, "num_blocks", None)
    if text is None:
        if options.any_order:
            raise sg.InputError("--any-order: it is of --devices")
        if plan is None or plan.machine is None or names_device(options):
            return None
        try:
            return devices_of(plan.machine)
        except sg.InputError as error:
            raise sg.InputError(f"{options.plan}: {error}") from None
    single = next((name for name in ("device", *_typed(options)) if getattr(options, name) is not None), None)
    if single is not None:
        raise sg.InputError(f"{flag(single)}: --devices gives every device; figures of its own stand in a file for it")
    devices = devices_of_list(text)
    if k is not None and k != len(devices):
        count = "1 device" if len(devices) == 1 else f"{len(devices)} devices"
        raise sg.InputError(f"--num-blocks {k}: --devices lists {count}, one per stage")
    return devices


def _presets(text: str) -> list[sg.Device]:
    devices: list[sg.Device] = []
    for part in text.split(","):
        match = _PRESET.fullmatch(part.strip())
        if match is None:
            raise sg.InputError(f"--devices: {part!r} is no preset with a count, such as a100:2, and no .json file")
        if match[1] not in PRESETS:
            raise sg.InputError(f"--devices: no preset {match[1]!r}, but {', '.join(PRESETS)}; a file ends in .json")
        count = int(match[2] or 1)
        if not 0 < count <= MAX_BLOCKS - len(devices):
            raise sg.InputError(f"--devices: {part!r}: a pipeline has from 1 to 2^20 stages")
        devices += [sg.Device.preset(match[1])] * count
    return devices


def _constraints(options: argparse.Namespace, plan: Plan | None) -> sg.Constraints:
    if any(getattr(options, name) for name in _CONSTRAINTS) or plan is None or plan.constraints is None:
        return sg.Constraints(**{name: getattr(options, name) for name in _CONSTRAINTS})
    try:
        return sg.Constraints.from_mapping(plan.constraints)
    except sg.InputError as error:
        raise sg.InputError(f"{options.plan}: {error}") from None


def _stages_of_nodes(text: str) -> tuple[str, list[int]]:
    nodes, equals, stages = text.rpartition("=")
    if not (nodes and equals and stages):
        raise argparse.ArgumentTypeError(f"{text!r} is not NODES=STAGE,...")
    return nodes, units.stages(stages)
