"""Merges: whatever a rule allows keeps a best partition."""

from __future__ import annotations

import itertools
import math
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from machines import Unlike, unlikes
from merges import random_merges
from questions import Question, light_questions, questions, shaped_questions, to_problem
from slicegraph.certificate.budget import BeyondBudgetError, Budget
from slicegraph.certificate.problem import Problem
from slicegraph.certificate.quotient import Quotient
from slicegraph.certificate.reduction import objection, replay, strong_components
from slicegraph.certificate.structure import PlacedError
from strategies import CHAIN, MANY


@given(st.one_of(light_questions(), shaped_questions(max_nodes=5), questions()), st.integers())
@settings(max_examples=MANY)
def test_every_merge_that_a_rule_allows_keeps_a_best_partition(question: Question, seed: int) -> None:
    """Step by step, with the definition's costs: pull and push keep the optimum, together all that is better than T."""
    random_ = random.Random(seed)  # noqa: S311 - not a secret
    rest = question.partitions()
    optimum = min(bottleneck for *_, bottleneck in rest)
    limits = [7] if math.isinf(optimum) else [int(optimum), int(optimum) + 1, 2 * int(optimum)]
    threshold = random_.choice(limits)
    problem, merges = to_problem(question), []
    for _, (rule, u, v) in random_merges(problem, random_, threshold):
        merges.append([rule, u, v])
        kept = [each for each in rest if each[0][u] == each[0][v]]
        best_before, best_after = (min((each[2] for each in some), default=math.inf) for some in (rest, kept))
        if rule in ("pull", "push"):
            assert best_after == best_before
        elif rule == "cycle":
            assert len(kept) == len(rest)
        else:
            assert all(bottleneck >= threshold for *_, bottleneck in rest if (*_, bottleneck) not in kept)
            assert sum(each[2] < threshold for each in kept) == sum(each[2] < threshold for each in rest)
        rest = kept
    assert min(threshold, *(each[2] for each in rest), math.inf) <= optimum
    quotient = replay(problem, {"threshold": threshold, "merges": merges}, Budget())
    assert len(quotient.param_bytes) == question.num_nodes - len(merges)


@given(st.one_of(light_questions(), shaped_questions()))
def test_what_is_pulled_or_pushed_raises_no_cost_of_any_block(question: Question) -> None:
    """Whatever two nodes a rule allows, in every partition that has them apart; and what moves runs no tensor back."""
    problem = to_problem(question)
    partitions = {block_of: [block["cost"] for block in costs] for block_of, costs, _ in question.partitions()}
    for rule, (u, v) in itertools.product(("pull", "push"), itertools.permutations(range(question.num_nodes), 2)):
        if objection(Quotient(problem), problem, (rule, u, v), 0, Budget()):
            continue
        moving, to = (v, u) if rule == "pull" else (u, v)
        for block_of, costs in partitions.items():
            moved = tuple(block_of[to if node == moving else node] for node in range(question.num_nodes))
            for after, before in itertools.zip_longest(partitions[moved], costs, fillvalue=0):
                assert before is None or (after is not None and after <= before)


@given(unlikes(has_links=True), st.integers())
@settings(max_examples=MANY)
def test_every_merge_on_unlike_devices_keeps_a_best_partition(unlike: Unlike, seed: int) -> None:
    random_ = random.Random(seed)  # noqa: S311 - not a secret
    rest = unlike.partitions()
    optimum = min((bottleneck for _, bottleneck in rest), default=math.inf)
    limits = [7] if math.isinf(optimum) else [int(optimum), int(optimum) + 1, 2 * int(optimum)]
    threshold = random_.choice(limits)
    multipliers = [random_.randrange(1, 4) for _ in unlike.kinds]
    for _, (rule, u, v) in random_merges(unlike.problem(multipliers), random_, threshold):
        kept = [each for each in rest if each[0][u] == each[0][v]]
        best_before, best_after = (min((each[1] for each in some), default=math.inf) for some in (rest, kept))
        if rule in ("pull", "push"):
            assert best_after == best_before
        else:
            assert min(threshold, best_after) <= best_before
            assert sum(each[1] < threshold for each in kept) == sum(each[1] < threshold for each in rest)
        rest = kept


@given(unlikes(max_nodes=4, has_links=True))
@settings(max_examples=MANY)
def test_what_is_moved_on_unlike_devices_raises_no_cost_of_any_block(unlike: Unlike) -> None:
    """Whatever two nodes a rule allows, in every partition that may be and has them apart."""
    problem = unlike.problem()
    for rule, (u, v) in itertools.product(("pull", "push"), itertools.permutations(range(unlike.num_nodes), 2)):
        if objection(Quotient(problem), problem, (rule, u, v), 0, Budget()):
            continue
        moving, to = (v, u) if rule == "pull" else (u, v)
        for block_of, bottleneck in unlike.partitions():
            if bottleneck < math.inf:
                moved = tuple(block_of[to if node == moving else node] for node in range(unlike.num_nodes))
                before, after = problem.block_costs(block_of), problem.block_costs(moved)
                for now, was in itertools.zip_longest(after, before, fillvalue={"cost": 0}):
                    assert now["cost"] <= was["cost"]


@given(st.one_of(light_questions(), shaped_questions()), st.integers())
def test_nodes_together_are_apart_in_no_partition_below_the_threshold(question: Question, seed: int) -> None:
    random_ = random.Random(seed)  # noqa: S311 - not a secret
    problem, partitions = to_problem(question), question.partitions()
    bottlenecks = sorted({int(bottleneck) for *_, bottleneck in partitions if bottleneck < math.inf}) or [7]
    threshold = random_.choice(bottlenecks) + random_.choice([0, 1])
    better = [block_of for block_of, _, bottleneck in partitions if bottleneck < threshold]
    for u, v in itertools.combinations(range(question.num_nodes), 2):
        if not objection(Quotient(problem), problem, ("together", u, v), threshold, Budget()):
            assert all(block_of[u] == block_of[v] for block_of in better)


Edge = tuple[int, int | list[int], int]


def question_of(
    work: list[float],
    edges: list[Edge],
    device: dict[str, Any] | None = None,
    **options: Any,
) -> Question:
    """Nodes with work, and a tensor per edge: producer, reader or readers (-1: the world), size."""
    tensors = {"producer": [u for u, _, _ in edges], "size": [size for *_, size in edges]}
    consumers = [v if isinstance(v, list) else [] if v < 0 else [v] for _, v, _ in edges]
    is_output = [not readers for readers in consumers]
    nodes = {"op": ["op"] * len(work), "work": work, "param_bytes": options.pop("param_bytes", [0] * len(work))}
    data = CHAIN | {"nodes": nodes, "tensors": tensors | {"consumers": consumers, "is_output": is_output}}
    return Question(data, {"bandwidth": 1.0, **(device or {})}, 2, **options)


def ask(question: Question, rule: str, u: int, v: int, threshold: int = 0) -> str:
    problem = to_problem(question)
    return objection(Quotient(problem), problem, (rule, u, v), threshold, Budget())


HEAVY: list[Edge] = [(0, 1, 9), (1, 2, 4)]


@pytest.mark.parametrize(
    ("question", "merge", "reason"),
    [
        (question_of([1.0, 2.0, 3.0], HEAVY), ("pull", 0, 1), ""),
        (question_of([1.0, 6.0, 3.0], HEAVY), ("pull", 0, 1), "it brings"),
        (question_of([1.0, 2.0, 3.0], HEAVY), ("pull", 1, 0), "the other makes nothing for it"),
        (question_of([1.0, 2.0, 3.0], HEAVY), ("pull", 0, 2), "the other makes nothing for it"),
        (
            question_of([1.0, 2.0, 3.0], [(0, 1, 9), (2, 1, 1)]),
            ("pull", 0, 1),
            "all else that makes something for it must come before the other",
        ),
        (question_of([1.0, 2.0, 3.0], [(0, 1, 9), (2, 1, 1), (2, 0, 1)]), ("pull", 0, 1), ""),
        (question_of([1.0, 2.0, 3.0], [(0, 1, 9), (2, 1, 7), (2, 0, 1)]), ("pull", 0, 1), ""),
        (question_of([1.0, 2.0, 3.0], [(0, 1, 9), (2, 1, 8), (2, 0, 1)]), ("pull", 0, 1), "it brings"),
        (question_of([1.0, 2.0, 3.0], [(0, 1, 9), (2, [0, 1], 8)]), ("pull", 0, 1), ""),
        (question_of([1.0, 2.0, 3.0], [(0, [1, 2], 9), (1, 2, 4)]), ("pull", 0, 1), "it brings"),
        (question_of([1.0, 2.0, 3.0], [*HEAVY, (-1, 1, 2)]), ("pull", 0, 1), ""),
        (question_of([1.0, 2.0, 3.0], [*HEAVY, (-1, 1, 3)], boundary_io=True), ("pull", 0, 1), ""),
        (question_of([1.0, 2.0, 3.0], [*HEAVY, (-1, 1, 4)], boundary_io=True), ("pull", 0, 1), "it brings"),
        (question_of([1.0, 2.0, 3.0], [*HEAVY, (1, -1, 4)], boundary_io=True), ("pull", 0, 1), "it brings"),
        (question_of([1.0, 2.0, 3.0], HEAVY, {"memory": 9}, param_bytes=[0, 3, 9]), ("pull", 0, 1), ""),
        (question_of([1.0, 2.0, 3.0], HEAVY, {"memory": 9}, param_bytes=[0, 4, 9]), ("pull", 0, 1), "it brings"),
        (
            question_of([1.0, 2.0, 3.0], HEAVY, {"memory_limit": 9}, param_bytes=[0, 1, 9]),
            ("pull", 0, 1),
            "with a memory limit, a group that has parameters must not move",
        ),
        (question_of([1.0, 2.0, 3.0], HEAVY, {"memory_limit": 9}, param_bytes=[1, 0, 9]), ("pull", 0, 1), ""),
        (question_of([1.0, 2.0, 3.0], HEAVY, {"memory_limit": 10}, param_bytes=[0, 1, 9]), ("pull", 0, 1), ""),
        (question_of([1.0, 2.0, 3.0], HEAVY, {"memory": 13}, param_bytes=[0, 4, 9]), ("pull", 0, 1), ""),
        (question_of([9.0, 1.0, 3.0], HEAVY), ("push", 0, 1), ""),
        (question_of([9.0, 1.0, 3.0], HEAVY), ("push", 1, 2), "it brings"),
        (question_of([9.0, 1.0, 3.0], [(0, 1, 3), (1, 2, 4)]), ("push", 1, 2), ""),
        (question_of([9.0, 1.0, 3.0], [*HEAVY, (0, 2, 1)]), ("push", 0, 1), "it brings"),
        (question_of([9.0, 1.0, 3.0], HEAVY), ("push", 2, 1), "the other reads nothing of it"),
        (
            question_of([1.0, 1.0, 3.0], [(0, 1, 9), (0, 2, 1)]),
            ("push", 0, 1),
            "all else that reads something of it must come after the other",
        ),
        (question_of([1.0, 1.0, 3.0], [(0, 1, 9), (0, 2, 8), (1, 2, 1)]), ("push", 0, 1), ""),
        (question_of([1.0, 1.0, 3.0], [(0, 1, 9), (0, 2, 9), (1, 2, 1)]), ("push", 0, 1), "it brings"),
        (question_of([1.0, 1.0, 3.0], [(0, [1, 2], 9), (1, 2, 1)]), ("push", 0, 1), "it brings"),
        (question_of([0.0, 1.0, 3.0], [(0, [1, 2], 9), (1, 2, 1)]), ("push", 0, 1), ""),
        (question_of([1.0, 1.0, 3.0], [(0, 1, 9), (2, 0, 8)]), ("push", 0, 1), ""),
        (question_of([1.0, 1.0, 3.0], [(0, 1, 9), (2, 0, 9)]), ("push", 0, 1), "it brings"),
        (question_of([1.0, 1.0, 3.0], [(0, 1, 9), (2, [0, 1], 9)]), ("push", 0, 1), ""),
        (question_of([1.0, 1.0, 3.0], [(0, 1, 9), (-1, 0, 9)]), ("push", 0, 1), ""),
        (question_of([1.0, 1.0, 3.0], [(0, 1, 9), (-1, 0, 9)], boundary_io=True), ("push", 0, 1), "it brings"),
        (
            question_of([9.0, 1.0, 3.0], HEAVY, {"memory_limit": 9}, param_bytes=[1, 0, 9]),
            ("push", 0, 1),
            "with a memory limit, a group that has parameters must not move",
        ),
        (question_of([9.0, 1.0, 3.0], HEAVY), ("cycle", 0, 1), "one does not reach the other"),
        (question_of([9.0, 1.0, 3.0], HEAVY), ("together", 0, 3), "3 is no node"),
        (question_of([9.0, 1.0, 3.0], HEAVY), ("push", 0, 0), "they are in one group already"),
    ],
)
def test_a_rule_allows_what_costs_no_block_more(question: Question, merge: tuple[str, int, int], reason: str) -> None:
    found = ask(question, *merge)
    assert found.startswith(reason)
    assert bool(found) == bool(reason)


@pytest.mark.parametrize(("seconds", "is_allowed"), [(9, True), (10, False)])
def test_together_is_what_costs_too_much_apart(seconds: int, is_allowed: bool) -> None:
    """The first node pays 4 + 4 without the second; this one 2 + 4 without it, and 3 or 4 for the third."""
    question = question_of([4.0, 2.0, 3.0], [(0, 1, 4), (1, 2, 4)])
    threshold = round(seconds / question.ticks.tick)
    assert (ask(question, "together", 0, 1, threshold) == "") == is_allowed
    assert (ask(question, "together", 1, 0, threshold) == "") == is_allowed


@given(light_questions(max_nodes=6), st.integers())
def test_strong_components_reach_each_other(question: Question, seed: int) -> None:
    random_ = random.Random(seed)  # noqa: S311 - not a secret
    quotient = Quotient(to_problem(question))
    for _ in range(random_.randrange(4)):
        one, other = (quotient.find(random_.randrange(question.num_nodes)) for _ in range(2))
        if one != other:
            quotient.join(one, other)
    components = strong_components(quotient)
    groups = quotient.groups()

    def reached(start: int) -> set[int]:
        found, waiting = {start}, [start]
        while waiting:
            new = set(quotient.successors(waiting.pop())) - found
            found |= new
            waiting += new
        return found

    after = {group: reached(group) for group in groups}
    for one in groups:
        for other in groups:
            assert (components[one] == components[other]) == (other in after[one] and one in after[other])


def log(question: Question, merges: list[list[Any]], threshold: int = 0) -> Problem:
    return replay(to_problem(question), {"threshold": threshold, "merges": merges}, Budget())


def test_a_run_of_cycles_is_one() -> None:
    """With the ends together, all between them follows; a merge of another kind in between ends the run."""
    question = question_of([1.0] * 4, [(0, 1, 1), (1, 2, 1), (2, 3, 1)])
    assert len(log(question, [["together", 0, 3], ["cycle", 0, 1], ["cycle", 1, 2]]).param_bytes) == 1
    runs = [["together", 0, 2], ["cycle", 0, 1], ["together", 1, 3]]
    assert len(log(question, runs).param_bytes) == 1
    with pytest.raises(PlacedError, match=r"^merges\[1\]: cycle through nodes 0 and 3: one does not reach the other$"):
        log(question, [["together", 0, 2], ["cycle", 0, 3]])


def test_the_first_merge_that_does_not_hold_is_named() -> None:
    question = question_of([1.0, 2.0, 5.0], HEAVY)
    with pytest.raises(PlacedError, match=r"^merges\[1\]: pull of node 2 into node 1: it brings \d+ ticks, which"):
        log(question, [["pull", 0, 1], ["pull", 1, 2]])
    with pytest.raises(PlacedError, match=r"^merges\[0\]: nodes 0 and 1 together: apart they can cost less than"):
        log(question, [["together", 0, 1]], 2**52)
    with pytest.raises(PlacedError, match=r"^merges\[1\]: push of node 1 into node 0: they are in one group already"):
        log(question, [["pull", 0, 1], ["push", 1, 0]])


def test_a_long_log_is_followed() -> None:
    """Each node of a long chain into the first."""
    edges: list[Edge] = [(node, node + 1, 1) for node in range(2999)]
    question = question_of([1.0] + [0.0] * 2999, edges)
    assert len(log(question, [["pull", 0, node] for node in range(1, 3000)]).param_bytes) == 1


def test_flows_count_as_steps() -> None:
    question = question_of([4.0, 2.0, 3.0], [(0, 1, 4), (1, 2, 4)])
    reduction = {"threshold": 2**52, "merges": [["together", 0, 1]]}
    with pytest.raises(BeyondBudgetError):
        replay(to_problem(question), reduction, Budget(0))
