"""A problem in which some nodes are in one block: groups of nodes, joined two at a time.

A tensor goes from its producer's group to its readers' groups without that one. One that no other group reads costs
nothing, but for a model output that is paid, which its producer's group pays wherever it is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import final

from slicegraph.certificate.ticks import Problem


@final
class Quotient:
    """A problem's groups, at first of one node each. A group is called by one of its nodes, see `find`.

    Parameters
    ----------
    problem
        Whose nodes they are.

    Attributes
    ----------
    load
        Ticks per group: work, and model outputs that are paid, which any block pays that holds the group.
    total_load
        Of all groups.
    params, size
        Ticks and bytes of parameters per group.
    touching
        Per group, the tensors that it makes for another group, or reads from one or from outside the model.
    producer, consumers, transfer
        Per tensor: the group that makes it (-1: none), the others that read it, and ticks.
    leaving
        Ticks per tensor that its producer pays only when another block reads it.

    Notes
    -----
    Parallel tensors stay apart until the end: whatever is asked before is a sum over them.
    """

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._parent = list(range(len(problem.work)))
        self.load, self.params, self.size = list(problem.work), list(problem.params), list(problem.param_bytes)
        self.producer, self.transfer = list(problem.producer), problem.transfer
        self.touching: list[set[int]] = [set() for _ in problem.work]
        self.consumers: list[set[int]] = []
        self._is_out = [problem.boundary_io and is_output for is_output in problem.is_output]
        self.leaving = [0 if out else ticks for out, ticks in zip(self._is_out, self.transfer, strict=True)]
        for tensor, (producer, readers) in enumerate(zip(problem.producer, problem.consumers, strict=True)):
            others = set(readers) - {producer} if producer >= 0 or problem.boundary_io else set()
            self.consumers.append(others)
            if producer >= 0 and self._is_out[tensor]:
                self.load[producer] += self.transfer[tensor]
            for node in {producer, *others} - {-1} if others else ():
                self.touching[node].add(tensor)
        self.total_load = sum(self.load)

    def find(self, node: int) -> int:
        """Give the group of a node."""
        while self._parent[node] != node:
            self._parent[node] = self._parent[self._parent[node]]
            node = self._parent[node]
        return node

    def join(self, one: int, other: int) -> None:
        """Make one group of two.

        Notes
        -----
        Each tensor is looked at O(log tensors) times per group that it touches, in all.
        """
        kept, gone = sorted((one, other), key=lambda group: len(self.touching[group]), reverse=True)
        self._parent[gone] = kept
        for column in (self.load, self.params, self.size):
            column[kept] += column[gone]
        for tensor in self.touching[gone]:
            readers = self.consumers[tensor]
            if gone in readers:
                readers.remove(gone)
                readers.add(kept)
            if self.producer[tensor] == gone:
                self.producer[tensor] = kept
            readers.discard(self.producer[tensor])
            if readers:
                self.touching[kept].add(tensor)
            else:
                self.touching[kept].discard(tensor)
        self.touching[gone] = set()

    def groups(self) -> list[int]:
        """Give all groups."""
        return [node for node, parent in enumerate(self._parent) if node == parent]

    def made(self, group: int) -> Iterator[int]:
        """Give the tensors that a group makes for others."""
        return (tensor for tensor in self.touching[group] if self.producer[tensor] == group)

    def read(self, group: int) -> Iterator[int]:
        """Give the tensors that a group reads from elsewhere."""
        return (tensor for tensor in self.touching[group] if self.producer[tensor] != group)

    def successors(self, group: int) -> Iterator[int]:
        """Give the groups that read what a group makes, some of them twice."""
        return (reader for tensor in self.made(group) for reader in self.consumers[tensor])

    def predecessors(self, group: int) -> Iterator[int]:
        """Give the groups that make what a group reads, some of them twice."""
        return (self.producer[tensor] for tensor in self.read(group) if self.producer[tensor] >= 0)

    def overflow(self, group: int) -> int:
        """Give the least ticks of overflow of a block that holds a group."""
        return self._problem.overflow(self.params[group])

    def to_problem(self) -> Problem:
        """Give the problem whose nodes are the groups.

        Groups are numbered by the least of their nodes, tensors by the least that goes the same way; those add up.
        """
        number: dict[int, int] = {-1: -1}
        for node in range(len(self._parent)):
            number.setdefault(self.find(node), len(number) - 1)
        work, params, size = ([0] * (len(number) - 1) for _ in range(3))
        problem = self._problem
        for node, facts in enumerate(zip(problem.work, problem.params, problem.param_bytes, strict=True)):
            for column, ticks in zip((work, params, size), facts, strict=True):
                column[number[self.find(node)]] += ticks
        ways: dict[tuple[int, tuple[int, ...], bool], int] = {}
        for tensor, readers in enumerate(self.consumers):
            producer = problem.producer[tensor]
            if readers or (producer >= 0 and self._is_out[tensor]):
                consumers = tuple(sorted(number[reader] for reader in readers))
                source = number[-1 if producer < 0 else self.find(producer)]
                way = source, consumers, self._is_out[tensor]
                ways[way] = ways.get(way, 0) + self.transfer[tensor]
        return dataclasses.replace(
            problem,
            work=work,
            params=params,
            param_bytes=size,
            transfer=list(ways.values()),
            producer=[producer for producer, _, _ in ways],
            consumers=[list(consumers) for _, consumers, _ in ways],
            is_output=[is_output for _, _, is_output in ways],
        )
