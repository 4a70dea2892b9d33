"""One node that is the bottleneck is named, with its share of the work."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import slicegraph as sg
from slicegraph.cli import main
from slicegraph.limiting import limiting_node


def _chain(work: list[float], size: int = 0) -> sg.Graph:
    edges = len(work) - 1
    return sg.Graph(
        work=work,
        producer=range(edges),
        size=[size] * edges,
        consumers=range(1, edges + 1),
        consumer_offsets=range(edges + 1),
        op=["scan" if seconds == max(work) else "add" for seconds in work],
    )


def _limiting(work: list[float], num_blocks: int, size: int = 0) -> tuple[int, float] | None:
    instance = sg.Instance(_chain(work, size), device=sg.Device(bandwidth=1.0), num_blocks=num_blocks)
    result = sg.audit(instance, np.minimum(np.arange(len(work)), num_blocks - 1))
    found = limiting_node(instance, result.block_of, result.block_costs)
    return None if found is None else (found.node, found.share_of_work)


@pytest.mark.parametrize(
    ("work", "num_blocks", "size", "expected"),
    [
        ([1, 48, 1], 3, 0, (1, 0.96)),
        ([1, 48, 1], 1, 0, None),
        ([4, 4, 4], 3, 0, None),
        ([1, 8, 1], 2, 0, None),
        ([1, 48, 1], 3, 4, None),
        ([1, 48, 1], 3, 2, (1, 0.96)),
        ([0, 0], 2, 0, None),
    ],
)
def test_a_node_limits_that_is_most_of_the_bottleneck(
    work: list[float], num_blocks: int, size: int, expected: tuple[int, float] | None
) -> None:
    """Nine tenths of it, and more than an even share; not where transfers or other nodes make up the rest."""
    assert _limiting(work, num_blocks, size) == expected


@given(work=st.lists(st.integers(1, 50), min_size=2, max_size=6), num_blocks=st.integers(2, 4))
@settings(max_examples=25)
def test_the_rule_is_that_of_the_sums(work: list[int], num_blocks: int) -> None:
    """Nodes one by one in stages, the rest in the last, which takes the sum of them."""
    found = _limiting([float(each) for each in work], num_blocks)
    last = sum(work[num_blocks - 1 :])
    bottleneck = max(*work[: num_blocks - 1], last)
    assert (found is not None) == (10 * max(work) >= 9 * bottleneck and max(work) * num_blocks > sum(work))


def test_the_table_the_plan_and_the_reasons_name_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "graph.json")
    sg.write(_chain([1, 48, 1]), path)
    typed = ["solve", path, "-k", "2", "-q", "--bandwidth", "1"]
    assert main([*typed, "--why"]) == 0
    table, _, reasons = capsys.readouterr().out.partition("why not better")
    assert "limited by   scan #1: this node holds 96.00% of the work, and cannot be cut\n" in table
    assert "  scan #1 alone takes 48 s, 96.00% of the work: no stage that holds it takes less\n" in reasons
    assert main([*typed, "--json"]) == 0
    limiting = json.loads(capsys.readouterr().out)["limiting_node"]
    assert limiting == {"node": 1, "op": "scan", "name": "", "share_of_work": pytest.approx(0.96)}
    sg.write(_chain([1, 1, 1, 1]), path)
    assert main([*typed, "--json"]) == 0
    assert "limiting_node" not in json.loads(capsys.readouterr().out)
