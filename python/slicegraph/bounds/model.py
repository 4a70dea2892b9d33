"""The superblock relaxation of a partition, as a mixed-integer model in integer arrays.

Every mixed-integer bound of this package is an instance of this model. Consecutive blocks are grouped into
*superblocks*, and variables assign each node to a superblock. The blocks of a superblock of ``n`` blocks pay together
at least its work, every tensor that it imports or exports once, and the overflow of its parameters beyond ``n``
memories; so for a partition of bottleneck ``t``

    work(S) + io(S) + overflow(S, n memories) <= n t.

One block per superblock is the exact model of the paper (Figure 3); three superblocks are its "bottleneck" models.

Variables (``y`` and ``cut`` are 0 or 1)
    ``y[v, i]``: node ``v`` is in one of the first ``i`` superblocks; so ``x[v, j] = y[v, j + 1] - y[v, j]`` says that
    it is in superblock ``j``. ``cut[x, j]``: tensor ``x`` is imported into or exported from ``j``. ``over[j]``:
    overflow of ``j``. ``t``: the bottleneck. ``stored[p, j]``: parameter ``p``, which several nodes read, is in ``j``.
    ``live[j]``: the most bytes that are live while a node of block ``j`` runs.

Unlike stages
    A superblock pays the prices of its stages (`slicegraph.bounds.prices`). For stages that overlap, ``work(S) +
    overflow(S) <= n t`` and ``io(S) <= n t`` are two rows, "cost" and "io": the larger term is at most ``n t`` exactly
    when both are. ``x[v, j] = 0`` where no stage of ``j`` may hold ``v``, and nodes that must be in one stage have
    equal ``y``: such variables are one column. Shared parameters count once: rows "stored", ``stored[p, j] >= x[v, j]``
    for every reader. Bytes are at most the limits of the stages together: rows "limit", for one block with ``live[j] >=
    live(v) x[v, j]``, rows "live", and for state alone rows "state".

Windows
    Let ``T`` be a threshold, and restrict the model to partitions of bottleneck at most ``T``. A block that costs at
    most ``T`` holds work of at most ``T``, work and parameters of at most ``T + memory``, and parameters within the
    limit. The blocks up to that of ``v`` hold all ancestors of ``v``, which gives a lower bound on their number; the
    same holds for the descendants. That fixes most ``y`` when ``T`` is close to the mean work. Since only partitions
    above ``T`` are left out, the bound of such a model is ``min(T, its least t)``.

    Minimum cuts can add facts that hold for all partitions below a threshold (`Domains`): narrower windows; pairs of a
    node ``u`` and a descendant ``v`` that are *incompatible*: if ``v`` is in the first ``i`` blocks, ``u`` is in the
    first ``i - 1``, rows "incompatible"; and node *weights*, whose sum over a block is at most its cost, rows "weight".

Moves
    Let every block cost at most ``c``, and let the first ``b`` blocks have weight between ``l`` and ``m``, for every
    ``b``. The model of a `Move` computes by how much ``m`` or ``l`` can be tightened for one ``b``: its ``t`` is ``c``
    plus that amount. The nodes before and after the moved block are one superblock each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Superblocks:
    """A grouping of blocks into superblocks.

    Attributes
    ----------
    spans
        The number of blocks of each superblock, adding up to the number of blocks; or ``(None, 1, None)``: one block,
        with any number before and after.
    demand
        The superblock, of one block, that must hold at least the mean work, or if stages are unlike, its share of all
        work. None: none.
    kind
        The kind of the one block of ``(None, 1, None)``, if stages are unlike. None: there is one kind.
    """

    spans: tuple[int | None, ...]
    demand: int | None = None
    kind: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Domains:
    """Facts that hold for all partitions whose bottleneck is below a threshold.

    Attributes
    ----------
    threshold
        Ticks.
    earliest, latest
        Per node, the first and the last block in which it can be, from 1.
    incompatible
        Pairs of nodes, the first of which is always in an earlier block than the second.
    weights
        Node weights in ticks, at least the work of each node. The nodes of a block weigh at most its cost; if stages
        are unlike, its cost times the multiplier of its stage.
    least, most
        Bounds on the weight in ticks of the first 0, 1, ..., all blocks together.
    """

    threshold: int
    earliest: Integers
    latest: Integers
    incompatible: tuple[Integers, Integers]
    weights: Integers
    least: tuple[int, ...]
    most: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """One step of the chain, at a block: an upper bound on the weight up to its end, or a lower bound before it.

    Attributes
    ----------
    block
        Its index, from 0.
    is_forward
        Whether the step tightens the upper bound up to its end, rather than the lower bound before it.
    """

    block: int
    is_forward: bool


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Model:
    """Minimise column 0, ``t``, subject to ``lower <= z <= upper`` and rows ``sum of value * z[column] >= bound``.

    All numbers are integers: ticks in the rows of costs, pure numbers in the others. Rows are given as
    ``column[start[r]:start[r + 1]]``. A model holds arrays only, so that it can be sent to another process.

    Attributes
    ----------
    superblocks, threshold
        The grouping of blocks, and the threshold in ticks.
    upper
        Per column, largest value; the smallest is 0. Column 0 has no bound.
    is_strict
        Whether constraints can leave no partition, so that even a model without a threshold may be infeasible.
    is_integer, is_bytes
        Per column: whether it is 0 or 1, and whether it is in bytes.
    start, column, value, bound
        The rows.
    parts
        The unit of each row of costs: so many parts are a tick.
    kind, arguments
        The meaning of each row: an index into `KINDS`, and its arguments, shape (num_rows, 3), padded with -1.
    """

    superblocks: Superblocks
    threshold: int | None
    upper: Integers
    is_strict: bool
    is_integer: NDArray[np.bool_]
    is_bytes: NDArray[np.bool_]
    start: Integers
    column: Integers
    value: Integers
    bound: Integers
    parts: Integers
    kind: NDArray[np.int8]
    arguments: NDArray[np.int32]

    @property
    def num_columns(self) -> int:
        """The number of variables."""
        return len(self.upper)

    @property
    def num_rows(self) -> int:
        """The number of rows."""
        return len(self.bound)


KINDS = (
    "before",
    "cost",
    "demand",
    "export",
    "import",
    "incompatible",
    "io",
    "least",
    "limit",
    "live",
    "most",
    "move",
    "nowhere",
    "order",
    "overflow",
    "state",
    "stored",
    "weight",
)
"""The rows, by name; those of `PURE` have no unit and values of 1 and -1, those of `BYTES` are in bytes, the rest in
ticks."""
PURE = ("before", "export", "import", "incompatible", "nowhere", "order", "stored")
BYTES = ("limit", "live", "state")
NUM_ARGUMENTS = {
    "before": 3,
    "cost": 1,
    "demand": 0,
    "export": 3,
    "import": 3,
    "incompatible": 3,
    "io": 1,
    "least": 1,
    "limit": 1,
    "live": 2,
    "most": 1,
    "move": 0,
    "nowhere": 1,
    "order": 2,
    "overflow": 1,
    "state": 1,
    "stored": 3,
    "weight": 1,
}
