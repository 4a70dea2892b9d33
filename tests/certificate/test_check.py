"""The checker: what it proves again of a certificate that holds."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest

import certificates
import row_proofs
import slicegraph as sg
from certificates import certify, relax
from checked import (
    DATA,
    DEEP,
    DEEP_DATA,
    DEEP_GRAPH,
    DEEP_QUESTION,
    DEVICE,
    GRAPH,
    MERGES,
    QUESTION,
    RICH,
    SECOND,
    refusal,
)
from questions import Question
from slicegraph.certificate.check import Verdict, check
from slicegraph.certificate.model import Certificate
from slicegraph.errors import CertificateError, InputError
from strategies import CHAIN, to_graph


def test_a_certificate_that_holds_gives_its_claims_in_seconds() -> None:
    verdict = check(GRAPH, RICH, device=sg.Device(**DEVICE), num_blocks=3)
    assert (verdict.bottleneck, verdict.claimed_lower_bound) == (RICH.bottleneck, RICH.lower_bound)
    proved = max(certificates.proved_bound(QUESTION, bound) for bound in RICH.document["bounds"])
    assert verdict.lower_bound == proved * QUESTION.ticks.tick
    assert QUESTION.combinatorial() * QUESTION.ticks.tick < verdict.lower_bound < verdict.claimed_lower_bound
    assert 0 < verdict.claimed_gap < verdict.gap < 1
    assert (verdict.status, verdict.is_cut_short) == ("within_gap", False)


def test_without_a_partition_there_is_only_a_lower_bound() -> None:
    verdict = check(GRAPH, certify(QUESTION, None))
    assert (verdict.bottleneck, verdict.gap, verdict.claimed_gap) == (float("inf"), 1.0, 1.0)
    assert verdict.status == "no_partition"
    assert verdict.lower_bound == verdict.claimed_lower_bound == QUESTION.combinatorial() * QUESTION.ticks.tick


@pytest.mark.parametrize(("sizes", "num_blocks"), [([3, 6, 3], 3), ([4, 4, 4], 2)], ids=["a node", "all nodes"])
def test_that_no_partition_fits_the_memory_limit_is_proved_again(sizes: list[int], num_blocks: int) -> None:
    """The lower bound is infinite, as the solver says it; no number of seconds stands for it."""
    data = CHAIN | {"nodes": CHAIN["nodes"] | {"param_bytes": sizes}}
    question = Question(data, {"bandwidth": 64.0, "memory_limit": 5}, num_blocks)
    assert question.optimum() == float("inf")
    verdict = check(to_graph(data), certify(question, None))
    assert (verdict.status, verdict.lower_bound, verdict.claimed_lower_bound) == ("infeasible", math.inf, math.inf)
    assert (verdict.bottleneck, verdict.gap, verdict.claimed_gap) == (math.inf, 1.0, 1.0)


def test_a_graph_that_costs_nothing_has_no_gap() -> None:
    data = CHAIN | {"nodes": {"op": ["a", "b", "c"], "work": [0.0, 0.0, 0.0]}}
    question = Question(data | {"tensors": CHAIN["tensors"] | {"size": [0, 0]}}, {"bandwidth": 1.0}, 2)
    proof = row_proofs.prove(question, relax([1, 1], threshold=5), 1, [["cost", 0, 1]])
    verdict = check(to_graph(question.data), certify(question, [0, 1, 1], {"bottleneck": [proof] if proof else []}))
    assert (verdict.bottleneck, verdict.lower_bound, verdict.gap) == (0.0, 0.0, 0.0)


def test_reductions_searches_and_cuts_are_proved_again() -> None:
    """By default, and in as few steps as it takes; without them, nothing beyond arithmetic is."""
    verdict = check(DEEP_GRAPH, DEEP)
    assert (verdict.bottleneck, verdict.lower_bound, verdict.claimed_lower_bound) == (9.0, 9.0, 9.0)
    assert (verdict.status, verdict.gap, verdict.is_cut_short) == ("optimal", 0.0, False)
    assert check(DEEP_GRAPH, DEEP, budget=2_000) == verdict
    short = check(DEEP_GRAPH, DEEP, budget=0)
    assert short.lower_bound == DEEP_QUESTION.combinatorial() * DEEP_QUESTION.ticks.tick < 7.0
    assert (short.status, short.claimed_gap, short.is_cut_short) == ("within_gap", 0.0, True)


def test_steps_prove_more_and_never_less() -> None:
    """What is beyond the budget leaves a lower bound that was proved, or the combinatorial one."""
    found = [check(DEEP_GRAPH, DEEP, budget=budget) for budget in range(0, 400, 5)]
    bounds = [verdict.lower_bound for verdict in found]
    assert bounds[0] < bounds[-1] == 9.0
    assert all(verdict.is_cut_short == (verdict.lower_bound < 9.0) for verdict in found)


def test_a_word_is_no_proof() -> None:
    """The chain alone, or a solver alone, with any steps: the lower bound is the combinatorial one."""
    combinatorial = DEEP_QUESTION.combinatorial() * DEEP_QUESTION.ticks.tick
    chain = certify(DEEP_QUESTION, [0] * 7, None, {"chain": {"chain": {"threshold": 9 * SECOND}}})
    word = certify(DEEP_QUESTION, [0] * 7, {"exact": [relax([1, 1, 1], solver=9 * SECOND)]})
    for certificate in (chain, word):
        for budget in (0, 10**6):
            verdict = check(DEEP_GRAPH, certificate, budget=budget)
            assert (verdict.lower_bound, verdict.claimed_lower_bound) == (combinatorial, 9.0)
            assert (verdict.gap, verdict.is_cut_short) == ((16.0 - combinatorial) / 16.0, False)


FORGED: dict[str, tuple[str, dict[str, Any], int | None]] = {
    "a search": ("downsets", {"downsets": {"threshold": 16 * SECOND}}, None),
    "merges and a search": (
        "downsets",
        {
            "reduction": {"threshold": 16 * SECOND, "merges": [["together", 0, 6]]},
            "downsets": {"threshold": 16 * SECOND},
        },
        None,
    ),
    "merges and a node": (
        "exact",
        {
            "reduction": {"threshold": 16 * SECOND, "merges": [["cycle", 0, 1]]},
            "node": {"node": 0, "lower_bound": 16 * SECOND},
        },
        None,
    ),
    "a node": ("node", {"node": {"node": 3, "lower_bound": 16 * SECOND}}, None),
    "a chain": ("chain", {"chain": {"threshold": 16 * SECOND}}, None),
    "a chain beside a search": (
        "downsets",
        {"chain": {"threshold": 16 * SECOND}, "downsets": {"threshold": 9 * SECOND}},
        None,
    ),
    "a word": ("bottleneck", {}, 16 * SECOND),
    "a word beside merges": ("exact", {"reduction": {"threshold": 16 * SECOND, "merges": MERGES}}, 16 * SECOND),
}


@pytest.mark.parametrize("kind", FORGED)
def test_a_forged_bound_is_refused_or_only_claimed(kind: str) -> None:
    """All nodes in one block cost 16 s, the best partition 9 s: whatever the steps, no gap below 7 / 16 is given."""
    method, evidence, word = FORGED[kind]
    relaxations = [] if word is None else [relax([1, 1, 1], solver=word)]
    certificate = certify(DEEP_QUESTION, [0] * 7, {method: relaxations}, {method: evidence})
    assert certificate.lower_bound == certificate.bottleneck == 16.0
    for budget in (0, 10, 100, 1_000, 10**6):
        try:
            verdict = check(DEEP_GRAPH, certificate, budget=budget)
        except CertificateError:
            continue
        assert verdict.gap >= 7 / 16
        assert (verdict.status, verdict.claimed_gap) == ("within_gap", 0.0)


def test_a_proof_of_rows_that_is_none_is_refused() -> None:
    """An empty sum that claims the partition's own bottleneck, on the graph and on its quotient."""
    empty = relax([1, 1, 1], threshold=16 * SECOND)
    empty["proof"] = {"unit": 1, "rows": [], "lower_bound": 16 * SECOND}
    for evidence in ({}, {"reduction": {"threshold": 16 * SECOND, "merges": MERGES[1:2]}}):
        certificate = certify(DEEP_QUESTION, [0] * 7, {"exact": [empty]}, {"exact": evidence})
        assert refusal(certificate, DEEP_GRAPH).startswith("bounds[1].")


def test_many_blocks_take_no_more_than_nodes_do() -> None:
    """The largest number of blocks that there is: costs end with the last block that is not empty."""
    question = Question(DEEP_DATA, {"bandwidth": 1.0}, 2**20)
    evidence = {"downsets": {"downsets": {"threshold": 7 * SECOND}}}
    document = certify(question, [0] * 7, None, evidence).document
    assert len(document["witness"]["block_costs"]) == 1
    assert check(DEEP_GRAPH, Certificate(document), budget=10_000).status == "within_gap"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"budget": -1}, "budget = -1: steps are not negative"),
        ({"budget": 1.5}, "budget: float is given, but int is asked for"),
        ({"budget": True}, "budget: bool is given, but int is asked for"),
        ({"num_blocks": "2"}, "num_blocks: str is given, but int or None is asked for"),
        ({"device": "a100"}, "device: str is given, but Device or None is asked for"),
        ({"boundary_io": 1}, "boundary_io: int is given, but bool or None is asked for"),
        ({"graph": "a.onnx"}, "graph: str is given, but Graph is asked for"),
        ({"certificate": "a.json"}, "certificate: str is given, but Certificate is asked for"),
    ],
)
def test_a_wrong_argument_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        check(**{"graph": GRAPH, "certificate": RICH, **options})


def test_a_family_that_misses_a_block_proves_nothing() -> None:
    """Two of three blocks leave the partitions in which the third is the fullest."""
    family = [relaxation for relaxation in RICH.document["bounds"][2]["relaxations"] if relaxation["proof"]]
    whole = check(GRAPH, certify(QUESTION, None, {"bottleneck_guess": family}))
    assert whole.lower_bound == check(GRAPH, RICH).lower_bound
    for missing in range(3):
        rest = [relaxation for index, relaxation in enumerate(family) if index != missing]
        verdict = check(GRAPH, certify(QUESTION, None, {"bottleneck_guess": rest}))
        assert verdict.lower_bound == QUESTION.combinatorial() * QUESTION.ticks.tick


def test_the_name_of_a_graph_is_a_label() -> None:
    assert check(to_graph(DATA | {"name": "other"}), RICH) == check(GRAPH, RICH)


def test_facts_are_made_into_work_by_the_roofline() -> None:
    data = CHAIN | {
        "nodes": {
            "op": ["a", "b", "c"],
            "flops": [6.0, 1.0, 1e9],
            "read_bytes": [1, 5, 1],
            "write_bytes": [1, 4, 1],
            "is_view": [0, 0, 1],
        }
    }
    device = {"bandwidth": 64.0, "flops": 2.0, "memory_bandwidth": 3.0}
    question = Question(data, device, 1)
    assert check(to_graph(data), certify(question, [0, 0, 0])).bottleneck == 6.0
    without = Certificate.of(certify(question, None).document | {"device": {"bandwidth": 64.0}})
    message = "device: flops is not given, but the graph gives no work in seconds"
    assert refusal(without, to_graph(data)) == message


def test_a_verdict_is_frozen() -> None:
    verdict = Verdict(bottleneck=2.0, lower_bound=0.5, claimed_lower_bound=1.0)
    assert (verdict.gap, verdict.claimed_gap, verdict.status) == (0.75, 0.5, "within_gap")
    with pytest.raises(AttributeError):
        verdict.lower_bound = 2.0  # type: ignore[misc] # what must fail
