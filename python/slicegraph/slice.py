"""Slicing: the best way to cut one topological order into contiguous blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slicegraph import checks
from slicegraph._core import slice_order as core_slice_order
from slicegraph.columns import integers
from slicegraph.cost import Instance
from slicegraph.errors import InputError
from slicegraph.requirements import given_order


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Slicing:
    """A topological order cut into blocks.

    Attributes
    ----------
    boundaries
        int64, shape (num_blocks + 1,): block ``b`` holds positions ``boundaries[b]:boundaries[b + 1]``.
        Empty blocks come last where stages are alike.
    block_of
        int32, shape (num_nodes,): the block of each node, from 0.
    bottleneck
        Seconds of the most expensive block.
    """

    boundaries: NDArray[np.int64]
    block_of: NDArray[np.int32]
    bottleneck: float


def slice_order(instance: Instance, order: ArrayLike) -> Slicing:
    """Cut one topological order at its best.

    Parameters
    ----------
    instance
        The problem.
    order
        Integers, shape (num_nodes,): the nodes by position, every producer before its consumers.

    Returns
    -------
    Slicing
        Of least bottleneck among all slicings of this order into at most ``instance.num_blocks`` blocks.

    Raises
    ------
    InputError
        When ``order`` is not a topological order, when no slicing of it is within the limits of the devices and the
        constraints, when the devices stand in any order, or when nodes must be in one stage.

    Notes
    -----
    The dynamic program of the paper (section 4, SliceGraph), exact for the order; in practice close to
    O(nodes + reads) after pruning, times the number of stages where these are unlike; O(nodes^2) at worst, which graphs
    come near whose io outweighs their work by far.
    The interpreter lock is released.

    Examples
    --------
    >>> import slicegraph as sg
    >>> graph = sg.Graph(work=[1, 2, 3], producer=[0, 1], size=[8, 8], consumers=[1, 2], consumer_offsets=[0, 1, 2])
    >>> instance = sg.Instance(graph, device=sg.Device(bandwidth=64), num_blocks=2)
    >>> slicing = sg.slice_order(instance, [0, 1, 2])
    >>> slicing.boundaries.tolist(), slicing.bottleneck
    ([0, 2, 3], 3.125)
    """
    found = core_slice_order(given_order(instance, "slice_order").core, integers("order", order))
    if found is None:
        raise InputError(
            f"order: every slicing into {instance.num_blocks} blocks is above a limit or breaks a constraint"
        )
    boundaries, block_of = found
    bottleneck = max(block.cost for block in instance.block_costs(block_of))
    return Slicing(boundaries=checks.read_only(boundaries), block_of=checks.read_only(block_of), bottleneck=bottleneck)
