"""Certificates in which all kinds of evidence stand, and how the checker refuses a changed one."""

from __future__ import annotations

import copy
from typing import Any

import pytest

import certificates
import slicegraph as sg
from certificates import FREE, certify, relax
from duals import prove_by_duals
from mutations import path_keys
from questions import Question
from slicegraph.certificate.check import check
from slicegraph.certificate.model import Certificate
from slicegraph.errors import CertificateError
from strategies import CHAIN, to_graph

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
