"""The structure of a certificate's document: one table of shapes, checked before any field is used."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from slicegraph.certificate.model import FORMAT, UNLIKE_FORMAT
from slicegraph.errors import CertificateError
from slicegraph.rates import KEYS

_TYPE_NAMES = {
    bool: "a boolean",
    int: "an integer",
    float: "a float",
    str: "a string",
    list: "a list",
    dict: "an object",
}

_MAX_BLOCKS = 2**20
_MAX_KINDS = 64
_HEX_DIGITS = frozenset("0123456789abcdef")
# Fields of each kind of row, with its name and its multiplier.
_ROW_LENGTHS = {"order": 4, "before": 5, "export": 5, "import": 5, "cost": 3, "overflow": 3, "demand": 2}
_UNLIKE_ROW_LENGTHS = {**_ROW_LENGTHS, "io": 3, "stored": 5, "nowhere": 3}
_METHODS = ("combinatorial", "exact", "bottleneck", "bottleneck_guess", "downsets", "node", "chain")
_RULES = ("pull", "push", "together", "cycle", "given")

_Shape = Callable[[Any], None]


class PlacedError(CertificateError):
    """A rule does not hold; the place is put together on the way out."""

    def __init__(self, rule: str, *, verdict: str = "refuted") -> None:
        super().__init__(rule, verdict=verdict)
        self._place = ""

    def within(self, *parts: str | int) -> None:
        """Say of what the place so far is a part."""
        path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
        self._place = path + self._place

    def __str__(self) -> str:
        return f"{self._place.removeprefix('.') or 'document'}: {self.args[0]}"


@contextmanager
def within(*parts: str | int) -> Iterator[None]:
    """Name the place of whatever rule is broken inside."""
    try:
        yield
    except PlacedError as error:
        error.within(*parts)
        raise


def expect(is_true: bool, rule: str) -> None:  # noqa: FBT001 - reads as a sentence
    """Refuse unless the rule holds."""
    if not is_true:
        raise PlacedError(rule)


def expect_form(is_true: bool, rule: str) -> None:  # noqa: FBT001 - reads as a sentence
    """Refuse as malformed unless the rule holds."""
    if not is_true:
        raise PlacedError(rule, verdict="malformed")


def expect_equal(place: str, given: object, found: object) -> None:
    """Refuse unless the document's value is the one that was found."""
    with within(place):
        expect(given == found, f"{given!r} is claimed, but it is {found!r}")


def check_structure(document: object) -> None:
    """Refuse a document with a missing key, an unknown one, a wrong type, or a number that is out of any range.

    Lengths and indices that depend on the graph are looked at where they are used.

    Raises
    ------
    PlacedError
        Naming the place and the rule.
    """
    if not isinstance(document, dict) or document.get("format") != UNLIKE_FORMAT:
        _DOCUMENT(document)
    elif document.get("order") == "any":
        _ANY_ORDER(document)
    else:
        _UNLIKE(document)


def _typed(kind: type) -> _Shape:
    def check(value: object) -> None:
        if type(value) is not kind:
            raise PlacedError(f"{_spell(value)} is not {_TYPE_NAMES[kind]}")

    return check


def _integer(low: int, high: int | None) -> _Shape:
    def check(value: object) -> None:
        if type(value) is not int:
            raise PlacedError(f"{_spell(value)} is not an integer")
        if value < low:
            raise PlacedError(f"{_spell(value)} is below {low}")
        if high is not None and value > high:
            raise PlacedError(f"{_spell(value)} is above {high}")

    return check


def _float(value: object) -> None:
    if type(value) is not float or not math.isfinite(value):
        raise PlacedError(f"{_spell(value)} is not a finite float")


def _positive(value: object) -> None:
    _float(value)
    if not value > 0.0:  # type: ignore[operator] # it is a float
        raise PlacedError(f"{value} is not positive")


def _rates(value: object) -> None:
    if type(value) is not dict:
        _positive(value)
        return
    expect(bool(value), "a table of no rate")
    _record({}, dict.fromkeys(KEYS, _positive))(value)


def _name(value: object) -> None:
    if type(value) is not str or not value:
        raise PlacedError(f"{_spell(value)} is not a name")


def _word(*words: str) -> _Shape:
    def check(value: object) -> None:
        if type(value) is not str or value not in words:
            raise PlacedError(f"{_spell(value)} is not {' or '.join(words)}")

    return check


def _digest(value: object) -> None:
    if type(value) is not str or len(value) != 64 or not _HEX_DIGITS.issuperset(value):  # noqa: PLR2004 - SHA-256
        raise PlacedError(f"{_spell(value)} is not 64 hexadecimal digits in lower case")


def _option(value: object) -> None:
    if type(value) is float:
        _float(value)
    elif type(value) not in (bool, int, str):
        raise PlacedError(f"{_spell(value)} is not a boolean, a number or a string")


def _row(lengths: Mapping[str, int]) -> _Shape:
    def check(value: object) -> None:
        if type(value) is not list or not value or type(value[0]) is not str:
            raise PlacedError("not a list that begins with a kind of row")
        kind, *numbers = value
        if kind not in lengths:
            raise PlacedError(f"{_spell(kind)} is no kind of row")
        if len(value) != lengths[kind]:
            raise PlacedError(f"{len(value)} entries, but {kind!r} has {lengths[kind]}")
        for number in numbers:
            if type(number) is not int:
                raise PlacedError(f"{_spell(number)} is not an integer")
        if numbers[-1] < 1:
            raise PlacedError(f"multiplier {_spell(numbers[-1])} is below 1")

    return check


def _merge(value: object) -> None:
    if type(value) is not list or len(value) != 3 or type(value[0]) is not str:  # noqa: PLR2004 - a rule, two nodes
        raise PlacedError("not a rule and two nodes")
    _word(*_RULES)(value[0])
    for node in value[1:]:
        _COUNT(node)


def _spell(value: object) -> str:
    """Spell a value of any size and depth in a part of a line."""
    if type(value) is int and abs(value) >= 10**30:
        return "an integer of more than 30 digits"
    return reprlib.repr(value)


def _nullable(shape: _Shape) -> _Shape:
    def check(value: object) -> None:
        if value is not None:
            shape(value)

    return check


def _items(shape: _Shape) -> _Shape:
    is_list = _typed(list)

    def check(value: Any) -> None:  # noqa: ANN401 - checked here
        is_list(value)
        index = 0
        try:
            for index, item in enumerate(value):  # noqa: B007 - names the place
                shape(item)
        except PlacedError as error:
            error.within(index)
            raise

    return check


def _pair(first: _Shape, second: _Shape) -> _Shape:
    is_list = _typed(list)

    def check(value: Any) -> None:  # noqa: ANN401 - checked here
        is_list(value)
        expect(len(value) == 2, f"{len(value)} entries, but a pair has two")  # noqa: PLR2004 - a pair
        for index, (item, shape) in enumerate(zip(value, (first, second), strict=True)):
            with within(index):
                shape(item)

    return check


def _mapping(shape: _Shape) -> _Shape:
    is_object = _typed(dict)

    def check(value: Any) -> None:  # noqa: ANN401 - checked here
        is_object(value)
        for key, item in value.items():
            expect(type(key) is str, f"the key {_spell(key)} is not a string")
            with within(key if key.isidentifier() else _spell(key)):
                shape(item)

    return check


def _record(required: Mapping[str, _Shape], optional: Mapping[str, _Shape] | None = None) -> _Shape:
    is_object = _typed(dict)
    shapes = {**required, **(optional or {})}

    def check(value: Any) -> None:  # noqa: ANN401 - checked here
        is_object(value)
        for key in required:
            if key not in value:
                raise PlacedError(f"the key {key!r} is missing")
        for key, item in value.items():
            if key not in shapes:
                raise PlacedError(f"the key {_spell(key)} is unknown")
            try:
                shapes[key](item)
            except PlacedError as error:
                error.within(key)
                raise

    return check


# Bytes and counts are exact in a float; all costs add up to less than 2^52 ticks.
_COUNT, _TICKS = _integer(0, 2**53), _integer(0, 2**52)
# What they are, is seen where they are used.
_HINTS = _typed(str)
_TESTIMONY = _record({"status": _typed(str), "dual_bound": _float, "lower_bound": _TICKS})


def _bound(lengths: Mapping[str, int], optional: Mapping[str, _Shape]) -> _Shape:
    """Give the shape of a bound whose proofs have rows of these lengths, and whose relaxations may say more."""
    proof = _record({"unit": _integer(1, None), "rows": _items(_row(lengths)), "lower_bound": _TICKS})
    relaxation = _record(
        {
            "spans": _items(_nullable(_integer(1, _MAX_BLOCKS))),
            "demand": _nullable(_integer(0, _MAX_BLOCKS)),
            "threshold": _nullable(_TICKS),
            "proof": _nullable(proof),
            "solver": _nullable(_TESTIMONY),
        },
        optional,
    )
    return _record(
        {
            "method": _word(*_METHODS),
            "lower_bound": _TICKS,
            "relaxations": _items(relaxation),
            "reduction": _nullable(_record({"threshold": _TICKS, "merges": _items(_merge)})),
            "downsets": _nullable(_record({"threshold": _TICKS}, {"hints": _HINTS})),
            "node": _nullable(_record({"node": _COUNT, "lower_bound": _TICKS})),
            "chain": _nullable(_record({"threshold": _TICKS})),
        }
    )


_UNLIKE_BOUND = _bound(_UNLIKE_ROW_LENGTHS, {"kind": _integer(0, _MAX_KINDS - 1)})
_WITNESS: Mapping[str, _Shape] = {
    "block_of": _items(_integer(0, _MAX_BLOCKS)),
    "block_costs": _items(_record(dict.fromkeys(("work", "io_in", "io_out", "overflow", "cost"), _TICKS))),
    "bottleneck": _TICKS,
}
_FIGURES: Mapping[str, _Shape] = {
    "flops": _rates,
    **dict.fromkeys(("work", "transfer"), _name),
    **dict.fromkeys(("memory_bandwidth", "overflow_bandwidth", "latency"), _positive),
    **dict.fromkeys(("memory", "memory_limit"), _COUNT),
}
_COMMON: Mapping[str, _Shape] = {
    "graph": _record({"name": _typed(str), "num_nodes": _integer(1, 2**53), "num_tensors": _COUNT, "digest": _digest}),
    "boundary_io": _typed(bool),
    "num_blocks": _integer(1, _MAX_BLOCKS),
    "tick": _positive,
    "instance": _digest,
    "lower_bound": _TICKS,
    "solver": _nullable(
        _record({"name": _typed(str), "version": _typed(str), "options": _items(_mapping(_option))}),
    ),
    "seal": _digest,
}
_DOCUMENT = _record(
    {
        "format": _word(FORMAT),
        "device": _record({"bandwidth": _positive}, _FIGURES),
        "witness": _nullable(_record(_WITNESS)),
        "bounds": _items(_bound(_ROW_LENGTHS, {})),
        **_COMMON,
    }
)
_KIND_OF = _items(_integer(0, _MAX_KINDS - 1))
_STAGE = _integer(0, _MAX_BLOCKS - 1)
_ASKED: Mapping[str, _Shape] = {
    "format": _word(UNLIKE_FORMAT),
    "devices": _items(_record({"bandwidth": _positive}, {**_FIGURES, "overlap": _typed(bool)})),
    "kind_of": _KIND_OF,
    "stages": _items(_pair(_COUNT, _items(_STAGE))),
    "together": _items(_items(_COUNT)),
    "multipliers": _items(_integer(1, 2**32)),
    "bounds": _items(_UNLIKE_BOUND),
    **_COMMON,
}
_LINKS: Mapping[str, _Shape] = {"adjacent": _typed(bool)}
_UNLIKE = _record({**_ASKED, "order": _word("given"), "witness": _nullable(_record(_WITNESS))}, _LINKS)
_ANY_ORDER = _record(
    {
        **_ASKED,
        "order": _word("any"),
        "witness": _nullable(_record({**_WITNESS, "kind_of": _KIND_OF})),
        "arrangements": _items(_record({"kind_of": _KIND_OF, "lower_bound": _TICKS, "bounds": _items(_UNLIKE_BOUND)})),
    },
    _LINKS,
)
