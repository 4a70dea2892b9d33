"""The problem itself: a graph on devices of one kind with a number of blocks, and what a partition costs."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slicegraph import checks
from slicegraph._core import Instance as CoreInstance
from slicegraph._core import Kind
from slicegraph.certificate import codec
from slicegraph.columns import integers
from slicegraph.device import Device
from slicegraph.errors import InputError
from slicegraph.graph import Graph

MAX_BLOCKS = 2**20
ALL_TICKS = 2**52
"""More ticks than any block within the memory limit costs; as a lower bound: no partition is within it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BlockCost:
    """What one block pays, in seconds.

    Attributes
    ----------
    work
        Its nodes' work.
    io_in
        Tensors made elsewhere and read here, each once.
    io_out
        Tensors made here and read elsewhere, each once.
    overflow
        Streaming in the parameters beyond the device's memory.
    cost
        The sum of the four; infinite above the memory limit.
    param_bytes
        Bytes of parameters.
    """

    work: float
    io_in: float
    io_out: float
    overflow: float
    cost: float
    param_bytes: int


@final
class Instance:
    """A max-throughput partitioning problem: cut ``graph`` into at most ``num_blocks`` blocks for copies of ``device``.

    Costs are snapped once to integer ticks, a tick being the power of two in seconds for which all work, every transfer
    twice and all parameters add up to less than 2^52 ticks. Sums of costs are then exact, in integers and in floats.

    Parameters
    ----------
    graph
        What to cut.
    device
        What runs each stage. None: the device that the graph's file names.
    num_blocks
        The number of pipeline stages, at most; blocks may stay empty.
    boundary_io
        Whether a model input is paid by every block that reads it, and a model output by the block that makes it. By
        default both are free, as in the paper.

    Raises
    ------
    InputError
        When the device lacks a figure that the graph needs, a cost is too large to be a time, or ``num_blocks`` is not
        a positive integer.

    Examples
    --------
    >>> import slicegraph as sg
    >>> graph = sg.Graph(work=[1, 2, 3], producer=[0, 1], size=[8, 8], consumers=[1, 2], consumer_offsets=[0, 1, 2])
    >>> instance = sg.Instance(graph, device=sg.Device(bandwidth=64), num_blocks=2)
    >>> [block.cost for block in instance.block_costs([0, 0, 1])]
    [3.125, 3.125]
    """

    __slots__ = ("_boundary_io", "_core", "_device", "_graph", "_num_blocks")

    def __init__(
        self, graph: Graph, *, device: Device | None = None, num_blocks: int, boundary_io: bool = False
    ) -> None:
        checks.instance_of("graph", graph, Graph)
        boundary_io = checks.flag("boundary_io", boundary_io)
        if device is None:
            if graph.arrays.device is None:
                raise InputError("device: not given, and the graph's file names none")
            device = Device.from_mapping(graph.arrays.device)
        checks.instance_of("device", device, Device)
        for name in ("latency", "overlap", "work"):
            if getattr(device, name):
                raise InputError(f"device: {name} does not count yet")
        if isinstance(num_blocks, bool) or not isinstance(num_blocks, int | np.integer):
            raise InputError(f"num_blocks = {num_blocks!r}, but it is a whole number")
        if not 1 <= num_blocks <= MAX_BLOCKS:
            raise InputError(f"num_blocks = {num_blocks}, but a partition has from 1 to 2^20 blocks")
        self._graph, self._device, self._num_blocks, self._boundary_io = graph, device, int(num_blocks), boundary_io
        self._core = CoreInstance(
            graph.core,
            kinds=[
                Kind(
                    bandwidth=device.bandwidth,
                    flops=self.figures.get("flops"),
                    memory_bandwidth=device.memory_bandwidth,
                    memory=device.memory,
                    overflow_bandwidth=device.overflow_bandwidth,
                    memory_limit=device.memory_limit,
                )
            ],
            kind_of=[0] * self.num_blocks,
            boundary_io=boundary_io,
        )

    def quotient(self, graph: Graph, core: CoreInstance) -> Instance:
        """Wrap a core instance whose nodes are groups of these nodes; ``graph`` has its arrays."""
        quotient = object.__new__(Instance)
        quotient._graph, quotient._core = graph, core
        quotient._device, quotient._num_blocks = self._device, self._num_blocks
        quotient._boundary_io = self._boundary_io
        return quotient

    @property
    def graph(self) -> Graph:
        """What to cut."""
        return self._graph

    @property
    def device(self) -> Device:
        """What runs each stage."""
        return self._device

    @property
    def num_blocks(self) -> int:
        """The number of pipeline stages, at most."""
        return self._num_blocks

    @property
    def boundary_io(self) -> bool:
        """Whether model inputs and outputs are paid."""
        return self._boundary_io

    @property
    def figures(self) -> dict[str, Any]:
        """The figures of the device that count for this graph, by name."""
        return self._device.for_types(None).to_mapping()

    @property
    def core(self) -> CoreInstance:
        """The compiled instance, for the modules of this package."""
        return self._core

    @property
    def tick(self) -> float:
        """Seconds of one tick, a power of two."""
        return self._core.tick

    @property
    def work(self) -> NDArray[np.int64]:
        """Ticks that each node runs, shape (num_nodes,)."""
        return checks.read_only(self._core.work)

    @property
    def transfer(self) -> NDArray[np.int64]:
        """Ticks that each tensor takes to move once, shape (num_tensors,)."""
        return checks.read_only(self._core.transfer)

    @property
    def params(self) -> NDArray[np.int64]:
        """Ticks that each node's parameters take to stream in, shape (num_nodes,); 0 when one device keeps all."""
        return checks.read_only(self._core.params)

    @property
    def memory(self) -> int | None:
        """Ticks that the parameters which stay resident would take to stream in; None when all do."""
        return None if self.device.memory is None else self._core.memory

    @property
    def memory_limit(self) -> int | None:
        """Bytes of parameters that a block may hold at most; None when there is no limit, or room for all."""
        return self._core.memory_limit

    @property
    def digest(self) -> str:
        """SHA-256 of the problem in ticks, as hexadecimal digits: what certificates are about."""
        arrays, num_tensors = self.graph.arrays, self.graph.num_tensors
        readers = np.split(arrays.consumers, arrays.consumer_offsets[1:-1]) if num_tensors else []
        facts = {
            "format": "slicegraph-instance-1",
            "device": self.figures,
            "boundary_io": self.boundary_io,
            "num_blocks": self.num_blocks,
            "tick": self.tick,
            "work": self.work.tolist(),
            "transfer": self.transfer.tolist(),
            "params": self.params.tolist(),
            "memory": self.memory,
            "memory_limit": self.memory_limit,
            "param_bytes": [0] * self.graph.num_nodes if arrays.param_bytes is None else arrays.param_bytes.tolist(),
            "producer": arrays.producer.tolist(),
            "consumers": [sorted(nodes.tolist()) for nodes in readers],
            "is_output": [False] * num_tensors if arrays.is_output is None else arrays.is_output.tolist(),
        }
        return codec.digest(facts)

    def seconds(self, ticks: int | None) -> float:
        """Seconds of a cost in ticks; infinite for None, and from 2^52 ticks on, which nothing costs."""
        return math.inf if ticks is None or ticks >= ALL_TICKS else ticks * self.tick

    def block_costs(self, block_of: ArrayLike) -> tuple[BlockCost, ...]:
        """Compute what every block of a partition pays, straight from the definition, up to the last with a node.

        Parameters
        ----------
        block_of
            Integers, shape (num_nodes,): the block of each node, from 0. No tensor may run to an earlier block.

        Raises
        ------
        InputError
            Naming the node whose block breaks a rule.

        Notes
        -----
        O(nodes + tensors + reads + blocks up to the last with a node).
        """
        blocks = self._core.block_costs(integers("block_of", block_of))
        return tuple(
            BlockCost(
                work=self.seconds(block.work),
                io_in=self.seconds(block.io_in),
                io_out=self.seconds(block.io_out),
                overflow=self.seconds(block.overflow),
                cost=self.seconds(block.cost),
                param_bytes=block.param_bytes,
            )
            for block in blocks
        )

    def __reduce__(self) -> tuple[functools.partial[Instance], tuple[()]]:
        build = functools.partial(
            Instance, self.graph, device=self.device, num_blocks=self.num_blocks, boundary_io=self.boundary_io
        )
        return build, ()

    def __repr__(self) -> str:
        return f"<Instance of {self.graph!r} on {self.num_blocks} x {self.device!r}>"
