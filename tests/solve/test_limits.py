"""A limit of time holds for all that a run does, and for what a command does around it."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import slicegraph as sg
from slicegraph import ties
from slicegraph.cli import main
from slicegraph.cli import options as shared
from slicegraph.cli.parser import parse
from slicegraph.reduce import reduce, reduce_until
from slicegraph.ties import settle, settle_until

GRAPH = sg.generate.layered(num_layers=40, width=4, seed=2)
INSTANCE = sg.Instance(GRAPH, num_blocks=6)
PROGRESS = sg.Progress(seconds=5.0, bottleneck=2.0, lower_bound=1.0, evaluations=7, work=7)


def test_merging_and_settling_end_when_they_are_told_to() -> None:
    """Merging gives nothing then, settling a partition that costs no more; else both give what they always do."""
    assert reduce_until(INSTANCE, lambda: True) is None
    whole = reduce_until(INSTANCE, lambda: False)
    assert whole is not None
    assert whole.evidence == reduce(INSTANCE).evidence
    start = sg.slice_order(INSTANCE, np.arange(GRAPH.num_nodes)).block_of
    bottleneck = max(block.cost for block in INSTANCE.block_costs(start))
    cut, _ = settle(INSTANCE, start, ends=lambda: True)
    assert max(block.cost for block in INSTANCE.block_costs(cut)) <= bottleneck
    assert np.array_equal(settle(INSTANCE, start, ends=lambda: False)[0], settle(INSTANCE, start)[0])


@pytest.mark.parametrize(
    ("stop", "is_asked"),
    [
        (sg.MaxRuntime(3), True),
        (sg.MaxRuntime(3) | sg.TargetGap(0.1), True),
        (sg.MaxEvaluations(7), False),
        (sg.MaxRuntime(3) | sg.MaxEvaluations(7), False),
        (sg.MaxWork(10**9) | sg.MaxRuntime(3), False),
    ],
)
def test_what_ends_a_run_by_counts_does_not_cut_its_answer_short(
    stop: sg.Stop, is_asked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the answer would depend on the clock."""
    asked: list[Any] = []
    monkeypatch.setattr(ties, "settle", lambda *_, ends: asked.append(ends))
    settle_until(INSTANCE, np.zeros(GRAPH.num_nodes, np.int32), stop, PROGRESS)
    (ends,) = asked
    assert (ends is not None) is is_asked
    if ends is not None:
        assert not ends()
        monkeypatch.setattr(ties, "_GRACE", 0.0)
        assert ends()


def test_a_limit_on_the_command_line_counts_from_before_the_model_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading took 40 seconds of 60, writing takes 10; or both take more than there are; a share is of what is left."""
    path = tmp_path / "graph.json"
    sg.write(GRAPH, path)
    monkeypatch.setattr(shared, "_PER_READ", 4 / len(GRAPH.arrays.consumers))
    monkeypatch.setattr(shared, "_PER_NODE", 6 / GRAPH.num_nodes)
    for limit, share, left in (("60", 1.0, 10.0), ("60", 0.5, 5.0), ("10", 1.0, 0.0)):
        options = parse(["solve", str(path), "-k", "2", "--time-limit", limit])
        options.begun = time.monotonic() - 40.0
        stop = shared.make_stop(options, GRAPH, share=share)
        assert stop(sg.Progress(seconds=left, bottleneck=2.0, lower_bound=1.0, evaluations=0))
        assert left == 0 or not stop(sg.Progress(seconds=left / 4, bottleneck=2.0, lower_bound=1.0, evaluations=0))


def test_both_solves_of_a_grain_have_one_limit_of_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first has half of it, the second what the first has left."""
    path, seen = tmp_path / "graph.json", list[sg.Progress]()
    names = [f"h.{node % 2}/x" for node in range(4)]
    graph = sg.Graph(
        work=[1] * 4, producer=[0, 2], size=[0, 0], consumers=[2, 3], consumer_offsets=[0, 1, 2], node_name=names
    )
    sg.write(graph, path)
    solve = sg.solve

    def record(instance: sg.Instance, *, stop: sg.Stop, **options: Any) -> sg.Result:
        half = sg.Progress(seconds=49.0, bottleneck=2.0, lower_bound=1.0, evaluations=0)
        seen.extend(each for each in (half, dataclasses.replace(half, seconds=51.0)) if stop(each))
        seen.append(half)
        return solve(instance, stop=stop, **options)

    monkeypatch.setattr(sg, "solve", record)
    assert main(["solve", str(path), "-k", "2", "--grain", "layer", "--time-limit", "100", "-q"]) == 0
    # 51 s are beyond the first one's time alone.
    assert [progress.seconds for progress in seen] == [51.0, 49.0, 49.0]
