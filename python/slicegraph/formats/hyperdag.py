"""Computational DAGs of HyperDAG_DB, in version 1 of its format.

Described in FileFormat_README.md of https://github.com/Algebraic-Programming/HyperDAG_DB (Papp, Anegg, Yzelman,
"DAG Scheduling in the BSP Model", 2023). A line of M, N and P stands before M hyperedges, N nodes and P pins::

    % a comment
    1 2 2
    0 8
    0 5
    1 3
    0 0
    0 1

A hyperedge is a tensor: its weight is its bytes, the first of its pins is the node that makes it, and the others read
it. A node's weight is its work, in seconds: give the device a bandwidth of one unit of the one for one of the other.
Where no line of a kind has a weight, all weigh 1; further numbers are passed over. A hyperedge of one pin is an output
of the model.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Final

from slicegraph.errors import InputError
from slicegraph.formats.arrays import GraphArrays
from slicegraph.formats.files import read_text
from slicegraph.formats.planner import Tensor, amount, graph_arrays, whole_bytes

_VERSION: Final = "HyperDAG file format v"
_MOST_DIGITS: Final = 18


def read(path: Path) -> GraphArrays:
    """Read a DAG, in O(its length).

    Raises
    ------
    InputError
        When it cannot be read, is not text, or breaks a rule of the format.
    """
    lines = _Lines(path)
    hyperedges, nodes, pins = lines.counts()
    size = [whole_bytes(f"{place}: weight", weight) for place, weight in lines.weights(hyperedges, "hyperedge")]
    work = [amount(f"{place}: weight", weight) for place, weight in lines.weights(nodes, "node")]
    members: list[dict[int, None]] = [{} for _ in range(hyperedges)]
    for _ in range(pins):
        place, (edge, node) = lines.numbers(2)
        if edge >= hyperedges or node >= nodes:
            raise InputError(
                f"{place}: pin {edge} {node}, but hyperedges are below {hyperedges} and nodes below {nodes}"
            )
        members[edge][node] = None
    for edge, found in enumerate(members):
        if not found:
            raise InputError(f"{path}: hyperedge {edge} has no pin, so no node makes it")
    tensors = [
        Tensor(producer, each, readers, is_output=not readers)
        for each, (producer, *readers) in zip(size, members, strict=True)
    ]
    return graph_arrays(
        path,
        op=[""] * nodes,
        node_name=[str(node) for node in range(nodes)],
        work=work,
        param_bytes=[0] * nodes,
        tensors=tensors,
    )


class _Lines:
    """The lines of a file, one by one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines = read_text(path).rstrip("\n").split("\n")
        self._next = 0

    def counts(self) -> tuple[int, int, int]:
        """Pass comments over, and give the numbers of hyperedges, nodes and pins."""
        while self._next < len(self._lines) and self._lines[self._next].startswith("%"):
            version = self._lines[self._next].lstrip("% ")
            if version.startswith(_VERSION) and version.removeprefix(_VERSION).strip() != "1":
                raise InputError(f"{self._path}: line {self._next + 1}: {version!r:.80}, but version 1 is read")
            self._next += 1
        place, (hyperedges, nodes, pins) = self.numbers(3)
        left = len(self._lines) - self._next
        if hyperedges + nodes + pins != left:
            raise InputError(f"{place}: {hyperedges} + {nodes} + {pins} lines are promised, but {left} follow")
        return hyperedges, nodes, pins

    def numbers(self, least: int) -> tuple[str, list[int]]:
        """Give the place of the next line, and its first numbers, so many."""
        place, numbers = self._line(least)
        return place, numbers[:least]

    def weights(self, count: int, kind: str) -> list[tuple[str, int]]:
        """Give the places and weights of the next lines, in the order of their indices."""
        found: list[tuple[str, int | None] | None] = [None] * count
        for _ in range(count):
            place, (index, *rest) = self._line(1)
            if index >= count or found[index] is not None:
                raise InputError(f"{place}: {kind} {index}, but each from 0 to {count - 1} has one line")
            found[index] = place, rest[0] if rest else None
        lines = [each for each in found if each is not None]
        has_weights = any(weight is not None for _, weight in lines)
        for place, weight in lines:
            if has_weights and weight is None:
                raise InputError(f"{place}: it has no weight, but others have")
        return [(place, 1 if weight is None else weight) for place, weight in lines]

    def _line(self, least: int) -> tuple[str, list[int]]:
        place = f"{self._path}: line {self._next + 1}"
        words = self._lines[self._next].partition("%")[0].split() if self._next < len(self._lines) else []
        self._next += 1
        numbers = [int(word) for word in itertools.takewhile(_is_number, words)]
        if len(numbers) < least <= len(words):
            raise InputError(f"{place}: {words[len(numbers)]!r:.80} is no whole number from 0 to 10^18")
        if len(numbers) < least:
            raise InputError(f"{place}: {least} numbers are asked for, but it has {len(numbers)}")
        return place, numbers


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= _MOST_DIGITS
