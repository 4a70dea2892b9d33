"""Sweeps in a file: what is read is what was written, or one line says why not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import slicegraph as sg
from slicegraph.resume import known_of, read_records, write_records
from strategies import CHAIN, to_graph, to_instance

DEVICES = (sg.Device(bandwidth=64.0), sg.Device(bandwidth=1.0, memory_limit=5))


def sweeps() -> list[sg.Sweep]:
    return [sg.sweep(to_graph(CHAIN), device=device, num_blocks=range(1, 5), threads=1) for device in DEVICES]


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    """Every device has its own record; writing one keeps the others."""
    path, made = tmp_path / "sweep.json", sweeps()
    assert read_records(path, made[0].graph.digest) == []
    for sweep in made:
        write_records(path, [sweep], read_records(path, sweep.graph.digest))
    records = read_records(path, made[0].graph.digest)
    assert len(records) == 2
    for sweep in made:
        instance = sg.Instance(sweep.graph, device=sweep.device, num_blocks=1)
        curve = known_of(path, records, instance).curve
        assert curve.bounds == sweep.curve.bounds
        assert curve.seconds == sweep.curve.seconds
        read = [(partition.block_of.tolist(), partition.ticks) for partition in curve.partitions]
        assert read == [(partition.block_of.tolist(), partition.ticks) for partition in sweep.curve.partitions]
        other = sg.Instance(sweep.graph, device=sweep.device, num_blocks=1, boundary_io=True)
        assert known_of(path, records, other).curve.partitions == ()


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        ({"partitions": [[0, 0]]}, "no record of a sweep"),
        ({"partitions": [[1, 0, 0]]}, "no record of a sweep"),
        ({"partitions": [["x"]]}, "no record of a sweep"),
        ({"partitions": [[]]}, "no record of a sweep"),
        ({"partitions": 5}, "no record of a sweep"),
        ({"bounds": [[0, 1]]}, "no record of a sweep: num_blocks = 0"),
        ({"bounds": [[1, -1]]}, "no record of a sweep: bound = -1"),
        ({"bounds": [[1]]}, "no record of a sweep"),
        ({"bounds": [[3, 2**52]]}, "the bound that is known for 3 stages is above what a partition costs"),
        ({"seconds": [[1, -1.0]]}, "no record of a sweep: seconds"),
        ({"seconds": None}, "no record of a sweep"),
    ],
)
def test_a_record_that_is_damaged_is_one_line(tmp_path: Path, replaced: dict[str, Any], message: str) -> None:
    made = sweeps()[:1]
    path = tmp_path / "sweep.json"
    write_records(path, made, [])
    records = [record | replaced for record in read_records(path, made[0].graph.digest)]
    with pytest.raises(sg.InputError) as raised:
        known_of(path, records, to_instance(CHAIN, {"bandwidth": 64.0}, 1))
    assert str(raised.value).startswith(f"{path}: {message}")


@pytest.mark.parametrize("content", ["{}", "[]", "5", "x", '{"format": "slicegraph-plan-1", "sweeps": []}'])
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "plan.json"
    path.write_text(content)
    with pytest.raises(sg.InputError, match=r"plan\.json: not"):
        read_records(path, "digest")


def test_a_file_about_another_graph_is_refused(tmp_path: Path) -> None:
    """The same structure with other work is another graph."""
    path = tmp_path / "sweep.json"
    write_records(path, sweeps(), [])
    other = to_graph(CHAIN | {"nodes": CHAIN["nodes"] | {"work": [1.0, 2.0, 4.0]}})
    assert json.loads(path.read_text())["graph"] == "chain"
    with pytest.raises(sg.InputError, match=r"sweep\.json: sweeps of another graph, other costs or other --dim"):
        read_records(path, other.digest)
