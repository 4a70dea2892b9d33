"""A tree of cases, as certificates keep it: its steps in bytes, as ``rust/checker/src/tree_log.rs`` reads them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from slicegraph.certificate.compiled import leb128

ROWS = ("order", "before", "export", "import", "cost", "overflow", "weight", "least", "most", "incompatible")
"""Kinds of rows that can be added up."""
CUT, WEIGH, LEVELS, LABELS, SWAP = (bytes([tag]) for tag in (1, 2, 3, 7, 8))
"""Windows narrow by cuts; weights rise; nothing is left by levels, by labels; the case after the next is next."""
_END, _NODE, _WEIGHT, _ROWS = 0, 4, 5, 6
_TREE = 9
_READER = {"export": 1, "import": 1}
"""The place of what is counted from 1, with 0 for the one that runs the model."""


def by_node(node: int, block: int) -> bytes:
    """Two cases: a node is in none of the blocks after so many, which comes next, or in one of these."""
    return _bytes((_NODE, node, block))


def by_weight(blocks: int, ticks: int) -> bytes:
    """Two cases: so many first blocks weigh more than some ticks, which comes next, or no more."""
    return _bytes((_WEIGHT, blocks, ticks))


def by_rows(spans: Sequence[int], unit: int, rows: Iterable[Sequence[str | int]]) -> bytes:
    """Nothing is left of the next case, by a sum of rows ``(kind, *arguments, multiplier)``."""
    listed = list(rows)
    numbers = [_ROWS, len(spans), *spans, unit, len(listed)]
    for kind, *arguments in listed:
        whole = [int(argument) for argument in arguments]
        if kind in _READER:
            whole[_READER[str(kind)]] += 1
        numbers += [ROWS.index(str(kind)), *whole]
    return _bytes(numbers)


def as_hints(steps: bytes) -> bytes:
    """Give the section of a log that says how a threshold is proven."""
    return bytes([_TREE]) + steps + bytes([_END])


def _bytes(numbers: Iterable[int]) -> bytes:
    return b"".join(map(leb128, numbers))
