"""The exact bound against optima that others can look up."""

from __future__ import annotations

from pathlib import Path

import pytest

import slicegraph as sg
from testbed.optima import ROUNDING, optimum_of, read_optima

DATA = Path(__file__).parents[3] / "shared" / "data"
GRAPHS = sorted((DATA / "published").glob("*_inference.json.gz"))


@pytest.mark.skipif(not GRAPHS, reason="takes the published planner inputs, which are no part of this project")
@pytest.mark.parametrize("num_blocks", [2, 4, 8])
@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.name.removesuffix("_inference.json.gz"))
def test_no_bound_is_above_an_optimum_that_is_published(path: Path, num_blocks: int) -> None:
    """And it is the optimum where the model is solved."""
    instance = sg.Instance(sg.read(path), device=sg.Device(bandwidth=1e9), num_blocks=num_blocks)
    row = {"graph": path.name.removesuffix(".json.gz"), "k": str(num_blocks)}
    optimum = optimum_of(row, read_optima(DATA / "README.md"))
    assert optimum is not None
    result = sg.solve(instance, stop=sg.TargetGap(2e-6) | sg.MaxRuntime(2), method="exact")
    assert result.lower_bound <= optimum.seconds * (1 + ROUNDING)
    bound = result.bounds[-1]
    if bound.method == "exact" and bound.status == "optimal":
        assert result.lower_bound >= optimum.seconds * (1 - ROUNDING)
