"""Plain Python follows hints: as the compiled checker does, and to nothing that is not so."""

from __future__ import annotations

import collections
from pathlib import Path
from random import Random

import pytest

import slicegraph as sg
from certificate.test_forged_logs import log
from certificate.test_hints import OPTIMUM, SECTIONS, with_hints
from checked import DEEP_GRAPH, DEEP_QUESTION
from scopes import Case, cases
from slicegraph import _core
from slicegraph.bounds.downsets import close_in
from slicegraph.certificate import question
from slicegraph.certificate.budget import BeyondBudgetError, Budget
from slicegraph.certificate.closing import close
from slicegraph.certificate.compiled import _to_words, leb128
from slicegraph.certificate.log import read_sections
from slicegraph.certificate.problem import Problem
from slicegraph.certificate.reduction import replay
from slicegraph.certificate.structure import PlacedError
from slicegraph.certificate.ticks import snap
from slicegraph.generate import layered

STEPS = 10**6


def compiled(problem: Problem, threshold: int, hints: bytes) -> tuple[str, str]:
    """What the compiled checker says, and why or by what."""
    verdict, reason, *_ = _core.prove_again(_to_words(problem), log(0, threshold, 1, 0) + hints, 100 * STEPS)
    return {"open": "budget", "refused": "refuted"}.get(verdict, verdict), reason


def plain(problem: Problem, threshold: int, hints: bytes, steps: int = STEPS) -> tuple[str, str]:
    """What plain Python says."""
    try:
        return "verified", close(problem, threshold, read_sections(hints), Budget(steps))
    except PlacedError as error:
        return error.verdict, str(error.args[0])
    except BeyondBudgetError:
        return "budget", ""


def random_sections(random: Random, problem: Problem) -> bytes:
    """Sections of all kinds, of nodes that are there or hardly not, some of them in order."""
    num_nodes, num_blocks = problem.num_nodes, problem.num_blocks
    numbers: list[int] = []
    for _ in range(random.randrange(6)):
        count = random.randrange(1, 5)
        nodes = [random.randrange(num_nodes + (random.random() < 1 / 50)) for _ in range(count)]
        end = 2 * random.randrange(1, num_blocks + 1) + random.randrange(2)
        numbers += random.choice(
            [
                [2, end, count, *nodes],
                [2, end, num_nodes, *range(num_nodes)],
                [5, count, *(each for node in nodes for each in (node, random.choice([1, 1024, 2048, 4096, 4097])))],
                [4, count, *(each for node in nodes for each in (node, random.randrange(num_nodes)))],
                [6, nodes[0], random.randrange(1, 4)],
                [7],
                [8, random.randrange(3)],
                [8, 2, num_nodes, *random.sample(range(num_nodes), num_nodes)],
                [10, nodes[0]],
                [0],
                [random.randrange(10), *(random.randrange(5) for _ in range(count))],
            ]
        )
    return b"".join(map(leb128, numbers))


def expect_the_same(case: Case, threshold: int, hints: bytes) -> str:
    """Both checkers say the same, which is so; give what."""
    problem = case.problem.without_spare_blocks()
    (fast, why), (slow, reason) = compiled(problem, threshold, hints), plain(problem, threshold, hints)
    assert (fast == slow) or "budget" in (fast, slow), (fast, why, slow, reason)
    assert slow != "refuted" or case.optimum < threshold or "the minimum cut is" in reason
    assert slow != "verified" or case.optimum >= threshold
    return slow


def test_both_checkers_say_the_same_of_any_hints() -> None:
    verdicts = collections.Counter[str]()
    for case in cases(400, has_links=False):
        for _ in range(5):
            threshold = min(case.threshold, 2**52)
            verdicts[expect_the_same(case, threshold, random_sections(case.random, case.problem))] += 1
    assert min(verdicts[each] for each in ("verified", "refuted", "malformed")) > 100
    assert not verdicts["budget"]


def test_where_tensors_are_handed_on_nothing_is_proved_that_is_not_so() -> None:
    verdicts = collections.Counter[str]()
    for case in cases(500):
        if case.problem.adjacent:
            hints = random_sections(case.random, case.problem)
            verdict, _ = plain(case.problem.without_spare_blocks(), min(case.threshold, 2**52), hints)
            assert verdict != "verified" or case.optimum >= case.threshold
            verdicts[verdict] += 1
    assert verdicts["verified"] > 10


@pytest.mark.parametrize(
    "names", [["levels"], ["labels"], ["cuts", "levels"], ["pairs", "weights", "split"], ["cuts", "node"], ["open"], []]
)
def test_whatever_is_hinted_an_optimum_is_proved_and_no_more(names: list[str]) -> None:
    hints = bytes(byte for name in names for byte in SECTIONS[name])
    verdict = sg.check(DEEP_GRAPH, with_hints(DEEP_QUESTION, OPTIMUM, hints), slow=True)
    assert verdict.lower_bound == OPTIMUM * DEEP_QUESTION.ticks.tick
    assert verdict.implementation == "python"
    with pytest.raises(sg.CertificateError, match="some partition costs less") as refusal:
        sg.check(DEEP_GRAPH, with_hints(DEEP_QUESTION, OPTIMUM + 1, hints), slow=True)
    with pytest.raises(sg.CertificateError) as other:
        sg.check(DEEP_GRAPH, with_hints(DEEP_QUESTION, OPTIMUM + 1, hints))
    assert str(refusal.value) == str(other.value)


def test_malformed_hints_are_refused_in_the_same_words() -> None:
    for hints in (b"\x01", b"\x06\x00", b"\x02\x02\x01\x09", b"\x08\x02\x01\x00", b"\x00\x00"):
        messages = set()
        for slow in (False, True):
            with pytest.raises(sg.CertificateError) as refusal:
                sg.check(DEEP_GRAPH, with_hints(DEEP_QUESTION, OPTIMUM, hints), slow=slow)
            assert refusal.value.verdict == "malformed"
            messages.add(str(refusal.value))
        assert len(messages) == 1, messages


def searched(num_layers: int, width: int, seed: int, num_blocks: int) -> tuple[Problem, int, bytes]:
    """What the solver says of a graph: the quotient, the optimum, and how it is proved."""
    graph = layered(num_layers=num_layers, width=width, seed=seed)
    instance = sg.Instance(graph, device=sg.Device.preset("testbed"), num_blocks=num_blocks)
    bound = close_in(instance, work=2**28, poll=lambda *_: False).bound
    assert bound.status == "optimal"
    assert bound.downsets is not None
    document = {**instance.question, "num_blocks": num_blocks, "boundary_io": instance.boundary_io}
    problem = snap(graph.arrays, question.Question.of(document))
    merges = [list(merge) for merge in bound.reduction.merges] if bound.reduction else []
    problem = replay(problem, {"threshold": bound.ticks, "merges": merges}, Budget())
    return problem.without_spare_blocks(), bound.ticks, bound.downsets.hints


@pytest.mark.parametrize(("num_layers", "width", "seed", "num_blocks"), [(12, 6, 20, 4), (8, 4, 3, 3), (10, 3, 5, 6)])
def test_what_the_solver_says_is_proved_and_nothing_of_a_tick_more(
    num_layers: int, width: int, seed: int, num_blocks: int
) -> None:
    """Honest hints, and with numbers changed."""
    problem, optimum, hints = searched(num_layers, width, seed, num_blocks)
    assert plain(problem, optimum, hints, 4 * STEPS)[0] == compiled(problem, optimum, hints)[0] == "verified"
    assert plain(problem, optimum + 1, hints, STEPS // 4)[0] != "verified"
    random = Random(seed)  # noqa: S311 - no secret
    for _ in range(8):
        place = random.randrange(len(hints))
        changed = hints[:place] + bytes([hints[place] ^ 1]) + hints[place + 1 :]
        assert plain(problem, optimum + 1, changed, STEPS // 20)[0] != "verified"
        verdicts = {plain(problem, optimum, changed, STEPS // 20)[0], compiled(problem, optimum, changed)[0]}
        assert len(verdicts - {"budget"}) <= 1


def test_without_steps_nothing_is_proved() -> None:
    case = next(case for case in cases(50, has_links=False) if case.problem.num_nodes > 2 and not case.better)
    with pytest.raises(BeyondBudgetError):
        close(case.problem, case.threshold, read_sections(b"\x07"), Budget(0))


TESTBED = Path(__file__).parents[3] / "shared" / "data" / "testbed"
NETWORKS = [
    ("timm_mambaout_small", 4),
    ("timm_resnext101_32x8d", 16),
    ("hf_bert_24l_eager_b8", 32),
    ("hf_llama", 8),
    ("hf_lilt", 8),
    ("classic_unet", 16),
    ("timm_eva02_base_patch14_224", 4),
]
"""Optima by cuts, windows, labels and levels."""


@pytest.mark.skipif(not TESTBED.is_dir(), reason="takes the testbed's graphs, which are no part of this project")
@pytest.mark.parametrize(("name", "num_blocks"), NETWORKS)
def test_optima_of_networks_are_proved_by_both(name: str, num_blocks: int) -> None:
    graph = sg.read(TESTBED / f"{name}.json.gz")
    instance = sg.Instance(graph, device=sg.Device.preset("testbed"), num_blocks=num_blocks)
    result = sg.solve(instance, stop=sg.MaxRuntime(20))
    verdicts = [sg.check(graph, result.certificate, slow=slow) for slow in (False, True)]
    assert [verdict.lower_bound for verdict in verdicts] == [result.lower_bound] * 2
    assert [verdict.implementation for verdict in verdicts] == ["compiled", "python"]
