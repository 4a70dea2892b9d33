"""A result's certificate."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

import slicegraph as sg
from mutations import mutations
from strategies import CHAIN, grid, to_instance


@pytest.fixture(scope="module")
def result() -> sg.Result:
    """A partition with proofs and a solver's word."""
    return solved("exact")


def solved(method: str) -> sg.Result:
    stop = sg.MaxRuntime(5) | sg.TargetGap(0.0)
    return sg.solve(to_instance(grid(4), {"bandwidth": 16.0, "memory": 3}, 3), stop=stop, method=method)


def test_what_solve_says_can_be_checked(result: sg.Result, tmp_path: Path) -> None:
    """The duals are added up again; the rest, a solver's word, is claimed and enters nothing else."""
    path = tmp_path / "grid.cert.json"
    result.certificate.write(path)
    verdict = sg.check(result.instance.graph, sg.Certificate.read(path))
    assert (verdict.bottleneck, verdict.claimed_lower_bound) == (result.bottleneck, result.lower_bound) == (8.0, 8.0)
    assert 8.0 > verdict.lower_bound == result.verified_lower_bound > 6.0 > 16 / 3
    assert (verdict.status, verdict.claimed_gap, verdict.is_cut_short) == ("within_gap", 0.0, False)
    assert verdict.gap == (8.0 - verdict.lower_bound) / 8.0


def test_a_certificate_names_the_options_that_the_solver_ran_with(result: sg.Result) -> None:
    """Those of branch and bound, which said something; not those of the linear relaxation, whose duals are a proof."""
    (used,) = result.certificate.document["solver"]["options"]
    assert (used["threads"], used["mip_heuristic_effort"], used["mip_allow_restart"]) == (1, 0.0, False)
    assert used["presolve"] in ("choose", "off")
    assert not used.keys() & {"solver", "run_crossover", "time_limit", "output_flag"}


def test_what_the_downsets_say_can_be_proved_again() -> None:
    """All that the search claims; without steps, nothing beyond arithmetic."""
    result = solved("auto")
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
