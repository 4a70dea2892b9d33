"""The machine at hand as a device: every figure is there, and a file that it wrote is read as the same device."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

import slicegraph as sg
from slicegraph.cli import main
from slicegraph.machine import read_device
from slicegraph.report.device import device_to_text
from slicegraph.stages.onnx import rates_here
from slicegraph.stages.this_machine import Measured, measure_this_machine

CHAIN = {"producer": [0], "size": [4096], "consumers": [1], "consumer_offsets": [0, 1], "dtype": ["float32"] * 2}


@pytest.fixture(scope="module")
def measured() -> Measured:
    """A device of few and short runs."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("_LONG", 0.0), ("_SIZE", 64), ("_BYTES", 1 << 20)):
            patch.setattr(rates_here, name, value)
        return measure_this_machine()


def test_every_figure_has_a_spread(measured: Measured) -> None:
    device = measured.device
    assert isinstance(device.flops, Mapping)
    assert {"fp32", "fp64", "int8"} <= {*device.flops}
    rates = {f"flops {key}" for key in device.flops}
    assert measured.spread.keys() == rates | {"memory_bandwidth", "bandwidth", "latency"}
    assert all(spread >= 0 for spread in measured.spread.values())
    lines = device_to_text(measured).splitlines()
    assert lines[0].split() == ["figure", "measured", "spread"]
    assert len(lines) == len(measured.spread) + 3


def test_a_file_is_read_as_the_same_device(
    measured: Measured, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, graph = tmp_path / "machine.json", tmp_path / "graph.json"
    measured.write(path)
    assert read_device(path) == measured.device
    sg.write(sg.Graph(flops=[1e9, 2e9], **CHAIN), graph)  # type: ignore[arg-type] # one dict for arrays and texts
    assert main(["solve", str(graph), "-k", "2", "--device", str(path), "--bandwidth", "1GB/s", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)["device"]
    assert figures == {**measured.device.to_mapping(), "bandwidth": 1e9}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[{"bandwidth": 1}]', "a device is one object of figures; --devices takes a list of devices"),
        ('{"flops": 1}', "device: bandwidth is missing"),
        ('{"bandwidth": -1}', "bandwidth -1 is not a positive finite number"),
        ('{"preset": "abacus"}', "no preset 'abacus'"),
    ],
)
def test_a_file_that_is_no_device_is_refused_by_name(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "machine.json"
    path.write_text(text)
    with pytest.raises(sg.InputError, match=message) as caught:
        read_device(path)
    assert str(caught.value).startswith(str(path))
    assert main(["solve", "graph.json", "-k", "2", "--device", str(path)]) == 2


def test_where_no_file_can_be_is_refused_before_anything_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    for name, message in (("device.txt", "devices are written as .json"), ("nowhere/x.json", "no file can be written")):
        assert main(["device", "measure", "-o", name]) == 2
        assert message in capsys.readouterr().err
