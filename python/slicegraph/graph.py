"""The computation graph that users hold: facts as numpy arrays, frozen, checked once by the core."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slicegraph import checks, formats
from slicegraph._core import Graph as CoreGraph
from slicegraph.columns import (
    check_length,
    flags,
    floats,
    integers,
    node_seconds,
    seconds_by_kind,
    shared_parameters,
    texts,
    with_names,
)
from slicegraph.errors import InputError
from slicegraph.formats.arrays import GraphArrays, structure_digest
from slicegraph.formats.counting import Formula


@final
class Graph:
    """A frozen directed acyclic graph of nodes (operations) and tensors (values).

    Tensor ``x`` has ``size[x]`` bytes, is made by node ``producer[x]`` (-1: a model input) and read by the nodes
    ``consumers[consumer_offsets[x]:consumer_offsets[x + 1]]``. Arrays are copied in and can be read back, read-only.

    Parameters
    ----------
    producer
        Integers, shape (num_tensors,): the node that makes each tensor, or -1.
    size
        Integers, shape (num_tensors,): bytes.
    consumers, consumer_offsets
        Integers, shapes (num_reads,) and (num_tensors + 1,).
    work
        Floats, shape (num_nodes,): seconds. Without it, give ``flops`` (and ``read_bytes``, ``write_bytes``,
        ``is_view``), from which the device's roofline makes work.
    flops, read_bytes, write_bytes
        Shape (num_nodes,): operations, and bytes moved.
    param_bytes
        Integers, shape (num_nodes,): bytes of parameters that each node reads and no other. None: none.
    state_bytes
        Integers, shape (num_nodes,): bytes that each node keeps from one run to the next, as a cache of keys and
        values. None: none.
    live_bytes
        Integers, shape (num_nodes,): bytes of the tensors that are alive while each node runs. None: not counted.
    dtype
        Strings, one per node: the type that it computes in, as ``"bfloat16"``; ``""``: not known. None: of no node.
    work_on
        By the name of a kind of device, floats, shape (num_nodes,): seconds there, NaN where it cannot run the node.
    transfer_on
        By the name of a kind of device, floats, shape (num_tensors,): seconds that moving each tensor takes there.
    param_size, param_readers, param_offsets
        Integers, shapes (num_params,), (num_param_reads,) and (num_params + 1,): bytes of each parameter that several
        nodes read, and these nodes, ``param_readers[param_offsets[p]:param_offsets[p + 1]]``. A stage that holds some
        of them stores it once. None: there are none.
    is_view
        Booleans, shape (num_nodes,): the node moves nothing and costs nothing. None: no node.
    is_guess
        Booleans, shape (num_nodes,): no rule counts what the node's operator computes, so ``flops`` is a guess, which
        answers list. None: no node.
    is_output
        Booleans, shape (num_tensors,): the model returns the tensor. None: no tensor.
    kernel
        Integers, shape (num_nodes,): nodes of one number run as one kernel, as a profile finds them, or are a layer's
        forward and backward, and a node of -1 is by itself. `solve` and `sweep` keep them in one stage. None: each
        node runs by itself.
    is_backward
        Booleans, shape (num_nodes,): the node is of the backward pass of a training graph, of which `from_jax`,
        `from_torch` and `read` turn some tensors round (`slicegraph.formats.training`). None: the graph is none.
    op, node_name, tensor_name
        Names, for reports.
    name
        What the graph is called.
    device, machine
        The device, and all devices of a pipeline, that the graph's file names, if any.

    Raises
    ------
    InputError
        Naming the node or tensor that breaks a rule, and the rule.

    Notes
    -----
    Building takes O(nodes + tensors + reads).

    Examples
    --------
    Three nodes in a chain:

    >>> import slicegraph as sg
    >>> graph = sg.Graph(work=[1, 2, 3], producer=[0, 1], size=[8, 8], consumers=[1, 2], consumer_offsets=[0, 1, 2])
    >>> graph.num_nodes, graph.num_tensors
    (3, 2)
    """

    __slots__ = ("_arrays", "_core", "_digest", "_is_work_replaced", "_program")
    _program: object

    def __init__(  # noqa: PLR0913 - one per array, by keyword
        self,
        *,
        producer: ArrayLike,
        size: ArrayLike,
        consumers: ArrayLike,
        consumer_offsets: ArrayLike,
        work: ArrayLike | None = None,
        flops: ArrayLike | None = None,
        read_bytes: ArrayLike | None = None,
        write_bytes: ArrayLike | None = None,
        param_bytes: ArrayLike | None = None,
        state_bytes: ArrayLike | None = None,
        live_bytes: ArrayLike | None = None,
        dtype: Sequence[str] | None = None,
        work_on: Mapping[str, ArrayLike] | None = None,
        transfer_on: Mapping[str, ArrayLike] | None = None,
        param_size: ArrayLike | None = None,
        param_readers: ArrayLike | None = None,
        param_offsets: ArrayLike | None = None,
        is_view: ArrayLike | None = None,
        is_guess: ArrayLike | None = None,
        is_output: ArrayLike | None = None,
        kernel: ArrayLike | None = None,
        is_backward: ArrayLike | None = None,
        op: Sequence[str] | None = None,
        node_name: Sequence[str] | None = None,
        tensor_name: Sequence[str] | None = None,
        name: str = "",
        device: Mapping[str, Any] | None = None,
        machine: Mapping[str, Any] | None = None,
    ) -> None:
        checks.text("name", name)
        ends = {"producer": producer, "size": size, "consumers": consumers, "consumer_offsets": consumer_offsets}
        required: dict[str, Any] = {name: integers(name, values) for name, values in ends.items()}
        optional = {
            **_given(floats, work=work, flops=flops),
            **_given(integers, read_bytes=read_bytes, write_bytes=write_bytes, param_bytes=param_bytes),
            **_given(integers, state_bytes=state_bytes, live_bytes=live_bytes),
            **_given(flags, is_view=is_view, is_output=is_output),
            **shared_parameters(param_size, param_readers, param_offsets),
        }
        self._core = with_names(lambda: CoreGraph(**required, **optional), node=node_name, tensor=tensor_name)
        num_nodes, num_tensors = self._core.num_nodes, self._core.num_tensors
        beside = _beside_the_core(num_nodes, kernel, is_guess=is_guess, is_backward=is_backward)
        self._arrays = GraphArrays(
            name=name,
            op=("",) * num_nodes if op is None else texts("op", op, num_nodes, "nodes"),
            node_name=None if node_name is None else texts("node_name", node_name, num_nodes, "nodes"),
            tensor_name=None if tensor_name is None else texts("tensor_name", tensor_name, num_tensors, "tensors"),
            dtype=None if dtype is None else texts("dtype", dtype, num_nodes, "nodes"),
            work_on=None if work_on is None else seconds_by_kind("work_on", work_on, num_nodes),
            transfer_on=None if transfer_on is None else seconds_by_kind("transfer_on", transfer_on, num_tensors),
            device=None if device is None else dict(checks.mapping("device", device)),
            machine=None if machine is None else dict(checks.mapping("machine", machine)),
            **required,
            **optional,
            **beside,
        )
        self._digest, self._program, self._is_work_replaced = "", None, False

    @classmethod
    def of_core(cls, core: CoreGraph, arrays: GraphArrays) -> Graph:
        """Wrap a graph that the core has made, whose sums may be above what one node of a file may have."""
        graph = object.__new__(cls)
        graph._core, graph._arrays, graph._digest, graph._program = core, arrays, "", None
        graph._is_work_replaced = False
        return graph

    def of_program(self, program: object) -> Graph:
        """Give the graph with what it was traced from, for the modules of this package."""
        graph = Graph.of_core(self._core, self._arrays)
        graph._program, graph._is_work_replaced = program, self._is_work_replaced  # noqa: SLF001 - its own
        return graph

    def with_work(self, work: ArrayLike) -> Graph:
        """Give the graph with other seconds of its nodes; all else is shared, and neither copied nor checked again.

        Parameters
        ----------
        work
            Seconds of each node, shape (num_nodes,).

        Raises
        ------
        InputError
            When there are not as many, or one is negative, not a number, or above 1e15.

        Examples
        --------
        >>> import slicegraph as sg
        >>> graph = sg.Graph(work=[1, 2], producer=[0], size=[8], consumers=[1], consumer_offsets=[0, 1])
        >>> graph.with_work([3, 4]).arrays.work
        array([3., 4.])
        """
        seconds = node_seconds("work", work, self.num_nodes)
        graph = Graph.of_core(self._core, dataclasses.replace(self._arrays, work=seconds))
        graph._program, graph._is_work_replaced = self._program, True  # noqa: SLF001 - its own
        return graph

    @property
    def is_work_replaced(self) -> bool:
        """Whether the core's graph has other work than the arrays, which count; for the modules of this package."""
        return self._is_work_replaced

    @property
    def core(self) -> CoreGraph:
        """The compiled graph, for the modules of this package."""
        return self._core

    @property
    def arrays(self) -> GraphArrays:
        """Everything the graph was built from; the arrays are read-only."""
        return self._arrays

    @property
    def program(self) -> Any:  # noqa: ANN401 - a type of an optional library
        """What `from_torch` traced, a ``torch.export.ExportedProgram``; None for other graphs, and after pickling."""
        return self._program

    @property
    def name(self) -> str:
        """What the graph is called."""
        return self._arrays.name

    @property
    def num_nodes(self) -> int:
        """The number of nodes."""
        return self._core.num_nodes

    @property
    def num_tensors(self) -> int:
        """The number of tensors."""
        return self._core.num_tensors

    @property
    def digest(self) -> str:
        """SHA-256 of the numbers of the graph and its types, as hexadecimal digits; names do not count."""
        if not self._digest:
            digest = hashlib.sha256(b"slicegraph-graph-1")
            for field in dataclasses.fields(self._arrays):
                value = getattr(self._arrays, field.name)
                if isinstance(value, np.ndarray):
                    _add(digest, field.name, value)
            for name in ("work_on", "transfer_on"):
                for kind, seconds in sorted((getattr(self._arrays, name) or {}).items()):
                    _add(digest, f"{name} {json.dumps(kind)}", seconds)
            if self._arrays.dtype is not None:
                digest.update(f"\ndtype {json.dumps(self._arrays.dtype)}\n".encode())
            self._digest = digest.hexdigest()
        return self._digest

    @property
    def structure_digest(self) -> str:
        """SHA-256 of what a plan is about, as hexadecimal digits: operators, tensors, their sizes, who makes and reads.

        Costs and names do not count: a graph with measured work is the graph that was measured.

        Notes
        -----
        O(nodes + tensors + reads log reads).
        """
        return structure_digest(self._arrays)

    def shared_parameters(self) -> list[tuple[int, NDArray[np.int64]]]:
        """List the parameters that several nodes read: the bytes of each, and its readers."""
        arrays = self._arrays
        if arrays.param_size is None or arrays.param_readers is None or arrays.param_offsets is None:
            return []
        readers = np.split(arrays.param_readers, arrays.param_offsets[1:-1])
        return list(zip(arrays.param_size.tolist(), readers, strict=False))

    def __reduce__(self) -> tuple[functools.partial[Graph], tuple[()]]:
        return functools.partial(Graph, **fields(self._arrays)), ()

    def __repr__(self) -> str:
        return f"<Graph {self.name!r}: {self.num_nodes} nodes, {self.num_tensors} tensors>"


def read(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,  # noqa: A002 - what users type
    dims: Mapping[str, int] | None = None,
    flops: Mapping[str, Formula] | None = None,
    trips: Mapping[str, int] | None = None,
    params: Sequence[str] | None = None,
) -> Graph:
    """Read a graph from a file.

    Parameters
    ----------
    path
        An ``.onnx`` model (optional dependency ``onnx``), StableHLO (``.mlir``, ``.mlirbc``, ``.stablehlo``: text,
        bytecode, or what ``jax.export`` writes; optional dependency ``jax``), a ``.tflite`` model (optional dependency
        ``tflite``), a native graph (``.json``, ``.json.gz``), or the input of another planner: a profile of PipeDream
        (``.txt``), TensorFlow's CostGraphDef as text (``.pbtxt``), Graphviz (``.dot``; optional dependency ``pydot``),
        or, when the format is named, JSON of dnn-partitioning (``"msr"``) or of Piper (``"piper"``), or a DAG of
        HyperDAG_DB (``"hyperdag"``).
    format
        ``"onnx"``, ``"stablehlo"``, ``"tflite"``, ``"native"``, ``"msr"``, ``"piper"``, ``"pipedream"``,
        ``"cost_graph"``, ``"hyperdag"`` or ``"dot"``, when the suffix does not tell. What each takes from its file
        stands in the module of that name, `slicegraph.formats.msr` and so on.
    dims
        Sizes of named dimensions of an ONNX model, such as ``{"batch": 1}``.
    flops
        What operators of a model compute, by name (``"my::op"`` or ``"my.op"``): a function that takes the shapes
        of the inputs and those of the outputs and gives floating-point operations, or a formula such as
        ``"2 * out0 * in0.shape[-1]"`` (`slicegraph.formats.counting.expression.Expression`). It goes before the
        reader's own rules. An operator that has neither is guessed by the bytes that it moves, and marked in
        ``is_guess``.
    trips
        How often a loop runs, where the model does not state it, by the name of its node, by its
        operator (``"Loop"``), or by a pattern of names: ``{"decoder/*": 12}``. Otherwise such a loop counts one run of
        its body, and is marked in ``is_guess``.
    params
        Which arguments of StableHLO are parameters, by name or pattern of names, such as ``["params*"]``. None: a guess
        by their names, which is logged as a warning (`slicegraph.formats.stablehlo.parameters`).

    Raises
    ------
    InputError
        In one line that names the file, the culprit and the rule.

    Examples
    --------
    >>> import slicegraph as sg
    >>> graph = sg.read("resnet50.onnx", dims={"batch": 1})  # doctest: +SKIP
    """
    format = None if format is None else checks.text("format", format)  # noqa: A001 - see above
    known = checks.dims(dims)
    place = checks.path("path", path)
    arrays = formats.read(place, format=format, dims=known, flops=flops, trips=trips, params=_patterns(params))
    try:
        return Graph(**fields(arrays))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def write(graph: Graph, path: str | os.PathLike[str]) -> None:
    """Write a graph as a native file, ``.json`` or ``.json.gz``; what was there is replaced whole or not at all.

    Raises
    ------
    InputError
        When the suffix is another, or the file cannot be written.
    """
    formats.write(checks.instance_of("graph", graph, Graph).arrays, checks.path("path", path))


def fields(arrays: GraphArrays) -> dict[str, Any]:
    """Give the arrays of a graph as the arguments that build it."""
    return {field.name: getattr(arrays, field.name) for field in dataclasses.fields(arrays)}


def _patterns(params: Sequence[str] | None) -> list[str] | None:
    if params is None:
        return None
    if isinstance(params, str) or not isinstance(params, Sequence):
        raise InputError(f"params: a list of names or patterns is asked for, not {params!r:.80}")
    return [checks.text("params", each) for each in params]


def _given(convert: Callable[[str, ArrayLike], NDArray[Any]], **columns: ArrayLike | None) -> dict[str, Any]:
    """Copy in the columns that are given."""
    return {name: None if values is None else convert(name, values) for name, values in columns.items()}


def _beside_the_core(num_nodes: int, kernel: ArrayLike | None, **booleans: ArrayLike | None) -> dict[str, Any]:
    """Copy in, and check, columns that the core does not have."""
    columns = {**_given(flags, **booleans), **_given(integers, kernel=kernel)}
    for name, column in columns.items():
        if column is not None:
            check_length(name, column, num_nodes, "nodes")
    numbers = columns["kernel"]
    if numbers is not None and (wrong := np.flatnonzero(numbers < -1)).size:
        raise InputError(f"kernel[{wrong[0]}] = {numbers[wrong[0]]}, but numbers are from 0 on, or -1")
    return columns


def _add(digest: hashlib._Hash, name: str, values: NDArray[Any]) -> None:
    digest.update(f"\n{name} {values.dtype.str} {values.size}\n".encode())
    digest.update(values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes())
