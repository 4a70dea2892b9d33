"""The log: the hints of a document, as sections of LEB128 numbers (seven bits per byte).

A section is a tag and its arguments; a list is its length and its members. ``rust/checker/src/log.rs`` lists all tags,
and both checkers accept the same bytes. A *scope* is a subset of the partitions below the threshold: its facts come
before its end, a split begins two scopes, and a scope that the bytes do not reach is open.

A section is not believed: it names where a rule applies, and the checker applies the rule there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn, TypeVar, final

from slicegraph.certificate.costs import CAPACITY
from slicegraph.certificate.structure import PlacedError

_MOST_OPEN = 128
"""Scopes that wait at a time."""
_BITS = 64
"""Of a number."""
_MORE = 0x80
"""The bit of a byte that says that more follow."""


@dataclass(frozen=True, slots=True)
class Cuts:
    """Nodes that are not in a block, the first of their windows or the last."""

    block: int
    is_last: bool
    nodes: Sequence[int]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Nodes that are incompatible, the one that comes first first."""

    pairs: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Raised:
    """Nodes that weigh more, each with a factor in parts of 4096."""

    claims: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Open:
    """Nothing more is said of a scope."""


@dataclass(frozen=True, slots=True)
class Split:
    """Two scopes follow: a node is in a later block than this one, or in none after it."""

    node: int
    block: int


@dataclass(frozen=True, slots=True)
class Levels:
    """A search of downsets."""


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels: by number (0), deep (1), or in an order that is given."""

    order: int
    nodes: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class ExpensiveNode:
    """Every block with a node costs the threshold."""

    node: int


@dataclass(frozen=True, slots=True)
class Branch:
    """A case of a bisection: divided by a node, which is in the second block first where it says so, or by a share."""

    share: int | None
    node: int = 0
    is_second: bool = False


@dataclass(frozen=True, slots=True)
class Bisection:
    """Two blocks, case by case."""

    branches: Sequence[Branch]


@dataclass(frozen=True, slots=True)
class Packing:
    """Weights of nodes, and by seed the cases: numbers as `slicegraph.certificate.packing` reads them."""

    weights: Sequence[int]
    cases: Sequence[Sequence[int]]


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a tree by its name, and what it is about."""

    name: str
    numbers: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Rows:
    """The step of a tree that adds rows up: blocks of each superblock, a unit, and rows with their multipliers."""

    spans: Sequence[int]
    unit: int
    rows: Sequence[tuple[str, Sequence[int], int]]


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree of cases."""

    steps: Sequence[Step | Rows]


Fact = Cuts | Pairs | Raised
End = Open | Split | Levels | Labels | ExpensiveNode | Bisection | Packing | Tree
_Member = TypeVar("_Member")

_STEPS = {1: ("cut", 0), 2: ("weigh", 0), 3: ("levels", 0), 4: ("node", 2), 5: ("weight", 2), 7: ("labels", 0)}
_STEPS |= {8: ("swap", 0)}
_ROWS = (
    ("order", 2),
    ("before", 3),
    ("export", 3),
    ("import", 3),
    ("cost", 1),
    ("overflow", 1),
    ("weight", 1),
    ("least", 1),
    ("most", 1),
    ("incompatible", 3),
)


def read_sections(data: bytes) -> list[Fact | End]:
    """Give the sections about the scope of all better partitions, a scope that is split before its parts.

    Facts about nothing are passed over.

    Raises
    ------
    PlacedError
        Of verdict ``"malformed"``, when they are none.
    """
    numbers = _Numbers(data)
    sections: list[Fact | End] = []
    num_open = 1
    while numbers.num_left:
        if not num_open:
            _refuse("bytes are left over")
        section = numbers.section()
        if not _is_empty(section):
            sections.append(section)
        if isinstance(section, Split):
            num_open += 1
        elif not isinstance(section, Fact):
            num_open -= 1
        if num_open > _MOST_OPEN:
            _refuse(f"more than {_MOST_OPEN} parts are open")
    return sections


def _is_empty(section: Fact | End) -> bool:
    """Whether it is a fact about nothing."""
    match section:
        case Cuts(nodes=members) | Pairs(members) | Raised(members):
            return not members
    return False


def _refuse(reason: str) -> NoReturn:
    raise PlacedError(reason, verdict="malformed")


@final
class _Numbers:
    """The numbers of some bytes, one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0
        self._sections: dict[int, Callable[[], Fact | End]] = {
            0: Open,
            2: self._cuts,
            4: lambda: Pairs(self._list(2, lambda: (self._next(), self._next()))),
            5: lambda: Raised(self._list(2, lambda: (self._next(), self._ticks()))),
            6: lambda: Split(self._next(), self._next()),
            7: Levels,
            8: self._labels,
            9: self._tree,
            10: lambda: ExpensiveNode(self._next()),
            11: self._bisection,
            12: lambda: Packing(self._list(1, self._next), self._list(1, lambda: self._list(1, self._next))),
        }

    @property
    def num_left(self) -> int:
        """Bytes."""
        return len(self._data) - self._at

    def section(self) -> Fact | End:
        """Read a section."""
        read = self._sections.get(self._next())
        return read() if read else _refuse("there is no such section")

    def _next(self) -> int:
        number = shift = 0
        while True:
            if not self.num_left:
                _refuse("the log ends too soon")
            byte = self._data[self._at]
            self._at += 1
            number |= (byte & ~_MORE) << shift
            if number >> _BITS or shift >= _BITS:
                _refuse("a number has more than 64 bits")
            if byte < _MORE:
                return number
            shift += 7

    def _ticks(self) -> int:
        number = self._next()
        return number if number <= CAPACITY else _refuse("a threshold is above 2^52 ticks")

    def _list(self, least: int, member: Callable[[], _Member]) -> list[_Member]:
        """Read a list whose members have so many bytes each, at least."""
        count = self._next()
        if count > self.num_left // least:
            _refuse("the log ends too soon")
        return [member() for _ in range(count)]

    def _cuts(self) -> Cuts:
        end = self._next()
        return Cuts(end // 2, end % 2 == 1, self._list(1, self._next))

    def _labels(self) -> Labels:
        order = self._next()
        if order > 2:  # noqa: PLR2004 - the last one
            _refuse("there is no such order")
        return Labels(order, self._list(1, self._next) if order > 1 else ())

    def _bisection(self) -> Bisection:
        branches: list[Branch] = []
        num_left = 1
        while num_left:
            number = self._next()
            if number:
                branches.append(Branch(None, (number - 1) // 2, number % 2 == 0))
                num_left += 1
            else:
                branches.append(Branch(self._next()))
                num_left -= 1
        return Bisection(branches)

    def _tree(self) -> Tree:
        steps: list[Step | Rows] = []
        while tag := self._next():
            if tag == 6:  # noqa: PLR2004 - rows
                steps.append(Rows(self._list(1, self._next), self._next(), self._list(3, self._row)))
                continue
            if tag not in _STEPS:
                _refuse("there is no such step")
            name, count = _STEPS[tag]
            steps.append(Step(name, [self._next() for _ in range(count)]))
        return Tree(steps)

    def _row(self) -> tuple[str, Sequence[int], int]:
        kind = self._next()
        if kind >= len(_ROWS):
            _refuse("there is no such row")
        name, count = _ROWS[kind]
        return name, [self._next() for _ in range(count)], self._next()
