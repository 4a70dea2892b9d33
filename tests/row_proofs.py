"""Proofs added up the slow way: every row written out, variable by variable."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from certificates import FREE, Relaxation, relax
from questions import Question

Variable = tuple[Any, ...]
Form = tuple[dict[Variable, int], int]
"""Coefficients by variable, and what their sum is at least."""


def prove(question: Question, relaxation: Relaxation, unit: int, rows: Iterable[list[Any]]) -> Relaxation | None:
    """The relaxation with a proof; None when there is none, as nothing satisfies the rows and there is no threshold."""
    proof: dict[str, Any] = {"unit": unit, "rows": sorted(rows), "lower_bound": 0}
    proved = relaxation | {"proof": proof}
    value = proof_value(question, proved)
    if value is None:
        return None
    proof["lower_bound"] = value
    return proved


def every_row(question: Question, relaxation: Relaxation) -> list[list[Any]]:
    """All rows that a proof may hold, without multipliers."""
    superblocks = range(len(relaxation["spans"]))
    rows: list[list[Any]] = [["order", v, j] for v in range(question.num_nodes) for j in superblocks]
    pairs = {
        (p, w) for p, readers in zip(question.producer, question.consumers, strict=True) if p >= 0 for w in readers
    }
    rows += [["before", u, v, i] for u, v in pairs for i in superblocks[1:]]
    for x, (p, readers) in enumerate(zip(question.producer, question.consumers, strict=True)):
        if p >= 0:
            world = [-1] if question.boundary_io and question.is_output[x] else []
            rows += [["export", x, w, j] for w in [*readers, *world] for j in superblocks]
        if p >= 0 or question.boundary_io:
            rows += [["import", x, w, j] for w in readers for j in superblocks]
    rows += [["cost", j] for j in superblocks if relaxation["spans"][j] is not None]
    if question.ticks.memory is not None:
        rows += [["overflow", j] for j in superblocks if relaxation["spans"][j] is not None]
    return rows if relaxation["demand"] is None else [*rows, ["demand"]]


def row_form(  # noqa: C901, PLR0912 - one case per kind of row
    question: Question, relaxation: Relaxation, unit: int, row: Sequence[Any]
) -> Form:
    """A row as the specification writes it; y[v, 0] = 0 and y[v, J] = 1 are moved to the right."""
    spans, ticks = relaxation["spans"], question.ticks
    left: defaultdict[Variable, int] = defaultdict(int)
    right = 0

    def add_y(v: int, i: int, factor: int) -> None:
        nonlocal right
        if i == len(spans):
            right -= factor
        elif i > 0:
            left["y", v, i] += factor

    def add_x(v: int, j: int, factor: int) -> None:
        add_y(v, j + 1, factor)
        add_y(v, j, -factor)

    match row:
        case ["order", v, j]:
            add_x(v, j, unit)
        case ["before", u, v, i]:
            add_y(u, i, unit)
            add_y(v, i, -unit)
        case ["export", x, w, j]:
            left["cut", x, j] += unit
            add_x(question.producer[x], j, -unit)
            if w != -1:
                add_x(w, j, unit)
        case ["import", x, w, j]:
            left["cut", x, j] += unit
            add_x(w, j, -unit)
            if question.producer[x] >= 0:
                add_x(question.producer[x], j, unit)
        case ["cost", j]:
            left[("t",)] += spans[j]
            left["over", j] -= 1
            for v in range(question.num_nodes):
                add_x(v, j, -ticks.work[v])
            for x, (p, readers) in enumerate(zip(question.producer, question.consumers, strict=True)):
                if question.boundary_io or (p >= 0 and readers):
                    left["cut", x, j] -= ticks.transfer[x]
        case ["overflow", j]:
            assert ticks.memory is not None
            left["over", j] += 1
            right -= spans[j] * ticks.memory
            for v in range(question.num_nodes):
                add_x(v, j, -ticks.params[v])
        case ["demand"]:
            right += question.mean_work
            for v in range(question.num_nodes):
                add_x(v, relaxation["demand"], ticks.work[v])
        case _:
            raise AssertionError(row)
    return left, right


def boxes(question: Question, relaxation: Relaxation) -> dict[tuple[int, int], tuple[int, int]]:
    """The least and largest y[v, i] that the threshold leaves."""
    spans, limit = relaxation["spans"], relaxation["threshold"]
    places = range(1, len(spans))
    if None in spans or not limit:
        return {(v, i): (0, 1) for v in range(question.num_nodes) for i in places}
    found = {}
    for v in range(question.num_nodes):
        last = question.num_blocks + 1 - _need(question, _closure(question, v, forward=True), limit)
        first = _need(question, _closure(question, v, forward=False), limit)
        for i in places:
            end = sum(spans[:i])
            found[v, i] = (1, 1) if last <= end else (0, 0) if first > end else (0, 1)
    return found


def _closure(question: Question, v: int, *, forward: bool) -> set[int]:
    closure = {v}
    while True:
        grown = set(closure)
        for p, readers in zip(question.producer, question.consumers, strict=True):
            if p >= 0 and forward and p in closure:
                grown |= set(readers)
            if p >= 0 and not forward and closure & set(readers):
                grown.add(p)
        if grown == closure:
            return closure
        closure = grown


def _need(question: Question, nodes: set[int], limit: int) -> int:
    ticks = question.ticks
    work, params = sum(ticks.work[v] for v in nodes), sum(ticks.params[v] for v in nodes)
    need = max(1, -(-work // limit))
    if ticks.memory is not None:
        need = max(need, -(-(work + params) // (limit + ticks.memory)))
    if question.memory_limit:
        need = max(need, -(-sum(question.param_bytes[v] for v in nodes) // question.memory_limit))
    return need


def inequality(question: Question, relaxation: Relaxation) -> tuple[int, int]:
    """The factor a and the right side n of the proof's a t >= n."""
    total: defaultdict[Variable, int] = defaultdict(int)
    right = 0
    for *row, multiplier in relaxation["proof"]["rows"]:
        left, least = row_form(question, relaxation, relaxation["proof"]["unit"], row)
        right += multiplier * least
        for variable, factor in left.items():
            total[variable] += multiplier * factor
    factor_of_t = total.pop(("t",), 0)
    box = boxes(question, relaxation)
    for variable, factor in total.items():
        match variable:
            case ["y", v, i]:
                low, high = box[v, i]
            case ["cut", _, _]:
                low, high = 0, 1
            case _:
                low, high = 0, sum(question.ticks.params)
        right -= max(factor * low, factor * high)
    return factor_of_t, right


def proof_value(question: Question, relaxation: Relaxation) -> int | None:
    """What the proof proves; None when it is absurd."""
    factor, right = inequality(question, relaxation)
    threshold: int | None = relaxation["threshold"]
    if factor == 0 and right > 0:
        return threshold
    ticks = question.ticks
    step = math.gcd(*ticks.work, *ticks.transfer, *ticks.params, ticks.memory or 0)
    value = 0
    if factor > 0 and step > 0:
        value = max(0, -(-right // factor))
        value += -value % step
    return value if threshold is None else min(value, threshold)


def random_relaxation(question: Question, random: random.Random, thresholds: Sequence[int | None]) -> Relaxation:
    """Any shape, any threshold of those given, and no proof."""
    threshold = random.choice(thresholds)
    if random.random() < 0.25:
        return relax(FREE, demand=1, threshold=threshold)
    spans: list[int] = []
    while sum(spans) < question.num_blocks:
        spans.append(random.choice([1, random.randint(1, question.num_blocks - sum(spans))]))
    demands = [None, *(j for j, span in enumerate(spans) if span == 1)]
    return relax(spans, demand=random.choice(demands), threshold=threshold)


def random_rows(question: Question, relaxation: Relaxation, random: random.Random) -> list[list[Any]]:
    """Any rows with any multipliers."""
    rows = every_row(question, relaxation)
    chosen = random.sample(rows, random.randint(0, len(rows))) if random.random() < 0.8 else rows
    return [[*row, random.choice([1, 1, 2, 3, 1000])] for row in chosen]
