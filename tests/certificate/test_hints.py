"""Hints: how a search was closed, which no check has to believe."""

from __future__ import annotations

import base64
import contextlib
import copy
import random
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import slicegraph as sg
from certificates import certify
from checked import DEEP_GRAPH, DEEP_QUESTION, SECOND
from questions import Question, light_questions
from slicegraph import _core
from slicegraph.bounds.downsets import close_in
from slicegraph.certificate import codec, question
from slicegraph.certificate.compiled import Claim, _to_words
from slicegraph.certificate.model import Certificate
from slicegraph.certificate.ticks import snap
from slicegraph.generate import layered
from strategies import to_graph

OPTIMUM = 9 * SECOND
SECTIONS = {
    "cuts": [2, 2, 2, 0, 1, 2, 5, 1, 3],
    "pairs": [4, 3, 0, 3, 1, 3, 2, 0],
    "weights": [5, 2, 0, 0x80, 0x20, 1, 0x80, 8],
    "levels": [7],
    "labels": [8, 1],
    "split": [6, 2, 1, 7, 8, 0],
    "node": [10, 3],
    "bisection": [11, 2, 0, 0x80, 4, 0, 0x80, 4],
    "open": [0],
}
"""True ones and others, of four nodes or more."""


def with_hints(question: Question, threshold: int, hints: bytes) -> Certificate:
    downsets = {"threshold": threshold, "hints": codec.pack(hints)}
    return certify(question, None, None, {"exact": {"downsets": downsets}})


@pytest.mark.parametrize(
    "names", [["levels"], ["labels"], ["cuts", "levels"], ["pairs", "weights", "split"], ["cuts", "node"], ["open"], []]
)
def test_whatever_is_hinted_an_optimum_is_proved_and_no_more(names: list[str]) -> None:
    hints = bytes(byte for name in names for byte in SECTIONS[name])
    verdict = sg.check(DEEP_GRAPH, with_hints(DEEP_QUESTION, OPTIMUM, hints))
    assert verdict.lower_bound == sg.check(DEEP_GRAPH, with_hints(DEEP_QUESTION, OPTIMUM, b"")).lower_bound
    with pytest.raises(sg.CertificateError, match="some partition costs less"):
        sg.check(DEEP_GRAPH, with_hints(DEEP_QUESTION, OPTIMUM + 1, hints))


@given(light_questions(), st.integers())
@settings(max_examples=60)
def test_random_hints_prove_nothing_that_is_not_so(question: Question, seed: int) -> None:
    random_ = random.Random(seed)  # noqa: S311 - not a secret
    optimum = min(bottleneck for *_, bottleneck in question.partitions())
    top = 5 * question.mean_work if optimum == float("inf") else int(optimum)
    hints = [byte for _ in range(random_.randrange(5)) for byte in random_.choice(list(SECTIONS.values()))]
    for _ in range(random_.randrange(3)):
        hints.insert(random_.randrange(len(hints) + 1), random_.randrange(256))
    graph = to_graph(question.data)
    for threshold in (top, top + 1):
        with contextlib.suppress(sg.CertificateError):
            verdict = sg.check(graph, with_hints(question, threshold, bytes(hints)))
            assert verdict.lower_bound <= optimum * question.ticks.tick


@pytest.mark.parametrize(
    "text",
    [
        "!",
        base64.b64encode(b"no deflated bytes").decode(),
        codec.pack(b"\x07")[:-4],
        base64.b64encode(zlib.compress(b"\x07") + b"more").decode(),
        codec.pack(bytes(2**24 + 1)),
    ],
)
def test_hints_that_are_none_are_refused(text: str) -> None:
    document: dict[str, Any] = copy.deepcopy(with_hints(DEEP_QUESTION, OPTIMUM, b"\x07").document)
    next(bound for bound in document["bounds"] if bound["downsets"])["downsets"]["hints"] = text
    with pytest.raises(sg.CertificateError, match="hints"):
        sg.check(DEEP_GRAPH, Certificate.of(document))


def test_packed_bytes_are_read_again() -> None:
    for data in (b"", b"\x00", bytes(range(256)) * 9):
        assert codec.unpack(codec.pack(data), len(data)) == data


def test_pairs_of_a_search_are_proved_again_and_nothing_of_a_tick_more() -> None:
    """Cuts, incompatible pairs and labels: as the solver says them, and with numbers changed."""
    graph = layered(num_layers=12, width=6, seed=20)
    instance = sg.Instance(graph, device=sg.Device.preset("testbed"), num_blocks=4)
    bound = close_in(instance, work=2**28, poll=lambda *_: False).bound
    assert bound.status == "optimal"
    assert bound.downsets is not None
    optimum, hints = bound.ticks, bound.downsets.hints
    place = 0
    while hints[place] == 2:
        place += 3 + hints[place + 2]
    assert hints[place] == 4
    assert hints[place + 1] > 0
    document = {**instance.question, "num_blocks": 4, "boundary_io": instance.boundary_io}
    words = _to_words(snap(graph.arrays, question.Question.of(document)).without_spare_blocks())
    merges = [list(merge) for merge in bound.reduction.merges] if bound.reduction else []

    def verdict_of(threshold: int, hints: bytes) -> str:
        claim = Claim(reduction={"threshold": threshold, "merges": merges}, threshold=threshold, hints=hints)
        return str(_core.prove_again(words, claim.log(), 10**8)[0])

    assert verdict_of(optimum, hints) == "verified"
    for index in range(0, len(hints), 3):
        changed = hints[:index] + bytes([hints[index] ^ 1]) + hints[index + 1 :]
        assert verdict_of(optimum + 1, changed) != "verified"
    assert verdict_of(optimum + 1, hints) != "verified"
