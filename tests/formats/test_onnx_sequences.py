"""Sequences, optional values and maps: sizes that ONNX types do not state."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx import parser

from slicegraph.errors import InputError
from slicegraph.formats.onnx import read

SIZES = {
    "y = SequenceConstruct(x, x, z)": 24 + 24 + 60,
    "e = SequenceEmpty() y = SequenceInsert(e, x)": 24,
    "s = SequenceConstruct(x, z) y = SequenceInsert(s, x)": 24 + 60 + 24,
    "s = SequenceConstruct(x, x, x) y = SequenceErase(s)": 48,
    "y = SplitToSequence(z)": 60,
    "s = SplitToSequence(z) y = SequenceErase(s)": 40,
    "s = SplitToSequence(z, two) y = SequenceErase(s)": 30,
    "s = SplitToSequence<axis=1>(z, parts) y = SequenceErase(s)": 30,
    "s = SequenceConstruct(x, z) y = Identity(s)": 84,
    "s = SequenceConstruct(x, x) y = SequenceAt(s, one)": 24,
    "s = SequenceConstruct(x, x) y = SequenceLength(s)": 8,
    "y = Optional(x)": 24,
    "o = Optional(x) y = OptionalGetElement(o)": 24,
}


def _sizes(tmp_path: Path, text: str, opsets: str = '"": 17') -> dict[str, int]:
    path = tmp_path / "model.onnx"
    path.write_bytes(parser.parse_model(f"<ir_version: 9, opset_import: [{opsets}]> {text}").SerializeToString())
    graph = read(path)
    assert graph.tensor_name is not None
    return dict(zip(graph.tensor_name, graph.size.tolist(), strict=True))


@pytest.mark.parametrize("nodes", SIZES)
def test_a_sequence_is_as_big_as_what_goes_in(nodes: str, tmp_path: Path) -> None:
    """Of x, 6 floats, and z, 15 floats; taking an item away takes an average one."""
    text = f"""g (float[2,3] x, float[3,5] z) => (y)
        <int64 one = {{1}}, int64 two = {{2}}, int64[2] parts = {{2,3}}> {{ {nodes} }}"""
    assert _sizes(tmp_path, text)["y"] == SIZES[nodes]


def test_a_sequence_that_comes_in_counts_as_one_item(tmp_path: Path) -> None:
    """Their number is unknown."""
    sizes = _sizes(tmp_path, "g (seq(float[2,3]) s, int64 i) => (y) { y = SequenceAt(s, i) }")
    assert sizes == {"s": 24, "i": 8, "y": 24}


def test_a_sequence_of_unknown_items_has_no_size(tmp_path: Path) -> None:
    """It is listed like any other tensor."""
    with pytest.raises(InputError, match=r"the sizes of 2 tensors are unknown: 's', 'y'; record"):
        _sizes(tmp_path, "g (seq(float[]) s, int64 i) => (y) { y = SequenceAt(s, i) }")


def test_a_map_is_as_big_as_what_it_is_made_from(tmp_path: Path) -> None:
    """ZipMap gives three scores their labels, for each of two samples."""
    text = """g (float[2,3] x) => (y) { y = ai.onnx.ml.ZipMap<classlabels_int64s=[7,8,9]>(x) }"""
    assert _sizes(tmp_path, text, '"": 17, "ai.onnx.ml": 1') == {"x": 24, "y": 24}


def test_a_constant_sequence_is_no_node(tmp_path: Path) -> None:
    """Nor a tensor, when it is returned."""
    text = """g (float[2] x) => (y, z) <float[2] w = {1,2}> { y = SequenceConstruct(w) z = Relu(x) }"""
    assert _sizes(tmp_path, text) == {"x": 8, "z": 8}


PARTS = {
    "s = SequenceConstruct(x, z, x) y = ConcatFromSequence<axis=0>(s)": 7 * 3 * 4,
    "s = SequenceConstruct(x, x) y = ConcatFromSequence<axis=-1>(s)": 2 * 6 * 4,
    "s = SequenceConstruct(x, x, x) y = ConcatFromSequence<axis=-1, new_axis=1>(s)": 3 * 24,
    "s = SplitToSequence<axis=0>(z) t = SequenceInsert(s, one) y = ConcatFromSequence<axis=0>(t)": 4 * 12,
    "s = SplitToSequence<axis=0, keepdims=0>(z) y = ConcatFromSequence<axis=0>(s)": 36,
    "s = SplitToSequence<axis=0, keepdims=0>(z) y = SequenceAt(s, m1)": 12,
    "s = SplitToSequence<axis=0>(z, parts) y = SequenceAt(s, first)": 24,
    "s = SplitToSequence<axis=0>(z, two) y = SequenceAt(s, m1)": 12,
    "s = SequenceConstruct(x, z) y = SequenceAt(s, m1)": 36,
    "s = SequenceConstruct(x, z) t = SequenceInsert(s, one, m1) y = SequenceAt(t, second)": 12,
    "s = SequenceConstruct(x, z) t = SequenceErase(s) y = ConcatFromSequence<axis=0>(t)": 24,
    "s = SequenceConstruct(x, z) t = SequenceErase(s, first) y = ConcatFromSequence<axis=0>(t)": 36,
    "e = SequenceEmpty() s = SequenceInsert(e, x) t = SequenceInsert(s, z) y = ConcatFromSequence<axis=0>(t)": 60,
    "s = SequenceConstruct(x, x) t = SequenceErase(s, free) y = ConcatFromSequence<axis=0>(t)": 24,
    "s = SequenceConstruct(x, z) t = Identity(s) y = ConcatFromSequence<axis=0>(t)": 60,
    "s = SequenceConstruct(x, x) t = SequenceMap(s)<body = b (float[c,d] i) => (o) { o = Transpose(i) }>"
    " y = ConcatFromSequence<axis=0>(t)": 48,
    "s = SequenceConstruct(x, z) n = SequenceLength(s) r = Range(first, n, second) y = Cast<to=1>(r)": 8,
    "s = SequenceConstruct(x, z) n = SequenceLength(s) m = Add(n, second) r = Range(first, m, second) y = Cast<to=1>(r)"
    "": 12,
}
_DECLARED = """g (float[2,3] x, float[3,3] z, float[1,3] one, int64 free) => (y)
    <int64 first = {0}, int64 second = {1}, int64 m1 = {-1}, int64 two = {2}, int64[2] parts = {2,1}>"""


@pytest.mark.parametrize("nodes", PARTS)
def test_what_a_sequence_of_known_length_holds_is_known(nodes: str, tmp_path: Path) -> None:
    """Whatever was put in or taken out at a known place: its items can be joined, counted and taken."""
    assert _sizes(tmp_path, f"{_DECLARED} {{ {nodes} }}")["y"] == PARTS[nodes]


@pytest.mark.parametrize(
    "nodes",
    [
        "s = SequenceConstruct(x, z) y = SequenceAt(s, free)",
        "s = SequenceConstruct(x, z) t = SequenceErase(s, free) y = ConcatFromSequence<axis=0>(t)",
        "s = SequenceConstruct(x, z) t = SequenceInsert(s, one, free) y = SequenceAt(t, first)",
        "s = SequenceConstruct(x, z) y = ConcatFromSequence<axis=1>(s)",
        "s = SequenceConstruct(x, z) y = ConcatFromSequence<axis=0, new_axis=1>(s)",
        "e = SequenceEmpty() s = Identity(e) y = ConcatFromSequence<axis=0>(s)",
    ],
)
def test_what_is_not_known_of_a_sequence_is_not_made_up(nodes: str, tmp_path: Path) -> None:
    """A place that each run chooses, items that do not fit, and no items at all."""
    with pytest.raises(InputError, match=r"unknown: .*'y'; record"):
        _sizes(tmp_path, f"{_DECLARED} {{ {nodes} }}")
