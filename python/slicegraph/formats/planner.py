"""What the readers of planners' files share: figures are checked one by one, and lists become arrays."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from slicegraph.errors import InputError
from slicegraph.formats.arrays import GraphArrays

MAX_BYTES = 2**53
"""More bytes than any file means, and few enough to be exact in float64."""
# Far below where floats overflow, and far above any cost.
_MAX_AMOUNT = 1e300


class Tensor(NamedTuple):
    """A tensor of a graph that is being read.

    It has the node that makes it, bytes, the nodes that read it, each once, and what the file gives in place of bytes.
    """

    producer: int
    size: int
    readers: Collection[int]
    is_output: bool = False
    name: str = ""
    amount: float = 0.0


def amount(culprit: str, value: object) -> float:
    """Give a number that is finite and not negative; `culprit` is what a complaint calls it, file first.

    Raises
    ------
    InputError
        When it is something else.
    """
    if type(value) not in (int, float) or not 0 <= value <= _MAX_AMOUNT:  # type: ignore[operator] # it is one of the two
        raise InputError(f"{culprit} = {value!r:.80} is not a number from 0 to {_MAX_AMOUNT:g}")
    return float(value)  # type: ignore[arg-type] # likewise


def whole_bytes(culprit: str, value: object, *, scale: float = 1.0) -> int:
    """Give the whole number nearest to so many times `scale` bytes.

    Raises
    ------
    InputError
        When the value is not a number, is negative, or means more than 2^53 bytes.
    """
    size = amount(culprit, value) * scale
    if size > MAX_BYTES:
        raise InputError(f"{culprit} = {value!r:.80} means {size:.3g} bytes, which is above 2^53")
    return round(size)


def graph_arrays(
    path: Path,
    *,
    op: Sequence[str],
    node_name: Sequence[str],
    work: Sequence[float],
    param_bytes: Sequence[int],
    tensors: Sequence[Tensor],
    device: Mapping[str, float] | None = None,
    work_on: Mapping[str, Sequence[float]] | None = None,
    transfer_on: Mapping[str, Sequence[float]] | None = None,
    machine: Mapping[str, Any] | None = None,
) -> GraphArrays:
    """Give the graph that a file's nodes and tensors are; it is called after the file."""
    names = [tensor.name for tensor in tensors]
    return GraphArrays(
        name=path.name.split(".")[0],
        op=op,
        node_name=node_name,
        tensor_name=names if any(names) else None,
        work=np.array(work, dtype=np.float64),
        param_bytes=np.array(param_bytes, dtype=np.int64),
        producer=np.array([tensor.producer for tensor in tensors], dtype=np.int32),
        size=np.array([tensor.size for tensor in tensors], dtype=np.int64),
        consumers=np.array([reader for tensor in tensors for reader in tensor.readers], dtype=np.int32),
        consumer_offsets=np.cumsum([0, *(len(tensor.readers) for tensor in tensors)], dtype=np.int64),
        is_output=np.array([tensor.is_output for tensor in tensors], dtype=np.bool_),
        device=device,
        work_on=_rows(work_on),
        transfer_on=_rows(transfer_on),
        machine=machine,
    )


def _rows(rows: Mapping[str, Sequence[float]] | None) -> dict[str, NDArray[np.float64]] | None:
    return None if rows is None else {kind: np.array(row, dtype=np.float64) for kind, row in rows.items()}
