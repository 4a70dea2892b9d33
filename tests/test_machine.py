"""The devices of a pipeline."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import slicegraph as sg
from slicegraph.machine import devices_of, make_machine, read_machine

A, B, C = (sg.Device(bandwidth=float(rate)) for rate in (1, 2, 3))


def test_equal_devices_are_of_one_kind() -> None:
    left, right = sg.Device(bandwidth=1.0, name="left"), sg.Device(bandwidth=1.0, name="right")
    machine = make_machine([left, B, right])
    assert machine.kinds == (left, B)
    assert machine.kind_of == (0, 1, 0)
    assert tuple(machine.names()) == ("left", "kind 1", "right")


def test_counts_stand_together() -> None:
    machine = make_machine([A, B, A], order="any")
    assert machine == make_machine({A: 2, B: 1}, order="any")
    assert (machine.devices, machine.order) == ((A, A, B), "any")


def test_with_one_kind_there_is_one_order() -> None:
    assert make_machine({A: 3}, order="any") == make_machine([A] * 3)


@given(st.lists(st.integers(1, 3), min_size=1, max_size=3))
def test_orders_are_all_that_tell_kinds_apart(counts: list[int]) -> None:
    """Each once, in lexicographic order of kinds, and as many as the formula says."""
    machine = make_machine(dict(zip([A, B, C], counts, strict=False)), order="any")
    every = sorted(set(itertools.permutations(machine.kind_of)))
    found = list(machine.orders())
    assert [tuple(machine.kinds.index(device) for device in each.devices) for each in found] == every
    assert machine.num_orders == len(every)
    assert all(each.order == "given" for each in found)


def test_many_orders_are_counted_without_listing_them() -> None:
    machine = make_machine({A: 20, B: 20}, order="any")
    assert machine.num_orders == math.comb(40, 20)
    assert next(machine.orders()).devices == (A,) * 20 + (B,) * 20


def test_names_go_with_their_devices() -> None:
    """Devices of one kind keep the order of their names, wherever they stand."""
    devices = [sg.Device(bandwidth=1.0, name=name) for name in ("x", "y")]
    orders = list(make_machine([devices[0], B, devices[1]], order="any").orders())
    assert [tuple(each.names()) for each in orders] == [
        ("x", "y", "kind 1"),
        ("x", "kind 1", "y"),
        ("kind 0", "x", "y"),
    ]


@pytest.mark.parametrize(
    ("devices", "order", "message"),
    [
        ([], "given", "devices: there are 0, but a partition has from 1 to"),
        ([A] * (2**20 + 1), "given", "devices: there are 1048577, but"),
        ([A, "b"], "given", r"devices\[1\] = 'b', but a slicegraph.Device is asked for"),
        ("a100", "given", "devices = 'a100', but it is a list of devices, one per stage"),
        ({A: 1}, "given", "devices: counts of devices take order='any'; a list gives their order"),
        ({A: 0}, "any", "devices: a count = 0, but it is a whole number from 1 to"),
        ({A: 2**20, B: 1}, "any", "devices: there are 1048577, but"),
        ({"a": 1}, "any", "devices: a device = 'a', but a slicegraph.Device is asked for"),
        ([A], "best", "order = 'best', but it is 'given' or 'any'"),
        ([sg.Device(bandwidth=float(rate)) for rate in range(1, 66)], "given", "devices: they are of 65 kinds, but of"),
    ],
)
def test_a_machine_that_is_none_is_refused(devices: Any, order: str, message: str) -> None:
    with pytest.raises(sg.InputError, match=message):
        make_machine(devices, order)


def test_a_file_lists_devices_in_pipeline_order(tmp_path: Path) -> None:
    rows = [
        {"preset": "a100", "count": 2},
        {"preset": "edgetpu", "bandwidth": 1e9, "name": "usb"},
        {"bandwidth": 5.0, "flops": {"fp32": 2.0}, "latency": 1e-6, "overlap": True},
    ]
    path = tmp_path / "machine.json"
    path.write_text(json.dumps(rows))
    devices = read_machine(path)
    a100 = sg.Device.preset("a100")
    assert devices[:2] == [a100, a100]
    assert devices[2].bandwidth == 1e9
    assert devices[2].memory == 8 * 2**20
    assert devices[3] == sg.Device(bandwidth=5.0, flops={"fp32": 2.0}, latency=1e-6, overlap=True)
    machine = make_machine(devices)
    assert tuple(machine.names()) == ("a100", "a100", "usb", "kind 2")
    path.write_text(json.dumps({"devices": machine.document}))
    assert make_machine(read_machine(path)) == machine
    assert [row["count"] for row in machine.document] == [2, 1, 1]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "devices: a list of them is asked for, one object for each"),
        ({"preset": "a100"}, "devices: a list of them is asked for, one object for each"),
        (["a100"], r"devices\[0\] = 'a100', but it is a mapping"),
        ([{"preset": "a100"}, {"preset": "b200"}], r"devices\[1\]: no preset 'b200', but testbed, a100"),
        ([{"preset": "a100", "count": 0}], r"devices\[0\]: count = 0, but it is a whole number from 1 to"),
        ([{"preset": "a100", "speed": 1}], r"devices\[0\]: 'speed' is no figure of a device, but bandwidth, "),
        ([{"flops": 1}], r"devices\[0\]: bandwidth is missing, and a device has one"),
        ([{"bandwidth": 0}], r"devices\[0\]: bandwidth 0 is not a positive finite number"),
    ],
)
def test_a_document_that_is_none_names_its_entry(rows: object, message: str) -> None:
    with pytest.raises(sg.InputError, match=message):
        devices_of(rows)
