"""Builds the models of `slicegraph.bounds.model`: variables, then rows, kind by kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import numpy as np

from slicegraph.bounds.formulation import Flags, Formulation
from slicegraph.bounds.model import Domains, Integers, Model, Move, Superblocks
from slicegraph.bounds.prices import Prices
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
        self.prices = [self._prices(j) for j in range(self.num_superblocks)]
        self.y = self._nodes()
        self.amounts: list[tuple[Integers, int, bool]] = []

    def build(self) -> Model:
        self._precedence()
        of_cost = self._single() if self.move else [j for j, span in enumerate(self.spans) if span is not None]
        cuts = {j: self._cuts(j) for j in of_cost}
        stored = {j: self._stored(j) for j in of_cost}
        num_binaries = self.num_columns
        for j in of_cost:
            over = self._overflow(j, stored[j])
            self._cost(j, *cuts[j], over)
            self._limits(j, stored[j])
        if self.superblocks.demand is not None:
            self._demand(self.superblocks.demand)
        if self.domains:
            self._reach(self.domains)
            for j in self._single():
                self._weight(j, self.domains.weights)
        return self._finish(num_binaries)

    def _single(self) -> list[int]:
        """Give the superblocks of one block; in a move, the moved block."""
        return [int(self.move.block > 0)] if self.move else [j for j, span in enumerate(self.spans) if span == 1]

    def _prices(self, j: int) -> Prices | None:
        """Give the prices of a superblock; in a move, of the moved block only."""
        if self.spans[j] is None or (self.move and j != self._single()[0]):
            return None
        if self.superblocks.kind is not None:
            return self.formulation.kinds[self.superblocks.kind]
        return self.formulation.prices(*self._stages(j))

    def _paid(self, j: int) -> Prices:
        prices = self.prices[j]
        assert prices is not None, "only superblocks that pay are asked"  # noqa: S101 - for the type checker
        return prices

    def _stages(self, j: int) -> tuple[int, int]:
        """Give the first stage of a superblock, and that after its last."""
        first = sum(span or 0 for span in self.spans[:j])
        return first, first + (self.spans[j] or 0)

    def _new(self, count: int) -> Integers:
        self.num_columns += count
        return np.arange(self.num_columns - count, self.num_columns)

    def _amount(self, most: int, *, is_bytes: bool = False) -> Integers:
        """Add a continuous column with an upper bound."""
        column = self._new(1)
        self.amounts.append((column, most, is_bytes))
        return column

    def _nodes(self) -> Integers:
        """Give the columns of y, shape (nodes, superblocks + 1)."""
        num_nodes, leader = self.formulation.num_nodes, self.formulation.leader
        y = np.full((num_nodes, self.num_superblocks + 1), ZERO, np.int64)
        y[:, -1] = ONE
        windows = None
        if None not in self.spans:
            windows = self.formulation.windows(self.threshold, self.domains if self.threshold else None)
            self._nowhere(windows[0] > windows[1])
        can_be, end = self._can_be(), 0
        for i in range(1, self.num_superblocks):
            is_free = np.ones(num_nodes, np.bool_)
            if windows is not None:
                end += self.spans[i - 1] or 0
                is_never, is_always = windows[0] > end, windows[1] <= end
                y[is_always, i] = ONE
                is_free = ~is_never & ~is_always
            if can_be is not None:
                # A node that no stage of a superblock may hold is before its end only if it is before its begin.
                is_same = is_free & ~can_be[:, i - 1]
                y[is_same, i] = y[is_same, i - 1]
                is_free &= ~is_same
            if leader is not None:
                is_free &= leader == np.arange(num_nodes)
            y[is_free, i] = self._new(int(is_free.sum()))
        return y if leader is None else y[leader]

    def _can_be(self) -> Flags | None:
        """Give the superblocks with a stage that can hold each node; None: no node is restricted."""
        stages = self.formulation.stages(self.threshold)
        if stages is None:
            return None
        can_be = np.ones((len(stages), self.num_superblocks), np.bool_)
        for j, span in enumerate(self.spans):
            if self.superblocks.kind is not None and span is not None:
                can_be[:, j] = stages[:, self.formulation.kind_of == self.superblocks.kind].any(axis=1)
            elif None not in self.spans:
                first, last = self._stages(j)
                can_be[:, j] = stages[:, first:last].any(axis=1)
        return can_be

    def _nowhere(self, nodes: Flags) -> None:
        """Make the model infeasible if there is no stage for some node."""
        if not self.formulation.is_plain and nodes.any():
            node = np.flatnonzero(nodes)
            self.rows.add("nowhere", (node,), [], np.ones(len(node), np.int64))

    def _precedence(self) -> None:
        """Let y fall along every edge and rise from each superblock to the next."""
        edges, y = self.formulation.edges, self.y
        for i in range(1, self.num_superblocks):
            producer, consumer = y[edges[:, 0], i], y[edges[:, 1], i]
            kept = (producer != ONE) & (consumer != ZERO) & (producer != consumer)
            arguments = (edges[kept, 0], edges[kept, 1], i)
            self._pure("before", arguments, [(producer[kept], 1), (consumer[kept], -1)])
        nodes = np.arange(len(y))
        for j in range(1, self.num_superblocks - 1):
            later, sooner = y[:, j + 1], y[:, j]
            kept = (later != ONE) & (sooner != ZERO) & (later != sooner)
            self._pure("order", (nodes[kept], j), [(later[kept], 1), (sooner[kept], -1)])
        if self.domains:
            first, last = self.domains.incompatible
            for j in self._single():
                sooner, later = y[first, j], y[last, j + 1]
                kept = (sooner != ONE) & (later != ZERO)
                self._pure("incompatible", (first[kept], last[kept], j), [(sooner[kept], 1), (later[kept], -1)])

    def _cuts(self, j: int) -> tuple[Integers, Integers]:
        """Add the columns and rows of cut tensors in a superblock; give the tensors that can be cut, and columns."""
        formulation, later, sooner = self.formulation, self.y[:, j + 1], self.y[:, j]
        is_never = (later == ZERO) | (sooner == ONE) | (later == sooner)
        is_always = (later == ONE) & (sooner == ZERO)
        reads, returned, num_tensors = formulation.reads, formulation.outputs, len(self._paid(j).transfer)
        if len(formulation.kinds) > 1:
            moves = self._paid(j).transfer > 0
            reads, returned = reads[moves[reads[:, 0]]], returned[moves[returned]]
        tensor, consumer = reads.T
        producer = formulation.producer[tensor]
        is_made = producer >= 0
        if formulation.leader is not None:
            # A tensor between nodes that must be together is never cut.
            is_apart = ~is_made | (formulation.leader[producer] != formulation.leader[consumer])
            tensor, consumer, producer, is_made = (array[is_apart] for array in (tensor, consumer, producer, is_made))
        leaves = is_made & ~is_never[producer] & ~is_always[consumer]
        enters = ~is_never[consumer] & ~(is_made & is_always[producer])
        returned = returned[~is_never[formulation.producer[returned]]]

        tensors = np.unique(np.concatenate([tensor[leaves], tensor[enters], returned]))
        column = np.full(num_tensors, ZERO, np.int64)
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

    def _stored(self, j: int) -> list[tuple[Integers, Integers]]:
        """Add the columns of shared parameters in a superblock, if memory has an effect; give them."""
        formulation, prices = self.formulation, self._paid(j)
        is_limited = self._is_limited(prices.limit, formulation.held, formulation.shared, formulation.live)
        matters = formulation.shared > 0 if is_limited else np.zeros(len(formulation.shared), np.bool_)
        if self._overflows(prices):
            matters = matters | (prices.stored > 0)
        params = np.flatnonzero(matters)
        column = np.full(len(matters), ZERO, np.int64)
        column[params] = self._new(len(params))
        param, reader = formulation.readers[matters[formulation.readers[:, 0]]].T
        later, sooner = self.y[reader, j + 1], self.y[reader, j]
        kept = (later != sooner) & (later != ZERO) & (sooner != ONE)
        terms = [(column[param[kept]], 1), (later[kept], -1), (sooner[kept], 1)]
        self._pure("stored", (param[kept], reader[kept], j), terms)
        return [(params, column[params])] if len(params) else []

    @staticmethod
    def _is_limited(limit: int | None, *sizes: Integers) -> bool:
        """Whether a limit in bytes can be exceeded: by all sizes together, of the last array only the largest."""
        *sums, live = sizes
        return limit is not None and limit < sum(int(size.sum()) for size in sums) + int(live.max(initial=0))

    @staticmethod
    def _overflows(prices: Prices) -> bool:
        return prices.memory is not None and prices.memory < prices.all_params

    def _overflow(self, j: int, stored: list[tuple[Integers, Integers]]) -> Integers:
        """Add the row over[j] >= parameters in j - memories of j; give the column, if there is one."""
        prices = self._paid(j)
        if not self._overflows(prices):
            return np.zeros(0, np.int64)
        over = self._amount(prices.all_params)
        of_shared = [(columns, -prices.stored[params]) for params, columns in stored]
        terms = [(over, np.ones(1, np.int64)), *self._in(j, -prices.params), *of_shared]
        self._sum("overflow", (j,), terms, -(prices.memory or 0), parts=prices.parts)
        return over

    def _cost(self, j: int, tensors: Integers, cuts: Integers, over: Integers) -> None:
        """Add the row n t >= work + io + overflow, or two rows for a kind that overlaps; in a move, with c for t."""
        prices = self._paid(j)
        own = [*self._in(j, -prices.work)]
        moved, spilled = (cuts, -prices.transfer[tensors]), (over, -np.ones(len(over), np.int64))
        sides = {"cost": [*own, spilled], "io": [moved]} if prices.is_overlap else {"cost": [*own, moved, spilled]}
        for kind, terms in sides.items():
            if self.move:
                self._sum(kind, (j,), terms, -prices.room * (self.threshold or 0), parts=prices.parts)
            else:
                self._sum(kind, (j,), [(_T, np.array([prices.room])), *terms], 0, parts=prices.parts)

    def _weight(self, j: int, weights: Integers) -> None:
        """Add the row t >= weights of a superblock of one block; in a move, with c for t."""
        room, parts = self.formulation.room_of_weights(self._stages(j)[0])
        if self.move:
            self._sum("weight", (j,), self._in(j, -weights), -(room * (self.threshold or 0) // parts))
        else:
            self._sum("weight", (j,), [(_T, np.array([room])), *self._in(j, -parts * weights)], 0, parts=parts)

    def _limits(self, j: int, stored: list[tuple[Integers, Integers]]) -> None:
        """Add the rows of limits: on all bytes, with the largest live bytes of a node, and on state alone."""
        formulation, prices = self.formulation, self._paid(j)
        # Live bytes are those of one block.
        live = formulation.live if j in self._single() else np.zeros(1, np.int64)
        if prices.limit is not None and self._is_limited(prices.limit, formulation.held, formulation.shared, live):
            most = [(column, -np.ones(1, np.int64)) for column in self._live(j, live)]
            of_shared = [(columns, -formulation.shared[params]) for params, columns in stored]
            self._sum("limit", (j,), [*self._in(j, -formulation.held), *of_shared, *most], -prices.limit)
        if prices.state_limit is not None and prices.state_limit < formulation.state.sum():
            self._sum("state", (j,), self._in(j, -formulation.state), -prices.state_limit)

    def _live(self, j: int, live: Integers) -> list[Integers]:
        """Add the column of the largest live bytes of a node of a block; give it, if there are live bytes."""
        if not live.any():
            return []
        most = self._amount(int(live.max()), is_bytes=True)
        later, sooner = self.y[:, j + 1], self.y[:, j]
        node = np.flatnonzero((live > 0) & (later != sooner) & (later != ZERO) & (sooner != ONE))
        row, ones = np.arange(len(node)), np.ones(len(node), np.int64)
        terms = ((np.repeat(most, len(node)), ones), (later[node], -live[node]), (sooner[node], live[node]))
        self.rows.add("live", (node, j), [(row, *term) for term in terms], np.zeros(len(node), np.int64))
        return [most]

    def _demand(self, j: int) -> None:
        """Add the row of the fullest block: its share of all work, which is the mean if stages are equal."""
        formulation, kind = self.formulation, self.superblocks.kind
        stage = self._stages(j)[0] if kind is None else int(np.argmax(formulation.kind_of == kind))
        weights, least = formulation.demand(stage)
        self._sum("demand", (), self._in(j, weights), least, parts=formulation.parts)

    def _reach(self, domains: Domains) -> None:
        """Add the bounds on prefix weights; in a move, t measures how much a bound can be tightened."""
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

    def _sum(
        self,
        kind: str,
        arguments: Sequence[int],
        terms: Sequence[tuple[Integers, Integers]],
        bound: int,
        *,
        parts: int = 1,
    ) -> None:
        """Add one row; a row of costs counts in ``parts`` of a tick."""
        entries = [(np.zeros(len(column), np.int64), column, value) for column, value in terms]
        self.rows.add(kind, arguments, entries, np.array([bound], np.int64), parts=parts)

    def _finish(self, num_binaries: int) -> Model:
        rows = self.rows
        if not self.formulation.is_plain:
            rows.merge()
        row = np.concatenate(rows.row)
        order = np.argsort(row, kind="stable")
        upper = np.ones(self.num_columns, np.int64)
        # t has no bound; overflow is at most that of all parameters together.
        upper[0] = np.iinfo(np.int64).max
        is_integer, is_bytes = np.ones(self.num_columns, np.bool_), np.zeros(self.num_columns, np.bool_)
        is_integer[0], is_integer[num_binaries:] = False, False
        for column, most, in_bytes in self.amounts:
            upper[column], is_bytes[column] = most, in_bytes
        threshold = self.threshold
        if threshold and self.domains and self.move:
            # One more than the largest possible move.
            end = self.move.block + self.move.is_forward
            threshold += self.domains.most[end] - self.domains.least[end] + 1
        return Model(
            superblocks=self.superblocks,
            threshold=threshold,
            upper=upper,
            is_strict=not self.formulation.is_plain,
            is_integer=is_integer,
            is_bytes=is_bytes,
            start=np.searchsorted(row[order], np.arange(rows.num_rows + 1)).astype(np.int64),
            column=np.concatenate(rows.column)[order],
            value=np.concatenate(rows.value)[order],
            bound=np.concatenate(rows.bound),
            parts=np.concatenate(rows.parts),
            kind=np.concatenate(rows.kind),
            arguments=np.concatenate(rows.arguments),
        )
