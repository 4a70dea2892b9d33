"""Devices: presets, and figures that cannot be."""

from __future__ import annotations

import math
from typing import Any

import pytest

import slicegraph as sg


def test_a_name_is_no_figure() -> None:
    """Devices with equal figures are of one kind, whatever they are called."""
    one, other = sg.Device(bandwidth=1.0, name="left"), sg.Device(bandwidth=1.0, name="right")
    assert one == other
    assert len({one, other}) == 1
    assert one.to_mapping() == {"bandwidth": 1.0}


def test_what_is_set_is_what_a_file_holds() -> None:
    device = sg.Device(bandwidth=1, latency=5e-6, overlap=True, work="gpu", flops={"fp32": 2}, memory=0)
    figures = {"bandwidth": 1.0, "flops": {"fp32": 2.0}, "memory": 0, "latency": 5e-6, "overlap": True, "work": "gpu"}
    assert device.to_mapping() == figures
    assert sg.Device.from_mapping(figures) == device


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
        ({"bandwidth": 1.0, "latency": -1e-6}, "device: latency -1e-06 is not a number of seconds from 0 to 1e15"),
        ({"bandwidth": 1.0, "latency": None}, "device: latency None is not a number of seconds from 0 to 1e15"),
        ({"bandwidth": 1.0, "latency": math.inf}, "device: latency inf is not a number of seconds from 0 to 1e15"),
        ({"bandwidth": 1.0, "overlap": 1}, "device: overlap 1 is neither True nor False"),
        ({"bandwidth": 1.0, "work": ""}, "device: work '' is not the name of a row of the graph's work_on"),
        ({"bandwidth": 1.0, "name": 5}, "device: name 5 is not a string"),
        ({"bandwidth": 1.0, "memory_limit": 2**54}, "device: memory_limit 18014398509481984 is not a whole number"),
    ],
)
def test_a_figure_that_is_none_is_named(figures: dict[str, Any], message: str) -> None:
    with pytest.raises(sg.InputError, match=message):
        sg.Device.from_mapping(figures)


def test_an_unknown_preset_is_answered_with_the_known_ones() -> None:
    with pytest.raises(sg.InputError, match=r"device: no preset 'tpu9', but testbed, a100, h100, .*, edgetpu"):
        sg.Device.preset("tpu9")
