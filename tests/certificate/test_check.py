"""The checker: what holds is accepted, and what is changed is refused."""

from __future__ import annotations

import copy
import dataclasses
import math
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import certificates
import oracle
import slicegraph as sg
from certificates import FREE, Question, certify, light_questions, questions, random_merges, relax, to_problem
from duals import prove_by_duals
from mutations import mutations, path_keys
from slicegraph.certificate.check import Verdict, check
from slicegraph.certificate.model import Certificate
from slicegraph.errors import CertificateError, InputError
from slicegraph.formats.arrays import GraphArrays
from strategies import CHAIN, MANY, to_graph

DATA: dict[str, Any] = {
    "format": "slicegraph-graph-1",
    "name": "mixed",
    "nodes": {"op": ["op"] * 4, "work": [1.0, 2.0, 3.0, 4.0], "param_bytes": [32, 16, 8, 64]},
    "tensors": {
        "producer": [-1, 0, 0, 1, 2, 3],
        "size": [8, 16, 8, 24, 8, 8],
        "consumers": [[0], [1, 2], [3], [3], [3], []],
        "is_output": [False, False, True, False, False, True],
    },
}
DEVICE: dict[str, Any] = {"bandwidth": 64.0, "memory": 48, "overflow_bandwidth": 32.0, "memory_limit": 100}
QUESTION = Question(DATA, DEVICE, 3, boundary_io=True)
GRAPH = to_graph(DATA)


def make_rich() -> Certificate:
    """A certificate in which every kind of entry stands and counts."""
    best, _, bottleneck = min(QUESTION.partitions(), key=lambda each: each[2])
    optimum = int(bottleneck)
    family = [prove_by_duals(QUESTION, relax([1, 1, 1], demand=demand, threshold=optimum - 9)) for demand in range(3)]
    weak = prove_by_duals(QUESTION, relax([1, 2], threshold=optimum))
    assert all(family)
    assert weak
    bounds = {
        "bottleneck": [relax(FREE, demand=1, threshold=optimum, solver=optimum - 2), weak],
        "bottleneck_guess": [each for each in family if each],
        "exact": [relax([1, 1, 1], solver=optimum - 1)],
    }
    return certify(QUESTION, best, bounds)


DEEP_DATA: dict[str, Any] = {
    "format": "slicegraph-graph-1",
    "name": "deep",
    "nodes": {"op": ["op"] * 7, "work": [4.0, 2.0, 3.0, 4.0, 1.0, 1.0, 1.0]},
    "tensors": {
        "producer": [0, 1, 2, 3, 4, 5, 4],
        "size": [2, 6, 2, 7, 1, 1, 20],
        "consumers": [[1], [2], [3], [4], [5], [6], [6]],
    },
}
DEEP_QUESTION = Question(DEEP_DATA, {"bandwidth": 1.0}, 3)
DEEP_GRAPH = to_graph(DEEP_DATA)
SECOND = round(1.0 / DEEP_QUESTION.ticks.tick)
# The groups that are left: the first node, the two after it, and all others.
GROUPS_DATA = CHAIN | {
    "nodes": {"op": ["op"] * 3, "work": [4.0, 5.0, 7.0]},
    "tensors": {"producer": [0, 1], "size": [2, 2], "consumers": [[1], [2]]},
}
MERGES = [["pull", 1, 2], ["together", 4, 6], ["cycle", 4, 5], ["push", 3, 4]]


def make_deep() -> Certificate:
    """A certificate with all that is gone through again, and with a solver's word: the optimum is 9 s."""
    groups = Question(GROUPS_DATA, {"bandwidth": 1.0}, 3)
    # Costs in ticks of the groups are the same, but for the ticks themselves.
    factor = groups.ticks.tick / DEEP_QUESTION.ticks.tick
    for name in ("work", "transfer"):
        setattr(groups.ticks, name, [round(ticks * factor) for ticks in getattr(groups.ticks, name)])
    groups.mean_work = DEEP_QUESTION.mean_work
    weak = prove_by_duals(groups, relax([1, 1, 1], threshold=9 * SECOND))
    reduction = {"threshold": 9 * SECOND, "merges": MERGES}
    evidence: dict[str, certificates.Evidence] = {
        "downsets": {
            "reduction": reduction,
            "downsets": {"threshold": 9 * SECOND},
        },
        "node": {"node": {"node": 1, "lower_bound": 7 * SECOND}},
        "chain": {"chain": {"threshold": 8 * SECOND}},
        "exact": {"reduction": reduction, "node": {"node": 2, "lower_bound": 8 * SECOND}},
    }
    return certify(DEEP_QUESTION, [0, 1, 1, 2, 2, 2, 2], {"exact": [weak] if weak else []}, evidence)


RICH = make_rich()
DEEP = make_deep()
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


def refusal(certificate: Certificate, graph: sg.Graph = GRAPH, **options: Any) -> str:
    with pytest.raises(CertificateError) as error:
        check(graph, certificate, **options)
    assert type(error.value) is CertificateError
    message = str(error.value)
    assert message
    assert len(message.splitlines()) == 1
    return message


def changed(path: str, value: Any, certificate: Certificate = RICH) -> Certificate:
    """The certificate with another value at a path such as ``bounds[0].method``, sealed anew."""
    document = copy.deepcopy(certificate.document)
    *parts, last = path_keys(path)
    place: Any = document
    for part in parts:
        place = place[part]
    place[last] = value
    return Certificate.of(document)


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
    proof = certificates.prove(question, relax([1, 1], threshold=5), 1, [["cost", 0, 1]])
    verdict = check(to_graph(question.data), certify(question, [0, 1, 1], {"bottleneck": [proof] if proof else []}))
    assert (verdict.bottleneck, verdict.lower_bound, verdict.gap) == (0.0, 0.0, 0.0)


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
                assert certificates.proof_value(question, relaxation) == relaxation["proof"]["lower_bound"]
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
            merges[random_.randrange(len(merges))] = [random_.choice(certificates.RULES), *nodes]
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
        relaxation = certificates.random_relaxation(question, random_, [None, 1, question.mean_work])
        rows = certificates.random_rows(question, relaxation, random_)[:6]
        relaxations.append(certificates.prove(question, relaxation, 3, rows) or relaxation)
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


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            "bounds[1].reduction.merges[1]",
            ["push", 0, 1],
            "bounds[1].reduction.merges[1]: push of node 0 into node 1: it",
        ),
        (
            "bounds[1].reduction.merges[0]",
            ["pull", 3, 2],
            "bounds[1].reduction.merges[0]: pull of node 2 into node 3: the other makes nothing for it",
        ),
        ("bounds[1].reduction.merges[0]", ["pull", 3, 7], "bounds[1].reduction.merges[0]: 7 is no node"),
        ("bounds[1].reduction.merges[0]", ["pull", 3], "bounds[1].reduction.merges[0]: not a rule and two nodes"),
        (
            "bounds[1].reduction.merges[0]",
            ["join", 3, 2],
            "bounds[1].reduction.merges[0]: 'join' is not pull or push or",
        ),
        ("bounds[1].node.node", 7, "bounds[1].node: 7 is no node"),
        ("bounds[1].node.node", 3, "bounds[1].node: 3 is no node of the quotient"),
        ("bounds[1].node.node", 0, "bounds[1].node.lower_bound: "),
        ("bounds[3].node.lower_bound", 10 * SECOND, "bounds[3].lower_bound: "),
        ("bounds[1].relaxations[0].proof.lower_bound", 1, "bounds[1].relaxations[0].proof.lower_bound: 1 is claimed"),
        ("bounds[2].downsets.threshold", -1, "bounds[2].downsets.threshold: -1 is below 0"),
        ("bounds[2].downsets.transitions", 2**53, "bounds[2].downsets: the key 'transitions' is unknown"),
        ("bounds[4].chain.reach", [5, 6, 6], "bounds[4].chain: the key 'reach' is unknown"),
        ("bounds[4].chain", None, "bounds[4].lower_bound: "),
        ("bounds[0].downsets", {"threshold": 0}, "bounds[0]: the combinatorial bound"),
        ("solver", None, "solver: null, but a bound has a solver's word"),
    ],
)
def test_a_refusal_of_deep_evidence_names_the_place_and_the_rule(path: str, value: Any, message: str) -> None:
    assert refusal(changed(path, value, DEEP), DEEP_GRAPH).startswith(message)


def test_a_search_that_missed_a_partition_is_refused() -> None:
    """Also when no partition is known, which would contradict it; without steps it counts for nothing."""
    evidence = {"downsets": {"downsets": {"threshold": 9 * SECOND + 1}}}
    certificate = certify(DEEP_QUESTION, None, None, evidence)
    assert check(DEEP_GRAPH, certificate, budget=0).lower_bound < 9.0
    message = f"bounds[1].downsets.threshold: some partition costs less than {9 * SECOND + 1}"
    assert refusal(certificate, DEEP_GRAPH) == message


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("format", "slicegraph-certificate-1", "format: 'slicegraph-certificate-1' is not slicegraph-certificate-2"),
        ("graph.digest", "0" * 64, "graph.digest: the certificate is about another graph"),
        ("graph.num_nodes", 5, "graph.num_nodes: 5 is claimed, but it is 4"),
        ("graph.num_tensors", 5, "graph.num_tensors: 5 is claimed, but it is 6"),
        ("device.bandwidth", 64, "device.bandwidth: 64 is not a finite float"),
        ("device.bandwidth", 1e-300, "device: with these figures something takes"),
        ("device.memory", -1, "device.memory: -1 is below 0"),
        ("device.colour", 1.0, "device: the key 'colour' is unknown"),
        ("device.flops", 1.0, "instance: the certificate is about another graph, device or question"),
        ("boundary_io", 1, "boundary_io: 1 is not a boolean"),
        ("boundary_io", False, "instance: the certificate is about another graph, device or question"),
        ("num_blocks", 4, "instance: the certificate is about another graph, device or question"),
        ("num_blocks", 0, "num_blocks: 0 is below 1"),
        ("num_blocks", 2**21, "num_blocks: 2097152 is above 1048576"),
        ("num_blocks", True, "num_blocks: True is not an integer"),
        ("tick", 1.0, "tick: 1.0 is claimed, but it is "),
        ("instance", "A" * 64, "instance: 'AAAA"),
        ("witness.block_of", [0, 0, 0], "witness.block_of: 3 entries, but there are 4 nodes"),
        ("witness.block_of[3]", 3, "witness.block_of: node 3 is in a block that is none of 3"),
        ("witness.block_of[3]", -1, "witness.block_of[3]: -1 is below 0"),
        ("witness.block_of[3]", 0.0, "witness.block_of[3]: 0.0 is not an integer"),
        ("witness.block_of", [1, 0, 1, 2], "witness.block_of: tensor 1 runs to an earlier block"),
        ("witness.block_of", [0, 0, 0, 0], "witness.block_of: block 0 holds 120 bytes of parameters, above memory_lim"),
        ("witness.block_costs[1].work", 7, "witness.block_costs[1].work: 7 is claimed, but it is"),
        ("witness.block_costs", [], "witness.block_costs: 0 entries, but there are 3 blocks up to"),
        ("witness.bottleneck", 7, "witness.bottleneck: 7 is claimed, but it is"),
        ("lower_bound", 7, "lower_bound: 7 is claimed, but it is"),
        ("bounds", [], "bounds: none of them is combinatorial"),
        ("bounds[1].method", "combinatorial", "bounds: two of them are combinatorial"),
        ("bounds[1].method", "exact", "bounds: two of them are exact"),
        ("bounds[1].method", "guess", "bounds[1].method: 'guess' is not combinatorial or exact or bottleneck or"),
        ("bounds[0].lower_bound", 1, "bounds[0].lower_bound: 1 is claimed, but it is"),
        ("bounds[1].lower_bound", 1, "bounds[1].lower_bound: 1 is claimed, but it is"),
        ("bounds[0].relaxations", [relax([3])], "bounds[0]: the combinatorial bound comes from nothing else"),
        ("bounds[2].relaxations[0].spans", [1, 1], "bounds[2].relaxations[0].spans: they add up to 2, but there are 3"),
        ("bounds[2].relaxations[0].spans", [], "bounds[2].relaxations[0].spans: they add up to 0, but there are 3"),
        ("bounds[2].relaxations[0].spans", [None, 2], "bounds[2].relaxations[0].spans: only [null, 1, null] holds any"),
        (
            "bounds[1].relaxations[0].demand",
            None,
            "bounds[1].relaxations[0].demand: superblocks of any number of block",
        ),
        ("bounds[1].relaxations[0].demand", 0, "bounds[1].relaxations[0].demand: superblocks of any number of blocks"),
        ("bounds[2].relaxations[0].demand", 3, "bounds[2].relaxations[0].demand: 3 is no superblock"),
        ("bounds[1].relaxations[1].demand", 1, "bounds[1].relaxations[1].demand: superblock 1 is not one block"),
        ("bounds[1].relaxations[0].threshold", 9, "bounds[1].relaxations[0].solver.lower_bound: "),
        ("bounds[2].relaxations[0].proof.unit", 0, "bounds[2].relaxations[0].proof.unit: 0 is below 1"),
        ("bounds[2].relaxations[0].proof.rows[0]", [], "bounds[2].relaxations[0].proof.rows[0]: not a list that begin"),
        (
            "bounds[2].relaxations[0].proof.rows[0]",
            ["cut", 1, 1],
            "bounds[2].relaxations[0].proof.rows[0]: 'cut' is no",
        ),
        ("bounds[2].relaxations[0].proof.rows[0]", ["cost", 1], "bounds[2].relaxations[0].proof.rows[0]: 2 entries, b"),
        (
            "bounds[2].relaxations[0].proof.rows[0]",
            ["cost", 1, 0],
            "bounds[2].relaxations[0].proof.rows[0]: multiplier",
        ),
        ("bounds[2].relaxations[0].proof.rows[0]", ["cost", 1, 1.0], "bounds[2].relaxations[0].proof.rows[0]: 1.0 is "),
        ("bounds[2].relaxations[0].proof.rows[0]", ["order", 0, 9, 1], "bounds[2].relaxations[0].proof.rows[0]: 9 is "),
        ("bounds[2].relaxations[0].proof.lower_bound", 1, "bounds[2].lower_bound: "),
        ("solver", None, "solver: null, but a bound has a solver's word"),
        ("solver.options", [{"x": [1]}], "solver.options[0].x: [1] is not a boolean, a number or a string"),
    ],
)
def test_a_refusal_names_the_place_and_the_rule(path: str, value: Any, message: str) -> None:
    assert refusal(changed(path, value)).startswith(message)


def test_a_bound_above_the_partition_is_a_contradiction() -> None:
    """A solver's word that would be too good to be true is not believed."""
    bounds = {"exact": [relax([1, 1, 1], solver=RICH.document["witness"]["bottleneck"] + 1)]}
    certificate = certify(QUESTION, RICH.document["witness"]["block_of"], bounds)
    assert "is above the bottleneck" in refusal(certificate)


def test_a_solver_that_nothing_rests_on_is_not_named() -> None:
    certificate = Certificate.of(certify(QUESTION, None).document | {"solver": certificates.SOLVER})
    assert refusal(certificate) == "solver: named, but no bound has its word"


def test_a_family_that_misses_a_block_proves_nothing() -> None:
    """Two of three blocks leave the partitions in which the third is the fullest."""
    family = [relaxation for relaxation in RICH.document["bounds"][2]["relaxations"] if relaxation["proof"]]
    whole = check(GRAPH, certify(QUESTION, None, {"bottleneck_guess": family}))
    assert whole.lower_bound == check(GRAPH, RICH).lower_bound
    for missing in range(3):
        rest = [relaxation for index, relaxation in enumerate(family) if index != missing]
        verdict = check(GRAPH, certify(QUESTION, None, {"bottleneck_guess": rest}))
        assert verdict.lower_bound == QUESTION.combinatorial() * QUESTION.ticks.tick


def test_a_certificate_about_another_device_or_number_of_blocks_than_expected_is_refused() -> None:
    assert refusal(RICH, device=sg.Device(bandwidth=64.0)).startswith("device: the certificate is about {")
    assert refusal(RICH, num_blocks=2) == "num_blocks: the certificate is about 3, but 2 is asked for"
    assert refusal(RICH, boundary_io=False) == "boundary_io: the certificate is about True, but False is asked for"


def other_graphs() -> Iterator[dict[str, Any]]:
    nodes, tensors = DATA["nodes"], DATA["tensors"]
    yield CHAIN
    yield DATA | {"nodes": nodes | {"work": [1.0, 2.0, 4.0, 3.0]}}
    yield DATA | {"nodes": nodes | {"param_bytes": [16, 32, 8, 64]}}
    yield DATA | {"tensors": tensors | {"size": [8, 16, 8, 24, 8, 16]}}
    yield DATA | {"tensors": tensors | {"producer": [-1, 0, 0, 2, 1, 3]}}
    yield DATA | {"tensors": tensors | {"consumers": [[0], [1], [3], [3], [3], []]}}
    yield DATA | {"tensors": tensors | {"is_output": [False] * 5 + [True]}}


@pytest.mark.parametrize("data", list(other_graphs()))
def test_a_certificate_of_another_graph_is_refused(data: dict[str, Any]) -> None:
    assert refusal(RICH, to_graph(data))


def test_the_name_of_a_graph_is_a_label() -> None:
    assert check(to_graph(DATA | {"name": "other"}), RICH) == check(GRAPH, RICH)


@pytest.mark.parametrize("document", [{}, {1: 2}, {"seal": {1, 2}}, {"format": "slicegraph-certificate-1"}])
def test_a_document_that_is_none_is_refused(document: dict[Any, Any]) -> None:
    assert refusal(Certificate(document)).startswith("document: the key")


def test_a_document_that_json_cannot_hold_is_refused() -> None:
    """A certificate made in memory may hold anything."""
    document = copy.deepcopy(RICH.document)
    document["solver"]["options"][0]["x"] = float("nan")
    assert refusal(Certificate(document)) == "solver.options[0].x: nan is not a finite float"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("graph.name", ["x"] * 10**6),
        ("graph.name", {"a\nb": "\n"}),
        ("num_blocks", 10**4000),
        ("solver.options", [{"a\nb": None}]),
        ("bounds[2].relaxations[0].proof.rows[0]", ["cost", 1, -(10**4000)]),
    ],
)
def test_a_refusal_is_a_short_line_whatever_it_is_about(path: str, value: Any) -> None:
    assert len(refusal(changed(path, value))) < 200


def test_an_integer_too_long_for_json_is_refused() -> None:
    """A certificate made in memory may hold one as a multiplier."""
    document = copy.deepcopy(RICH.document)
    document["bounds"][2]["relaxations"][0]["proof"]["unit"] = 10**5000
    assert refusal(Certificate(document)).startswith("seal: ")


@dataclass(frozen=True)
class Unchecked:
    """A graph that nobody checked."""

    arrays: GraphArrays


def test_a_graph_with_a_cycle_is_refused_not_followed() -> None:
    graph = to_graph(CHAIN)
    arrays = dataclasses.replace(graph.arrays, producer=np.array([0, 1]), consumers=np.array([1, 0]))
    data = CHAIN | {"tensors": {"producer": [0, 1], "size": [8, 8], "consumers": [[1], [0]]}}
    question = Question(data, {"bandwidth": 64.0}, 2)
    proof = certificates.prove(question, relax([1, 1], threshold=9), 1, [["order", 0, 0, 1]])
    certificate = certify(question, None, {"bottleneck": [proof] if proof else []}, arrays=arrays)
    with pytest.raises(CertificateError, match="the graph has a cycle"):
        check(Unchecked(arrays), certificate)


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
