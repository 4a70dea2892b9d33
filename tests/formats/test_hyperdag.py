"""DAGs of HyperDAG_DB."""

from __future__ import annotations

from pathlib import Path

import pytest

import slicegraph as sg

TEXT = """\
%%MatrixMarket coordinate pattern general
% HyperDAG file format v1
% three nodes
2 3 4 and what follows
1 16 99 % of the second
0 8
0 5
2 0 7
1 3
0 0
0 1 1
1 2
0 2
"""


def read(folder: Path, text: str) -> sg.Graph:
    """The graph of a file with this text."""
    path = folder / "dag.txt"
    path.write_text(text)
    return sg.read(path, format="hyperdag")


def test_hyperedges_are_tensors_and_their_first_pins_make_them(tmp_path: Path) -> None:
    """Weights are bytes and seconds; a hyperedge of one pin is an output."""
    arrays = read(tmp_path, TEXT).arrays
    assert arrays.work is not None
    assert arrays.work.tolist() == [5, 3, 0]
    assert arrays.producer.tolist() == [0, 2]
    assert arrays.size.tolist() == [8, 16]
    assert arrays.consumers.tolist() == [1, 2]
    assert arrays.consumer_offsets.tolist() == [0, 2, 2]
    assert arrays.is_output is not None
    assert arrays.is_output.tolist() == [False, True]


def test_without_weights_all_weigh_one(tmp_path: Path) -> None:
    """As a lone kind of line has none."""
    arrays = read(tmp_path, "1 2 2\n0\n0 5\n1 3\n0 0\n0 1\n").arrays
    assert arrays.size.tolist() == [1]
    assert arrays.work is not None
    assert arrays.work.tolist() == [5, 3]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"2 3 4 and": "2 3 5 and"}, "line 4: 2 . 3 . 5 lines are promised, but 9 follow"),
        ({"2 3 4 and": "2 x 4 and"}, "line 4: 'x' is no whole number"),
        ({"2 3 4 and what follows": "2 3"}, "line 4: 3 numbers are asked for, but it has 2"),
        ({"file format v1": "file format v2"}, "line 2: 'HyperDAG file format v2', but version 1 is read"),
        ({"\n0 8\n": "\n1 8\n"}, "line 6: hyperedge 1, but each from 0 to 1 has one line"),
        ({"\n0 8\n": "\n0\n"}, "line 6: it has no weight, but others have"),
        ({"\n1 2\n": "\n1 3\n"}, "line 12: pin 1 3, but hyperedges are below 2 and nodes below 3"),
        ({"\n1 2\n": "\n1 -2\n"}, "line 12: '-2' is no whole number"),
        ({"\n1 2\n": "\n0 2\n"}, "hyperedge 1 has no pin, so no node makes it"),
        ({"0 0\n0 1 1": "0 1\n0 1 1"}, None),
    ],
)
def test_what_breaks_a_rule_is_named(changes: dict[str, str], told: str | None, tmp_path: Path) -> None:
    """The line, and the rule."""
    text = TEXT
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    if told is None:
        assert read(tmp_path, text).arrays.producer.tolist() == [1, 2]
        return
    with pytest.raises(sg.InputError, match=told) as refused:
        read(tmp_path, text)
    assert str(refused.value).startswith(f"{tmp_path / 'dag.txt'}: ")
