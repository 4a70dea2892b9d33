"""Nodes with their facts, and the tensors between them, as plain arrays: for readers of models and tracers alike."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import accumulate, chain
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from slicegraph.errors import InputError
from slicegraph.formats.arrays import GraphArrays
from slicegraph.formats.facts import Facts

_LARGEST = np.iinfo(np.int64).max
_NUMBER_BYTES: Final = 8
_Key = TypeVar("_Key")


def lay_out(
    name: str,
    *,
    op: Sequence[str],
    node_name: Sequence[str],
    facts: Sequence[Facts],
    reads: Iterable[Collection[_Key]],
    producer: Mapping[_Key, int],
    size: Iterable[int],
    tensor_name: Sequence[str],
    returned: Collection[_Key],
) -> GraphArrays:
    """Lay a graph out in arrays.

    A parameter that several nodes read is one entry of the shared ones, unless it is a single number, of at most 8
    bytes: that counts at each of them.

    Parameters
    ----------
    name
        What the graph is called.
    op, node_name, facts, reads
        Per node; it reads each value once, and what is no tensor is passed over.
    producer
        The tensors in order, and the node that makes each, or -1.
    size, tensor_name
        Per tensor.
    returned
        Tensors that are outputs.

    Raises
    ------
    InputError
        A size is beyond 64 bits.
    """
    readers: dict[_Key, list[int]] = {key: [] for key in producer}
    for index, keys in enumerate(reads):
        for key in keys:
            if (found := readers.get(key)) is not None:
                found.append(index)
    own, shared = _parameters(facts)
    flops, read_bytes, write_bytes, _, dtype, is_view, is_guess, kept = zip(*facts, strict=True) if facts else [()] * 8
    state_bytes = _int64("node", node_name, kept)
    return GraphArrays(
        name=name,
        op=op,
        producer=np.array(list(producer.values()), dtype=np.int32),
        size=_int64("tensor", tensor_name, size),
        consumers=np.array([*chain.from_iterable(readers.values())], dtype=np.int32),
        consumer_offsets=np.array([0, *accumulate(map(len, readers.values()))], dtype=np.int64),
        is_output=np.array([key in returned for key in producer], dtype=np.bool_),
        node_name=node_name,
        tensor_name=tensor_name,
        flops=_int64("node", node_name, flops).astype(np.float64),
        read_bytes=_int64("node", node_name, read_bytes),
        write_bytes=_int64("node", node_name, write_bytes),
        param_bytes=_int64("node", node_name, own),
        is_view=np.array(is_view, dtype=np.bool_),
        is_guess=np.array(is_guess, dtype=np.bool_),
        dtype=[*dtype],
        state_bytes=state_bytes if state_bytes.any() else None,
        **shared,
    )


def _parameters(facts: Sequence[Facts]) -> tuple[list[int], dict[str, Any]]:
    """Divide parameters into those of one node each, of which the bytes are given, and those that several read."""
    size: dict[Any, int] = {}
    readers: dict[Any, list[int]] = {}
    for index, part in enumerate(facts):
        for key, nbytes in part.parameters.items():
            size[key] = nbytes
            readers.setdefault(key, []).append(index)
    shared = [key for key, nodes in readers.items() if len(nodes) > 1 and size[key] > _NUMBER_BYTES]
    own = [sum(part.parameters.values()) for part in facts]
    for key in shared:
        for index in readers[key]:
            own[index] -= size[key]
    if not shared:
        return own, {}
    return own, {
        "param_size": _int64("parameter", map(str, range(len(shared))), (size[key] for key in shared)),
        "param_readers": np.array([index for key in shared for index in readers[key]], dtype=np.int64),
        "param_offsets": np.cumsum([0, *(len(readers[key]) for key in shared)], dtype=np.int64),
    }


def _int64(kind: str, names: Iterable[str], numbers: Iterable[int]) -> NDArray[np.int64]:
    listed = list(numbers)
    for name, number in zip(names, listed, strict=True) if listed and not _are_counts(listed) else ():
        if not 0 <= number <= _LARGEST:
            raise InputError(f"{kind} {name!r} computes or moves more than 64 bits can count")
    return np.array(listed, dtype=np.int64)


def _are_counts(numbers: Sequence[int]) -> bool:
    return min(numbers) >= 0 and max(numbers) <= _LARGEST
