"""Where things lie in shared memory, and what the clocks say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines import chain
from slicegraph.stages.pipeline.folder import Split, read_split
from slicegraph.stages.pipeline.measure import measure
from slicegraph.stages.pipeline.memory import KEPT, TIMES, lay_out, links


@pytest.fixture
def split(tmp_path: Path) -> Split:
    """Four stages; what the first makes goes to the second and to the last."""
    chain(tmp_path / "stages", (1, 1, 1, 1), width=3)
    return read_split(tmp_path / "stages")


def test_nothing_lies_where_something_else_does(split: Split) -> None:
    """Every byte is written in one place."""
    layout = lay_out(split, depth=2)
    memory = np.zeros(layout.num_bytes, np.uint8)
    boards = layout.boards(memory)
    boards[:] = 1
    for ring in (layout.inputs, layout.results, *layout.rings):
        for slot in ring.slots(memory):
            for array in slot.values():
                assert not array.any()
                assert array.ctypes.data % 8 == memory.ctypes.data % 8
                array[:] = 255
    assert (boards == 1).all()


def test_a_tensor_that_skips_stages_has_room_for_those_who_are_at_work(split: Split) -> None:
    layout = lay_out(split, depth=2)
    assert [ring.depth for ring in layout.rings] == [4, 2, 2, 2]
    assert links(split, depth=2) == {(0, 1): 2, (0, 3): 4, (1, 2): 2, (2, 3): 2}


def boards_of(split: Split, num_requests: int, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Boards of stages for which each step of each request takes the same time."""
    boards = np.zeros((len(split.stages), 1 + KEPT, TIMES))
    begin = 0.0
    for request in range(num_requests):
        for board in boards:
            board[0, 0] = request + 1
            board[1 + request % KEPT] = [begin, *(begin + np.cumsum(times)), 0.25 * times[2]]
        begin += float(times.sum())
    return boards


def test_times_are_medians_and_the_first_requests_are_left_out(split: Split) -> None:
    boards = boards_of(split, 30, np.array([1.0, 0.5, 4.0, 2.0, 0.5]))
    boards[:, 1:6, 3:6] += 1000  # before it is warm
    run = measure(split, boards, warmup=10, requests=15)
    assert (run.requests, run.seconds, run.throughput) == (15, 120.0, 0.125)
    assert (run.stages[0].run, run.stages[0].cpu) == (4.0, 1.0)
    assert run.stages[0].transfer == 1.0
    assert run.bottleneck == run.stages[0].measured == 5.0
    assert run.stages[0].busy == 0.625
    assert measure(split, boards, warmup=10, requests=None).requests == 20


def test_of_many_requests_the_latest_are_counted(split: Split) -> None:
    run = measure(split, boards_of(split, KEPT + 500, np.ones(5)), warmup=10, requests=None)
    assert run.requests == KEPT - 2
    assert run.throughput == pytest.approx(0.2)
    assert measure(split, boards_of(split, KEPT + 500, np.ones(5)), warmup=10, requests=5).requests == 5


def test_nothing_measured_is_no_number(split: Split) -> None:
    run = measure(split, boards_of(split, 10, np.ones(5)), warmup=10, requests=5)
    assert (run.requests, run.stages) == (0, ())
    assert (run.bottleneck, run.throughput, run.speedup) == (None, None, None)
