"""Sections of a log: what is read, and that the compiled checker reads and refuses the same bytes."""

from __future__ import annotations

from random import Random

import pytest

from certificate.test_compiled import OPTIMUM, WORDS
from certificate.test_forged_logs import NUM_NODES, log
from slicegraph import _core
from slicegraph.certificate.compiled import leb128
from slicegraph.certificate.log import (
    Bisection,
    Branch,
    Cuts,
    ExpensiveNode,
    Labels,
    Levels,
    Open,
    Packing,
    Pairs,
    Raised,
    Rows,
    Split,
    Step,
    Tree,
    read_sections,
)
from slicegraph.certificate.structure import PlacedError

HEADER = log(0, OPTIMUM, 1, 0)
SECTIONS: list[tuple[list[int], object]] = [
    ([0], Open()),
    ([2, 5, 2, 3, 0], Cuts(2, is_last=True, nodes=[3, 0])),
    ([2, 4, 1, 6], Cuts(2, is_last=False, nodes=[6])),
    ([4, 1, 0, 300], Pairs([(0, 300)])),
    ([5, 1, 6, 4096], Raised([(6, 4096)])),
    ([6, 1, 2], Split(1, 2)),
    ([7], Levels()),
    ([8, 0], Labels(0)),
    ([8, 1], Labels(1)),
    ([8, 2, 2, 1, 0], Labels(2, [1, 0])),
    ([9, 1, 4, 3, 2, 5, 1, 700, 2, 3, 7, 8, 0], None),
    ([9, 6, 2, 1, 2, 9, 2, 1, 0, 1, 1, 5, 4, 0, 6, 0], None),
    ([10, 2], ExpensiveNode(2)),
    ([11, 6, 0, 512, 0, 1024], Bisection([Branch(None, 2, is_second=True), Branch(512), Branch(1024)])),
    ([12, 2, 4, 5, 2, 1, 0, 2, 7, 2], Packing([4, 5], [[0], [7, 2]])),
]


def data_of(numbers: list[int]) -> bytes:
    return b"".join(map(leb128, numbers))


def test_sections_are_read() -> None:
    for numbers, section in SECTIONS:
        (found,) = read_sections(data_of(numbers))
        assert section is None or found == section


def test_facts_about_nothing_are_passed_over() -> None:
    for numbers in ([2, 5, 0], [4, 0], [5, 0]):
        assert read_sections(data_of([*numbers, 7])) == [Levels()]
        assert expect_the_same(data_of([*numbers, 7]))


def test_trees_are_read() -> None:
    steps = [Step("cut"), Step("node", [3, 2]), Step("weight", [1, 700]), Step("weigh"), Step("levels")]
    numbers = [9, 1, 4, 3, 2, 5, 1, 700, 2, 3, 7, 8, 0]
    expected = Tree([Step(step.name, list(step.numbers)) for step in [*steps, Step("labels"), Step("swap")]])
    assert read_sections(data_of(numbers)) == [expected]
    rows = Rows([1, 2], 9, [("before", [0, 1, 1], 5), ("cost", [0], 6)])
    assert read_sections(data_of([9, 6, 2, 1, 2, 9, 2, 1, 0, 1, 1, 5, 4, 0, 6, 0])) == [Tree([rows])]


def expect_the_same(data: bytes) -> bool:
    """Whether both checkers read some bytes; what is refused is so for the same reason."""
    verdict, reason = _core.prove_again(WORDS, HEADER + data, 0)[:2]
    if verdict == "malformed":
        with pytest.raises(PlacedError) as refusal:
            read_sections(data)
        assert (refusal.value.args[0], refusal.value.verdict) == (reason, "malformed"), data
    else:
        read_sections(data)
    return verdict == "budget"


def test_both_checkers_refuse_the_same_bytes() -> None:
    """Sections one after the other, with bytes changed, left out and doubled."""
    random = Random(0)  # noqa: S311 - no secret
    num_read = 0
    for _ in range(20_000):
        data = b"".join(data_of(random.choice(SECTIONS)[0]) for _ in range(random.randrange(4)))
        for _ in range(random.randrange(3)):
            place = random.randrange(len(data) + 1)
            middle = random.choice([b"", bytes([random.randrange(256)]), data[place : place + 2] * 2])
            data = data[:place] + middle + data[place + random.randrange(2) :]
        num_read += expect_the_same(data)
    assert 2_000 < num_read < 18_000


@pytest.mark.parametrize(
    "data",
    [
        b"\xff" * 1000,
        b"\x0a" + b"\xff" * 9 + b"\x01",
        b"\x0a" + b"\xff" * 9 + b"\x02",
        b"\x0a" + b"\x80" * 9 + b"\x00",
        b"\x0a" + b"\x80" * 10 + b"\x00",
        bytes([6, 0, 1] * 127 + [0] * 128),
        bytes([6, 0, 1] * 128 + [0] * 129),
        bytes([6, 0, 1] * 127 + [0] * 129),
        bytes([6, 0, 1, 0] * 1000),
        data_of([5, 1, 0, 2**52]),
        data_of([5, 1, 0, 2**52 + 1]),
        data_of([2, 2, 2**63]),
        data_of([4, 2, 0, NUM_NODES, 1]),
        data_of([1, 0]),
        data_of([3, 0]),
        data_of([13]),
    ],
)
def test_limits_are_the_same(data: bytes) -> None:
    expect_the_same(data)
