"""The exact bound against optima that others can look up."""

from __future__ import annotations

from pathlib import Path

import pytest

import slicegraph as sg
from testbed.optima import ROUNDING, Optimum, optimum_of, read_optima

DATA = Path(__file__).parents[3] / "shared" / "data"
REASON = "takes the published planner inputs, which are no part of this project"
GRAPHS = sorted((DATA / "published").glob("*_inference.json.gz"))


Case = tuple[sg.Instance, Optimum]


@pytest.fixture(params=GRAPHS, ids=lambda path: path.name.removesuffix("_inference.json.gz"))
def graph(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


@pytest.fixture(params=[2, 4, 8])
def case(graph: Path, request: pytest.FixtureRequest) -> Case:
    instance = sg.Instance(sg.read(graph), device=sg.Device(bandwidth=1e9), num_blocks=request.param)
    row = {"graph": graph.name.removesuffix(".json.gz"), "k": str(request.param)}
    optimum = optimum_of(row, read_optima(DATA / "README.md"))
    assert optimum is not None
    return instance, optimum


@pytest.mark.skipif(not GRAPHS, reason=REASON)
def test_no_bound_is_above_an_optimum_that_is_published(case: Case) -> None:
    """Whatever the solver says of the exact model, and however far it comes; the search leaves it the processors."""
    instance, optimum = case
    result = sg.solve(instance, stop=sg.TargetGap(2e-6) | sg.MaxRuntime(2), method="exact", threads=1)
    said = max(bound.believed_lower_bound for bound in result.bounds)
    assert result.lower_bound <= said <= optimum.seconds * (1 + ROUNDING)


@pytest.mark.skipif(not GRAPHS, reason=REASON)
def test_the_answer_is_the_optimum_that_is_published(case: Case) -> None:
    """Proven in milliseconds, and no worse than what is only the best that others know."""
    instance, optimum = case
    result = sg.solve(instance, stop=sg.MaxRuntime(60))
    assert result.status is sg.Status.OPTIMAL
    assert result.bottleneck <= optimum.seconds * (1 + ROUNDING)
    assert result.bottleneck >= optimum.seconds * (1 - ROUNDING) or not optimum.is_proven
