"""Some rounds of proofs of random small problems; `make proofs` goes through ten thousand."""

from __future__ import annotations

import collections

import pytest

import slicegraph as sg
from proofs.rounds import WrongError, attempt


def test_what_is_true_is_proved_by_both_checkers_and_nothing_else() -> None:
    counts = sum((attempt(1, number) for number in range(40)), collections.Counter[str]())
    assert counts["problems"] > 20
    assert counts["true"] > 60
    assert counts["refused"] > 100
    assert counts["changed but true"] > 1


def test_a_checker_that_is_wrong_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that believes whatever is claimed, and one that believes nothing."""

    def believing(graph: sg.Graph, certificate: sg.Certificate, *, slow: bool) -> sg.Verdict:
        assert (graph.num_nodes > 0, slow in {True, False}) == (True, True)
        lower_bound = certificate.lower_bound
        return sg.Verdict(bottleneck=lower_bound, lower_bound=lower_bound, claimed_lower_bound=lower_bound)

    def refusing(graph: sg.Graph, certificate: sg.Certificate, *, slow: bool = False) -> sg.Verdict:
        raise sg.CertificateError(f"{graph.num_nodes}: {certificate.num_blocks}, {slow}")

    for checker in (believing, refusing):
        monkeypatch.setattr(sg, "check", checker)
        with pytest.raises(WrongError):
            sum((attempt(1, number) for number in range(10)), collections.Counter[str]())
