"""The problem as the checker makes it again."""

from __future__ import annotations

from hypothesis import given

from questions import Question, questions, to_problem


@given(questions())
def test_the_problem_is_the_definition_to_the_tick(question: Question) -> None:
    """Tick, costs, digest and combinatorial bound are those of code that shares nothing with the checker's."""
    problem = to_problem(question)
    assert problem.tick == question.ticks.tick
    assert (problem.only.work, problem.only.transfer) == (question.ticks.work, question.ticks.transfer)
    assert (problem.only.params, problem.only.memory) == (question.ticks.params, question.ticks.memory)
    assert problem.digest() == question.digest()
    assert problem.combinatorial() == question.combinatorial()
