"""The exact bound against optima that others can look up."""

from __future__ import annotations

from pathlib import Path

import pytest
from lower_bounds import ROUNDING, known_optima

import slicegraph as sg

DATA = Path(__file__).parents[3] / "shared" / "data"
GRAPHS = sorted((DATA / "published").glob("*_inference.json.gz"))


@pytest.mark.skipif(not GRAPHS, reason="takes the published planner inputs, which are no part of this project")
@pytest.mark.parametrize("num_blocks", [2, 4, 8])
@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.name.removesuffix("_inference.json.gz"))
def test_no_bound_is_above_an_optimum_that_is_published(path: Path, num_blocks: int) -> None:
    """And it is the optimum where the model is solved."""
    instance = sg.Instance(sg.read(path), device=sg.Device(bandwidth=1e9), num_blocks=num_blocks)
    optima = known_optima(DATA / "README.md")
    optimum = next(values[num_blocks] for name, values in optima.items() if path.name.endswith(f"{name}.json.gz"))
    result = sg.solve(instance, stop=sg.TargetGap(2e-6) | sg.MaxRuntime(2), method="exact")
    assert result.lower_bound <= optimum * (1 + ROUNDING)
    bound = result.bounds[-1]
    if bound.method == "exact" and bound.status == "optimal":
        assert result.lower_bound >= optimum * (1 - ROUNDING)
