"""The compiled checker: as plain Python says, and whatever its bytes are, nothing that is not so."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import slicegraph as sg
from certificates import certify
from checked import DEEP, DEEP_GRAPH, DEEP_QUESTION, MERGES, SECOND
from merges import random_merges
from questions import Question, light_questions, to_problem
from slicegraph import _core
from slicegraph.certificate.budget import BeyondBudgetError, Budget
from slicegraph.certificate.compiled import Claim, Compiled, _to_words
from slicegraph.certificate.model import Certificate
from slicegraph.certificate.structure import PlacedError
from strategies import to_graph

OPTIMUM = 9 * SECOND
PROBLEM = to_problem(DEEP_QUESTION)
WORDS = _to_words(PROBLEM.without_spare_blocks())
STEPS = 10**6


def verdict_of(graph: sg.Graph, certificate: Certificate, *, slow: bool) -> str | tuple[float, bool]:
    try:
        verdict = sg.check(graph, certificate, slow=slow)
    except sg.CertificateError as error:
        return str(error)
    return verdict.lower_bound, verdict.is_cut_short


@given(light_questions(), st.integers())
@settings(max_examples=40)
def test_the_two_checkers_agree(question: Question, seed: int) -> None:
    """On the bound, or on the place and the reason of a refusal; merges, nodes and thresholds are right or nearly."""
    random_ = random.Random(seed)  # noqa: S311 - not a secret
    optimum = min(bottleneck for *_, bottleneck in question.partitions())
    top = 5 * question.mean_work if optimum == float("inf") else int(optimum)
    threshold = random_.choice([top, top, top + 1])
    merges = [merge for _, merge in random_merges(to_problem(question), random_, threshold)]
    if merges and random_.random() < 0.3:
        node = random_.randrange(question.num_nodes)
        merges[-1] = [random_.choice(["pull", "push", "together"]), node, merges[-1][2]]
    parts: dict[str, Any] = {
        "reduction": {"threshold": threshold, "merges": merges},
        "downsets": {"threshold": random_.choice([top, top, top + 1])},
        "node": {"node": random_.randrange(question.num_nodes), "lower_bound": random_.choice([top // 2, top])},
    }
    evidence = {name: part for name, part in parts.items() if random_.random() < 0.7}
    certificate = certify(question, None, None, {"exact": evidence})
    graph = to_graph(question.data)
    assert verdict_of(graph, certificate, slow=False) == verdict_of(graph, certificate, slow=True)


def claims() -> Iterator[Claim]:
    merges = {"threshold": OPTIMUM, "merges": MERGES}
    yield Claim(reduction=merges, threshold=OPTIMUM)
    yield Claim(reduction=None, threshold=OPTIMUM)
    yield Claim(reduction=None, node=(3, 5 * SECOND))


def test_honest_claims_are_proved() -> None:
    for claim in claims():
        Compiled(PROBLEM).check(claim, Budget(STEPS))


def test_what_is_false_is_refuted_and_without_steps_nothing_is() -> None:
    false = Claim(reduction=None, threshold=OPTIMUM + 1)
    with pytest.raises(PlacedError, match="some partition costs less"):
        Compiled(PROBLEM).check(false, Budget(STEPS))
    with pytest.raises(BeyondBudgetError):
        Compiled(PROBLEM).check(false, Budget(0))


def claimed(log: bytes) -> int:
    """What a log claims of the problem: a threshold, below that of merges where there are some."""
    numbers, number, shift = [], 0, 0
    for byte in log:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            numbers.append(number)
            number = shift = 0
    has_merges = numbers[3:4] == [1] and numbers[4:5] != [0]
    return min(numbers[1], numbers[2]) if has_merges else numbers[2]


def test_with_a_byte_changed_a_log_is_refused_or_true() -> None:
    """Each byte in turn, up and down, away, and doubled; and all that comes after it."""
    verdicts = set()
    for claim in claims():
        log = claim.log()
        assert _core.prove_again(WORDS, log, STEPS)[0] == "verified"
        for place in range(len(log)):
            begin, end = log[:place], log[place + 1 :]
            changed = [bytes([(log[place] + more) % 256]) for more in (1, 2, 255, 128)]
            for middle in [*changed, b"", log[place : place + 1] * 2, b"\x02"]:
                for other in (begin + middle + end, begin + middle):
                    verdict = _core.prove_again(WORDS, other, STEPS)[0]
                    verdicts.add(verdict)
                    assert verdict != "verified" or claimed(other) <= OPTIMUM, other
    assert verdicts == {"verified", "refused", "malformed"}


def test_with_a_word_changed_a_problem_is_another_or_malformed() -> None:
    """No change of bytes, which are ours, ends the process or takes more steps."""
    log = Claim(reduction=None, threshold=OPTIMUM).log()
    for place in range(0, len(WORDS), 8):
        for word in (0, 1, -1, 2**40, 2**62, -(2**63)):
            other = WORDS[:place] + word.to_bytes(8, "little", signed=True) + WORDS[place + 8 :]
            assert _core.prove_again(other, log, 10_000)[3] <= 10_000
        assert _core.prove_again(WORDS[:place], log, STEPS)[0] == "malformed"


def test_a_check_can_be_ended() -> None:
    """As if its steps were used up; with them, and asked in vain, it proves all."""
    log = Claim(reduction=None, threshold=OPTIMUM).log()
    assert _core.prove_again(WORDS, log, STEPS, lambda: True)[0] == "budget"
    assert _core.prove_again(WORDS, log, STEPS, lambda: False)[0] == "verified"
    Budget(STEPS, of=Budget(ends=lambda: False)).spend(1)
    with pytest.raises(BeyondBudgetError):
        Budget(STEPS, of=Budget(ends=lambda: True)).spend(1)


def test_a_proof_says_by_what() -> None:
    assert sg.check(DEEP_GRAPH, DEEP).proved_by in {"reach", "levels", "labels", "windows"}
    assert sg.check(DEEP_GRAPH, DEEP, slow=True).proved_by == "downsets"
    assert sg.check(DEEP_GRAPH, DEEP, budget=0).proved_by == "combinatorial"
