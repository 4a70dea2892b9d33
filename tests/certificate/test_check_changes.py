"""The checker: whatever is changed in a certificate is refused, or leaves all claims true."""

from __future__ import annotations

import random
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import certificates
import oracle
import row_proofs
from certificates import certify
from checked import (
    DEEP,
    DEEP_GRAPH,
    DEEP_QUESTION,
    GRAPH,
    QUESTION,
    RICH,
    refusal,
)
from merges import RULES, random_merges
from mutations import mutations
from questions import Question, light_questions, questions, to_problem
from slicegraph.certificate.check import check
from slicegraph.certificate.model import Certificate
from slicegraph.errors import CertificateError
from strategies import MANY, to_graph

# Where a change may leave all claims true: labels, what a solver says beyond its bound, a partition that is no longer
# claimed, and relaxations that prove the same as before, or that no bound rests on.
HARMLESS = re.compile(
    r"\.graph\.name|\.solver\.(name|version|options.*)|\.witness|\.bounds|\.bounds\[\d\]\.relaxations"
    r"|\.bounds\[\d\]\.relaxations\[\d\](\.(spans|demand|threshold|proof|solver).*)?"
)


# Where a change may leave a certificate true: labels, merges that no bound rests on, and another node whose blocks cost
# as much.
DEEP_HARMLESS = re.compile(
    r"\.graph\.name|\.solver\.(name|version|options.*)|\.witness|\.bounds|\.bounds\[\d\]\.reduction(\..*)?"
    r"|\.bounds\[\d\]\.node(\.node|\.lower_bound)?|\.bounds\[1\]\.(relaxations|relaxations\[0\].*)"
)


def test_every_change_is_refused_by_the_seal_or_before() -> None:
    """Every leaf changed, every entry of a list dropped or doubled, every key dropped, added or made null."""
    count = 0
    for path, document in mutations(RICH.document):
        assert refusal(Certificate(document)), path
        count += 1
    assert count > 1000


def assert_true(question: Question, document: dict[str, Any]) -> None:
    """The slow checker: every claim of a document is what the definitions give."""
    if document["witness"] is not None:
        rows = question.block_costs(document["witness"]["block_of"])[: max(document["witness"]["block_of"]) + 1]
        assert oracle.is_acyclic(question.data, document["witness"]["block_of"])
        assert (document["witness"]["block_costs"], document["witness"]["bottleneck"]) == (
            rows,
            oracle.bottleneck(rows),
        )
    for bound in document["bounds"]:
        for relaxation in bound["relaxations"]:
            if relaxation["proof"] is not None and bound["reduction"] is None:
                assert row_proofs.proof_value(question, relaxation) == relaxation["proof"]["lower_bound"]
    believed = [certificates.believed_bound(question, bound) for bound in document["bounds"]]
    assert [bound["lower_bound"] for bound in document["bounds"]] == believed
    assert document["lower_bound"] == max(believed)


def test_every_change_of_a_claim_is_refused_with_the_seal_made_anew() -> None:
    """What is accepted after a change is what leaves every claim what it was, and true."""
    verdict = check(GRAPH, RICH)
    accepted = set()
    for path, document in mutations(RICH.document):
        if path == ".seal" or "seal" not in document:
            continue
        try:
            found = check(GRAPH, Certificate.of(document))
        except CertificateError:
            continue
        assert HARMLESS.fullmatch(path), path
        assert found.bottleneck == (float("inf") if path == ".witness" else verdict.bottleneck), path
        assert found.claimed_lower_bound == verdict.claimed_lower_bound, path
        assert found.lower_bound <= verdict.lower_bound, path
        assert_true(QUESTION, document)
        accepted.add(path)
    assert {".graph.name", ".solver.version", ".witness"} <= accepted


def test_every_change_of_deep_evidence_is_refused_or_harmless() -> None:
    verdict = check(DEEP_GRAPH, DEEP)
    accepted = set()
    for path, document in mutations(DEEP.document):
        if path == ".seal" or "seal" not in document:
            continue
        try:
            found = check(DEEP_GRAPH, Certificate.of(document))
        except CertificateError:
            continue
        assert DEEP_HARMLESS.fullmatch(path), path
        assert found.claimed_lower_bound == verdict.claimed_lower_bound, path
        assert found.lower_bound <= verdict.lower_bound, path
        assert_true(DEEP_QUESTION, document)
        accepted.add(path)
    assert {".graph.name", ".solver.options[0].threads"} <= accepted


@given(light_questions(), st.integers())
@settings(max_examples=MANY)
def test_what_is_proved_again_is_true(question: Question, seed: int) -> None:
    """With any thresholds, and logs of merges in which one is sometimes another."""
    random_ = random.Random(seed)  # noqa: S311 - not a secret
    optimum = min(bottleneck for *_, bottleneck in question.partitions())
    top = 5 * question.mean_work if optimum == float("inf") else int(optimum)
    few = [top, top, top + 1, max(0, top - 1), random_.randrange(2 * top + 1)]
    evidence = {}
    for method in ("exact", "downsets"):
        threshold = random_.choice(few)
        merges = [merge for _, merge in random_merges(to_problem(question), random_, threshold)]
        del merges[random_.randrange(len(merges) + 1) :]
        if merges and random_.random() < 0.2:
            nodes = (random_.randrange(question.num_nodes) for _ in range(2))
            merges[random_.randrange(len(merges))] = [random_.choice(RULES), *nodes]
        parts: dict[str, Any] = {
            "reduction": {"threshold": threshold, "merges": merges},
            "downsets": {"threshold": random_.choice(few)},
            "node": {"node": random_.randrange(question.num_nodes), "lower_bound": random_.choice(few)},
        }
        evidence[method] = {name: part for name, part in parts.items() if random_.random() < 0.6}
    certificate = certify(question, None, None, evidence)
    try:
        verdict = check(to_graph(question.data), certificate, budget=random_.choice([0, 50, 200, 10**6]))
    except CertificateError:
        return
    assert verdict.lower_bound <= optimum * question.ticks.tick


@given(questions(), st.integers())
def test_what_is_accepted_is_true(question: Question, seed: int) -> None:
    """A random certificate holds. Changed in one entry and sealed anew, it is refused or its claims are still true."""
    random_ = random.Random(seed)  # noqa: S311 - not a secret
    partitions = question.partitions()
    block_of, _, bottleneck = random_.choice(partitions)
    optimum = min(each[2] for each in partitions)
    relaxations = []
    for _ in range(3):
        relaxation = row_proofs.random_relaxation(question, random_, [None, 1, question.mean_work])
        rows = row_proofs.random_rows(question, relaxation, random_)[:6]
        relaxations.append(row_proofs.prove(question, relaxation, 3, rows) or relaxation)
    certificate = certify(question, None if bottleneck == float("inf") else block_of, {"bottleneck": relaxations})
    graph = to_graph(question.data)
    assert check(graph, certificate).bottleneck == bottleneck * question.ticks.tick

    changes = [(path, document) for path, document in mutations(certificate.document) if isinstance(document, dict)]
    for path, document in random_.sample(changes, 10):
        try:
            verdict = check(graph, Certificate.of(document))
        except CertificateError:
            continue
        assert_true(question, document)
        assert verdict.lower_bound <= optimum * question.ticks.tick, path
