"""Devices: presets, and figures that cannot be."""

from __future__ import annotations

import math
from typing import Any

import pytest

import slicegraph as sg
from slicegraph.device import PRESETS


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_device_that_a_file_can_hold(name: str) -> None:
    device = sg.Device.preset(name)
    assert sg.Device.from_mapping(device.to_mapping()) == device


def test_the_testbed_device_is_the_one_of_the_benchmarks() -> None:
    assert sg.Device.preset("testbed") == sg.Device(flops=50e12, memory_bandwidth=1e12, bandwidth=64e9)


@pytest.mark.parametrize(
    ("figures", "message"),
    [
        ({}, "device: bandwidth is missing, and a device has one"),
        ({"bandwidth": 0}, "device: bandwidth 0 is not a positive finite number"),
        ({"bandwidth": None}, "device: bandwidth None is not a positive finite number"),
        ({"bandwidth": "fast"}, "device: bandwidth 'fast' is not a positive finite number"),
        ({"bandwidth": math.inf}, "device: bandwidth inf is not a positive finite number"),
        ({"bandwidth": 10**400}, "device: bandwidth 1000.* is not a positive finite number"),
        ({"bandwidth": 1.0, "memory": math.inf}, "device: memory inf is not a whole number of bytes"),
        ({"bandwidth": 1.0, "flops": math.nan}, "device: flops nan is not a positive finite number"),
        ({"bandwidth": 1.0, "memory": -1}, r"device: memory -1 is not a whole number of bytes from 0 to 2\^53"),
        ({"bandwidth": 1.0, "memory": 0.5}, r"device: memory 0.5 is not a whole number of bytes from 0 to 2\^53"),
        ({"bandwidth": 1.0, "memory_limit": 2**54}, "device: memory_limit 18014398509481984 is not a whole number"),
    ],
)
def test_a_figure_that_is_none_is_named(figures: dict[str, Any], message: str) -> None:
    with pytest.raises(sg.InputError, match=message):
        sg.Device.from_mapping(figures)


def test_an_unknown_preset_is_answered_with_the_known_ones() -> None:
    with pytest.raises(sg.InputError, match="device: no preset 'tpu9', but testbed, a100, h100, edgetpu"):
        sg.Device.preset("tpu9")
