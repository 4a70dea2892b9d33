"""Names as people read them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

import slicegraph as sg
from slicegraph.report import names

EMPTY: dict[str, Any] = {"producer": [], "size": [], "consumers": [], "consumer_offsets": [0]}


@given(st.text(st.sampled_from("ab/\u6f22")), st.integers(0, 20))
def test_shortened_text_fits_and_keeps_its_ends(text: str, width: int) -> None:
    """Whatever fits stays; of what does not, both ends are seen as soon as there is room for them."""
    short = names.shortened(text, width)
    assert cell_len(short) <= width
    if cell_len(text) <= width:
        assert short == text
    elif width >= 6:
        head, tail = (end.strip() for end in short.split(".."))
        assert head
        assert text.startswith(head)
        assert tail
        assert text.endswith(tail)


@given(st.sets(st.integers(0, 30)))
def test_ranges_say_the_same_numbers(stages: set[int]) -> None:
    """And no two of them could be one."""
    text = names.ranges(sorted(stages))
    runs = [[int(end) for end in run.split("-")] for run in text.split(", ")] if text else []
    assert sorted(stages) == [number for run in runs for number in range(run[0], run[-1] + 1)]
    assert all(before[-1] + 1 < after[0] for before, after in pairwise(runs))


def test_a_node_goes_by_its_name_else_by_its_operator_and_index() -> None:
    """On one line, whatever the file calls it."""
    graph = sg.Graph(work=[1, 1, 1], op=["Conv", "Relu\n", ""], node_name=["a\x1b[2J\tb", "", ""], **EMPTY)
    assert [names.node(graph, index) for index in range(3)] == [r"a\x1b[2J b", "Relu #1", "node 2"]
