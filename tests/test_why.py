"""Why an answer is not better."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

import slicegraph as sg
from questions import Question, questions
from results import result_of
from slicegraph.bounds.combinatorial import combinatorial
from slicegraph.cli import main
from slicegraph.report.why import why_to_text
from strategies import CHAIN, grid, to_instance


def chain(work: list[float], size: list[int], **more: list[int]) -> sg.Graph:
    count = len(size)
    readers, offsets = list(range(1, count + 1)), list(range(count + 1))
    return sg.Graph(work=work, producer=range(count), size=size, consumers=readers, consumer_offsets=offsets, **more)  # type: ignore[arg-type] # names of arrays


def explained(graph: sg.Graph, device: sg.Device, num_blocks: int) -> sg.Explanation:
    result = sg.solve(sg.Instance(graph, device=device, num_blocks=num_blocks), threads=1)
    assert result.status is sg.Status.OPTIMAL
    return sg.explain(result, threads=1)


def test_an_expensive_node_is_named_and_split() -> None:
    """4 s of work in one node: the halves have 2 s each, of which one goes with the node of 1 s."""
    why = explained(chain([4, 1], [0]), sg.Device(bandwidth=1.0), 2)
    assert (why.binding, why.rests_on, why.node) == ((0,), "node", 0)
    rows = [(each.change, each.bottleneck, each.lower_bound) for each in why.what_ifs]
    assert rows == [("node 0 split into two equal halves", 3.0, 3.0)]


def test_all_work_over_the_stages_is_said_to_be_what_the_bound_rests_on() -> None:
    """Four nodes of 1 s in two stages, and nothing to send: a faster link is no question."""
    why = explained(chain([1, 1, 1, 1], [0, 0, 0]), sg.Device(bandwidth=1.0), 2)
    assert (why.binding, why.rests_on, why.node) == ((0, 1), "work", None)
    assert [(each.change, each.bottleneck) for each in why.what_ifs] == [("one more stage", 2.0)]


def test_a_faster_link_leaves_the_speed_at_which_parameters_stream_in() -> None:
    """Two nodes of 2 s that send 1 B, and 10 B of parameters that do not fit at all: 10 s of streaming stay."""
    device = sg.Device(bandwidth=1.0, memory=0)
    why = explained(chain([2, 2], [1], param_bytes=[10, 10]), device, 2)
    changes = {each.change: each.bottleneck for each in why.what_ifs}
    assert changes["link twice as fast"] == 12.5
    assert changes["memory + 10 %"] == 13.0


def test_without_latency_a_transfer_takes_what_its_size_does() -> None:
    """Two nodes of 2 s that send 1 B at 1 B/s, 3 s late: together they take 4 s, apart 6 s or, at once, 3 s."""
    why = explained(chain([2, 2], [1]), sg.Device(bandwidth=1.0, latency=3.0), 2)
    changes = {each.change: each.bottleneck for each in why.what_ifs}
    assert (changes["link twice as fast"], changes["latency gone"]) == (4.0, 3.0)


@given(questions())
@settings(max_examples=40)
def test_what_changes_give_is_never_below_their_bound_or_above_what_was_known(question: Question) -> None:
    """More of anything costs no more, where both are optimal; a node that is named costs the bound wherever it is."""
    instance = question.instance
    result = sg.solve(instance, threads=1)
    if math.isinf(result.bottleneck):
        with pytest.raises(sg.InputError, match=r"^result: "):
            sg.explain(result)
        return
    why = sg.explain(result, threads=1)
    assert [result.block_costs[stage].cost for stage in why.binding] == [result.bottleneck] * len(why.binding)
    for each in why.what_ifs:
        assert each.lower_bound <= each.bottleneck
        if result.status is sg.Status.OPTIMAL and each.bottleneck == each.lower_bound:
            # Each problem rounds every cost to a tick of its own.
            assert each.bottleneck <= result.bottleneck + 100 * instance.tick
    if why.node is not None:
        holding = [rows[block_of[why.node]]["cost"] for block_of, rows, _ in question.partitions()]
        assert all(cost is None or cost * instance.tick >= result.lower_bound for cost in holding)


def test_one_node_that_is_the_bottleneck_is_told_with_what_it_takes_alone() -> None:
    """However fast links are; the bound that rests on it is the same."""
    graph = sg.Graph(work=[9.5, 2], producer=[0], size=[1], consumers=[1], consumer_offsets=[0, 1])
    result = sg.solve(sg.Instance(graph, device=sg.Device(bandwidth=8.0), num_blocks=2))
    lines = why_to_text(result, sg.explain(result, threads=1)).splitlines()
    assert "  node 0 alone takes 9.5 s, 82.61% of the work: no stage that holds it takes less" in lines


def test_a_proof_is_named_by_its_method() -> None:
    """It may be closed by labels or cuts, and need not be a search of downsets."""
    result = sg.solve(to_instance(grid(4), {"bandwidth": 8.0}, 3))
    text = why_to_text(result, sg.explain(result, threads=1))
    assert "  the bound rests on a proof over the whole graph (method downsets): no partition is below it" in text


def test_the_commands_say_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As lines below the table, and as a key of the JSON; without the option as neither."""
    model = tmp_path / "chain.json"
    model.write_text(json.dumps(CHAIN))
    arguments = ["solve", str(model), "-k", "2", "--bandwidth", "64"]
    assert main([*arguments, "--why"]) == 0
    text = capsys.readouterr().out
    assert "why not better" in text
    assert "link twice as fast" in text
    assert main([*arguments, "--why", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert set(answer["why"]) == {"binding", "rests_on", "method", "node", "what_if"}
    assert main([*arguments, "--json"]) == 0
    assert "why" not in json.loads(capsys.readouterr().out)


def test_what_changes_would_give_is_not_said_under_constraints() -> None:
    """A changed problem would have lost them."""
    devices = [sg.Device(bandwidth=1.0)] * 2
    instance = sg.Instance(chain([4, 1], [0]), devices=devices, constraints=sg.Constraints(pin={1: 1}))
    result = result_of(instance, np.array([0, 1], np.int32), (combinatorial(instance),))
    with pytest.raises(sg.InputError, match="explain: it takes devices of one kind without overlap, no constraints"):
        sg.explain(result)


def test_a_node_is_split_in_a_graph_with_measured_transfers() -> None:
    """What the halves send each other is free."""
    graph = chain([4, 1], [8], transfer_on={"link": [0.5]})  # type: ignore[arg-type] # a row
    why = explained(graph, sg.Device(bandwidth=1.0, transfer="link"), 2)
    assert why.node == 0
    assert why.what_ifs[-1].bottleneck == 3.0
