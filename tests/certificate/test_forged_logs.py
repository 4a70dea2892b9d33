"""Logs that are forged for each rule, by construction and at random: refused, or true, and within the steps."""

from __future__ import annotations

from random import Random

import pytest

from certificate.test_compiled import OPTIMUM, STEPS, WORDS, claimed
from checked import DEEP_QUESTION, SECOND
from proofs.cases import random_unlike
from slicegraph import _core
from slicegraph.certificate.compiled import Claim, _to_words, leb128
from slicegraph.certificate.problem import Problem

VERSION = 3
NUM_NODES = DEEP_QUESTION.num_nodes
FALSE = OPTIMUM + 1


def log(*numbers: int) -> bytes:
    """A log of the version, and these numbers."""
    return b"".join(map(leb128, (VERSION, *numbers)))


FORGED: dict[str, bytes] = {
    "a threshold one above": log(0, FALSE),
    "a threshold above all costs": log(0, 2**52),
    "merges of a threshold above": log(FALSE, FALSE, 1, 4, 0, 1, 2, 2, 4, 6, 3, 4, 5, 1, 3, 4),
    "a merge of other groups": log(OPTIMUM, OPTIMUM, 1, 1, 0, 0, 3),
    "a merge of a node beyond the graph": log(OPTIMUM, OPTIMUM, 1, 1, 0, 0, NUM_NODES),
    "all nodes together": log(FALSE, FALSE, 1, 6, *(number for node in range(1, 7) for number in (2, 0, node))),
    "all nodes as asked": log(FALSE, FALSE, 1, 6, *(number for node in range(1, 7) for number in (4, 0, node))),
    "all nodes in a cycle": log(FALSE, FALSE, 1, 6, *(number for node in range(1, 7) for number in (3, 0, node))),
    "a node that costs a tick less": log(0, 4 * SECOND + 6 * SECOND + 1, 10, 3),
    "a node beyond the graph": log(0, 1, 10, NUM_NODES),
    "a node in place of a search": log(0, FALSE, 10, 0),
    "cuts that say of every node that it is nowhere": log(
        0, FALSE, 2, 2 * NUM_NODES, *(2 * node + is_last for node in range(NUM_NODES) for is_last in (0, 1))
    ),
    "the same cut again and again": log(0, FALSE, 2, 1000, *[1] * 1000),
    "cuts of nodes beyond the graph": log(0, FALSE, 2, 1, 2 * NUM_NODES),
    "a pair that is not incompatible": log(0, FALSE, 4, 1, 0, 1),
    "all pairs": log(
        0,
        FALSE,
        4,
        NUM_NODES**2,
        *(each for one in range(NUM_NODES) for other in range(NUM_NODES) for each in (one, other)),
    ),
    "a pair of one node": log(0, FALSE, 4, 1, 0, 0),
    "pairs of nodes beyond the graph": log(0, FALSE, 4, 2, 0, NUM_NODES, 2**63, 0),
    "the same pair again and again": log(0, FALSE, 4, 1000, *[0, 1] * 1000),
    "empty lists of pairs again and again": log(0, FALSE, *[4, 0] * 10_000),
    "half a pair": log(0, FALSE, 4, 1, 0),
    "weights without a factor": log(
        0, FALSE, 5, NUM_NODES, *(number for node in range(NUM_NODES) for number in (node, 0))
    ),
    "weights with too large a factor": log(0, FALSE, 5, 1, 0, 2**40),
    "weights of the largest factor": log(0, FALSE, 5, 1, 0, 2**63),
    "a weight of a node beyond the graph": log(0, FALSE, 5, 1, NUM_NODES, 4096),
    "a split of which one case is left out": log(0, FALSE, 6, 0, 0, 0),
    "a split of a node beyond the graph": log(0, FALSE, 6, NUM_NODES, 1, 0, 0),
    "a split after the last block": log(0, FALSE, 6, 0, 2**40, 0, 0),
    "splits without end": log(0, FALSE, *[6, 0, 1] * 10_000),
    "splits to the left without end": log(0, FALSE, *[6, 0, 1, 0] * 10_000),
    "empty lists of weights again and again": log(0, FALSE, *[5, 0] * 10_000),
    "a row of a superblock beyond all integers": log(
        0, FALSE, 9, 6, 1, DEEP_QUESTION.num_blocks, 1, 1, 0, 0, 2**64 - 1, 1, 0
    ),
    "levels of what is false": log(0, FALSE, 7),
    "labels of no node": log(0, FALSE, 8, 2, 0),
    "labels of one node again and again": log(0, FALSE, 8, 2, NUM_NODES, *[0] * NUM_NODES),
    "labels of all nodes but one": log(0, FALSE, 8, 2, NUM_NODES - 1, *range(NUM_NODES - 1)),
    "labels against the arcs": log(0, FALSE, 8, 2, NUM_NODES, *reversed(range(NUM_NODES))),
    "labels of nodes beyond the graph": log(0, FALSE, 8, 2, NUM_NODES, *range(1, NUM_NODES + 1)),
    "labels in no order": log(0, FALSE, 8, 3),
    "counts of 2^53": log(0, FALSE, 2, 2**53),
    "merges by 2^63": log(FALSE, FALSE, 1, 2**63),
    "merges twice": log(FALSE, FALSE, 1, 0, 1, 0),
    "merges at the end": log(FALSE, FALSE, 0, 1, 0),
    "an end after the end": log(0, FALSE, 0, 0),
    "a threshold of 2^53": log(0, 2**53),
    "merges below 2^53": log(2**53, FALSE, 1, 0),
    "no claim": log(),
    "another version": bytes([VERSION + 100, 0]) + leb128(FALSE),
    "a number without end": log(0) + b"\xff" * 1000,
    "a number of 70 bits": log(0) + b"\xff" * 10 + b"\x01",
    "nothing": b"",
    "bytes by the million": log(0, FALSE, 2) + b"\xff\x7f" + b"\x01" * 10**6,
}


@pytest.mark.parametrize("name", FORGED)
def test_a_log_that_is_forged_proves_nothing_that_is_not_so(name: str) -> None:
    for steps in (0, 100, 10_000, STEPS):
        verdict, *_, taken, rules = _core.prove_again(WORDS, FORGED[name], steps)
        assert taken <= steps
        assert verdict != "verified" or claimed(FORGED[name]) <= OPTIMUM
        assert bool(rules) <= (verdict == "verified")


def test_a_log_of_another_problem_proves_nothing_that_is_not_so() -> None:
    """Of other numbers of stages, and of the costs of another device."""
    honest = Claim(reduction=None, threshold=OPTIMUM).log()
    for num_blocks, is_so in ((1, True), (2, True), (3, True), (4, False), (7, False)):
        words = WORDS[:8] + num_blocks.to_bytes(8, "little") + WORDS[16:]
        kinds = words[: 9 * 8] + bytes(8 * num_blocks) + words[(9 + 3) * 8 :]
        verdict = _core.prove_again(kinds, honest, STEPS)[0]
        assert verdict == "verified" or not is_so, num_blocks


@pytest.mark.parametrize("num_blocks", [2**12 + 1, 2**20, 2**62])
def test_a_problem_of_so_many_stages_takes_no_memory(num_blocks: int) -> None:
    words = WORDS[:8] + num_blocks.to_bytes(8, "little") + WORDS[16:]
    assert _core.prove_again(words, log(0, OPTIMUM), STEPS)[0] == "malformed"


def random_log(random: Random, problem: Problem, threshold: int) -> bytes:
    """Sections of every kind, in order or not, of nodes that are there or not."""

    def number() -> int:
        return random.choice([0, 1, 2, 3, random.randrange(2 * problem.num_nodes + 2), 4096, 2**52, 2**63])

    numbers = [threshold, threshold] if random.random() < 1 / 2 else [0, threshold]
    if random.random() < 1 / 2:
        count = random.randrange(4)
        merges = ([random.randrange(5), *(random.randrange(problem.num_nodes) for _ in range(2))] for _ in range(count))
        numbers += [1, count, *(each for merge in merges for each in merge)]
    for _ in range(random.randrange(6)):
        count = random.randrange(1, 5)
        small = [random.randrange(problem.num_nodes) for _ in range(count)]
        numbers += random.choice(
            [
                [2, count, *(2 * node + random.randrange(2) for node in small)],
                [5, count, *(each for node in small for each in (node, random.choice([1, 2048, 4096, 8192])))],
                [4, count, *(each for node in small for each in (node, random.randrange(problem.num_nodes)))],
                [6, small[0], random.randrange(1, 4)],
                [7],
                [8, random.randrange(3)],
                [8, 2, problem.num_nodes, *random.sample(range(problem.num_nodes), problem.num_nodes)],
                [random.randrange(16), *(number() for _ in range(count))],
                [0],
            ]
        )
    return log(*numbers)


def test_random_logs_prove_nothing_that_is_not_so() -> None:
    """Of problems of every feature, one tick above the optimum and far above."""
    verdicts = set()
    for case in range(300):
        random = Random(case)  # noqa: S311 - no secret
        unlike = random_unlike(random)
        optimum = unlike.optimum()
        if unlike.adjacent or optimum == float("inf"):
            continue
        problem = unlike.problem()
        words = _to_words(problem.without_spare_blocks())
        for _ in range(10):
            false = int(optimum) + random.choice([1, 1, max(1, int(optimum) // 2)])
            forged = random_log(random, problem, false)
            verdict, _, _, taken, _ = _core.prove_again(words, forged, 20_000)
            assert taken <= 20_000
            # Merges below another threshold claim no more than that.
            assert verdict != "verified" or claimed(forged) <= optimum, case
            verdicts.add(verdict)
    assert verdicts >= {"refused", "malformed"}


def test_honest_logs_are_what_they_should_be() -> None:
    """The bytes that are forged here are those of the writer: the same without a lie are proved."""
    assert Claim(reduction=None, threshold=OPTIMUM).log() in (log(0, OPTIMUM), log(0, OPTIMUM, 1, 0))
    assert _core.prove_again(WORDS, log(0, OPTIMUM), STEPS)[0] == "verified"
    pairs = [4, 3, 0, NUM_NODES - 1, 0, 1, 3, 2]
    for ends in (
        [0],
        [*pairs, 0],
        [7],
        [8, 0],
        [8, 1],
        [8, 2, NUM_NODES, *range(NUM_NODES)],
        [6, 0, 1, 0, 0],
        [2, 2, 0, 0],
    ):
        assert _core.prove_again(WORDS, log(0, OPTIMUM, *ends), STEPS)[0] == "verified", ends
