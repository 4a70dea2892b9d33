"""Provers with a wrong rule: what they lose by it, both checkers refuse.

Each rule that is planted is the checker's own with one condition left out, or weaker by one tick, used as a prover: it
merges whatever the rule allows, and claims what no partition of its quotient beats. Costs are a few ticks, so that one
tick counts; the numbers are of random problems in which the wrong rule loses something.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pytest

from proofs.cases import random_unlike
from slicegraph.certificate import reduction
from slicegraph.certificate.budget import Budget
from slicegraph.certificate.compiled import Claim, Compiled
from slicegraph.certificate.downsets import Downsets
from slicegraph.certificate.problem import Problem
from slicegraph.certificate.quotient import Quotient
from slicegraph.certificate.structure import PlacedError

PLANTED: dict[str, tuple[str, str, Callable[..., Callable[..., Any]], Sequence[int]]] = {
    "a pull that brings a tick more": (
        "pull",
        "_arriving",
        lambda real: lambda *each: max(0, real(*each) - 1),
        (65, 91, 337, 439),
    ),
    "a push that brings a tick more": (
        "push",
        "_arriving",
        lambda real: lambda *each: max(0, real(*each) - 1),
        (65, 91, 593, 755),
    ),
    "a pull to wherever": ("pull", "_object_to_stages", lambda _: lambda *_, **__: "", (93, 244, 508, 1077)),
    "a push to wherever": ("push", "_object_to_stages", lambda _: lambda *_, **__: "", (1252, 1643, 4646, 4776)),
    "a pull of bytes beyond the limit": ("pull", "_object_to_bytes", lambda _: lambda *_: "", (6036, 6081, 6590, 7593)),
    "a pull past others": ("pull", "_reaches", lambda _: lambda *_: True, (1981, 2310, 3187, 6414)),
    "a push past others": ("push", "_reaches", lambda _: lambda *_: True, (73, 1211, 2162, 2783)),
    "a cut that is a tick short": (
        "together",
        "least_cost",
        lambda real: lambda *each, **how: real(*each, **how) + 1,
        (16, 18, 21, 59),
    ),
    "neighbours that are a tick short": (
        "together",
        "_plain_cost",
        lambda real: lambda *each: real(*each) + 1,
        (16, 18, 21, 59),
    ),
    "any two together": ("together", "_object_to_together", lambda _: lambda *_: "", (13, 14, 16, 17)),
}


def problem_of(random: Random) -> Problem | None:
    """A problem with costs of a few ticks, where all stages are linked; None where some node has no stage."""
    unlike = random_unlike(random)
    if unlike.adjacent or any(unlike.restricted.get(node) == [] for node in range(unlike.num_nodes)):
        return None
    return in_few_ticks(unlike.problem())


def in_few_ticks(problem: Problem) -> Problem:
    """The problem with a second for a tick."""
    second = round(1.0 / problem.tick)

    def few(ticks: Any) -> Any:
        return [each // second for each in ticks] if isinstance(ticks, list) else ticks and ticks // second

    names = ("work", "params", "transfer", "stored", "memory")
    kinds = [
        dataclasses.replace(costs, **{name: few(getattr(costs, name)) for name in names}) for costs in problem.kinds
    ]
    return dataclasses.replace(problem, kinds=kinds, tick=1.0)


def optimum(problem: Problem) -> int | None:
    """The largest threshold that no partition beats; None where none fits the limits."""
    search, budget = Downsets(problem.without_spare_blocks(), Budget()), Budget()
    low, high = 0, 200
    if not search.has_better(high, budget):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if search.has_better(middle, budget) else (middle, high)
    return low


def merged(problem: Problem, rule: str, random: Random, threshold: int) -> list[list[Any]]:
    """All merges that the rule allows, in a random order, in their turn; then groups that reach each other."""
    quotient, merges = Quotient(problem), []
    pairs = [(u, v) for u in range(problem.num_nodes) for v in range(problem.num_nodes) if u != v]
    random.shuffle(pairs)
    for each, (u, v) in itertools.product([rule, "cycle"], pairs):
        if not reduction.objection(quotient, problem, (each, u, v), threshold, Budget()):
            merges.append([each, u, v])
            quotient.join(quotient.find(u), quotient.find(v))
    return merges


def is_refused(problem: Problem, log: dict[str, Any], claimed: int) -> list[bool]:
    """Whether the compiled one refuses the log, or what is claimed of its quotient; and whether plain Python."""

    def compiled() -> None:
        Compiled(problem).check(Claim(reduction=log, threshold=claimed), Budget(10**6))

    def plain() -> None:
        quotient = reduction.replay(problem, log, Budget()).without_spare_blocks()
        if Downsets(quotient, Budget()).has_better(claimed, Budget()):
            raise PlacedError("some partition costs less")

    found = []
    for check in (compiled, plain):
        try:
            check()
            found.append(False)
        except PlacedError:
            found.append(True)
    return found


def harm(name: str, number: int, monkeypatch: pytest.MonkeyPatch) -> tuple[Problem, dict[str, Any], int] | None:
    """What a prover with the wrong rule claims of a problem, where it is not so."""
    rule, function, wrong, _ = PLANTED[name]
    random = Random(number)  # noqa: S311 - no secret
    problem = problem_of(random)
    best = None if problem is None else optimum(problem)
    if problem is None or best is None:
        return None
    threshold = best + random.choice([1, 2, 5])
    with monkeypatch.context() as patch:
        patch.setattr(reduction, function, wrong(getattr(reduction, function)))
        merges = merged(problem, rule, random, threshold)
    log = {"threshold": threshold, "merges": merges}
    quotient = optimum(reduction.join(problem, log))
    claimed = threshold if quotient is None else min(threshold, quotient)
    return (problem, log, claimed) if claimed > best else None


@pytest.mark.parametrize("name", PLANTED)
def test_what_a_wrong_rule_loses_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In problems where it does lose something, as is seen first."""
    for number in PLANTED[name][3]:
        found = harm(name, number, monkeypatch)
        assert found is not None, number
        assert is_refused(*found) == [True, True], number
