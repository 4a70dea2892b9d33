"""A result's certificate."""

from __future__ import annotations

import copy
import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

import slicegraph as sg
from mutations import mutations
from results import result_of
from slicegraph.bounds.combinatorial import combinatorial
from slicegraph.bounds.exact import exact
from slicegraph.bounds.formulation import Formulation
from slicegraph.bounds.tasks import Budget
from slicegraph.report.terminal import result_to_text
from slicegraph.result import Believed
from strategies import CHAIN, grid, to_instance


@pytest.fixture(scope="module")
def result() -> sg.Result:
    """A partition, and a bound of the MIP solver that the exact solver has not proven."""
    instance = to_instance(grid(4), {"bandwidth": 16.0, "memory": 3}, 3)
    found = sg.search(instance, stop=sg.MaxEvaluations(2_000), seed=0, threads=1)
    budget = Budget(threshold=round(found.bottleneck / instance.tick), seconds=60.0)
    bound = exact(Formulation(instance), budget)
    return result_of(instance, found.block_of, (combinatorial(instance), bound))


def test_what_solve_says_can_be_checked(result: sg.Result, tmp_path: Path) -> None:
    """The duals are added up again; the rest, a solver's word, is in no certificate."""
    path = tmp_path / "grid.cert.json"
    result.certificate.write(path)
    verdict = sg.check(result.instance.graph, sg.Certificate.read(path))
    assert (verdict.bottleneck, verdict.claimed_lower_bound) == (result.bottleneck, result.lower_bound)
    assert 8.0 > verdict.lower_bound == result.lower_bound == result.verified_lower_bound > 6.0 > 16 / 3
    assert (verdict.status, verdict.is_cut_short) == ("within_gap", False)
    assert result.status is sg.Status.TIME_LIMIT
    assert verdict.gap == result.gap == (8.0 - verdict.lower_bound) / 8.0


def test_what_only_a_solver_says_stands_beside_the_lower_bound(result: sg.Result) -> None:
    """In the result, the plan and the table, as what it is; it is in no gap."""
    assert result.believed == Believed(bound=8.0)
    why_not = "its branch and bound leaves no evidence that can be checked"
    assert result.plan.document["believed"] == {"bound": 8.0, "by": "HiGHS", "why_not": why_not}
    assert result.plan.document["gap"] == result.gap > 0.0
    assert "\nbelieved, not proven: 8 s by HiGHS\n" in result_to_text(result)


def test_a_solver_that_knows_of_no_partition_proves_none_impossible(result: sg.Result) -> None:
    """Only evidence does; JSON has no infinite bound."""
    word = replace(result.bounds[1], believed=2**52)
    told = result_of(result.instance, None, (result.bounds[0], word))
    assert (told.status, told.believed) == (sg.Status.TIME_LIMIT, Believed(bound=math.inf))
    assert json.loads(told.plan.text)["believed"]["bound"] is None


def test_what_the_downsets_say_can_be_proved_again() -> None:
    """All that the search claims; without steps, nothing beyond arithmetic."""
    instance = to_instance(grid(4), {"bandwidth": 16.0, "memory": 3}, 3)
    result = sg.solve(instance, stop=sg.MaxRuntime(30))
    assert result.status is sg.Status.OPTIMAL
    verdict = sg.check(result.instance.graph, result.certificate)
    assert verdict.lower_bound == verdict.claimed_lower_bound == verdict.bottleneck == 8.0
    assert (verdict.status, verdict.gap, verdict.is_cut_short) == ("optimal", 0.0, False)
    short = sg.check(result.instance.graph, result.certificate, budget=1)
    combinatorial = sg.lower_bound(result.instance, method="combinatorial").lower_bound
    assert (short.lower_bound, short.claimed_lower_bound) == (combinatorial, 8.0)
    assert (short.status, short.is_cut_short) == ("within_gap", True)


def test_a_certificate_with_any_entry_changed_is_refused(result: sg.Result) -> None:
    """The seal alone sees to that; what a new seal cannot hide, the checker's own tests show."""
    certificate = result.certificate
    count = 0
    for _, document in mutations(certificate.document):
        with pytest.raises(sg.CertificateError):
            sg.check(result.instance.graph, sg.Certificate(document))
        count += 1
    assert count > 1000


def test_a_stage_number_that_is_changed_and_sealed_anew_is_refused(result: sg.Result) -> None:
    document = copy.deepcopy(result.certificate.document)
    block_of = document["witness"]["block_of"]
    for node, block in enumerate(list(block_of)):
        for other in {0, 1, 2, 3, -1} - {block}:
            block_of[node] = other
            with pytest.raises(sg.CertificateError, match="witness"):
                sg.check(result.instance.graph, sg.Certificate.of(document))
        block_of[node] = block
    sg.check(result.instance.graph, sg.Certificate.of(document))


def test_a_certificate_is_about_one_graph_device_and_number_of_blocks(result: sg.Result) -> None:
    certificate = result.certificate
    with pytest.raises(sg.CertificateError, match="num_nodes"):
        sg.check(to_instance(CHAIN, {"bandwidth": 64.0}, 2).graph, certificate)
    heavier = grid(4)
    heavier["nodes"]["work"][5] = 1.5
    with pytest.raises(sg.CertificateError, match="instance"):
        sg.check(to_instance(heavier, {"bandwidth": 16.0}, 3).graph, certificate)
    with pytest.raises(sg.CertificateError, match="device"):
        sg.check(result.instance.graph, certificate, device=sg.Device(bandwidth=16.0))
    with pytest.raises(sg.CertificateError, match="num_blocks"):
        sg.check(result.instance.graph, certificate, num_blocks=4)


def test_a_result_without_a_partition_has_a_certificate_of_its_bound() -> None:
    """Parameters of 3 and 3 and 2 bytes fit no two stages of 4."""
    data = CHAIN | {"nodes": CHAIN["nodes"] | {"param_bytes": [3, 3, 2]}}
    instance = to_instance(data, {"bandwidth": 64.0, "memory_limit": 4}, 2)
    result = sg.solve(instance, stop=sg.MaxEvaluations(50), method="brkga")
    assert result.bottleneck == float("inf")
    verdict = sg.check(instance.graph, result.certificate)
    assert (verdict.bottleneck, verdict.lower_bound) == (float("inf"), 3.0)
