"""What may be changed in place gives what copies give: both are run, with numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from slicegraph.formats.in_place import Placement, Use, in_place

_LENGTH = 4
Array = NDArray[np.int64]


@dataclass(frozen=True)
class _Step:
    """``make``: a new value of another; ``view``: a part of it; ``write``: a copy of one with another in a part."""

    kind: str
    value: int
    source: int
    start: int


def _written(base: Array, source: Array, start: int) -> None:
    part = base[start : start + len(source)]
    part[:] = source[: len(part)]


def _copies(steps: list[_Step], inputs: list[Array]) -> list[Array]:
    """Run a program as it is written: every write makes a copy."""
    values = [each.copy() for each in inputs]
    for step in steps:
        value = values[step.value]
        if step.kind == "make":
            values.append(value + 1)
        elif step.kind == "view":
            values.append(value[step.start : step.start + 2].copy())
        else:
            changed = value.copy()
            _written(changed, values[step.source], step.start)
            values.append(changed)
    return values


def _placed(steps: list[_Step], inputs: list[Array], found: dict[int, Placement]) -> list[Array]:
    """Run it with views that share memory, and with writes in place where that is said to be right."""
    values = [each.copy() for each in inputs]
    for index, step in enumerate(steps):
        value = values[step.value]
        if step.kind == "make":
            values.append(value + 1)
        elif step.kind == "view":
            values.append(value[step.start : step.start + 2])
        else:
            changed = value if index in found else value.copy()
            if found.get(index) is not Placement.WRITTEN_BACK:
                _written(changed, values[step.source].copy(), step.start)
            values.append(changed)
    return values


@st.composite
def _programs(draw: st.DrawFn) -> tuple[list[_Step], list[int], set[int], set[int]]:
    """Draw steps over two inputs and a parameter, what is returned, and which inputs are state or lent."""
    steps: list[_Step] = []
    lengths = [_LENGTH] * 3
    for _ in range(draw(st.integers(1, 9))):
        value, source = (draw(st.integers(max(0, len(lengths) - 5), len(lengths) - 1)) for _ in range(2))
        kind = draw(st.sampled_from(["make", "view", "view", "write", "write", "write"]))
        # Views of few places, so that parts meet.
        start = draw(st.sampled_from([0, 1]))
        steps.append(_Step(kind, value, source, start))
        lengths.append(min(2, max(0, lengths[value] - start)) if kind == "view" else lengths[value])
    returned = draw(st.lists(st.integers(0, len(lengths) - 1), min_size=1, max_size=3, unique=True))
    state = draw(st.sets(st.sampled_from([0, 1])))
    return steps, returned, state, {0, 1} - state


def _uses(steps: list[_Step], inputs: int) -> list[Use]:
    return [
        Use(
            reads=[step.value, step.source] if step.kind == "write" else [step.value],
            makes=[inputs + index],
            base=step.value if step.kind == "write" else None,
            is_view=step.kind == "view",
            region=step.start,
        )
        for index, step in enumerate(steps)
    ]


@settings(max_examples=400)
@given(_programs())
def test_what_is_returned_is_the_same(program: tuple[list[_Step], list[int], set[int], set[int]]) -> None:
    """Whatever is shared, changed and written back, every returned value is that of the program with copies."""
    steps, returned, state, lent = program
    inputs = [np.arange(_LENGTH, dtype=np.int64) + 10 * index for index in range(3)]
    found = in_place(_uses(steps, 3), returned, state=state, lent=lent)
    expected, actual = _copies(steps, inputs), _placed(steps, inputs, found)
    for value in returned:
        assert actual[value].tolist() == expected[value].tolist(), found


@given(_programs())
def test_a_parameter_is_never_changed(program: tuple[list[_Step], list[int], set[int], set[int]]) -> None:
    """The next run reads it again, and so it does an input that is not returned."""
    steps, returned, state, lent = program
    inputs = [np.arange(_LENGTH, dtype=np.int64) + 10 * index for index in range(3)]
    found = in_place(_uses(steps, 3), returned, state=state, lent=lent)
    after = _placed(steps, inputs, found)[2]
    assert after.tolist() == inputs[2].tolist()


def test_rows_of_a_cache_are_written_in_place() -> None:
    """State with one new row, and another, which is read afterwards; a change of a part of it is written back."""
    uses = [
        Use(reads=["cache", "row"], makes=["once"], base="cache"),
        Use(reads=["once", "row"], makes=["twice"], base="once"),
        Use(reads=["twice"], makes=["layer"], is_view=True, region=0),
        Use(reads=["layer", "row"], makes=["changed"], base="layer"),
        Use(reads=["twice", "changed"], makes=["new"], base="twice", region=0),
        Use(reads=["new"], makes=["sum"]),
    ]
    found = in_place(uses, ["new", "sum"], state=["cache"], lent=["row"])
    assert found == {0: Placement.IN_PLACE, 1: Placement.IN_PLACE, 3: Placement.IN_PLACE, 4: Placement.WRITTEN_BACK}
    # Written to another part it is what it is: a copy of one row.
    elsewhere = [*uses[:4], Use(reads=["twice", "changed"], makes=["new"], base="twice", region=1), uses[5]]
    assert in_place(elsewhere, ["new", "sum"], state=["cache"], lent=["row"]) == {
        0: Placement.IN_PLACE,
        1: Placement.IN_PLACE,
        4: Placement.IN_PLACE,
    }


def test_an_input_is_changed_only_for_a_caller_who_gets_it_back() -> None:
    """A caller who is not given the new value still has the old one."""
    uses = [Use(reads=["x", "row"], makes=["new"], base="x"), Use(reads=["new"], makes=["sum"])]
    assert in_place(uses, ["new", "sum"], state=[], lent=["x", "row"]) == {0: Placement.IN_PLACE}
    assert in_place(uses, ["sum"], state=[], lent=["x", "row"]) == {}
    assert in_place(uses, ["new"], state=[], lent=["row"]) == {}
    assert in_place([*uses, Use(reads=["x"], makes=["old"])], ["new"], state=["x"], lent=[]) == {}


def test_a_copy_is_changed_in_place_whatever_it_is_a_copy_of() -> None:
    """Rows are stacked into zeros that are a parameter: the first row is a copy, no other is."""
    uses = [
        Use(reads=[before, "row"], makes=[after], base=before)
        for before, after in (("zeros", "one"), ("one", "two"), ("two", "three"))
    ]
    assert in_place(uses, ["three"], state=[], lent=["row"]) == {1: Placement.IN_PLACE, 2: Placement.IN_PLACE}
    # What is read again is copied again, and that copy is changed.
    again = [*uses, Use(reads=["one"], makes=["sum"])]
    assert in_place(again, ["three", "sum"], state=[], lent=["row"]) == {2: Placement.IN_PLACE}
