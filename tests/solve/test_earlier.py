"""An earlier answer is where the next one begins: its partition as it is, its bounds once they are proved again."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

import slicegraph as sg
from slicegraph.certificate import codec
from slicegraph.certificate.budget import DEFAULT_STEPS
from slicegraph.evidence.bound import Bound
from slicegraph.solve import counted, worker
from slicegraph.solve.earlier import known_of, prove_again
from slicegraph.stop import Stop
from strategies import CHAIN, grid, to_instance

WIDE = to_instance(grid(16), {"bandwidth": 8.0}, 6)
"""It takes minutes to solve."""
SMALL = to_instance(grid(4), {"bandwidth": 8.0}, 3)
"""A search of downsets proves more than the combinatorial bound."""


def proven(answer: sg.Result) -> int:
    """Ticks of the best bound of an answer."""
    return max(bound.ticks for bound in answer.bounds)


@pytest.fixture(scope="module")
def known() -> sg.Result:
    """An answer with more than the combinatorial bound, which is open."""
    least = sg.lower_bound(WIDE, method="combinatorial").lower_bound
    result = sg.solve(WIDE, stop=lambda progress: progress.lower_bound > least or progress.seconds > 60)
    assert least < result.lower_bound < result.bottleneck
    return result


def forged(certificate: sg.Certificate) -> sg.Certificate:
    """Claim with a seal that the partition is optimal."""
    document: dict[str, Any] = copy.deepcopy(certificate.document)
    ticks = document["witness"]["bottleneck"]
    bound = next(each for each in document["bounds"] if each["method"] == "downsets")
    bound["lower_bound"] = document["lower_bound"] = ticks
    for part, key in (("reduction", "threshold"), ("downsets", "threshold"), ("node", "lower_bound")):
        if bound[part] is not None:
            bound[part][key] = ticks
    return sg.Certificate.of(document)


def copies(known: sg.Result) -> list[sg.Result | sg.Certificate]:
    """Give what claims the same, but is no result of this process."""
    return [dataclasses.replace(known), pickle.loads(pickle.dumps(known)), known.certificate]  # noqa: S301 - its own


@pytest.mark.parametrize("stop", [sg.MaxRuntime(0), sg.MaxWork(1)], ids=["time", "work"])
def test_no_bound_is_lower_than_that_of_an_own_answer_even_without_time(known: sg.Result, stop: Stop) -> None:
    """The evidence goes into the new answer, and from there into the next."""
    result = known
    for _ in range(2):
        result = sg.solve(WIDE, warm_start=result, stop=stop)
        assert result.bottleneck <= known.bottleneck
        assert result.lower_bound == known.lower_bound
        assert result.history[-1][2] == known.lower_bound
        assert sg.check(WIDE.graph, result.certificate).lower_bound == known.lower_bound
    bare = sg.solve(WIDE, warm_start=known.block_of, stop=stop)
    assert bare.lower_bound < known.lower_bound


def test_an_own_optimum_is_one_even_without_time() -> None:
    """Also that no partition fits the memory limit."""
    again = sg.solve(SMALL, warm_start=sg.solve(SMALL), stop=sg.MaxRuntime(0))
    assert (again.status, again.gap) == (sg.Status.OPTIMAL, 0.0)
    for method in ("auto", "hybrid"):
        again = sg.solve(SMALL, warm_start=again, method=method, stop=sg.MaxWork(1))
        assert (again.status, again.gap) == (sg.Status.OPTIMAL, 0.0)


@pytest.mark.parametrize("place", range(3), ids=["replaced", "unpickled", "certificate"])
def test_what_an_earlier_answer_has_proven_is_where_bounds_go_on(known: sg.Result, place: int) -> None:
    """The search alone proves nothing beyond the combinatorial bound, so that all else comes from the warm start."""

    def ends(progress: sg.Progress) -> bool:
        return progress.lower_bound >= known.lower_bound or progress.seconds > 60

    result = sg.solve(WIDE, method="hybrid", warm_start=copies(known)[place], stop=ends)
    assert result.bottleneck <= known.bottleneck
    assert result.lower_bound == known.lower_bound
    assert sg.check(WIDE.graph, result.certificate).lower_bound == known.lower_bound


def test_sums_of_rows_are_proved_again() -> None:
    """A bound may rest on nothing but relaxations."""
    combinatorial = sg.lower_bound(WIDE, method="combinatorial").lower_bound

    def ends(progress: sg.Progress) -> bool:
        return progress.lower_bound > combinatorial or progress.seconds > 60

    known = sg.solve(WIDE, method="bottleneck_guess", stop=ends)
    assert known.lower_bound > combinatorial
    best = max(known.bounds, key=lambda bound: bound.ticks)
    (again,) = prove_again(WIDE, known.certificate, steps=DEFAULT_STEPS)
    assert (again.method, again.ticks, again.document) == (best.method, best.ticks, best.document)


def test_an_answer_has_the_hints_of_the_one_before_it() -> None:
    """The search alone closes nothing, so that the hints are those of the warm start."""
    known = dataclasses.replace(sg.solve(SMALL))
    (best,) = (bound for bound in known.bounds if bound.downsets is not None)
    assert best.ticks == proven(known)
    assert best.downsets is not None
    assert best.downsets.hints
    again = sg.solve(SMALL, method="hybrid", warm_start=known, stop=sg.MaxRuntime(60))
    (claim,) = (claim["downsets"] for claim in again.certificate.document["bounds"] if claim["downsets"] is not None)
    assert codec.unpack(claim["hints"], 2**24) == best.downsets.hints


def test_nothing_is_believed(known: sg.Result) -> None:
    """A false claim with a good seal gives nothing; nor does one that was changed, or steps that are too few."""
    steps = DEFAULT_STEPS
    assert max(bound.ticks for bound in prove_again(WIDE, known.certificate, steps=steps)) == proven(known)
    least = proven(sg.solve(WIDE, method="hybrid", stop=sg.MaxRuntime(0)))
    assert all(bound.ticks <= least for bound in prove_again(WIDE, forged(known.certificate), steps=10_000))
    assert prove_again(WIDE, sg.Certificate({**known.certificate.document, "lower_bound": 1}), steps=steps) == ()
    assert all(bound.ticks <= least for bound in prove_again(WIDE, known.certificate, steps=0))
    ended = prove_again(WIDE, known.certificate, steps=steps, ends=lambda: True)
    assert all(bound.ticks <= least for bound in ended)


def test_a_result_that_was_changed_is_not_believed(known: sg.Result) -> None:
    """Its certificate is checked, as any other."""
    ticks = round(known.bottleneck / WIDE.tick)

    def as_optimal(bound: Bound) -> Bound:
        search = None if bound.downsets is None else dataclasses.replace(bound.downsets, threshold=ticks)
        return dataclasses.replace(bound, ticks=ticks, downsets=search, node=None, reduction=None)

    bounds = tuple(bound if bound.method == "combinatorial" else as_optimal(bound) for bound in known.bounds)
    changed = dataclasses.replace(known, bounds=bounds, lower_bound=known.bottleneck)
    result = sg.solve(WIDE, method="hybrid", warm_start=changed, stop=sg.MaxRuntime(1))
    assert result.status is sg.Status.TIME_LIMIT
    assert result.bottleneck <= known.bottleneck
    assert result.lower_bound <= known.lower_bound


@pytest.mark.parametrize(("module", "more"), [(worker, sg.MaxRuntime(60)), (counted, sg.MaxWork(10**12))])
def test_the_check_ends_with_the_run(
    known: sg.Result, monkeypatch: pytest.MonkeyPatch, module: ModuleType, more: Stop
) -> None:
    """Under a limit of work too, where another stop goes by something else."""
    begun, heard = list[float](), list[bool]()

    def waits(*_: object, ends: Callable[[], bool], **__: object) -> tuple[()]:
        begun.append(time.monotonic())
        end = begun[-1] + 60
        while not ends() and time.monotonic() < end:
            time.sleep(0.01)
        heard.append(ends())
        return ()

    monkeypatch.setattr(module, "prove_again", waits)
    sg.solve(WIDE, method="hybrid", warm_start=known.certificate, stop=more | (lambda _: bool(begun)))
    assert heard == [True]


def test_a_limit_of_work_counts_no_time(known: sg.Result) -> None:
    """The bound of the earlier answer is there from the beginning, and the answer is the same each time."""
    stop = sg.MaxWork(200 * DEFAULT_STEPS)
    first, again = (
        sg.solve(WIDE, stop=stop, method="hybrid", warm_start=known.certificate, callback=ended)
        for ended in [lambda progress: progress.lower_bound >= known.lower_bound] * 2
    )
    assert first.lower_bound == again.lower_bound == known.lower_bound
    assert first.block_of.tolist() == again.block_of.tolist()


def test_with_limited_work_an_answer_from_an_own_one_is_the_same_on_any_number_of_threads(known: sg.Result) -> None:
    one, two = (sg.solve(WIDE, stop=sg.MaxWork(10**6), warm_start=known, threads=threads) for threads in (1, 2))
    assert one.certificate.document == two.certificate.document


def test_bounds_are_of_the_same_question_alone(known: sg.Result) -> None:
    """Of another number of stages or other costs the partition is taken, the bounds are not."""
    assert known_of(WIDE, known)[1] is not None
    assert known_of(WIDE, known.certificate)[1] is not None
    for other in (WIDE.replace(num_blocks=7), to_instance(grid(16), {"bandwidth": 9.0}, 6)):
        for warm_start in (known, known.certificate):
            block_of, earlier = known_of(other, warm_start)
            assert earlier is None
            assert list(block_of) == known.block_of.tolist()  # type: ignore[arg-type]
    chain = to_instance(CHAIN, {"bandwidth": 64.0}, 2)
    with pytest.raises(sg.InputError, match="warm_start: a result about another graph"):
        sg.solve(chain, warm_start=known)
    with pytest.raises(sg.InputError, match="warm_start: "):
        sg.solve(chain, warm_start=known.certificate)
    with pytest.raises(sg.InputError, match="warm_start: a certificate without a document"):
        sg.solve(chain, warm_start=sg.Certificate([]))  # type: ignore[arg-type]


def test_an_answer_without_a_partition_begins_nothing() -> None:
    heavy = to_instance({**CHAIN, "nodes": {**CHAIN["nodes"], "param_bytes": [50, 50, 50]}}, {"bandwidth": 64.0}, 2)
    limited = to_instance(
        {**CHAIN, "nodes": {**CHAIN["nodes"], "param_bytes": [50, 50, 50]}},
        {"bandwidth": 64.0, "memory_limit": 70},
        2,
    )
    nothing = sg.solve(limited)
    assert nothing.status is sg.Status.INFEASIBLE
    assert sg.solve(limited, warm_start=nothing).status is sg.Status.INFEASIBLE
    assert sg.solve(heavy, warm_start=nothing).status is sg.Status.OPTIMAL
