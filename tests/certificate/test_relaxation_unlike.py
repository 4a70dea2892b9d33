"""Proofs of relaxations on unlike devices: what linear programs prove is proved again, and it is true."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import slicegraph as sg
from machines import Unlike, unlikes
from mutations import mutations
from slicegraph.bounds import tasks
from slicegraph.bounds.bottleneck import bottleneck
from slicegraph.bounds.bottleneck_guess import bottleneck_guess
from slicegraph.bounds.exact import exact
from slicegraph.bounds.formulation import Formulation
from slicegraph.certificate.budget import Budget
from slicegraph.certificate.model import Certificate
from slicegraph.certificate.relaxation import Prover
from slicegraph.certificate.structure import PlacedError
from slicegraph.evidence.bound import Bound
from solving import InProcess
from strategies import MANY
from unlike_documents import document_of, instance_of

METHODS = {"exact": exact, "bottleneck": bottleneck, "bottleneck_guess": bottleneck_guess}


def document_with(unlike: Unlike, instance: sg.Instance, bound: Bound) -> dict[str, Any]:
    """The certificate's document, with this bound beside the combinatorial one."""
    document = document_of(unlike, instance, {"downsets": {"threshold": 0}})
    document["bounds"][1] = bound.document
    document["lower_bound"] = max(each["lower_bound"] for each in document["bounds"])
    return document


@pytest.mark.parametrize("method", METHODS)
@given(unlikes(max_nodes=4, max_stages=4), st.sampled_from([None, 1.0, 1.1, 2.0]), st.integers())
@settings(max_examples=MANY // 2)
def test_what_the_prover_adds_up_the_checker_adds_up(
    method: str, unlike: Unlike, slack: float | None, seed: int
) -> None:
    """To the tick; and with an entry changed it is refused or still true."""
    instance = instance_of(unlike)
    if instance is None:
        return
    optimum = min(2**52, unlike.optimum())
    threshold = None if slack is None or optimum == 2**52 else min(2**52, round(optimum * slack))
    budget = tasks.Budget(threshold=threshold, seconds=60, executor=InProcess())
    bound = METHODS[method](Formulation(instance), budget)
    if instance.is_plain or (bound.ticks == 2**52 and optimum < 2**52):
        return
    document = document_with(unlike, instance, bound)
    verdict = sg.check(unlike.graph, Certificate.of(document))
    assert verdict.lower_bound == (float("inf") if bound.verified == 2**52 else bound.verified * instance.tick)
    assert bound.verified <= optimum
    changes = [each for each in mutations(document) if each[0].startswith(".bounds[1]")]
    for path, changed in random.Random(seed).sample(changes, min(5, len(changes))):  # noqa: S311 - not a secret
        try:
            verdict = sg.check(unlike.graph, Certificate.of(changed))
        except (sg.CertificateError, sg.InputError):
            continue
        assert verdict.lower_bound <= (float("inf") if optimum == 2**52 else optimum * instance.tick), path


PAIR = Unlike(
    {
        "name": "pair",
        "nodes": {"op": ["", ""], "work": [2.0, 4.0], "param_bytes": [0, 0]},
        "tensors": {"producer": [0], "size": [8], "consumers": [[1]]},
        "params": {"size": [6], "readers": [[0]]},
    },
    [{"bandwidth": 8.0, "overlap": True}, {"bandwidth": 4.0, "memory": 2}],
    [0, 1, 1],
    {1: [0]},
)
"""The second node stays on the first stage, and so does the first."""


def relaxation_of(rows: list[list[Any]], **more: Any) -> dict[str, Any]:
    """A relaxation of the pair with one superblock for each stage, and a proof."""
    shape = {"spans": [1, 1, 1], "demand": None, "threshold": None, "solver": None}
    return {**shape, **more, "proof": {"unit": 1, "rows": rows, "lower_bound": 0}}


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        (["io", 1, 1], "superblock 1 does not communicate beside its computation"),
        (["io", 3, 1], "3 is no superblock"),
        (["stored", 1, 0, 0, 1], "1 is no parameter that several nodes read"),
        (["stored", -1, 0, 0, 1], "-1 is no parameter that several nodes read"),
        (["stored", 0, 1, 0, 1], "node 1 does not read parameter 0"),
        (["stored", 0, 0, 3, 1], "3 is no superblock"),
        (["nowhere", 2, 1], "2 is no node"),
        (["overflow", 0, 1], "the device has no memory to overflow"),
    ],
)
def test_a_row_that_is_none_is_refused(row: list[Any], rule: str) -> None:
    with pytest.raises(PlacedError) as error:
        Prover(PAIR.problem()).lower_bound(relaxation_of([row]), Budget())
    assert str(error.value) == f"rows[0]: {rule}"


def test_only_a_node_without_a_block_proves_the_threshold() -> None:
    """The second node and what it reads take 6 s, all before the second stage."""
    prover, six = Prover(PAIR.problem()), round(6 / PAIR.tick)
    rows: list[list[Any]] = [["nowhere", 1, 1]]
    assert prover.lower_bound(relaxation_of(rows, threshold=six - 1), Budget()) == six - 1
    for more in ({"threshold": six}, {"threshold": None}, {"threshold": six - 1, "spans": [None, 1, None]}):
        with pytest.raises(PlacedError, match="there is a block for node 1"):
            prover.lower_bound(relaxation_of(rows, **more), Budget())


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"spans": [None, 1, None], "demand": 1}, "kind: it is missing, but stages are of several kinds"),
        ({"spans": [None, 1, None], "demand": 1, "kind": 2}, "kind: no stage is of kind 2"),
        ({"kind": 0}, "kind: the kind of the block is known"),
    ],
)
def test_the_kind_of_a_block_is_said_where_it_is_not_known(change: dict[str, Any], rule: str) -> None:
    instance = instance_of(PAIR)
    assert instance is not None
    document = document_of(PAIR, instance, {"downsets": {"threshold": 0}})
    document["bounds"][1] |= {"downsets": None, "relaxations": [relaxation_of([], **change)]}
    with pytest.raises(sg.CertificateError, match=rule):
        sg.check(PAIR.graph, Certificate.of(document))
