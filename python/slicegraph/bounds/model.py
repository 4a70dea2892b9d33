"""The superblock relaxation of a partition, as a mixed-integer model in integer arrays.

Every mixed-integer bound of this package is one model. Consecutive blocks are grouped into *superblocks*, and the
variables say for each node in which superblock it lies. A superblock of ``n`` blocks pays, over its blocks together, at
least its work, every tensor that it imports or exports once, and what its parameters take beyond ``n`` memories; so for
a partition of bottleneck ``t``

    work(S) + io(S) + overflow(S, n memories) <= n t.

One block per superblock is the exact model of the paper (Figure 3); three superblocks are its "bottleneck" models.

Variables (``y`` and ``cut`` are 0 or 1)
    ``y[v, i]``: node ``v`` is in one of the first ``i`` superblocks; so ``x[v, j] = y[v, j + 1] - y[v, j]`` says that
    it is in superblock ``j``. ``cut[x, j]``: tensor ``x`` is imported into or exported from ``j``. ``over[j]``:
    overflow of ``j``. ``t``: the bottleneck.

Windows
    Let ``T`` be a threshold, and look at partitions of bottleneck at most ``T`` only. A block that costs at most ``T``
    holds work of at most ``T``, work and parameters of at most ``T + memory``, and parameters within the limit. So the
    blocks up to that of ``v``, which hold all ancestors of ``v``, are at least so many; and likewise from ``v``'s on.
    That fixes most ``y`` when ``T`` is close to the mean work. Since only partitions above ``T`` are left out, the
    bound of such a model is ``min(T, its least t)``.

    More may be known of the partitions below a threshold, by minimum cuts (`Confines`): narrower windows; which nodes
    ``u`` are *apart* from ``v``, so that ``u`` is before a block as soon as ``v`` is in it or before it: rows "apart";
    and what nodes are *charged*, no block more than it costs: rows "charge".

Moves
    Let every block cost at most ``c``, and let the first ``b`` blocks be charged between ``l`` and ``m``, for every
    ``b``. The model of a `Move` asks how much closer ``m`` or ``l`` can be brought to the other for one ``b``: its
    ``t`` is ``c`` plus that much. What is before and after the moved block need not be divided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import final

import numpy as np
from numpy.typing import NDArray

from slicegraph.cost import Instance

Integers = NDArray[np.int64]
_ZERO, _ONE = -1, -2
"""In place of a column: a variable whose value is known."""
_T = np.zeros(1, np.int64)
"""The column of t."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Superblocks:
    """How blocks are grouped.

    Attributes
    ----------
    spans
        How many blocks each superblock has, adding up to the number of blocks; or ``(None, 1, None)``: one block, with
        any number before and after.
    demand
        The superblock, of one block, that must hold at least the mean work. None: none.
    """

    spans: tuple[int | None, ...]
    demand: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Confines:
    """What is known of all partitions whose bottleneck is below a threshold.

    Attributes
    ----------
    threshold
        Ticks.
    earliest, latest
        Per node, the first and the last block that it can be in, from 1.
    apart
        Nodes of which the first is always in an earlier block than the second.
    charges
        Per node, ticks; the nodes of a block are charged no more than it costs, and each at least its work.
    least, most
        Ticks that the first 0, 1, ..., all blocks are charged together.
    """

    threshold: int
    earliest: Integers
    latest: Integers
    apart: tuple[Integers, Integers]
    charges: Integers
    least: tuple[int, ...]
    most: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """What is asked of one block: how much can be charged in it and before it, or how little before it.

    Attributes
    ----------
    block
        Its index, from 0.
    is_forward
        Whether the most up to its end is asked for, rather than the least before it.
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
        What the model is of; the threshold in ticks.
    upper
        Per column, largest value; the smallest is 0. Column 0 has no bound.
    is_integer
        Per column: 0 or 1.
    start, column, value, bound
        The rows.
    kind, arguments
        What each row says: an index into `KINDS`, and what it is about, shape (num_rows, 3), padded with -1.
    """

    superblocks: Superblocks
    threshold: int | None
    upper: Integers
    is_integer: NDArray[np.bool_]
    start: Integers
    column: Integers
    value: Integers
    bound: Integers
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
    "apart",
    "before",
    "charge",
    "cost",
    "demand",
    "export",
    "import",
    "least",
    "limit",
    "most",
    "move",
    "order",
    "overflow",
)
"""The rows, by name; those of `PURE` have no unit and values of 1 and -1, "limit" is in bytes, the rest in ticks."""
PURE = ("apart", "before", "export", "import", "order")
NUM_ARGUMENTS = {
    "apart": 3,
    "before": 3,
    "charge": 1,
    "cost": 1,
    "demand": 0,
    "export": 3,
    "import": 3,
    "least": 1,
    "limit": 1,
    "most": 1,
    "move": 0,
    "order": 2,
    "overflow": 1,
}


@final
class Formulation:
    """What all models of one instance share."""

    def __init__(self, instance: Instance) -> None:
        arrays, self.instance = instance.graph.arrays, instance
        self.num_blocks = instance.num_blocks
        self.work, self.transfer, self.params = instance.work, instance.transfer, instance.params
        self.memory = instance.memory
        self.limit = instance.memory_limit
        num_nodes = instance.graph.num_nodes
        self.param_bytes = np.zeros(num_nodes, np.int64) if arrays.param_bytes is None else arrays.param_bytes
        self.producer = arrays.producer
        tensor = np.repeat(np.arange(len(arrays.size)), np.diff(arrays.consumer_offsets))
        consumer = arrays.consumers
        paid = self.transfer[tensor] > 0
        made = self.producer[tensor] >= 0
        pairs = np.unique(np.stack([self.producer[tensor[made]], consumer[made]], axis=1), axis=0)
        self.edges: Integers = pairs.astype(np.int64)
        is_read = paid & (made | instance.boundary_io)
        self.reads: Integers = np.stack([tensor[is_read], consumer[is_read]], axis=1).astype(np.int64)
        outputs = np.zeros(0, np.int64)
        if instance.boundary_io and arrays.is_output is not None:
            outputs = np.flatnonzero(arrays.is_output & (self.producer >= 0) & (self.transfer > 0))
        self.outputs: Integers = outputs

    @cached_property
    def step(self) -> int:
        """Every cost is a multiple of it: the greatest common divisor of all that costs are sums of, at least 1."""
        parts = [self.work, self.transfer]
        if self.memory is not None:
            parts += [self.params, np.array([self.memory])]
        return max(1, int(np.gcd.reduce(np.concatenate(parts))))

    @cached_property
    def _cones(self) -> dict[str, tuple[Integers, Integers]]:
        weights = {"work": self.work}
        if self.memory is not None:
            weights["held"] = self.work + self.params
        if self.limit:
            weights["bytes"] = self.param_bytes
        return {name: self.instance.core.cone_sums(weight) for name, weight in weights.items()}

    def windows(self, threshold: int) -> tuple[Integers, Integers]:
        """Give the first and last block, from 1, in which each node can be when no block costs over ``threshold``."""
        room = {"work": threshold, "held": threshold + (self.memory or 0), "bytes": self.limit or 0}
        needs = [
            [-(-cone // room[name]) for cone in cones]  # rounded up
            for name, cones in self._cones.items()
        ]
        before, after = (np.maximum.reduce([np.maximum(need[side], 1) for need in needs]) for side in (0, 1))
        return before, self.num_blocks + 1 - after

    @cached_property
    def total(self) -> int:
        """Work of all nodes."""
        return int(self.work.sum())

    def model(self, superblocks: Superblocks, *, threshold: int | None, confines: Confines | None = None) -> Model:
        """Build the model; rows that always hold are left out.

        Notes
        -----
        O((nodes + reads) x superblocks).
        """
        return _Builder(self, superblocks, threshold or None, confines).build()

    def move(self, move: Move, confines: Confines) -> Model:
        """Build the model of a move, all blocks being below the threshold of ``confines``.

        Notes
        -----
        O(nodes + reads).
        """
        spans = tuple(span for span in (move.block, 1, self.num_blocks - 1 - move.block) if span)
        return _Builder(self, Superblocks(spans=spans), confines.threshold - self.step, confines, move).build()


@dataclass(slots=True)
class _Rows:
    """Rows under construction, as parts of equal kind: entries (row, column, value) and right-hand sides."""

    kind: list[NDArray[np.int8]] = field(default_factory=list)
    arguments: list[NDArray[np.int32]] = field(default_factory=list)
    bound: list[Integers] = field(default_factory=list)
    row: list[Integers] = field(default_factory=list)
    column: list[Integers] = field(default_factory=list)
    value: list[Integers] = field(default_factory=list)
    num_rows: int = 0

    def add(
        self,
        kind: str,
        arguments: Sequence[Integers | int],
        entries: Sequence[tuple[Integers, Integers, Integers]],
        bound: Integers,
    ) -> None:
        """Add rows; an entry is (row, column, value), with known variables moved to the right-hand side here."""
        bound = bound.copy()
        for row, column, value in entries:
            one = column == _ONE
            np.subtract.at(bound, row[one], value[one])
            free = column >= 0
            self.row.append(row[free] + self.num_rows)
            self.column.append(column[free])
            self.value.append(value[free])
        names = np.full((len(bound), 3), -1, np.int32)
        for place, argument in enumerate(arguments):
            names[:, place] = argument
        self.kind.append(np.full(len(bound), KINDS.index(kind), np.int8))
        self.arguments.append(names)
        self.bound.append(bound)
        self.num_rows += len(bound)


@final
class _Builder:
    """Builds one model."""

    def __init__(
        self,
        formulation: Formulation,
        superblocks: Superblocks,
        threshold: int | None,
        confines: Confines | None = None,
        move: Move | None = None,
    ) -> None:
        self.formulation, self.superblocks, self.threshold = formulation, superblocks, threshold
        self.confines, self.move = confines, move
        self.spans, self.num_superblocks = superblocks.spans, len(superblocks.spans)
        self.num_columns, self.rows = 1, _Rows()
        self.y = self._nodes()

    def build(self) -> Model:
        self._precedence()
        of_cost = self._single() if self.move else [j for j, span in enumerate(self.spans) if span is not None]
        cuts = {j: self._cuts(j) for j in of_cost}
        num_binaries = self.num_columns
        for j in of_cost:
            span = self.spans[j] or 0
            over = self._overflow(j, span)
            self._cost(j, span, *cuts[j], over)
            self._limit(j, span)
        if self.superblocks.demand is not None:
            self._demand(self.superblocks.demand)
        if self.confines:
            self._reach(self.confines)
            for j in self._single():
                self._charge(j, self.confines.charges)
        return self._finish(num_binaries)

    def _single(self) -> list[int]:
        """Give the superblocks that are blocks; of a move, the one that is asked about."""
        return [int(self.move.block > 0)] if self.move else [j for j, span in enumerate(self.spans) if span == 1]

    def _new(self, count: int) -> Integers:
        self.num_columns += count
        return np.arange(self.num_columns - count, self.num_columns)

    def _nodes(self) -> Integers:
        """Give the columns of y, shape (nodes, superblocks + 1)."""
        num_nodes = len(self.formulation.work)
        y = np.full((num_nodes, self.num_superblocks + 1), _ZERO, np.int64)
        y[:, -1] = _ONE
        windows = None
        if self.threshold and None not in self.spans:
            windows = self.formulation.windows(self.threshold)
        end = 0
        for i in range(1, self.num_superblocks):
            is_free = np.ones(num_nodes, np.bool_)
            if windows is not None:
                end += self.spans[i - 1] or 0
                is_never, is_always = windows[0] > end, windows[1] <= end
                if self.confines:
                    is_never |= self.confines.earliest > end
                    is_always |= self.confines.latest <= end
                y[is_always, i] = _ONE
                is_free = ~is_never & ~is_always
            y[is_free, i] = self._new(int(is_free.sum()))
        return y

    def _precedence(self) -> None:
        """Let y fall along every edge and rise from each superblock to the next."""
        edges, y = self.formulation.edges, self.y
        for i in range(1, self.num_superblocks):
            producer, consumer = y[edges[:, 0], i], y[edges[:, 1], i]
            kept = (producer != _ONE) & (consumer != _ZERO)
            arguments = (edges[kept, 0], edges[kept, 1], i)
            self._pure("before", arguments, [(producer[kept], 1), (consumer[kept], -1)])
        nodes = np.arange(len(y))
        for j in range(1, self.num_superblocks - 1):
            later, sooner = y[:, j + 1], y[:, j]
            kept = (later != _ONE) & (sooner != _ZERO)
            self._pure("order", (nodes[kept], j), [(later[kept], 1), (sooner[kept], -1)])
        if self.confines:
            first, last = self.confines.apart
            for j in self._single():
                sooner, later = y[first, j], y[last, j + 1]
                kept = (sooner != _ONE) & (later != _ZERO)
                self._pure("apart", (first[kept], last[kept], j), [(sooner[kept], 1), (later[kept], -1)])

    def _cuts(self, j: int) -> tuple[Integers, Integers]:
        """Add what makes a tensor cost something in a superblock; give the tensors that can, and their columns."""
        formulation, later, sooner = self.formulation, self.y[:, j + 1], self.y[:, j]
        is_never = (later == _ZERO) | (sooner == _ONE)
        is_always = (later == _ONE) & (sooner == _ZERO)
        tensor, consumer = formulation.reads.T
        producer = formulation.producer[tensor]
        is_made = producer >= 0
        leaves = is_made & ~is_never[producer] & ~is_always[consumer]
        enters = ~is_never[consumer] & ~(is_made & is_always[producer])
        returned = formulation.outputs[~is_never[formulation.producer[formulation.outputs]]]

        tensors = np.unique(np.concatenate([tensor[leaves], tensor[enters], returned]))
        column = np.full(len(formulation.transfer), _ZERO, np.int64)
        column[tensors] = self._new(len(tensors))

        def is_in(nodes: Integers, sign: int) -> list[tuple[Integers, int]]:
            known = nodes >= 0
            return [(np.where(known, later[nodes], _ZERO), sign), (np.where(known, sooner[nodes], _ZERO), -sign)]

        for kind, kept, sign in (("export", leaves, -1), ("import", enters, 1)):
            x, w, p = tensor[kept], consumer[kept], producer[kept]
            self._pure(kind, (x, w, j), [(column[x], 1), *is_in(p, sign), *is_in(w, -sign)])
        made_by = formulation.producer[returned]
        self._pure("export", (returned, -1, j), [(column[returned], 1), *is_in(made_by, -1)])
        return tensors, column[tensors]

    def _pure(self, kind: str, arguments: Sequence[Integers | int], terms: Sequence[tuple[Integers, int]]) -> None:
        """Add rows ``sum of sign * column >= 0``, one for each place in the columns."""
        count = len(terms[0][0])
        row = np.arange(count)
        entries = [(row, column, np.full(count, sign, np.int64)) for column, sign in terms]
        self.rows.add(kind, arguments, entries, np.zeros(count, np.int64))

    def _overflow(self, j: int, span: int) -> Integers:
        """over[j] >= parameters in j - what its memories hold; give the column, if there is one."""
        params, memory = self.formulation.params, self.formulation.memory
        if memory is None or span * memory >= params.sum():
            return np.zeros(0, np.int64)
        over = self._new(1)
        self._sum("overflow", (j,), [(over, np.ones(1, np.int64)), *self._in(j, -params)], -span * memory)
        return over

    def _cost(self, j: int, span: int, tensors: Integers, cuts: Integers, over: Integers) -> None:
        """Let span * t be at least work + io + overflow; in a move, the threshold."""
        formulation = self.formulation
        terms = [
            *self._in(j, -formulation.work),
            (cuts, -formulation.transfer[tensors]),
            (over, -np.ones(len(over), np.int64)),
        ]
        if self.move:
            self._sum("cost", (j,), terms, -span * (self.threshold or 0))
        else:
            self._sum("cost", (j,), [(_T, np.array([span])), *terms], 0)

    def _charge(self, j: int, charges: Integers) -> None:
        """Let t be at least what a superblock of one block is charged; in a move, the threshold."""
        terms = self._in(j, -charges)
        if self.move:
            self._sum("charge", (j,), terms, -(self.threshold or 0))
        else:
            self._sum("charge", (j,), [(_T, np.ones(1, np.int64)), *terms], 0)

    def _limit(self, j: int, span: int) -> None:
        """Parameters within the memory limit."""
        param_bytes, limit = self.formulation.param_bytes, self.formulation.limit
        if limit is not None and span * limit < param_bytes.sum():
            self._sum("limit", (j,), self._in(j, -param_bytes), -span * limit)

    def _demand(self, j: int) -> None:
        """At least the mean work."""
        work = self.formulation.work
        mean = -(-int(work.sum()) // self.formulation.num_blocks)
        self._sum("demand", (), self._in(j, work), mean)

    def _reach(self, confines: Confines) -> None:
        """Bound what the first blocks are charged, and let t say how much closer the bounds can be in a move."""
        charges = confines.charges
        ends = np.cumsum([span or 0 for span in self.spans]).tolist()
        for i, end in enumerate(ends[:-1], start=1):
            self._sum("least", (i,), self._up_to(i, charges), confines.least[end])
            self._sum("most", (i,), self._up_to(i, -charges), -confines.most[end])
        if self.move:
            end, sign, limit = self.move.block, -1, -confines.least[self.move.block]
            if self.move.is_forward:
                end, sign, limit = end + 1, 1, confines.most[end + 1]
            terms = self._up_to(ends.index(end) + 1 if end else 0, sign * charges)
            self._sum("move", (), [(_T, np.ones(1, np.int64)), *terms], (self.threshold or 0) + limit)

    def _up_to(self, i: int, weights: Integers) -> list[tuple[Integers, Integers]]:
        """Give the terms of the sum of weights over the nodes of the first superblocks."""
        kept = np.flatnonzero((weights != 0) & (self.y[:, i] != _ZERO))
        return [(self.y[kept, i], weights[kept])]

    def _in(self, j: int, weights: Integers) -> list[tuple[Integers, Integers]]:
        """Give the terms of the sum of weights over the nodes of a superblock."""
        kept = np.flatnonzero((weights != 0) & (self.y[:, j] != self.y[:, j + 1]))
        return [(self.y[kept, j + 1], weights[kept]), (self.y[kept, j], -weights[kept])]

    def _sum(self, kind: str, arguments: Sequence[int], terms: Sequence[tuple[Integers, Integers]], bound: int) -> None:
        """Add one row."""
        entries = [(np.zeros(len(column), np.int64), column, value) for column, value in terms]
        self.rows.add(kind, arguments, entries, np.array([bound], np.int64))

    def _finish(self, num_binaries: int) -> Model:
        rows = self.rows
        row = np.concatenate(rows.row)
        order = np.argsort(row, kind="stable")
        upper = np.ones(self.num_columns, np.int64)
        # t has no bound; overflow is at most what all parameters take.
        upper[0] = np.iinfo(np.int64).max
        upper[num_binaries:] = self.formulation.params.sum()
        is_integer = np.ones(self.num_columns, np.bool_)
        is_integer[0], is_integer[num_binaries:] = False, False
        threshold = self.threshold
        if threshold and self.confines and self.move:
            # One more than the farthest move.
            end = self.move.block + self.move.is_forward
            threshold += self.confines.most[end] - self.confines.least[end] + 1
        return Model(
            superblocks=self.superblocks,
            threshold=threshold,
            upper=upper,
            is_integer=is_integer,
            start=np.searchsorted(row[order], np.arange(rows.num_rows + 1)).astype(np.int64),
            column=np.concatenate(rows.column)[order],
            value=np.concatenate(rows.value)[order],
            bound=np.concatenate(rows.bound),
            kind=np.concatenate(rows.kind),
            arguments=np.concatenate(rows.arguments),
        )
