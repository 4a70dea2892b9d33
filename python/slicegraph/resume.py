"""What sweeps have found, in a file: the next one goes on from there.

A file holds sweeps of one graph, one per device. Partitions are costed anew when they are read; bounds are taken as the
file says, so that it is a record of one's own, not a certificate.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from slicegraph import checks
from slicegraph.cost import ALL_TICKS, Instance
from slicegraph.curve import Curve, Partition, Sweep
from slicegraph.errors import InputError
from slicegraph.formats.files import read_json
from slicegraph.formats.writing import write_file
from slicegraph.machine import MAX_BLOCKS

FORMAT: Final = "slicegraph-sweep-1"
_Record = dict[str, Any]


def read_records(path: Path, digest: str) -> list[_Record]:
    """Read the sweeps of a file, one per device; none when there is no file.

    Raises
    ------
    InputError
        When the file cannot be read, holds something else, or is about another graph.
    """
    if not path.exists():
        return []
    data = read_json(path)
    if not isinstance(data, dict) or data.get("format") != FORMAT or not isinstance(data.get("sweeps"), list):
        raise InputError(f"{path}: not what `slicegraph sweep -o` writes, so nothing is written there")
    if data.get("digest") != digest:
        raise InputError(f"{path}: sweeps of another graph, other costs or other --dim; give another file")
    if not all(isinstance(record, dict) for record in data["sweeps"]):
        raise InputError(f"{path}: a sweep is an object")
    return list(data["sweeps"])


def known_of(path: Path, records: Sequence[_Record], instance: Instance) -> Sweep:
    """Give what the records of a file know of the problem of ``instance``, whose number of blocks does not matter.

    Returns
    -------
    Sweep
        Without rows: what `slicegraph.sweep` takes as known.

    Raises
    ------
    InputError
        When a record holds what is no partition of the graph, or a bound above a partition.
    """
    curve = Curve(instance.graph.num_nodes)
    try:
        for record in records:
            if _question(record) == _question(_about(instance)):
                _read(record, instance, curve)
    except (InputError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{path}: no record of a sweep: {error!s:.120}") from None
    try:
        curve.check()
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return Sweep(
        graph=instance.graph,
        device=instance.device,
        boundary_io=instance.boundary_io,
        rows=(),
        one_stage=math.inf,
        seconds=0.0,
        is_interrupted=False,
        tick=instance.tick,
        curve=curve,
    )


def _read(record: _Record, instance: Instance, curve: Curve) -> None:
    num_nodes = instance.graph.num_nodes
    blocks = Instance(
        instance.graph, device=instance.device, num_blocks=min(num_nodes, MAX_BLOCKS), boundary_io=instance.boundary_io
    )
    for row in record["partitions"]:
        numbered = np.unique(np.asarray(row, np.int64), return_inverse=True)[1].astype(np.int32)
        bottleneck = max(block.cost for block in blocks.block_costs(numbered))
        ticks = round(min(bottleneck / instance.tick, ALL_TICKS))
        if ticks < ALL_TICKS:
            stages = int(numbered.max()) + 1
            curve.add_partition(Partition(block_of=checks.read_only(numbered), stages=stages, ticks=ticks))
    for num_blocks, ticks in record["bounds"]:
        curve.add_bound(
            checks.whole("num_blocks", num_blocks, 1, MAX_BLOCKS), checks.whole("bound", ticks, 0, ALL_TICKS)
        )
    for number, time in record["seconds"]:
        spent = checks.number("seconds", time, "they are not negative")
        curve.seconds[checks.whole("num_blocks", number, 1, MAX_BLOCKS)] = spent


def write_records(path: Path, sweeps: Sequence[Sweep], others: Sequence[_Record]) -> None:
    """Write sweeps of one graph, and records of other devices that the file had.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    mine = [_record(sweep) for sweep in sweeps]
    questions = [_question(record) for record in mine]
    kept = [record for record in others if _question(record) not in questions]
    graph = sweeps[0].graph
    data = {"format": FORMAT, "graph": graph.name, "digest": graph.digest, "sweeps": kept + mine}
    write_file(path, (json.dumps(data, allow_nan=False) + "\n").encode())


def _record(sweep: Sweep) -> _Record:
    return {
        "device": sweep.device.for_types(sweep.graph.arrays.dtype).to_mapping(),
        "boundary_io": sweep.boundary_io,
        "partitions": [partition.block_of.tolist() for partition in sweep.curve.partitions],
        "bounds": [list(pair) for pair in sweep.curve.bounds],
        "seconds": [[number, seconds] for number, seconds in sorted(sweep.curve.seconds.items())],
    }


def _about(instance: Instance) -> _Record:
    return {"device": instance.figures, "boundary_io": instance.boundary_io}


def _question(record: Mapping[str, Any]) -> tuple[object, object]:
    return record.get("device"), record.get("boundary_io")
