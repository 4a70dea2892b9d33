"""Certificates of unlike devices, constraints and shared memory, against all partitions."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import slicegraph as sg
from machines import Unlike, unlikes
from mutations import mutations
from slicegraph.certificate.model import Certificate
from slicegraph.reduce import reduce
from strategies import MANY
from unlike_documents import document_of, instance_of


@given(unlikes(has_links=True))
@settings(max_examples=MANY)
def test_an_optimum_is_proved_again_and_more_is_not(unlike: Unlike) -> None:
    """By the core's merges and a search of what is left; digest and combinatorial bound are the core's, too."""
    instance = instance_of(unlike)
    if instance is None:
        assert math.isinf(unlike.optimum())
        return
    optimum = int(min(2**52, unlike.optimum()))
    reduction = reduce(instance, threshold=optimum).evidence
    merges = {"threshold": optimum, "merges": [list(merge) for merge in reduction.merges]}
    evidence = {"reduction": merges, "downsets": {"threshold": optimum}}
    document = document_of(unlike, instance, evidence)
    verdict = sg.check(unlike.graph, Certificate.of(document))
    assert verdict.lower_bound == verdict.bottleneck == (math.inf if optimum == 2**52 else optimum * instance.tick)
    if optimum < 2**52:
        document["bounds"][1] |= {"downsets": {"threshold": optimum + 1}, "reduction": None}
        document["bounds"][1]["lower_bound"] = document["lower_bound"] = optimum + 1
        with pytest.raises(sg.CertificateError, match=r"is above the bottleneck|some partition costs less than"):
            sg.check(unlike.graph, Certificate.of(document))
        document["witness"] = None
        with pytest.raises(sg.CertificateError, match="some partition costs less than"):
            sg.check(unlike.graph, Certificate.of(document))


@given(unlikes(max_nodes=4, has_links=True), st.integers())
@settings(max_examples=MANY // 2)
def test_with_an_entry_changed_it_is_refused_or_still_true(unlike: Unlike, seed: int) -> None:
    instance = instance_of(unlike)
    if instance is None or math.isinf(unlike.optimum()):
        return
    optimum = int(unlike.optimum())
    document = document_of(unlike, instance, {"downsets": {"threshold": optimum}})
    changes = list(mutations(document))
    for path, changed in random.Random(seed).sample(changes, min(20, len(changes))):  # noqa: S311 - not a secret
        try:
            verdict = sg.check(unlike.graph, Certificate.of(changed))
        except (sg.CertificateError, sg.InputError):
            continue
        assert not math.isinf(verdict.bottleneck) or changed["witness"] is None, path
        assert verdict.lower_bound <= optimum * instance.tick <= verdict.bottleneck, path


def pair() -> tuple[sg.Graph, list[sg.Device]]:
    """Two nodes, one of which only the second device runs."""
    graph = sg.Graph(
        work=[2, 2],
        work_on={"gpu": [1.0, np.nan]},
        producer=[0],
        size=[8],
        consumers=[1],
        consumer_offsets=[0, 1],
        node_name=["a", "b"],
    )
    return graph, [sg.Device(bandwidth=8, work="gpu"), sg.Device(bandwidth=8)]


def certificate_of_pair(**constraints: Any) -> Certificate:
    graph, devices = pair()
    instance = sg.Instance(graph, devices=devices, constraints=sg.Constraints(**constraints))
    data: dict[str, Any] = {
        "name": "",
        "nodes": {"op": ["", ""], "work": [2.0, 2.0], "work_on": {"gpu": [1.0, None]}},
        "tensors": {"producer": [0], "size": [8], "consumers": [[1]]},
    }
    kinds: list[dict[str, Any]] = [{"bandwidth": 8.0, "work": "gpu"}, {"bandwidth": 8.0}]
    stages = {node: list(stages) for node, stages in instance.resolved.stages.items()}
    unlike = Unlike(data, kinds, [0, 1], stages, [list(group) for group in instance.resolved.together])
    return Certificate.of(document_of(unlike, instance, {"downsets": {"threshold": int(unlike.optimum())}}))


def test_the_question_that_is_expected_is_asked_for() -> None:
    """Devices and constraints; without a word of constraints there are none."""
    graph, devices = pair()
    certificate = certificate_of_pair()
    assert sg.check(graph, certificate, devices=devices).gap == 0.0
    others: list[tuple[dict[str, Any], str]] = [
        ({"devices": devices[::-1]}, "devices: the certificate is about work gpu in stage 0, but no work is asked for"),
        ({"devices": [*devices, devices[0]]}, "num_blocks: the certificate is about 2, but 3 is asked for"),
        ({"devices": {devices[0]: 1, devices[1]: 1}, "order": "any"}, "order: the certificate is about given, but any"),
        ({"device": devices[1], "num_blocks": 2}, "device: "),
        ({"device": devices[1]}, "device: "),
        (
            {"constraints": sg.Constraints(pin={"a": 1})},
            (
                r"stages: the certificate is not about the stages of node 0 \('a'\) that are asked for "
                r"\(any stage in the certificate, stage 1 asked for\)$"
            ),
        ),
        ({"constraints": sg.Constraints(together=[("a", "b")])}, "together: the certificate is about other groups"),
    ]
    for wanted, place in others:
        with pytest.raises(sg.CertificateError, match=place):
            sg.check(graph, certificate, **wanted)
    pinned = certificate_of_pair(pin={"a": 0})
    assert sg.check(graph, pinned, devices=devices, constraints=sg.Constraints(pin={"a": 0})).status == "optimal"
    with pytest.raises(sg.CertificateError, match="stages: the certificate is not about the stages of node 0"):
        sg.check(graph, pinned, devices=devices)
    with pytest.raises(sg.InputError, match="devices: a device is given, too, but only one of them may be"):
        sg.check(graph, certificate, devices=devices, device=devices[0])
    with pytest.raises(sg.InputError, match="constraints: str is given, but Constraints or None"):
        sg.check(graph, certificate, constraints="a")  # type: ignore[arg-type] # that is the point


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stages": []}, "stages: node 1 is not listed, but a device cannot run it"),
        ({"stages": [[1, [0]]]}, "stages: node 1: the device of a stage that may hold it cannot run it"),
        ({"stages": [[1, [0, 1]]]}, "stages: node 1: every stage may hold it"),
        ({"stages": [[1, []]]}, "stages: node 1: stages are not in ascending order"),
        ({"stages": [[1, [1]], [0, [0]]]}, "stages: nodes are not in ascending order"),
        ({"stages": [[1, [1]], [2, [0]]]}, "stages: 2 is no node"),
        ({"stages": [[0, [0]], [1, [1]]]}, "instance: the certificate is about another"),
        ({"kind_of": [0, 0]}, "kind_of: it does not name every kind"),
        ({"kind_of": [0]}, "kind_of: 1 entries, but there are 2 stages"),
        ({"multipliers": [1]}, "multipliers: 1 entries, but there are 2 kinds"),
        ({"multipliers": [0, 1]}, r"multipliers\[0\]: 0 is below 1"),
        ({"together": [[0, 1], [1, 0]]}, "together: a node is in it twice"),
        ({"together": [[0]]}, "together: a group has fewer than two nodes"),
        ({"order": "any"}, "the key 'arrangements' is missing"),
        ({"order": "some"}, "order: 'some' is not given"),
    ],
)
def test_a_question_that_is_none_is_refused(change: dict[str, Any], message: str) -> None:
    graph, _ = pair()
    document = certificate_of_pair().document | change
    with pytest.raises(sg.CertificateError, match=message):
        sg.check(graph, Certificate.of(document))


def test_what_one_device_says_is_said_by_one_device() -> None:
    """No question is written in two ways."""
    graph = sg.Graph(work=[1, 1], producer=[0], size=[8], consumers=[1], consumer_offsets=[0, 1])
    result = sg.solve(sg.Instance(graph, device=sg.Device(bandwidth=8.0), num_blocks=2))
    plain = result.certificate.document
    assert plain["format"] == "slicegraph-certificate-2"
    asked = {"format": "slicegraph-certificate-3", "devices": [plain["device"]], "kind_of": [0, 0], "order": "given"}
    document = {name: value for name, value in plain.items() if name != "device"} | asked
    document |= {"stages": [], "together": [], "multipliers": [1]}
    with pytest.raises(sg.CertificateError, match="devices of one kind without more are said as device"):
        sg.check(graph, Certificate.of(document))
