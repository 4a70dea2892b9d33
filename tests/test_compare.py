"""What differs between two partitions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import slicegraph as sg
from questions import Question, questions, shaped_questions
from slicegraph.cli import main
from strategies import CHAIN

NAMED: dict[str, Any] = CHAIN | {"nodes": CHAIN["nodes"] | {"name": ["conv1", "conv2", "conv3"]}}


@given(st.one_of(questions(), shaped_questions()), st.data())
def test_two_partitions_differ_in_what_their_costs_and_cuts_say(question: Question, data: st.DataObject) -> None:
    """Bottlenecks are the oracle's, and so are the tensors that one of them cuts alone; what is not matched moves."""
    partitions = question.partitions()
    (a, _, cost_a), (b, _, cost_b) = data.draw(st.tuples(*[st.sampled_from(partitions)] * 2))
    instance = question.instance
    found = sg.compare(instance, a, b)
    assert (found.a.bottleneck, found.b.bottleneck) == (cost_a * instance.tick, cost_b * instance.tick)
    assert (found.a.stages_used, found.b.stages_used) == (len(set(a)), len(set(b)))
    moved = {node: (move.from_stage, move.to_stage) for move in found.moves for node in move.nodes}
    matched = dict(found.matched)
    for node, (old, new) in enumerate(zip(a, b, strict=True)):
        assert moved.get(node) == (None if matched.get(old) == new else (old, new))
    assert found.num_nodes == len(moved)
    assert found.param_bytes == sum(question.param_bytes[node] for node in moved)
    cut_a, cut_b = (cut(question, block_of) for block_of in (a, b))
    assert {tensor.tensor for tensor in found.added} == cut_b - cut_a
    assert {tensor.tensor for tensor in found.removed} == cut_a - cut_b


def cut(question: Question, block_of: tuple[int, ...]) -> set[int]:
    """The tensors that stages pay for, from the definition."""
    tensors = set()
    for tensor, (producer, readers) in enumerate(zip(question.producer, question.consumers, strict=True)):
        if producer >= 0:
            is_cut = any(block_of[reader] != block_of[producer] for reader in readers)
            is_cut |= question.boundary_io and question.is_output[tensor]
        else:
            is_cut = question.boundary_io and bool(readers)
        tensors |= {tensor} if is_cut else set()
    return tensors


@given(st.one_of(questions(), shaped_questions()), st.data())
def test_other_numbers_for_the_same_stages_are_no_move(question: Question, data: st.DataObject) -> None:
    """Nor do they change what is cut."""
    block_of = np.array(data.draw(st.sampled_from(question.partitions()))[0])
    gaps = data.draw(st.lists(st.integers(1, 3), min_size=question.num_blocks, max_size=question.num_blocks))
    other = np.cumsum(gaps)[block_of]
    instance = sg.Instance(question.instance.graph, device=question.instance.device, num_blocks=int(other.max()) + 1)
    found = sg.compare(instance, block_of, other)
    assert (found.moves, found.added, found.removed) == ((), (), ())


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Paths of a chain of three nodes with names, and of plans."""
    texts = {"chain.json": json.dumps(NAMED), "a.txt": "0 1 1", "b.txt": "0 0 1", "wrong.txt": "1 0 0"}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    return {name.partition(".")[0]: str(tmp_path / name) for name in texts}


def test_the_command_prints_both_sides(files: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """The second node moves from the second stage to the first, so another tensor is cut."""
    arguments = ["compare", files["chain"], files["a"], files["b"], "--bandwidth", "64"]
    assert main(arguments) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "bottleneck 5.125 s 3.125 s -39.02%" in lines
    assert "stages used 2 2" in lines
    assert any(line.startswith("stage 1 -> 0: 1 node, ") and line.endswith("conv2") for line in lines)
    assert main([*arguments, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["a"]["bottleneck"], answer["b"]["bottleneck"]) == (5.125, 3.125)
    assert answer["moved"]["nodes"] == 1
    assert answer["moved"]["list"] == [{"node": 1, "name": "conv2", "from": 1, "to": 0}]
    assert answer["matched"] == [[0, 0], [1, 1]]
    assert [len(answer["cut_tensors"][key]) for key in ("added", "removed")] == [1, 1]


def test_what_is_no_plan_is_named_by_its_file(files: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    for plans in ((files["a"], files["wrong"]), (files["wrong"], files["a"])):
        assert main(["compare", files["chain"], *plans]) == 2
        assert capsys.readouterr().err.startswith(f"slicegraph: {files['wrong']}: ")


def test_a_plan_says_what_it_is_costed_with_and_of_which_graph_it_is(
    files: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The plans' own device where they agree, else that of the first, with a warning; another graph is refused."""
    plans = []
    for bandwidth in ("64", "32"):
        assert main(["solve", files["chain"], "-k", "2", "--bandwidth", bandwidth, "--json"]) == 0
        plans.append(tmp_path / f"{bandwidth}.json")
        plans[-1].write_text(capsys.readouterr().out)
    same, other = str(plans[0]), str(plans[1])
    assert main(["compare", files["chain"], same, same, "--json"]) == 0
    captured = capsys.readouterr()
    assert (captured.err, json.loads(captured.out)["device"]["bandwidth"]) == ("", 64.0)
    assert main(["compare", files["chain"], other, same, "--json"]) == 0
    captured = capsys.readouterr()
    assert "differ in device; both are costed with that of" in captured.err
    assert json.loads(captured.out)["device"]["bandwidth"] == 32.0
    assert main(["compare", files["chain"], other, same, "--bandwidth", "8", "--json"]) == 0
    captured = capsys.readouterr()
    assert (captured.err, json.loads(captured.out)["device"]["bandwidth"]) == ("", 8.0)
    tensors = NAMED["tensors"] | {"size": [1 + size for size in NAMED["tensors"]["size"]]}
    Path(files["chain"]).write_text(json.dumps(NAMED | {"tensors": tensors}))
    assert main(["compare", files["chain"], files["a"], same]) == 2
    assert "a plan of another graph" in capsys.readouterr().err
    assert main(["compare", files["chain"], files["a"], same, "--force"]) == 0
