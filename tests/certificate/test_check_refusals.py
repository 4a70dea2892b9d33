"""The checker: a refusal is a short line that names the place and the rule."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import certificates
import row_proofs
import slicegraph as sg
from certificates import certify, relax
from checked import (
    DATA,
    DEEP,
    DEEP_GRAPH,
    DEEP_QUESTION,
    QUESTION,
    RICH,
    SECOND,
    changed,
    refusal,
)
from questions import Question
from slicegraph.certificate.check import check
from slicegraph.certificate.model import Certificate
from slicegraph.errors import CertificateError
from slicegraph.formats.arrays import GraphArrays
from strategies import CHAIN, to_graph


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


def test_a_certificate_about_another_device_or_number_of_blocks_than_expected_is_refused() -> None:
    assert refusal(RICH, device=sg.Device(bandwidth=64.0)) == (
        "device: the certificate is about memory 48, but no memory is asked for"
        " (also other: memory_limit, overflow_bandwidth)"
    )
    assert refusal(RICH, num_blocks=2) == "num_blocks: the certificate is about 3, but 2 is asked for"
    rule = "of the certificate, model inputs and outputs are paid, but free ones are asked for"
    assert refusal(RICH, boundary_io=False) == f"boundary_io: {rule}"


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
    """A graph that was not checked."""

    arrays: GraphArrays


def test_a_graph_with_a_cycle_is_refused_not_followed() -> None:
    graph = to_graph(CHAIN)
    arrays = dataclasses.replace(graph.arrays, producer=np.array([0, 1]), consumers=np.array([1, 0]))
    data = CHAIN | {"tensors": {"producer": [0, 1], "size": [8, 8], "consumers": [[1], [0]]}}
    question = Question(data, {"bandwidth": 64.0}, 2)
    proof = row_proofs.prove(question, relax([1, 1], threshold=9), 1, [["order", 0, 0, 1]])
    certificate = certify(question, None, {"bottleneck": [proof] if proof else []}, arrays=arrays)
    with pytest.raises(CertificateError, match="the graph has a cycle"):
        check(Unchecked(arrays), certificate)
