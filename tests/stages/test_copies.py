"""What copies take, and the line through it."""

from __future__ import annotations

import numpy as np
import pytest

from slicegraph.stages.copies import Copies, measure_copies


def test_a_line_is_found_again() -> None:
    size = np.array([1 << 12, 1 << 16, 1 << 20], dtype=np.int64)
    copies = Copies(size=size, seconds=1e-6 + size / 1e10, spread=np.zeros(3))
    latency, bandwidth, error = copies.line()
    assert (latency, bandwidth) == pytest.approx((1e-6, 1e10))
    assert error < 1e-9
    assert copies.of(np.array([1 << 12, 1 << 22], dtype=np.float64)) == pytest.approx(
        [copies.seconds[0], 4 * copies.seconds[2]]
    )


def test_a_line_fits_the_sizes_that_are_priced() -> None:
    """Of tensors of one size it is exact there, whatever other sizes take."""
    size = np.array([1 << 12, 1 << 16, 1 << 20], dtype=np.int64)
    copies = Copies(size=size, seconds=np.array([1e-6, 4e-6, 1e-3]), spread=np.zeros(3))
    latency, bandwidth, error = copies.line(np.array([0, 1 << 12, 1 << 16], dtype=np.int64))
    assert latency + (1 << 16) / bandwidth == pytest.approx(4e-6, rel=2 * error + 1e-9)
    assert error < copies.line()[2]


def test_copies_are_measured() -> None:
    copies = measure_copies((1 << 12, 1 << 20))
    assert (copies.seconds > 0).all()
    assert copies.line()[1] > 1e6
