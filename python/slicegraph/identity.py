"""What tells a problem from all others: what certificates are about."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from slicegraph._core import Row
from slicegraph.constraints import Resolved
from slicegraph.device import Device
from slicegraph.formats.arrays import GraphArrays
from slicegraph.machine import Machine

PLAIN: Final = "slicegraph-instance-1"
"""Of problems that one device and a number of blocks say whole."""


def instance_facts(
    arrays: GraphArrays, machine: Machine, resolved: Resolved, rows: Sequence[Row], *, boundary_io: bool, tick: float
) -> dict[str, Any]:
    """Give what tells a problem from all others, in ticks.

    Where one kind of device without overlap and parameters of single nodes say it all, it is what it was before there
    was more, so that certificates from then hold.

    Parameters
    ----------
    arrays, machine, resolved
        The graph, the devices, and the constraints on its nodes.
    rows
        The costs on each kind of device.
    boundary_io, tick
        Whether model inputs and outputs are paid, and the seconds of one tick.
    """
    num_tensors = len(arrays.size)
    readers = np.split(arrays.consumers, arrays.consumer_offsets[1:-1]) if num_tensors else []
    zeros = [0] * len(arrays.op)
    facts = {
        "boundary_io": boundary_io,
        "num_blocks": len(machine.kind_of),
        "tick": tick,
        "param_bytes": zeros if arrays.param_bytes is None else arrays.param_bytes.tolist(),
        "producer": arrays.producer.tolist(),
        "consumers": [sorted(nodes.tolist()) for nodes in readers],
        "is_output": [False] * num_tensors if arrays.is_output is None else arrays.is_output.tolist(),
    }
    stored = {name: getattr(arrays, name) for name in ("state_bytes", "live_bytes", "param_size")}
    # Where there is room for all, what is stored changes no cost.
    has_room = all(row.memory_limit is None and not row.params.any() and not row.stored.any() for row in rows)
    is_stored = not has_room and any(column is not None for column in stored.values())
    is_bound = resolved.stages or resolved.together or resolved.adjacent or is_stored
    kinds = [device.for_types(arrays.dtype) for device in machine.kinds]
    if len(kinds) == 1 and not kinds[0].overlap and not is_bound:
        costs = _costs(rows[0], kinds[0])
        return facts | costs | {"format": PLAIN, "device": kinds[0].to_mapping()}
    shared: list[list[int]] = []
    if arrays.param_readers is not None and arrays.param_offsets is not None:
        nodes, offsets = arrays.param_readers.tolist(), arrays.param_offsets.tolist()
        shared = [sorted(nodes[begin:end]) for begin, end in itertools.pairwise(offsets)]
    # Said only where it is so: what was certified before holds.
    links = {"adjacent": True} if resolved.adjacent else {}
    return facts | {
        **links,
        "format": "slicegraph-instance-2",
        "devices": [device.to_mapping() for device in kinds],
        "kind_of": list(machine.kind_of),
        "order": machine.order,
        "rows": [_row_facts(row, device) for row, device in zip(rows, kinds, strict=True)],
        "stages": [[node, list(stages)] for node, stages in resolved.stages.items()],
        "together": [list(group) for group in resolved.together],
        **{name: None if column is None else column.tolist() for name, column in stored.items()},
        "param_readers": shared,
    }


def _costs(row: Row, device: Device) -> dict[str, Any]:
    return {
        "work": row.work.tolist(),
        "transfer": row.transfer.tolist(),
        "params": row.params.tolist(),
        "memory": None if device.memory is None else row.memory,
        "memory_limit": row.memory_limit,
    }


def _row_facts(row: Row, device: Device) -> dict[str, Any]:
    more = {"stored": row.stored.tolist(), "state_limit": row.state_limit, "is_overlap": row.is_overlap}
    return _costs(row, device) | more
