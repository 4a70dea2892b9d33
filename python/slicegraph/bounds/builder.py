"""Builds the models of `slicegraph.bounds.model`: variables, then rows, kind by kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import numpy as np

from slicegraph.bounds.formulation import Formulation
from slicegraph.bounds.model import Domains, Integers, Model, Move, Superblocks
from slicegraph.bounds.rows import ONE, ZERO, Rows

_T = np.zeros(1, np.int64)
"""The column of t."""


def build_model(
    formulation: Formulation, superblocks: Superblocks, *, threshold: int | None, domains: Domains | None = None
) -> Model:
    """Build the model of a grouping of blocks; rows that always hold are left out.

    Notes
    -----
    O((nodes + reads) x superblocks).
    """
    return _Builder(formulation, superblocks, threshold or None, domains).build()


def build_move(formulation: Formulation, move: Move, domains: Domains) -> Model:
    """Build the model of a move, all blocks being below the threshold of ``domains``.

    Notes
    -----
    O(nodes + reads).
    """
    spans = tuple(span for span in (move.block, 1, formulation.num_blocks - 1 - move.block) if span)
    return _Builder(formulation, Superblocks(spans=spans), domains.threshold - formulation.step, domains, move).build()


@final
class _Builder:
    """Builds one model, row by row."""

    def __init__(
        self,
        formulation: Formulation,
        superblocks: Superblocks,
        threshold: int | None,
        domains: Domains | None = None,
        move: Move | None = None,
    ) -> None:
        self.formulation, self.superblocks, self.threshold = formulation, superblocks, threshold
        self.domains, self.move = domains, move
        self.spans, self.num_superblocks = superblocks.spans, len(superblocks.spans)
        self.num_columns, self.rows = 1, Rows()
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
        if self.domains:
            self._reach(self.domains)
            for j in self._single():
                self._weight(j, self.domains.weights)
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
        y = np.full((num_nodes, self.num_superblocks + 1), ZERO, np.int64)
        y[:, -1] = ONE
        windows = None
        if self.threshold and None not in self.spans:
            windows = self.formulation.windows(self.threshold)
        end = 0
        for i in range(1, self.num_superblocks):
            is_free = np.ones(num_nodes, np.bool_)
            if windows is not None:
                end += self.spans[i - 1] or 0
                is_never, is_always = windows[0] > end, windows[1] <= end
                if self.domains:
                    is_never |= self.domains.earliest > end
                    is_always |= self.domains.latest <= end
                y[is_always, i] = ONE
                is_free = ~is_never & ~is_always
            y[is_free, i] = self._new(int(is_free.sum()))
        return y

    def _precedence(self) -> None:
        """Let y fall along every edge and rise from each superblock to the next."""
        edges, y = self.formulation.edges, self.y
        for i in range(1, self.num_superblocks):
            producer, consumer = y[edges[:, 0], i], y[edges[:, 1], i]
            kept = (producer != ONE) & (consumer != ZERO)
            arguments = (edges[kept, 0], edges[kept, 1], i)
            self._pure("before", arguments, [(producer[kept], 1), (consumer[kept], -1)])
        nodes = np.arange(len(y))
        for j in range(1, self.num_superblocks - 1):
            later, sooner = y[:, j + 1], y[:, j]
            kept = (later != ONE) & (sooner != ZERO)
            self._pure("order", (nodes[kept], j), [(later[kept], 1), (sooner[kept], -1)])
        if self.domains:
            first, last = self.domains.incompatible
            for j in self._single():
                sooner, later = y[first, j], y[last, j + 1]
                kept = (sooner != ONE) & (later != ZERO)
                self._pure("incompatible", (first[kept], last[kept], j), [(sooner[kept], 1), (later[kept], -1)])

    def _cuts(self, j: int) -> tuple[Integers, Integers]:
        """Add what makes a tensor cost something in a superblock; give the tensors that can, and their columns."""
        formulation, later, sooner = self.formulation, self.y[:, j + 1], self.y[:, j]
        is_never = (later == ZERO) | (sooner == ONE)
        is_always = (later == ONE) & (sooner == ZERO)
        tensor, consumer = formulation.reads.T
        producer = formulation.producer[tensor]
        is_made = producer >= 0
        leaves = is_made & ~is_never[producer] & ~is_always[consumer]
        enters = ~is_never[consumer] & ~(is_made & is_always[producer])
        returned = formulation.outputs[~is_never[formulation.producer[formulation.outputs]]]

        tensors = np.unique(np.concatenate([tensor[leaves], tensor[enters], returned]))
        column = np.full(len(formulation.transfer), ZERO, np.int64)
        column[tensors] = self._new(len(tensors))

        def is_in(nodes: Integers, sign: int) -> list[tuple[Integers, int]]:
            known = nodes >= 0
            return [(np.where(known, later[nodes], ZERO), sign), (np.where(known, sooner[nodes], ZERO), -sign)]

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

    def _weight(self, j: int, weights: Integers) -> None:
        """Let t be at least what a superblock of one block weighs; in a move, the threshold."""
        terms = self._in(j, -weights)
        if self.move:
            self._sum("weight", (j,), terms, -(self.threshold or 0))
        else:
            self._sum("weight", (j,), [(_T, np.ones(1, np.int64)), *terms], 0)

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

    def _reach(self, domains: Domains) -> None:
        """Bound what the first blocks weigh, and let t say how much closer the bounds can be in a move."""
        weights = domains.weights
        ends = np.cumsum([span or 0 for span in self.spans]).tolist()
        for i, end in enumerate(ends[:-1], start=1):
            self._sum("least", (i,), self._up_to(i, weights), domains.least[end])
            self._sum("most", (i,), self._up_to(i, -weights), -domains.most[end])
        if self.move:
            end, sign, limit = self.move.block, -1, -domains.least[self.move.block]
            if self.move.is_forward:
                end, sign, limit = end + 1, 1, domains.most[end + 1]
            terms = self._up_to(ends.index(end) + 1 if end else 0, sign * weights)
            self._sum("move", (), [(_T, np.ones(1, np.int64)), *terms], (self.threshold or 0) + limit)

    def _up_to(self, i: int, weights: Integers) -> list[tuple[Integers, Integers]]:
        """Give the terms of the sum of weights over the nodes of the first superblocks."""
        kept = np.flatnonzero((weights != 0) & (self.y[:, i] != ZERO))
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
        if threshold and self.domains and self.move:
            # One more than the farthest move.
            end = self.move.block + self.move.is_forward
            threshold += self.domains.most[end] - self.domains.least[end] + 1
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
