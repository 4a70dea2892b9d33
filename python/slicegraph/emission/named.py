"""A plan as forms see it: the names of nodes in the model's order, and their stages."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from slicegraph.errors import InputError
from slicegraph.formats.plan import named_stages
from slicegraph.grain import module_parts
from slicegraph.graph import Graph
from slicegraph.machine import MAX_BLOCKS


class CannotSayError(InputError):
    """A form has no words for a plan.

    Attributes
    ----------
    nearest
        The stage of each node in the nearest plan that it has words for; None: there is none.
    """

    def __init__(self, reason: str, nearest: Sequence[int] | None = None) -> None:
        super().__init__(reason)
        self.nearest = nearest


class NamedTensor(NamedTuple):
    """A tensor of the model, by its name.

    Attributes
    ----------
    name
        What it is called.
    producer, consumers
        Nodes; -1: a model input.
    is_output
        The model returns it.
    """

    name: str
    producer: int
    consumers: tuple[int, ...] = ()
    is_output: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedPlan:
    """The nodes of a plan, in an order in which what is read is made before.

    Attributes
    ----------
    names, stages
        Of each node.
    tensors
        Of the model; None: it is not given.
    """

    names: tuple[str, ...]
    stages: tuple[int, ...]
    tensors: tuple[NamedTensor, ...] | None = None

    @property
    def num_stages(self) -> int:
        """The number of stages, up to the last with a node."""
        return max(self.stages) + 1

    @property
    def modules(self) -> list[tuple[str, ...]]:
        """The path of each node's module, in parts."""
        return [module_parts(name) for name in self.names]

    def check_order(self) -> None:
        """Refuse a plan whose stages do not follow the order of the nodes.

        Raises
        ------
        CannotSayError
            With the plan that puts each node into the latest stage that was begun before it.
        """
        for node, (before, after) in enumerate(itertools.pairwise(self.stages), 1):
            if after < before:
                raise CannotSayError(
                    f"{self.names[node]!r:.80} is in stage {after}, but comes after a node of stage {before}",
                    tuple(itertools.accumulate(self.stages, max)),
                )

    def rounded(self, units: Sequence[Sequence[int]]) -> tuple[int, ...]:
        """Give the nearest plan in which each unit is whole: where most of its nodes are, but not before its elders.

        A node of no unit is where the latest unit or node before it is; those before all units are in the first stage,
        and those after in the last.
        """
        of = {node: index for index, unit in enumerate(units) for node in unit}
        home: list[int] = []
        for unit in units:
            stages = [self.stages[node] for node in unit]
            most = max(sorted(set(stages)), key=stages.count)
            home.append(max([most, *home[-1:]]))
        first, last = min(of, default=0), max(of, default=0)
        found: list[int] = []
        for node in range(len(self.names)):
            if node in of:
                found.append(home[of[node]])
            elif node < first:
                found.append(0)
            elif node > last:
                found.append(max(self.stages))
            else:
                found.append(found[-1])
        return tuple(found)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stack:
    """The repeated layers of a network of one stack, all whole, with what comes before in the first stage.

    Attributes
    ----------
    counts
        Layers in each stage.
    """

    counts: tuple[int, ...]


def stack(plan: NamedPlan) -> Stack:
    """Count the layers of each stage, for runtimes that begin with what is before them and end with what is after.

    Raises
    ------
    CannotSayError
        The network has no layers, or several stacks of them; a layer is cut, stages do not follow the layers, or what
        comes before or after them is not in the first and the last stage.
    """
    units = layers(plan)
    stems = {name[:-1] for name in units}
    if not units:
        raise CannotSayError("no node is named by a numbered module with siblings, as layers.0, layers.1")
    if len(stems) > 1:
        told = " and ".join(sorted(".".join(stem) or "the numbered modules" for stem in stems)[:2])
        raise CannotSayError(f"there are several stacks of layers, {told}, but it counts those of one")
    nearest = plan.rounded(list(units.values()))
    for node, (stage, wanted) in enumerate(zip(plan.stages, nearest, strict=True)):
        if stage != wanted:
            raise CannotSayError(
                f"{plan.names[node]!r:.80} is in stage {stage}, where whole layers in order would have it in {wanted}",
                nearest,
            )
    homes = Counter(plan.stages[unit[0]] for unit in units.values())
    return Stack(counts=tuple(homes[stage] for stage in range(plan.num_stages)))


def layers(plan: NamedPlan) -> dict[tuple[str, ...], list[int]]:
    """Give the nodes of each numbered module with siblings, by its path, in the order of first nodes."""
    paths = plan.modules
    siblings: dict[tuple[str, ...], set[str]] = {}
    for parts in paths:
        for depth, part in enumerate(parts):
            if part.isdigit():
                siblings.setdefault(parts[:depth], set()).add(part)
    found: dict[tuple[str, ...], list[int]] = {}
    for node, parts in enumerate(paths):
        for depth, part in enumerate(parts):
            if part.isdigit() and len(siblings[parts[:depth]]) > 1:
                found.setdefault(parts[: depth + 1], []).append(node)
                break
    return found


def named_plan(document: Mapping[str, Any], graph: Graph | None = None) -> NamedPlan:
    """Read names and stages of a plan's document; its graph, if it is given, tells the model's tensors.

    Raises
    ------
    InputError
        When the plan has no names or no partition, or is of another graph.
    """
    names, stages = named_stages(document)
    if (last := max(stages)) >= MAX_BLOCKS:
        raise InputError(f"{names[stages.index(last)]!r:.80} is in stage {last}, but stages are from 0 to 2^20 - 1")
    tensors = None if graph is None else _tensors(graph, names)
    return NamedPlan(names=tuple(names), stages=tuple(stages), tensors=tensors)


def _tensors(graph: Graph, names: Sequence[str]) -> tuple[NamedTensor, ...]:
    arrays = graph.arrays
    if list(arrays.node_name or ()) != list(names):
        raise InputError("it is a plan of another graph than --model: nodes have other names")
    if arrays.tensor_name is None:
        return ()
    ends = arrays.consumer_offsets.tolist()
    consumers = arrays.consumers.tolist()
    is_output = [False] * graph.num_tensors if arrays.is_output is None else arrays.is_output.tolist()
    return tuple(
        NamedTensor(name, producer, tuple(consumers[ends[index] : ends[index + 1]]), is_output[index])
        for index, (name, producer) in enumerate(zip(arrays.tensor_name, arrays.producer.tolist(), strict=True))
    )


def children(plan: NamedPlan) -> dict[tuple[str, ...], list[int]]:
    """Give the nodes of each child of the model, or of each numbered child of such a one, in the order of first nodes.

    Raises
    ------
    CannotSayError
        There are none.
    """
    units: dict[tuple[str, ...], list[int]] = {}
    for node, parts in enumerate(plan.modules):
        if parts:
            units.setdefault(parts[:2] if parts[1:2] and parts[1].isdigit() else parts[:1], []).append(node)
    if not units:
        raise CannotSayError("no node is named by a module")
    return units


def modules_of_stages(plan: NamedPlan, units: Mapping[tuple[str, ...], Sequence[int]]) -> Iterator[tuple[str, int]]:
    """Give the path of each module and its stage.

    Raises
    ------
    CannotSayError
        A module is in two stages.
    """
    for path, nodes in units.items():
        stages = {plan.stages[node] for node in nodes}
        if len(stages) > 1:
            first, *_, last = sorted(stages)
            reason = f"module {'.'.join(path)} is cut: it has nodes in stages {first} and {last}"
            raise CannotSayError(reason, plan.rounded(list(units.values())))
        yield ".".join(path), stages.pop()
