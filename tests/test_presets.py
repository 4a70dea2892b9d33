"""The presets, and the page that says where their figures come from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import slicegraph as sg
from slicegraph.cli import units
from slicegraph.presets import PRESETS

PAGE = Path(__file__).parents[1] / "docs/guide/machines.md"
COLUMNS = ("fp32", "tf32", "bf16", "fp16", "fp8", "int8")


def rows() -> dict[str, list[str]]:
    """The table of presets: the cells of each row."""
    page = PAGE.read_text(encoding="utf-8").partition("## Presets")[2]
    lines = [line for line in page.splitlines() if re.match(r"\| `[\w-]+` \|", line)]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0].strip("`"): row[1:] for row in cells}


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_device_that_a_file_can_hold(name: str) -> None:
    device = sg.Device.preset(name)
    assert sg.Device.from_mapping(device.to_mapping()) == device
    assert device.name == name


def test_presets_are_unlike() -> None:
    """So a device names its preset."""
    assert len({sg.Device.preset(name) for name in PRESETS}) == len(PRESETS)


def test_the_page_has_a_row_for_each_preset() -> None:
    assert list(rows()) == list(PRESETS)


@pytest.mark.parametrize("name", PRESETS)
def test_the_page_shows_the_figures_of_the_preset(name: str) -> None:
    """Rates in TFLOPS, bandwidths and bytes as they are typed; a dash where there is no figure."""
    *rates, memory_bandwidth, bandwidth, limit, source = rows()[name]
    figures: dict[str, Any] = dict(PRESETS[name])
    flops = figures["flops"]
    for column, cell in zip(COLUMNS, rates, strict=True):
        expected = flops.get(column) if isinstance(flops, dict) else flops
        assert (None if cell == "-" else float(cell.replace(",", "")) * 1e12) == pytest.approx(expected), column
    assert units.bytes_per_second(memory_bandwidth) == figures["memory_bandwidth"]
    assert units.bytes_per_second(bandwidth) == figures["bandwidth"]
    assert (None if limit == "-" else units.num_bytes(limit)) == figures.get("memory_limit")
    assert source or name == "testbed"


def test_an_a100_takes_sixteen_times_as_long_in_float32() -> None:
    """The data sheet: 312 TFLOPS are those of bf16, and float32 has 19.5."""
    flops = sg.Device.preset("a100").flops
    assert not isinstance(flops, float)
    assert flops is not None
    assert flops["bf16"] / flops["fp32"] == 16.0


def test_the_testbed_device_is_the_one_of_the_benchmarks() -> None:
    """It has one rate for all types of number."""
    assert sg.Device.preset("testbed") == sg.Device(flops=50e12, memory_bandwidth=1e12, bandwidth=64e9)


def test_a_graph_without_types_runs_at_the_rate_of_bf16() -> None:
    """As it did before devices had tables: digests do not change."""
    work = {"flops": [312e12], "producer": [0], "size": [8], "consumers": [], "consumer_offsets": [0, 0]}
    graph = sg.Graph(**work)  # type: ignore[arg-type] # one dict for arrays of all types
    table, plain = sg.Device.preset("a100"), sg.Device(**{**PRESETS["a100"], "flops": 312e12})
    one, other = (sg.Instance(graph, device=device, num_blocks=1) for device in (table, plain))
    assert one.block_costs([0])[0].work == 1.0
    assert one.digest == other.digest
