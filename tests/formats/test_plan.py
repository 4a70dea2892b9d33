"""Partitions as people write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slicegraph.errors import InputError
from slicegraph.formats.plan import read_plan

NAMES = ("conv1", "conv2", "7", "block_of", "")
"""Five nodes: one is called by a number that is not its own, one like a key, and one not at all."""
PLAN = [0, 1, 1, 2, 3]


def plan_of(tmp_path: Path, text: str, *, name: str = "plan.txt", names: tuple[str, ...] | None = NAMES) -> list[int]:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return read_plan(path, num_nodes=len(NAMES), node_names=names).block_of


@pytest.mark.parametrize(
    "data",
    [
        [0, 1, 1, 2, 3],
        {"block_of": [0, 1, 1, 2, 3], "num_blocks": 16},
        {"format": "a certificate", "witness": {"block_of": [0, 1, 1, 2, 3], "bottleneck": 9}},
        {"conv1": 0, "conv2": 1, "7": 1, "block_of": 2, "4": 3},
        {"conv1": 0, "1": 1, "2": 1, "3": 2, "4": 3},
        [["conv1"], ["conv2", "7"], ["block_of"], [4]],
        [[0], [2, 1], ["3"], ["4"], []],
    ],
    ids=["list", "answer", "certificate", "by_name", "by_index", "stages_by_name", "stages_by_index"],
)
@pytest.mark.parametrize("name", ["plan.json", "plan.txt"])
def test_every_shape_of_json_is_read(data: Any, name: str, tmp_path: Path) -> None:
    """Whatever the suffix says."""
    assert plan_of(tmp_path, json.dumps(data), name=name) == PLAN


@pytest.mark.parametrize(
    "text",
    ["0 1 1 2 3", "0\n1\n1\n2\n3\n", "0,1, 1 ,\n2,\t3,", "# stages\n\n0 1 # two\n1 2 3 #", "\ufeff0 1 1 2 3\r\n"],
    ids=["spaces", "lines", "commas", "comments", "windows"],
)
@pytest.mark.parametrize("names", [None, NAMES])
def test_text_is_a_stage_per_node(text: str, names: tuple[str, ...] | None, tmp_path: Path) -> None:
    assert plan_of(tmp_path, text, names=names) == PLAN


ANSWER = {
    "format": "slicegraph-plan-1",
    "graph": {"name": "net\x1b", "num_nodes": 5, "digest": "abc"},
    "device": {"bandwidth": 1.0},
    "boundary_io": True,
    "block_of": PLAN,
}


def test_a_plan_says_what_it_is_about(tmp_path: Path) -> None:
    """An answer, and a certificate; a plan of another graph is refused unless the digest is not checked."""
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(ANSWER))
    for digest in ("abc", None):
        plan = read_plan(path, num_nodes=5, digest=digest)
        assert (plan.block_of, plan.device, plan.boundary_io) == (PLAN, {"bandwidth": 1.0}, True)
    for num_nodes in (5, 6):
        with pytest.raises(InputError) as caught:
            read_plan(path, num_nodes=num_nodes, digest="xyz")
        assert "a plan of another graph, 'net\\x1b' with 5 nodes" in str(caught.value)
    witnessed = {
        "format": "slicegraph-certificate-1",
        "num_blocks": 4,
        "instance": "def",
        "witness": {"block_of": PLAN},
    }
    path.write_text(json.dumps(ANSWER | witnessed))
    certified = read_plan(path, num_nodes=5, digest="xyz")
    assert (certified.block_of, certified.num_blocks, certified.instance) == (PLAN, 4, "def")
    path.write_text(json.dumps(PLAN))
    assert read_plan(path, num_nodes=5, digest="xyz").device is None


@pytest.mark.parametrize(
    ("key", "wrong", "rule"),
    [
        ("device", None, "an object"),
        ("device", [], "an object"),
        ("boundary_io", 1, "true or false"),
        ("graph", "net", "an object"),
        ("graph", {"digest": 5}, "text"),
        ("graph", {}, "text"),
    ],
)
def test_an_answer_that_is_damaged_is_refused(key: str, wrong: Any, rule: str, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(ANSWER | {key: wrong}))
    with pytest.raises(InputError, match=f"but a plan has {rule} there"):
        read_plan(path, num_nodes=5, digest="abc")


@given(st.lists(st.integers(0, 9), min_size=1), st.sampled_from([" ", "\n", ", "]))
def test_all_shapes_say_the_same(tmp_path_factory: pytest.TempPathFactory, stages: list[int], separator: str) -> None:
    names = [f"node {node}" for node in range(len(stages))]
    shapes = [
        separator.join(map(str, stages)),
        json.dumps(stages),
        json.dumps(dict(zip(names, stages, strict=True))),
        json.dumps({str(node): stage for node, stage in enumerate(stages)}),
        json.dumps([[node for node, stage in enumerate(stages) if stage == wanted] for wanted in range(10)]),
    ]
    path = tmp_path_factory.mktemp("plans") / "plan"
    for shape in shapes:
        path.write_text(shape)
        assert read_plan(path, num_nodes=len(stages), node_names=names).block_of == stages


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "node 0 ('conv1') has no stage"),
        ("0 1 1 2", "node 4 has no stage"),
        ("0 1 1 2 3 3", "6 stage numbers, but there are 5 nodes"),
        ("0 one 1 2 3", "node 1 ('conv2'): 'one', but a stage is a whole number from 0 to 2^31 - 1"),
        ("0 1.0 1 2 3", "node 1 ('conv2'): '1.0', but a stage is"),
        ("0 \u0661 1 2 3", "node 1 ('conv2'): '\u0661', but a stage is"),
        ("0 -1 1 2 3", "node 1 ('conv2'): -1, but a stage is"),
        (f"0 {'9' * 5000} 1 2 3", "node 1 ('conv2'): '99999"),
        ("[]", "node 0 ('conv1') has no stage"),
        ("[0, 1, 1, 2]", "node 4 has no stage"),
        ("[0, 1, 1, 2, 3, 3]", "6 stage numbers, but there are 5 nodes"),
        ("[0, 1.5, 1, 2, 3]", "node 1 ('conv2'): 1.5, but a stage is"),
        ("[0, 1.0, 1, 2, 3]", "node 1 ('conv2'): 1.0, but a stage is"),
        ("[0, true, 1, 2, 3]", "node 1 ('conv2'): True, but a stage is"),
        ("[0, null, 1, 2, 3]", "node 1 ('conv2'): None, but a stage is"),
        ("[0, NaN, 1, 2, 3]", "node 1 ('conv2'): nan, but a stage is"),
        ('[0, "1", 1, 2, 3]', "node 1 ('conv2'): '1', but a stage is"),
        ("[0, 2147483648, 1, 2, 3]", "node 1 ('conv2'): 2147483648, but a stage is"),
        ('{"block_of": [0, 1]}', "node 2 ('7') has no stage"),
        ('{"witness": {"block_of": [0, 1]}}', "node 2 ('7') has no stage"),
        ('{"conv1": 0, "conv2": 1, "2": 1, "block_of": 2}', "node 4 has no stage"),
        ('{"conv1": 0, "0": 1}', "node 0 ('conv1') is given twice, in stages 0 and 1"),
        ('{"conv1": 0, "conv1": 0}', "'conv1' stands twice"),
        ('{"conv3": 0}', "'conv3' is neither the name of a node nor an index below 5"),
        ('{"5": 0}', "'5' is neither the name of a node nor an index below 5"),
        ('{"-1": 0}', "'-1' is neither the name of a node nor an index below 5"),
        ('{"conv1": [0]}', "node 0 ('conv1'): [0], but a stage is"),
        ("[[0, 1], [1]]", "node 1 ('conv2') is given twice, in stages 0 and 1"),
        ("[[0], [1, 2, 3]]", "node 4 has no stage"),
        ("[[0], 1]", "stage 1: 1 is not a list of nodes, as others are"),
        ('[[0], ["conv3"]]', "stage 1: 'conv3' is neither the name of a node nor an index below 5"),
        ("[[true]]", "stage 0: True is neither the name of a node nor an index below 5"),
        ("[[1.0]]", "stage 0: 1.0 is neither the name of a node nor an index below 5"),
        ("[[[0]]]", "stage 0: [0] is neither the name of a node nor an index below 5"),
        ("[0, 1", "not JSON: "),
        ("{", "not JSON: "),
        ("[" * 100_000, "more than 1,000 deep"),
    ],
)
def test_what_is_no_plan_is_refused_in_one_line(text: str, message: str, tmp_path: Path) -> None:
    """The line names the file, the culprit and the rule."""
    with pytest.raises(InputError) as error:
        plan_of(tmp_path, text)
    assert message in str(error.value)
    assert str(error.value).startswith(str(tmp_path / "plan.txt"))
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 300 + len(str(tmp_path))


@pytest.mark.parametrize(("text", "message"), [("7", "a plan is a JSON list or object"), ("", "not JSON: ")])
def test_a_json_file_holds_json(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        plan_of(tmp_path, text, name="plan.json")


def test_a_name_that_several_nodes_have_names_none(tmp_path: Path) -> None:
    """Indices still do."""
    names = ("conv", "conv", "1", "a", "b")
    with pytest.raises(InputError, match="'conv' is the name of several nodes; give their indices"):
        plan_of(tmp_path, '{"conv": 0}', names=names)
    assert plan_of(tmp_path, "[[0, 1], [2, 3, 4]]", names=names) == [0, 0, 1, 1, 1]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.json: No such file or directory"):
        read_plan(tmp_path / "nowhere.json", num_nodes=1)
    (tmp_path / "plan").write_bytes(b"\xff\xfe0")
    with pytest.raises(InputError, match="plan: neither JSON nor text, which is UTF-8"):
        read_plan(tmp_path / "plan", num_nodes=1)
