"""Why no partition fits the memory of its devices, in a sentence that names what is short of how many bytes.

Whether none fits, others prove: `slicegraph.bounds.combinatorial` where a node or the sum of all is too large, else
`slicegraph.bounds.downsets`. Each sentence here is true of every instance for which it is given.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from slicegraph.block import BlockCost
from slicegraph.cost import Instance


def shortage(instance: Instance) -> str:
    """Say what no partition can hold, of an instance of which that is proven; by the simplest of the reasons there are.

    Examples
    --------
    >>> import slicegraph as sg
    >>> from slicegraph.feasibility import shortage
    >>> chain = {"work": [1, 1], "producer": [0], "size": [8], "consumers": [1], "consumer_offsets": [0, 1]}
    >>> graph = sg.Graph(**chain, param_bytes=[5, 100])
    >>> device = sg.Device(bandwidth=1.0, memory_limit=70)
    >>> shortage(sg.Instance(graph, device=device, num_blocks=3))
    'node 1 needs 100 B of parameters, but a device holds 70 B: its stage is short of 30 B'
    """
    limits, stored = _limits(instance), _Stored(instance)
    reasons = (_node, _stage, _all_together, _any_two)
    found = (reason(instance, stored, limits) for reason in reasons)
    return next(filter(None, found), None) or _in_no_way(instance, stored, limits)


def over_limit(instance: Instance, stage: int, block: BlockCost) -> str:
    """Say by what a stage of a partition, of infinite cost, exceeds the memory of its device."""
    device = instance.devices[stage]
    limit = device.memory_limit
    if limit is None or block.held_bytes <= limit:
        return f"stage {stage} holds {block.state_bytes} bytes of state, but memory is {device.memory}"
    return f"stage {stage} holds {block.held}, but memory_limit is {limit}"


class _Limit(NamedTuple):
    """What a device of a kind holds at most, in bytes; infinite: all."""

    size: float
    state: float


class _Stored:
    """What nodes store."""

    def __init__(self, instance: Instance) -> None:
        graph, arrays = instance.graph, instance.graph.arrays
        none = np.zeros(graph.num_nodes, np.int64)
        self.own = none if arrays.param_bytes is None else arrays.param_bytes
        self.state = none if arrays.state_bytes is None else arrays.state_bytes
        self.live = none if arrays.live_bytes is None else arrays.live_bytes
        self.shared = graph.shared_parameters()
        is_more = arrays.state_bytes is not None or arrays.live_bytes is not None
        self.words = "of memory" if is_more else "of parameters"

    def of(self, nodes: Sequence[int]) -> int:
        """Give the bytes that a stage with some nodes holds at least."""
        index = np.asarray(nodes, np.intp)
        shared = sum(size for size, readers in self.shared if np.isin(readers, index).any())
        live = int(self.live[index].max(initial=0))
        return int(self.own[index].sum()) + int(self.state[index].sum()) + live + shared

    @property
    def total(self) -> int:
        """Bytes that all stages together hold at least."""
        return int(self.own.sum()) + int(self.state.sum()) + sum(size for size, _ in self.shared)

    def alone(self) -> NDArray[np.int64]:
        """Give the bytes of a stage with each node at least."""
        alone = (self.own + self.state + self.live).astype(np.int64)
        for size, readers in self.shared:
            alone[readers] += size
        return alone


def _limits(instance: Instance) -> list[_Limit]:
    """Give what a device of each kind holds."""

    def number(limit: int | None) -> float:
        return math.inf if limit is None else limit

    return [_Limit(number(row.memory_limit), number(row.state_limit)) for row in instance.rows]


def _kinds_of(instance: Instance, node: int) -> list[int]:
    """Give the kinds of the stages that may hold a node."""
    kind_of = instance.machine.kind_of
    stages = instance.resolved.stages.get(node)
    return sorted(set(kind_of) if stages is None else {kind_of[stage] for stage in stages})


def _node(instance: Instance, stored: _Stored, limits: list[_Limit]) -> str:
    """Say of the node that is short of most that no device which may have it holds it."""
    alone, most = stored.alone(), max(limit.size for limit in limits)
    # Where one kind holds it that may have it, it is no culprit.
    suspects = [node for node in range(len(alone)) if alone[node] > min(limit.size for limit in limits)]
    short = {
        node: int(alone[node] - max(limits[kind].size for kind in _kinds_of(instance, node)))
        for node in suspects
        if alone[node] > max(limits[kind].size for kind in _kinds_of(instance, node))
    }
    if not short:
        return ""
    worst = max(short, key=lambda node: (short[node], -node))
    others = len(short) - 1
    more = f" (and {others} more such {'node' if others == 1 else 'nodes'})" if others else ""
    need, limit = int(alone[worst]), int(alone[worst]) - short[worst]
    device = "a device holds" if limit == most else "a device that may have it holds at most"
    return (
        f"{_called(instance, worst)} needs {need} B {stored.words}, but {device} {limit} B: "
        f"its stage is short of {short[worst]} B{more}"
    )


def _stage(instance: Instance, stored: _Stored, limits: list[_Limit]) -> str:
    """Say of a stage that it must hold nodes which its device does not."""
    nodes_of: dict[int, list[int]] = {}
    for node, stages in instance.resolved.stages.items():
        if len(stages) == 1:
            nodes_of.setdefault(stages[0], []).append(node)
    for stage, nodes in sorted(nodes_of.items()):
        need, limit = stored.of(nodes), limits[instance.machine.kind_of[stage]].size
        if need > limit:
            named = ", ".join(_called(instance, node) for node in nodes[:3]) + ", ..." * (len(nodes) > 3)  # noqa: PLR2004 - some
            return (
                f"stage {stage} must hold {named}, which need {need} B {stored.words}, but its device holds "
                f"{int(limit)} B: it is short of {need - int(limit)} B"
            )
    return ""


def _all_together(instance: Instance, stored: _Stored, limits: list[_Limit]) -> str:
    """Say that all devices together do not hold all nodes."""
    room, need = _room(instance, limits), stored.total
    if need <= room:
        return ""
    return (
        f"all nodes together need {need} B {stored.words}, but {_stages_hold(instance, room)}: "
        f"the stages are short of {need - int(room)} B"
    )


def _any_two(instance: Instance, stored: _Stored, limits: list[_Limit]) -> str:
    """Say that of more large nodes than there are stages two share one, which does not hold them."""
    own, num_blocks = stored.own + stored.state, instance.num_blocks
    limit = max(each.size for each in limits)
    if num_blocks >= len(own):
        return ""
    # Any two of the num_blocks + 1 largest nodes need at least as much as the two smallest of them.
    order = np.argsort(-own, kind="stable").tolist()
    pair = sum(int(own[node]) for node in order[num_blocks - 1 : num_blocks + 1])
    if pair <= limit:
        return ""
    return (
        f"any two of the {num_blocks + 1} largest nodes need at least {pair} B {stored.words}, but a device holds "
        f"{int(limit)} B, and with {num_blocks} stages two of them share one: it is short of {pair - int(limit)} B at "
        "least"
    )


def _in_no_way(instance: Instance, stored: _Stored, limits: list[_Limit]) -> str:
    """Say that all is lost for no reason that has a number."""
    room = _room(instance, limits)
    is_bound = bool(instance.resolved.stages or instance.resolved.together)
    if all(math.isinf(each) for limit in limits for each in limit):
        return "every way to put the nodes into stages in the order of data flow breaks a constraint"
    holds = _stages_hold(instance, room) if not math.isinf(room) else f"some of {instance.num_blocks} stages hold all"
    broken = " or breaks a constraint" * is_bound
    return (
        f"all nodes together need {stored.total} B {stored.words}, and {holds}, but every way to put the nodes into "
        f"stages in the order of data flow leaves some stage short of 1 B or more{broken}"
    )


def _room(instance: Instance, limits: list[_Limit]) -> float:
    return sum(limits[kind].size for kind in instance.machine.kind_of)


def _stages_hold(instance: Instance, room: float) -> str:
    each = f", {int(room) // instance.num_blocks} B each" * (len(instance.machine.kinds) == 1)
    return f"{instance.num_blocks} stages hold {int(room)} B{each}"


def _called(instance: Instance, node: int) -> str:
    names = instance.graph.arrays.node_name
    name = names[node] if names else ""
    return f"node {node} ({name!r:.80})" if name else f"node {node}"
