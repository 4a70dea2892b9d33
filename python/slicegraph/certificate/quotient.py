"""The quotient of a problem: groups of nodes that are in one block, merged two at a time.

A tensor goes from its producer's group to its readers' groups without that one. One that no other group reads costs
nothing, but for a model output that is paid, which its producer's group pays wherever it is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import final

from slicegraph.certificate.costs import Costs
from slicegraph.certificate.problem import Problem


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class GroupCosts:
    """The costs of groups on one kind of device, in ticks.

    Attributes
    ----------
    costs
        Those of the nodes.
    work, outputs, params
        Per group: what it runs, the model outputs of it that are paid, which any block pays that holds the group, and
        what its own parameters and state take to stream in.
    transfer, leaving
        Per tensor: what moving it takes, and what its producer pays only when another block reads it.
    """

    costs: Costs
    work: list[int]
    outputs: list[int]
    params: list[int]
    transfer: list[int]
    leaving: list[int]

    def load(self, group: int) -> int:
        """Give the load of a group: what it adds to the cost of any block that holds it, without overlap."""
        return self.work[group] + self.outputs[group]


@final
class Quotient:
    """A problem's groups, at first of one node each. A group is called by one of its nodes, see `find`.

    Parameters
    ----------
    problem
        Whose nodes they are.

    Attributes
    ----------
    kinds
        The costs of groups on each kind of device.
    is_adjacent
        Whether blocks between a tensor's producer and its last reader pay for it, too.
    size, state, live
        Bytes per group: parameters of its own and state; state; and the most that is alive.
    shared
        Per group, the parameters of several nodes that it reads.
    allowed
        Per group, the stages that may hold it, as bits; None: all.
    weight
        Per group, what it adds at least to what a block pays, weighed by the multiplier of the block's kind.
    touching
        Per group, the tensors that it makes for another group, or reads from one or from outside the model.
    producer, consumers
        Per tensor: the group that makes it (-1: none), and the others that read it.

    Notes
    -----
    Parallel tensors stay apart until the end: whatever is asked before is a sum over them.
    """

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self.is_adjacent = problem.adjacent
        self._parent = list(range(problem.num_nodes))
        self.size = [own + state for own, state in zip(problem.param_bytes, problem.state_bytes, strict=True)]
        self.state, self.live = list(problem.state_bytes), list(problem.live_bytes)
        self.shared = [set(params) for params in problem.reads_of_params]
        self.allowed = None if problem.allowed is None else list(problem.allowed)
        self.producer = list(problem.producer)
        self.touching: list[set[int]] = [set() for _ in range(problem.num_nodes)]
        self.consumers: list[set[int]] = []
        self._is_out = [problem.boundary_io and is_output for is_output in problem.is_output]
        self.kinds = [self._costs(costs) for costs in problem.kinds]
        for tensor, (producer, readers) in enumerate(zip(problem.producer, problem.consumers, strict=True)):
            others = set(readers) - {producer} if producer >= 0 or problem.boundary_io else set()
            self.consumers.append(others)
            for node in {producer, *others} - {-1} if others else ():
                self.touching[node].add(tensor)
        self.weight = [self._least_weight(node) for node in range(problem.num_nodes)]
        self._total_weight = sum(self.weight)
        counts = [stages.bit_count() for stages in problem.stages_of_kinds]
        self._room = sum(weight * count for weight, count in zip(problem.multipliers, counts, strict=True))
        self._together = [set(group) for group in problem.together]
        self._groups_of: dict[int, list[set[int]]] = {}
        for group in self._together:
            for node in group:
                self._groups_of.setdefault(node, []).append(group)

    def _costs(self, costs: Costs) -> GroupCosts:
        return GroupCosts(
            costs=costs,
            work=list(costs.work),
            outputs=self._problem.outputs(costs),
            params=list(costs.params),
            transfer=costs.transfer,
            leaving=[0 if out else ticks for out, ticks in zip(self._is_out, costs.transfer, strict=True)],
        )

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
        for kind in self.kinds:
            for column in (kind.work, kind.outputs, kind.params):
                column[kept] += column[gone]
        self.size[kept] += self.size[gone]
        self.state[kept] += self.state[gone]
        self.live[kept] = max(self.live[kept], self.live[gone])
        self.shared[kept] |= self.shared[gone]
        if self.allowed is not None:
            self.allowed[kept] &= self.allowed[gone]
        self._total_weight -= self.weight[kept] + self.weight[gone]
        self.weight[kept] = self._least_weight(kept)
        self._total_weight += self.weight[kept]
        for wanted in self._groups_of.pop(gone, ()):
            wanted.discard(gone)
            if kept not in wanted:
                wanted.add(kept)
                self._groups_of.setdefault(kept, []).append(wanted)
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

    def _least_weight(self, group: int) -> int:
        pairs = [(self._problem.multipliers[kind], self.kinds[kind]) for kind in self.kinds_of(group)]
        loads = (
            weight * (costs.work[group] if costs.costs.is_overlap else costs.load(group)) for weight, costs in pairs
        )
        return min(loads, default=0)

    def is_beyond_budget(self, tensors: Iterable[int], threshold: int) -> bool:
        """Whether blocks below a threshold cannot pay all loads and some tensors that cross between two groups."""
        weights, toll = self._problem.multipliers, 0
        for tensor in tensors:
            export, imports = [], []
            for kind, costs in enumerate(self.kinds):
                is_free = costs.costs.is_overlap
                export.append(0 if is_free else weights[kind] * costs.leaving[tensor])
                imports.append(0 if is_free else weights[kind] * costs.transfer[tensor])
            readers = set().union(*map(self.kinds_of, self.consumers[tensor]))
            toll += min((export[kind] for kind in self.kinds_of(self.producer[tensor])), default=0)
            toll += min((imports[kind] for kind in readers), default=0)
        return toll > self._room * (threshold - 1) - self._total_weight

    def groups(self) -> list[int]:
        """Give all groups."""
        return [node for node, parent in enumerate(self._parent) if node == parent]

    def wants(self, group: int) -> set[int]:
        """Give the groups that must be in one block with a group."""
        return set().union(*self._groups_of.get(group, ())) - {group}

    def kinds_of(self, group: int) -> list[int]:
        """Give the kinds of the stages that may hold a group."""
        if self.allowed is None:
            return list(range(len(self.kinds)))
        may = self.allowed[group]
        return [kind for kind, stages in enumerate(self._problem.stages_of_kinds) if may & stages]

    def barred(self, kind: int) -> set[int]:
        """Give the groups that no stage of a kind may hold."""
        if self.allowed is None:
            return set()
        stages = self._problem.stages_of_kinds[kind]
        return {group for group, may in enumerate(self.allowed) if not may & stages and self._parent[group] == group}

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

    def stored(self, params: set[int], kind: int) -> int:
        """Give the ticks in which parameters of several nodes stream in."""
        return sum(self._problem.kinds[kind].stored[param] for param in params)

    def overflow(self, group: int, kind: int) -> int:
        """Give the least ticks of overflow of a block that holds a group."""
        params = self.kinds[kind].params[group] + self.stored(self.shared[group], kind)
        return self._problem.kinds[kind].overflow(params)

    def to_problem(self) -> Problem:
        """Give the problem whose nodes are the groups.

        Groups are numbered by the least of their nodes, tensors by the least that goes the same way; those add up.
        """
        number: dict[int, int] = {-1: -1}
        for node in range(len(self._parent)):
            number.setdefault(self.find(node), len(number) - 1)
        roots = list(number)[1:]
        problem = self._problem
        ways: dict[tuple[int, tuple[int, ...], bool], list[int]] = {}
        for tensor, readers in enumerate(self.consumers):
            producer = problem.producer[tensor]
            if readers or (producer >= 0 and self._is_out[tensor]):
                consumers = tuple(sorted(number[reader] for reader in readers))
                source = number[-1 if producer < 0 else self.find(producer)]
                ways.setdefault((source, consumers, self._is_out[tensor]), []).append(tensor)
        readers_of: list[list[int]] = [[] for _ in problem.param_readers]
        for group, root in enumerate(roots):
            for param in self.shared[root]:
                readers_of[param].append(group)
        wanted = [sorted(number[root] for root in group) for group in self._together if len(group) > 1]
        return dataclasses.replace(
            problem,
            kinds=[
                dataclasses.replace(
                    kind.costs,
                    work=[kind.work[root] for root in roots],
                    params=[kind.params[root] for root in roots],
                    transfer=[sum(kind.transfer[tensor] for tensor in tensors) for tensors in ways.values()],
                )
                for kind in self.kinds
            ],
            allowed=None if self.allowed is None else [self.allowed[root] for root in roots],
            together=wanted,
            param_bytes=[self.size[root] - self.state[root] for root in roots],
            state_bytes=[self.state[root] for root in roots],
            live_bytes=[self.live[root] for root in roots],
            param_readers=readers_of,
            producer=[producer for producer, _, _ in ways],
            consumers=[list(consumers) for _, consumers, _ in ways],
            is_output=[is_output for _, _, is_output in ways],
        )
