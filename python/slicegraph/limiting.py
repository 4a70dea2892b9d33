"""One node that is the bottleneck: no cut makes the answer better, only dividing the node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from slicegraph.block import BlockCost
from slicegraph.cost import Instance

_LEAST_SHARE: Final = 0.9
"""Of the bottleneck, from which on one node is said to be it; not measured."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LimitingNode:
    """A node that limits an answer.

    Attributes
    ----------
    node
        Its index.
    op, name
        Its operator, and what it is called; "" where it has no name.
    share_of_work
        Its part of all nodes' work, from 0 to 1.
    """

    node: int
    op: str
    name: str
    share_of_work: float


def limiting_node(
    instance: Instance, block_of: NDArray[np.int32], block_costs: Sequence[BlockCost]
) -> LimitingNode | None:
    """Find the node whose work is nine tenths of the bottleneck or more, and more than an even share of all work.

    Returns
    -------
        None where there is no such node, only one stage to have, or no partition.

    Notes
    -----
    O(nodes).
    """
    if not block_of.size or instance.num_blocks == 1:
        return None
    bottleneck = max(block.cost for block in block_costs)
    work = instance.work_at(block_of)
    total = int(work.sum())
    node = int(np.argmax(work))
    most = int(work[node])
    if most * instance.num_blocks <= total or instance.seconds(most) < _LEAST_SHARE * bottleneck:
        return None
    arrays = instance.graph.arrays
    name = arrays.node_name[node] if arrays.node_name else ""
    return LimitingNode(node=node, op=arrays.op[node], name=name, share_of_work=most / total)
