"""The nodes and tensors of a walked graph, as plain arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from slicegraph.errors import InputError
from slicegraph.formats.arrays import GraphArrays
from slicegraph.formats.onnx.facts import facts
from slicegraph.formats.onnx.nodes import Walked, label
from slicegraph.formats.onnx.values import Value

_LARGEST = np.iinfo(np.int64).max


def arrays(name: str, walked: Walked, inputs: Mapping[str, Value]) -> GraphArrays:
    """Lay a graph out in arrays.

    Parameters
    ----------
    name
        What the graph is called.
    walked
        Its nodes and values; every value in use has a size.
    inputs
        The model's inputs; those that nobody uses are left out.

    Returns
    -------
        Nodes in file order; tensors: the inputs, then what each node makes.

    Raises
    ------
    InputError
        No node is left, or a size is beyond 64 bits.
    """
    if not walked.nodes:
        raise InputError("nothing is left to run: every node of the model is constant")
    used = walked.used
    producer = {key: -1 for key in inputs if key in used}
    producer |= {key: index for index, node in enumerate(walked.nodes) for key in node.proto.output if key}
    readers: dict[str, list[int]] = {key: [] for key in producer}
    for index, node in enumerate(walked.nodes):
        for key in node.reads.keys() & readers.keys():
            readers[key].append(index)
    found = [facts(node, used) for node in walked.nodes]
    names = [label(node.proto) for node in walked.nodes]
    returned = set(walked.outputs)
    return GraphArrays(
        name=name,
        op=[node.op for node in walked.nodes],
        producer=np.array(list(producer.values()), dtype=np.int32),
        size=_int64("tensor", producer, (walked.values[key].nbytes or 0 for key in producer)),
        consumers=np.array([index for indices in readers.values() for index in indices], dtype=np.int32),
        consumer_offsets=np.cumsum([0, *(len(indices) for indices in readers.values())], dtype=np.int64),
        is_output=np.array([key in returned for key in producer], dtype=np.bool_),
        node_name=names,
        tensor_name=list(producer),
        flops=_int64("node", names, (part.flops for part in found)).astype(np.float64),
        read_bytes=_int64("node", names, (part.read_bytes for part in found)),
        write_bytes=_int64("node", names, (part.write_bytes for part in found)),
        param_bytes=_int64("node", names, (part.param_bytes for part in found)),
        is_view=np.array([part.is_view for part in found], dtype=np.bool_),
    )


def _int64(kind: str, names: Iterable[str], numbers: Iterable[int]) -> NDArray[np.int64]:
    checked = []
    for name, number in zip(names, numbers, strict=True):
        if not 0 <= number <= _LARGEST:
            raise InputError(f"{kind} {name!r} computes or moves more than 64 bits can count")
        checked.append(number)
    return np.array(checked, dtype=np.int64)
