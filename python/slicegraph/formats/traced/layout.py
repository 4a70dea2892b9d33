"""The nodes and tensors of a traced program, as plain arrays."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from slicegraph.errors import InputError
from slicegraph.formats.arrays import GraphArrays
from slicegraph.formats.traced.facts import facts
from slicegraph.formats.traced.folding import fold, used
from slicegraph.formats.traced.program import Program, Value

_LARGEST = np.iinfo(np.int64).max


def arrays(program: Program) -> GraphArrays:
    """Lay a program out in arrays.

    Returns
    -------
        Nodes in the program's order; tensors: the inputs that somebody uses, then what each node makes for others.

    Raises
    ------
    InputError
        No step is left, or a size is beyond 64 bits.

    Notes
    -----
    Takes O(steps + values), but for what bodies read from outside, which counts once at every depth.
    """
    steps, folded = fold(program)
    if not steps:
        raise InputError("nothing is left to run: what is returned takes parameters alone")
    wanted = used(steps, program.outputs)
    producer = {value: -1 for value in program.inputs if value in wanted}
    producer |= {value: index for index, step in enumerate(steps) for value in step.outputs if value in wanted}
    readers: dict[Value, list[int]] = {value: [] for value in producer}
    for index, step in enumerate(steps):
        for value in dict.fromkeys(step.inputs):
            if value in readers:
                readers[value].append(index)
    found = [facts(step, wanted, folded) for step in steps]
    names, tensor_names = [step.name for step in steps], [value.name for value in producer]
    returned = frozenset(program.outputs)
    return GraphArrays(
        name=program.name,
        op=[step.op for step in steps],
        producer=np.array(list(producer.values()), dtype=np.int32),
        size=_int64("tensor", tensor_names, (value.nbytes for value in producer)),
        consumers=np.array([index for indices in readers.values() for index in indices], dtype=np.int32),
        consumer_offsets=np.cumsum([0, *(len(indices) for indices in readers.values())], dtype=np.int64),
        is_output=np.array([value in returned for value in producer], dtype=np.bool_),
        node_name=names,
        tensor_name=tensor_names,
        flops=_int64("node", names, (part.flops for part in found)).astype(np.float64),
        read_bytes=_int64("node", names, (part.read_bytes for part in found)),
        write_bytes=_int64("node", names, (part.write_bytes for part in found)),
        param_bytes=_int64("node", names, (part.param_bytes for part in found)),
        is_view=np.array([step.is_view for step in steps], dtype=np.bool_),
    )


def _int64(kind: str, names: Iterable[str], numbers: Iterable[int]) -> NDArray[np.int64]:
    checked = []
    for name, number in zip(names, numbers, strict=True):
        if not 0 <= number <= _LARGEST:
            raise InputError(f"{kind} {name!r} computes or moves more than 64 bits can count")
        checked.append(number)
    return np.array(checked, dtype=np.int64)
