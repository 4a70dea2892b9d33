"""The devices of a pipeline: of which kinds they are, and in which order they stand."""

from __future__ import annotations

import collections
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from slicegraph import checks
from slicegraph.device import Device
from slicegraph.errors import InputError
from slicegraph.formats.files import read_json
from slicegraph.presets import PRESETS

MAX_BLOCKS: Final = 2**20
MAX_KINDS: Final = 64
ORDERS: Final = ("given", "any")


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """The devices of a pipeline.

    Attributes
    ----------
    devices
        One per stage; when their order is any, equal ones stand together.
    order
        ``"given"``: stage ``i`` runs on ``devices[i]``. ``"any"``: on whichever device of those is best.
    kinds
        The distinct devices, by first appearance.
    kind_of
        For each stage, the index of its device among these.
    """

    devices: tuple[Device, ...]
    order: str
    kinds: tuple[Device, ...]
    kind_of: tuple[int, ...]

    def names(self) -> Iterator[str]:
        """Give what each stage's device is called: its name, else that of its preset, else the number of its kind."""
        presets = {Device.preset(name): name for name in PRESETS}
        called = [presets.get(device, f"kind {kind}") for kind, device in enumerate(self.kinds)]
        return (device.name or called[kind] for device, kind in zip(self.devices, self.kind_of, strict=True))

    @property
    def document(self) -> list[dict[str, Any]]:
        """The devices as a file of them says it, which `read_machine` reads: equal neighbours are one entry."""
        return [
            {**({"name": name} if name else {}), **device.to_mapping(), "count": sum(1 for _ in run)}
            for (device, name), run in itertools.groupby(self.devices, key=lambda device: (device, device.name))
        ]

    @property
    def num_orders(self) -> int:
        """In how many ways devices of these kinds can stand: 1 when the order is given."""
        if self.order == "given":
            return 1
        counts = collections.Counter(self.kind_of).values()
        return math.factorial(len(self.kind_of)) // math.prod(map(math.factorial, counts))

    def orders(self) -> Iterator[Machine]:
        """Give the machine in every order that tells kinds apart, each once; orders of earlier kinds come first."""
        if self.order == "given":
            yield self
            return
        left: dict[int, list[Device]] = {kind: [] for kind in range(len(self.kinds))}
        for device, kind in zip(reversed(self.devices), reversed(self.kind_of), strict=True):
            left[kind].append(device)
        for kind_of in _permutations([len(devices) for devices in left.values()]):
            places = collections.Counter[int]()
            devices = []
            for kind in kind_of:
                places[kind] += 1
                devices.append(left[kind][-places[kind]])
            yield make_machine(devices)


def check_order(order: object) -> str:
    """Give an order of devices back.

    Raises
    ------
    InputError
        When it is none.
    """
    if not isinstance(order, str) or order not in ORDERS:
        raise InputError(f"order = {order!r:.80}, but it is 'given' or 'any'")
    return order


def uniform(device: Device, num_blocks: int) -> Machine:
    """Give so many devices of one kind."""
    return Machine(devices=(device,) * num_blocks, order="given", kinds=(device,), kind_of=(0,) * num_blocks)


def make_machine(devices: Sequence[Device] | Mapping[Device, int], order: str = "given") -> Machine:
    """Put a machine together.

    Parameters
    ----------
    devices
        One per stage; or, for any order, how many there are of each.
    order
        ``"given"`` or ``"any"``.

    Raises
    ------
    InputError
        When one of them is none, when there are no stages or more than 2^20, more than 64 kinds, or counts in a given
        order.
    """
    listed = _listed(devices, check_order(order))
    if not 1 <= len(listed) <= MAX_BLOCKS:
        raise InputError(f"devices: there are {len(listed)}, but a partition has from 1 to 2^20 stages")
    index_of: dict[Device, int] = {}
    kind_of = tuple(index_of.setdefault(device, len(index_of)) for device in listed)
    if len(index_of) > MAX_KINDS:
        raise InputError(f"devices: they are of {len(index_of)} kinds, but of at most {MAX_KINDS}")
    if order == "any":
        places = sorted(range(len(listed)), key=kind_of.__getitem__)
        listed, kind_of = [listed[place] for place in places], tuple(sorted(kind_of))
    # With one kind there is nothing to choose.
    order = order if len(index_of) > 1 else "given"
    return Machine(devices=tuple(listed), order=order, kinds=tuple(index_of), kind_of=kind_of)


def machine_of(
    figures: Mapping[str, Any] | None,
    device: Device | None,
    num_blocks: int | None,
    devices: Sequence[Device] | Mapping[Device, int] | None,
    order: str,
) -> Machine:
    """Give the machine that the arguments of an instance name; ``figures`` are those of the graph's file.

    Raises
    ------
    InputError
        When they contradict each other, or one of them is none.
    """
    if devices is not None:
        if device is not None:
            raise InputError("devices: a device is given, too, but only one of them may be")
        machine = make_machine(devices, order)
        stages = len(machine.kind_of)
        if num_blocks is not None and checks.whole("num_blocks", num_blocks, 1, MAX_BLOCKS) != stages:
            raise InputError(f"num_blocks = {num_blocks!r:.80}, but there are {stages} devices, one per stage")
        return machine
    if device is None:
        if figures is None:
            raise InputError("device: not given, and the graph's file names none")
        device = Device.from_mapping(figures)
    checks.instance_of("device", device, Device)
    if isinstance(num_blocks, bool) or not isinstance(num_blocks, int | np.integer):
        raise InputError(f"num_blocks = {num_blocks!r}, but it is a whole number")
    if not 1 <= num_blocks <= MAX_BLOCKS:
        raise InputError(f"num_blocks = {num_blocks}, but a partition has from 1 to 2^20 blocks")
    check_order(order)
    return uniform(device, int(num_blocks))


def arguments_of(machine: Machine) -> dict[str, Any]:
    """Give the arguments of an instance that name a machine."""
    if len(set(map(id, machine.devices))) == 1:
        return {"device": machine.devices[0], "num_blocks": len(machine.devices)}
    return {"devices": machine.devices, "order": machine.order}


def changed_arguments(
    machine: Machine,
    *,
    device: Device | None,
    num_blocks: int | None,
    devices: Sequence[Device] | Mapping[Device, int] | None,
) -> dict[str, Any]:
    """Give the arguments of an instance that name a machine in which what is given is changed.

    Raises
    ------
    InputError
        When the number of stages is changed alone where they are unlike.
    """
    if devices is not None:
        return {"device": device, "num_blocks": num_blocks, "devices": devices, "order": machine.order}
    if device is None and num_blocks is None:
        return arguments_of(machine)
    if device is None and len(machine.kinds) > 1:
        raise InputError("num_blocks: stages are unlike here; devices gives theirs")
    return {
        "device": machine.devices[0] if device is None else device,
        "num_blocks": len(machine.devices) if num_blocks is None else num_blocks,
    }


def machine_of_file(document: Mapping[str, Any]) -> tuple[Machine, list[list[int]]]:
    """Give the machine that a graph's file names, and the groups of nodes that it wants in one stage.

    Raises
    ------
    InputError
        Naming the entry that is none.
    """
    together = document.get("together", [])
    if not isinstance(together, list) or not all(isinstance(group, list) for group in together):
        raise InputError("machine: together is a list of lists of nodes")
    try:
        return make_machine(devices_of(document.get("devices")), document.get("order", "given")), together
    except InputError as error:
        raise InputError(f"machine: {error}") from None


def read_machine(path: Path) -> list[Device]:
    """Read the devices of a pipeline from a JSON file: a list of them, or an object with that list as ``"devices"``.

    Raises
    ------
    InputError
        Naming the file and the entry that is none.
    """
    data = read_json(path)
    try:
        return devices_of(data.get("devices") if isinstance(data, dict) else data)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def read_device(path: Path) -> Device:
    """Read one device from a JSON file: an object of figures, with ``"preset"`` for those that it does not set.

    What is no figure of a device, such as how figures were measured, is passed over.

    Raises
    ------
    InputError
        Naming the file and the figure.
    """
    data = read_json(path)
    if not isinstance(data, dict):
        raise InputError(f"{path}: a device is one object of figures; --devices takes a list of devices")
    known = {field.name for field in fields(Device)}
    figures = {name: value for name, value in data.items() if name in known}
    try:
        preset = data.get("preset")
        return Device.from_mapping(figures) if preset is None else replace(Device.preset(preset), **figures)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def devices_of(rows: object) -> list[Device]:
    """Give the devices that a document lists, one per stage.

    Each entry is an object of figures, as `Device` takes them; ``"preset"`` gives those that it does not set,
    ``"count"`` says how many stages in a row run on such a device, and ``"name"`` what it is called.

    Raises
    ------
    InputError
        Naming the entry and the key.
    """
    if not isinstance(rows, list) or not rows:
        raise InputError("devices: a list of them is asked for, one object for each")
    known = {field.name for field in fields(Device)}
    devices: list[Device] = []
    for place, row in enumerate(rows):
        culprit = f"devices[{place}]"
        figures = dict(checks.mapping(culprit, row))
        count = checks.whole(f"{culprit}: count", figures.pop("count", 1), 1, MAX_BLOCKS - len(devices))
        preset = figures.pop("preset", None)
        unknown = next((key for key in figures if key not in known), None)
        if unknown is not None:
            raise InputError(f"{culprit}: {unknown!r:.80} is no figure of a device, but {', '.join(sorted(known))}")
        try:
            device = replace(Device.preset(preset), **figures) if preset is not None else Device.from_mapping(figures)
        except InputError as error:
            raise InputError(f"{culprit}: {str(error).removeprefix('device: ')}") from None
        devices += [device] * count
    return devices


def _listed(devices: object, order: str) -> list[Device]:
    if isinstance(devices, Mapping):
        if order != "any":
            raise InputError("devices: counts of devices take order='any'; a list gives their order")
        total = 0
        for device, count in devices.items():
            checks.instance_of("devices: a device", device, Device)
            total += checks.whole("devices: a count", count, 1, MAX_BLOCKS)
        if total > MAX_BLOCKS:
            raise InputError(f"devices: there are {total}, but a partition has from 1 to 2^20 stages")
        return [device for device, count in devices.items() for _ in range(count)]
    if isinstance(devices, str) or not isinstance(devices, Sequence):
        raise InputError(f"devices = {devices!r:.80}, but it is a list of devices, one per stage")
    return [checks.instance_of(f"devices[{stage}]", device, Device) for stage, device in enumerate(devices)]


def _permutations(counts: list[int]) -> Iterator[tuple[int, ...]]:
    """Give all orders of so many things of each kind, in lexicographic order.

    Notes
    -----
    O(things) for each, by the next greater permutation.
    """
    order = np.repeat(np.arange(len(counts)), counts).tolist()
    while True:
        yield tuple(order)
        place = next((at for at in range(len(order) - 2, -1, -1) if order[at] < order[at + 1]), None)
        if place is None:
            return
        other = next(at for at in range(len(order) - 1, place, -1) if order[at] > order[place])
        order[place], order[other] = order[other], order[place]
        order[place + 1 :] = reversed(order[place + 1 :])
