"""Many problems at once: the answers of each alone, in order."""

from __future__ import annotations

import threading
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import pytest

import slicegraph as sg
from slicegraph.solve import many
from strategies import CHAIN, to_instance

INSTANCE = to_instance(CHAIN, {"bandwidth": 64.0}, 2)
VARIANTS = [INSTANCE.replace(work=[1, 2, work]) for work in range(40)]


class AtOnce(Executor):
    """Runs what is submitted at once, and counts it."""

    submitted = 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.submitted += 1
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def bottlenecks(answers: list[sg.Result | sg.InputError]) -> list[float]:
    return [answer.bottleneck for answer in answers if isinstance(answer, sg.Result)]


@pytest.mark.parametrize("executor", [None, AtOnce(), ThreadPoolExecutor(2)])
def test_answers_are_those_of_each_alone_in_order(executor: Executor | None) -> None:
    """With every executor; no problem gives no answer."""
    answers = sg.solve_many(iter(VARIANTS), executor=executor)
    assert bottlenecks(answers) == [sg.solve(each).bottleneck for each in VARIANTS]
    assert sg.solve_many([], executor=executor) == []
    if isinstance(executor, AtOnce):
        assert executor.submitted == len(VARIANTS)


def test_what_is_wrong_with_one_stands_in_its_place() -> None:
    """The others are solved; an option that is wrong is refused at once."""
    instances: list[Any] = [INSTANCE, "none", INSTANCE]
    first, wrong, last = sg.solve_many(instances)
    assert isinstance(first, sg.Result)
    assert isinstance(last, sg.Result)
    assert str(wrong) == "instances[1]: instance = 'none', but a slicegraph.Instance is asked for"
    for options, message in (
        ({"seed": -1}, "seed = -1"),
        ({"threads": 0}, "threads = 0"),
        ({"method": "none"}, "method 'none'"),
        ({"stop": 3}, "stop: 3 is neither"),
        ({"executor": 3}, "executor = 3"),
    ):
        arguments: dict[str, Any] = dict(options)
        with pytest.raises(sg.InputError, match=message):
            sg.solve_many([INSTANCE], **arguments)
    nothing: Any = 3
    with pytest.raises(sg.InputError, match="instances = 3"):
        sg.solve_many(nothing)


def test_two_are_solved_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each waits for another one to begin."""
    both = threading.Barrier(2, timeout=20)
    monkeypatch.setattr(many, "thread_count", lambda _: 2)
    answers = sg.solve_many([INSTANCE] * 4, stop=lambda _: both.wait() < 0)
    assert bottlenecks(answers) == [3.125] * 4


def test_a_defect_of_one_ends_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is passed on, and what has not begun is not begun."""
    seen = []

    def fail(_instance: sg.Instance, **_options: object) -> None:
        seen.append(1)
        raise ZeroDivisionError

    monkeypatch.setattr(many, "solve", fail)
    monkeypatch.setattr(many, "thread_count", lambda _: 1)
    with pytest.raises(ZeroDivisionError):
        sg.solve_many([INSTANCE] * 9)
    assert seen == [1]
