"""What every format reads into and writes from: the plain arrays of a computation graph."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphArrays:
    """A graph as a file states it: unchecked, in the file's own node and tensor order.

    Tensors are hyperedges: tensor ``x`` is read by the nodes
    ``consumers[consumer_offsets[x]:consumer_offsets[x + 1]]``.
    Either ``work`` is given or the facts from which a device's roofline makes it.

    Attributes
    ----------
    name
        What the graph is called.
    op
        Operator of each node; its length is the number of nodes.
    producer
        Integers, per tensor: the node that makes it, or -1 for a model input.
    size
        int64, per tensor: bytes.
    consumers, consumer_offsets
        Integers (the second of length ``num_tensors + 1``): the readers of every tensor, one after the other.
    is_output
        bool, per tensor: the model returns it. None: no tensor is.
    node_name, tensor_name
        What the model's author calls each node and tensor. None: unnamed.
    work
        float64, per node: seconds. None: to be computed from the facts below.
    flops, read_bytes, write_bytes
        float64 and int64, per node: what the operator computes and moves.
    param_bytes
        int64, per node: bytes of parameters (weights, constants) that the node reads and no other. None: none.
    is_view
        bool, per node: the operator moves nothing, so it costs nothing. None: no node is.
    is_guess
        bool, per node: there is no rule for what the operator computes, so ``flops`` is a guess. None: no node's is.
    state_bytes
        int64, per node: bytes that it keeps from one run to the next, as a cache of keys and values. None: none.
    live_bytes
        int64, per node: bytes of the tensors that are alive while it runs. None: not counted.
    dtype
        Per node, the type that it computes in, by numpy's name or ml_dtypes' ("float32", "bfloat16", "int8"); "": not
        known. None: of no node.
    work_on
        By the name of a kind of device, float64 per node: seconds there, NaN where it cannot run the node. None: not
        measured.
    transfer_on
        By the name of a kind of device, float64 per tensor: seconds that it takes to move there. None: not measured.
    param_size
        int64, per parameter that several nodes read: bytes, which a stage with some of them stores once. None: there
        are none.
    param_readers, param_offsets
        Integers (the second of length ``num_params + 1``): the nodes that read each, one parameter after the other.
    kernel
        int64, per node: nodes of one number run as one kernel, or are a layer's forward and backward, so that they are
        in one stage; -1, or None: by itself.
    is_backward
        bool, per node: the node is of the backward pass of a training graph, of which the tensors are written as
        `slicegraph.formats.training` says. None: the graph is none.
    device
        The device that the file names, as a plain mapping, or None.
    machine
        The devices of the pipeline that the file names, as a plain mapping: ``devices``, a list of figures with counts,
        ``order``, and ``together``, groups of nodes that it wants in one stage. None: it names none.
    """

    name: str
    op: Sequence[str]
    producer: NDArray[np.int32]
    size: NDArray[np.int64]
    consumers: NDArray[np.int32]
    consumer_offsets: NDArray[np.int64]
    is_output: NDArray[np.bool_] | None = None
    node_name: Sequence[str] | None = None
    tensor_name: Sequence[str] | None = None
    work: NDArray[np.float64] | None = None
    flops: NDArray[np.float64] | None = None
    read_bytes: NDArray[np.int64] | None = None
    write_bytes: NDArray[np.int64] | None = None
    param_bytes: NDArray[np.int64] | None = None
    is_view: NDArray[np.bool_] | None = None
    is_guess: NDArray[np.bool_] | None = None
    state_bytes: NDArray[np.int64] | None = None
    live_bytes: NDArray[np.int64] | None = None
    dtype: Sequence[str] | None = None
    work_on: Mapping[str, NDArray[np.float64]] | None = None
    transfer_on: Mapping[str, NDArray[np.float64]] | None = None
    param_size: NDArray[np.int64] | None = None
    param_readers: NDArray[np.int64] | None = None
    param_offsets: NDArray[np.int64] | None = None
    kernel: NDArray[np.int64] | None = None
    is_backward: NDArray[np.bool_] | None = None
    device: Mapping[str, Any] | None = None
    machine: Mapping[str, Any] | None = None


def structure_digest(arrays: GraphArrays) -> str:
    """Give the SHA-256 of operators, tensors, their sizes, who makes and reads them, as hexadecimal digits.

    Notes
    -----
    O(nodes + tensors + reads), and O(reads log reads) where the readers of a tensor do not ascend.
    """
    num_tensors = len(arrays.size)
    is_output = np.zeros(num_tensors, np.bool_) if arrays.is_output is None else arrays.is_output
    columns: dict[str, NDArray[Any]] = {
        "producer": arrays.producer,
        "size": arrays.size,
        "consumer_offsets": arrays.consumer_offsets,
        "consumers": _ascending(arrays.consumers, arrays.consumer_offsets),
        "is_output": is_output,
    }
    digest = hashlib.sha256(b"slicegraph-structure-1\n" + json.dumps(list(arrays.op)).encode())
    for name, column in columns.items():
        digest.update(f"\n{name}\n".encode() + column.astype("<i8").tobytes())
    return digest.hexdigest()


def _ascending(consumers: NDArray[np.int32], offsets: NDArray[np.int64]) -> NDArray[np.int32]:
    """Sort the readers of each tensor, which mostly are sorted."""
    is_first = np.zeros(len(consumers) + 1, np.bool_)
    is_first[offsets] = True
    if is_first[1:-1][np.diff(consumers) < 0].all():
        return consumers
    tensor_of = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    return consumers[np.lexsort((consumers, tensor_of))]
