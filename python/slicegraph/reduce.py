"""Fewer nodes, the same optimum: the quotient of an instance by merges that the core proves to be harmless."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slicegraph import _core
from slicegraph.cost import ALL_TICKS, Instance
from slicegraph.evidence import claims
from slicegraph.formats.arrays import GraphArrays
from slicegraph.graph import Graph


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Reduction:
    """An instance with fewer nodes, and how its partitions are partitions of the other.

    Attributes
    ----------
    instance
        The quotient: its nodes are groups of nodes. The instance itself when nothing was merged.
    group_of
        int32, shape (num_nodes,): the group of each node.
    evidence
        The merges, for a certificate.
    """

    instance: Instance
    group_of: NDArray[np.int32]
    evidence: claims.MergeLog

    def lift(self, block_of: NDArray[np.int32]) -> NDArray[np.int32]:
        """Give the partition of the nodes for a partition of the groups; it costs the same."""
        return block_of[self.group_of]

    def restrict(self, block_of: NDArray[np.int32]) -> NDArray[np.int32] | None:
        """Give the partition of the groups for a partition of the nodes; None when it cuts a group in two."""
        blocks = np.empty(self.instance.graph.num_nodes, np.int32)
        blocks[self.group_of] = block_of
        return blocks if np.array_equal(blocks[self.group_of], block_of) else None


def reduce(instance: Instance, *, threshold: int | None = None) -> Reduction:
    """Merge nodes until no rule applies.

    Nodes that the instance asks to be in one stage are one group first, with all that lies between them.

    Parameters
    ----------
    instance
        The problem.
    threshold
        Ticks of a partition that is known: only better ones are kept. None: an optimal one is kept.

    Notes
    -----
    Near-linear per round of merges; the interpreter lock is released. Each rule has a file with its proof in the core.

    Examples
    --------
    >>> import slicegraph as sg
    >>> from slicegraph.reduce import reduce
    >>> graph = sg.Graph(work=[4, 1], producer=[0], size=[64], consumers=[1], consumer_offsets=[0, 1])
    >>> reduction = reduce(sg.Instance(graph, device=sg.Device(bandwidth=8), num_blocks=2))
    >>> reduction.instance.graph.num_nodes, reduction.evidence.merges
    (1, (('pull', 0, 1),))
    """
    reduction = reduce_until(instance, None, threshold=threshold)
    if reduction is None:
        raise AssertionError("it has not been interrupted")
    return reduction


def reduce_until(
    instance: Instance, ends: Callable[[], bool] | None, *, threshold: int | None = None
) -> Reduction | None:
    """Merge nodes as `reduce` does; None when ``ends``, which is asked every few milliseconds, has said to end."""
    quotient = _core.reduce(instance.core, threshold, ends)
    if quotient is None:
        return None
    core, group_of, merges = quotient.instance, quotient.group_of, quotient.merges
    log = claims.MergeLog(threshold=ALL_TICKS if threshold is None else threshold, merges=tuple(merges))
    if not merges:
        return Reduction(instance=instance, group_of=group_of, evidence=log)
    plain = core.arrays
    arrays = GraphArrays(
        name=instance.graph.name,
        op=("",) * len(plain.work),
        producer=plain.producer,  # type: ignore[arg-type] # as wide as `Graph` keeps them
        size=plain.size.astype(np.int64),
        consumers=plain.consumers,  # type: ignore[arg-type] # likewise
        consumer_offsets=plain.consumer_offsets,
        is_output=plain.is_output,
        work=plain.work,
        param_bytes=plain.param_bytes.astype(np.int64),
        state_bytes=plain.state_bytes.astype(np.int64) if plain.state_bytes.any() else None,
        live_bytes=plain.live_bytes.astype(np.int64) if plain.live_bytes.any() else None,
        param_size=plain.param_size.astype(np.int64) if len(plain.param_size) else None,
        param_readers=plain.param_readers if len(plain.param_size) else None,
        param_offsets=plain.param_offsets if len(plain.param_size) else None,
    )
    graph = Graph.of_core(core.graph, arrays)
    return Reduction(instance=instance.quotient(graph, core), group_of=group_of, evidence=log)
