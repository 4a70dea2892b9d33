"""The problem itself: a graph on the devices of a pipeline, and what a partition costs."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slicegraph import checks
from slicegraph._core import Instance as CoreInstance
from slicegraph._core import Row
from slicegraph.block import BlockCost
from slicegraph.certificate import codec
from slicegraph.columns import integers
from slicegraph.compiled import Compiled, question_of, resolved_in_any_order
from slicegraph.constraints import Constraints, Resolved, UnmetError, with_kernels
from slicegraph.device import Device
from slicegraph.errors import InputError
from slicegraph.graph import Graph, fields
from slicegraph.identity import instance_facts
from slicegraph.machine import Machine, arguments_of, changed_arguments, machine_of, machine_of_file

ALL_TICKS = 2**52
"""More ticks than any block within the memory limit costs; as a lower bound: no partition is within it."""


@final
class Instance:
    """A max-throughput partitioning problem: cut ``graph`` into blocks, one for each device of a pipeline, at most.

    Costs are snapped once to integer ticks, a tick being the power of two in seconds for which all work, every transfer
    twice and all parameters, each on the device where it takes longest, add up to less than 2^52 ticks. Sums of costs
    are then exact, in integers and in floats.

    Parameters
    ----------
    graph
        What to cut.
    device, num_blocks
        What runs each stage, and the number of pipeline stages, at most; blocks may stay empty. Without a device it is
        the one that the graph's file names; without any of the three, the machine that the file names.
    devices
        In place of both, the device of each stage, in pipeline order; equal ones are of one kind. Or, with
        ``order="any"``, how many there are of each.
    order
        ``"given"``, or ``"any"``: the devices may be in any order. Such a problem is a question about
        all orders, `arrangements`; what takes one order refuses it.
    constraints
        Which nodes may be in which stages, and which are in one stage. None: all may be anywhere, unless the file's
        machine says else.
    boundary_io
        Whether a model input is paid by every block that reads it, and a model output by the block that makes it. By
        default both are free, as in the paper.
    by_kernel
        Whether the nodes of each kernel of the graph (`Graph`, ``kernel``) are in one stage. `solve` and `sweep` ask
        for it wherever a graph has kernels; other partitions have their costs nevertheless.

    Raises
    ------
    InputError
        When a device lacks a figure that the graph needs, a cost is too large to be a time, ``num_blocks`` is not a
        positive integer or not the number of devices, or constraints name no node or cannot be met.

    Examples
    --------
    >>> import slicegraph as sg
    >>> graph = sg.Graph(work=[1, 2, 3], producer=[0, 1], size=[8, 8], consumers=[1, 2], consumer_offsets=[0, 1, 2])
    >>> instance = sg.Instance(graph, device=sg.Device(bandwidth=64), num_blocks=2)
    >>> [block.cost for block in instance.block_costs([0, 0, 1])]
    [3.125, 3.125]

    A second stage with a slower link, and the last node kept on it:

    >>> devices = [sg.Device(bandwidth=64), sg.Device(bandwidth=16)]
    >>> unlike = sg.Instance(graph, devices=devices, constraints=sg.Constraints(pin={2: 1}))
    >>> [block.cost for block in unlike.block_costs([0, 0, 1])]
    [3.125, 3.5]
    """

    __slots__ = ("_boundary_io", "_by_kernel", "_compiled", "_constraints", "_graph", "_machine", "_resolved")

    def __init__(
        self,
        graph: Graph,
        *,
        device: Device | None = None,
        num_blocks: int | None = None,
        devices: Sequence[Device] | Mapping[Device, int] | None = None,
        order: str = "given",
        constraints: Constraints | None = None,
        boundary_io: bool = False,
        by_kernel: bool = False,
    ) -> None:
        self._graph = checks.instance_of("graph", graph, Graph)
        self._by_kernel = checks.flag("by_kernel", by_kernel)
        self._boundary_io = checks.flag("boundary_io", boundary_io)
        self._constraints = Constraints()
        if constraints is not None:
            self._constraints = checks.instance_of("constraints", constraints, Constraints)
        file = graph.arrays.machine
        if file is None or not (device is None and num_blocks is None and devices is None):
            self._machine = machine_of(graph.arrays.device, device, num_blocks, devices, order)
        else:
            self._machine, together = machine_of_file(file)
            self._constraints = Constraints(together=together) if constraints is None else constraints
        if self.order == "given":
            self._compiled = Compiled.of(graph, self._machine, self._groups, boundary_io=self._boundary_io)
            self._resolved = self._compiled.resolved
            return
        for name in ("pin", "forbid"):
            if getattr(self._constraints, name):
                raise InputError(f"{name}: with order='any' no stage has a device that is known, so none can be named")
        # Costs are the same in every order.
        io = self._boundary_io
        self._compiled = Compiled.in_some_order(graph, self._machine, self._groups, boundary_io=io)
        self._resolved = resolved_in_any_order(graph, self._machine, self._compiled)

    def in_order(self, machine: Machine) -> Instance:
        """Give the problem with its devices in an order, for the modules of this package.

        Raises
        ------
        UnmetError
            When constraints and devices leave no partition in it.
        """
        one = object.__new__(Instance)
        one._graph, one._machine, one._boundary_io = self._graph, machine, self._boundary_io
        one._constraints, one._by_kernel = self._constraints, self._by_kernel
        io, like = self._boundary_io, self._compiled
        one._compiled = Compiled.of(self._graph, machine, self._groups, boundary_io=io, like=like)
        one._resolved = one._compiled.resolved
        return one

    def quotient(self, graph: Graph, core: CoreInstance) -> Instance:
        """Wrap a core instance whose nodes are groups of these nodes; ``graph`` has its arrays."""
        quotient = object.__new__(Instance)
        quotient._graph, quotient._boundary_io, quotient._by_kernel = graph, self._boundary_io, False
        quotient._machine, quotient._constraints = self._machine, Constraints()
        quotient._resolved = resolved = Resolved(stages={}, together=(), adjacent=self._resolved.adjacent)
        quotient._compiled = Compiled(core=core, machine=self._machine, resolved=resolved)
        return quotient

    def replace(
        self,
        *,
        work: ArrayLike | None = None,
        num_blocks: int | None = None,
        device: Device | None = None,
        devices: Sequence[Device] | Mapping[Device, int] | None = None,
        constraints: Constraints | None = None,
        boundary_io: bool | None = None,
    ) -> Instance:
        """Give the problem with other seconds of its nodes, or other arguments; the graph is shared, not copied.

        Raises
        ------
        InputError
            As the constructor; where a row of ``work_on`` counts, not ``work``; or for ``num_blocks`` of unlike stages.

        Examples
        --------
        >>> import slicegraph as sg
        >>> graph = sg.Graph(work=[1, 2], producer=[0], size=[8], consumers=[1], consumer_offsets=[0, 1])
        >>> instance = sg.Instance(graph, device=sg.Device(bandwidth=64), num_blocks=2)
        >>> [sg.solve(instance.replace(work=[1, w])).bottleneck for w in (2, 3, 9)]
        [2.125, 3.125, 9.125]
        """
        graph = self._graph if work is None else self._graph.with_work(work)
        of_machine = changed_arguments(self._machine, device=device, num_blocks=num_blocks, devices=devices)
        given = {"constraints": constraints, "boundary_io": boundary_io}
        known = self._arguments(**of_machine) | {name: value for name, value in given.items() if value is not None}
        changed = Instance(graph, **known, by_kernel=self._by_kernel)
        if work is not None and (row := next((each.work for each in changed.machine.kinds if each.work), None)):
            raise InputError(f"work: the device's row {row!r:.80} of work_on counts in its place")
        return changed

    def contracted(self) -> Instance:
        """Give the problem with the nodes of each kernel in one stage; itself when the graph has no kernels."""
        if self._by_kernel or self._graph.arrays.kernel is None:
            return self
        return Instance(self._graph, **self._arguments(), by_kernel=True)

    def loose(self) -> Instance:
        """Give the problem of the graph without kernels; itself when it has none."""
        if self._graph.arrays.kernel is None:
            return self
        return Instance(Graph(**fields(self._graph.arrays) | {"kernel": None}), **self._arguments())

    @property
    def graph(self) -> Graph:
        """What to cut."""
        return self._graph

    @property
    def device(self) -> Device:
        """What runs each stage, when all stages run on devices of one kind.

        Raises
        ------
        InputError
            When there are several kinds, which `devices` lists.
        """
        if len(self._machine.kinds) > 1:
            raise InputError("device: stages are unlike here; Instance.devices lists theirs")
        return self._machine.devices[0]

    @property
    def devices(self) -> tuple[Device, ...]:
        """What runs each stage, in pipeline order; with ``order="any"`` equal devices stand together."""
        return self._machine.devices

    @property
    def machine(self) -> Machine:
        """The devices with their kinds and their order, for the modules of this package."""
        return self._machine

    @property
    def order(self) -> str:
        """``"given"`` or ``"any"``; with devices of one kind it is given."""
        return self._machine.order

    @property
    def constraints(self) -> Constraints:
        """Which nodes may be in which stages, and which are in one stage, as it was asked."""
        return self._constraints

    @property
    def by_kernel(self) -> bool:
        """Whether the nodes of each kernel are in one stage."""
        return self._by_kernel

    @property
    def _groups(self) -> Constraints:
        """The constraints, with the kernels that are kept in one stage."""
        return with_kernels(self._constraints, self._graph.arrays) if self._by_kernel else self._constraints

    @property
    def resolved(self) -> Resolved:
        """The constraints on nodes by index, with the nodes that a device cannot run."""
        return self._resolved

    @property
    def num_blocks(self) -> int:
        """The number of pipeline stages, at most."""
        return len(self._machine.kind_of)

    @property
    def num_arrangements(self) -> int:
        """In how many orders the devices can stand, those of one kind alike; 1 when the order is given."""
        return self._machine.num_orders

    def arrangements(self) -> Iterator[Instance]:
        """Give the problem with its devices in each order, one after the other; itself when the order is given.

        An order that constraints and devices leave no partition is left out. Each takes as long as an instance.
        """
        if self.order == "given":
            yield self
            return
        for machine in self._machine.orders():
            try:
                arrangement = self.in_order(machine)
            except UnmetError:
                continue
            yield arrangement

    @property
    def boundary_io(self) -> bool:
        """Whether model inputs and outputs are paid."""
        return self._boundary_io

    @property
    def figures(self) -> dict[str, Any]:
        """The figures of the device that count for this graph, by name; of one kind of device."""
        return self.device.for_types(self._graph.arrays.dtype).to_mapping()

    @property
    def core(self) -> CoreInstance:
        """The compiled instance, for the modules of this package."""
        if self.order == "any":
            raise InputError("instance: its devices stand in any order; Instance.arrangements gives each")
        return self._compiled.core

    @property
    def is_plain(self) -> bool:
        """Whether all stages are alike and pay sums of costs, no constraint binds, and only parameters are stored."""
        return self.order == "given" and self.core.is_plain

    @property
    def tick(self) -> float:
        """Seconds of one tick, a power of two."""
        return self._compiled.core.tick

    @property
    def rows(self) -> tuple[Row, ...]:
        """The costs in ticks on each kind of device, in the order of ``machine.kinds``."""
        # In any order the first arrangement may have met the kinds in another one.
        return self._compiled.rows(self._machine)

    @property
    def combinatorial_bound(self) -> int:
        """Ticks that no partition beats at a look, in any order of the devices; 2^52: none is within the limits."""
        return self._compiled.core.combinatorial_bound()

    @property
    def multipliers(self) -> list[int]:
        """By how much a tick counts on each kind of device where what stages pay is added up."""
        return self._compiled.multipliers(self._machine)

    @property
    def work(self) -> NDArray[np.int64]:
        """Ticks that each node runs, shape (num_nodes,); of one kind of device."""
        return checks.read_only(self._only("work").work)

    @property
    def transfer(self) -> NDArray[np.int64]:
        """Ticks that each tensor takes to move once, shape (num_tensors,); of one kind of device."""
        return checks.read_only(self._only("transfer").transfer)

    @property
    def params(self) -> NDArray[np.int64]:
        """Ticks that each node's parameters take to stream in, shape (num_nodes,); 0 when one device keeps all."""
        return checks.read_only(self._only("params").params)

    @property
    def memory(self) -> int | None:
        """Ticks that the parameters which stay resident would take to stream in; None when all do."""
        return None if self.device.memory is None else self._only("memory").memory

    @property
    def memory_limit(self) -> int | None:
        """Bytes that a block may hold at most, of one kind of device; None when there is no limit, or room for all."""
        return self._only("memory_limit").memory_limit

    def _only(self, name: str) -> Row:
        if len(self._machine.kinds) > 1:
            raise InputError(f"{name}: stages are unlike here; Instance.rows has the costs on each kind of device")
        return self.core.row(0)

    @property
    def digest(self) -> str:
        """SHA-256 of the problem in ticks, as hexadecimal digits: what certificates are about."""
        return codec.digest(self._facts())

    @property
    def question(self) -> dict[str, Any]:
        """What a certificate says of the question beside the graph."""
        return question_of(self._facts(), self.multipliers)

    def _facts(self) -> dict[str, Any]:
        arrays, rows, io = self._graph.arrays, self.rows, self._boundary_io
        return instance_facts(arrays, self._machine, self._resolved, rows, boundary_io=io, tick=self.tick)

    def work_at(self, block_of: NDArray[np.integer]) -> NDArray[np.int64]:
        """Give the ticks that each node runs on the device of its block, shape (num_nodes,)."""
        kinds = np.asarray(self._machine.kind_of)[block_of]
        rows = np.stack([row.work for row in self.rows])
        return checks.read_only(rows[kinds, np.arange(kinds.size)])

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
        blocks = self.core.block_costs(integers("block_of", block_of))
        return tuple(BlockCost.of_core(block, self.seconds) for block in blocks)

    def _arguments(self, **of_machine: Any) -> dict[str, Any]:  # noqa: ANN401 - those of the constructor
        """Give the arguments that build it, but for the graph and its kernels."""
        constraints = {"constraints": self._constraints} if self._constraints else {}
        return {"boundary_io": self._boundary_io, **constraints, **(of_machine or arguments_of(self._machine))}

    def __reduce__(self) -> tuple[functools.partial[Instance], tuple[()]]:
        return functools.partial(Instance, self._graph, **self._arguments(), by_kernel=self._by_kernel), ()

    def __repr__(self) -> str:
        runs = itertools.groupby(self._machine.devices)
        devices = ", ".join(f"{sum(1 for _ in run)} x {device!r}" for device, run in runs)
        return f"<Instance of {self._graph!r} on {devices}{', in any order' * (self.order == 'any')}>"
