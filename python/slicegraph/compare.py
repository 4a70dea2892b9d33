"""What differs between two partitions of a graph: costs, stages, cut tensors, and nodes that move."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slicegraph.cost import Instance
from slicegraph.crossings import CutTensor, cut_tensors, find_crossings
from slicegraph.errors import InputError
from slicegraph.moves import match_stages, moved_nodes, param_bytes
from slicegraph.partition import check_partition
from slicegraph.requirements import given_order


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """What one of two partitions costs.

    Attributes
    ----------
    bottleneck
        Seconds of the most expensive stage; infinite above the memory limit.
    stages_used
        Stages that are not empty.
    cut_bytes
        Bytes of the tensors that stages pay for, each counted once.
    """

    bottleneck: float
    stages_used: int
    cut_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """Nodes that move between the same two stages.

    Attributes
    ----------
    from_stage, to_stage
        The stage in the first partition, and in the second, each with its own number.
    nodes
        Their indices, in order.
    param_bytes
        Their bytes of parameters.
    """

    from_stage: int
    to_stage: int
    nodes: tuple[int, ...]
    param_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Two partitions of one instance, ``a`` and ``b``.

    Attributes
    ----------
    instance
        What both are costed as.
    a, b
        What each costs.
    matched
        Stages of ``a`` and the stages of ``b`` that they are matched with, both rising: the matching after which the
        nodes that move have the fewest bytes of parameters, and then are the fewest. So numbers alone are no move.
    moves
        The nodes that are not in the stage that theirs is matched with, by stages.
    added, removed
        The tensors that are cut in ``b`` alone, as it cuts them, and in ``a`` alone.
    """

    instance: Instance
    a: Side
    b: Side
    matched: tuple[tuple[int, int], ...]
    moves: tuple[Move, ...]
    added: tuple[CutTensor, ...]
    removed: tuple[CutTensor, ...]

    @property
    def num_nodes(self) -> int:
        """The number of nodes that move."""
        return sum(len(move.nodes) for move in self.moves)

    @property
    def param_bytes(self) -> int:
        """Bytes of parameters of the nodes that move."""
        return sum(move.param_bytes for move in self.moves)


def compare(instance: Instance, a: ArrayLike, b: ArrayLike) -> Comparison:
    """Say what differs between two partitions.

    Parameters
    ----------
    instance
        The problem: both are costed on its device.
    a, b
        Integers, shape (num_nodes,): the block of each node, from 0. No tensor may run to an earlier block.

    Raises
    ------
    InputError
        When one of them is no partition.

    Notes
    -----
    O(nodes log nodes + tensors + reads log reads).

    Examples
    --------
    >>> import slicegraph as sg
    >>> graph = sg.Graph(work=[4, 3, 3], producer=[0, 1], size=[8, 8], consumers=[1, 2], consumer_offsets=[0, 1, 2])
    >>> instance = sg.Instance(graph, device=sg.Device(bandwidth=64), num_blocks=3)
    >>> found = sg.compare(instance, [0, 0, 1], [0, 2, 2])
    >>> [(move.from_stage, move.to_stage, move.nodes) for move in found.moves]
    [(0, 2, (1,))]
    >>> [tensor.name for tensor in found.added], [tensor.name for tensor in found.removed]
    (['tensor 0'], ['tensor 1'])
    """
    given_order(instance, "compare")
    first, second = _checked(instance, "a", a), _checked(instance, "b", b)
    matched = match_stages(instance.graph, first, second)
    cuts = [cut_tensors(instance, find_crossings(instance, blocks)) for blocks in (first, second)]
    in_first, in_second = ({cut.tensor for cut in some} for some in cuts)
    return Comparison(
        instance=instance,
        a=_side(instance, first, cuts[0]),
        b=_side(instance, second, cuts[1]),
        matched=tuple(matched.items()),
        moves=_moves(instance, first, second, moved_nodes(first, second, matched)),
        added=tuple(cut for cut in cuts[1] if cut.tensor not in in_first),
        removed=tuple(cut for cut in cuts[0] if cut.tensor not in in_second),
    )


def _checked(instance: Instance, name: str, block_of: ArrayLike) -> NDArray[np.int32]:
    try:
        return check_partition(instance, block_of)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None


def _side(instance: Instance, block_of: NDArray[np.int32], cuts: tuple[CutTensor, ...]) -> Side:
    return Side(
        bottleneck=max(block.cost for block in instance.block_costs(block_of)),
        stages_used=len(np.unique(block_of)),
        cut_bytes=sum(cut.bytes for cut in cuts),
    )


def _moves(
    instance: Instance, first: NDArray[np.int32], second: NDArray[np.int32], moved: NDArray[np.intp]
) -> tuple[Move, ...]:
    groups: dict[tuple[int, int], list[int]] = {}
    for node in moved.tolist():
        groups.setdefault((int(first[node]), int(second[node])), []).append(node)
    return tuple(
        Move(
            from_stage=stages[0],
            to_stage=stages[1],
            nodes=tuple(nodes),
            param_bytes=param_bytes(instance.graph, np.array(nodes, np.intp)),
        )
        for stages, nodes in sorted(groups.items())
    )
