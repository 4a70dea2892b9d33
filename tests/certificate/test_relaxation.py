"""Proofs: what they prove is true, and they are added up as the specification says."""

from __future__ import annotations

import functools
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import row_proofs
from certificates import FREE, certify, relax
from duals import prove_by_duals
from questions import Question, questions, to_problem
from slicegraph.certificate.budget import Budget
from slicegraph.certificate.check import check
from slicegraph.certificate.relaxation import Prover
from slicegraph.certificate.structure import PlacedError
from strategies import CHAIN, to_graph


def thresholds_of(bottlenecks: list[float]) -> list[int | None]:
    """None, zero, and around what partitions cost."""
    finite = sorted({int(cost) for cost in bottlenecks if cost < float("inf")})
    around = [max(0, cost + step) for cost in finite[:2] + finite[-1:] for step in (-1, 0, 1)]
    return [None, 0, 1, *around, *(cost // 2 for cost in finite[:1])]


def counts_for(
    question: Question, relaxation: dict[str, Any], costs: list[dict[str, int | None]], bottleneck: float
) -> list[list[int]]:
    """The shapes, with numbers for blocks, in which a partition counts for a relaxation."""
    limit = float("inf") if relaxation["threshold"] is None else relaxation["threshold"]
    if bottleneck == float("inf") or bottleneck > limit:
        return []
    work = [row["work"] or 0 for row in costs]
    fullest = [block for block, ticks in enumerate(work) if ticks == max(work)]
    spans, demand = relaxation["spans"], relaxation["demand"]
    if spans == FREE:
        return [[block, 1, question.num_blocks - block - 1] for block in fullest]
    return [spans] if demand is None or sum(spans[:demand]) in fullest else []


def natural_value(
    question: Question, spans: list[int], block_of: tuple[int, ...], bottleneck: int, variable: tuple[Any, ...]
) -> int:
    """What a partition makes of a variable."""
    ends = [sum(spans[: j + 1]) for j in range(len(spans))]
    home = [next(j for j, end in enumerate(ends) if block < end) for block in block_of]
    match variable:
        case ["t"]:
            return bottleneck
        case ["y", v, i]:
            return int(home[v] < i)
        case ["over", j]:
            params = [ticks for v, ticks in enumerate(question.ticks.params) if home[v] == j]
            span: int = spans[j]
            return max(0, sum(params) - span * (question.ticks.memory or 0))
        case ["cut", x, j]:
            p, readers = question.producer[x], question.consumers[x]
            is_inside = p >= 0 and home[p] == j
            leaves = any(home[w] != j for w in readers) or (question.boundary_io and question.is_output[x])
            enters = any(home[w] == j for w in readers) and (p >= 0 or question.boundary_io)
            return int(leaves if is_inside else enters)
        case _:
            raise AssertionError(variable)


@given(questions(), st.integers())
def test_every_partition_satisfies_every_row_that_counts(question: Question, seed: int) -> None:
    """Each row of each kind holds for the natural values of each partition, which lie in their boxes."""
    random_ = random.Random(seed)  # noqa: S311 - not a secret
    partitions = question.partitions()
    thresholds = thresholds_of([bottleneck for _, _, bottleneck in partitions])
    for _ in range(4):
        relaxation = row_proofs.random_relaxation(question, random_, thresholds)
        unit = random_.choice([1, 7])
        forms = [
            (row, *row_proofs.row_form(question, relaxation, unit, row))
            for row in row_proofs.every_row(question, relaxation)
        ]
        boxes = row_proofs.boxes(question, relaxation)
        for block_of, costs, bottleneck in random_.sample(partitions, min(30, len(partitions))):
            for spans in counts_for(question, relaxation, costs, bottleneck):
                value = functools.partial(natural_value, question, spans, block_of, int(bottleneck))
                for (v, i), (low, high) in boxes.items():
                    assert low <= value(("y", v, i)) <= high
                for row, left, right in forms:
                    assert sum(factor * value(variable) for variable, factor in left.items()) >= right, row


@given(questions(), st.integers())
def test_a_proof_is_added_up_as_the_slow_way_does(question: Question, seed: int) -> None:
    """Single rows and any sums of rows give the same inequality and the same bound."""
    random_ = random.Random(seed)  # noqa: S311 - not a secret
    prover = Prover(to_problem(question))
    for _ in range(10):
        relaxation = row_proofs.random_relaxation(question, random_, [None, 0, 1, question.mean_work, 2**50])
        rows = row_proofs.random_rows(question, relaxation, random_)
        rows = rows if random_.random() < 0.7 else rows[:1]
        relaxation["proof"] = {"unit": random_.choice([1, 5, 2**40]), "rows": sorted(rows), "lower_bound": 0}
        assert prover.inequality(relaxation, Budget()) == row_proofs.inequality(question, relaxation)
        value = row_proofs.proof_value(question, relaxation)
        if value is not None:
            assert prover.lower_bound(relaxation, Budget()) == value


@given(questions(), st.integers())
def test_no_proof_exceeds_what_it_bounds(question: Question, seed: int) -> None:
    """Whatever the rows, multipliers and threshold, the inequality holds for all partitions that count.

    A certificate of such proofs holds, with a verified bound that is at most the optimum.
    """
    random_ = random.Random(seed)  # noqa: S311 - not a secret
    partitions = question.partitions()
    optimum = min(bottleneck for _, _, bottleneck in partitions)
    thresholds = thresholds_of([bottleneck for _, _, bottleneck in partitions])
    prover = Prover(to_problem(question))
    proved = []
    for _ in range(8):
        relaxation = row_proofs.random_relaxation(question, random_, thresholds)
        rows = row_proofs.random_rows(question, relaxation, random_)
        relaxation["proof"] = {"unit": random_.choice([1, 5, 2**40]), "rows": sorted(rows), "lower_bound": 0}
        factor, right = prover.inequality(relaxation, Budget())
        for _, costs, bottleneck in partitions:
            if counts_for(question, relaxation, costs, bottleneck):
                assert factor * int(bottleneck) >= right
        proved.append(row_proofs.prove(question, relaxation, relaxation["proof"]["unit"], rows))
    relaxations = [relaxation for relaxation in proved if relaxation is not None]
    best = min(partitions, key=lambda each: each[2])
    certificate = certify(question, best[0] if optimum < float("inf") else None, {"bottleneck": relaxations})
    verdict = check(to_graph(question.data), certificate)
    assert verdict.lower_bound <= optimum * question.ticks.tick
    assert verdict.lower_bound == verdict.claimed_lower_bound


def random_question(seed: int) -> Question:
    """A graph in which blocks cost about as much to reach as to run."""
    random_ = random.Random(seed)  # noqa: S311 - not a secret
    num_nodes = random_.randint(3, 5)
    tensors: dict[str, Any] = {"producer": [], "size": [], "consumers": [], "is_output": []}
    for producer in range(num_nodes - 1):
        later = range(producer + 1, num_nodes)
        for _ in range(random_.randint(1, 2)):
            tensors["producer"].append(producer)
            tensors["size"].append(random_.randint(1, 20))
            tensors["consumers"].append(random_.sample(later, random_.randint(1, min(2, len(later)))))
            tensors["is_output"].append(random_.random() < 0.3)
    nodes = {
        "op": ["op"] * num_nodes,
        "work": [float(random_.randint(1, 20)) for _ in range(num_nodes)],
        "param_bytes": [random_.randint(0, 9) for _ in range(num_nodes)],
    }
    device = {"bandwidth": 4.0} | random_.choice([{}, {"memory": 6}, {"memory": 3, "overflow_bandwidth": 2.0}])
    data = {"name": "random", "nodes": nodes, "tensors": tensors}
    return Question(data, device, random_.randint(2, 3), random_.random() < 0.3)


def around_block(block: int, num_blocks: int, **options: Any) -> dict[str, Any]:
    """The relaxation in which one block is the fullest, in up to three superblocks."""
    spans = [span for span in (block, 1, num_blocks - block - 1) if span]
    return relax(spans, demand=int(block > 0), **options)


def test_duals_of_linear_programs_prove_much_and_never_too_much() -> None:
    """Proofs as a solver finds them, whole, free and as families, at thresholds around the optimum.

    None exceeds the optimum, and many exceed the combinatorial bound.
    """
    above = {"whole": 0, "family": 0, "free": 0, "optimal": 0}
    for seed in range(100):
        question = random_question(seed)
        num_blocks, partitions = question.num_blocks, question.partitions()
        best, _, bottleneck = min(partitions, key=lambda each: each[2])
        optimum = int(bottleneck)
        for threshold in (None, optimum - 1, optimum, optimum * 5 // 4):
            families = {
                "whole": [relax([1] * num_blocks, threshold=threshold)],
                "family": [around_block(block, num_blocks, threshold=threshold) for block in range(num_blocks)],
                "free": [relax(FREE, demand=1, threshold=threshold)],
            }
            for name, relaxations in families.items():
                proved = [prove_by_duals(question, relaxation) for relaxation in relaxations]
                assert all(proved), "a program without a threshold has a solution"
                certificate = certify(question, best, {"bottleneck_guess": [each for each in proved if each]})
                verdict = check(to_graph(question.data), certificate)
                assert verdict.bottleneck == optimum * question.ticks.tick
                value = round(verdict.lower_bound / question.ticks.tick)
                assert value <= optimum
                above[name] += value > question.combinatorial()
                above["optimal"] += value == optimum > question.combinatorial()
    assert min(above.values()) >= 20, above


def test_a_proof_by_hand_is_worth_what_it_says() -> None:
    """A chain of work 1, 2, 3 on two blocks: one import and one cost.

    At the optimum, windows put the second node into the first block and the third into the second, so the tensor
    between them is paid.
    """
    question = Question(CHAIN, {"bandwidth": 64.0}, 2)
    transfer, optimum = question.ticks.transfer[1], question.ticks.work[2] + question.ticks.transfer[1]
    rows: list[list[Any]] = [["cost", 1, 1], ["import", 1, 2, 1, 1]]
    relaxation = row_proofs.prove(question, relax([1, 1], threshold=optimum), transfer, rows)
    certificate = certify(question, [0, 0, 1], {"bottleneck": [relaxation] if relaxation else []})
    verdict = check(to_graph(CHAIN), certificate)
    assert question.combinatorial() * question.ticks.tick == 3.0
    assert (verdict.bottleneck, verdict.lower_bound) == (3.125, 3.125)
    assert (verdict.gap, verdict.claimed_gap) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        (["order", 3, 0, 1], "3 is no node"),
        (["order", -1, 0, 1], "-1 is no node"),
        (["order", 0, 2, 1], "2 is no superblock"),
        (["order", 0, -1, 1], "-1 is no superblock"),
        (["before", 0, 2, 1, 1], "node 2 reads nothing that node 0 makes"),
        (["before", 1, 0, 1, 1], "node 0 reads nothing that node 1 makes"),
        (["before", -3, 1, 1, 1], "-3 is no node"),
        (["before", 0, 1, 0, 1], "0 is not between two of 2 superblocks"),
        (["before", 0, 1, 2, 1], "2 is not between two of 2 superblocks"),
        (["export", 3, 1, 0, 1], "3 is no tensor"),
        (["export", -1, 1, 0, 1], "-1 is no tensor"),
        (["export", 0, 2, 0, 1], "node 2 does not read tensor 0"),
        (["export", 0, -1, 0, 1], "tensor 0 is no model output that is paid"),
        (["export", 2, 0, 0, 1], "tensor 2 is a model input, which no block makes"),
        (["export", 2, -1, 0, 1], "tensor 2 is a model input, which no block makes"),
        (["export", 0, 1, 2, 1], "2 is no superblock"),
        (["import", 3, 1, 0, 1], "3 is no tensor"),
        (["import", 0, -1, 0, 1], "node -1 does not read tensor 0"),
        (["import", 0, 0, 0, 1], "node 0 does not read tensor 0"),
        (["import", 0, 1, -1, 1], "-1 is no superblock"),
        (["cost", 2, 1], "2 is no superblock"),
        (["overflow", 0, 1], "the device has no memory to overflow"),
        (["demand", 1], "the relaxation has no demand"),
    ],
)
@pytest.mark.parametrize("boundary_io", [False, True])
def test_a_row_that_is_none_is_refused(row: list[Any], rule: str, boundary_io: bool) -> None:
    tensors = {"producer": [0, 1, -1], "size": [8, 8, 8], "consumers": [[1], [2], [0]]}
    question = Question(CHAIN | {"tensors": tensors}, {"bandwidth": 64.0}, 2, boundary_io)
    relaxation = relax([1, 1]) | {"proof": {"unit": 1, "rows": [row], "lower_bound": 0}}
    with pytest.raises(PlacedError) as error:
        Prover(to_problem(question)).lower_bound(relaxation, Budget())
    assert str(error.value) == f"rows[0]: {rule}"


def test_a_free_model_input_has_no_import_row() -> None:
    tensors = {"producer": [0, 1, -1], "size": [8, 8, 8], "consumers": [[1], [2], [0]]}
    relaxation = relax([1, 1]) | {"proof": {"unit": 1, "rows": [["import", 2, 0, 0, 1]], "lower_bound": 0}}
    question = Question(CHAIN | {"tensors": tensors}, {"bandwidth": 64.0}, 2)
    with pytest.raises(PlacedError, match="tensor 2 is a model input, which is free"):
        Prover(to_problem(question)).lower_bound(relaxation, Budget())


@pytest.mark.parametrize("kind", ["cost", "overflow"])
def test_a_superblock_of_any_number_of_blocks_has_no_cost(kind: str) -> None:
    data = CHAIN | {"nodes": CHAIN["nodes"] | {"param_bytes": [1, 2, 3]}}
    question = Question(data, {"bandwidth": 64.0, "memory": 1}, 2)
    relaxation = relax(FREE, demand=1) | {"proof": {"unit": 1, "rows": [[kind, 0, 1]], "lower_bound": 0}}
    with pytest.raises(PlacedError, match="superblock 0 holds any number of blocks, so nothing bounds its cost"):
        Prover(to_problem(question)).lower_bound(relaxation, Budget())


def test_what_nothing_satisfies_proves_the_threshold() -> None:
    """Work 1, 1, 4 on two blocks: below 4.5 the third node is in the second block, so the first is not the fullest."""
    data = CHAIN | {"nodes": CHAIN["nodes"] | {"work": [1.0, 1.0, 4.0]}}
    question = Question(data, {"bandwidth": 64.0}, 2)
    prover = Prover(to_problem(question))
    proof = {"unit": 1, "rows": [["demand", 1]], "lower_bound": 0}
    threshold = question.ticks.work[2] * 9 // 8
    assert prover.lower_bound(relax([1, 1], demand=0, threshold=threshold) | {"proof": proof}, Budget()) == threshold
    assert prover.lower_bound(relax([1, 1], demand=1, threshold=threshold) | {"proof": proof}, Budget()) == 0
    assert prover.lower_bound(relax([1, 1], demand=0) | {"proof": proof}, Budget()) == 0


@pytest.mark.parametrize(
    "rows",
    [
        [["order", 1, 0, 1], ["order", 0, 0, 1]],
        [["order", 0, 0, 1], ["order", 0, 0, 2]],
        [["order", 0, 0, 1], ["cost", 0, 1]],
    ],
)
def test_rows_that_are_not_sorted_or_not_distinct_are_refused(rows: list[list[Any]]) -> None:
    question = Question(CHAIN, {"bandwidth": 64.0}, 2)
    relaxation = relax([1, 1]) | {"proof": {"unit": 1, "rows": rows, "lower_bound": 0}}
    with pytest.raises(PlacedError, match=r"rows\[1\]: not above the row before; rows are sorted and distinct"):
        Prover(to_problem(question)).lower_bound(relaxation, Budget())
