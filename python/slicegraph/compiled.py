"""A problem as the core has it: devices and constraints of one order of stages, snapped to ticks."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from slicegraph._core import Instance as CoreInstance
from slicegraph._core import Row
from slicegraph.certificate.model import FORMAT, UNLIKE_FORMAT
from slicegraph.constraints import Constraints, Resolved, UnmetError, resolve
from slicegraph.device import Device
from slicegraph.errors import InputError
from slicegraph.graph import Graph
from slicegraph.identity import PLAIN
from slicegraph.machine import Machine
from slicegraph.roofline import can_run, make_kind, work_seconds

_MOST_ORDERS = 512
"""Orders of devices that are tried for one in which what is asked of nodes can be met."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Compiled:
    """A problem as the core has it.

    Attributes
    ----------
    core
        The compiled instance.
    machine
        The device of each stage, with the kinds as the core numbers them.
    resolved
        The constraints on nodes by index, with the nodes that a device cannot run.
    """

    core: CoreInstance
    machine: Machine
    resolved: Resolved

    @classmethod
    def of(
        cls,
        graph: Graph,
        machine: Machine,
        constraints: Constraints,
        *,
        boundary_io: bool,
        like: Compiled | None = None,
    ) -> Self:
        """Find the nodes that constraints name, and snap all costs.

        ``like`` is the same problem with its devices in another order, of which groups and multipliers are taken.

        Raises
        ------
        InputError
            When a device lacks a figure that the graph needs, or constraints name no node.
        UnmetError
            When no partition meets what is asked of nodes.
        """
        arrays = graph.arrays
        tables = [_work_seconds(graph, device) for device in machine.kinds]
        resolved, multipliers = Resolved(stages={}, together=()), None
        if like is not None:
            constraints = Constraints(together=like.resolved.together, adjacent=like.resolved.adjacent)
            weight = dict(zip(like.machine.kinds, like.core.multipliers, strict=True))
            multipliers = [weight[device] for device in machine.kinds]
        if constraints or any(table is not None and np.isnan(table).any() for table in tables):
            resolved = resolve(constraints, arrays, len(machine.kind_of), can_run(tables, machine.kind_of))
        if resolved.adjacent and boundary_io:
            raise InputError("adjacent: with boundary_io it is not said which stages hand on model inputs and outputs")
        core = CoreInstance(
            graph.core,
            kinds=[make_kind(arrays, device, table) for device, table in zip(machine.kinds, tables, strict=True)],
            # As a list, a million stages take longer to pass than all else does.
            kind_of=len(machine.kind_of) if len(machine.kinds) == 1 else list(machine.kind_of),
            boundary_io=boundary_io,
            pins=[(node, list(stages)) for node, stages in resolved.stages.items()],
            together=[list(group) for group in resolved.together],
            multipliers=multipliers,
            is_relay=resolved.adjacent,
        )
        return cls(core=core, machine=machine, resolved=resolved)

    @classmethod
    def in_some_order(cls, graph: Graph, machine: Machine, constraints: Constraints, *, boundary_io: bool) -> Self:
        """Compile the problem in the first order of its devices in which what is asked of nodes can be met.

        Raises
        ------
        InputError
            As `of`, which is the same in every order.
        UnmetError
            When none of the first 512 orders will do.
        """
        unmet: UnmetError | None = None
        for each in itertools.islice(machine.orders(), _MOST_ORDERS):
            try:
                return cls.of(graph, each, constraints, boundary_io=boundary_io)
            except UnmetError as error:
                unmet = unmet or error
        raise unmet or AssertionError("there is an order")

    def rows(self, machine: Machine) -> tuple[Row, ...]:
        """Give the costs on each kind of device, in the order of a machine with the same kinds."""
        return tuple(self.core.row(self.machine.kinds.index(kind)) for kind in machine.kinds)

    def multipliers(self, machine: Machine) -> list[int]:
        """Give the multiplier of each kind, in the order of a machine with the same kinds."""
        return [self.core.multipliers[self.machine.kinds.index(kind)] for kind in machine.kinds]


def _work_seconds(graph: Graph, device: Device) -> NDArray[np.float64] | None:
    """Give the seconds of each node where the core's graph does not say them."""
    is_replaced = graph.is_work_replaced and device.work is None
    return graph.arrays.work if is_replaced else work_seconds(graph.arrays, device)


def resolved_in_any_order(graph: Graph, machine: Machine, like: Compiled) -> Resolved:
    """Give what holds in every order: groups, and by the stages as a machine lists them what devices cannot run."""
    tables = [work_seconds(graph.arrays, device) for device in machine.kinds]
    runs = can_run(tables, machine.kind_of)
    stages = {node: tuple(stage for stage, can in enumerate(flags) if can) for node, flags in runs.items()}
    return Resolved(stages=stages, together=like.resolved.together, adjacent=like.resolved.adjacent)


def question_of(facts: dict[str, Any], multipliers: list[int]) -> dict[str, Any]:
    """Give what a certificate says of the question beside the graph."""
    if facts["format"] == PLAIN:
        return {"format": FORMAT, "device": facts["device"]}
    names = ("devices", "kind_of", "order", "stages", "together", "adjacent")
    others = {name: facts[name] for name in names if name in facts}
    return {"format": UNLIKE_FORMAT, "multipliers": multipliers, **others}
