"""Modules that stay whole: their groups, and what that costs, against all partitions of small graphs."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import slicegraph as sg
from slicegraph.cli import main
from slicegraph.grain import grained

NAMES = {
    "torch": (
        ["wte/embedding", "h.0.attn/linear", "h.0/add", "h.1.attn/linear_1", "h.1/add_1", "ln/norm"],
        [(1, 2), (3, 4)],
    ),
    "onnx": (["/layers.0/attn/MatMul", "/layers.0/Add", "/layers.1/attn/MatMul", "/norm/Mul"], [(0, 1), (2,)]),
    "underscores": (["block_0/dot_general", "block_1/dot_general", "block_1/add", "head/dot_general"], [(0,), (1, 2)]),
    "stages of blocks": (
        ["conv1/conv", "layer1.0.conv1/conv_1", "layer1.1.conv1/conv_2", "layer2.0/conv_3", "layer2.1/conv_4"],
        [(1,), (2,), (3,), (4,)],
    ),
    "a number alone": (["0/linear", "1/relu", "2.body.0/linear_1", "2.body.1/relu_1"], [(0,), (1,), (2, 3)]),
    "dots": (["encoder.layer.0.query.MatMul", "encoder.layer.0.Add", "encoder.layer.1.Add"], [(0, 1), (2,)]),
}


def chain(names: Sequence[str], work: Sequence[float] | None = None) -> sg.Graph:
    """Make a chain of nodes."""
    count = len(names)
    return sg.Graph(
        work=[1] * count if work is None else work,
        producer=range(count - 1),
        size=[1] * (count - 1),
        consumers=range(1, count),
        consumer_offsets=range(count),
        node_name=names,
    )


@pytest.mark.parametrize("kind", NAMES)
def test_layers_are_the_outermost_numbered_modules_with_siblings(kind: str) -> None:
    """Whatever the framework calls them; other nodes are in no group."""
    names, expected = NAMES[kind]
    assert [group.nodes for group in sg.grain(chain(names))] == expected


def test_paths_and_globs_match_whole_parts() -> None:
    """A star is one part of a path; the first that matches counts."""
    graph = chain(["a.0.x/n", "a.0.y/n1", "a.1/n2", "b/n3", "ab.c/n4"])
    assert [(group.name, group.nodes) for group in sg.grain(graph, "a.*,b")] == [
        ("a.0", (0, 1)),
        ("a.1", (2,)),
        ("b", (3,)),
    ]
    assert [group.nodes for group in sg.grain(graph, ["a"])] == [(0, 1, 2)]
    assert [group.nodes for group in sg.grain(graph, "a.0.x,a.0")] == [(0,), (1,)]


def test_what_names_no_module_is_refused() -> None:
    """By name."""
    graph = chain(["a.0/n", "a.1/n1"])
    for by, told in (
        ("c.*", "^grain: 'c.\\*' is the path of no module"),
        ("a,,b", "^grain = 'a,,b', but a path of a module is not empty$"),
        ("layer", "^grain = 'layer', but no node is named by a module with a number that has siblings"),
    ):
        with pytest.raises(sg.InputError, match=told):
            sg.grain(graph if by != "layer" else chain(["n0", "n1"]), by)
    with pytest.raises(sg.InputError, match=r"^grain = 3, but it is 'layer', or paths"):
        sg.grain(graph, 3)  # type: ignore[arg-type] # on purpose


@settings(max_examples=15, deadline=None)
@given(
    groups=st.lists(st.integers(-1, 2), min_size=2, max_size=6),
    work=st.lists(st.integers(0, 9), min_size=6, max_size=6),
)
def test_the_best_of_whole_modules_is_the_best_of_all_partitions_that_keep_them(
    groups: list[int], work: list[int]
) -> None:
    """Also where nodes of others stand between the nodes of a module."""
    names = [f"m.{group}/n{node}" if group >= 0 else f"n{node}" for node, group in enumerate(groups)]
    graph = chain(names, [float(each) for each in work[: len(names)]])
    instance = sg.Instance(graph, device=sg.Device(bandwidth=1), num_blocks=2)
    kept = {group for group in groups if group >= 0}
    if not kept:
        return
    best = min(
        max(block.cost for block in instance.block_costs(block_of))
        for block_of in itertools.product(range(2), repeat=len(names))
        if list(block_of) == sorted(block_of)
        and all(len({at for at, group in zip(block_of, groups, strict=True) if group == one}) == 1 for one in kept)
    )
    result = sg.solve(grained(instance, sg.grain(graph, "m.*")), threads=1)
    assert result.bottleneck == best == result.lower_bound


def test_the_command_says_what_whole_layers_cost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In the table, and in the plan: 6 s of three layers of 3 s each, where 5 s is the best."""
    names = [f"h.{layer}/{part}{layer}" for layer in range(3) for part in "ab"]
    path = tmp_path / "graph.json"
    sg.write(chain(names, [1, 2, 1, 2, 1, 2]), path)
    words = ["solve", str(path), "-k", "2", "--bandwidth", "1e9", "--grain", "layer", "-q"]
    assert main([*words, "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["bottleneck"] == pytest.approx(6)
    assert plan["grain"] == {
        "by": "layer",
        "groups": 3,
        "free_bottleneck": pytest.approx(5),
        "free_lower_bound": pytest.approx(5),
        "slower": pytest.approx(0.2),
    }
    assert main(words) == 0
    assert "grain        layer: 3 groups; 20.00% slower than 5 s without them\n" in capsys.readouterr().out
    assert main([*words[:-2], "c.*"]) == 2
    assert "--grain: 'c.*' is the path of no module" in capsys.readouterr().err
