"""The tables of the testbed: what they say of rows, and which rows cannot be true."""

from __future__ import annotations

import pytest

from testbed.case import COLUMNS, Row
from testbed.optima import Optimum
from testbed.tables import best_partitions, tables, wrong_rows


def row(text: str) -> Row:
    """A row of graph, k, method, bottleneck, bound, combinatorial, seconds, status; "-" for an empty cell."""
    names = ("graph", "k", "method", "bottleneck", "lower_bound", "combinatorial", "seconds", "status")
    cells = dict(zip(names, text.replace("-", " - ").split(), strict=True))
    return dict.fromkeys(COLUMNS, "") | {name: "" if cell == "-" else cell for name, cell in cells.items()}


SOLVED = [
    row("tiny_net50 2 solve 8 8 5 1 optimal"),
    row("tiny_net50 4 solve 8 2 2 10 time_limit"),
    row("tiny_net9 4 solve 4 4 4 3 optimal"),
]


def test_proven_optima_are_counted_per_number_of_blocks() -> None:
    lines = tables(SOLVED, {}).splitlines()
    assert lines[4:7] == [
        "| 2 | 1 | 100.00% | 0.00% | 1.0000 | 0.6250 | 1.000 | 1.00 |",
        "| 4 | 2 | 50.00% | 0.00% | 0.5000 | 0.5000 | 6.500 | 10.00 |",
        "| all | 3 | 66.67% | 0.00% | 0.6300 | 0.5386 | 3.000 | 10.00 |",
    ]
    assert "1 bounds not above the combinatorial one, though the bottleneck is: tiny_net50 k = 4" in lines
    assert "- 1 of tiny_net: tiny_net50 k = 4" in lines
    assert lines[-1] == "0 wrong rows"


def test_methods_are_compared_over_the_cases_that_all_have_run() -> None:
    """The best partition is that of any method."""
    rows = [
        *SOLVED,
        row("tiny_net50 4 combinatorial - 2 2 0 optimal"),
        row("tiny_net9 4 combinatorial - 1 1 0 optimal"),
        row("tiny_net50 4 hybrid 10 - 2 10 time_limit"),
        row("tiny_net9 4 hybrid 4 - 4 10 time_limit"),
        row("tiny_net9 4 brkga 5 - 4 10 time_limit"),
    ]
    assert best_partitions(rows)["tiny_net50", 4] == 8
    lines = tables(rows, {}).splitlines()
    for line in (
        "| combinatorial | 0.2500 | 0.2500 |",
        "| solve | 0.5000 | 0.5000 |",
        "| cases | 2 | 2 |",
        "| hybrid | 1.0000 (1) | 1.0000 (1) |",
        "| brkga | 1.2500 (0) | 1.2500 (0) |",
    ):
        assert line in lines


def test_the_best_of_the_papers_bounds_is_taken_per_case() -> None:
    """Where all four were run; and beside the relaxations stands what they can be at most."""
    cells = (
        "a 2 combinatorial - 2 2 0 optimal",
        "a 2 exact - 6 2 0 optimal",
        "a 2 bottleneck - 4 2 0 optimal",
        "a 2 bottleneck_guess - 3 2 0 optimal",
        "b 2 combinatorial - 1 2 0 optimal",
        "b 2 exact - 2 2 0 optimal",
        "b 2 bottleneck - 4 2 0 optimal",
        "b 2 bottleneck_guess - 1 2 0 optimal",
    )
    rows = [{**row(cell), "ceiling": "7" if "bottleneck -" in cell else ""} for cell in cells]
    rows += [row("a 2 solve 8 8 5 1 optimal"), row("b 2 solve 8 8 5 1 optimal")]
    lines = tables(rows, {}).splitlines()
    for line in (
        "| exact | 0.4330 | 0.4330 |",
        "| bottleneck | 0.5000 | 0.5000 |",
        "| best of the paper's | 0.6124 | 0.6124 |",
        "| bottleneck, at most | 0.8750 | 0.8750 |",
    ):
        assert line in lines
    assert "best of the paper's" not in tables(rows[1:4] + rows[8:], {})


def test_nothing_is_said_of_methods_that_were_not_run() -> None:
    assert "Table" not in tables(SOLVED, {})
    assert tables([row("a 2 hybrid 5 - 4 10 time_limit")], {}).startswith("## Bottleneck / best partition")


def test_costs_of_zero_are_met_by_bounds_of_zero() -> None:
    rows = [row("a 2 solve 0 0 0 1 optimal"), row("a 2 hybrid 0 - 0 1 time_limit"), row("a 2 node - 0 0 1 optimal")]
    text = tables(rows, {})
    assert "| hybrid | 1.0000 (1) | 1.0000 (1) |" in text
    assert "| node | 1.0000 | 1.0000 |" in text


def test_a_search_without_a_partition_is_infinitely_worse() -> None:
    rows = [row("a 2 hybrid inf - 5 1 x"), row("a 2 anneal 4 - 5 1 x")]
    assert "| hybrid | inf (0) | inf (0) |" in tables(rows, {})


@pytest.mark.parametrize(
    "wrong",
    [
        "a 2 solve 8 7.001 5 1 time_limit",
        "a 2 solve 7.1 7.1 5 1 optimal",
        "a 2 solve 8 7 5 1 optimal",
        "a 2 solve 6.9 5 5 1 time_limit",
        "a 2 exact - 7.001 5 1 optimal",
        "a 2 hybrid 6.9 - 5 1 time_limit",
        "b 2 exact - 8.5 5 1 optimal",
        "c 2 solve 9 9.5 5 1 time_limit",
        "c 2 exact - 9.001 5 1 time_limit",
    ],
)
def test_a_row_that_cannot_be_true_is_named(wrong: str) -> None:
    """Beside a partition of b, a proven optimum of a, and a partition that is known of c."""
    optima = {("a", 2): Optimum(7.0, is_proven=True), ("c", 2): Optimum(9.0, is_proven=False)}
    fine = [
        row("b 2 hybrid 8 - 5 1 time_limit"),
        row("a 2 hybrid 7.00001 - 5 1 time_limit"),
        row("c 2 hybrid 8.9 - 5 1 x"),
    ]
    assert wrong_rows(fine, optima) == []
    named = row(wrong)
    assert wrong_rows([*fine, named], optima) == [named]
    assert tables([*fine, named], optima).endswith(f"1 wrong rows: {named['graph']} k = 2\n")
