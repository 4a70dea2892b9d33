"""Which nodes of a graph each kernel of an optimized model covers.

onnxruntime fuses nodes, changes layouts and names what it makes.  A value of the optimized model is one of the graph
when it has its name; when the node that makes it has the number of a node of the graph for its name, and its operator;
or the name of the value with a suffix of the blocked layout.  Reordering a value changes the layout, not the value.
A blocked convolution that adds another value has the name of what it would make without.  What is left between such
values is one kernel: it covers the nodes of the graph that lead to what it makes, back to values that exist.  A node
that two kernels lead back to, or none, goes to the last kernel that makes what it reads: all that depends on it runs
later, so the kernels stay in an order.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from onnx import GraphProto, NodeProto

from slicegraph.formats.onnx.nodes import attribute, read_names
from slicegraph.stages.onnx.events import CONSTANT

_BLOCKED: Final = re.compile(r"(.+?)(?:_bn|_mul)?_nchwc(?:_token_[0-9]+)?", re.DOTALL)
_INTO: Final = "ReorderInput"
_OUT_OF: Final = "ReorderOutput"
_ACTIVATIONS: Final = ("Relu", "Clip", "LeakyRelu", "Sigmoid", "Tanh", "HardSigmoid")
_SUM: Final = 3  # the input of a blocked convolution that it adds


@dataclass(frozen=True, kw_only=True, slots=True)
class Kernels:
    """The kernels of an optimized model.

    Attributes
    ----------
    of_node
        The kernel of each node of the graph: numbers from 0 on, in the order of their first nodes.
    of_run
        The kernel of each node of the optimized model, by its place; what belongs to no node of the graph is not here.
    idle
        Nodes of the graph that no kernel covers: they read nothing that a kernel makes, and are not computed.
    """

    of_node: Sequence[int]
    of_run: Mapping[int, int]
    idle: Sequence[int]


def find_kernels(nodes: Sequence[NodeProto], optimized: GraphProto) -> Kernels:
    """Match an optimized model with the nodes of a graph, which were named by their numbers.

    Notes
    -----
    O(values and reads of both).
    """
    return _Matcher(nodes, optimized).kernels()


class _Matcher:
    """Finds the values that both models have, joins what lies between, and gives layout changes to their readers."""

    def __init__(self, nodes: Sequence[NodeProto], optimized: GraphProto) -> None:
        self._nodes = nodes
        self._places = [place for place, node in enumerate(optimized.node) if node.name != CONSTANT]
        self._run = [optimized.node[place] for place in self._places]
        self._maker = {name: index for index, node in enumerate(nodes) for name in node.output if name}
        self._reading: dict[str, list[int]] = defaultdict(list)
        for index, node in enumerate(nodes):
            for name in read_names(node):
                self._reading[name].append(index)
        self._value = self._values(info.name for info in optimized.input)
        self._is_helper = [self._changes_layout(node) for node in self._run]
        self._readers: dict[str, list[int]] = defaultdict(list)
        for index, node in enumerate(self._run):
            for name in read_names(node):
                self._readers[name].append(index)
        self._parent = list(range(len(self._run)))

    def kernels(self) -> Kernels:
        for index, node in enumerate(self._run):
            for name in node.output:
                if name and name not in self._value:
                    for reader in self._readers[name]:
                        self._join(index, reader)
        anchors = self._anchors()
        covered = self._covered(anchors)
        number: dict[int, int] = {}
        of_node, idle, last = [], [], 0
        for node in range(len(self._nodes)):
            root = covered.get(node)
            if root is None:
                idle.append(node)
            if root is None or root not in number:
                kernel, last = last, last + 1
                if root is not None:
                    number[root] = kernel
            else:
                kernel = number[root]
            of_node.append(kernel)
        of_run = {
            place: number[root] for place, root in zip(self._places, self._owners(), strict=True) if root in number
        }
        return Kernels(of_node=of_node, of_run=of_run, idle=idle)

    def _values(self, inputs: Iterable[str]) -> dict[str, str]:
        """Give the values of the graph that values of the optimized model are, by name."""
        value = {name: name for name in inputs}
        for node in self._run:
            for position, name in enumerate(node.output):
                if name in self._maker:
                    value[name] = name
                elif found := self._original(node, position):
                    value[name] = self._summed(node, found, value)
            if node.op_type == _INTO and node.input[0] in value:
                value[node.output[0]] = value[node.input[0]]
        for node in reversed(self._run):
            if node.op_type == _OUT_OF and node.output[0] in value:
                value.setdefault(node.input[0], value[node.output[0]])
        return value

    def _original(self, node: NodeProto, position: int) -> str | None:
        """Find what an output without a name of the graph is, by the name of its node."""
        if node.name.isdecimal() and int(node.name) < len(self._nodes):
            same = self._nodes[int(node.name)]
            is_same = same.op_type == node.op_type and position < len(same.output)
            return (same.output[position] or None) if is_same else None
        match = _BLOCKED.fullmatch(node.name)
        if match is None or position:
            return None
        whole = node.name.partition("_nchwc")[0]
        return next((name for name in (whole, match[1]) if name in self._maker), None)

    def _summed(self, node: NodeProto, name: str, value: Mapping[str, str]) -> str:
        """Give what a blocked convolution makes, when it adds another value to what it is named after."""
        added = value.get(node.input[_SUM]) if len(node.input) > _SUM else None
        if added is None:
            return name
        for op_types in (("Add", "Sum"), _ACTIVATIONS if attribute(node, "activation") else ()):
            following = [self._nodes[index] for index in self._reading[name]]
            if len(following) == 1 and following[0].op_type in op_types:
                name = following[0].output[0]
        return name

    def _changes_layout(self, node: NodeProto) -> bool:
        read = {self._value.get(name) for name in node.input if name}
        return bool(node.output) and all(
            name in self._value and self._value[name] in read for name in node.output if name
        )

    def _find(self, index: int) -> int:
        while self._parent[index] != index:
            self._parent[index] = self._parent[self._parent[index]]
            index = self._parent[index]
        return index

    def _join(self, one: int, other: int) -> None:
        self._parent[self._find(one)] = self._find(other)

    def _anchors(self) -> dict[int, int]:
        """Give the kernel of each node of the graph whose values exist; those that make values of one node are one."""
        anchors: dict[int, int] = {}
        for index, node in enumerate(self._run):
            if self._is_helper[index]:
                continue
            for name in node.output:
                maker = self._maker.get(self._value.get(name, ""))
                if maker is not None:
                    self._join(anchors.setdefault(maker, index), index)
        return {maker: self._find(index) for maker, index in anchors.items()}

    def _covered(self, anchors: Mapping[int, int]) -> dict[int, int]:
        """Give the kernel of each node that exactly one kernel leads back to."""
        reached: dict[int, set[int]] = {node: {root} for node, root in anchors.items()}
        waiting = list(anchors.items())
        while waiting:
            node, root = waiting.pop()
            for name in read_names(self._nodes[node]):
                before = self._maker.get(name)
                if before is not None and before not in anchors and root not in reached.setdefault(before, set()):
                    reached[before].add(root)
                    waiting.append((before, root))
        covered = {node: next(iter(roots)) for node, roots in reached.items() if len(roots) == 1}
        place = {self._find(index): index for index in range(len(self._run))}
        for node, proto in enumerate(self._nodes):
            made = [self._maker.get(name, -1) for name in read_names(proto)]
            roots_before = [(place[covered[maker]], covered[maker]) for maker in made if maker in covered]
            if node not in covered and roots_before:
                covered[node] = max(roots_before)[1]
        return covered

    def _owners(self) -> list[int]:
        """Give the kernel of each node that runs: a change of layout is its first reader's, else its maker's."""
        makers = {name: index for index, node in enumerate(self._run) for name in node.output}
        owners: list[int] = []
        for index in range(len(self._run)):
            seen, at = {index}, index
            while self._is_helper[at]:
                readers = (reader for name in self._run[at].output for reader in self._readers[name])
                following = next((reader for reader in readers if reader not in seen), None)
                if following is None:
                    following = makers.get(next(name for name in self._run[at].input if name), at)
                if following in seen:
                    break
                seen.add(following)
                at = following
            owners.append(self._find(at))
        return owners
