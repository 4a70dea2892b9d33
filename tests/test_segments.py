"""Work from times of segments: least squares, beside a solution of another form."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from slicegraph.segments import fit_segments


def slow(work: NDArray[np.float64], segments: list[tuple[NDArray[np.bool_], float]]) -> NDArray[np.float64]:
    """Solve the same least squares as an overdetermined system, a row for each node and each segment."""
    mean = np.mean([seconds for _, seconds in segments])
    rows = [np.diag(1 / np.sqrt(0.09 * mean * work)), *(nodes[None, :] / (0.02 * time) for nodes, time in segments)]
    right = np.concatenate([work / np.sqrt(0.09 * mean * work), [50.0] * len(segments)])
    found: NDArray[np.float64] = np.linalg.lstsq(np.vstack(rows), right, rcond=None)[0]
    return found


@pytest.mark.parametrize("seed", range(20))
def test_it_is_the_least_squares_solution(seed: int) -> None:
    random = np.random.default_rng(seed)
    work = random.uniform(0.5, 1.5, 9)
    parts = [random.random(9) < 0.5 for _ in range(4)]
    segments = [(nodes, float(work[nodes].sum() * random.uniform(0.8, 1.25))) for nodes in parts if nodes.any()]
    np.testing.assert_allclose(fit_segments(work, segments), slow(work, segments), rtol=1e-9)


def test_a_partition_scales_its_segments_and_leaves_the_rest() -> None:
    first, rest = np.arange(4) < 2, np.arange(4) == 2
    found = fit_segments(np.array([1.0, 3.0, 2.0, 7.0]), [(first, 2.0), (rest, 4.0)])
    assert found == pytest.approx([0.5, 1.5, 4.0, 7.0], rel=0.01)


def test_no_work_becomes_negative() -> None:
    """Segments that contradict each other leave every node a tenth at least."""
    everything, some = np.ones(3, np.bool_), np.array([True, True, False])
    found = fit_segments(np.array([1.0, 1.0, 1.0]), [(everything, 3.0), (some, 9.0)])
    assert (found >= 0.1 - 1e-12).all()
    assert found[2] == pytest.approx(0.1)


def test_nodes_without_work_share_what_was_measured() -> None:
    found = fit_segments(np.zeros(4), [(np.array([True, True, False, False]), 6.0)])
    assert found == pytest.approx([3.0, 3.0, 0.0, 0.0], rel=0.01)
    assert fit_segments(np.ones(2), []).tolist() == [1.0, 1.0]
